//! Webhooks: signed requests, a secret that is rotated, and what counts as taken.

use std::fs;

use serde_json::{Value, json};

use crate::rig::{Place, Settings, Simulator, named};

const OLD: &str = "whsec_b2xkIG9sZCBvbGQgb2xkIG9sZCBvbGQgb2xk";
const NEW: &str = "whsec_bmV3IG5ldyBuZXcgbmV3IG5ldyBuZXcgbmV3";

fn receiver(status: &Value) -> &Value {
    named(status, "sinks", "receiver")
}

#[test]
fn signed_events_are_verified_and_a_repeated_batch_has_the_same_webhook_id() {
    let simulator = Simulator::start(&["--events", "600", "--rate", "0"]);
    simulator.receiver_faults(&json!({"signing_secret": OLD, "reset_after": {"next": 1}}));
    for compression in ["gzip", "none"] {
        let more = format!("signing_secret = \"{OLD}\"\ncompression = \"{compression}\"");
        let place =
            Place::new(&simulator, &Settings { max_events: 50, sink_more: &more, ..Settings::default() });
        place.run_once();
        simulator.assert_exactly_once();
        let stats = simulator.stats();
        assert_eq!(stats.refused, 0, "{stats:#?}");
        assert!(stats.repeated_keys >= 1, "{stats:#?}");
        assert_eq!(stats.webhook_ids, stats.idempotency_keys, "{stats:#?}");
    }
}

#[test]
fn a_signing_secret_can_be_rotated_without_losing_an_event() {
    let simulator = Simulator::start(&["--events", "400", "--rate", "0"]);
    let more = "signing_secret = { file = \"signing-secret\" }";
    let place = Place::new(&simulator, &Settings { sink_more: more, ..Settings::default() });
    fs::write(place.path("signing-secret"), format!("{OLD}\n")).unwrap();
    simulator.receiver_faults(&json!({"signing_secret": NEW}));
    let daemon = place.daemon();
    let held = daemon.wait_status("the sink to be held", |status| receiver(status)["state"] == "held");
    assert!(held.to_string().contains("webhook-signature is not that of this request"), "{held:#}");
    assert_eq!(simulator.stats().events, 0);

    // Both, as during a rotation: the receiver may know either.
    fs::write(place.path("signing-secret"), format!("{OLD} {NEW}\n")).unwrap();
    simulator.wait_complete();
    daemon.wait_status("the sink to work", |status| receiver(status)["state"] == "working");
    simulator.receiver_faults(&json!({"signing_secret": OLD}));
    simulator.plant_everywhere(5);
    simulator.wait_complete();
    assert_eq!(simulator.stats().repeated, 0);
    daemon.stop();
    let log = fs::read_to_string(place.path("log")).unwrap();
    assert!(!log.contains("whsec_") && !log.contains(&OLD[6..]), "no secret in the log");
}

#[test]
fn a_success_that_the_operator_does_not_count_holds_the_sink() {
    let simulator = Simulator::start(&["--events", "200", "--rate", "0"]);
    let more = "success_statuses = [202]";
    let place = Place::new(&simulator, &Settings { sink_more: more, ..Settings::default() });
    let daemon = place.daemon();
    let held = daemon.wait_status("the sink to be held", |status| receiver(status)["state"] == "held");
    assert!(held.to_string().contains("not among success_statuses"), "{held:#}");
    daemon.stop();
    assert!(simulator.stats().events > 0, "this receiver has them, but did not say so");

    simulator.receiver_faults(&json!({"statuses": {"202": {"share": 1}}}));
    place.run_once();
    simulator.assert_exactly_once();
}
