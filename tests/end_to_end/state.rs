//! The state: shown, moved back, forgotten, carried to another place, with the daemon running and stopped.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::receivers::{ARCHIVE, own_events};
use crate::rig::{Ended, Place, Settings, Simulator, named, wait_for};

/// `state …`.
fn state(place: &Place, arguments: &[&str]) -> Ended {
    place.run(&[&["--log-level", "warn", "state"], arguments].concat())
}

/// The same, which must succeed; gives what it printed.
#[track_caller]
fn done(place: &Place, arguments: &[&str]) -> String {
    let ended = state(place, arguments);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended.stdout
}

/// The same, which must be refused with this exit code.
#[track_caller]
fn refused(place: &Place, arguments: &[&str], code: i32, word: &str) {
    let ended = state(place, arguments);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(code), ""), "{ended:?}");
    assert!(ended.stderr.contains(word), "{ended:?}");
}

/// What `state show` tells of a stream.
#[track_caller]
fn shown(place: &Place, source: &str, stream: &str) -> Value {
    let all: Value =
        serde_json::from_str(&done(place, &["show", source, stream, "--output", "json"])).unwrap();
    all["streams"][0].clone()
}

/// What the SIEM was told of changes, without their beginnings that name a time.
fn changes(place: &Place) -> Vec<String> {
    let told = own_events(place, "state-changed");
    told.iter().map(|event| event["auditferry"]["change"].as_str().unwrap().to_owned()).collect()
}

/// The events of a stream that the second sink has: sequences and ids.
fn archived(place: &Place, dataset: &str) -> Vec<(i64, String)> {
    let text = fs::read_to_string(place.path("events.ndjson")).unwrap_or_default();
    let events = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let of_stream = events.filter(|event| event["event"]["dataset"] == dataset);
    of_stream
        .map(|event| {
            let event = &event["event"];
            (event["sequence"].as_i64().unwrap(), event["id"].as_str().unwrap().to_owned())
        })
        .collect()
}

/// Every event of a stream has come so often, and its sequences have no hole.
#[track_caller]
fn assert_came(place: &Place, dataset: &str, times: usize) {
    let events = archived(place, dataset);
    assert!(events.iter().map(|(sequence, _)| *sequence).eq(1..=i64::try_from(events.len()).unwrap()));
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, id) in &events {
        *counts.entry(id).or_default() += 1;
    }
    assert!(!counts.is_empty() && counts.values().all(|count| *count == times), "{times}: {counts:?}");
}

fn place(simulator: &Simulator) -> Place {
    Place::new(simulator, &Settings { sink_more: ARCHIVE, ..Settings::default() })
}

/// Whether a query since the first `before` of them asked for what happened on this day.
fn asked_from(simulator: &Simulator, before: usize, day: &str) -> bool {
    simulator.queries("audit_logs")[before..].iter().any(|(query, _)| query.contains(day))
}

#[test]
fn what_is_read_again_after_a_rewind_is_delivered_to_nobody_twice() {
    let simulator = Simulator::start(&["--events", "400", "--rate", "0"]);
    let place = place(&simulator);
    let daemon = place.daemon();
    simulator.wait_complete();
    let long_ago = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * 30);
    // The lookback before it lies on the same day.
    let day = long_ago.strftime("%Y-%m-%d").to_string();
    let to = format!("{day}T12:00:00Z");
    daemon
        .wait_status("a cursor", |status| named(status, "streams", "audit_logs")["last_success"].is_string());
    let before = simulator.queries("audit_logs").len();
    refused(&place, &["rewind", "hubspot", "audit_logs", "--to", &to], 2, "--yes");
    refused(&place, &["rewind", "hubspot", "audit_logs", "--to", "yesterday", "--yes"], 2, "expected a time");
    refused(&place, &["rewind", "hubspot", "logins", "--to", &to, "--yes"], 1, "hubspot/login,");
    refused(&place, &["rewind", "hubspot", "audit_logs", "--to", "2999-01-01", "--yes"], 1, "never forward");
    let said = done(&place, &["rewind", "hubspot", "audit_logs", "--to", &to, "--yes"]);
    assert!(said.starts_with("cursor of hubspot/audit_logs moved back from"), "{said}");
    assert!(said.contains(&format!(" to {to}: the next poll")), "{said}");
    wait_for("a query from there", || asked_from(&simulator, before, &day).then_some(()));
    daemon.wait_status("the cursor's return", |status| {
        named(status, "streams", "audit_logs")["complete_to"].as_str().unwrap() > &*to
    });
    daemon.wait_logged("a command over the control socket");
    wait_for("the SIEM being told", || (changes(&place).len() == 1).then_some(()));
    assert!(changes(&place)[0].starts_with("Cursor of hubspot/audit_logs to be moved back from "));
    daemon.stop();
    simulator.assert_exactly_once();
    assert_eq!(simulator.stats().repeated, 0);

    // The same without the daemon; as far back as the provider remembers, which makes no gap.
    let before = simulator.queries("audit_logs").len();
    let ended = state(&place, &["rewind", "hubspot", "audit_logs", "--to", "2001-01-01", "--yes"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stderr.contains("has forgotten what came before"), "{ended:?}");
    assert!(ended.stdout.contains("when the daemon starts"), "{ended:?}");
    place.run_once();
    let year =
        (jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * 365)).strftime("%Y-%m").to_string();
    assert!(asked_from(&simulator, before, &year), "{:?}", simulator.queries("audit_logs"));
    assert_eq!(simulator.stats().repeated, 0);
    assert_eq!(place.status()["gaps"], json!([]));
    simulator.assert_exactly_once();
}

