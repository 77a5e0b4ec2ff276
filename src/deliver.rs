//! Delivering: one worker per sink takes events from the spool in order, hands them to the sink batch by
//! batch, and acts on what it says became of them.
//!
//! What it promises, and where that is kept:
//!
//! - The position passes an event only when it is accepted or dead-lettered: `deliver::ledger`.
//! - A batch is sent only when the position has passed the batch before it, on disk. So a kill at any instant
//!   repeats at most one batch. The next one is read and encoded meanwhile.
//! - What is sent again is sent in the same composition, until the sink says more about its parts.
//! - Nothing ends by count: an event that is neither accepted nor refused is tried for ever.

mod batcher;
mod ledger;
mod report;
mod spool;

pub use report::{Notice, SinkState, SinkStatus};
pub use spool::{Returned, Returns, Spool, StoreReturns, StoreSpool};

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use self::batcher::Batcher;
use self::ledger::{Ledger, Progress, Step};
use self::report::Reporter;
use crate::backoff::{Backoff, hold_delay};
use crate::config::BatchLimits;
use crate::encode::Encoder;
use crate::sink::{Batch, Outcome, Sink};
use crate::store::{SinkNote, StoreError};

/// The pace of retries: quick enough for a restart of the receiver, slow enough for an outage.
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LONGEST_RETRY: Duration = Duration::from_secs(60);

/// Between two looks at a held sink's credential.
const CREDENTIAL_LOOK: Duration = Duration::from_secs(1);

/// What a worker needs to know besides its sink and its spool.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The sink's name in the configuration.
    pub name: String,
    /// When a batch is sent.
    pub limits: BatchLimits,
    /// How events are written.
    pub encoder: Encoder,
}

/// Carries one sink's events from the spool to it.
pub struct Worker<S> {
    sink: Arc<dyn Sink>,
    spool: S,
    batcher: Batcher,
    reporter: Reporter,
    backoff: Backoff,
    /// Since when and how often in a row the receiver has refused us.
    held: Option<(Instant, u32)>,
}

impl<S: Spool> Worker<S> {
    /// A worker and its status. What the program should tell about it goes to `notices`; what finds no room
    /// there is counted in the status.
    pub fn new(
        settings: Settings,
        sink: Arc<dyn Sink>,
        spool: S,
        notices: mpsc::Sender<Notice>,
    ) -> (Self, watch::Receiver<SinkStatus>) {
        let (reporter, status) = Reporter::new(settings.name, spool.accepted(), notices);
        let batcher = Batcher::new(settings.limits, settings.encoder, spool.accepted());
        let backoff = Backoff::new(FIRST_RETRY, LONGEST_RETRY);
        (Self { sink, spool, batcher, reporter, backoff, held: None }, status)
    }

