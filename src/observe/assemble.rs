//! From what the store keeps and what the loops say to one [`Status`].

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::problem;
use super::status::{
    Collected, GapStatus, LastPoll, SinkCondition, SinkStatus, SpoolStatus, State, Status, StoreStatus,
    StreamCondition, StreamStatus, seconds_between, whole_seconds,
};
use crate::collect::schedule;
use crate::deliver::{self, SinkState};
use crate::event::StreamName;
use crate::store::{
    COLLECTED_INTERVAL, CollectedCount, Failure, Gap, SinkNote, SinkSnapshot, Snapshot, SpoolLevel,
    StreamSnapshot,
};

/// A day of intervals: what the page has room for.
const INTERVALS: u64 = 24 * 3600 / COLLECTED_INTERVAL.as_secs();

/// What the configuration says: it names what must show even before it was ever polled.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct About {
    /// Every stream.
    pub streams: Vec<AboutStream>,
    /// Every sink.
    pub sinks: Vec<AboutSink>,
    /// `spool.max_size`, bytes.
    pub spool_max: u64,
}

/// What the configuration says of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AboutStream {
    /// Which.
    pub name: StreamName,
    /// Between two polls.
    pub poll_interval: Duration,
    /// How far back the provider remembers.
    pub horizon: Duration,
}

/// What the configuration says of a sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AboutSink {
    /// Its name.
    pub name: String,
    /// The sources whose events it gets; empty means all.
    pub sources: Vec<String>,
}

/// What only the running process knows.
#[derive(Debug, Clone)]
pub struct Live {
    /// When it started.
    pub started: Timestamp,
    /// What each stream is doing.
    pub streams: Vec<schedule::StreamStatus>,
    /// What each sink is doing.
    pub sinks: Vec<deliver::SinkStatus>,
    /// How full the spool is.
    pub level: SpoolLevel,
    /// Why the store can't commit.
    pub store_failure: Option<String>,
}

/// The status at `now`; `live` is `None` for one who only reads the state directory.
pub fn assemble(snapshot: &Snapshot, about: &About, live: Option<&Live>, now: Timestamp) -> Status {
    let stream = |about: &AboutStream| {
        let kept = snapshot.streams.iter().find(|kept| kept.name == about.name);
        let live = live.and_then(|live| live.streams.iter().find(|live| live.name == about.name));
        let gaps = snapshot.gaps.iter().filter(|gap| gap.stream == about.name).count();
        StreamStatus { gaps, ..stream_status(about, kept, live, now) }
    };
    let sink = |about: &AboutSink| {
        let kept = snapshot.sinks.iter().find(|kept| kept.name == about.name);
        let live = live.and_then(|live| live.sinks.iter().find(|live| live.name == about.name));
        sink_status(about, kept, live, now)
    };
    let level = live.map_or_else(
        || SpoolLevel {
            used: snapshot.undelivered_bytes,
            max: about.spool_max,
            full: snapshot.undelivered_bytes >= about.spool_max,
        },
        |live| live.level,
    );
    let mut status = Status {
        version: env!("CARGO_PKG_VERSION"),
        at: now,
        started: live.map(|live| live.started),
        running: live.is_some(),
        state: State::Working,
        problems: Vec::new(),
        streams: about.streams.iter().map(stream).collect(),
        sinks: about.sinks.iter().map(sink).collect(),
        spool: SpoolStatus { used_bytes: level.used, max_bytes: level.max, full: level.full },
        store: StoreStatus {
            size_bytes: snapshot.size_bytes,
            failure: live.and_then(|live| live.store_failure.clone()),
        },
        gaps: snapshot.gaps.iter().map(gap_status).collect(),
    };
    status.judge();
    status
}

impl Status {
    /// The same, read from the state directory, with what its lock says of the daemon.
    #[must_use]
    pub fn with_daemon(mut self, running: bool) -> Self {
        self.running = running;
        self.judge();
        self
    }

    fn judge(&mut self) {
        self.problems = problem::problems(self);
        self.state = if self.problems.is_empty() { State::Working } else { State::Attention };
    }
}

fn stream_status(
    about: &AboutStream,
    kept: Option<&StreamSnapshot>,
    live: Option<&schedule::StreamStatus>,
    now: Timestamp,
) -> StreamStatus {
    let cursor = kept.map(|kept| kept.cursor).unwrap_or_default();
    let (state, reason) = stream_condition(kept, live);
    let last_failure = kept.and_then(|kept| kept.last_failure.as_ref()).map(|failure| failure.at);
    let last_success = kept.and_then(|kept| kept.last_success).max(live.and_then(|live| live.last_success));
    let last_poll = live.filter(|live| live.polls > 0).map(|live| LastPoll {
        read: live.last_report.rows,
        new: live.last_report.new,
        known: live.last_report.known,
        pages: live.last_report.pages,
    });
    StreamStatus {
        source: about.name.source.clone(),
        stream: about.name.stream.clone(),
        state,
        reason,
        last_success,
        last_failure,
        newest_event: cursor.high_water,
        complete_to: cursor.complete_to,
        lag_seconds: cursor.complete_to.map(|to| seconds_between(to, now)),
        complete_from: cursor.complete_from,
        reconciled: kept.and_then(|kept| kept.reconciled),
        events: count(kept.map_or(0, |kept| kept.events)),
        collected: collected(kept.map_or(&[], |kept| &kept.collected), now),
        last_poll,
        unmapped_events: live.map(|live| live.unmapped.events),
        unreadable_records: live.map(|live| live.unmapped.records),
        poll_interval_seconds: about.poll_interval.as_secs(),
        horizon_seconds: about.horizon.as_secs(),
        horizon_remaining_seconds: cursor.complete_to.map(|to| remaining(to, about.horizon, now)),
        gaps: 0,
    }
}

