//! Records whose members hold anything: each gives an event that every format and every envelope can carry, and
//! that keeps its identity; what can't be mapped is a `pipeline_error` with the record as its original.

use auditferry::encode::{
    BulkEnvelope, Encoder, Envelope, Format, HecEnvelope, SyslogEnvelope, SyslogHeader,
};
use auditferry::event::{Kind, StoredEvent};
use fastrand::Rng;
use serde_json::Value;

use crate::golden::{FORMATS, observer, stored};
use crate::{ecs, ocsf};

/// The members of the records of each dataset, and one that no provider has.
const DATASETS: [(&str, &[&str]); 4] = [
    (
        "hubspot.audit_logs",
        &[
            "id",
            "category",
            "subCategory",
            "action",
            "targetObjectId",
            "occurredAt",
            "actingUser",
            "surprise",
        ],
    ),
    (
        "hubspot.login",
        &[
            "id",
            "loginAt",
            "userId",
            "email",
            "loginSucceeded",
            "ipAddress",
            "location",
            "userAgent",
            "countryCode",
            "regionCode",
            "surprise",
        ],
    ),
    (
        "hubspot.security",
        &[
            "id",
            "createdAt",
            "type",
            "userId",
            "actingUser",
            "objectId",
            "infoUrl",
            "location",
            "ipAddress",
            "countryCode",
            "regionCode",
            "surprise",
        ],
    ),
    ("brevo.activities", &["action", "date", "user_email", "user_ip", "user_agent", "count", "surprise"]),
];

/// Texts that mean something to a provider or to a format, and those that break one.
const TEXTS: [&str; 34] = [
    "LOGIN",
    "LOGIN_FAILED",
    "CRITICAL_ACTION",
    "ADD_ADMIN_USER",
    "DEACTIVATE_USER",
    "EXPORT",
    "UPDATE",
    "PUBLISH",
    "login-success",
    "invite-user",
    "2026-09-10T12:26:58.098Z",
    "2026-09-10T12:26:58+05:30",
    "-009999-01-02T01:59:59Z",
    "+275760-09-13T00:00:00Z",
    "203.0.113.7",
    "2001:db8::5",
    "::ffff:203.0.113.7",
    "[2001:db8::5]:443",
    "999.1.1.1",
    "admin@example.com",
    "a@b@c",
    "new jersey, united states",
    "us",
    "",
    " ",
    "\u{0}\u{1b}\n\r\t\u{7f}\u{85}\u{2028}",
    "a=b c=d|e\\f\"g]h",
    "\\",
    "\\n=",
    "}}\",\"dataset\":\"x\"",
    "<134>1 - - - - - -",
    "CEF:0|a|b|c|d|e|5|x=1",
    "\u{feff}\u{1f980}é\u{301}ß",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/132.0.0.0 Safari/537.36",
];

fn any(random: &mut Rng, depth: usize) -> String {
    match random.u8(..20) {
        0 => "null".to_owned(),
        1 => random.bool().to_string(),
        2 => random.i64(..).to_string(),
        3 => ["1e999", "-0.0", "184467440737095516151234567890", "0"][random.usize(..4)].to_owned(),
        4 => (1_700_000_000_000_i64 + random.i64(0..100_000_000_000)).to_string(),
        5 if depth < 4 => {
            let items: Vec<_> = (0..random.usize(..4)).map(|_| any(random, depth + 1)).collect();
            format!("[{}]", items.join(","))
        }
        6 if depth < 4 => {
            let names = ["userId", "userEmail", "id", "", "é\\u0000", "event"];
            let members: Vec<_> = (0..random.usize(..4))
                .map(|_| format!("\"{}\": {}", names[random.usize(..names.len())], any(random, depth + 1)))
                .collect();
            format!("{{{}}}", members.join(", "))
        }
        7 => Value::from(TEXTS[random.usize(..TEXTS.len())].repeat(random.usize(1..400))).to_string(),
        8 => ["\"\\ud800\"", "\"\\udc00 x\"", "\"\\u0000\"", "\"\\/\\b\\f\""][random.usize(..4)].to_owned(),
        9 => {
            let chars: String = (0..random.usize(..40)).map(|_| random.char(..)).collect();
            Value::from(chars).to_string()
        }
        10 => "[".repeat(100) + &"]".repeat(100),
        _ => Value::from(TEXTS[random.usize(..TEXTS.len())]).to_string(),
    }
}

