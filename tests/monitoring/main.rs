//! What watches auditferry: metrics, alert rules, dashboard, status page, runbook, log codes.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod dashboard;
mod logs;
mod metrics;
mod page;
mod rules;
mod runbook;
