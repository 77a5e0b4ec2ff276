//! CEF and LEEF, read back by liblognorm, which knows nothing of this program: every key of every line against
//! what the ECS event says.

mod expected;

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;

use auditferry::encode::Format;
use auditferry::event::{
    Account, Activity, Error, Event, EventId, Geo, Object, Origin, Outcome, Severity, StoredEvent,
    StreamName, User, UserAgent,
};
use serde_json::{Value, json};

use self::expected::{Line, Pairs, expected_cef, expected_leef};
use crate::golden::{self, Case};
use crate::tools;

const CEF_RULE: &str = r#"version=2
rule=:%{"name":"cef","type":"cef"}%
"#;
const LEEF_RULE: &str = r#"version=2
rule=:LEEF:2.0|%vendor:char-to:|%|%product:char-to:|%|%version:char-to:|%|%event:char-to:|%|^|%{"name":"pairs","type":"repeat","parser":[{"name":"key","type":"char-to","extradata":"="},{"type":"literal","text":"="},{"name":"value","type":"char-sep","extradata":"^"}],"while":[{"type":"literal","text":"^"}]}%
"#;

#[test]
fn every_cef_line_says_what_its_event_says() {
    let events = events();
    let lines: Vec<String> =
        events.iter().map(|case| case.line(Format::cef(true, &golden::observer()))).collect();
    // liblognorm 2.0.6 takes the first key to begin behind a space, which other senders write there.
    let spaced: Vec<String> = lines.iter().map(|line| line.replacen("|rt=", "| rt=", 1)).collect();
    let Some(read) = lognormalizer(CEF_RULE, &spaced) else { return };
    for ((case, line), read) in events.iter().zip(&lines).zip(&read) {
        let read = &read["cef"];
        let header = ["DeviceVendor", "DeviceProduct", "DeviceVersion", "SignatureID", "Name", "Severity"]
            .map(|name| text(&read[name]));
        let mut pairs: Pairs = strings(&read["Extensions"]);
        assert_record(case, pairs.remove("rawEvent"), line);
        assert_eq!(Line { header: header.into(), pairs }, expected_cef(&case.ecs()), "{}: {line}", case.name);
    }
}

#[test]
fn every_leef_line_says_what_its_event_says() {
    let events = events();
    let lines: Vec<String> =
        events.iter().map(|case| case.line(Format::leef(true, &golden::observer()))).collect();
    let Some(read) = lognormalizer(LEEF_RULE, &lines) else { return };
    for ((case, line), read) in events.iter().zip(&lines).zip(&read) {
        let header = ["vendor", "product", "version", "event"].map(|name| text(&read[name]));
        let mut pairs = Pairs::new();
        for pair in read["pairs"].as_array().unwrap() {
            let is_known = pairs.insert(text(&pair["key"]), text(&pair["value"]));
            assert_eq!(is_known, None, "a key twice: {line}");
        }
        assert_record(case, pairs.remove("original"), line);
        assert_eq!(
            Line { header: header.into(), pairs },
            expected_leef(&case.ecs()),
            "{}: {line}",
            case.name
        );
    }
}