/// What the process says, once it has something to say; else what was kept.
fn stream_condition(
    kept: Option<&StreamSnapshot>,
    live: Option<&schedule::StreamStatus>,
) -> (StreamCondition, Option<String>) {
    match live.map(|live| (&live.health, live.polls)) {
        Some((schedule::Health::Failing(reason), _)) => (StreamCondition::Failing, Some(reason.clone())),
        Some((schedule::Health::Held(reason), _)) => (StreamCondition::Held, Some(reason.clone())),
        Some((schedule::Health::Working, polls)) if polls > 0 => (StreamCondition::Working, None),
        _ => match kept {
            Some(StreamSnapshot { last_failure: Some(Failure { reason, refused: true, .. }), .. }) => {
                (StreamCondition::Held, Some(reason.clone()))
            }
            Some(StreamSnapshot { last_failure: Some(Failure { reason, .. }), .. }) => {
                (StreamCondition::Failing, Some(reason.clone()))
            }
            Some(StreamSnapshot { last_success: Some(_), .. }) => (StreamCondition::Working, None),
            _ => (StreamCondition::NeverPolled, None),
        },
    }
}

/// Seconds until the provider forgets what came after `complete_to`.
fn remaining(complete_to: Timestamp, horizon: Duration, now: Timestamp) -> u64 {
    let horizon = SignedDuration::try_from(horizon).unwrap_or(SignedDuration::MAX);
    whole_seconds(horizon.saturating_sub(now.duration_since(complete_to)))
}

/// The counts of the last day, with the intervals in which nothing came.
fn collected(kept: &[CollectedCount], now: Timestamp) -> Collected {
    let interval = COLLECTED_INTERVAL.as_secs();
    let number = |at: Timestamp| at.as_second().div_euclid(i64::try_from(interval).unwrap_or(i64::MAX));
    let mut counts = vec![0; usize::try_from(INTERVALS).unwrap_or(0)];
    for one in kept {
        // 0 is the interval under way; what lies ahead is of a clock that was set back, and counts as now.
        let back = usize::try_from(number(now).saturating_sub(number(one.start))).unwrap_or(0);
        if let Some(counted) = counts.iter_mut().rev().nth(back) {
            *counted += count(one.events);
        }
    }
    Collected { interval_seconds: interval, counts }
}

fn sink_status(
    about: &AboutSink,
    kept: Option<&SinkSnapshot>,
    live: Option<&deliver::SinkStatus>,
    now: Timestamp,
) -> SinkStatus {
    let (state, reason) = sink_condition(kept, live);
    SinkStatus {
        name: about.name.clone(),
        state,
        reason: reason.map(str::to_owned),
        since: live.map(|live| live.since).or(kept.and_then(|kept| kept.since)),
        sources: if about.sources.is_empty() { vec!["*".to_owned()] } else { about.sources.clone() },
        last_success: live.and_then(|live| live.last_success),
        delivered: count(kept.map_or(0, |kept| kept.delivered)),
        waiting: count(kept.map_or(0, |kept| kept.waiting)),
        waiting_bytes: kept.map_or(0, |kept| kept.waiting_bytes),
        oldest_waiting_seconds: kept
            .and_then(|kept| kept.oldest_waiting)
            .map(|oldest| seconds_between(oldest, now)),
        dead_letters: count(kept.map_or(0, |kept| kept.dead_letters)),
    }
}

/// What the worker says; of a stopped daemon, what was kept.
fn sink_condition<'a>(
    kept: Option<&'a SinkSnapshot>,
    live: Option<&'a deliver::SinkStatus>,
) -> (SinkCondition, Option<&'a str>) {
    match (live.map(|live| &live.state), kept.map(|kept| &kept.note)) {
        (Some(SinkState::Retrying { reason }), _) | (None, Some(SinkNote::Retrying(reason))) => {
            (SinkCondition::Retrying, Some(reason))
        }
        (Some(SinkState::Held { reason }), _) | (None, Some(SinkNote::Held(reason))) => {
            (SinkCondition::Held, Some(reason))
        }
        (Some(SinkState::Working), _) | (None, None | Some(SinkNote::Working)) => {
            (SinkCondition::Working, None)
        }
    }
}

fn gap_status(gap: &Gap) -> GapStatus {
    GapStatus {
        source: gap.stream.source.clone(),
        stream: gap.stream.stream.clone(),
        from: gap.from,
        to: gap.to,
    }
}

/// A count of rows as the store gives it, never negative.
fn count(rows: i64) -> u64 {
    u64::try_from(rows).unwrap_or(0)
}

#[cfg(test)]
mod tests;
