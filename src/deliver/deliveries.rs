//! The deliveries under way.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::time::Instant;

use crate::sink::{Batch, Outcome, Sink};

/// Whose events are in a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cargo {
    /// The spool's: the flight with this number.
    Flight(u64),
    /// Returned dead letters.
    Letters,
}

/// A delivery that has ended.
#[derive(Debug)]
pub(super) struct Landed {
    pub(super) cargo: Cargo,
    /// After how many rests of the sink it was begun.
    pub(super) begun: u64,
    pub(super) outcome: Outcome,
    /// Events that were sent.
    pub(super) events: usize,
    pub(super) took: Duration,
}

/// Deliveries run only while somebody waits here: whatever else the worker awaits must be awaited
/// [`Deliveries::beside`] them, or an answer would be found only after its time limit.
#[derive(Default)]
pub(super) struct Deliveries {
    under_way: FuturesUnordered<BoxFuture<'static, Landed>>,
    /// Ended, not taken yet. No more than were under way.
    landed: VecDeque<Landed>,
}

impl Deliveries {
    pub(super) fn begin(&mut self, sink: Arc<dyn Sink>, part: Arc<Batch>, cargo: Cargo, begun: u64) {
        self.under_way.push(Box::pin(async move {
            let sent = Instant::now();
            let outcome = sink.deliver(&part).await;
            Landed { cargo, begun, outcome, events: part.len(), took: sent.elapsed() }
        }));
    }

    /// The next one to end; `None` when none is under way. Cancel-safe.
    pub(super) async fn next(&mut self) -> Option<Landed> {
        match self.landed.pop_front() {
            Some(landed) => Some(landed),
            None => self.under_way.next().await,
        }
    }

    /// Does the work; the deliveries go on meanwhile.
    pub(super) async fn beside<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                Some(landed) = self.under_way.next() => self.landed.push_back(landed),
            }
        }
    }
}
