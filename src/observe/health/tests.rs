use super::super::samples::{GIB, about, ago, live, now, troubled, well};
use super::super::{Live, assemble};
use super::*;
use crate::store::{SinkNote, Snapshot};

use ReasonKind::{SinkHeld, SinkWaiting, SpoolNearlyFull, StreamLate};

/// The kinds and subjects of the reasons, after changes to what is well.
fn reasons_after(change: impl FnOnce(&mut Snapshot, &mut Live)) -> Vec<(ReasonKind, Option<String>)> {
    let mut snapshot = well();
    let mut live = live(&snapshot);
    change(&mut snapshot, &mut live);
    for (live, kept) in live.streams.iter_mut().zip(&snapshot.streams) {
        live.last_success = kept.last_success;
    }
    let status = assemble(&snapshot, &about(), Some(&live), now());
    reasons(&status).into_iter().map(|reason| (reason.kind, reason.subject)).collect()
}

fn about_one(kind: ReasonKind, subject: &str) -> Vec<(ReasonKind, Option<String>)> {
    vec![(kind, Some(subject.to_owned()))]
}

#[test]
fn it_is_ready_when_all_is_well() {
    assert_eq!(reasons_after(|_, _| {}), []);
}

#[test]
fn a_stream_is_late_after_three_intervals_and_no_sooner_than_a_minute() {
    // (stream, its interval, seconds since its last success, late)
    let table = [
        (0, 60, 180, false),
        (0, 60, 181, true),
        (3, 300, 900, false),
        (3, 300, 901, true),
        (0, 1, 60, false),
        (0, 1, 61, true),
    ];
    for (stream, interval, passed, late) in table {
        let mut status = assemble(&well(), &about(), Some(&live(&well())), now());
        status.streams[stream].poll_interval_seconds = interval;
        status.streams[stream].last_success = Some(ago(passed));
        let name = status.streams[stream].name();
        let got: Vec<_> = reasons(&status).into_iter().map(|reason| (reason.kind, reason.subject)).collect();
        let expected = if late { about_one(StreamLate, &name) } else { vec![] };
        assert_eq!(got, expected, "{name} every {interval} s, {passed} s ago");
    }
}

#[test]
fn a_stream_that_has_not_succeeded_since_the_start_counts_from_the_start() {
    // (last success, start, late): the later of both counts.
    let table = [
        (None, 100, false),
        (None, 181, true),
        (Some(100_000), 100, false),
        (Some(100_000), 181, true),
        (Some(100), 100_000, false),
    ];
    for (success, started, late) in table {
        let got = reasons_after(|snapshot, live| {
            live.started = ago(started);
            snapshot.streams[1].last_success = success.map(ago);
        });
        let expected = if late { about_one(StreamLate, "hubspot/login") } else { vec![] };
        assert_eq!(got, expected, "success {success:?}, start {started}");
    }
}

#[test]
fn a_sink_may_wait_five_minutes_but_not_be_held() {
    for (note, oldest, expected) in [
        (SinkNote::Working, Some(300), None),
        (SinkNote::Working, Some(301), Some(SinkWaiting)),
        (SinkNote::Retrying("reset".to_owned()), Some(300), None),
        (SinkNote::Retrying("reset".to_owned()), Some(301), Some(SinkWaiting)),
        (SinkNote::Held("401".to_owned()), None, Some(SinkHeld)),
        (SinkNote::Held("401".to_owned()), Some(301), Some(SinkHeld)),
    ] {
        let got = reasons_after(|snapshot, _| {
            snapshot.sinks[1].note = note.clone();
            snapshot.sinks[1].oldest_waiting = oldest.map(ago);
        });
        let expected = expected.map(|kind| about_one(kind, "archive")).unwrap_or_default();
        assert_eq!(got, expected, "{note:?} {oldest:?}");
    }
}

#[test]
fn the_spool_may_be_nine_tenths_full() {
    let nine_tenths = 2 * GIB / 10 * 9;
    for (used, full, expected) in [
        (nine_tenths, false, vec![]),
        (nine_tenths + 10, false, vec![(SpoolNearlyFull, None)]),
        (2 * GIB, true, vec![(SpoolNearlyFull, None)]),
    ] {
        let got = reasons_after(|_, live| {
            live.level.used = used;
            live.level.full = full;
        });
        assert_eq!(got, expected, "{used} {full}");
    }
}

#[test]
fn every_reason_is_said_in_words() {
    let status = assemble(&troubled(), &about(), Some(&live(&troubled())), now());
    let messages: Vec<_> = reasons(&status).into_iter().map(|reason| reason.message).collect();
    assert_eq!(
        messages,
        [
            "brevo/activities: no complete poll for 1 h (HTTP 401: Key not found)",
            "siem: an event has waited for 15 min (connection refused)",
        ]
    );
}
