//! The collector of one stream: a poll from the cursor to now, and the deeper walk that reconciles.
//!
//! **The anchor rule.** A filtered query whose range holds events that we already have must show at least one
//! of them again. When it shows none, the filter is not what we think (seconds for milliseconds, a provider's
//! fault): the walk is repeated with the other unit if there is one, else unfiltered, and the stream remembers
//! what worked. A stream that has nothing yet has no anchor, so an empty first poll is checked against one
//! page without filter. No stream may fall silent because of a filter.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use jiff::{Timestamp, ToSpan};

use super::fetch::{Fetch, FetchError};
use super::page::Intake;
use super::unmapped::{Unmapped, UnmappedCounts};
use super::walk::{Pages, Plan, Walk, Walked};
use super::window::{self, Stride, Window, earlier, later, utc_day};
use crate::clock::Clock;
use crate::event::{Account, OwnEvent, StreamName};
use crate::meter::StreamMeter;
use crate::provider::{Filter, Provider, StreamSpec, TimeRange, Unit};
use crate::store::{Cursor, FilterHabit, Gap, Store, StoreError, StreamState};

/// Known ids stay this much longer than the provider says it remembers: an id forgotten too early would come
/// in again as a new event.
const FORGET_MARGIN: Duration = Duration::from_secs(40 * 86_400);

/// How far behind a quiet stream is read again where queries are by days: a single query.
const LONGEST_QUIET: Duration = Duration::from_secs(14 * 86_400);
/// How often a stream that has nothing is looked at without filter.
const EMPTY_CHECK: Duration = Duration::from_secs(3_600);

/// How one stream is collected.
#[derive(Debug, Clone)]
pub struct CollectorOptions {
    /// Which source and stream.
    pub name: StreamName,
    /// How far behind its cursor each poll reads again.
    pub lookback: Duration,
    /// Where the first poll begins.
    pub start: Timestamp,
    /// How far back the provider remembers.
    pub horizon: Duration,
    /// How far a reconcile reaches.
    pub reconcile_depth: Duration,
    /// Leave out what another stream carries in full.
    pub drop_mirrored: bool,
    /// Where what can't be mapped is counted, whoever collects the stream.
    pub unmapped: Arc<Unmapped>,
    /// Where records are counted, whoever collects the stream.
    pub meter: StreamMeter,
}

impl CollectorOptions {
    /// Whether a walk from `from` on, begun at `began`, reaches as far as a reconcile.
    pub fn reconcile_reaches(&self, from: Timestamp, began: Timestamp) -> bool {
        from <= earlier(began, self.reconcile_depth.min(self.horizon))
    }
}

/// What one poll or reconcile came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PollReport {
    /// Pages read.
    pub pages: u64,
    /// Rows read.
    pub rows: u64,
    /// Events that were not known before.
    pub new: u64,
    /// Rows that were.
    pub known: u64,
    /// Gaps found on the way.
    pub gaps: Vec<Gap>,
}

/// Why a poll did not reach its end. What it read until then is kept.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PollError {
    /// No answer, or a refusal.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The store failed.
    #[error("the store: {0}")]
    Store(#[from] StoreError),
    /// An answer that is not a page, several times.
    #[error("the provider's answer can't be read: {what}")]
    Unreadable {
        /// What is wrong with it.
        what: String,
    },
    /// The provider stopped answering far into a walk.
    #[error("the walk broke off after {pages} pages: {reason}")]
    BrokeOff {
        /// So many were read.
        pages: u64,
        /// The last failure.
        reason: String,
    },
    /// A cursor came a second time.
    #[error("the provider's paging turns in a circle: a page cursor came twice")]
    CursorRepeats,
    /// A page came at two offsets, twice.
    #[error("the provider shows the same page at two offsets")]
    PageRepeats,
    /// Too many pages for one walk.
    #[error("the provider's paging has no end: {pages} pages in one walk")]
    TooManyPages {
        /// So many were read.
        pages: u64,
    },
    /// A filter hides what is known to be there, and there is no other way to ask.
    #[error(
        "the provider shows none of the events between {from} and {to} that it showed before; its answers \
         for that time are not believed to be complete"
    )]
    AnchorLost {
        /// From here.
        from: Timestamp,
        /// To here.
        to: Timestamp,
    },
}

