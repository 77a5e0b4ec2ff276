//! cli
pub(crate) mod check;
pub(crate) mod config;
