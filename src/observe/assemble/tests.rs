use std::time::Duration;

use super::super::samples::{self, GIB, about, ago, live, now, troubled, well};
use super::*;
use crate::collect::schedule::Health;

#[test]
fn a_stream_that_is_configured_shows_before_its_first_poll() {
    let snapshot = Snapshot::default();
    let status = assemble(&snapshot, &about(), Some(&live(&snapshot)), now());
    assert_eq!(status.streams.len(), 4);
    for stream in &status.streams {
        assert_eq!(stream.state, StreamCondition::NeverPolled, "{}", stream.name());
        assert_eq!(
            (stream.lag_seconds, stream.horizon_remaining_seconds, stream.last_poll),
            (None, None, None)
        );
    }
    let sinks: Vec<_> = status.sinks.iter().map(|sink| (sink.name.as_str(), sink.state)).collect();
    assert_eq!(sinks, [("siem", SinkCondition::Working), ("archive", SinkCondition::Working)]);
}

#[test]
fn a_working_stream_tells_lag_and_what_is_left_of_the_horizon() {
    let status = assemble(&well(), &about(), Some(&live(&well())), now());
    let login = &status.streams[1];
    assert_eq!(login.state, StreamCondition::Working);
    assert_eq!(login.newest_event, Some(ago(200)));
    assert_eq!(login.lag_seconds, Some(20));
    assert_eq!(login.horizon_remaining_seconds, Some(90 * 86_400 - 20));
    assert_eq!(login.last_poll, Some(LastPoll { read: 240, new: 12, known: 228, pages: 2 }));
    assert_eq!((status.running, status.state, status.problems.len()), (true, State::Working, 0));
}

#[test]
fn the_process_knows_better_than_what_was_kept() {
    let failure = || Some(samples::failure(7, "kept", false));
    let refusal = Some(samples::failure(7, "kept", true));
    let held = Health::Held("refused".to_owned());
    let failing = Health::Failing("broken".to_owned());
    // (kept failure, live health and polls) → (state, reason)
    let table = [
        (None, None, (StreamCondition::Working, None)),
        (failure(), None, (StreamCondition::Failing, Some("kept"))),
        (refusal, None, (StreamCondition::Held, Some("kept"))),
        (failure(), Some((Health::Working, 0)), (StreamCondition::Failing, Some("kept"))),
        (failure(), Some((Health::Working, 1)), (StreamCondition::Working, None)),
        (failure(), Some((held.clone(), 0)), (StreamCondition::Held, Some("refused"))),
        (None, Some((held, 4)), (StreamCondition::Held, Some("refused"))),
        (None, Some((failing, 0)), (StreamCondition::Failing, Some("broken"))),
        (None, Some((Health::Working, 0)), (StreamCondition::Working, None)),
    ];
    for (last_failure, process, (state, reason)) in table {
        let about = &about().streams[0];
        let kept = StreamSnapshot { last_failure, ..well().streams.swap_remove(0) };
        let process = process.map(|(health, polls)| {
            let fresh = schedule::StreamStatus::new(about.name.clone(), Duration::from_secs(60));
            schedule::StreamStatus { health, polls, ..fresh }
        });
        let got = stream_condition(Some(&kept), process.as_ref());
        assert_eq!((got.0, got.1.as_deref()), (state, reason), "{kept:?} {process:?}");
    }
}

#[test]
fn what_is_beyond_the_horizon_has_nothing_left() {
    let mut snapshot = well();
    snapshot.streams[1].cursor.complete_to = Some(ago(91 * 86_400));
    let status = assemble(&snapshot, &about(), None, now());
    assert_eq!(status.streams[1].horizon_remaining_seconds, Some(0));
}

#[test]
fn a_clock_set_back_gives_no_negative_times() {
    let mut snapshot = well();
    snapshot.streams[0].cursor.complete_to = Some(ago(-30));
    snapshot.sinks[0].oldest_waiting = Some(ago(-30));
    let status = assemble(&snapshot, &about(), None, now());
    assert_eq!(status.streams[0].lag_seconds, Some(0));
    assert_eq!(status.sinks[0].oldest_waiting_seconds, Some(0));
}

#[test]
fn gaps_are_counted_per_stream_and_listed_even_of_forgotten_ones() {
    let mut snapshot = troubled();
    let gone = StreamName { source: "old".to_owned(), stream: "login".to_owned() };
    snapshot.gaps.push(Gap { stream: gone, from: ago(20), to: ago(10) });
    let status = assemble(&snapshot, &about(), None, now());
    assert_eq!(status.streams.iter().map(|stream| stream.gaps).collect::<Vec<_>>(), [0, 1, 0, 0]);
    assert_eq!(status.gaps.len(), 2);
}