/// Collects one stream.
#[derive(Debug)]
pub struct Collector<F> {
    pub(super) options: CollectorOptions,
    pub(super) spec: &'static StreamSpec,
    provider: Arc<dyn Provider>,
    fetch: Arc<F>,
    pub(super) store: Store,
    clock: Clock,
    pub(super) stride: Stride,
    /// Index of the page size that the provider takes.
    limit: AtomicUsize,
    /// When a stream that has nothing was last looked at without filter.
    looked: Option<Timestamp>,
}

/// What a turn works on.
pub(super) struct Turn {
    pub(super) state: StreamState,
    account: Arc<Account>,
    /// By the earlier of both clocks.
    pub(super) now: Timestamp,
}

impl<F: Fetch> Collector<F> {
    /// A collector that has not polled yet.
    pub fn new(
        options: CollectorOptions,
        spec: &'static StreamSpec,
        provider: Arc<dyn Provider>,
        fetch: Arc<F>,
        (store, clock): (Store, Clock),
    ) -> Self {
        Self {
            options,
            spec,
            provider,
            fetch,
            store,
            clock,
            stride: Stride::new(),
            limit: AtomicUsize::new(0),
            looked: None,
        }
    }

    /// Which source and stream.
    pub fn name(&self) -> &StreamName {
        &self.options.name
    }

    /// What it could not map so far.
    pub fn unmapped(&self) -> UnmappedCounts {
        self.options.unmapped.counts()
    }

    /// Reads everything from the cursor to now, and commits what is new.
    ///
    /// # Errors
    /// See [`PollError`]; the cursor is then where the last complete window left it.
    pub async fn poll(&mut self, account: &Arc<Account>) -> Result<PollReport, PollError> {
        loop {
            match self.poll_once(account).await {
                // From where the cursor stands now.
                Err(PollError::Store(StoreError::Outdated)) => {
                    tracing::info!(code = "poll-anew", source = %self.options.name.source, stream = self.spec.name,
                        "a command has moved the cursor while a poll was under way; polling again");
                }
                other => return other,
            }
        }
    }

    async fn poll_once(&mut self, account: &Arc<Account>) -> Result<PollReport, PollError> {
        let turn = self.turn(account).await?;
        let mut report = PollReport::default();
        self.poll_from_cursor(turn, &mut report).await?;
        if self.check_empty(account, &report).await? {
            let turn = self.turn(account).await?;
            self.poll_from_cursor(turn, &mut report).await?;
        }
        Ok(report)
    }

    async fn poll_from_cursor(&mut self, mut turn: Turn, report: &mut PollReport) -> Result<(), PollError> {
        let from = self.begin(&turn, report).await?;
        if self.is_filtered(&turn) {
            self.poll_windows(&mut turn, from, report).await?;
        } else {
            self.poll_unfiltered(&turn, report).await?;
        }
        if turn.state.reconciled.is_none() {
            // The first poll is itself a walk of everything.
            self.store.remember_reconcile(turn.state.id, turn.now).await?;
        }
        Ok(())
    }

    pub(super) fn is_filtered(&self, turn: &Turn) -> bool {
        self.spec.filter != Filter::None && turn.state.filter != FilterHabit::Unfiltered
    }

    pub(super) async fn turn(&self, account: &Arc<Account>) -> Result<Turn, PollError> {
        let state = self.store.stream(&self.options.name).await?;
        let ours = self.clock.now();
        let now = self.fetch.provider_time(ours).min(ours);
        Ok(Turn { state, account: Arc::clone(account), now })
    }

