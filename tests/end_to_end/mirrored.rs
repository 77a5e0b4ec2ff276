//! HubSpot tells logins and security actions twice: the copy is known as one, or left out.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use crate::rig::{Place, Settings, Simulator};

/// Every event of a complete run by its id, from a file.
fn collected(simulator: &Simulator, more: &str) -> BTreeMap<String, Value> {
    let settings = Settings {
        brevo: false,
        hubspot_more: more,
        sink_more: "[sinks.file]\ntype = \"file\"\npath = \"events.ndjson\"\n",
        ..Settings::default()
    };
    let place = Place::new(simulator, &settings);
    place.run_once();
    let text = fs::read_to_string(place.path("events.ndjson")).unwrap();
    let events = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.map(|event| (event["event"]["id"].as_str().unwrap().to_owned(), event)).collect()
}

fn is_mirrored(event: &Value) -> bool {
    event["tags"].as_array().is_some_and(|tags| tags.iter().any(|tag| tag == "mirrored"))
}

/// Events that a rule on logins counts.
fn logins(events: &BTreeMap<String, Value>) -> usize {
    let is_login = |event: &&Value| event["auditferry"]["activity"] == "login";
    let logins: Vec<_> = events.values().filter(is_login).collect();
    assert!(logins.iter().all(|event| event["event"]["category"][0] == "authentication"));
    logins.len()
}

#[test]
fn a_copy_of_what_another_stream_carries_is_tagged_or_left_out_and_keeps_its_id() {
    let simulator = Simulator::start(&["--events", "1500", "--rate", "0"]);
    let tagged = collected(&simulator, "");
    let dropped = collected(&simulator, "mirrored = \"drop\"");
    let alone = collected(&simulator, "streams = [\"audit_logs\"]");

    let copies: Vec<_> = tagged.iter().filter(|(_, event)| is_mirrored(event)).collect();
    assert!(copies.len() > 10, "{} copies", copies.len());
    for (id, event) in &copies {
        assert_eq!(event["event"]["dataset"], "hubspot.audit_logs");
        assert_eq!(event["event"]["category"], Value::Null, "{event:#}");
        assert!(!dropped.contains_key(*id), "{id} is left out");
        // Where nothing else tells it, the copy is the event; it is the same one.
        assert!(!is_mirrored(&alone[*id]), "{id}");
    }
    assert_eq!(dropped.len() + copies.len(), tagged.len(), "and nothing else is left out");
    assert_eq!(logins(&tagged), logins(&dropped), "each login counts once");
    assert!(logins(&alone) > 0);
}
