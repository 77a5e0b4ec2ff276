//! A walk: every page of one query, one page in memory at a time.
//!
//! While a page is mapped and waits for the disk, the next one is fetched. Nothing here trusts the order of
//! rows; the walk ends where the provider says so, or early under the one condition that makes it safe.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use super::copies::{Copies, Doubt};
use super::fetch::{Fetch, FetchError};
use super::page::Intake;
use super::stream::PollError;
use super::window::{earlier, later};
use crate::clock::Clock;
use crate::event::IdentityFields;
use crate::provider::{Page, PageToken, Provider, Query, Record, StreamSpec, TimeRange, Unit};
use crate::store::{Committed, SpoolLevel};

/// 2,000,000 rows of HubSpot, 1,000,000 of Brevo: a walk beyond it is a loop, or a window to be halved.
const MOST_PAGES: u64 = 10_000;
/// A page that can't be read is asked for again so often: a proxy's error page passes, a new format does not.
const UNREADABLE_TRIES: u32 = 4;
/// Pages read across places of doubt, at most, before the whole walk is repeated.
const CROSS_READS: usize = 16;
/// A walk is repeated so often at most to see the same rows twice; what is left waits for the next poll.
const REPEATS: u32 = 2;
/// Records in doubt that are kept for the repetition; more wait for the next poll.
const MOST_DOUBTS: usize = 1_000;
/// A row so far outside what was asked says that the filter was not applied.
const OUTSIDE: Duration = Duration::from_secs(86_400);
/// A `Date` further away than this is a broken clock, not a hint.
const BELIEVABLE_SKEW: Duration = Duration::from_secs(86_400);

/// What a walk asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    /// `None`: unfiltered.
    pub(super) range: Option<TimeRange>,
    /// How the range is written.
    pub(super) unit: Unit,
    /// The walk may stop at a page that is known as a whole and older than this, when rows came newest first.
    /// Only what an earlier complete walk has covered may be left out.
    pub(super) stop_before: Option<Timestamp>,
}

/// What a walk saw.
#[derive(Debug, Clone, Default)]
pub(super) struct Walked {
    pub(super) pages: u64,
    pub(super) rows: u64,
    /// Rows that an earlier walk had collected.
    pub(super) recognised: u64,
    /// What the store made of the rest.
    pub(super) committed: Committed,
    /// Rows far outside of what was asked.
    pub(super) outside: u64,
    pub(super) newest: Option<Timestamp>,
    pub(super) oldest: Option<Timestamp>,
    /// The time of the first page, by the earlier of both clocks.
    pub(super) edge: Option<Timestamp>,
    pub(super) stopped_early: bool,
    /// The oldest of the rows of which it is not certain how many there are: the walk is complete to there.
    pub(super) doubtful: Option<Timestamp>,
}

impl Walked {
    /// Whether the filter was ignored: most rows are not what was asked for.
    pub(super) fn ignored_the_filter(&self) -> bool {
        self.outside > 0 && self.outside * 2 > self.rows
    }

    /// Whether anything that was known before the walk was seen again.
    pub(super) fn recognised_any(&self) -> bool {
        self.recognised > 0 || self.committed.known > 0
    }
}

/// The asking side of a walk.
pub(super) struct Pages<'a, F> {
    pub(super) fetch: &'a F,
    pub(super) provider: &'a dyn Provider,
    /// The source's name, for the log.
    pub(super) source: &'a str,
    pub(super) spec: &'static StreamSpec,
    pub(super) clock: &'a Clock,
    /// Polling pauses while the spool is full.
    pub(super) level: watch::Receiver<SpoolLevel>,
    /// Which of the stream's page sizes the provider takes: learnt once for all walks.
    pub(super) limit: &'a AtomicUsize,
}

/// One page and when it was asked for: by our clock, and by the earlier of ours and the provider's.
struct Fetched {
    page: Page,
    asked: Timestamp,
    edge: Timestamp,
}

