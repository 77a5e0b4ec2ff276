use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::event::{Activity, Event, EventId, StreamName};

const LOGIN: &str = r#"{"id": "7",
 "loginSucceeded": true, "email": "a@b.example", "huge": 12345678901234567890123}"#;

/// An event as providers make it, through [`Event::to_core`].
pub(super) fn stored(original: &str) -> StoredEvent {
    let id = EventId::from_bytes([0xab; 16]);
    let stream = StreamName { source: "crm".to_owned(), stream: "login".to_owned() };
    let at = |text: &str| text.parse().unwrap();
    let (happened, collected) = (at("2026-03-04T05:06:07.089Z"), at("2026-03-04T05:07:00Z"));
    let mut event = Event::new(id, &stream, Activity::Login, happened, collected);
    // Details and messages may hold anything, the words of this module included.
    event.auditferry.details.insert("dataset".to_owned(), json!("no.dataset"));
    event.message = Some("says \"dataset\":\"x\" and }} and \u{1f980}\n".to_owned());
    event.tags = vec!["}}".to_owned()];
    event.event.action = "login \"dataset\":\"y\"".to_owned();
    event.event.dataset = "hubspot.login".into();
    event.event.module = "hubspot".into();
    event.event.provider = "login".into();
    StoredEvent {
        position: 5,
        stream: Arc::new(stream),
        sequence: 42,
        id,
        core: event.to_core().into(),
        original: original.into(),
    }
}

fn raw() -> Encoder {
    Encoder::new(Format::raw(), Envelope::Line)
}

fn ecs(include_original: bool) -> Encoder {
    let observer = Observer { hostname: "host \"1\"".to_owned(), version: "0.1.0".to_owned() };
    Encoder::new(Format::ecs(include_original, "default", &observer), Envelope::Line)
}

fn line(mut encoder: Encoder, event: &StoredEvent) -> Value {
    let mut out = b"before".to_vec();
    encoder.encode(event, &mut out);
    let text = std::str::from_utf8(&out).unwrap().strip_prefix("before").unwrap();
    assert!(!text.contains(['\n', '\r']), "more than one line: {text}");
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn an_ecs_event_has_every_member_that_is_always_present() {
    let event = line(ecs(true), &stored(LOGIN));
    assert_eq!(event["@timestamp"], "2026-03-04T05:06:07.089Z");
    assert_eq!(event["ecs"], json!({"version": "9.4.0"}));
    assert_eq!(
        event["observer"],
        json!({"vendor": "auditferry", "product": "auditferry", "type": "forwarder",
               "version": "0.1.0", "hostname": "host \"1\""})
    );
    assert_eq!(
        event["data_stream"],
        json!({"type": "logs", "dataset": "hubspot.login", "namespace": "default"})
    );
    assert_eq!(event["event"]["id"], "ab".repeat(16));
    assert_eq!(event["event"]["sequence"], 42);
    assert_eq!(event["event"]["module"], "hubspot");
    assert_eq!(event["auditferry"]["source"], "crm");
    assert_eq!(event["hubspot"]["email"], "a@b.example");
}

#[test]
fn the_original_is_kept_byte_for_byte() {
    for original in [
        LOGIN,
        "{}",
        " {\r\n } ",
        "[1,\n2]",
        "\"text\"",
        "null",
        r#"{"a":"\u0000\u001f\n\\\"\/ \ud83e\udd80"}"#,
        "{\"a\":\"\u{1f980}\u{2028}\u{7f}\u{85}\"}",
    ] {
        let event = line(ecs(true), &stored(original));
        assert_eq!(event["event"]["original"], original);
    }
}

#[test]
fn the_providers_own_fields_are_its_record_and_nothing_else() {
    for original in [LOGIN, "{}", " {\r\n } ", "{\"hubspot\":{\"a\":[{}]}}"] {
        let event = line(ecs(false), &stored(original));
        assert_eq!(event["hubspot"], serde_json::from_str::<Value>(original).unwrap());
        assert_eq!(event["event"].get("original"), None);
    }
    let mut out = Vec::new();
    ecs(false).encode(&stored(LOGIN), &mut out);
    assert!(String::from_utf8(out).unwrap().contains("12345678901234567890123"), "numbers stay as written");
}

#[test]
fn a_record_that_is_no_object_stands_in_the_original_whatever_the_setting() {
    let event = line(ecs(false), &stored("[1,\n2]"));
    assert_eq!(event["event"]["original"], "[1,\n2]");
    assert_eq!(event.get("hubspot"), None);
}

#[test]
fn the_daemons_own_events_have_neither_original_nor_record() {
    let event = line(ecs(true), &stored(""));
    assert_eq!(event["event"].get("original"), None);
    assert_eq!(event.get("hubspot"), None);
    let event = line(raw(), &stored(""));
    assert_eq!(event["event"]["sequence"], 42);
    assert_eq!(event["event"]["id"], "ab".repeat(16));
}

#[test]
fn a_raw_event_is_the_record_with_its_identity_in_front() {
    let identity = json!({"event_id": "ab".repeat(16), "source": "crm", "stream": "login", "sequence": 42});
    for original in [LOGIN, "{}", " {\r\n } ", "{\"a\":\"}\"}\n"] {
        let mut event = line(raw(), &stored(original));
        assert_eq!(event.as_object_mut().unwrap().remove("auditferry"), Some(identity.clone()));
        assert_eq!(event, serde_json::from_str::<Value>(original).unwrap());
    }
    for original in ["[1,\n2]", "\"text\"", "null", "7"] {
        let event = line(raw(), &stored(original));
        let record: Value = serde_json::from_str(original).unwrap();
        assert_eq!(event, json!({"auditferry": identity, "record": record}));
    }
    let mut out = Vec::new();
    raw().encode(&stored(LOGIN), &mut out);
    assert!(out.starts_with(b"{\"auditferry\":{\"event_id\":\"abab"));
}

#[test]
fn half_a_character_in_a_record_keeps_no_receiver_from_reading_it() {
    for (record, expected) in [
        (r#"{"a":"\ud83e\udd80"}"#, "\u{1f980}"),
        (r#"{"a":"\ud83e"}"#, "\u{fffd}"),
        (r#"{"a":"\uDD80\uD83E"}"#, "\u{fffd}\u{fffd}"),
        (r#"{"a":"\uD83E\ud83e\uDD80"}"#, "\u{fffd}\u{1f980}"),
        (r#"{"a":"\\ud83e"}"#, r"\ud83e"),
        (r#"{"a":"\\\ud83e\\"}"#, "\\\u{fffd}\\"),
    ] {
        for event in [line(ecs(true), &stored(record))["hubspot"].clone(), line(raw(), &stored(record))] {
            assert_eq!(event["a"], expected, "{record}");
        }
        assert_eq!(line(ecs(true), &stored(record))["event"]["original"], record);
    }
}
