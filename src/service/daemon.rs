//! The daemon: the service with who may have it take up another configuration, and who watches it.

use std::sync::Arc;

use tokio::sync::{Notify, watch};

use super::manager::Manager;
use super::reload::is_same;
use super::{Service, ServiceError, Stop, Tools, notices};
use crate::config::{Config, Fault, Faults};
use crate::event::OwnEvent;

/// Faults that an event tells; the log has them all.
const MOST_TOLD: usize = 5;

/// Told by SIGHUP to read the configuration again. Signals that come while one is obeyed count as one.
pub type Reload = Arc<Notify>;

/// Reads the configuration again.
type Load = Arc<dyn Fn() -> Result<Config, Faults> + Send + Sync>;

/// Polls and delivers until `stop`; at each `reload` with what `load` reads, if that is different and works. A
/// service manager is kept informed.
///
/// # Errors
/// When the service can't start, a task ends that should not, or the store fails at the end.
pub async fn run(
    config: Config,
    load: impl Fn() -> Result<Config, Faults> + Send + Sync + 'static,
    reload: Reload,
    stop: Stop,
) -> Result<(), ServiceError> {
    let supervisor = Supervisor {
        load: Arc::new(load),
        reload,
        manager: Manager::of_this_process(),
        rejected: watch::Sender::new(None),
    };
    // Boxed: starting holds much, waiting for a signal little.
    let starting = Box::pin(supervisor.manager.patiently(Service::start(config)));
    let Some(service) = stop.run_until_cancelled(starting).await else { return Ok(()) };
    service?.serve(&supervisor, &stop).await
}

/// What a running service asks and tells around it.
pub(super) struct Supervisor {
    load: Load,
    reload: Reload,
    pub(super) manager: Manager,
    /// Why the last configuration that was read again is not in force; for the status line.
    pub(super) rejected: watch::Sender<Option<String>>,
}

impl Supervisor {
    /// For a service that nobody reloads and no service manager watches.
    pub(super) fn absent() -> Self {
        Self {
            load: Arc::new(|| Err(Faults(Vec::new()))),
            reload: Reload::default(),
            manager: Manager::default(),
            rejected: watch::Sender::new(None),
        }
    }

    /// Waits for a configuration that is good and different from the one in force. All others are answered here.
    pub(super) async fn changed(&self, current: &Config, tools: &Tools) -> Config {
        loop {
            self.reload.notified().await;
            tracing::info!(code = "reloading", "SIGHUP: reading the configuration again");
            self.manager.reloading().await;
            let load = Arc::clone(&self.load);
            // Reads files and secrets.
            let loaded = tokio::task::spawn_blocking(move || load()).await;
            let reason = match loaded {
                Ok(Ok(config)) if is_same(current, &config) => {
                    tracing::info!(
                        code = "configuration-unchanged",
                        "the configuration is the same as before"
                    );
                    self.rejected.send_replace(None);
                    self.manager.ready().await;
                    continue;
                }
                Ok(Ok(config)) if config.state_dir != current.state_dir => format!(
                    "state_dir can't change from {} to {} while it runs: stop it, move the directory, start it",
                    current.state_dir.display(),
                    config.state_dir.display()
                ),
                Ok(Ok(config)) => return config,
                Ok(Err(Faults(faults))) => {
                    for Fault { key, origin, problem, hint } in &faults {
                        let hint = hint.as_deref().unwrap_or_default();
                        tracing::error!(code = "configuration-rejected", key, origin, hint, "{problem}");
                    }
                    told(&faults)
                }
                Err(failure) => format!("it can't be read: {failure}"),
            };
            notices::record(&tools.store, &tools.clock, &self.reject(reason)).await;
            self.manager.ready().await;
        }
    }

    /// Tells that another configuration is in force, of which this is different.
    pub(super) fn accept(&self, change: String) -> OwnEvent {
        tracing::info!(
            code = "configuration-reloaded",
            change,
            "working with the new configuration; nothing but what changed was touched"
        );
        self.rejected.send_replace(None);
        OwnEvent::ConfigurationReloaded { change }
    }

    /// Tells that the other configuration is not in force.
    pub(super) fn reject(&self, reason: String) -> OwnEvent {
        tracing::error!(
            code = "configuration-rejected",
            reason,
            "the new configuration is rejected: going on with the one before; mend the file and reload again"
        );
        self.rejected.send_replace(Some(format!("the new configuration is rejected: {reason}")));
        OwnEvent::ConfigurationRejected { reason }
    }
}

/// The faults in one line.
fn told(faults: &[Fault]) -> String {
    let mut lines: Vec<String> = faults
        .iter()
        .take(MOST_TOLD)
        .map(|Fault { key, origin, problem, .. }| match key.as_str() {
            "" => format!("{problem} (in {origin})"),
            key => format!("{key}: {problem} (in {origin})"),
        })
        .collect();
    if faults.len() > MOST_TOLD {
        lines.push(format!("and {} more, see the log", faults.len() - MOST_TOLD));
    }
    lines.join("; ")
}

#[cfg(test)]
mod tests;
