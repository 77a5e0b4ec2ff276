mod text;

use serde_json::Value;
use syslog_loose::{Message, ProcId, Protocol, SyslogFacility, SyslogSeverity, Variant, parse_message};

use super::*;
use crate::encode::tests::stored;
use crate::encode::{Encoder, Envelope};
use crate::event::Event;

const RECORD: &str = r#"{"email": "a@b.example"}"#;

fn observer() -> Observer {
    Observer { hostname: "collector-1".to_owned(), version: "0.1.0".to_owned() }
}

fn header() -> SyslogHeader {
    SyslogHeader {
        is_rfc5424: true,
        facility: 13,
        app_name: "auditferry".to_owned(),
        hostname: None,
        max_message_size: 1_000_000,
    }
}

fn ecs() -> Format {
    Format::ecs(true, "default", &observer())
}

fn encoder(header: &SyslogHeader, format: Format) -> Encoder {
    Encoder::new(format, Envelope::Syslog(SyslogEnvelope::new(header, &observer())))
}

fn text(encoder: &mut Encoder, event: &StoredEvent) -> String {
    let mut out = b"before".to_vec();
    encoder.encode(event, &mut out);
    String::from_utf8(out).unwrap().strip_prefix("before").unwrap().to_owned()
}

fn message(header: &SyslogHeader, event: &StoredEvent) -> String {
    text(&mut encoder(header, ecs()), event)
}

/// The event as it would be without syslog.
fn plain(format: Format, event: &StoredEvent) -> Value {
    serde_json::from_str(&text(&mut Encoder::new(format, Envelope::Line), event)).unwrap()
}

fn parsed(message: &str) -> Message<&str> {
    parse_message(message, Variant::RFC5424)
}

/// A parameter of the structured data, without its escapes.
fn param(message: &Message<&str>, element: &str, name: &str) -> Option<String> {
    let element = message.structured_data.iter().find(|found| found.id == element)?;
    element.params().find_map(|(key, value)| (*key == name).then_some(value))
}

#[test]
fn a_header_of_rfc_5424_has_every_field() {
    let message = message(&header(), &stored(RECORD));
    let pid = std::process::id();
    let id = "ab".repeat(16);
    let expected = format!(
        "<109>1 2026-03-04T05:06:07.089Z collector-1 auditferry {pid} hubspot.login [auditferry@32473 \
         event_id=\"{id}\" sequence=\"42\" dataset=\"hubspot.login\" source=\"crm\"][meta sequenceId=\"1\"] {{\"ecs\""
    );
    assert!(message.starts_with(&expected), "{message}");

    let message = parsed(&message);
    assert_eq!(message.protocol, Protocol::RFC5424(1));
    assert_eq!(message.facility, Some(SyslogFacility::LOG_AUDIT));
    assert_eq!(message.severity, Some(SyslogSeverity::SEV_NOTICE));
    assert_eq!(message.timestamp.unwrap().timestamp_millis(), 1_772_600_767_089);
    assert_eq!(message.hostname, Some("collector-1"));
    assert_eq!(message.appname, Some("auditferry"));
    assert_eq!(message.procid, Some(ProcId::PID(pid.try_into().unwrap())));
    assert_eq!(message.msgid, Some("hubspot.login"));
    assert_eq!(param(&message, "auditferry@32473", "event_id"), Some(id));
    assert_eq!(serde_json::from_str::<Value>(message.msg).unwrap(), plain(ecs(), &stored(RECORD)));
}

#[test]
fn a_header_of_rfc_3164_pads_the_day_with_a_space() {
    let header = SyslogHeader { is_rfc5424: false, app_name: "audit-ferry 2".to_owned(), ..header() };
    let message = message(&header, &stored(RECORD));
    assert!(
        message.starts_with("<109>Mar  4 05:06:07 collector-1 auditferry2: {\"ecs\""),
        "a tag is letters and digits: {message}"
    );
    let read = parse_message(&message, Variant::RFC3164);
    assert_eq!((read.hostname, read.appname), (Some("collector-1"), Some("auditferry2")));
    assert_eq!(serde_json::from_str::<Value>(read.msg).unwrap(), plain(ecs(), &stored(RECORD)));
}

