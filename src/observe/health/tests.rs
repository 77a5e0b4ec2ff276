use super::super::samples::{self, GIB, about, ago, live, now, troubled, well};
use super::super::{Live, assemble};
use super::*;
use crate::store::{SinkNote, Snapshot};

use ProblemCode::{
    SinkHeld, SinkWaiting, SpoolNearlyFull, StoreFailing, StreamFailing, StreamHeld, StreamLate,
};

/// The codes and subjects of the reasons, after changes to what is well.
fn reasons_after(change: impl FnOnce(&mut Snapshot, &mut Live)) -> Vec<(ProblemCode, Option<String>)> {
    let mut snapshot = well();
    let mut live = live(&snapshot);
    change(&mut snapshot, &mut live);
    for (live, kept) in live.streams.iter_mut().zip(&snapshot.streams) {
        live.last_success = kept.last_success;
    }
    live.sinks = samples::live(&snapshot).sinks;
    let status = assemble(&snapshot, &about(), Some(&live), now());
    reasons(&status).into_iter().map(|reason| (reason.code, reason.subject)).collect()
}

fn about_one(code: ProblemCode, subject: &str) -> Vec<(ProblemCode, Option<String>)> {
    vec![(code, Some(subject.to_owned()))]
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
        let status = status.with_daemon(true);
        let name = status.streams[stream].name();
        let got: Vec<_> = reasons(&status).into_iter().map(|reason| (reason.code, reason.subject)).collect();
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
        let expected = expected.map(|code| about_one(code, "archive")).unwrap_or_default();
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
fn a_stream_that_fails_or_is_held_is_a_reason_only_when_it_is_late() {
    for (refused, code) in [(false, StreamFailing), (true, StreamHeld)] {
        for (passed, late) in [(180, false), (181, true)] {
            let got = reasons_after(|snapshot, live| {
                let failure = samples::failure(7, "HTTP 503", refused);
                snapshot.streams[0].last_failure = Some(failure);
                snapshot.streams[0].last_success = Some(ago(passed));
                live.streams = samples::live(snapshot).streams;
            });
            let expected = if late { about_one(code, "hubspot/audit_logs") } else { vec![] };
            assert_eq!(got, expected, "{code:?}, {passed} s ago");
        }
    }
}

#[test]
fn a_store_that_cannot_commit_is_a_reason() {
    let got = reasons_after(|_, live| live.store_failure = Some("disk full".to_owned()));
    assert_eq!(got, [(StoreFailing, None)]);
}

#[test]
fn every_reason_is_a_problem_in_its_words_and_says_for_how_long() {
    let status = assemble(&troubled(), &about(), Some(&live(&troubled())), now());
    let messages: Vec<_> = reasons(&status).into_iter().map(|reason| reason.message).collect();
    assert_eq!(
        messages,
        [
            "brevo/activities is held: HTTP 401: Key not found (for 2 h 5 min)",
            "siem does not take its events: connection refused (for 15 min)",
        ]
    );
}

#[test]
fn the_horizon_is_low_with_a_week_or_a_tenth_of_it_left() {
    const DAY: u64 = 86_400;
    // (horizon, left, low)
    let table = [
        (365 * DAY, 7 * DAY, false),
        (365 * DAY, 7 * DAY - 1, true),
        (30 * DAY, 3 * DAY, false),
        (30 * DAY, 3 * DAY - 1, true),
        (90 * DAY, 0, true),
    ];
    for (horizon, left, low) in table {
        let mut status = assemble(&well(), &about(), Some(&live(&well())), now());
        let stream = &mut status.streams[1];
        (stream.horizon_seconds, stream.horizon_remaining_seconds) = (horizon, Some(left));
        assert_eq!(low_horizon(stream), low.then_some(left), "{left} s of {horizon}");
        // A first poll may begin where the provider is forgetting.
        stream.last_success = None;
        assert_eq!(low_horizon(stream), None);
        stream.last_failure = Some(ago(7));
        assert_eq!(low_horizon(stream), low.then_some(left));
    }
}
