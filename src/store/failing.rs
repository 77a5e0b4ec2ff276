//! Whether commits fail, told until they work again.

use tokio::sync::watch;

use super::StoreError;

/// What the writer tells of its commits.
#[derive(Debug)]
pub(super) struct Failing {
    told: watch::Sender<Option<String>>,
    /// Whether events are among what could not be committed. A full disk still has room for a cursor or a sink's
    /// position now and then; then only events that were committed prove that it works again.
    of_events: bool,
}

impl Failing {
    pub(super) fn new() -> (Self, watch::Receiver<Option<String>>) {
        let (told, failure) = watch::channel(None);
        (Self { told, of_events: false }, failure)
    }

    /// A commit failed, of events or of something else.
    pub(super) fn failed(&mut self, error: &StoreError, of_events: bool) {
        self.of_events |= of_events;
        if self.told.send_replace(Some(error.to_string())).is_none() {
            tracing::error!(code = "store-failing", %error, "what was collected or delivered can't be kept; it is tried again");
        }
    }

    /// Something is on disk, with events or without.
    pub(super) fn succeeded(&mut self, with_events: bool) {
        if with_events || !self.of_events {
            self.of_events = false;
            if self.told.send_if_modified(|failure| failure.take().is_some()) {
                tracing::info!(code = "store-recovered", "the store can be written again");
            }
        }
    }
}
