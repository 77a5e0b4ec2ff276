//! What the status server shows of the running service.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::watch;

use super::roster::Roll;
use crate::clock::Clock;
use crate::observe::{Live, Pulse, Status, assemble, reasons};
use crate::store::Store;

/// Where the status comes from.
pub(super) struct View {
    pub(super) store: Store,
    pub(super) roll: Roll,
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
        let roster = Arc::clone(&self.roll.borrow());
        let live = Live {
            started: self.started,
            streams: roster.streams(),
            sinks: roster.sinks(),
            level: *self.store.level().borrow(),
            store_failure: self.store.failure().borrow().clone(),
        };
        Ok(assemble(&snapshot, &roster.about, Some(&live), self.clock.now()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;
    use std::time::Duration;

    use super::*;
    use crate::event::{EventId, NewEvent, StreamName};
    use crate::observe::{ProblemCode, reasons};
    use crate::store::{Faults, StoreOptions};

    #[tokio::test]
    async fn a_disk_without_room_makes_it_not_ready_until_there_is_some() {
        let directory = tempfile::tempdir().unwrap();
        let faults = Faults::default();
        let options = StoreOptions { max_size: 1 << 30, retention: Duration::from_secs(60) };
        let store = Store::open_for_test(directory.path(), &options, &faults).unwrap();
        let name = StreamName { source: "crm".to_owned(), stream: "login".to_owned() };
        let stream = store.stream(&name).await.unwrap().id;
        let view = View {
            store: store.clone(),
            roll: watch::channel(Arc::default()).1,
            pulse: watch::channel(Pulse::beat()).1,
            started: Timestamp::now(),
            clock: Clock::System,
        };
        let codes = async || -> Vec<_> {
            let status = view.status().await.unwrap();
            assert!(status.store.size_bytes > 0);
            reasons(&status).into_iter().map(|reason| reason.code).collect()
        };
        let large = || NewEvent {
            id: EventId::from_bytes([1; 16]),
            time: None,
            core: "x".repeat(1 << 20),
            original: String::new(),
        };
        assert_eq!(codes().await, []);
        faults.no_room.store(true, Ordering::Relaxed);
        assert!(store.commit_page(stream, vec![large()]).await.unwrap().done().await.is_err());
        assert_eq!(codes().await, [ProblemCode::StoreFailing]);
        faults.no_room.store(false, Ordering::Relaxed);
        store.commit_page(stream, vec![large()]).await.unwrap().done().await.unwrap();
        assert_eq!(codes().await, []);
    }
}