    /// Where this poll begins to ask; records the gap when the provider has forgotten a part.
    async fn begin(&self, turn: &Turn, report: &mut PollReport) -> Result<Timestamp, PollError> {
        let oldest = earlier(turn.now, self.options.horizon);
        let Cursor { high_water, complete_to, .. } = turn.state.cursor;
        let Some(complete) = complete_to else {
            return Ok(self.options.start.max(oldest));
        };
        // What was read before the cursor was moved back is not lost.
        let read = turn.state.reached.map_or(complete, |reached| reached.max(complete));
        if read < oldest {
            let gap = Gap { stream: self.options.name.clone(), from: read, to: oldest };
            // The event first: its id is the same when a crash makes it come again.
            let Gap { stream, from, to } = gap.clone();
            self.store.record(&OwnEvent::Gap { stream, from, to }, turn.now).await?;
            if self.store.record_gap(gap.clone()).await? {
                report.gaps.push(gap);
            }
        }
        let newest = high_water.map_or(complete, |high_water| high_water.min(complete));
        // A long quiet stretch is one query where the filter takes instants, and many where it takes days.
        let newest = match self.spec.filter {
            Filter::Days { .. } => newest.max(earlier(complete, LONGEST_QUIET)),
            Filter::Instants { .. } | Filter::None => newest,
        };
        Ok(earlier(newest, self.options.lookback).max(oldest))
    }

    /// Filtered: one complete window after the other.
    async fn poll_windows(
        &mut self,
        turn: &mut Turn,
        mut from: Timestamp,
        report: &mut PollReport,
    ) -> Result<(), PollError> {
        let mut complete = turn.state.cursor.complete_to;
        let mut doubtful: Option<Timestamp> = None;
        loop {
            let window = self.window(from, complete, turn);
            let mut walked = match self.walk_window(turn, &window).await {
                Err(failure) if self.shorter_window_may_help(&failure) => continue,
                other => other?,
            };
            report.add(&walked);
            // Later windows do not make up for what an earlier one left open.
            doubtful = doubtful.or(walked.doubtful);
            walked.doubtful = doubtful;
            if turn.state.filter == FilterHabit::Unfiltered {
                return self.complete(turn, &walked, None).await;
            }
            self.complete(turn, &walked, window.complete_to).await?;
            let Some(next) = window.complete_to else { break };
            self.stride.learn(walked.pages);
            from = next;
            complete = Some(next);
        }
        self.forget(turn, earlier(turn.now, self.options.horizon)).await
    }

    /// Unfiltered: from the first row to the last, or to where everything is known.
    async fn poll_unfiltered(&self, turn: &Turn, report: &mut PollReport) -> Result<(), PollError> {
        let stop_before = self.stop_before(turn);
        let walked = self.walk(turn, Plan { range: None, unit: Unit::Primary, stop_before }).await?;
        report.add(&walked);
        self.complete(turn, &walked, None).await?;
        if !walked.stopped_early {
            // What the provider still shows must stay known, however old.
            let oldest = walked.oldest.unwrap_or(turn.now).min(earlier(turn.now, self.options.horizon));
            self.forget(turn, oldest).await?;
        }
        Ok(())
    }

    /// Only what an earlier complete walk has covered may be left out of a walk.
    fn stop_before(&self, turn: &Turn) -> Option<Timestamp> {
        turn.state.cursor.complete_to.map(|complete| earlier(complete, self.options.lookback))
    }

    async fn forget(&self, turn: &Turn, oldest: Timestamp) -> Result<(), PollError> {
        Ok(self.store.forget_known(turn.state.id, earlier(oldest, FORGET_MARGIN)).await?)
    }

    fn window(&self, from: Timestamp, complete: Option<Timestamp>, turn: &Turn) -> Window {
        match self.spec.filter {
            Filter::Days { most } => {
                let today = utc_day(turn.now);
                window::days(from, today, today.saturating_sub(12.months()), most)
            }
            Filter::Instants { .. } | Filter::None => window::instants(from, complete, turn.now, self.stride),
        }
    }

