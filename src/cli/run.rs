//! `auditferry run`: the daemon, or one complete poll.

use std::time::Duration;

use crate::config::Config;
use crate::service::{Service, Stop};

/// Polls and delivers until told to stop.
pub(super) async fn daemon(config: Config, stop: Stop) -> anyhow::Result<()> {
    let service = Service::start(config).await?;
    Ok(service.run(stop).await?)
}

/// One complete poll of every stream; ends when every sink has accepted every event.
pub(super) async fn once(config: Config, limit: Duration, stop: Stop) -> anyhow::Result<()> {
    let service = Service::start(config).await?;
    Ok(service.run_once(limit, stop).await?)
}
