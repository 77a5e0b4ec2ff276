//! Dead letters: looked at, sent again and dropped, with the daemon running and stopped.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream;

use serde_json::{Value, json};

use crate::receivers::{ARCHIVE, own_events};
use crate::rig::{Daemon, Ended, Place, Settings, Simulator, named, wait_for};

/// What the receiver refuses.
const POISON: &str = "poison.harborlight.example";

/// A simulator whose receiver refuses `count` of its events, and a place for a daemon.
fn poisoned(count: u64) -> (Simulator, Place) {
    let simulator = Simulator::start(&["--events", "200", "--rate", "0"]);
    simulator.receiver_faults(&json!({"poison": POISON, "poison_status": 422}));
    let second = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    for number in 0..count {
        let row = json!({
            "action": "login-success", "date": second, "user_email": format!("{number}@{POISON}"),
            "user_ip": "203.0.113.9", "user_agent": "curl/8.5",
        });
        simulator.plant(&json!({"stream": "brevo.activities", "record": row}));
    }
    let place = Place::new(&simulator, &Settings { sink_more: ARCHIVE, ..Settings::default() });
    (simulator, place)
}

fn mend(simulator: &Simulator) {
    simulator.receiver_faults(&json!({"poison": null}));
}

/// `dead-letters …`.
fn letters(place: &Place, arguments: &[&str]) -> Ended {
    place.run(&[&["--log-level", "warn", "dead-letters"], arguments].concat())
}

/// The same, which must succeed; gives what it printed.
#[track_caller]
fn done(place: &Place, arguments: &[&str]) -> String {
    let ended = letters(place, arguments);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    ended.stdout
}

