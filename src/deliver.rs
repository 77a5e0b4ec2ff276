//! Delivering: one worker per sink takes events from the spool in order, hands them to the sink batch by
//! batch, and acts on what it says became of them.
//!
//! What it promises, and where that is kept:
//!
//! - The position passes an event only when it is accepted or dead-lettered: `deliver::ledger`.
//! - At most `Sink::max_in_flight` batches are on their way: another one is begun only when the position has
//!   passed enough of them, in order, on disk. So a kill at any instant repeats at most so many, which is one
//!   unless the sink says otherwise: `deliver::flights`. The next one is read and encoded meanwhile.
//! - A receiver in trouble gets one delivery after each rest, not several: `deliver::pace`.
//! - What is sent again is sent in the same composition, until the sink says more about its parts.
//! - Nothing ends by count: an event that is neither accepted nor refused is tried for ever.

mod batcher;
mod deliveries;
mod flights;
mod ledger;
mod letters;
mod pace;
mod report;
mod spool;
mod storing;

pub use report::{Notice, SinkState, SinkStatus};
pub use spool::{Returned, Returns, Spool, StoreReturns, StoreSpool};

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use self::batcher::Batcher;
use self::deliveries::{Cargo, Deliveries, Landed};
use self::flights::Flights;
use self::letters::Letters;
use self::pace::Pace;
use self::report::Reporter;
use crate::backoff::Backoff;
use crate::config::BatchLimits;
use crate::encode::Encoder;
use crate::meter::SinkMeter;
use crate::sink::{Batch, Sink};
use crate::store::{SinkNote, StoreError};

/// A worker that has delivered everything waits so long for returned dead letters that the store is still
/// looking up. Those that it misses are sent by the next run.
const LAST_LETTERS: Duration = Duration::from_millis(200);

/// What a worker needs to know besides its sink and its spool.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The sink's name in the configuration.
    pub name: String,
    /// When a batch is sent.
    pub limits: BatchLimits,
    /// How events are written.
    pub encoder: Encoder,
    /// Where deliveries are counted.
    pub meter: SinkMeter,
}

/// Carries one sink's events from the spool to it.
pub struct Worker<S: Spool> {
    sink: Arc<dyn Sink>,
    spool: S,
    batcher: Batcher,
    reporter: Reporter,
    pace: Pace,
    deliveries: Deliveries,
    flights: Flights,
    letters: Letters<S::Returns>,
    /// Whether draining has nothing left to read, as far as is known: each batch that is settled may have
    /// taken so long that more has come.
    is_read_out: bool,
    /// Delays after failures of the store.
    store_backoff: Backoff,
    /// Nothing is read before, because reading failed.
    reads_from: Option<Instant>,
}

