//! CEF and LEEF, read back by liblognorm, which knows nothing of this program: every key of every line against
//! what the ECS event says.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use auditferry::encode::Format;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::golden::{self, Case};
use crate::tools;

type Pairs = BTreeMap<String, String>;

/// A line as it was read: its header without the version of the format, and its pairs.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    header: Vec<String>,
    pairs: Pairs,
}

/// Keys of CEF whose value is that of an ECS field, and the label where there is one.
const CEF: [(&str, &str, Option<&str>); 23] = [
    ("externalId", "/event/id", None),
    ("dvchost", "/observer/hostname", None),
    ("cat", "/auditferry/activity", None),
    ("act", "/event/action", None),
    ("outcome", "/event/outcome", None),
    ("reason", "/event/reason", None),
    ("msg", "/message", None),
    ("deviceFacility", "/event/dataset", None),
    ("deviceExternalId", "/organization/id", None),
    ("auditferryOrganizationName", "/organization/name", None),
    ("cs1", "/auditferry/object/type", Some("Object Type")),
    ("cs2", "/auditferry/object/id", Some("Object ID")),
    ("cs3", "/auditferry/source", Some("Source")),
    ("cs4", "/event/code", Some("Code")),
    ("cs5", "/source/geo/name", Some("Location")),
    ("cn1", "/event/sequence", Some("Sequence")),
    ("requestClientApplication", "/user_agent/original", None),
    ("suid", "/user/id", None),
    ("duid", "/user/target/id", None),
    ("auditferrySourceRegion", "/source/geo/region_iso_code", None),
    ("auditferryError", "/error/message", None),
    ("suser", "/user/email", None),
    ("duser", "/user/target/email", None),
];

/// The same of LEEF.
const LEEF: [(&str, &str); 24] = [
    ("cat", "/auditferry/activity"),
    ("eventId", "/event/id"),
    ("sequence", "/event/sequence"),
    ("dataset", "/event/dataset"),
    ("source", "/auditferry/source"),
    ("stream", "/auditferry/stream"),
    ("collectorHost", "/observer/hostname"),
    ("outcome", "/event/outcome"),
    ("reason", "/event/reason"),
    ("message", "/message"),
    ("code", "/event/code"),
    ("organizationId", "/organization/id"),
    ("organizationName", "/organization/name"),
    ("objectType", "/auditferry/object/type"),
    ("objectId", "/auditferry/object/id"),
    ("userAgent", "/user_agent/original"),
    ("error", "/error/message"),
    ("userId", "/user/id"),
    ("domain", "/user/domain"),
    ("accountId", "/user/target/id"),
    ("location", "/source/geo/name"),
    ("region", "/source/geo/region_iso_code"),
    ("usrName", "/user/email"),
    ("accountName", "/user/target/email"),
];

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

