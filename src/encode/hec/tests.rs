use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::encode::{Encoder, Envelope, OcsfVersion};
use crate::event::{EventId, StreamName};

fn stored(timestamp: &str, dataset: &str, source: &str) -> StoredEvent {
    let core = format!(
        "{{\"@timestamp\":\"{timestamp}\",\"message\":\"\\\"dataset\\\":\\\"x\\\"\",\"event\":{{\"dataset\":\"{dataset}\"}}}}"
    );
    StoredEvent {
        position: 1,
        stream: Arc::new(StreamName { source: source.to_owned(), stream: "login".to_owned() }),
        sequence: 42,
        id: EventId::from_bytes([0xab; 16]),
        core: core.into(),
        original: "{\"id\": 7,\n\"x\":{\"y\":[1]}}".into(),
    }
}

fn observer() -> Observer {
    Observer { hostname: "host \"1\"".to_owned(), version: "0.1.0".to_owned() }
}

fn text(event: &StoredEvent, index: Option<&str>, sourcetype: Option<&str>) -> String {
    in_format(Format::ecs(true, "default", &observer()), event, index, sourcetype)
}

fn in_format(format: Format, event: &StoredEvent, index: Option<&str>, sourcetype: Option<&str>) -> String {
    let envelope = Envelope::Hec(HecEnvelope::new(index, sourcetype, &observer()));
    let mut out = Vec::new();
    Encoder::new(format, envelope).encode(event, &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn an_event_stands_whole_in_its_envelope() {
    let event = stored("2026-03-04T05:06:07.089Z", "hubspot.audit_logs", "crm");
    let text = text(&event, None, None);
    assert!(!text.contains(['\n', '\r']), "one line: {text}");
    assert!(text.starts_with("{\"time\":1772600767.089,"), "{text}");
    let mut envelope: Value = serde_json::from_str(&text).unwrap();
    let inner = envelope.as_object_mut().unwrap().remove("event").unwrap();
    envelope.as_object_mut().unwrap().remove("time");
    assert_eq!(
        envelope,
        json!({
            "host": "host \"1\"", "source": "auditferry:crm", "sourcetype": "hubspot:audit_logs",
            "fields": {"event_id": "ab".repeat(16), "event_sequence": "42", "event_dataset": "hubspot.audit_logs"},
        })
    );
    let mut plain = Vec::new();
    Encoder::new(Format::ecs(true, "default", &observer()), Envelope::Line).encode(&event, &mut plain);
    assert_eq!(inner, serde_json::from_slice::<Value>(&plain).unwrap());
    assert_eq!(inner["event"]["original"], *event.original);
}

#[test]
fn index_and_sourcetype_are_the_operators_when_set() {
    let event = stored("2026-03-04T05:06:07.089Z", "brevo.activities", "mail");
    let set: Value = serde_json::from_str(&text(&event, Some("audit \"x\""), Some("acme:audit"))).unwrap();
    assert_eq!((&set["index"], &set["sourcetype"]), (&json!("audit \"x\""), &json!("acme:audit")));
    let unset: Value = serde_json::from_str(&text(&event, None, None)).unwrap();
    assert_eq!((unset.get("index"), &unset["sourcetype"]), (None, &json!("brevo:activities")));
}

#[test]
fn time_has_three_exact_decimals_before_1970_and_far_ahead_too() {
    for (timestamp, seconds) in [
        ("1970-01-01T00:00:00.000Z", "0.000"),
        ("1970-01-01T00:00:00.007Z", "0.007"),
        ("1969-12-31T23:59:59.999Z", "-0.001"),
        ("1969-12-31T23:59:58.500Z", "-1.500"),
        ("1900-01-01T00:00:00.001Z", "-2208988799.999"),
        ("2015-06-01T16:24:15.500Z", "1433175855.500"),
        ("2026-12-31T23:59:59.999Z", "1798761599.999"),
        ("9999-12-01T00:00:00.123Z", "253399622400.123"),
    ] {
        let text = text(&stored(timestamp, "hubspot.login", "crm"), None, None);
        assert!(text.starts_with(&format!("{{\"time\":{seconds},")), "{timestamp}: {text}");
    }
}

#[test]
fn the_daemons_own_events_have_a_sourcetype_of_their_own() {
    let event = stored("2026-03-04T05:06:07.089Z", "auditferry.service", "auditferry");
    let envelope: Value = serde_json::from_str(&text(&event, None, None)).unwrap();
    assert_eq!(envelope["sourcetype"], "auditferry:service");
    assert_eq!(envelope["source"], "auditferry:auditferry");
}

#[test]
fn events_of_ocsf_have_one_sourcetype_unless_the_operator_sets_another() {
    let event = stored("2026-03-04T05:06:07.089Z", "hubspot.login", "crm");
    let sourcetype = |format: Format, set: Option<&str>| {
        let envelope: Value = serde_json::from_str(&in_format(format, &event, None, set)).unwrap();
        envelope["sourcetype"].as_str().unwrap().to_owned()
    };
    for version in [OcsfVersion::V1_3, OcsfVersion::V1_9] {
        let format = || Format::ocsf(version, true, &observer());
        assert_eq!(sourcetype(format(), None), "auditferry:ocsf");
        assert_eq!(sourcetype(format(), Some("acme:ocsf")), "acme:ocsf");
    }
    assert_eq!(sourcetype(Format::raw(), None), "hubspot:login");
}

#[test]
fn the_source_tells_the_fields_of_ecs_from_others() {
    let event = stored("2026-03-04T05:06:07.089Z", "hubspot.login", "crm");
    for (format, source) in [
        (Format::ecs(true, "default", &observer()), "auditferry:crm"),
        (Format::ocsf(OcsfVersion::V1_3, true, &observer()), "auditferry_ocsf:crm"),
        (Format::raw(), "auditferry_raw:crm"),
    ] {
        let envelope: Value = serde_json::from_str(&in_format(format, &event, None, None)).unwrap();
        assert_eq!(envelope["source"], source);
    }
}
