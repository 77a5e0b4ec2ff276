//! What the providers do that no documentation promises: nothing of it costs an event.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::rig::{BREVO, HUBSPOT, Place, STREAMS, Settings, Simulator, named};

/// Three complete polls of a provider with these switches, with new events before each of the later two.
/// What had no time to settle is read by a last one on a good day.
fn loses_nothing(faults: &Value) {
    let simulator = Simulator::start(&[
        "--events",
        "3000",
        "--span",
        "40d",
        "--rate",
        "0",
        "--fault",
        &faults.to_string(),
    ]);
    let place = Place::new(&simulator, &Settings::default());
    place.run_once();
    for _ in 0..2 {
        simulator.plant_everywhere(30);
        place.run_once();
    }
    simulator.faults(&json!({"arrivals_per_page": 0, "date_skew_seconds": 0}));
    place.run_once();
    assert!(simulator.compare().expected >= 3_240);
    simulator.assert_exactly_once();
    assert_eq!(simulator.stats().repeated, 0);
}

#[test]
fn two_events_with_one_hubspot_id_are_two() {
    let simulator =
        Simulator::start(&["--events", "300", "--rate", "0", "--fault", r#"{"shared_ids": 0.3}"#]);
    let place = Place::new(&simulator, &Settings { brevo: false, ..Settings::default() });
    simulator.plant(&json!({"stream": "hubspot.audit_logs", "count": 2, "like": "shared_id"}));
    place.run_once();
    let mut sub_categories: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for event in simulator.received().iter().filter(|event| event["dataset"] == "hubspot.audit_logs") {
        let original: Value = serde_json::from_str(event["original"].as_str().unwrap()).unwrap();
        let text = |key: &str| original[key].as_str().unwrap_or_default().to_owned();
        sub_categories.entry(text("id")).or_default().push(text("subCategory"));
    }
    let shared = sub_categories.values().find(|names| names.len() == 2).expect("two with one id");
    assert_ne!(shared[0], shared[1]);
    simulator.assert_exactly_once_of(HUBSPOT);
}

#[test]
fn equal_brevo_rows_of_one_second_are_as_many_events() {
    let simulator = Simulator::start(&["--events", "100", "--rate", "0"]);
    let place = Place::new(&simulator, &Settings { hubspot: false, ..Settings::default() });
    simulator.plant(&json!({"stream": "brevo.activities", "count": 2, "like": "equal"}));
    for _ in 0..2 {
        place.run_once();
    }
    let received = simulator.received();
    let mut originals: BTreeMap<&str, usize> = BTreeMap::new();
    for event in received.iter().filter_map(|event| event["original"].as_str()) {
        *originals.entry(event).or_default() += 1;
    }
    assert!(originals.values().any(|count| *count == 2));
    simulator.assert_exactly_once_of(BREVO);
}

#[test]
fn a_filter_that_takes_seconds_loses_nothing() {
    loses_nothing(&json!({"filter_in_seconds": true}));
}

#[test]
fn a_filter_without_effect_loses_nothing() {
    loses_nothing(&json!({"filter_ignored": ["hubspot.audit_logs", "hubspot.security", "brevo.activities"]}));
}

#[test]
fn exclusive_bounds_lose_nothing() {
    loses_nothing(&json!({"exclusive_bounds": true, "same_instant": 0.3}));
}

#[test]
fn pages_of_a_hundred_lose_nothing() {
    loses_nothing(&json!({"limit_200_refused": true}));
}

#[test]
fn no_order_at_all_loses_nothing() {
    let shuffled: BTreeMap<&str, &str> = STREAMS.map(|stream| (stream, "shuffled")).into();
    loses_nothing(&json!({ "order": shuffled }));
}

#[test]
fn the_other_order_loses_nothing() {
    loses_nothing(&json!({"order": {
        "hubspot.audit_logs": "newest_first",
        "hubspot.login": "oldest_first",
        "hubspot.security": "oldest_first",
        "brevo.activities": "oldest_first",
    }}));
}

#[test]
fn events_of_one_instant_across_pages_lose_nothing() {
    loses_nothing(&json!({"same_instant": 0.5, "equal_rows": 0.3, "shared_ids": 0.3}));
}

#[test]
fn events_that_arrive_between_two_pages_lose_nothing() {
    loses_nothing(&json!({"arrivals_per_page": 2, "equal_rows": 0.1}));
}

#[test]
fn fields_that_are_filled_in_later_double_nothing() {
    loses_nothing(&json!({"location_after_ms": 500, "no_logs_key": true}));
}

#[test]
fn a_providers_clock_that_is_hours_off_loses_nothing() {
    for seconds in [-7_200, 7_200] {
        loses_nothing(&json!({"date_skew_seconds": seconds}));
    }
}

#[test]
fn what_this_version_does_not_know_is_delivered_counted_and_named_once() {
    let simulator = Simulator::start(&["--events", "0", "--rate", "0"]);
    let record = |id: u32, time: &str| {
        let record = json!({"id": id.to_string(), "createdAt": time, "type": "NEXT_YEARS_TYPE", "userId": 7, "actingUser": "pat@example.com"});
        json!({"stream": "hubspot.security", "record": record})
    };
    let now = jiff::Timestamp::now().to_string();
    simulator.plant(&json!([record(1, &now), record(2, &now), record(3, "soon")]));
    let place = Place::new(&simulator, &Settings { brevo: false, ..Settings::default() });
    let daemon = place.daemon();
    simulator.wait_complete();
    let status = daemon.wait_status("what is unknown to be counted", |status| {
        named(status, "streams", "security")["unmapped_events"] == 2
    });
    assert_eq!(named(&status, "streams", "security")["unreadable_records"], 1);
    assert_eq!(named(&status, "streams", "login")["unmapped_events"], 0);
    let received = simulator.received();
    assert_eq!(received.iter().filter(|event| event["dataset"] == "hubspot.security").count(), 3);
    let log = daemon.log();
    assert_eq!(log.matches("next-years-type").count(), 1, "{log}");
    assert!(!log.contains("pat@example.com"), "{log}");
    daemon.stop();
}