/// An event that says all that an event can say, whether a provider has it already or not.
fn full() -> Case {
    let text = |text: &str| Some(text.to_owned());
    let id = EventId::from_bytes([0xab; 16]);
    let stream = StreamName { source: "crm".to_owned(), stream: "security".to_owned() };
    let at = |text: &str| text.parse().unwrap();
    let (happened, collected) = (at("2024-09-10T12:26:58.098Z"), at("2024-09-10T12:28:20Z"));
    let mut event = Event::new(id, &stream, Activity::PrivilegesGranted, happened, collected);
    event.message = text("Add an admin");
    event.auditferry.object = Some(Object { kind: Some("user".into()), id: text("70769658") });
    event.auditferry.details = serde_json::Map::from_iter([("lag_seconds".to_owned(), json!(7))]);
    event.organization = Some(Account { id: "148911045".to_owned(), name: text("Creative | Labs") });
    let target = User { id: text("2"), email: text("e@b.example"), name: text("Eve"), ..User::default() };
    event.user = Some(User {
        id: text("1"),
        email: text("d@a.example"),
        name: text("David = D"),
        domain: text("a.example"),
        target: Some(Box::new(target)),
    });
    let (name, country_name) = (text("mumbai, india"), text("india"));
    let geo = Geo { name, country_name, country_iso_code: text("IN"), region_iso_code: text("IN-MH") };
    event.source = Some(Origin { address: text("203.0.113.7"), ip: text("203.0.113.7"), geo: Some(geo) });
    event.user_agent = Some(UserAgent { original: "curl/8.5.0".to_owned(), ..UserAgent::default() });
    event.error = Some(Error { message: "x".to_owned() });
    event.event.outcome = Some(Outcome::Success);
    event.event.severity = Severity::Critical;
    event.event.action = "add-admin".to_owned();
    event.event.code = text("ADD_ADMIN");
    event.event.reason = text("y");
    event.event.dataset = "hubspot.security".into();
    event.event.module = "hubspot".into();
    let (core, stream, record) = (event.to_core().into(), Arc::new(stream), r#"{"a": "b"}"#);
    let event = StoredEvent { position: 1, stream, sequence: 7, id, core, original: record.into() };
    Case::without_file("hubspot.security", "full", Some(record), event)
}

/// All examples, and what no parser likes, through the providers' mappings.
fn events() -> Vec<Case> {
    let mut events = golden::cases();
    assert!(events.len() > 20);
    events.push(full());
    let long = "\u{1f980}= ^|\\".repeat(11_500);
    let texts = [
        "a b=c",
        "x cs1=forged externalId=0 ",
        "\\",
        "\\\\=\\n",
        "a|b",
        "^src=192.0.2.1^",
        "\t\r\n",
        "a\r\nb\tc",
        "\u{0}\u{1b}[31m\u{7f}\u{85}",
        "\u{2028}x\u{2029}",
        "\"quoted\" 'text'",
        "\u{1f980}\u{202e}x\u{feff}",
        "  around  ",
        "",
        "=",
        "CEF:0|a|b|c|d|e|5|f=g",
        "{\"a\":\"b\"}",
        &long,
    ];
    for (number, nasty) in texts.iter().enumerate() {
        let brevo = json!({
            "action": format!("do {nasty}"), "date": "2026-09-16T16:17:23+05:30", "user_email": nasty,
            "user_ip": nasty, "user_agent": nasty, nasty.to_string(): [nasty],
        });
        let login = json!({
            "id": "1", "loginAt": "2025-02-07T15:01:00.100Z", "userId": 7, "email": nasty, "loginSucceeded": false,
            "ipAddress": "2001:db8::7", "location": nasty, "userAgent": nasty, "countryCode": nasty, "regionCode": nasty,
        });
        for (dataset, record) in [("brevo.activities", brevo), ("hubspot.login", login)] {
            let record = format!("{record:#}");
            let event = golden::stored(dataset, &record, true);
            let name = format!("nasty-{number}");
            events.push(Case::without_file(dataset, &name, Some(&record), event));
        }
    }
    events
}

/// What lognormalizer reads by a rule, a line each; nothing where it is not installed.
fn lognormalizer(rule: &str, lines: &[String]) -> Option<Vec<Value>> {
    let program = tools::program("lognormalizer", "liblognorm-utils")?;
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules.rb");
    fs::write(&rules, rule).unwrap();
    let mut child = Command::new(program)
        .arg("-r")
        .arg(rules)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut input, text) = (child.stdin.take().unwrap(), lines.join("\n") + "\n");
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let read: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(read.len(), lines.len());
    for read in &read {
        assert_eq!(read.get("unparsed-data"), None, "{read}");
    }
    Some(read)
}

fn assert_record(case: &Case, read: Option<String>, line: &str) {
    let record = case.record.as_deref().map(|record| serde_json::from_str::<Value>(record).unwrap());
    let read = read
        .map(|read| serde_json::from_str::<Value>(&read).unwrap_or_else(|error| panic!("{error}: {line}")));
    assert_eq!(read, record, "{line}");
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn strings(object: &Value) -> Pairs {
    object.as_object().unwrap().iter().map(|(key, value)| (key.clone(), text(value))).collect()
}