    pub(super) fn plan(&self, turn: &Turn, range: TimeRange, stop_before: Option<Timestamp>) -> Plan {
        match turn.state.filter {
            FilterHabit::Primary => Plan { range: Some(range), unit: Unit::Primary, stop_before },
            FilterHabit::Alternative => Plan { range: Some(range), unit: Unit::Alternative, stop_before },
            FilterHabit::Unfiltered => Plan { range: None, unit: Unit::Primary, stop_before: None },
        }
    }

    /// Walks one window under the anchor rule.
    async fn walk_window(&mut self, turn: &mut Turn, window: &Window) -> Result<Walked, PollError> {
        let stop_before = self.stop_before(turn);
        // Asked before the walk, which commits events of this very range.
        let must_show = self.must_show(turn, window).await?;
        let mut walked = self.walk(turn, self.plan(turn, window.range, stop_before)).await?;
        if walked.ignored_the_filter()
            && !matches!(self.spec.filter, Filter::Days { .. })
            && !walked.stopped_early
        {
            tracing::warn!(code = "filter-ignored", source = %self.options.name.source, stream = self.spec.name,
                "the provider ignores the time filter; reading without it from now on");
            self.remember(turn, FilterHabit::Unfiltered).await?;
            return Ok(walked);
        }
        if walked.recognised_any() || !must_show {
            return Ok(walked);
        }
        self.must_be_in_epoch(turn).await?;
        let documented = turn.state.filter;
        for habit in self.other_habits(documented) {
            turn.state.filter = habit;
            walked = self.walk(turn, self.plan(turn, window.range, None)).await?;
            if walked.recognised_any() {
                tracing::warn!(code = "filter-changed", source = %self.options.name.source, stream = self.spec.name, filter = ?habit,
                    "the time filter hid events that are known to be there; asking in another way from now on");
                self.remember(turn, habit).await?;
                return Ok(walked);
            }
        }
        turn.state.filter = documented;
        let (from, to) = window.core;
        if matches!(self.spec.filter, Filter::Days { .. }) {
            return Err(PollError::AnchorLost { from, to });
        }
        tracing::warn!(code = "events-vanished", source = %self.options.name.source, stream = self.spec.name, %from, %to,
            "the provider no longer shows events that it showed before, with any filter or without");
        Ok(walked)
    }

    /// Whether events are known that the provider must show for this window.
    async fn must_show(&self, turn: &Turn, window: &Window) -> Result<bool, PollError> {
        // At the very end of its memory the provider may be forgetting while we ask.
        let remembered = earlier(turn.now, self.options.horizon.saturating_sub(Duration::from_secs(86_400)));
        let from = window.core.0.max(remembered);
        let to = window.core.1;
        Ok(from < to && self.store.knows_any(turn.state.id, from, to).await?)
    }

    fn other_habits(&self, habit: FilterHabit) -> Vec<FilterHabit> {
        let all = match self.spec.filter {
            Filter::Instants { alternative: true } => {
                vec![FilterHabit::Primary, FilterHabit::Alternative, FilterHabit::Unfiltered]
            }
            Filter::Instants { alternative: false } => vec![FilterHabit::Primary, FilterHabit::Unfiltered],
            // Brevo wants both dates with every query.
            Filter::Days { .. } | Filter::None => Vec::new(),
        };
        all.into_iter().filter(|other| *other != habit).collect()
    }

    /// What a turn expects to be shown may have been forgotten meanwhile.
    async fn must_be_in_epoch(&self, turn: &Turn) -> Result<(), PollError> {
        let now = self.store.stream(&self.options.name).await?.id;
        if now == turn.state.id { Ok(()) } else { Err(StoreError::Outdated.into()) }
    }

    async fn remember(&self, turn: &mut Turn, habit: FilterHabit) -> Result<(), PollError> {
        turn.state.filter = habit;
        Ok(self.store.remember_filter(turn.state.id, habit).await?)
    }