impl<F: Fetch> Pages<'_, F> {
    fn rows_a_page(&self) -> u32 {
        self.spec.page_limits.get(self.limit.load(Ordering::Relaxed)).copied().unwrap_or(100)
    }

    /// Finds a page size that the provider takes, with the first page of the plan.
    async fn first(&self, plan: Plan) -> Result<Fetched, PollError> {
        loop {
            match self.get(plan, PageToken::First).await {
                Err(PollError::Fetch(FetchError::BadRequest { reason }))
                    if self.limit.load(Ordering::Relaxed) + 1 < self.spec.page_limits.len() =>
                {
                    self.limit.fetch_add(1, Ordering::Relaxed);
                    tracing::warn!(code = "smaller-pages", source = self.source, stream = self.spec.name,
                        limit = self.rows_a_page(), %reason,
                        "the provider refused the query; asking for smaller pages");
                }
                other => return other,
            }
        }
    }

    async fn get(&self, plan: Plan, at: PageToken) -> Result<Fetched, PollError> {
        let query = Query { range: plan.range, unit: plan.unit, limit: self.rows_a_page(), at };
        let mut tries = 0;
        loop {
            self.wait_for_room().await?;
            let asked = self.clock.now();
            let request = self.provider.page_request(self.spec, &query);
            let reply = self.fetch.fetch(self.spec, request).await?;
            let edge = match reply.headers.date() {
                Some(date) if date < asked && date > earlier(asked, BELIEVABLE_SKEW) => date,
                _ => asked,
            };
            match self.provider.read_page(self.spec, &query, &reply.body) {
                Ok(page) => return Ok(Fetched { page, asked, edge }),
                Err(unreadable) => {
                    tries += 1;
                    if tries >= UNREADABLE_TRIES {
                        return Err(PollError::Unreadable { what: unreadable.what });
                    }
                    tokio::time::sleep(Duration::from_secs(1 << tries)).await;
                }
            }
        }
    }

    /// Whether the provider shows any row from `from` on. Commits nothing.
    pub(super) async fn shows_any(&self, plan: Plan, from: Timestamp) -> Result<bool, PollError> {
        let mut turns = Turns::default();
        let mut page = self.first(plan).await?.page;
        for pages in 1.. {
            if page.records.iter().any(|record| record.time.is_some_and(|time| time >= from)) {
                return Ok(true);
            }
            let Some(next) = page.next else { break };
            turns.onward(&next, pages)?;
            page = self.get(plan, next).await?.page;
        }
        Ok(false)
    }

    async fn wait_for_room(&self) -> Result<(), PollError> {
        let mut level = self.level.clone();
        let room = level.wait_for(|level| !level.full).await;
        room.map(drop).map_err(|_| PollError::Store(crate::store::StoreError::Closed))
    }
}

/// A walk under way.
pub(super) struct Walk<'a, F> {
    pub(super) pages: Pages<'a, F>,
    pub(super) intake: Intake<'a>,
}

/// Records in doubt, for the case that they turn out to be real.
type Kept = HashMap<IdentityFields, Record>;

