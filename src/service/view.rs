//! What the status server shows of the running service.

use jiff::Timestamp;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::collect::schedule::StreamStatus;
use crate::observe::{About, Live, Pulse, Status, assemble, reasons};
use crate::store::Store;

/// Where the status comes from.
pub(super) struct View {
    pub(super) store: Store,
    pub(super) about: About,
    pub(super) streams: Vec<watch::Receiver<StreamStatus>>,
    pub(super) pulse: watch::Receiver<Pulse>,
    pub(super) started: Timestamp,
    pub(super) clock: Clock,
}

impl View {
    /// Why it is not alive, or, if that is asked, not ready; nothing when it is.
    pub(super) async fn ailments(&self, ready: bool) -> Vec<String> {
        if let Err(why) = self.pulse.borrow().check() {
            return vec![why];
        }
        if !ready {
            return Vec::new();
        }
        match self.status().await {
            Ok(status) => reasons(&status).into_iter().map(|reason| reason.message).collect(),
            Err(failure) => vec![format!("the store can't be read: {failure}")],
        }
    }

    pub(super) async fn status(&self) -> Result<Status, String> {
        let snapshot = self.store.snapshot().await.map_err(|failure| failure.to_string())?;
        let live = Live {
            started: self.started,
            streams: self.streams.iter().map(|status| status.borrow().clone()).collect(),
            level: *self.store.level().borrow(),
        };
        Ok(assemble(&snapshot, &self.about, Some(&live), self.clock.now()))
    }
}