#[test]
fn every_month_has_its_name_and_a_time_that_nobody_can_read_has_a_place_all_the_same() {
    assert_eq!(rfc3164_time("2026-01-31T23:59:59.999Z"), "Jan 31 23:59:59");
    assert_eq!(rfc3164_time("2026-12-01T00:00:00.000Z"), "Dec  1 00:00:00");
    for time in ["", "-009999-01-02T00:00:00.000Z", "2026-00-01T00:00:00.000Z", "\u{e9}\u{e9}\u{e9}\u{e9}"] {
        assert_eq!(rfc3164_time(time), "Jan  1 00:00:00", "{time}");
    }
    let mut event = stored(RECORD);
    event.core = event.core.replace("2026-03-04T05:06:07.089Z", "-009999-01-02T00:00:00.000Z").into();
    assert!(message(&header(), &event).starts_with("<109>1 - collector-1 "));
}

#[test]
fn what_an_event_is_decides_its_severity() {
    let mut event = stored(RECORD);
    let severity = |event: &StoredEvent| parsed(&message(&header(), event)).severity.unwrap();
    assert_eq!(severity(&event), SyslogSeverity::SEV_NOTICE);

    let action = "\"action\":";
    event.core = event.core.replace(action, &format!("\"outcome\":\"success\",{action}")).into();
    assert_eq!(severity(&event), SyslogSeverity::SEV_NOTICE);
    event.core = event.core.replace("\"outcome\":\"success\"", "\"outcome\":\"failure\"").into();
    assert_eq!(severity(&event), SyslogSeverity::SEV_WARNING);
    event.core = event.core.replace("\"kind\":\"event\"", "\"kind\":\"pipeline_error\"").into();
    assert_eq!(severity(&event), SyslogSeverity::SEV_ERR);

    // The same words elsewhere mean nothing.
    let mut event: Event = serde_json::from_str(&stored(RECORD).core).unwrap();
    event.auditferry.details.insert("outcome".to_owned(), "failure".into());
    event.auditferry.details.insert("event".to_owned(), serde_json::json!({"kind": "pipeline_error"}));
    event.event.action = "\"event\":{\"outcome\":\"failure\"".to_owned();
    let core = event.to_core().into();
    assert_eq!(severity(&StoredEvent { core, ..stored(RECORD) }), SyslogSeverity::SEV_NOTICE);
}

#[test]
fn fields_of_the_header_keep_to_their_characters_and_lengths() {
    let header = SyslogHeader {
        hostname: Some(format!("h\u{f6} st\n{}", "x".repeat(300))),
        app_name: format!("my app{}", "y".repeat(60)),
        facility: 23,
        ..header()
    };
    let mut event = stored(RECORD);
    event.core = event.core.replace("hubspot.login", &format!("hubspot.{}", "z".repeat(40))).into();
    let message = message(&header, &event);
    let fields: Vec<&str> = message.split(' ').take(6).collect();
    assert_eq!(fields[0], "<189>1");
    assert_eq!(fields[2], format!("h__st_{}", "x".repeat(249)));
    assert_eq!(fields[3], format!("my_app{}", "y".repeat(42)));
    assert_eq!(fields[5], format!("hubspot.{}", "z".repeat(24)));

    let empty = SyslogHeader { hostname: Some(String::new()), app_name: String::new(), ..self::header() };
    let read = self::message(&empty, &stored(RECORD));
    assert!(read.starts_with("<109>1 2026-03-04T05:06:07.089Z - - "), "{read}");
}

#[test]
fn messages_are_counted_and_the_count_begins_again() {
    let mut envelope = SyslogEnvelope::new(&header(), &observer());
    let mut next = || {
        let mut out = Vec::new();
        envelope.encode(&ecs(), &stored(RECORD), &mut out);
        let count = param(&parsed(std::str::from_utf8(&out).unwrap()), "meta", "sequenceId");
        if envelope.sequence_id == 3 {
            envelope.sequence_id = LAST_SEQUENCE_ID - 1;
        }
        count.unwrap()
    };
    let counts: Vec<String> = (0..5).map(|_| next()).collect();
    assert_eq!(counts, ["1", "2", "3", "2147483647", "1"]);
}

/// Whatever an event may hold, made of parts that have broken syslog somewhere.
fn nasty(random: &mut fastrand::Rng) -> String {
    const PARTS: [&str; 20] = [
        "\"",
        "\\",
        "]",
        "[",
        "}",
        "{",
        "\n",
        "\r\n",
        "\t",
        "\0",
        "\u{1b}[31m",
        "\u{7f}",
        "\u{85}",
        "\u{2028}",
        "\u{1f980}",
        "\u{feff}",
        "\u{ffff}",
        "\u{e9}",
        "<13>1 - - - - - - ",
        "12 <13>",
    ];
    (0..random.usize(0..12)).map(|_| PARTS[random.usize(0..PARTS.len())]).collect()
}