#[test]
fn the_spool_of_a_stopped_daemon_is_measured_against_the_configuration() {
    let mut snapshot = well();
    for (used, full) in [(2 * GIB - 1, false), (2 * GIB, true)] {
        snapshot.undelivered_bytes = used;
        let spool = assemble(&snapshot, &about(), None, now()).spool;
        assert_eq!(spool, SpoolStatus { used_bytes: used, max_bytes: 2 * GIB, full });
    }
}

#[test]
fn a_day_of_counts_ends_with_the_interval_under_way() {
    let at = |text: &str| -> Timestamp { text.parse().unwrap() };
    let one = |start, events| CollectedCount { start: at(start), events };
    let kept = [
        one("2026-11-21T12:00:00Z", 9),
        one("2026-11-21T12:15:00Z", 7),
        one("2026-11-22T11:45:00Z", 3),
        one("2026-11-22T12:00:00Z", 2),
        // Of a clock that was set back since.
        one("2026-11-22T12:30:00Z", 1),
    ];
    for now in ["2026-11-22T12:00:00Z", "2026-11-22T12:14:59.999Z"] {
        let Collected { interval_seconds, counts } = collected(&kept, at(now));
        assert_eq!((interval_seconds, counts.len()), (900, 96));
        assert_eq!((counts[0], counts[94], counts[95]), (7, 3, 3), "{now}");
        assert_eq!(counts.iter().sum::<u64>(), 13);
    }
    assert_eq!(collected(&kept, at("2026-11-23T12:00:00Z")).counts.iter().sum::<u64>(), 1);
}

#[test]
fn a_sink_is_what_its_worker_says_and_of_a_stopped_daemon_what_was_kept() {
    let snapshot = troubled();
    let running = assemble(&snapshot, &about(), Some(&live(&snapshot)), now());
    let stopped = assemble(&snapshot, &about(), None, now());
    let [siem, archive] = &running.sinks[..] else { panic!("{running:?}") };
    assert_eq!(
        (siem.state, siem.since, siem.last_success),
        (SinkCondition::Retrying, Some(ago(910)), Some(ago(15)))
    );
    assert_eq!(
        (&siem.sources[..], &archive.sources[..]),
        (&["*".to_owned()][..], &["hubspot".to_owned()][..])
    );
    assert_eq!((siem.waiting_bytes, archive.waiting_bytes), (5 << 20, 0));
    assert_eq!(stopped.sinks[0], SinkStatus { last_success: None, ..siem.clone() });
    // Before the store has it, or where it can't be written.
    let mut held = live(&snapshot);
    held.sinks[0].state = SinkState::Held { reason: "HTTP 401".to_owned() };
    held.sinks[0].since = ago(5);
    let siem = assemble(&snapshot, &about(), Some(&held), now()).sinks.swap_remove(0);
    let told = (siem.state, siem.reason.as_deref(), siem.since);
    assert_eq!(told, (SinkCondition::Held, Some("HTTP 401"), Some(ago(5))));
}

#[test]
fn the_field_names_are_those_that_scripts_rely_on() {
    let status = assemble(&troubled(), &about(), Some(&live(&troubled())), now());
    let json = serde_json::to_value(&status).unwrap();
    let names = |pointer: &str| -> Vec<String> {
        json.pointer(pointer).unwrap().as_object().unwrap().keys().cloned().collect()
    };
    assert_eq!(
        names(""),
        [
            "at", "gaps", "problems", "running", "sinks", "spool", "started", "state", "store", "streams",
            "version"
        ]
    );
    assert_eq!(
        names("/streams/0"),
        [
            "collected",
            "complete_from",
            "complete_to",
            "events",
            "gaps",
            "horizon_remaining_seconds",
            "horizon_seconds",
            "lag_seconds",
            "last_failure",
            "last_poll",
            "last_success",
            "newest_event",
            "poll_interval_seconds",
            "reason",
            "reconciled",
            "source",
            "state",
            "stream",
            "unmapped_events",
            "unreadable_records"
        ]
    );
    assert_eq!(
        names("/sinks/0"),
        [
            "dead_letters",
            "delivered",
            "last_success",
            "name",
            "oldest_waiting_seconds",
            "reason",
            "since",
            "sources",
            "state",
            "waiting",
            "waiting_bytes"
        ]
    );
    assert_eq!(names("/streams/0/last_poll"), ["known", "new", "pages", "read"]);
    assert_eq!(names("/problems/0"), ["advice", "code", "not_ready", "since", "subject", "what"]);
    assert_eq!(names("/gaps/0"), ["from", "source", "stream", "to"]);
    assert_eq!(names("/spool"), ["full", "max_bytes", "used_bytes"]);
    assert_eq!(names("/store"), ["failure", "size_bytes"]);
    assert_eq!(names("/streams/0/collected"), ["counts", "interval_seconds"]);
    assert_eq!(json["at"], "2026-11-22T12:00:00Z");
    assert_eq!(json["state"], "attention");
    assert_eq!(json["streams"][3]["state"], "held");
    assert_eq!(json["sinks"][0]["state"], "retrying");
}
