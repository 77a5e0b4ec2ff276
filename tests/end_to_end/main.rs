//! The real binary against the simulator, over real HTTP: the promises of the contract, seen from outside.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may panic and print"
)]

mod backfill;
mod brevo;
mod check;
mod configuration;
mod crash;
mod credentials;
mod dead_letters;
mod elastic;
mod health;
mod mirrored;
mod oddities;
mod once;
mod outages;
mod preview;
mod receivers;
mod reconcile;
mod redaction;
mod reload;
mod replay;
mod rig;
mod running;
mod several;
mod splunk;
mod state;
mod syslog;
mod webhook;
