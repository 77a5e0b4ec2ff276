use serde_json::{Value, json};

use super::super::super::faults::patched;
use super::*;

const GUID: &str = "01234567-89ab-4def-8123-456789abcdef";

/// A collector with these switches.
fn collector(switches: &Value) -> Receiver {
    let mut receiver = Receiver::default();
    receiver.faults.hec = patched(&receiver.faults.hec, switches).unwrap();
    receiver
}

fn envelope(id: u64) -> String {
    let event =
        json!({"event": {"id": format!("{id:032x}"), "sequence": id}, "text": format!("event {id}.")});
    json!({"time": 1.5, "fields": {"event_id": "x", "list": ["y"]}, "event": event}).to_string()
}

fn answer(receiver: &mut Receiver, headers: &[(&'static str, &str)], body: &str) -> (u16, Value) {
    let answer = receiver.collect(
        HecRequest { headers: &header_map(headers), query: "", body },
        &mut fastrand::Rng::with_seed(1),
    );
    (answer.status, serde_json::from_str(&answer.body).unwrap_or(Value::Null))
}

fn header_map(headers: &[(&'static str, &str)]) -> HeaderMap {
    headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
}

const KNOWN: (&str, &str) = ("authorization", "Splunk t");
const CHANNEL: (&str, &str) = ("x-splunk-request-channel", GUID);

/// With token and channel.
fn post(receiver: &mut Receiver, body: &str) -> (u16, Value) {
    answer(receiver, &[KNOWN, CHANNEL], body)
}

fn ask(receiver: &mut Receiver, channel: &str, body: &str) -> Option<(u16, Value)> {
    let headers = header_map(&[KNOWN]);
    let query = format!("channel={channel}");
    let request = HecRequest { headers: &headers, query: &query, body };
    let answer = receiver.acknowledge(request, &mut fastrand::Rng::with_seed(1))?;
    Some((answer.status, serde_json::from_str(&answer.body).unwrap_or(Value::Null)))
}

#[test]
fn events_are_objects_one_after_the_other() {
    let mut receiver = collector(&json!({}));
    let success = (200, json!({"text": "Success", "code": 0}));
    assert_eq!(post(&mut receiver, &format!("{}\n{}\n", envelope(1), envelope(2))), success);
    assert_eq!(post(&mut receiver, &format!("{}{}", envelope(3), envelope(4))), success);
    assert_eq!(receiver.stats().unique, 4);
}

#[test]
fn what_the_real_one_refuses_is_refused_with_its_code() {
    let mut receiver = collector(&json!({"token": "t", "acknowledgements": true}));
    let good = envelope(1);
    for (headers, body, status, code) in [
        (&[CHANNEL][..], good.as_str(), 401, 2),
        (&[("authorization", "Bearer t"), CHANNEL], &good, 401, 3),
        (&[("authorization", "Splunk other"), CHANNEL], &good, 403, 4),
        (&[KNOWN, CHANNEL], "", 400, 5),
        (&[KNOWN, CHANNEL], " \n", 400, 5),
        (&[KNOWN, CHANNEL], "{", 400, 6),
        (&[KNOWN, CHANNEL], "[{}]", 400, 6),
        (&[KNOWN, CHANNEL], r#"{"event":{"no":"event"}}"#, 400, 6),
        (&[KNOWN], &good, 400, 10),
        (&[KNOWN, ("x-splunk-request-channel", "1")], &good, 400, 11),
        (&[KNOWN, CHANNEL], r#"{"time":1}"#, 400, 12),
        (&[KNOWN, CHANNEL], r#"{"event":""}"#, 400, 13),
        (&[KNOWN, CHANNEL], r#"{"event":"  "}"#, 400, 13),
        (&[KNOWN, CHANNEL], r#"{"event":"x","fields":{"a":{"b":"c"}}}"#, 400, 15),
        (&[KNOWN, CHANNEL], r#"{"event":"x","fields":{"a":1}}"#, 400, 15),
    ] {
        let (given, answer) = answer(&mut receiver, headers, body);
        assert_eq!((given, &answer["code"]), (status, &json!(code)), "{body} {headers:?}");
    }
    assert_eq!((receiver.stats().unique, receiver.stats().refused), (0, 15));
}

#[test]
fn a_bad_event_ends_the_batch_or_not_and_is_numbered_in_either_way() {
    let batch: String = (0..5).map(envelope).collect();
    for (base, number) in [("zero", json!(2)), ("one", json!(3)), ("absent", Value::Null)] {
        for (takes_rest, ids) in [(false, 2), (true, 4)] {
            let switches =
                json!({"poison": "event 2.", "poison_code": 12, "number": base, "takes_rest": takes_rest});
            let mut receiver = collector(&switches);
            let (status, answer) = post(&mut receiver, &batch);
            assert_eq!((status, &answer["code"]), (400, &json!(12)));
            assert_eq!(answer["invalid-event-number"], number, "{base}");
            assert_eq!(receiver.stats().unique, ids);
        }
    }
}

#[test]
fn every_code_can_be_had_and_only_success_takes_events() {
    for code in 0..=28 {
        let mut receiver = collector(&json!({"codes": {code.to_string(): {"next": 1}}}));
        let (_, answer) = post(&mut receiver, &envelope(1));
        assert_eq!(answer["code"], code);
        assert_eq!(receiver.stats().unique == 1, [0, 24, 25].contains(&code), "{code}");
    }
    let mut receiver = collector(&json!({"page": {"next": 1}, "max_content_length": 10}));
    assert_eq!(post(&mut receiver, &envelope(1)), (200, Value::Null));
    assert_eq!(post(&mut receiver, &envelope(1)), (413, Value::Null));
}

#[test]
fn a_true_is_said_once_and_on_its_own_channel() {
    let mut receiver = collector(&json!({"acknowledgements": true}));
    assert_eq!(post(&mut receiver, &envelope(1)).1["ackId"], 0);
    assert_eq!(post(&mut receiver, &envelope(2)).1["ackId"], 1);
    let other = GUID.replace('0', "1");
    let acks = |told: Option<(u16, Value)>| told.unwrap().1["acks"].clone();
    assert_eq!(acks(ask(&mut receiver, &other, r#"{"acks":[0]}"#)), json!({"0": false}));
    assert_eq!(
        acks(ask(&mut receiver, GUID, r#"{"acks":[0,1,2]}"#)),
        json!({"0": true, "1": true, "2": false})
    );
    assert_eq!(acks(ask(&mut receiver, GUID, r#"{"acks":[0,1]}"#)), json!({"0": false, "1": false}));
}

#[test]
fn acknowledgements_can_be_late_lost_missing_and_never() {
    let mut receiver = collector(&json!({"acknowledgements": true, "ack_after_ms": 3_600_000}));
    post(&mut receiver, &envelope(1));
    assert_eq!(ask(&mut receiver, GUID, r#"{"acks":[0]}"#).unwrap().1["acks"]["0"], false);

    let switches = json!({"acknowledgements": true, "ack_never": {"next": 1}, "ack_true_lost": {"next": 1}});
    let mut receiver = collector(&switches);
    post(&mut receiver, &envelope(1));
    post(&mut receiver, &envelope(2));
    assert_eq!(ask(&mut receiver, GUID, r#"{"acks":[0]}"#).unwrap().1["acks"]["0"], false);
    assert_eq!(ask(&mut receiver, GUID, r#"{"acks":[1]}"#), None, "lost, and with it the true");
    assert_eq!(ask(&mut receiver, GUID, r#"{"acks":[1]}"#).unwrap().1["acks"]["1"], false);

    let mut receiver = collector(&json!({"acknowledgements": true, "ack_id_missing": {"next": 1}}));
    assert_eq!(post(&mut receiver, &envelope(1)).1.get("ackId"), None);

    let mut receiver = collector(&json!({}));
    assert_eq!(ask(&mut receiver, GUID, r#"{"acks":[0]}"#).unwrap().1["code"], 14);
}