#[track_caller]
fn list(place: &Place) -> Vec<Value> {
    let lines = done(place, &["list", "--output", "json"]);
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[track_caller]
fn wait_dead(daemon: &Daemon, count: u64) {
    daemon.wait_status(&format!("{count} dead letters"), |status| {
        named(status, "sinks", "receiver")["dead_letters"] == count
    });
}

/// The receiver has these letters' events, under the ids and sequences that they have always had, each once.
#[track_caller]
fn assert_arrived(simulator: &Simulator, letters: &[Value]) {
    simulator.wait_complete();
    let received = simulator.received();
    for letter in letters {
        let mut same = received.iter().filter(|event| event["id"] == letter["event_id"]);
        let event = same.next().unwrap();
        assert_eq!(
            (&event["source"], &event["stream"], &event["sequence"]),
            (&letter["source"], &letter["stream"], &letter["sequence"])
        );
        assert!(event["original"].as_str().unwrap().contains(POISON), "{event}");
        assert!(same.next().is_none());
    }
    assert_eq!(simulator.stats().repeated, 0, "{:#?}", simulator.stats());
}

#[test]
fn a_dead_letter_is_sent_again_when_the_receiver_is_mended_and_then_is_none() {
    let (simulator, place) = poisoned(2);
    let daemon = place.daemon();
    wait_dead(&daemon, 2);
    let first = list(&place);
    assert_eq!(first.len(), 2);
    let shown = done(&place, &["show", "1", "--output", "json"]);
    let whole: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(whole["event"]["event"]["id"], first[0]["event_id"]);
    assert!(whole["event"]["event"]["original"].as_str().unwrap().contains(POISON), "{whole:#}");

    // Too early: refused again, and nothing else happens.
    assert!(done(&place, &["retry", "1"]).starts_with("1 dead letter marked: sent again as soon as"));
    let again = wait_for("the second refusal", || {
        let letter = list(&place).swap_remove(0);
        (letter["retry"] == false && letter["refused_at"] != first[0]["refused_at"]).then_some(letter)
    });
    assert_eq!(again["event_id"], first[0]["event_id"]);
    let status = daemon.status();
    assert_eq!(named(&status, "sinks", "receiver")["dead_letters"], 2, "{status:#}");

    mend(&simulator);
    assert!(done(&place, &["retry", "--sink", "receiver"]).starts_with("2 dead letters marked"));
    wait_dead(&daemon, 0);
    assert_arrived(&simulator, &first);
    assert_eq!(done(&place, &["list"]), "there are no dead letters\n");
    daemon.wait_logged("a command over the control socket");
    daemon.stop();
    let delivered = named(&place.status(), "sinks", "receiver")["delivered"].clone();
    assert_eq!(delivered, simulator.stats().unique, "what was dead counts as delivered in the end");
}

#[test]
fn what_is_marked_beside_a_stopped_daemon_is_sent_when_it_starts() {
    let (simulator, place) = poisoned(3);
    place.run_once();
    let all = list(&place);
    assert_eq!(all.len(), 3);
    let table = done(&place, &["list", "--sink", "receiver"]);
    assert!(table.starts_with("id ") && table.lines().count() == 4, "{table}");
    let text = done(&place, &["show", "2"]);
    assert!(text.contains("sink receiver refused event") && text.contains(POISON), "{text}");

    let said = done(&place, &["retry", "1", "3"]);
    assert_eq!(said, "2 dead letters marked: sent again when the daemon starts (it is not running)\n");
    let marked: Vec<_> = list(&place).iter().map(|letter| letter["retry"] == true).collect();
    assert_eq!(marked, [true, false, true]);
    assert_eq!(named(&place.status(), "sinks", "receiver")["dead_letters"], 3, "none is accepted yet");

    mend(&simulator);
    let daemon = place.daemon();
    wait_dead(&daemon, 1);
    done(&place, &["retry", "--all"]);
    wait_dead(&daemon, 0);
    assert_arrived(&simulator, &all);
    daemon.stop();
}

#[test]
fn killed_between_the_mark_and_the_delivery_it_sends_it_all_the_same() {
    let (simulator, place) = poisoned(2);
    let daemon = place.daemon();
    wait_dead(&daemon, 2);
    let all = list(&place);
    // Nothing is taken, nothing is answered: whatever is under way is so until the kill.
    simulator.receiver_faults(&json!({"poison": null, "hang": {"share": 1}}));
    done(&place, &["retry", "--all"]);
    let requests = simulator.stats().requests;
    wait_for("a delivery", || (simulator.stats().requests > requests).then_some(()));
    daemon.kill();
    assert_eq!(list(&place).iter().filter(|letter| letter["retry"] == true).count(), 2);

    simulator.receiver_faults(&json!({"hang": null}));
    let daemon = place.daemon();
    wait_dead(&daemon, 0);
    assert_arrived(&simulator, &all);
    daemon.stop();
}

#[test]
fn dropping_is_for_good_and_is_told() {
    let (simulator, place) = poisoned(3);
    let daemon = place.daemon();
    wait_dead(&daemon, 3);
    let all = list(&place);
    for (arguments, code, word) in [
        (&["drop", "1"][..], 2, "--yes"),
        (&["drop", "--yes"], 2, "--all"),
        (&["retry"], 2, "--all"),
        (&["retry", "1", "--all"], 2, "cannot be used"),
        (&["show"], 2, "ID"),
        (&["show", "77"], 1, "77"),
        (&["drop", "1", "77", "--yes"], 1, "nothing was changed"),
        (&["retry", "--sink", "splunk"], 1, "known are: archive, receiver"),
        (&["list", "--sink", "splunk"], 1, "known are: archive, receiver"),
    ] {
        let ended = letters(&place, arguments);
        assert_eq!(ended.code, Some(code), "{arguments:?}: {ended:?}");
        assert!(ended.stderr.contains(word), "{arguments:?}: {}", ended.stderr);
        assert!(ended.stdout.is_empty(), "{arguments:?}: {}", ended.stdout);
    }
    assert_eq!(done(&place, &["drop", "1", "--yes"]), "1 dead letter dropped\n");
    assert_eq!(list(&place).len(), 2);
    daemon.stop();
    // The same without the daemon.
    assert_eq!(done(&place, &["drop", "--sink", "receiver", "--yes"]), "2 dead letters dropped\n");
    assert_eq!(done(&place, &["list"]), "there are no dead letters\n");
    assert_eq!(done(&place, &["drop", "--all", "--yes"]), "there are no such dead letters\n");

    mend(&simulator);
    place.run_once();
    assert_eq!(simulator.compare().missing, 3, "they never come: {all:#?}");
    assert_eq!(named(&place.status(), "sinks", "receiver")["dead_letters"], 0);
    let told = own_events(&place, "state-changed");
    let changes: Vec<_> = told.iter().map(|event| event["auditferry"]["change"].as_str().unwrap()).collect();
    assert_eq!(changes, [1, 2].map(|count| format!("Dead letters to be dropped: {count} of sink receiver")));
    assert!(told.iter().all(|event| event["auditferry"]["uid"].is_string()), "{told:#?}");
}

#[test]
fn the_control_socket_is_its_owners_and_refuses_what_is_no_command() {
    let (simulator, place) = poisoned(1);
    let daemon = place.daemon();
    wait_dead(&daemon, 1);
    let socket = place.path("state/control.sock");
    let found = fs::metadata(&socket).unwrap();
    assert!(found.file_type().is_socket());
    assert_eq!(found.permissions().mode() & 0o777, 0o600);
    for bytes in [b"GET / HTTP/1.1\r\n\r\n".to_vec(), vec![b'x'; 1 << 20]] {
        let mut stream = UnixStream::connect(&socket).unwrap();
        // It hangs up on what is too long.
        let _ = stream.write_all(&bytes);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        assert!(answer["error"].is_string(), "{answer}");
    }
    assert_eq!(list(&place).len(), 1);

    // What a killed daemon leaves is in nobody's way.
    daemon.kill();
    assert!(socket.exists());
    assert_eq!(list(&place).len(), 1);
    let daemon = place.daemon();
    daemon.server();
    assert_eq!(list(&place).len(), 1);
    daemon.wait_logged("a command over the control socket");
    daemon.stop();
    assert!(!socket.exists());

    // Held by somebody who does not answer.
    let lock = File::options().write(true).open(place.path("state/lock")).unwrap();
    lock.lock().unwrap();
    let ended = letters(&place, &["list"]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    drop(lock);
    assert_eq!(list(&place).len(), 1);
    drop(simulator);
}

#[test]
fn without_a_state_directory_it_says_so_and_makes_none() {
    let place = Place::with_text(
        "state_dir = \"nowhere\"\n[sources.mail]\ntype = \"brevo\"\napi_key = \"x\"\n\
         [sinks.out]\ntype = \"stdout\"\n",
    );
    let ended = letters(&place, &["list"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("auditferry run"), "{}", ended.stderr);
    assert!(!place.path("nowhere").exists());
}