#[test]
fn whatever_an_event_holds_it_is_one_line_of_ascii_that_says_the_same() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    for is_rfc5424 in [true, false] {
        for format in [ecs(), Format::raw()] {
            let mut encoder = encoder(&SyslogHeader { is_rfc5424, ..header() }, format.clone());
            for round in 0..400 {
                let mut event: Event = serde_json::from_str(&stored(RECORD).core).unwrap();
                event.message = Some(nasty(&mut random));
                event.event.action = nasty(&mut random);
                let mut record = serde_json::json!({nasty(&mut random): nasty(&mut random)});
                if round == 7 {
                    record["long"] = "\u{1f980}\n\"".repeat(12_500).into();
                }
                let record = if random.bool() {
                    serde_json::to_string_pretty(&record).unwrap().replace("  ", "\t")
                } else {
                    record.to_string()
                };
                let event = StoredEvent { core: event.to_core().into(), ..stored(&record) };

                let message = text(&mut encoder, &event);
                assert!(message.bytes().all(|byte| matches!(byte, b' '..=b'~')), "seed {seed}: {message}");
                let variant = if is_rfc5424 { Variant::RFC5424 } else { Variant::RFC3164 };
                let read = parse_message(&message, variant);
                let said: Value = serde_json::from_str(read.msg)
                    .unwrap_or_else(|error| panic!("seed {seed}: {error}: {message}"));
                assert!(said == plain(format.clone(), &event), "seed {seed}: {message}");
            }
        }
    }
}

#[test]
fn a_source_may_have_any_name_in_structured_data() {
    let mut random = fastrand::Rng::with_seed(7);
    for name in ["a]b\"c\\d", "\u{f6}\u{1f980}", "\\]", "end\\"]
        .map(str::to_owned)
        .into_iter()
        .chain((0..200).map(|_| nasty(&mut random).replace(|char: char| char.is_control(), " ")))
    {
        let mut event = stored(RECORD);
        event.stream = std::sync::Arc::new(crate::event::StreamName {
            source: name.clone(),
            stream: "login".to_owned(),
        });
        let message = message(&header(), &event);
        let read = parsed(&message);
        // The reader takes `\n` for a line feed, which is not in the RFC.
        assert_eq!(param(&read, "auditferry@32473", "source"), Some(name.clone()), "{message}");
        assert_eq!(read.structured_data.len(), 2);
        assert_eq!(serde_json::from_str::<Value>(read.msg).unwrap(), plain(ecs(), &event));
    }
    assert_eq!(param_value("a\nb"), "a b");
}

#[test]
fn a_message_that_is_too_long_says_less_and_says_so() {
    let record = format!("{{\"text\":\"{}\"}}", "x".repeat(1_000));
    let event = stored(&record);
    let full = message(&header(), &event).len();
    let sized = |max_message_size| message(&SyslogHeader { max_message_size, ..header() }, &event);
    let said = |message: &str| serde_json::from_str::<Value>(parsed(message).msg).unwrap();

    let whole = sized(full);
    assert_eq!(whole.len(), full);
    assert_eq!(param(&parsed(&whole), SD_ID, "shortened"), None);
    assert_eq!(said(&whole)["event"]["original"], record);

    let shorter = sized(full - 1);
    assert!(shorter.len() < full);
    assert_eq!(param(&parsed(&shorter), SD_ID, "shortened"), Some("yes".to_owned()));
    assert_eq!(
        param(&parsed(&shorter), "meta", "sequenceId"),
        Some("1".to_owned()),
        "one message, one number"
    );
    assert_eq!(said(&shorter)["event"].get("original"), None);
    assert_eq!(said(&shorter)["hubspot"]["text"], "x".repeat(1_000));
    assert_eq!(said(&shorter)["log"]["flags"][0], "truncated");

    let shortest = sized(shorter.len() - 1);
    assert!(shortest.len() < shorter.len());
    assert_eq!(param(&parsed(&shortest), SD_ID, "shortened"), Some("yes".to_owned()));
    assert_eq!(said(&shortest).get("hubspot"), None);
    assert_eq!(said(&shortest)["event"]["id"], "ab".repeat(16));

    assert_eq!(sized(shortest.len() - 1), whole, "the sink refuses it, with everything in the dead letter");
}

#[test]
fn a_raw_record_is_never_shortened() {
    let header = SyslogHeader { max_message_size: 480, ..header() };
    let event = stored(&format!("{{\"text\":\"{}\"}}", "x".repeat(1_000)));
    let message = text(&mut encoder(&header, Format::raw()), &event);
    assert_eq!(param(&parsed(&message), SD_ID, "shortened"), None);
    assert_eq!(serde_json::from_str::<Value>(parsed(&message).msg).unwrap(), plain(Format::raw(), &event));
}