    /// Delivers until `stop`, or after `drain` until everything committed by then is settled. On `stop`, the
    /// delivery in flight is awaited (the caller bounds that), nothing new is begun, and no wait is sat out.
    ///
    /// # Errors
    /// When the store is closed or damaged. Other failures of the store are waited for.
    pub async fn run(mut self, stop: CancellationToken, drain: CancellationToken) -> Result<(), StoreError> {
        // An earlier run may have left another state behind.
        self.keep_note(SinkNote::Working).await;
        while let Some(batch) = self.next_batch(&stop, &drain).await? {
            if self.settle(batch, &stop).await?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// The next batch: full, or its first event has waited long enough. `None` when it is time to end.
    async fn next_batch(
        &mut self,
        stop: &CancellationToken,
        drain: &CancellationToken,
    ) -> Result<Option<Batch>, StoreError> {
        while !self.batcher.is_full() {
            let was_draining = drain.is_cancelled();
            let due = self.batcher.due();
            let read = tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(None),
                () = drain.cancelled(), if !was_draining => continue,
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => break,
                read = read_on(&mut self.batcher, &mut self.spool, was_draining) => read,
            };
            match read {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => break,
                Err(error) => {
                    if self.wait_for_store(error, stop).await?.is_break() {
                        return Ok(None);
                    }
                }
            }
        }
        Ok(self.batcher.take())
    }

    /// Delivers a batch until every event of it is accepted or dead-lettered; breaks when told to stop before.
    async fn settle(
        &mut self,
        batch: Batch,
        stop: &CancellationToken,
    ) -> Result<ControlFlow<()>, StoreError> {
        let mut ledger = Ledger::new(batch);
        while let Some(part) = ledger.next_part() {
            if stop.is_cancelled() {
                return Ok(ControlFlow::Break(()));
            }
            let outcome = self.attempt(part).await;
            let step = ledger.apply(outcome);
            if let Some(progress) = ledger.progress()
                && self.advance(progress, stop).await?.is_break()
            {
                return Ok(ControlFlow::Break(()));
            }
            if self.act_on(step, stop).await.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        self.reporter.batch_done();
        Ok(ControlFlow::Continue(()))
    }

    /// One delivery; the next batch is read and encoded meanwhile.
    async fn attempt(&mut self, part: &Batch) -> Outcome {
        let mut delivery = self.sink.deliver(part);
        // A failure to read comes up again, and is dealt with, when the next batch is wanted.
        let mut can_read = true;
        loop {
            tokio::select! {
                biased;
                outcome = &mut delivery => return outcome,
                grown = self.batcher.grow(&mut self.spool), if can_read && !self.batcher.is_full() => {
                    can_read = grown.is_ok();
                }
            }
        }
    }

    /// Puts on disk that these events are settled.
    async fn advance(
        &mut self,
        progress: Progress,
        stop: &CancellationToken,
    ) -> Result<ControlFlow<()>, StoreError> {
        let Progress { position, accepted, refused } = progress;
        while let Err(error) = self.spool.advance(position, accepted, refused.clone()).await {
            if self.wait_for_store(error, stop).await?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        self.reporter.advanced(position, accepted, &refused);
        Ok(ControlFlow::Continue(()))
    }

    /// Tells the state and rests as long as it asks for.
    async fn act_on(&mut self, step: Step, stop: &CancellationToken) -> ControlFlow<()> {
        match step {
            Step::Settled => {
                self.backoff.reset();
                self.held = None;
                self.enter(SinkNote::Working).await;
                ControlFlow::Continue(())
            }
            Step::Retry { after, reason } => {
                self.enter(SinkNote::Retrying(reason)).await;
                let delay = self.backoff.next_delay(after);
                rest(delay, stop).await
            }
            Step::Held { reason } => {
                self.enter(SinkNote::Held(reason)).await;
                self.rest_held(stop).await
            }
        }
    }

    /// Rests at the pace of a refusal, or until the credential has changed.
    async fn rest_held(&mut self, stop: &CancellationToken) -> ControlFlow<()> {
        let (since, refusals) = self.held.get_or_insert_with(|| (Instant::now(), 0));
        *refusals = refusals.saturating_add(1);
        let end = Instant::now() + hold_delay(*refusals, since.elapsed());
        while Instant::now() < end {
            let look = CREDENTIAL_LOOK.min(end - Instant::now());
            if rest(look, stop).await.is_break() {
                return ControlFlow::Break(());
            }
            match stop.run_until_cancelled(self.sink.credential_changed()).await {
                None => return ControlFlow::Break(()),
                Some(true) => break,
                Some(false) => {}
            }
        }
        ControlFlow::Continue(())
    }

    /// Waits for a store that fails in passing (no room, a busy disk).
    async fn wait_for_store(
        &mut self,
        error: StoreError,
        stop: &CancellationToken,
    ) -> Result<ControlFlow<()>, StoreError> {
        match error {
            StoreError::Full { .. } | StoreError::Failed(_) => {}
            StoreError::Locked { .. }
            | StoreError::Newer { .. }
            | StoreError::Damaged { .. }
            | StoreError::Closed => return Err(error),
        }
        self.enter(SinkNote::Retrying(format!("the store: {error}"))).await;
        let delay = self.backoff.next_delay(None);
        Ok(rest(delay, stop).await)
    }

    async fn enter(&mut self, note: SinkNote) {
        if self.reporter.enter(note.clone()) {
            self.keep_note(note).await;
        }
    }

    /// The note is for `status` beside a stopped daemon: losing one is no harm.
    async fn keep_note(&mut self, note: SinkNote) {
        if let Err(error) = self.spool.note(note).await {
            tracing::debug!(sink = self.reporter.sink(), %error, "the sink's state was not kept");
        }
    }
}

/// Adds to the batch, or breaks when draining has nothing left to read. Cancel-safe.
async fn read_on<S: Spool>(
    batcher: &mut Batcher,
    spool: &mut S,
    is_draining: bool,
) -> Result<ControlFlow<()>, StoreError> {
    if is_draining && batcher.has_read_to(spool.end().await?) {
        return Ok(ControlFlow::Break(()));
    }
    batcher.grow(spool).await?;
    Ok(ControlFlow::Continue(()))
}

/// Waits, unless told to stop.
async fn rest(delay: Duration, stop: &CancellationToken) -> ControlFlow<()> {
    match stop.run_until_cancelled(sleep(delay)).await {
        Some(()) => ControlFlow::Continue(()),
        None => ControlFlow::Break(()),
    }
}

#[cfg(test)]
mod tests;
