//! Statuses that the tests judge and show.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{About, AboutSink, AboutStream, Live};
use crate::collect::PollReport;
use crate::collect::schedule::{Health, StreamStatus};
use crate::deliver::{SinkState, SinkStatus};
use crate::event::StreamName;
use crate::store::{
    CollectedCount, Cursor, Failure, Gap, SinkNote, SinkSnapshot, Snapshot, SpoolLevel, StreamSnapshot,
};

pub(crate) const GIB: u64 = 1 << 30;

pub(crate) fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

pub(crate) fn ago(seconds: i64) -> Timestamp {
    now() - SignedDuration::from_secs(seconds)
}

pub(crate) fn name(stream: &str) -> StreamName {
    let source = if stream == "activities" { "brevo" } else { "hubspot" };
    StreamName { source: source.to_owned(), stream: stream.to_owned() }
}

/// Four streams of two sources, two sinks, 2 GiB.
pub(crate) fn about() -> About {
    let stream = |stream, seconds, days: u64| AboutStream {
        name: name(stream),
        poll_interval: Duration::from_secs(seconds),
        horizon: Duration::from_secs(days * 86_400),
    };
    About {
        streams: vec![
            stream("audit_logs", 60, 365),
            stream("login", 60, 90),
            stream("security", 60, 365),
            stream("activities", 300, 365),
        ],
        sinks: vec![
            AboutSink { name: "siem".to_owned(), sources: Vec::new() },
            AboutSink { name: "archive".to_owned(), sources: vec!["hubspot".to_owned()] },
        ],
        spool_max: 2 * GIB,
    }
}

/// A stream that was polled completely 20 seconds ago; it has collected a tenth of its events in the last hour.
pub(crate) fn stream_snapshot(stream: &str, events: i64) -> StreamSnapshot {
    StreamSnapshot {
        name: name(stream),
        cursor: Cursor {
            high_water: Some(ago(200)),
            complete_from: Some(ago(90 * 86_400)),
            complete_to: Some(ago(20)),
        },
        events,
        last_success: Some(ago(20)),
        last_failure: None,
        reconciled: None,
        collected: vec![CollectedCount { start: ago(1_800), events: events / 10 }],
    }
}

/// A sink that has taken everything.
pub(crate) fn sink_snapshot(name: &str) -> SinkSnapshot {
    SinkSnapshot {
        name: name.to_owned(),
        delivered: 12_345,
        waiting: 0,
        waiting_bytes: 0,
        oldest_waiting: None,
        note: SinkNote::Working,
        since: Some(ago(3_600)),
        dead_letters: 0,
    }
}

/// Everything is well.
pub(crate) fn well() -> Snapshot {
    Snapshot {
        streams: vec![
            stream_snapshot("audit_logs", 10_250),
            stream_snapshot("login", 1_800),
            stream_snapshot("security", 75),
            stream_snapshot("activities", 220),
        ],
        sinks: vec![sink_snapshot("siem"), sink_snapshot("archive")],
        gaps: Vec::new(),
        undelivered_bytes: 0,
        size_bytes: 24 << 20,
    }
}

/// A poll that failed so many seconds ago.
pub(crate) fn failure(seconds: i64, reason: &str, refused: bool) -> Failure {
    Failure { at: ago(seconds), reason: reason.to_owned(), refused }
}

/// A refused source, a failing one, a dead sink, a gap.
pub(crate) fn troubled() -> Snapshot {
    let mut snapshot = well();
    snapshot.streams[1].last_failure = Some(failure(7, "HTTP 503 from the provider", false));
    snapshot.streams[3] = StreamSnapshot {
        cursor: Cursor {
            high_water: Some(ago(8_000)),
            complete_to: Some(ago(7_500)),
            ..stream_snapshot("activities", 0).cursor
        },
        last_success: Some(ago(7_500)),
        last_failure: Some(failure(30, "HTTP 401: Key not found", true)),
        ..stream_snapshot("activities", 220)
    };
    snapshot.sinks[0] = SinkSnapshot {
        waiting: 4_321,
        waiting_bytes: 5 << 20,
        oldest_waiting: Some(ago(900)),
        note: SinkNote::Retrying("connection refused".to_owned()),
        since: Some(ago(910)),
        dead_letters: 2,
        ..sink_snapshot("siem")
    };
    snapshot.gaps.push(Gap { stream: name("login"), from: ago(9_000_000), to: ago(8_000_000) });
    snapshot.undelivered_bytes = 5 << 20;
    snapshot
}

/// A process that started an hour ago, with what each of these streams is doing.
pub(crate) fn live(snapshot: &Snapshot) -> Live {
    let stream = |about: AboutStream| {
        let kept = snapshot.streams.iter().find(|kept| kept.name == about.name);
        let mut status = StreamStatus::new(about.name, about.poll_interval);
        let Some(kept) = kept else { return status };
        status.polls = 60;
        status.last_success = kept.last_success;
        status.last_report = PollReport { pages: 2, rows: 240, new: 12, known: 228, gaps: Vec::new() };
        status.health = match &kept.last_failure {
            None => Health::Working,
            Some(failure) if failure.refused => Health::Held(failure.reason.clone()),
            Some(failure) => Health::Failing(failure.reason.clone()),
        };
        status
    };
    let sink = |kept: &SinkSnapshot| SinkStatus {
        name: kept.name.clone(),
        state: match kept.note.clone() {
            SinkNote::Working => SinkState::Working,
            SinkNote::Retrying(reason) => SinkState::Retrying { reason },
            SinkNote::Held(reason) => SinkState::Held { reason },
        },
        since: kept.since.unwrap_or(ago(3_600)),
        delivered: 345,
        refused: 0,
        batches: 12,
        last_success: Some(ago(15)),
        position: 345,
        notices_lost: 0,
    };
    Live {
        started: ago(3_600),
        streams: about().streams.into_iter().map(stream).collect(),
        sinks: snapshot.sinks.iter().map(sink).collect(),
        level: SpoolLevel { used: snapshot.undelivered_bytes, max: 2 * GIB, full: false },
        store_failure: None,
    }
}
