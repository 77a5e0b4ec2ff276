//! `auditferry run`: the daemon, or one complete poll.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::Config;
use crate::service::{Reload, Service, Stop, run_daemon};

pub(super) const EXAMPLES: &str = "SIGTERM and SIGINT stop it in order, a second one at once. It goes on where it was: \
    what is on disk is neither lost nor collected twice.\n\n\
    Examples:\n  \
    auditferry run\n  \
    auditferry --config /etc/auditferry/other.toml run\n  \
    auditferry run --once --timeout 30m";

/// Polls and delivers until told to stop. A reload reads `path` again.
pub(super) async fn daemon(config: Config, path: PathBuf, reload: Reload, stop: Stop) -> anyhow::Result<()> {
    Ok(Box::pin(run_daemon(config, move || Config::load(&path), reload, stop)).await?)
}

/// One complete poll of every stream; ends when every sink has accepted every event.
pub(super) async fn once(config: Config, limit: Duration, stop: Stop) -> anyhow::Result<()> {
    let service = Service::start_unseen(config).await?;
    Ok(service.run_once(limit, stop).await?)
}