#[test]
fn what_is_forgotten_comes_again_under_the_same_ids_and_sequences_that_go_on() {
    let simulator = Simulator::start(&["--events", "400", "--rate", "0"]);
    let place = place(&simulator);
    let daemon = place.daemon();
    simulator.wait_complete();
    let logins = archived_at_least(&place, "hubspot.login", 1);
    refused(&place, &["forget", "hubspot", "login"], 2, "--yes");
    refused(&place, &["forget", "hubspott", "--yes"], 1, "hubspot/security");
    assert_eq!(
        done(&place, &["forget", "hubspot", "login", "--yes"]),
        "hubspot/login forgotten: the next poll collects from `start` again\n"
    );
    archived_at_least(&place, "hubspot.login", 2 * logins);
    daemon.stop();
    assert_came(&place, "hubspot.login", 2);
    assert_came(&place, "hubspot.security", 1);
    assert_eq!(simulator.stats().repeated, logins as u64);

    let said = done(&place, &["forget", "brevo", "--yes"]);
    assert!(
        said.starts_with("brevo/activities forgotten: it is collected from `start` again when"),
        "{said}"
    );
    let forgotten = shown(&place, "brevo", "activities");
    assert!(forgotten["complete_to"].is_null() && forgotten["known_ids"] == 0, "{forgotten:#}");
    place.run_once();
    assert_came(&place, "brevo.activities", 2);
    assert_came(&place, "hubspot.login", 2);
    let comparison = simulator.compare();
    assert_eq!((comparison.missing, comparison.doubled, comparison.unexpected), (0, 0, 0));

    // No longer configured.
    place.configure(&simulator, &Settings { brevo: false, sink_more: ARCHIVE, ..Settings::default() });
    assert_eq!(shown(&place, "brevo", "activities")["configured"], false);
    assert_eq!(
        done(&place, &["forget", "brevo", "--yes"]),
        "brevo/activities forgotten: nothing is collected, for it is not in the configuration\n"
    );
    assert!(shown(&place, "brevo", "activities")["account_id"].is_null());
    place.run_once();
    assert_came(&place, "brevo.activities", 2);
    assert_eq!(
        changes(&place),
        ["hubspot/login", "brevo/activities", "brevo/activities, and the account of source brevo"]
            .map(|what| format!("To be forgotten: {what}"))
    );
}

/// Waits until the second sink has so many events of a stream.
#[track_caller]
fn archived_at_least(place: &Place, dataset: &str, least: usize) -> usize {
    let mut before = 0;
    wait_for("the events", || {
        let now = archived(place, dataset).len();
        let settled = now >= least && now == std::mem::replace(&mut before, now);
        settled.then_some(now)
    })
}

