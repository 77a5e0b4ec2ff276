//! `auditferry health`: whether the running daemon works, for container health checks and monitors.

use std::io::{self, Write};

use anyhow::Context;

use crate::config::Config;
use crate::service;

pub(super) const EXAMPLES: &str = "Examples:\n  \
    auditferry health\n  \
    auditferry health --ready || echo 'call somebody'";

/// Prints one word and succeeds, or prints what is wrong, a line each, and fails.
///
/// # Errors
/// When standard output can't be written.
pub(super) async fn run(config: &Config, ready: bool) -> anyhow::Result<bool> {
    let ailments = match service::health(config, ready).await {
        Ok(ailments) => ailments,
        Err(failure) => vec![failure.to_string()],
    };
    let is_well = ailments.is_empty();
    let said = match (is_well, ready) {
        (true, true) => "ready".to_owned(),
        (true, false) => "alive".to_owned(),
        (false, _) => ailments.join("\n"),
    };
    writeln!(io::stdout().lock(), "{said}").context("can't write to standard output")?;
    Ok(is_well)
}