fn any_record(random: &mut Rng, members: &[&str]) -> String {
    if random.u8(..25) == 0 {
        return any(random, 0);
    }
    let mut text = Vec::new();
    for member in members {
        // Now and then twice.
        for _ in 0..[0, 1, 1, 1, 1, 1, 1, 2][random.usize(..8)] {
            text.push(format!("\"{member}\":{}", any(random, 0)));
        }
    }
    format!("{{{}}}", text.join([",", " ,\n"][random.usize(..2)]))
}

#[test]
fn any_record_gives_an_event_that_every_format_can_carry() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = Rng::with_seed(seed);
    for _ in 0..400 {
        for (dataset, members) in DATASETS {
            let record = any_record(&mut random, members);
            let event = stored(dataset, &record, random.bool());
            check(&event, dataset, &record);
        }
    }
}

fn check(event: &StoredEvent, dataset: &str, record: &str) {
    let id = event.id.to_string();
    let kind = event.event().event.kind;
    assert_eq!(&*event.original, record);
    for shown in &FORMATS {
        let line = text(shown.format, Envelope::Line, event);
        assert!(!line.contains(['\n', '\r']), "{}: {line:?}\n{record}", shown.title);
        assert!(line.contains(&id), "{}: {line:?}", shown.title);
        if shown.language == "json" {
            let value: Value = json(&line);
            match shown.title {
                "ECS" => {
                    assert_eq!(ecs::fault(&value), None, "{value:#}\n{record}");
                    assert_eq!(value["event"]["dataset"], dataset);
                }
                _ => assert_eq!(ocsf::faults(&value), Vec::<String>::new(), "{value:#}\n{record}"),
            }
        } else {
            assert!(!line.contains(char::is_control) || line.starts_with("LEEF:"), "{line:?}\n{record}");
        }
        for is_rfc5424 in [true, false] {
            let header = SyslogHeader {
                is_rfc5424,
                facility: 13,
                app_name: "auditferry".to_owned(),
                hostname: None,
                max_message_size: 8192,
            };
            let message =
                text(shown.format, Envelope::Syslog(SyslogEnvelope::new(&header, &observer())), event);
            assert!(message.starts_with('<') && !message.contains(['\n', '\r']), "{message:?}");
            assert!(message.contains(&id), "{message:?}");
        }
        if shown.language == "json" {
            let hec = text(shown.format, Envelope::Hec(HecEnvelope::new(None, None, &observer())), event);
            let hec: Value = json(&hec);
            assert_eq!(hec["fields"]["event_id"], *id);
            let bulk = text(shown.format, Envelope::Bulk(BulkEnvelope::new("default")), event);
            let document: Value = json(bulk.split('\n').nth(1).unwrap());
            assert!(document["@timestamp"].is_string(), "{bulk}");
        }
    }
    let whole = || Format::ecs(true, "default", &observer());
    let whole = json(&text(whole, Envelope::Line, event));
    assert_eq!(whole["event"]["original"], record.replace("1e999", "1e99"), "the original, byte for byte");
    assert_eq!(kind == Kind::PipelineError, whole.get("error").is_some(), "{whole:#}");
    let raw: Value = json(&text(Format::raw, Envelope::Line, event));
    assert_eq!(raw["auditferry"]["event_id"], *id);
}

/// A number beyond a double is JSON, but not for the library that reads it here.
fn json(line: &str) -> Value {
    let line = line.replace("1e999", "1e99");
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

fn text(format: impl Fn() -> Format, envelope: Envelope, event: &StoredEvent) -> String {
    let mut out = Vec::new();
    Encoder::new(format(), envelope).encode(event, &mut out);
    String::from_utf8(out).unwrap()
}