    /// A stream that has nothing at all: is it empty, or does the filter hide it? True when it was hidden; the
    /// stream then starts over with a filter that shows it.
    async fn check_empty(&mut self, account: &Arc<Account>, report: &PollReport) -> Result<bool, PollError> {
        let mut turn = self.turn(account).await?;
        let due = self.looked.is_none_or(|looked| later(looked, EMPTY_CHECK) <= turn.now);
        if turn.state.sequence > 0 || report.rows > 0 || !due {
            return Ok(false);
        }
        let wanted = TimeRange { from: self.options.start, to: None };
        for habit in self.other_habits(turn.state.filter) {
            turn.state.filter = habit;
            if self.walker(&turn).pages.shows_any(self.plan(&turn, wanted, None), wanted.from).await? {
                tracing::warn!(code = "filter-changed", source = %self.options.name.source, stream = self.spec.name, filter = ?habit,
                    "the time filter hid every event; asking in another way from now on");
                self.store.start_over(turn.state.id, habit).await?;
                return Ok(true);
            }
        }
        self.looked = Some(turn.now);
        Ok(false)
    }

    async fn walk(&self, turn: &Turn, plan: Plan) -> Result<Walked, PollError> {
        self.walker(turn).run(plan).await
    }

    pub(super) fn walker<'a>(&'a self, turn: &'a Turn) -> Walk<'a, F> {
        let mut intake = Intake::new(&self.store, &self.provider, self.spec, &self.options, &turn.account);
        intake.id = turn.state.id;
        intake.high_water = turn.state.cursor.high_water;
        let Cursor { complete_from, complete_to, .. } = turn.state.cursor;
        // What is older was never asked for: it is no late event when a deeper walk finds it.
        intake.late = complete_from.zip(complete_to).map(|(from, to)| from..to);
        let pages = Pages {
            fetch: &*self.fetch,
            provider: &*self.provider,
            source: &self.options.name.source,
            spec: self.spec,
            clock: &self.clock,
            level: self.store.level(),
            limit: &self.limit,
        };
        Walk { pages, intake }
    }

    /// The cursor behind a complete walk; `complete_to` is `None` for a walk up to now.
    async fn complete(
        &self,
        turn: &Turn,
        walked: &Walked,
        complete_to: Option<Timestamp>,
    ) -> Result<(), PollError> {
        let edge = walked.edge.unwrap_or(turn.now).min(turn.now);
        let complete_to = complete_to.unwrap_or(edge).min(edge);
        let cursor = Cursor {
            high_water: walked.newest.map(|newest| newest.min(edge)),
            complete_from: Some(self.complete_from(turn)),
            complete_to: Some(walked.doubtful.map_or(complete_to, |doubtful| complete_to.min(doubtful))),
        };
        Ok(self.store.complete_window(turn.state.id, cursor).await?)
    }

    /// From where on a first complete walk has read everything: all that the provider shows, where nothing is
    /// filtered.
    fn complete_from(&self, turn: &Turn) -> Timestamp {
        let oldest = earlier(turn.now, self.options.horizon);
        if self.is_filtered(turn) { self.options.start.max(oldest) } else { oldest }
    }

    /// HubSpot is known to answer 500 deep in a long walk.
    pub(super) fn shorter_window_may_help(&mut self, failure: &PollError) -> bool {
        let too_long = matches!(failure, PollError::TooManyPages { .. } | PollError::BrokeOff { .. });
        let divisible = matches!(self.spec.filter, Filter::Instants { .. });
        too_long && divisible && self.stride.shrink()
    }
}

impl PollReport {
    pub(super) fn add(&mut self, walked: &Walked) {
        self.pages += walked.pages;
        self.rows += walked.rows;
        self.new += walked.committed.new;
        self.known = self.rows.saturating_sub(self.new);
    }

    pub(super) fn append(&mut self, next: Self) {
        self.pages += next.pages;
        self.rows += next.rows;
        self.new += next.new;
        self.known += next.known;
        self.gaps.extend(next.gaps);
    }
}
