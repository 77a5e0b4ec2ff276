//! Events that a sink gets once more, beside the spool's: dead letters on their way back to the sink that refused
//! them, and replays. Both are called letters here; a replay's are numbered by their positions.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::ledger::{Ledger, Progress, Step};
use super::pace::Pace;
use super::{Returned, Returns};
use crate::sink::{Batch, Outcome};
use crate::store::StoreError;

/// Taken at a time: few, because the events that come in meanwhile may have to wait for them.
const MOST: usize = 100;

type Asking<R> = BoxFuture<'static, (R, Result<Vec<Returned>, StoreError>)>;

/// At most one batch of returned dead letters.
///
/// They have a pace of their own besides the sink's, and need a place only while they are sent: if the
/// receiver gets into trouble over them alone, the spool's events go on between the attempts, which become
/// rare.
pub(super) struct Letters<R> {
    /// Away with `asking`.
    returns: Option<R>,
    /// The question for the next ones. It is kept from turn to turn, so that it is asked once and not at
    /// every turn of the worker.
    asking: Option<Asking<R>>,
    /// The letters that were given, the first one not yet settled in the store.
    open: Vec<i64>,
    ledger: Option<Ledger>,
    /// While a part of it is sent: what its pace wants to know of that.
    under_way: Option<u64>,
    /// Settled, not on disk yet.
    unsaved: Option<Progress>,
    pace: Pace,
}

impl<R: Returns> Letters<R> {
    pub(super) fn new(returns: R) -> Self {
        Self {
            returns: Some(returns),
            asking: None,
            open: Vec::new(),
            ledger: None,
            under_way: None,
            unsaved: None,
            pace: Pace::new(),
        }
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.ledger.is_none()
    }

    pub(super) fn is_under_way(&self) -> bool {
        self.under_way.is_some()
    }

    /// Waits for the next ones. Cancel-safe.
    pub(super) async fn next(&mut self) -> Result<Vec<Returned>, StoreError> {
        if let Some(mut returns) = self.returns.take() {
            self.asking = Some(Box::pin(async move {
                let letters = returns.next(MOST).await;
                (returns, letters)
            }));
        }
        let Some(asking) = &mut self.asking else { return std::future::pending().await };
        let (returns, letters) = asking.await;
        self.asking = None;
        self.returns = Some(returns);
        letters
    }

    /// Takes in what `next` gave, encoded.
    pub(super) fn take_in(&mut self, batches: Vec<Batch>) {
        // An event's position is its letter's number here.
        let events = batches.iter().flat_map(|batch| &batch.events);
        self.open = events.map(|event| event.position).collect();
        self.ledger = (!self.open.is_empty()).then(|| Ledger::new(batches));
    }

    /// Ends their rest when it is over. Tell it the time before asking.
    pub(super) fn tick(&mut self, now: Instant) {
        self.pace.tick(now);
    }

    /// What waits for being sent, if it is time; it is under way from now on.
    pub(super) fn begin(&mut self) -> Option<Arc<Batch>> {
        if self.is_under_way() || !self.pace.is_open() {
            return None;
        }
        let part = self.ledger.as_ref()?.next_part()?;
        self.under_way = Some(self.pace.begin());
        Some(part)
    }

    /// When they may be sent again. The credential is looked at for the whole sink.
    pub(super) fn alarm(&self) -> Option<Instant> {
        self.ledger.as_ref().and_then(|_| self.pace.rests_until())
    }

    /// What they rest for may have been mended.
    pub(super) fn end_rest(&mut self) {
        self.pace.end_rest();
    }

    /// Takes down what became of the part that was sent.
    pub(super) fn land(&mut self, outcome: Outcome) -> Step {
        let (Some(begun), Some(ledger)) = (self.under_way.take(), &mut self.ledger) else {
            return Step::Settled;
        };
        let step = ledger.apply(outcome);
        self.pace.take_down(&step, begun);
        if let Some(more) = ledger.progress() {
            match &mut self.unsaved {
                Some(unsaved) => unsaved.append(more),
                None => self.unsaved = Some(more),
            }
        }
        step
    }

    /// Puts what is settled on disk, and gives it; may be tried again.
    pub(super) async fn save(&mut self) -> Result<Option<Progress>, StoreError> {
        let (Some(progress), Some(returns)) = (&self.unsaved, &mut self.returns) else { return Ok(None) };
        let refused: Vec<_> =
            progress.refused.iter().map(|(event, reason)| (event.position, reason.clone())).collect();
        let settled = self.open.partition_point(|letter| *letter <= progress.position);
        let is_accepted = |letter: &&i64| !refused.iter().any(|(refused, _)| refused == *letter);
        let accepted = self.open[..settled].iter().filter(is_accepted).copied().collect();
        returns.settle(accepted, refused).await?;
        self.open.drain(..settled);
        if self.open.is_empty() {
            self.ledger = None;
        }
        Ok(self.unsaved.take())
    }
}
