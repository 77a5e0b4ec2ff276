//! What others can see of a running or stopped auditferry: its status as a value, its health, and both over
//! HTTP with a page for people.
//!
//! [`assemble`] turns what the store keeps and what the loops say into one [`Status`]; everything else only
//! reads that value: [`reasons`] judges it for `/readyz`, [`Server`] shows it, `auditferry status` prints it.

mod assemble;
mod connection;
mod health;
pub mod human;
mod metrics;
mod page;
mod problem;
mod pulse;
mod runbook;
mod server;
mod status;
mod summary;

pub use assemble::{About, AboutSink, AboutStream, Live, assemble};
pub use health::{Reason, reasons};
pub use pulse::Pulse;
pub use server::Server;
pub use status::{
    Collected, GapStatus, LastPoll, Problem, ProblemCode, SinkCondition, SinkStatus, SpoolStatus, State,
    Status, StoreStatus, StreamCondition, StreamStatus,
};
pub use summary::summary;

#[cfg(test)]
pub(crate) mod samples;
