//! When a stream is polled: one task per stream, turns that never overlap and never pile up.

use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;

use super::caller::Caller;
use super::fetch::FetchError;
use super::stream::{Collector, PollError, PollReport};
use super::unmapped::UnmappedCounts;
use super::window::later;
use crate::backoff::{Backoff, hold_delay};
use crate::clock::Clock;
use crate::event::StreamName;
use crate::meter::StreamMeter;
use crate::store::{Failure, Store, StoreError, StreamNote};

/// A suspended machine's monotonic clock stands still: look at the wall clock this often.
const LONGEST_NAP: Duration = Duration::from_secs(30);
/// While refused, the secret's source is looked at this often.
const SECRET_CHECK: Duration = Duration::from_secs(1);
/// After a failed poll: the requests in it were retried already.
const FIRST_RETRY: Duration = Duration::from_secs(5);
/// No failing stream waits longer than this, whatever its interval.
const LONGEST_RETRY: Duration = Duration::from_secs(120);

/// What a stream is doing; a value that others read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamStatus {
    /// Which.
    pub name: StreamName,
    /// How it is.
    pub health: Health,
    /// Start of the last complete poll of this process.
    pub last_success: Option<Timestamp>,
    /// What it came to.
    pub last_report: PollReport,
    /// Complete polls of this process.
    pub polls: u64,
    /// What this process could not map.
    pub unmapped: UnmappedCounts,
    /// Between two polls.
    pub interval: Duration,
}

impl StreamStatus {
    /// A stream that has not been polled yet.
    pub fn new(name: StreamName, interval: Duration) -> Self {
        Self {
            name,
            health: Health::Working,
            last_success: None,
            last_report: PollReport::default(),
            polls: 0,
            unmapped: UnmappedCounts::default(),
            interval,
        }
    }
}

/// How a stream is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// Polling, or resting until the next poll.
    Working,
    /// The last poll failed in passing.
    Failing(String),
    /// The provider refuses.
    Held(String),
}

/// When a stream is polled, and where it tells how that went.
#[derive(Debug)]
pub struct Schedule {
    /// Between the starts of two polls.
    pub interval: Duration,
    /// Between two reconciles; zero is never.
    pub reconcile_interval: Duration,
    /// Where the status goes.
    pub status: watch::Sender<StreamStatus>,
    /// Where polls are counted.
    pub meter: StreamMeter,
    /// Where notes go.
    pub store: Store,
    /// For what is compared with the provider's clock.
    pub clock: Clock,
}

impl Schedule {
    /// A delay for the first poll: streams that start together should not poll together.
    pub fn jitter(&self) -> Duration {
        self.interval.min(Duration::from_secs(5)).mul_f64(fastrand::f64() / 2.0)
    }

    /// Polls until it is dropped, from `delay` on. A poll may be dropped half way: every commit is whole, and
    /// the cursor stays behind what is not complete.
    pub async fn keep_polling(self, mut collector: Collector<Caller>, caller: Caller, delay: Duration) {
        let mut rest = Rest::new(self.interval);
        self.sleep(delay).await;
        loop {
            let started = Instant::now();
            let outcome = self.poll(&mut collector, &caller).await;
            let wait = rest.after(outcome.as_ref().err(), started);
            self.wait(&caller, outcome.as_ref().err(), wait).await;
        }
    }

    /// Polls until one poll is complete.
    pub async fn poll_once(&self, collector: &mut Collector<Caller>, caller: &Caller) {
        let mut rest = Rest::new(self.interval);
        while let Err(failure) = self.poll(collector, caller).await {
            let wait = rest.after(Some(&failure), Instant::now());
            self.wait(caller, Some(&failure), wait).await;
        }
    }

    /// Reconciles whenever it is due, on the requests that polling leaves.
    pub async fn keep_reconciling(self, mut collector: Collector<Caller>, caller: Caller) {
        let mut rest = Rest::new(self.reconcile_interval);
        loop {
            let wait = match self.reconcile_if_due(&mut collector, &caller).await {
                Ok(due_in) => due_in,
                Err(failure) => rest.after(Some(&failure), Instant::now()).max(LONGEST_RETRY),
            };
            self.sleep(wait.max(Duration::from_secs(1))).await;
        }
    }

    async fn wait(&self, caller: &Caller, failure: Option<&PollError>, wait: Duration) {
        if failure.is_some_and(is_refusal) {
            self.wait_refused(caller, wait).await;
        } else {
            self.sleep(wait).await;
        }
    }

