//! Every example event, in every format, and the content in `deploy/` that is made for them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may panic and print"
)]

mod difference;
mod document;
mod ecs;
mod elastic;
mod fuzz;
mod golden;
mod ocsf;
mod redaction;
mod sigma;
mod splunk;
mod text;
mod tools;
