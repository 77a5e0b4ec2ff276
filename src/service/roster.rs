//! The roster: what is collected and delivered to now. One value that a reload replaces as a whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;

use super::about;
use super::account::Account;
use super::sink::Sink;
use super::source::Source;
use crate::collect::schedule::StreamStatus;
use crate::config::Config;
use crate::deliver::SinkStatus;
use crate::observe::About;

/// Where the roster of the moment is read.
pub(super) type Roll = watch::Receiver<Arc<Roster>>;

/// Every source and sink that runs.
#[derive(Default)]
pub(super) struct Roster {
    /// What the configuration says of them.
    pub(super) about: About,
    /// By the name of their source. What works with one while it runs watches its `stop`.
    pub(super) accounts: BTreeMap<String, Arc<Account>>,
    sinks: Vec<watch::Receiver<SinkStatus>>,
}

impl Roster {
    pub(super) fn new(config: &Config, sources: &[Source], sinks: &[Sink]) -> Self {
        let account = |source: &Source| (source.settings.name.clone(), Arc::clone(&source.account));
        Self {
            about: about(config),
            accounts: sources.iter().map(account).collect(),
            sinks: sinks.iter().map(|sink| sink.status.clone()).collect(),
        }
    }

    /// What every stream is doing.
    pub(super) fn streams(&self) -> Vec<StreamStatus> {
        let streams = self.accounts.values().flat_map(|account| &account.streams);
        streams.map(|stream| stream.status.borrow().clone()).collect()
    }

    /// What every sink is doing.
    pub(super) fn sinks(&self) -> Vec<SinkStatus> {
        self.sinks.iter().map(|status| status.borrow().clone()).collect()
    }
}