impl<F: Fetch> Walk<'_, F> {
    /// Walks the plan to its end; everything it saw is on disk afterwards.
    pub(super) async fn run(&mut self, plan: Plan) -> Result<Walked, PollError> {
        let mut copies = self.intake.spec.ordinals.then(Copies::default);
        let mut walked = self.pass(plan, copies.as_mut(), None).await?;
        if let Some(copies) = copies {
            self.settle(plan, copies, &mut walked).await?;
        }
        walked.committed = self.intake.finish().await?;
        Ok(walked)
    }

    /// One pass over all pages.
    async fn pass(
        &mut self,
        plan: Plan,
        mut copies: Option<&mut Copies>,
        mut keep: Option<(&Copies, &mut Kept)>,
    ) -> Result<Walked, PollError> {
        let mut walked = Walked::default();
        let mut order = Order::default();
        let mut turns = Turns::default();
        let mut at = PageToken::First;
        let mut fetched = self.pages.first(plan).await?;
        walked.edge = Some(fetched.edge);
        loop {
            let Fetched { page, asked, .. } = fetched;
            if turns.repeats(&page) && matches!(at, PageToken::Offset(_)) {
                fetched = self.repeated(plan, &at, &mut turns).await?;
                continue;
            }
            walked.count(&page.records, plan.range);
            order.follow(&page.records);
            let ordinals = copies.as_mut().map(|copies| copies.count(offset(&at), &page.records));
            if let Some((doubtful, kept)) = &mut keep {
                doubtful.keep(&page.records, kept);
            }
            let may_stop =
                order.is_newest_first(self.intake.high_water) && all_older(&page.records, plan.stop_before);
            let Some(next) = page.next else {
                walked.recognised += self.intake.take(page.records, ordinals, asked).await?.recognised;
                return Ok(walked);
            };
            turns.onward(&next, walked.pages)?;
            if may_stop {
                let taken = self.intake.take(page.records, ordinals, asked).await?;
                walked.recognised += taken.recognised;
                if taken.offered == 0 {
                    walked.stopped_early = true;
                    return Ok(walked);
                }
                fetched =
                    self.pages.get(plan, next.clone()).await.map_err(|why| broke_off(why, walked.pages))?;
            } else {
                let (taken, following) = tokio::join!(
                    self.intake.take(page.records, ordinals, asked),
                    self.pages.get(plan, next.clone()),
                );
                walked.recognised += taken?.recognised;
                fetched = following.map_err(|why| broke_off(why, walked.pages))?;
            }
            at = next;
        }
    }

    /// The provider showed one page at two offsets. Once is a hiccup of a cache; twice is a fault that would
    /// double every row of it.
    async fn repeated(&self, plan: Plan, at: &PageToken, turns: &mut Turns) -> Result<Fetched, PollError> {
        if turns.retried_repeat {
            return Err(PollError::PageRepeats);
        }
        turns.retried_repeat = true;
        self.pages.get(plan, at.clone()).await
    }

    /// Settles which equal rows are different events.
    async fn settle(&mut self, plan: Plan, mut copies: Copies, walked: &mut Walked) -> Result<(), PollError> {
        self.read_across(plan, &mut copies).await?;
        for _ in 0..REPEATS {
            if copies.doubts().is_empty() {
                return Ok(());
            }
            let mut kept = Kept::new();
            let mut again = Copies::default();
            let repeated = self.pass(plan, Some(&mut again), Some((&copies, &mut kept))).await?;
            walked.pages += repeated.pages;
            if again.order() == copies.order() {
                return self.believe(&again, kept).await;
            }
            copies = again;
            self.read_across(plan, &mut copies).await?;
        }
        walked.doubtful = copies.oldest_doubt();
        Ok(())
    }

    /// Reads one page across each place where equal rows stand on neighbouring pages.
    async fn read_across(&mut self, plan: Plan, copies: &mut Copies) -> Result<(), PollError> {
        let limit = u64::from(self.pages.rows_a_page());
        let mut tried = HashSet::new();
        while tried.len() < CROSS_READS {
            let near = |doubt: &&Doubt| {
                doubt.last - doubt.first < limit && !tried.contains(&(doubt.first, doubt.last))
            };
            let doubts = copies.doubts();
            let Some(doubt) = doubts.iter().find(near).copied() else { return Ok(()) };
            tried.insert((doubt.first, doubt.last));
            let start = doubt.first.saturating_sub((limit - (doubt.last - doubt.first)) / 2);
            let Fetched { page, asked, .. } = self.pages.get(plan, PageToken::Offset(start)).await?;
            for doubt in doubts {
                copies.settle(doubt, &page.records);
            }
            let ordinals = Copies::default().count(start, &page.records);
            self.intake.take(page.records, Some(ordinals), asked).await?;
        }
        Ok(())
    }

    /// Two passes saw the same: every copy is real.
    async fn believe(&mut self, copies: &Copies, kept: Kept) -> Result<(), PollError> {
        for (identity, record) in kept {
            let count = copies.in_walk(&identity);
            let all = vec![record; usize::try_from(count).unwrap_or(MOST_DOUBTS)];
            self.intake.take(all, Some((1..=count).collect()), self.pages.clock.now()).await?;
        }
        Ok(())
    }
}

