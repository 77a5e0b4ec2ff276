//! Documents that were taken, but not into the data stream.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Between two lines of the log.
const SAID_EVERY: Duration = Duration::from_secs(60);

/// Counts them and says so now and then.
#[derive(Debug, Default)]
pub(super) struct FailureStore {
    /// Held for a moment, never across an await.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Since the last line.
    unsaid: usize,
    said: Option<Instant>,
}

impl FailureStore {
    /// So many more documents went there.
    pub(super) fn count(&self, documents: usize, sink: &str, host: &str) {
        if let Some(events) = self.due(documents) {
            tracing::warn!(
                code = "events-in-failure-store",
                sink,
                host,
                events,
                "Elasticsearch has put events into its failure store, where searches of the data stream do not see \
                 them: look into <data stream>::failures for the reason"
            );
        }
    }

    /// How many to tell of, when it is time.
    pub(super) fn due(&self, documents: usize) -> Option<usize> {
        if documents == 0 {
            return None;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.unsaid += documents;
        if state.said.is_some_and(|said| said.elapsed() < SAID_EVERY) {
            return None;
        }
        state.said = Some(Instant::now());
        Some(std::mem::take(&mut state.unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_is_said_at_once_and_then_once_a_minute_with_the_count() {
        let store = FailureStore::default();
        assert_eq!(store.due(0), None);
        assert_eq!(store.due(3), Some(3));
        assert_eq!((store.due(2), store.due(5)), (None, None));
        tokio::time::advance(SAID_EVERY).await;
        assert_eq!(store.due(0), None, "nothing new");
        assert_eq!(store.due(1), Some(8));
    }
}
