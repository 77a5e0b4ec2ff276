//! The daemon: one service after the other in the same process, a new one for each new configuration.
//!
//! A reload never leaves less running than before. What is read is checked as a whole first; what is different is
//! started only when the service before has ended in order, since two can't have one state directory; and
//! when it does not start, the one before is started again. Restarting only what has changed would be kinder
//! to what has not, but nothing is lost this way either: every service goes on from the store.

use std::sync::Arc;

use tokio::sync::{Notify, watch};

use super::manager::Manager;
use super::{Ended, Service, ServiceError, Stop, notices};
use crate::clock::Clock;
use crate::config::{Config, Fault, Faults, Sink, Source};
use crate::event::OwnEvent;
use crate::store::Store;

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
    let Some(service) = stop.run_until_cancelled(supervisor.start(config)).await else { return Ok(()) };
    let (mut service, mut opening) = (service?, OwnEvent::Started);
    loop {
        let before = Arc::clone(&service.config);
        match service.serve(&opening, &supervisor, &stop).await? {
            Ended::Told => return Ok(()),
            Ended::Changed(config) => (service, opening) = supervisor.replace(&before, config).await?,
        }
    }
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

    async fn start(&self, config: Config) -> Result<Service, ServiceError> {
        // Boxed: starting holds much, waiting for a signal little.
        Box::pin(self.manager.patiently(Service::start(config))).await
    }

    /// Waits for a configuration that is good and different from the one in force. All others are answered here.
    pub(super) async fn changed(&self, current: &Config, store: &Store, clock: &Clock) -> Config {
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
            notices::record(store, clock, &self.reject(reason)).await;
            self.manager.ready().await;
        }
    }

    /// A service with the new configuration, or, when that does not start, with the one before; and the event
    /// that tells which.
    async fn replace(&self, before: &Config, config: Config) -> Result<(Service, OwnEvent), ServiceError> {
        let change = changes(before, &config);
        match self.start(config).await {
            Ok(service) => {
                tracing::info!(code = "configuration-reloaded", change, "working with the new configuration");
                self.rejected.send_replace(None);
                Ok((service, OwnEvent::ConfigurationReloaded { change }))
            }
            Err(failure) => {
                let rejected = self.reject(format!("it is valid, but does not start: {failure}"));
                Ok((self.start(before.clone()).await?, rejected))
            }
        }
    }

    fn reject(&self, reason: String) -> OwnEvent {
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

/// The parts of a configuration that have no name of their own.
fn unnamed(config: &Config) -> Config {
    Config { sources: Vec::new(), sinks: Vec::new(), warnings: Vec::new(), ..config.clone() }
}

fn is_same(one: &Config, other: &Config) -> bool {
    let words = |config: &Config| Config { warnings: Vec::new(), ..config.clone() };
    words(one) == words(other)
}

/// What is different, in names alone: values may be secrets.
fn changes(before: &Config, after: &Config) -> String {
    let mut changes = named("source", &before.sources, &after.sources, |source: &Source| &source.name);
    changes.extend(named("sink", &before.sinks, &after.sinks, |sink: &Sink| &sink.name));
    if before.spool != after.spool {
        changes.push("spool changed".to_owned());
    }
    let (spool, with_spool) = (after.spool.clone(), unnamed(before));
    if (Config { spool, ..with_spool }) != unnamed(after) {
        changes.push("server changed".to_owned());
    }
    if changes.is_empty() {
        changes.push("another order of sources or sinks".to_owned());
    }
    changes.join(", ")
}

fn named<T: PartialEq>(kind: &str, before: &[T], after: &[T], name: impl Fn(&T) -> &String) -> Vec<String> {
    let find = |among: &[T], one: &T| among.iter().position(|other| name(other) == name(one));
    let fate = |one: &T| match find(before, one).and_then(|index| before.get(index)) {
        None => Some(format!("{kind} {} added", name(one))),
        Some(other) => (other != one).then(|| format!("{kind} {} changed", name(one))),
    };
    let gone = before.iter().filter(|one| find(after, one).is_none());
    let gone = gone.map(|one| format!("{kind} {} removed", name(one)));
    after.iter().filter_map(fate).chain(gone).collect()
}

#[cfg(test)]
mod tests;