/// What a worker waits for.
enum Event {
    /// It is time for something, or to stop.
    Woken,
    /// A delivery has ended.
    Landed(Landed),
    /// The batch in the making has grown, or there is nothing left to read.
    Read(Result<ControlFlow<()>, StoreError>),
    /// Dead letters came back.
    Letters(Result<Vec<Returned>, StoreError>),
    /// Everything is delivered, and it should end then.
    Done,
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
        let (reporter, status) = Reporter::new(settings.name, spool.accepted(), notices, settings.meter);
        let worker = Self {
            sink,
            batcher: Batcher::new(settings.limits, settings.encoder, spool.accepted()),
            reporter,
            pace: Pace::new(),
            deliveries: Deliveries::default(),
            flights: Flights::default(),
            letters: Letters::new(spool.returns()),
            is_read_out: false,
            store_backoff: pace::backoff(),
            reads_from: None,
            spool,
        };
        (worker, status)
    }

    /// Delivers until `stop`, or after `drain` until everything committed by then is settled. On `stop`, the
    /// deliveries in flight are awaited (the caller bounds that), nothing new is begun, and no wait is sat out.
    ///
    /// # Errors
    /// When the store is closed or damaged. Other failures of the store are waited for.
    pub async fn run(mut self, stop: CancellationToken, drain: CancellationToken) -> Result<(), StoreError> {
        // An earlier run may have left another state behind.
        self.keep_note(SinkNote::Working).await;
        while !stop.is_cancelled() {
            self.begin(drain.is_cancelled());
            match self.wait(&stop, &drain).await {
                Event::Woken => self.look_at_credential(&stop).await,
                Event::Landed(landed) => self.land(landed, &stop).await?,
                Event::Read(read) => self.take_read(read).await?,
                Event::Letters(letters) => self.take_letters(letters).await?,
                Event::Done => break,
            }
        }
        while let Some(landed) = self.deliveries.next().await {
            self.land(landed, &stop).await?;
        }
        Ok(())
    }

    /// Begins all the deliveries that there are events, a place and leave for, the spool's first part first.
    fn begin(&mut self, is_draining: bool) {
        let now = Instant::now();
        self.pace.tick(now);
        self.letters.tick(now);
        self.reads_from = self.reads_from.filter(|from| *from > now);
        while self.pace.is_open() {
            // Letters go before the next batch, or a full spool would never let them through; it has its turn
            // while the next letters are looked up. After a rest they go behind it: the trouble may be theirs alone.
            let letters_first = !self.pace.is_probing();
            let has_begun = self.send_part()
                || self.has_place()
                    && (letters_first && self.send_letters()
                        || self.launch(now, is_draining)
                        || self.send_letters());
            if !has_begun {
                return;
            }
        }
    }

    /// Sends the first part, in order, that waits for it.
    fn send_part(&mut self) -> bool {
        let Some((flight, part)) = self.flights.begin() else { return false };
        self.send(part, Cargo::Flight(flight));
        true
    }

    fn send_letters(&mut self) -> bool {
        let Some(part) = self.letters.begin() else { return false };
        self.send(part, Cargo::Letters);
        true
    }

    /// Takes in the next batch, if it is ready: full, or its first event has waited long enough, or no other
    /// will come.
    fn launch(&mut self, now: Instant, is_draining: bool) -> bool {
        let is_ready = self.batcher.is_full()
            || self.batcher.due().is_some_and(|due| due <= now)
            || (is_draining && self.is_read_out);
        if !is_ready {
            return false;
        }
        let Some(batch) = self.batcher.take() else { return false };
        self.flights.push(batch);
        true
    }

    fn send(&mut self, part: Arc<Batch>, cargo: Cargo) {
        let begun = self.pace.begin();
        self.deliveries.begin(Arc::clone(&self.sink), part, cargo, begun);
    }

    /// Whether one more batch may be on its way. One that is settled counts until the position has passed it.
    fn has_place(&self) -> bool {
        let taken = self.flights.len() + usize::from(self.letters.is_under_way());
        taken < self.sink.max_in_flight().max(1)
    }

    /// Waits for the next thing to do; the next batch is read and encoded meanwhile.
    async fn wait(&mut self, stop: &CancellationToken, drain: &CancellationToken) -> Event {
        let was_draining = drain.is_cancelled();
        let is_read_out = was_draining && self.is_read_out;
        let can_ask = self.reads_from.is_none();
        let can_read = can_ask && !is_read_out && !self.batcher.is_full();
        let is_done =
            is_read_out && self.batcher.is_empty() && self.flights.is_empty() && self.letters.is_empty();
        let alarm = self.alarm();
        tokio::select! {
            biased;
            () = stop.cancelled() => Event::Woken,
            Some(landed) = self.deliveries.next() => Event::Landed(landed),
            () = drain.cancelled(), if !was_draining => Event::Woken,
            () = sleep_until(alarm.unwrap_or_else(Instant::now)), if alarm.is_some() => Event::Woken,
            letters = self.letters.next(), if can_ask && self.letters.is_empty() => Event::Letters(letters),
            read = read_on(&mut self.batcher, &mut self.spool, was_draining), if can_read => Event::Read(read),
            () = sleep(LAST_LETTERS), if is_done => Event::Done,
        }
    }

    /// When there is something to do even if nothing happens.
    fn alarm(&self) -> Option<Instant> {
        let may_begin = self.pace.is_open() && self.has_place();
        let letters = self.letters.alarm();
        let due = self.batcher.due().filter(|_| may_begin);
        [self.pace.alarm(), letters, due, self.reads_from].into_iter().flatten().min()
    }

    /// Takes down how a delivery ended.
    async fn land(&mut self, landed: Landed, stop: &CancellationToken) -> Result<(), StoreError> {
        self.reporter.landed(&landed);
        let Landed { cargo, begun, outcome, .. } = landed;
        let step = match cargo {
            Cargo::Flight(number) => {
                let step = self.flights.land(number, outcome);
                self.save_progress(stop).await?;
                step
            }
            Cargo::Letters => {
                let step = self.letters.land(outcome);
                self.save_letters(stop).await?;
                step
            }
        };
        self.pace.take_down(&step, begun);
        self.enter(self.pace.note().clone()).await;
        Ok(())
    }

    async fn take_read(&mut self, read: Result<ControlFlow<()>, StoreError>) -> Result<(), StoreError> {
        match read {
            Ok(flow) => {
                self.is_read_out = flow.is_break();
                self.reads_again().await;
                Ok(())
            }
            Err(error) => self.put_off_reading(error).await,
        }
    }

    async fn take_letters(&mut self, letters: Result<Vec<Returned>, StoreError>) -> Result<(), StoreError> {
        match letters {
            Ok(letters) => {
                debug_assert!(letters.iter().all(|returned| returned.letter == returned.event.position));
                let events = letters.into_iter().map(|returned| returned.event).collect();
                let batches = self.deliveries.beside(self.batcher.encode_apart(events)).await;
                self.letters.take_in(batches);
                self.reads_again().await;
                Ok(())
            }
            Err(error) => self.put_off_reading(error).await,
        }
    }

    /// While the sink is held: a new credential ends the wait.
    async fn look_at_credential(&mut self, stop: &CancellationToken) {
        if !self.pace.wants_look(Instant::now()) {
            return;
        }
        let look = stop.run_until_cancelled(self.sink.credential_changed());
        if self.deliveries.beside(look).await == Some(true) {
            self.pace.end_rest();
            self.letters.end_rest();
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

#[cfg(test)]
mod tests;
