//! auditferry carries SaaS audit events to a SIEM: nothing lost, nothing doubled.

pub mod backoff;
pub mod budget;
pub mod clock;
pub mod collect;
pub mod config;
pub mod deliver;
pub mod encode;
pub mod event;
pub mod exchange;
pub mod http;
pub mod observe;
pub mod provider;
pub mod service;
pub mod simulator;
pub mod sink;
pub mod store;

pub mod cli;