/// All examples, and what no parser likes, through the providers' mappings.
fn events() -> Vec<Case> {
    let mut events = golden::cases();
    assert!(events.len() > 20);
    let long = "\u{1f980}= ^|\\".repeat(15_000);
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
            events.push(golden::nasty_case(dataset, &format!("nasty-{number}"), &format!("{record:#}")));
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

fn expected_cef(ecs: &Value) -> Line {
    let mut pairs = details(ecs);
    let mut put = |key: &str, value: String, label: Option<&str>| {
        // The line breaks have an escape.
        let value = clean(&value, |char| char != '\n' && char != '\r');
        if !value.is_empty() {
            pairs.insert(key.to_owned(), value);
            pairs.extend(label.map(|label| (format!("{key}Label"), label.to_owned())));
        }
    };
    for (key, pointer, label) in CEF {
        put(key, at(ecs, pointer), label);
    }
    put("rt", milliseconds(ecs, "/@timestamp"), None);
    put("deviceCustomDate1", milliseconds(ecs, "/event/created"), Some("Collected"));
    put("cs6", country(ecs), Some("Country"));
    match address(ecs) {
        (address, Some(4)) => put("src", address, None),
        (address, Some(_)) => put("c6a2", address, Some("Source IPv6 Address")),
        (address, None) => put("shost", address, None),
    }
    let action = clean(&at(ecs, "/event/action"), |_| true);
    let (product, version) = (at(ecs, "/event/module"), at(ecs, "/observer/version"));
    let first = action.chars().next().unwrap().to_uppercase().to_string();
    let name = first.clone() + &action.replace('-', " ")[first.len()..];
    let class: String = action.chars().take(1_023).collect();
    let name: String = name.chars().take(512).collect();
    let header = [
        "auditferry".to_owned(),
        product,
        version,
        class,
        name.trim_end().to_owned(),
        severity(ecs).to_owned(),
    ];
    Line { header: header.into(), pairs }
}

fn expected_leef(ecs: &Value) -> Line {
    let mut pairs = details(ecs);
    let mut put = |key: &str, value: String| {
        let value = clean(&value, |_| true).replace(['^', '|'], " ").trim_matches(' ').to_owned();
        if !value.is_empty() {
            pairs.insert(key.to_owned(), value);
        }
    };
    for (key, pointer) in LEEF {
        put(key, at(ecs, pointer));
    }
    put("devTime", time(ecs, "/@timestamp"));
    put("devTimeFormat", "MMM dd yyyy HH:mm:ss.SSS z".to_owned());
    put("collected", time(ecs, "/event/created"));
    put("sev", severity(ecs).to_owned());
    put("country", country(ecs));
    let (address, family) = address(ecs);
    put(if family.is_some() { "src" } else { "sourceAddress" }, address);
    for (name, user) in [("usrName", "/user"), ("accountName", "/user/target")] {
        if ecs.pointer(&format!("{user}/email")).is_none() {
            put(name, at(ecs, &format!("{user}/id")));
        }
    }
    for name in ["usrName", "accountName"] {
        if let Some(value) = pairs.get_mut(name) {
            *value = value.chars().take(255).collect::<String>().trim_end().to_owned();
        }
    }
    let action: String = at(ecs, "/event/action").chars().take(255).collect();
    let header = ["auditferry".to_owned(), at(ecs, "/event/module"), at(ecs, "/observer/version"), action];
    Line { header: header.into(), pairs }
}

/// What is told of the daemon itself: `auditferry.about_source` as `auditferryAboutSource`.
fn details(ecs: &Value) -> Pairs {
    let members = ecs["auditferry"].as_object().unwrap().iter();
    members
        .filter(|(name, _)| !["source", "stream", "activity", "object"].contains(&name.as_str()))
        .map(|(name, value)| {
            let words = name.split('_').map(|word| word[..1].to_uppercase() + &word[1..]);
            (format!("auditferry{}", words.collect::<String>()), text(value))
        })
        .collect()
}

fn assert_record(case: &Case, read: Option<String>, line: &str) {
    let record = case.record.as_deref().map(|record| serde_json::from_str::<Value>(record).unwrap());
    let read = read
        .map(|read| serde_json::from_str::<Value>(&read).unwrap_or_else(|error| panic!("{error}: {line}")));
    assert_eq!(read, record, "{line}");
}

fn clean(text: &str, is_refused: impl Fn(char) -> bool) -> String {
    let is_break = |char: char| char.is_control() || matches!(char, '\u{2028}' | '\u{2029}');
    text.replace(|char| is_break(char) && is_refused(char), " ").trim_matches(' ').to_owned()
}

fn at(ecs: &Value, pointer: &str) -> String {
    ecs.pointer(pointer).map(text).unwrap_or_default()
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn strings(object: &Value) -> Pairs {
    object.as_object().unwrap().iter().map(|(key, value)| (key.clone(), text(value))).collect()
}

fn instant(ecs: &Value, pointer: &str) -> Timestamp {
    at(ecs, pointer).parse().unwrap()
}

fn milliseconds(ecs: &Value, pointer: &str) -> String {
    instant(ecs, pointer).as_millisecond().to_string()
}

/// `Sep 10 2024 12:26:58.098 GMT`
fn time(ecs: &Value, pointer: &str) -> String {
    instant(ecs, pointer).strftime("%b %d %Y %H:%M:%S%.3f GMT").to_string()
}

fn country(ecs: &Value) -> String {
    let code = at(ecs, "/source/geo/country_iso_code");
    if code.is_empty() { at(ecs, "/source/geo/country_name") } else { code }
}

/// The address, and 4 or 6 when it is one.
fn address(ecs: &Value) -> (String, Option<u8>) {
    let ip = at(ecs, "/source/ip");
    if ip.is_empty() {
        return (at(ecs, "/source/address"), None);
    }
    let family = if ip.contains(':') { 6 } else { 4 };
    (ip, Some(family))
}

fn severity(ecs: &Value) -> &'static str {
    match ecs["event"]["severity"].as_u64() {
        Some(0) => "1",
        Some(21) => "3",
        Some(47) => "5",
        Some(73) => "8",
        Some(99) => "10",
        other => panic!("no severity: {other:?}"),
    }
}
