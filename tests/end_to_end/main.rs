//! The real binary against the simulator, over real HTTP: the promises of the contract, seen from outside.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

mod once;
mod rig;