    async fn poll(&self, collector: &mut Collector<Caller>, caller: &Caller) -> Result<(), PollError> {
        let began = self.clock.now();
        let started = Instant::now();
        let outcome = match caller.account().await {
            Ok(account) => collector.poll(&account).await,
            Err(failure) => Err(failure.into()),
        };
        let name = collector.name();
        self.note(name, began, &outcome).await;
        let unmapped = collector.unmapped();
        self.status.send_if_modified(|status| std::mem::replace(&mut status.unmapped, unmapped) != unmapped);
        match &outcome {
            Ok(report) => {
                let took = started.elapsed();
                self.meter.poll_complete(took);
                self.succeeded(name, began, report, took);
            }
            Err(failure) => {
                if is_refusal(failure) {
                    self.meter.poll_refused();
                } else {
                    self.meter.poll_failed();
                }
                self.failed(name, failure);
            }
        }
        outcome.map(drop)
    }

    async fn reconcile_if_due(
        &self,
        collector: &mut Collector<Caller>,
        caller: &Caller,
    ) -> Result<Duration, PollError> {
        let state = self.store.stream(collector.name()).await?;
        // Nothing to compare before the first poll is complete.
        let Some(last) = state.reconciled else {
            return Ok(Duration::from_secs(60).min(self.reconcile_interval));
        };
        let passed = Duration::try_from(self.clock.now().duration_since(last)).unwrap_or_default();
        if passed < self.reconcile_interval {
            return Ok(self.reconcile_interval - passed);
        }
        let started = Instant::now();
        let account = caller.account().await?;
        let report = collector.reconcile(&account).await?;
        let StreamName { source, stream } = collector.name();
        tracing::info!(code = "reconciled", %source, %stream, read = report.rows, new = report.new, known = report.known,
            pages = report.pages, took_ms = millis(started.elapsed()), "reconciled");
        Ok(self.reconcile_interval)
    }

    fn succeeded(&self, name: &StreamName, began: Timestamp, report: &PollReport, took: Duration) {
        let StreamName { source, stream } = name;
        let recovered = self.status.borrow().health != Health::Working;
        if recovered {
            tracing::info!(code = "stream-recovered", %source, %stream, "the stream can be polled again");
        }
        tracing::info!(code = "polled", %source, %stream, read = report.rows, new = report.new, known = report.known,
            pages = report.pages, took_ms = millis(took), "polled");
        for gap in &report.gaps {
            tracing::error!(code = "gap", %source, %stream, from = %gap.from, to = %gap.to,
                "gap: the provider has forgotten a part that was not collected");
        }
        self.status.send_modify(|status| {
            status.health = Health::Working;
            status.last_success = Some(began);
            status.last_report = report.clone();
            status.polls += 1;
        });
    }

    /// Says it once: what lasts is in the status.
    fn failed(&self, name: &StreamName, failure: &PollError) {
        let StreamName { source, stream } = name;
        let health = match failure {
            PollError::Fetch(FetchError::Held { reason, .. } | FetchError::StreamRefused { reason }) => {
                Health::Held(reason.clone())
            }
            other => Health::Failing(other.to_string()),
        };
        let same = std::mem::discriminant(&self.status.borrow().health) == std::mem::discriminant(&health);
        match &health {
            // What holds the whole account is told by its gate, once for all its streams.
            Health::Held(reason)
                if !same && matches!(failure, PollError::Fetch(FetchError::StreamRefused { .. })) =>
            {
                tracing::error!(code = "stream-held", %source, %stream, %reason, "held: the provider refuses this stream");
            }
            Health::Failing(reason) if !same => {
                tracing::warn!(code = "stream-failing", %source, %stream, %reason, "poll failed, trying again");
            }
            Health::Held(reason) | Health::Failing(reason) => {
                tracing::debug!(%source, %stream, %reason, "still failing");
            }
            Health::Working => {}
        }
        self.status.send_modify(|status| status.health = health);
    }

    async fn note(&self, name: &StreamName, began: Timestamp, outcome: &Result<PollReport, PollError>) {
        let note = match outcome {
            Ok(_) => StreamNote::Success(began),
            Err(failure) => StreamNote::Failure(Failure {
                at: self.clock.now(),
                reason: failure.to_string(),
                refused: is_refusal(failure),
            }),
        };
        let noted: Result<(), StoreError> = async {
            let id = self.store.stream(name).await?.id;
            self.store.note_stream(id, note).await
        }
        .await;
        if let Err(failure) = noted {
            tracing::debug!(source = %name.source, stream = %name.stream, error = %failure, "could not keep the poll's outcome");
        }
    }

