//! A sink that must not learn names, beside one that may.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

use super::rig::{Place, Settings, Simulator};

/// Two files, of which the second gets redacted events. What is set explicitly is what such a sink may set.
const SINKS: &str = r#"
[sinks.home]
type = "file"
path = "home.ndjson"

[sinks.abroad]
type = "file"
path = "abroad.ndjson"
redact_key = { file = "redact.key" }
redact = { "user.email" = "hash", "user.id" = "hash", "source.ip" = "mask", source.geo = "drop" }
"#;

fn read(place: &Place, name: &str) -> (String, Vec<Value>) {
    let text = fs::read_to_string(place.path(name)).unwrap();
    let events = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (text, events)
}

/// The actor's and the affected user's.
fn addresses(event: &Value) -> Vec<&str> {
    let users = [&event["user"], &event["user"]["target"]];
    users.into_iter().filter_map(|user| user["email"].as_str()).collect()
}

#[test]
fn a_redacted_sink_gets_every_event_and_no_address() {
    let simulator = Simulator::start(&["--events", "2000", "--rate", "0"]);
    let place = Place::new(&simulator, &Settings { sink_more: SINKS, ..Settings::default() });
    fs::write(place.path("redact.key"), "0123456789abcdef0123456789abcdef\n").unwrap();
    place.run_once();

    let (_, home) = read(&place, "home.ndjson");
    let (text, abroad) = read(&place, "abroad.ndjson");
    let identities = |events: &[Value]| {
        let of = |event: &Value| {
            [&event["event"]["id"], &event["event"]["sequence"], &event["@timestamp"]].map(Value::clone)
        };
        events.iter().map(of).collect::<Vec<_>>()
    };
    assert!(home.len() >= 2000, "{}", home.len());
    assert_eq!(identities(&home), identities(&abroad));

    let text = text.to_lowercase();
    let mut secrets = BTreeSet::new();
    // What stands for each address: one hash, whatever provider and stream it comes from.
    let mut hashes = BTreeMap::new();
    for (open, redacted) in home.iter().zip(&abroad) {
        secrets.extend(addresses(open));
        secrets.extend(open["source"]["ip"].as_str());
        secrets.extend(open["source"]["geo"]["name"].as_str());
        for (address, hash) in addresses(open).into_iter().zip(addresses(redacted)) {
            assert_eq!(hash.len(), 32, "{hash}");
            assert_eq!(*hashes.entry(address.to_lowercase()).or_insert(hash), hash, "{address}");
        }
        assert_eq!(redacted.get("hubspot").or(redacted.get("brevo")), None, "{redacted}");
        assert_eq!(redacted["event"].get("original"), None);
        assert_eq!(redacted["event"]["action"], open["event"]["action"]);
        assert!(open["event"]["original"].is_string());
    }
    for secret in &secrets {
        assert!(!text.contains(&secret.to_lowercase()), "{secret} stands in the redacted file");
    }
    assert!(hashes.len() > 5, "{hashes:?}");
    assert_eq!(hashes.values().collect::<BTreeSet<_>>().len(), hashes.len(), "two addresses have one hash");
    let shared = |dataset: &str| {
        let of = abroad.iter().filter(|event| event["event"]["dataset"] == dataset);
        of.flat_map(addresses).collect::<BTreeSet<_>>()
    };
    let login = shared("hubspot.login");
    assert!(login.intersection(&shared("hubspot.security")).count() > 0, "streams can't be put together");
}

#[test]
fn a_key_that_is_not_there_is_an_error_that_names_the_sink() {
    let simulator = Simulator::start(&["--events", "1", "--rate", "0"]);
    let place = Place::new(&simulator, &Settings { sink_more: SINKS, ..Settings::default() });
    let ended = place.run(&["run", "--once"]);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("sinks.abroad.redact_key: the secret file redact.key can't be read"),
        "{}",
        ended.stderr
    );
}
