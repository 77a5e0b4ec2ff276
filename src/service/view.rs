//! What the status server shows of the running service.

use jiff::Timestamp;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::collect::schedule::StreamStatus;
use crate::deliver::SinkStatus;
use crate::observe::{About, Live, Status, assemble};
use crate::store::Store;

/// Where the status comes from.
pub(super) struct View {
    pub(super) store: Store,
    pub(super) about: About,
    pub(super) streams: Vec<watch::Receiver<StreamStatus>>,
    pub(super) sinks: Vec<watch::Receiver<SinkStatus>>,
    pub(super) started: Timestamp,
    pub(super) clock: Clock,
}

impl View {
    pub(super) async fn status(&self) -> Result<Status, String> {
        let snapshot = self.store.snapshot().await.map_err(|failure| failure.to_string())?;
        let live = Live {
            started: self.started,
            streams: self.streams.iter().map(|status| status.borrow().clone()).collect(),
            sinks: self.sinks.iter().map(|status| status.borrow().clone()).collect(),
            level: *self.store.level().borrow(),
            store_failure: self.store.failure().borrow().clone(),
        };
        Ok(assemble(&snapshot, &self.about, Some(&live), self.clock.now()))
    }
}