impl Copies {
    /// Keeps one of each record that an earlier pass left in doubt.
    fn keep(&self, records: &[Record], kept: &mut Kept) {
        for record in records {
            if kept.len() < MOST_DOUBTS && self.in_doubt(&record.identity) {
                kept.entry(record.identity.clone()).or_insert_with(|| record.clone());
            }
        }
    }
}

impl Walked {
    fn count(&mut self, records: &[Record], range: Option<TimeRange>) {
        self.pages += 1;
        self.rows += records.len() as u64;
        for time in records.iter().filter_map(|record| record.time) {
            self.newest = self.newest.max(Some(time));
            self.oldest = Some(self.oldest.map_or(time, |oldest| oldest.min(time)));
            self.outside += u64::from(range.is_some_and(|range| is_outside(time, range)));
        }
    }
}

/// So far into a walk it may be its length that the provider can't bear, rather than an outage.
fn broke_off(failure: PollError, pages: u64) -> PollError {
    const FAR: u64 = 10;
    match failure {
        PollError::Fetch(FetchError::Unavailable { reason }) if pages >= FAR => {
            PollError::BrokeOff { pages, reason }
        }
        other => other,
    }
}

fn is_outside(time: Timestamp, range: TimeRange) -> bool {
    time < earlier(range.from, OUTSIDE) || range.to.is_some_and(|to| time > later(to, OUTSIDE))
}

fn offset(at: &PageToken) -> u64 {
    match at {
        PageToken::Offset(offset) => *offset,
        PageToken::First | PageToken::After(_) => 0,
    }
}

fn all_older(records: &[Record], than: Option<Timestamp>) -> bool {
    let Some(than) = than else { return false };
    !records.is_empty() && records.iter().all(|record| record.time.is_some_and(|time| time < than))
}

/// Whether this walk has shown that rows come newest first: without exception, with at least one step down
/// (rows of one instant are in any order), and with the newest event that we know, or a newer one, on top.
#[derive(Debug)]
struct Order {
    falls: bool,
    stepped_down: bool,
    top: Option<Timestamp>,
    last: Option<Timestamp>,
}

impl Default for Order {
    fn default() -> Self {
        Self { falls: true, stepped_down: false, top: None, last: None }
    }
}

impl Order {
    fn is_newest_first(&self, newest_known: Option<Timestamp>) -> bool {
        self.falls && self.stepped_down && self.top >= newest_known
    }

    fn follow(&mut self, records: &[Record]) {
        let (Some(first), Some(last)) = (records.first(), records.last()) else { return };
        let falls = records.windows(2).all(|pair| pair[0].time >= pair[1].time);
        let dated = records.iter().all(|record| record.time.is_some());
        let continues = self.last.is_none() || first.time <= self.last;
        self.falls &= falls && dated && continues;
        self.top = self.top.or(first.time);
        self.last = last.time;
        self.stepped_down = self.top > self.last;
    }
}

/// Guards against walks that turn in circles.
#[derive(Debug, Default)]
struct Turns {
    cursors: HashSet<u64>,
    page: Option<u64>,
    retried_repeat: bool,
}

impl Turns {
    /// Whether this page shows the very rows of the one before: impossible for different offsets, unless all
    /// rows are equal.
    fn repeats(&mut self, page: &Page) -> bool {
        let mut hasher = DefaultHasher::new();
        for record in &page.records {
            record.identity.hash(&mut hasher);
        }
        let digest = hasher.finish();
        let various = page.records.windows(2).any(|pair| pair[0].identity != pair[1].identity);
        let repeats = various && self.page == Some(digest);
        if !repeats {
            self.page = Some(digest);
            self.retried_repeat = false;
        }
        repeats
    }

    fn onward(&mut self, next: &PageToken, pages: u64) -> Result<(), PollError> {
        if pages >= MOST_PAGES {
            return Err(PollError::TooManyPages { pages });
        }
        let mut hasher = DefaultHasher::new();
        match next {
            PageToken::After(cursor) => cursor.hash(&mut hasher),
            PageToken::Offset(offset) => offset.hash(&mut hasher),
            PageToken::First => return Err(PollError::CursorRepeats),
        }
        if self.cursors.insert(hasher.finish()) { Ok(()) } else { Err(PollError::CursorRepeats) }
    }
}
