//! One sink is sent again what the spool still has; the others are left alone.

use std::fs;

use serde_json::{Value, json};

use crate::receivers::{ARCHIVE, own_events};
use crate::rig::{Place, Settings, Simulator, named};

fn replay(place: &Place, arguments: &[&str]) -> (Option<i32>, String, String) {
    let ended = place.run(&[&["--log-level", "warn", "replay"], arguments].concat());
    (ended.code, ended.stdout, ended.stderr)
}

fn archived(place: &Place) -> usize {
    let text = fs::read_to_string(place.path("events.ndjson")).unwrap_or_default();
    // The daemon's own events come and go.
    text.lines().filter(|line| !line.contains("\"dataset\":\"auditferry.service\"")).count()
}

/// Collected and delivered, with the daemon that did it.
fn delivered() -> (Simulator, Place) {
    let simulator = Simulator::start(&["--events", "1000", "--span", "20d", "--rate", "0"]);
    let place = Place::new(&simulator, &Settings { sink_more: ARCHIVE, ..Settings::default() });
    (simulator, place)
}

fn id_and_sequence(event: &Value) -> (String, u64) {
    (event["id"].as_str().unwrap().to_owned(), event["sequence"].as_u64().unwrap())
}

#[test]
fn events_come_again_under_the_same_ids_and_other_sinks_stay_where_they_are() {
    let (simulator, place) = delivered();
    let daemon = place.daemon();
    simulator.wait_complete();
    daemon.wait_status("an idle daemon", |status| {
        status["sinks"].as_array().unwrap().iter().all(|sink| sink["waiting"] == 0)
    });
    let (before, archive) = (simulator.stats(), archived(&place));
    let first: Vec<_> = simulator.received().iter().map(id_and_sequence).collect();

    let (code, stdout, stderr) = replay(&place, &["receiver", "--from", "30d", "--output", "json"]);
    assert_eq!(code, Some(0), "{stderr}");
    let outcome: Value = serde_json::from_str(&stdout).unwrap();
    assert!(outcome["accepted"].as_u64().unwrap() >= 1_000, "{outcome}");
    assert_eq!((&outcome["accepted"], &outcome["refused"]), (&outcome["events"], &json!(0)));
    let after = simulator.stats();
    assert_eq!((after.unique, after.conflicting), (before.unique + own_added(&before, &after), 0));
    assert!(after.repeated >= before.repeated + 1_000, "{after:#?}");
    let again: Vec<_> = simulator.received().iter().map(id_and_sequence).collect();
    assert!(first.iter().all(|event| again.contains(event)), "ids and sequences are as they were");
    assert_eq!(archived(&place), archive, "the other sink got nothing again");
    simulator.assert_exactly_once();

    // A part of it: one source, two days.
    let repeated = simulator.stats().repeated;
    let (code, stdout, stderr) =
        replay(&place, &["receiver", "--from", "4d", "--to", "2d", "--source", "brevo", "--output", "json"]);
    assert_eq!(code, Some(0), "{stderr}");
    let part: Value = serde_json::from_str(&stdout).unwrap();
    let accepted = part["accepted"].as_u64().unwrap();
    assert!(accepted > 0 && accepted < 200, "{part}");
    assert_eq!(simulator.stats().repeated - repeated, accepted);
    let told = own_events(&place, "state-changed");
    assert_eq!(told.len(), 2, "{told:#?}");
    assert_eq!(told[1]["auditferry"]["change"], "Replay to sink receiver: from 4d to 2d of brevo");
    let (code, _, stderr) = replay(&place, &["nobody", "--from", "1d"]);
    assert_eq!((code, stderr.contains("known are: archive, receiver")), (Some(1), true), "{stderr}");
    daemon.stop();
}

/// Events of the daemon's own that came between the two counts.
fn own_added(
    before: &auditferry::simulator::ReceiverStats,
    after: &auditferry::simulator::ReceiverStats,
) -> u64 {
    let own = |stats: &auditferry::simulator::ReceiverStats| {
        stats
            .sequences
            .iter()
            .filter(|(stream, _)| stream.contains("service"))
            .map(|(_, sequence)| sequence.last)
            .sum::<i64>()
    };
    u64::try_from(own(after) - own(before)).unwrap()
}

#[test]
fn without_a_daemon_it_sends_them_by_itself() {
    let (simulator, place) = delivered();
    place.run_once();
    let (before, archive) = (simulator.stats(), archived(&place));
    let position = |sink: &str| named(&place.status(), "sinks", sink)["delivered"].clone();
    let delivered = position("receiver");
    let (code, stdout, stderr) = replay(&place, &["receiver", "--from", "30d"]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.starts_with("sink receiver has taken 1,0"), "{stdout}");
    assert!(simulator.stats().repeated >= before.repeated + 1_000);
    assert_eq!(archived(&place), archive);
    let now = position("receiver").as_u64().unwrap();
    assert!(now < delivered.as_u64().unwrap() + 10, "what is sent again is not counted as delivered again");
    simulator.assert_exactly_once();
}

#[test]
fn a_receiver_that_is_away_is_waited_for_and_a_kill_is_gone_on_from() {
    let (simulator, place) = delivered();
    let daemon = place.daemon();
    simulator.wait_complete();
    let before = simulator.stats().repeated;
    simulator.receiver_faults(&json!({"statuses": {"503": {"share": 1}}}));
    let command = ["--log-level", "warn", "replay", "receiver", "--from", "30d", "--output", "json"];
    let mut waiting = place.command(&command).spawn().unwrap();
    daemon
        .wait_status("the failing sink", |status| named(status, "sinks", "receiver")["state"] == "retrying");
    daemon.kill();
    assert_eq!(waiting.wait().unwrap().code(), Some(1));

    simulator.receiver_faults(&json!({"statuses": {"503": {"share": 0}}}));
    let daemon = place.daemon();
    daemon.wait_status("a daemon at work", |status| named(status, "sinks", "receiver")["state"] == "working");
    assert_eq!(simulator.stats().repeated, before, "nobody has asked the new daemon for it");
    let ended = place.run(&command);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(simulator.stats().repeated >= before + 1_000, "{:#?}", simulator.stats());
    daemon.stop();
}

#[test]
fn a_sink_that_a_reload_takes_out_ends_its_replay() {
    let (simulator, place) = delivered();
    let daemon = place.daemon();
    simulator.wait_complete();
    simulator.receiver_faults(&json!({"statuses": {"503": {"share": 1}}}));
    let command = ["--log-level", "warn", "replay", "receiver", "--from", "30d"];
    let waiting = place.command(&command).stderr(std::process::Stdio::piped()).spawn().unwrap();
    daemon
        .wait_status("the failing sink", |status| named(status, "sinks", "receiver")["state"] == "retrying");
    let file = place.path("auditferry.toml");
    let text = fs::read_to_string(&file).unwrap().replace("[sinks.receiver]", "[sinks.another]");
    fs::write(&file, text).unwrap();
    daemon.signal("HUP");
    let ended = waiting.wait_with_output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("sink receiver is not in the configuration any more"), "{said}");
    daemon.stop();
}
