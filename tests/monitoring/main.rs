//! What watches auditferry: metrics, alert rules, dashboard, status page, runbook, log codes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may panic and print"
)]

mod dashboard;
mod errors;
mod exposed;
mod logs;
mod metrics;
mod page;
mod prometheus;
mod promql;
mod promtool;
#[path = "../end_to_end/rig.rs"]
#[allow(dead_code, reason = "the other tests need more of it")]
mod rig;
mod rules;
mod runbook;
#[path = "../events/tools.rs"]
#[allow(dead_code, reason = "the other tests need more of it")]
mod tools;
