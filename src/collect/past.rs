//! Reading a part of the past again, one complete window after the other: what a reconcile and a backfill do.
//!
//! The live cursor stays where it is. Each window says what its days hold, so that whoever reads on can put that on
//! disk together with how far it has come, and go on there after a kill.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::{Timestamp, ToSpan};

use super::fetch::Fetch;
use super::stream::{Collector, PollError, PollReport, Turn};
use super::tally::Tally;
use super::walk::{Plan, Walked};
use super::window::{self, earlier, later, utc_day};
use crate::event::Account;
use crate::provider::{Filter, TimeRange, Unit};
use crate::store::JobDay;

/// A window is read so often at most until it is certain how many equal rows there are.
const LOOKS: u32 = 3;

/// A part of the past, and how far it has been read.
#[derive(Debug)]
pub struct Past {
    /// Up to here it was read completely.
    done: Timestamp,
    /// It ends here.
    to: Timestamp,
    ended: bool,
    /// Whether days are counted.
    counts: bool,
    /// Events that were shown, also those of a window under way.
    read: Arc<AtomicU64>,
}

impl Past {
    /// The events with `from <= time < to`, none of them read yet.
    pub fn new(from: Timestamp, to: Timestamp) -> Self {
        Self { done: from, to, ended: from >= to, counts: false, read: Arc::default() }
    }

    /// The same; what each day holds is counted.
    #[must_use]
    pub fn counted(self) -> Self {
        Self { counts: true, ..self }
    }

    /// How many events have been shown so far, for whoever waits for the end of a window; only when days are counted.
    pub fn read(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.read)
    }
}

/// A window that was read completely.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastWindow {
    /// Everything before is read.
    pub done: Timestamp,
    /// What it came to.
    pub report: PollReport,
    /// What its days hold, oldest first.
    pub days: Vec<JobDay>,
}

/// What is asked for, and how far everything is read then.
struct Reach {
    plan: Plan,
    to: Timestamp,
}

impl<F: Fetch> Collector<F> {
    /// Walks the last `reconcile_depth` again, all of it, to catch what came later than the lookback.
    ///
    /// # Errors
    /// See [`PollError`].
    pub async fn reconcile(&mut self, account: &Arc<Account>) -> Result<PollReport, PollError> {
        let Turn { now, state, .. } = self.turn(account).await?;
        let depth = self.options.reconcile_depth.min(self.options.horizon);
        let mut past = Past::new(earlier(now, depth), now);
        let mut report = PollReport::default();
        while let Some(window) = self.read_past(account, &mut past).await? {
            report.append(window.report);
        }
        self.store.remember_reconcile(state.id, now).await?;
        Ok(report)
    }

    /// Reads the next window; `None` when all is read. It may be dropped half way: what was committed stays, and the
    /// window is read again.
    ///
    /// # Errors
    /// See [`PollError`]; `past` is where it was.
    pub async fn read_past(
        &mut self,
        account: &Arc<Account>,
        past: &mut Past,
    ) -> Result<Option<PastWindow>, PollError> {
        if past.ended {
            return Ok(None);
        }
        let (mut report, mut look) = (PollReport::default(), 1);
        loop {
            let turn = self.turn(account).await?;
            let reach = self.reach(&turn, past);
            let shown_before = past.read.load(Ordering::Relaxed);
            let tally = if past.counts { Some(self.tally(&turn, past, &reach).await?) } else { None };
            let (walked, tally) = match self.walk_counted(&turn, reach.plan, tally).await {
                Err(failure) if self.shorter_window_may_help(&failure) => continue,
                other => other?,
            };
            report.add(&walked);
            let doubtful = walked.doubtful.filter(|doubtful| *doubtful < reach.to);
            if doubtful.is_some() && look < LOOKS {
                look += 1;
                past.read.store(shown_before, Ordering::Relaxed);
                continue;
            }
            self.stride.learn(walked.pages);
            let days = tally.map(|mut tally| {
                doubtful.into_iter().for_each(|from| tally.doubt(from));
                tally.into_days()
            });
            past.done = reach.to;
            past.ended = reach.to >= past.to;
            return Ok(Some(PastWindow { done: reach.to, report, days: days.unwrap_or_default() }));
        }
    }

    fn reach(&self, turn: &Turn, past: &Past) -> Reach {
        if !self.is_filtered(turn) {
            let plan = Plan { range: None, unit: Unit::Primary, stop_before: None };
            return Reach { plan, to: past.to };
        }
        let end = past.to.min(turn.now);
        let window = match self.spec.filter {
            Filter::Days { most } => {
                let today = utc_day(turn.now);
                // The provider's day may not be ours.
                let last = utc_day(end).saturating_add(1.day()).min(today);
                window::days(past.done, last, today.saturating_sub(12.months()), most)
            }
            Filter::Instants { .. } | Filter::None => {
                let window = window::instants(past.done, None, end, self.stride);
                let to = window.range.to.or_else(|| (end < turn.now).then(|| later(end, window::SEAM)));
                window::Window { range: TimeRange { to, ..window.range }, ..window }
            }
        };
        let to = window.complete_to.filter(|to| *to < past.to).unwrap_or(past.to);
        Reach { plan: self.plan(turn, window.range, None), to }
    }

    /// What was collected before is asked before the walk, which adds to it.
    async fn tally(&self, turn: &Turn, past: &Past, reach: &Reach) -> Result<Tally, PollError> {
        let mut tally = Tally::new(past.done..reach.to, past.read());
        for (day, events) in self.store.known_by_day(turn.state.id, past.done, reach.to).await? {
            tally.collected(day, events);
        }
        Ok(tally)
    }

    async fn walk_counted(
        &self,
        turn: &Turn,
        plan: Plan,
        tally: Option<Tally>,
    ) -> Result<(Walked, Option<Tally>), PollError> {
        let mut walk = self.walker(turn);
        walk.intake.tally = tally;
        let walked = walk.run(plan).await?;
        Ok((walked, walk.intake.tally))
    }
}
