//! Another configuration while the service runs: only what is different in it restarts.
//!
//! A reload never leaves less running than before. Everything that can fail comes first ([`Service::prepare`]), and when
//! it does, nothing has changed. Then what went or changed is stopped in order, and what is new takes its place
//! ([`Service::switch`]); a sink and a stream go on from the store, so nothing is lost. A source or sink that is the same
//! in both configurations is not touched. The first configuration is taken up in the same way, from nothing.

use futures_util::future::join_all;

use super::daemon::Supervisor;
use super::roster::Roster;
use super::sink::{IdleSink, Sink};
use super::source::Source;
use super::{Service, ServiceError, store_options};
use crate::config::{self, Config};
use crate::event::StreamName;
use crate::meter::Meter;
use crate::store::SinkRegistration;

/// What is new or different, not running yet.
pub(super) struct Fresh {
    sources: Vec<Source>,
    sinks: Vec<IdleSink>,
}

impl Service {
    /// Works with `config` from now on, or, when something of it does not start, as before; the SIEM is told which.
    ///
    /// # Errors
    /// When the store fails in between.
    pub(super) async fn take_up(
        &mut self,
        config: Config,
        supervisor: &Supervisor,
    ) -> Result<(), ServiceError> {
        let event = match self.prepare(&config).await {
            Ok(fresh) => {
                let change = changes(&self.config, &config);
                self.switch(fresh, config).await?;
                self.start_polling();
                supervisor.accept(change)
            }
            Err(failure) => {
                forget(&self.tools.meter, &config, &self.config);
                supervisor.reject(format!("it is valid, but does not start: {failure}"))
            }
        };
        self.record(&event).await;
        supervisor.manager.ready().await;
        Ok(())
    }

    /// Does everything that can fail.
    ///
    /// # Errors
    /// When something of `config` does not start. Nothing has changed then.
    pub(super) async fn prepare(&mut self, config: &Config) -> Result<Fresh, ServiceError> {
        for warning in &config.warnings {
            tracing::warn!(code = "configuration-warning", "{warning}");
        }
        let mut fresh = Fresh { sources: Vec::new(), sinks: Vec::new() };
        for settings in &config.sources {
            if !self.sources.iter().any(|running| running.settings == *settings) {
                fresh.sources.push(Source::new(settings, &self.tools).await?);
            }
        }
        for settings in &config.sinks {
            if !self.sinks.iter().any(|running| running.settings == *settings) {
                fresh.sinks.push(IdleSink::new(settings).await?);
            }
        }
        self.server.change(config).await?;
        // The last: from here on what no sink waits for any more may go.
        if let Err(failure) = self.tools.store.register_sinks(registrations(config)).await {
            self.server.change(&self.config).await?;
            return Err(failure.into());
        }
        Ok(fresh)
    }

    /// Ends what went or changed, starts the fresh sinks, and has the fresh sources ready to be polled.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn switch(&mut self, fresh: Fresh, config: Config) -> Result<(), ServiceError> {
        let gone = self.sources.extract_if(.., |running| !config.sources.contains(&running.settings));
        join_all(gone.collect::<Vec<_>>().iter_mut().map(Source::stop)).await;
        let gone = self.sinks.extract_if(.., |running| !config.sinks.contains(&running.settings));
        join_all(gone.collect::<Vec<_>>().iter_mut().map(Sink::stop)).await;
        self.tools.store.limit(store_options(&config.spool)).await?;
        for sink in fresh.sinks {
            self.sinks.push(sink.start(&self.tools, self.drain.clone()).await?);
        }
        self.sources.extend(fresh.sources);
        forget(&self.tools.meter, &self.config, &config);
        self.config = config;
        self.roster.send_replace(Roster::new(&self.config, &self.sources, &self.sinks).into());
        Ok(())
    }
}

fn registrations(config: &Config) -> Vec<SinkRegistration> {
    let registration =
        |sink: &config::Sink| SinkRegistration { name: sink.name.clone(), sources: sink.sources.clone() };
    config.sinks.iter().map(registration).collect()
}

/// Takes the metrics of what is in one configuration and not in the other away: a series that nobody moves any more
/// would keep an alert.
fn forget(meter: &Meter, of: &Config, but: &Config) {
    for source in &of.sources {
        let kept = but.sources.iter().find(|kept| kept.name == source.name);
        for stream in &source.streams {
            if !kept.is_some_and(|kept| kept.streams.contains(stream)) {
                meter.forget_stream(&StreamName { source: source.name.clone(), stream: stream.clone() });
            }
        }
        if kept.is_none() {
            meter.forget_account(&source.name);
        }
    }
    for sink in &of.sinks {
        if !but.sinks.iter().any(|kept| kept.name == sink.name) {
            meter.forget_sink(&sink.name);
        }
    }
}

/// Whether nothing would change.
pub(super) fn is_same(one: &Config, other: &Config) -> bool {
    let words = |config: &Config| Config { warnings: Vec::new(), ..config.clone() };
    words(one) == words(other)
}

/// The parts of a configuration that have no name of their own.
fn unnamed(config: &Config) -> Config {
    Config { sources: Vec::new(), sinks: Vec::new(), warnings: Vec::new(), ..config.clone() }
}

/// What is different, in names alone: values may be secrets.
fn changes(before: &Config, after: &Config) -> String {
    let mut changes =
        named("source", &before.sources, &after.sources, |source: &config::Source| &source.name);
    changes.extend(named("sink", &before.sinks, &after.sinks, |sink: &config::Sink| &sink.name));
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
