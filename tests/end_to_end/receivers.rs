//! Receivers that fail, refuse and lose their answers.

use std::fs;

use serde_json::{Value, json};

use crate::rig::{Place, STREAMS, Settings, Simulator, named, wait_for};

/// A second sink that takes everything, to look into.
pub(crate) const ARCHIVE: &str =
    "[sinks.archive]\ntype = \"file\"\npath = \"events.ndjson\"\nbatch = { max_wait = \"50ms\" }";

/// The daemon's own events of this kind that the second sink has.
pub(crate) fn own_events(place: &Place, action: &str) -> Vec<Value> {
    let text = fs::read_to_string(place.path("events.ndjson")).unwrap_or_default();
    let events = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    events.filter(|event| event["event"]["action"] == action).collect()
}

#[test]
fn a_receiver_that_fails_in_passing_gets_every_event_once() {
    let simulator = Simulator::start(&["--events", "1000", "--rate", "0"]);
    let place = Place::new(&simulator, &Settings { sink_more: "timeout = \"10s\"", ..Settings::default() });
    simulator.receiver_faults(&json!({"statuses": {"500": {"next": 2}}}));
    let daemon = place.daemon();
    simulator.wait_complete();
    for fault in [
        json!({"statuses": {"429": {"next": 2}}, "retry_after": 1}),
        json!({"statuses": {"503": {"next": 1}}}),
        json!({"reset_before": {"next": 2}}),
        json!({"hang": {"next": 1}}),
    ] {
        println!("{fault}");
        simulator.receiver_faults(&fault);
        simulator.plant_everywhere(5);
        simulator.wait_complete();
    }
    daemon.stop();
    let stats = simulator.stats();
    assert_eq!((stats.repeated, stats.refused), (0, 8), "{stats:#?}");
}

#[test]
fn a_lost_answer_repeats_one_batch_under_the_same_ids() {
    let simulator = Simulator::start(&["--events", "1000", "--rate", "0"]);
    let place = Place::new(&simulator, &Settings { max_events: 50, ..Settings::default() });
    simulator.receiver_faults(&json!({"reset_after": {"next": 1}}));
    place.run_once();
    simulator.assert_exactly_once();
    let stats = simulator.stats();
    assert!((1..=50).contains(&stats.repeated), "{stats:#?}");
    assert_eq!(stats.max_repeats_in_row, stats.repeated, "in one piece");
    assert_eq!(stats.repeated_keys, 1, "the Idempotency-Key tells the receiver");
}

#[test]
fn an_event_that_is_refused_for_good_becomes_a_dead_letter_and_the_others_arrive() {
    let simulator = Simulator::start(&["--events", "600", "--rate", "0"]);
    let place = Place::new(&simulator, &Settings { sink_more: ARCHIVE, ..Settings::default() });
    for (number, status) in (1..).zip([400, 413, 422]) {
        let mailbox = format!("poison-{status}@harborlight.example");
        simulator.receiver_faults(&json!({"poison": mailbox, "poison_status": status}));
        simulator.plant_everywhere(40);
        let second = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let row = json!({
            "action": "login-success", "date": second, "user_email": mailbox,
            "user_ip": "203.0.113.9", "user_agent": "curl/8.5",
        });
        simulator.plant(&json!({"stream": "brevo.activities", "record": row}));
        place.run_once();

        let comparison = simulator.compare();
        let faults = (comparison.missing, comparison.doubled, comparison.unexpected);
        assert_eq!(faults, (number, 0, 0), "{status}: {comparison:#?}");
        assert_eq!(simulator.stats().repeated, 0);
        let status = place.status();
        assert_eq!(named(&status, "sinks", "receiver")["dead_letters"], number, "{status:#}");
        assert_eq!(named(&status, "sinks", "archive")["dead_letters"], 0);
        assert!(status["problems"].to_string().contains("receiver"), "{status:#}");
    }
    // Told by the daemon itself: the run after has delivered it at the latest.
    place.run_once();
    let told = own_events(&place, "event-dead-lettered");
    assert_eq!(told.len(), 3, "{told:#?}");
}

#[test]
fn a_refused_credential_holds_the_sink_until_its_file_changes() {
    let simulator = Simulator::start(&["--events", "400", "--rate", "0"]);
    let more = format!("token = {{ file = \"sink-token\" }}\n{ARCHIVE}");
    let place = Place::new(&simulator, &Settings { sink_more: &more, ..Settings::default() });
    fs::write(place.path("sink-token"), "old\n").unwrap();
    simulator.receiver_faults(&json!({"token": "new"}));
    let daemon = place.daemon();
    daemon.wait_status("the sink to be held", |status| named(status, "sinks", "receiver")["state"] == "held");
    let (code, answer) = daemon.get("/readyz");
    assert_eq!(code, 503);
    assert!(answer.contains("sink-held"), "{answer}");
    let count = |event: &&Value| STREAMS.contains(&event["event"]["dataset"].as_str().unwrap_or_default());
    wait_for("the other sink to have everything", || {
        let text = fs::read_to_string(place.path("events.ndjson")).unwrap_or_default();
        let events: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        (events.iter().filter(count).count() == 400).then_some(())
    });
    assert_eq!(simulator.stats().events, 0);

    fs::write(place.path("sink-token"), "new\n").unwrap();
    let changed = std::time::Instant::now();
    simulator.wait_complete();
    assert!(changed.elapsed().as_secs() < 12, "at once, not at the pace of a refusal");
    daemon.wait_status("the sink to work", |status| named(status, "sinks", "receiver")["state"] == "working");
    wait_for("the event of it", || (own_events(&place, "sink-recovered").len() == 1).then_some(()));
    assert_eq!(own_events(&place, "sink-held").len(), 1);
    daemon.stop();
    let log = fs::read_to_string(place.path("log")).unwrap();
    assert!(!log.contains("Bearer") && !log.contains("\"old\""), "no secret in the log");
}

#[test]
fn a_full_spool_pauses_polling_and_loses_nothing() {
    let simulator = Simulator::start(&["--events", "12000", "--rate", "0"]);
    simulator.receiver_faults(&json!({"statuses": {"503": {"share": 1}}, "retry_after": 1}));
    let place = Place::new(&simulator, &Settings { spool: "4MiB", ..Settings::default() });
    let daemon = place.daemon();
    let full = daemon.wait_status("the spool to be full", |status| status["spool"]["full"] == true);
    assert!(full["spool"]["used_bytes"].as_u64().unwrap() < 6 << 20, "{full:#}");
    daemon.wait_logged("polling pauses");
    let (code, answer) = daemon.get("/readyz");
    assert_eq!(code, 503);
    assert!(answer.contains("spool-nearly-full"), "{answer}");
    let asked = simulator.queries("audit_logs").len();
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert!(simulator.queries("audit_logs").len() <= asked + 1, "three poll intervals without a poll");

    simulator.receiver_faults(&json!({"statuses": {"503": null}}));
    simulator.wait_complete();
    assert_eq!(simulator.stats().repeated, 0);
    daemon.wait_logged("polling resumes");
    daemon.stop();
}
