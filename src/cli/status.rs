//! `auditferry status`: how collecting and delivering go, with the daemon running or stopped.

mod text;
pub(super) mod watch;

use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, bail};
use jiff::Timestamp;

use crate::config::Config;
use crate::observe::{Status, assemble};
use crate::service;
use crate::store::{Snapshot, Store};

pub(super) const EXAMPLES: &str = "It reads the state directory and asks nobody. The exit code is 0 whatever it shows; \
    `auditferry health --ready` is for alarms.\n\n\
    Examples:\n  \
    auditferry status\n  \
    auditferry status --watch\n  \
    auditferry status --watch 10s --output json | jq -c '.sinks[] | {name, waiting}'";

/// `--output`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum Output {
    /// For people.
    #[default]
    Text,
    /// For scripts.
    Json,
}

/// Prints the status of the configuration's state directory.
///
/// # Errors
/// When there is no state directory yet, it can't be read, or the output can't be written.
pub(crate) async fn run(config: &Config, output: Output) -> anyhow::Result<()> {
    let status = look(config).await?;
    let shown = match output {
        Output::Text => text::show(&status),
        Output::Json => serde_json::to_string_pretty(&status)? + "\n",
    };
    io::stdout().lock().write_all(shown.as_bytes()).context("can't write to standard output")
}

/// The status of the configuration's state directory, now.
async fn look(config: &Config) -> anyhow::Result<Status> {
    let state_dir = config.state_dir.clone();
    let (snapshot, running) = tokio::task::spawn_blocking(move || read(&state_dir)).await??;
    Ok(assemble(&snapshot, &service::about(config), None, Timestamp::now()).with_daemon(running))
}

fn read(state_dir: &Path) -> anyhow::Result<(Snapshot, bool)> {
    must_be_readable(state_dir)?;
    let place = state_dir.display();
    let snapshot =
        Store::read_snapshot(state_dir).with_context(|| format!("can't read the state in {place}"))?;
    Ok((snapshot, is_held(state_dir)))
}

/// An error that says what to do when there is no state directory or it is somebody else's.
pub(super) fn must_be_readable(state_dir: &Path) -> anyhow::Result<()> {
    let place = state_dir.display();
    match state_dir.read_dir() {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => bail!(
            "the state directory {place} does not exist: auditferry has not run with this configuration yet. \
             Start it with `auditferry run`, or name the daemon's configuration with --config"
        ),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => bail!(
            "the state directory {place} can't be read: it belongs to the daemon's user. Give the command as \
             that user, or with sudo"
        ),
        Err(error) => Err(error).with_context(|| format!("can't read the state directory {place}")),
    }
}

/// Whether a process holds the state directory. A shared lock, for an instant, fails against the daemon's own
/// and against nobody else's who only looks.
pub(super) fn is_held(state_dir: &Path) -> bool {
    let Ok(lock) = File::open(state_dir.join("lock")) else { return false };
    matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock))
}

#[cfg(test)]
mod tests;