#[test]
fn an_export_beside_a_busy_daemon_goes_on_in_another_place() {
    let simulator = Simulator::start(&["--events", "600", "--rate", "40"]);
    // Nothing is taken: what is collected waits, and must be in the export.
    simulator.receiver_faults(&json!({"statuses": {"503": {"share": 1}}}));
    let old = Place::new(&simulator, &Settings::default());
    let daemon = old.daemon();
    daemon.wait_status("events that wait", |status| {
        named(status, "sinks", "receiver")["waiting"].as_u64().unwrap() > 300
    });
    let ended = state(&old, &["export", "export.db"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.starts_with("state exported to export.db ("), "{ended:?}");
    assert!(ended.stderr.contains("as secret as the state directory"), "{ended:?}");
    let file = old.path("export.db");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    refused(&old, &["export", "export.db"], 1, "exists");
    let waiting = |place: &Place| named(&place.status(), "sinks", "receiver")["waiting"].as_u64().unwrap();
    // Of every stream, so that the export is the older state of each.
    let exported = waiting(&old);
    simulator.plant_everywhere(30);
    wait_for("more events", || (waiting(&old) > exported.max(400)).then_some(()));
    refused(&old, &["import", "export.db"], 2, "--yes");
    refused(&old, &["import", "export.db", "--yes"], 3, "another auditferry holds");
    daemon.kill();

    let new = Place::new(&simulator, &Settings::default());
    let file = file.to_str().unwrap();
    assert_eq!(done(&new, &["import", file, "--yes"]), format!("state imported from {file}\n"));
    assert!(waiting(&new) > 300);
    simulator.receiver_faults(&json!({"statuses": {"503": null}}));
    let daemon = new.daemon();
    simulator.rate(0.0);
    simulator.wait_complete();
    daemon.stop();
    assert_eq!(simulator.stats().repeated, 0);

    // Without a daemon, an export reads the file as it is. An older state in its place starts from there.
    let now = shown(&new, "hubspot", "audit_logs")["sequence"].clone();
    done(&new, &["export", "now.db"]);
    let said = done(&new, &["import", file, "--yes"]);
    let aside = said.split("the one before is ").nth(1).unwrap().split(": ").next().unwrap();
    assert_ne!(shown(&new, "hubspot", "audit_logs")["sequence"], now);
    done(&new, &["import", aside, "--yes"]);
    assert_eq!(shown(&new, "hubspot", "audit_logs")["sequence"], now);
    let told = own_changes_received(&new, &simulator);
    assert_eq!(told, 1, "each import is told by the state that it is a part of");
    refused(&new, &["import", "auditferry.toml", "--yes"], 1, "can't be imported");
    refused(&new, &["import", "nowhere.db", "--yes"], 1, "nowhere.db");
    assert_eq!(shown(&new, "hubspot", "audit_logs")["sequence"], now);
}

/// Runs once and counts the `state-changed` events that the receiver got by that.
fn own_changes_received(place: &Place, simulator: &Simulator) -> usize {
    let count = || {
        let all = simulator.ask("GET", "/receiver/main/events", &Value::Null);
        all.matches(r#""auditferry""#).count()
    };
    let before = count();
    place.run_once();
    count() - before
}

#[test]
fn everything_that_is_kept_is_shown_beside_a_daemon_and_without() {
    let simulator = Simulator::start(&["--events", "200", "--rate", "0"]);
    let place = place(&simulator);
    let daemon = place.daemon();
    simulator.wait_complete();
    daemon.wait_status("every stream polled", |status| {
        status["streams"].as_array().unwrap().iter().all(|stream| stream["last_success"].is_string())
    });
    let login = shown(&place, "hubspot", "login");
    assert_eq!((&login["configured"], &login["known_ids"]), (&true.into(), &login["sequence"]), "{login:#}");
    assert!(login["account_id"].is_string() && login["complete_to"].is_string(), "{login:#}");
    let text = done(&place, &["show"]);
    for word in [
        "hubspot/login\n  account ",
        "\nbrevo/activities\n",
        "filter works  as documented",
        "archive   active",
    ] {
        assert!(text.contains(word), "{word}: {text}");
    }
    refused(&place, &["show", "hubspot", "nothing"], 1, "known are: auditferry/service, brevo/activities");
    daemon.stop();
    place.configure(&simulator, &Settings { brevo: false, ..Settings::default() });
    let text = done(&place, &["show"]);
    assert!(text.contains("brevo/activities (not configured)"), "{text}");
    assert!(text.contains("archive   active, not configured"), "{text}");
    assert!(!done(&place, &["show", "hubspot"]).contains("archive"));
}

#[test]
fn the_status_is_shown_again_and_again_until_it_is_stopped() {
    let simulator = Simulator::start(&["--events", "50", "--rate", "0"]);
    let place = Place::new(&simulator, &Settings::default());
    refused_status(&place, &["status", "--watch", "0s"], "longer than nothing");
    place.run_once();
    for (arguments, each) in [
        (&["status", "--watch"][..], "auditferry "),
        (&["status", "--watch", "1s", "--output", "json"], "{\"version\""),
    ] {
        let mut child = place.command(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut seen = 0;
        let mut line = String::new();
        while seen < 2 {
            line.clear();
            assert!(stdout.read_line(&mut line).unwrap() > 0, "it ended by itself");
            assert!(!line.contains('\x1b'), "{line:?}");
            seen += usize::from(line.contains(each));
        }
        let interrupt = format!("kill -INT {}", child.id());
        assert!(Command::new("sh").args(["-c", &interrupt]).status().unwrap().success());
        stdout.read_to_string(&mut line).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{arguments:?}");
    }
}

#[track_caller]
fn refused_status(place: &Place, arguments: &[&str], word: &str) {
    let ended = place.run(arguments);
    assert!(ended.code == Some(2) && ended.stderr.contains(word), "{ended:?}");
}
