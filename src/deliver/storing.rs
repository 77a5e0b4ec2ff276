//! What the worker puts on disk, and what it does while the store fails.

use std::ops::ControlFlow;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::ledger::Progress;
use super::{Spool, Worker};
use crate::store::{SinkNote, StoreError};

impl<S: Spool> Worker<S> {
    /// Puts on disk what is settled in a row. When told to stop before that works, it is left for the next
    /// time.
    pub(super) async fn save_progress(&mut self, stop: &CancellationToken) -> Result<(), StoreError> {
        while let Some(progress) = self.flights.progress() {
            let Progress { position, accepted, refused } = progress.clone();
            match self.deliveries.beside(self.spool.advance(position, accepted, refused)).await {
                Ok(()) => {
                    let (progress, batches) = self.flights.saved();
                    if let Some(progress) = progress {
                        self.reporter.advanced(&progress, batches);
                    }
                    self.store_backoff.reset();
                    self.is_read_out = false;
                }
                Err(error) => {
                    if self.wait_for_store(error, stop).await?.is_break() {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    /// The same for returned dead letters.
    pub(super) async fn save_letters(&mut self, stop: &CancellationToken) -> Result<(), StoreError> {
        loop {
            match self.deliveries.beside(self.letters.save()).await {
                Ok(None) => return Ok(()),
                Ok(Some(progress)) => {
                    self.reporter.settled(&progress);
                    self.store_backoff.reset();
                    self.is_read_out = false;
                }
                Err(error) => {
                    if self.wait_for_store(error, stop).await?.is_break() {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Waits for a store that fails in passing (no room, a busy disk).
    async fn wait_for_store(
        &mut self,
        error: StoreError,
        stop: &CancellationToken,
    ) -> Result<ControlFlow<()>, StoreError> {
        let delay = self.rest_of_store(error).await?;
        match self.deliveries.beside(stop.run_until_cancelled(sleep(delay))).await {
            Some(()) => Ok(ControlFlow::Continue(())),
            None => Ok(ControlFlow::Break(())),
        }
    }

    /// The same for reading; everything else goes on.
    pub(super) async fn put_off_reading(&mut self, error: StoreError) -> Result<(), StoreError> {
        let delay = self.rest_of_store(error).await?;
        self.reads_from = Some(Instant::now() + delay);
        Ok(())
    }

    /// How long the store is left alone after this error, unless it is there to stay.
    async fn rest_of_store(&mut self, error: StoreError) -> Result<Duration, StoreError> {
        match error {
            StoreError::Full { .. } | StoreError::Failed(_) | StoreError::Outdated => {}
            StoreError::Locked { .. }
            | StoreError::Newer { .. }
            | StoreError::Damaged { .. }
            | StoreError::Closed => return Err(error),
        }
        self.enter(SinkNote::Retrying(format!("the store: {error}"))).await;
        Ok(self.store_backoff.next_delay(None))
    }

    /// Reading works: the state is the sink's own again.
    pub(super) async fn reads_again(&mut self) {
        if self.store_backoff.failures() > 0 {
            self.store_backoff.reset();
            self.enter(self.pace.note().clone()).await;
        }
    }

    pub(super) async fn enter(&mut self, note: SinkNote) {
        if self.reporter.enter(note.clone()) {
            self.keep_note(note).await;
        }
    }

    /// The note is for `status` beside a stopped daemon: losing one is no harm.
    pub(super) async fn keep_note(&mut self, note: SinkNote) {
        if let Err(error) = self.deliveries.beside(self.spool.note(note)).await {
            tracing::debug!(sink = self.reporter.sink(), %error, "the sink's state was not kept");
        }
    }
}
