//! The real binary against real syslog receivers: rsyslog and syslog-ng as Debian packages them.
//!
//! A test whose receiver is not installed says so and passes, unless `AUDITFERRY_RECEIVERS=required` is set.
//! syslog-ng can't be installed beside rsyslog: `AUDITFERRY_SYSLOG_NG` names the directory where its package is
//! unpacked.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may panic and print"
)]

mod certificates;
mod encrypted;
mod nasty;
mod receiver;
mod restarts;
#[path = "../end_to_end/rig.rs"]
#[allow(dead_code, reason = "the other tests need more of it")]
mod rig;
mod rsyslog;
mod sending;
mod syslog_ng;
mod tally;
mod text;
mod whole;