    async fn sleep(&self, wait: Duration) {
        sleep(&self.clock, wait).await;
    }

    /// Waits until a refused request may be tried again: its time has come, the secret has changed, or another
    /// stream of the account was accepted.
    async fn wait_refused(&self, caller: &Caller, wait: Duration) {
        let deadline = Instant::now() + wait;
        let changes = caller.credential_changes();
        let gate = caller.hold();
        let was_held = gate.borrow().is_some();
        while Instant::now() < deadline {
            tokio::time::sleep_until(deadline.min(Instant::now() + SECRET_CHECK)).await;
            caller.recheck_credential().await;
            let accepted = was_held && gate.borrow().is_none();
            if accepted || caller.credential_changes() != changes {
                return;
            }
        }
    }
}

/// Sleeps by both clocks, whichever is first: what passed while the machine was suspended counts.
async fn sleep(clock: &Clock, wait: Duration) {
    let until = later(clock.now(), wait);
    let deadline = Instant::now() + wait;
    while Instant::now() < deadline && clock.now() < until {
        tokio::time::sleep_until(deadline.min(Instant::now() + LONGEST_NAP)).await;
    }
}

fn is_refusal(failure: &PollError) -> bool {
    matches!(failure, PollError::Fetch(FetchError::Held { .. } | FetchError::StreamRefused { .. }))
}

/// How long to rest after a turn.
struct Rest {
    interval: Duration,
    backoff: Backoff,
    refusals: u32,
    refused_since: Option<Instant>,
}

impl Rest {
    fn new(interval: Duration) -> Self {
        Self { interval, backoff: Backoff::new(FIRST_RETRY, LONGEST_RETRY), refusals: 0, refused_since: None }
    }

    fn after(&mut self, failure: Option<&PollError>, started: Instant) -> Duration {
        let now = Instant::now();
        let Some(failure) = failure else {
            self.backoff.reset();
            self.refusals = 0;
            self.refused_since = None;
            // A turn that took longer than the interval is followed by the next at once, never by two.
            return self.interval.saturating_sub(now - started);
        };
        match failure {
            PollError::Fetch(FetchError::Held { retry_at, .. }) => retry_at.saturating_duration_since(now),
            PollError::Fetch(FetchError::StreamRefused { .. }) => {
                let since = *self.refused_since.get_or_insert(now);
                self.refusals = self.refusals.saturating_add(1);
                hold_delay(self.refusals, now - since)
            }
            _ => self.backoff.next_delay(None),
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    #[tokio::test(start_paused = true)]
    async fn a_resumed_machine_polls_at_once_and_only_once() {
        let wall = Arc::new(AtomicI64::new(0));
        let clock = Clock::Simulated(Arc::clone(&wall));
        let began = Instant::now();
        let resumed = async {
            tokio::time::sleep(Duration::from_secs(60)).await;
            // Suspended: the wall clock went on, the monotonic one did not.
            wall.store(10 * 3_600_000, Ordering::Relaxed);
        };
        tokio::join!(sleep(&clock, HOUR), resumed);
        assert!(began.elapsed() <= Duration::from_secs(90) + Duration::from_millis(1));
        let mut rest = Rest::new(HOUR);
        // The turn that follows is one, and rests for the whole interval again.
        assert_eq!(rest.after(None, Instant::now()), HOUR);
    }

    #[tokio::test(start_paused = true)]
    async fn turns_do_not_pile_up_behind_a_long_one() {
        let mut rest = Rest::new(Duration::from_secs(60));
        let started = Instant::now();
        tokio::time::advance(HOUR).await;
        assert_eq!(rest.after(None, started), Duration::ZERO);
        assert_eq!(rest.after(None, Instant::now()), Duration::from_secs(60));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_is_refused_is_tried_at_the_pace_of_the_contract() {
        let mut rest = Rest::new(Duration::from_secs(60));
        let refused = PollError::Fetch(FetchError::StreamRefused { reason: "no plan".to_owned() });
        let mut waits = Vec::new();
        for _ in 0..13 {
            let wait = rest.after(Some(&refused), Instant::now());
            waits.push(wait.as_secs());
            tokio::time::advance(wait).await;
        }
        assert_eq!(waits, [15, 30, 60, 60, 60, 60, 60, 60, 60, 60, 60, 60, 300]);
    }
}
