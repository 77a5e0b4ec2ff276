//! `preview`: the events as they would be collected, in every format, and nothing is touched.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};

use crate::check::contents;
use crate::rig::{Place, Settings, Simulator};

/// What `preview` prints, which must succeed: one object a line.
fn previewed(place: &Place, arguments: &[&str]) -> Vec<Value> {
    let ended = place.run(&[&["preview"], arguments].concat());
    assert_eq!(ended.code, Some(0), "{arguments:?}: {}", ended.stderr);
    assert_eq!(ended.stderr, "", "{arguments:?}");
    ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn what_is_shown_is_what_is_collected() {
    let simulator = Simulator::start(&["--events", "400", "--rate", "0"]);
    let place = Place::new(&simulator, &Settings::default());
    // As a file has them: the simulator's receiver keeps a part of each event alone.
    let file = place.path("auditferry.toml");
    let more = "[sinks.file]\ntype = \"file\"\npath = \"events\"\n";
    fs::write(&file, fs::read_to_string(&file).unwrap() + more).unwrap();
    let shown: Vec<_> = ["hubspot", "brevo"]
        .iter()
        .flat_map(|source| previewed(&place, &[source, "--limit", "50"]))
        .collect();
    assert!(!place.path("state").exists());
    assert!(shown.len() > 100, "{} of four streams", shown.len());
    place.run_once();
    let collected = fs::read_to_string(place.path("events")).unwrap();
    let collected: BTreeMap<String, Value> =
        collected.lines().map(|line| by_id(serde_json::from_str(line).unwrap())).collect();
    for event in shown {
        assert_eq!(event["event"]["sequence"], 0);
        let (id, event) = by_id(event);
        assert_eq!(Some(&event), collected.get(&id), "{id}");
    }

    let before = contents(&place.path("state"));
    assert_eq!(previewed(&place, &["brevo", "--limit", "3"]).len(), 3);
    assert!(contents(&place.path("state")) == before, "preview has touched the state");
    let daemon = place.daemon();
    assert_eq!(previewed(&place, &["hubspot", "login"]).len(), 10, "the default, beside a daemon");
    daemon.stop();
}

/// An event by its id, without what only collecting gives it.
fn by_id(mut event: Value) -> (String, Value) {
    let id = event["event"]["id"].as_str().unwrap().to_owned();
    let fields = event["event"].as_object_mut().unwrap();
    fields.remove("created");
    fields.remove("sequence");
    (id, event)
}

#[test]
fn every_format_is_one_line_an_event() {
    let simulator = Simulator::start(&["--events", "200", "--rate", "0"]);
    let place = Place::new(&simulator, &Settings::default());
    let event = |format| previewed(&place, &["hubspot", "login", "--limit", "1", "--format", format]);
    assert_eq!(event("ecs")[0]["event"]["dataset"], "hubspot.login");
    assert_eq!(event("ocsf")[0]["class_uid"], 3002);
    let raw = event("raw");
    assert!(raw[0]["loginAt"].is_string() && raw[0]["auditferry"]["event_id"].is_string(), "{raw:?}");
    for (format, start) in [("cef", "CEF:0|auditferry|hubspot|"), ("leef", "LEEF:2.0|auditferry|hubspot|")] {
        let ended = place.run(&["preview", "hubspot", "login", "--limit", "2", "--format", format]);
        assert_eq!((ended.code, ended.stdout.lines().count()), (Some(0), 2), "{ended:?}");
        assert!(ended.stdout.lines().all(|line| line.starts_with(start)), "{}", ended.stdout);
    }
}

#[test]
fn a_name_that_is_not_configured_is_a_usage_error_that_names_the_others() {
    let simulator = Simulator::start(&["--events", "0", "--rate", "0"]);
    let place = Place::new(&simulator, &Settings::default());
    for (arguments, said) in [
        (&["preview", "hubspt"][..], &["hubspt", "did you mean `hubspot`", "brevo"][..]),
        (&["preview", "hubspot", "logins"], &["logins", "did you mean `login`", "audit_logs"]),
        (&["preview", "brevo", "--limit", "0"], &["--limit"]),
    ] {
        let ended = place.run(arguments);
        assert_eq!((ended.code, &*ended.stdout), (Some(2), ""), "{arguments:?}: {}", ended.stderr);
        for word in said {
            assert!(ended.stderr.contains(word), "{arguments:?}: {word} is not in {}", ended.stderr);
        }
    }
    assert_eq!(simulator.queries("details").len(), 0, "nobody is asked");
    let empty = place.run(&["preview", "brevo"]);
    assert_eq!((empty.code, &*empty.stdout), (Some(0), ""), "{empty:?}");
    assert!(empty.stderr.contains("brevo/activities: there are no events"), "{empty:?}");
}

#[test]
fn a_stream_that_is_refused_hides_no_other() {
    let simulator = Simulator::start(&["--events", "200", "--rate", "0"]);
    simulator.faults(&json!({"missing_plan": ["hubspot"]}));
    let place = Place::new(&simulator, &Settings::default());
    let ended = place.run(&["preview", "hubspot"]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("hubspot/audit_logs") && ended.stderr.contains("Enterprise"),
        "{}",
        ended.stderr
    );
    assert!(ended.stdout.contains("hubspot.login") && ended.stdout.contains("hubspot.security"));

    simulator.faults(&json!({"revoked_token": ["hubspot"]}));
    let ended = place.run(&["preview", "hubspot"]);
    assert_eq!((ended.code, &*ended.stdout), (Some(1), ""), "{ended:?}");
    assert!(ended.stderr.contains("401"), "{}", ended.stderr);
}

#[test]
fn events_of_an_account_that_nobody_names_are_shown_with_a_word_about_it() {
    let simulator = Simulator::start(&["--events", "200", "--rate", "0"]);
    simulator.faults(&json!({"details_refused": true}));
    let place = Place::new(&simulator, &Settings::default());
    let ended = place.run(&["preview", "hubspot", "login", "--limit", "2"]);
    assert_eq!((ended.code, ended.stdout.lines().count()), (Some(0), 2), "{ended:?}");
    assert!(ended.stderr.contains("sources.hubspot.account_id"), "{}", ended.stderr);
    let hubspot_more = "account_id = \"48213907\"";
    place.configure(&simulator, &Settings { hubspot_more, ..Settings::default() });
    let asked = simulator.queries("details").len();
    let events = previewed(&place, &["hubspot", "login", "--limit", "2"]);
    assert_eq!(events[0]["organization"]["id"], "48213907");
    assert_eq!(simulator.queries("details").len(), asked, "it is known");
}
