//! What a line has to say, by the ECS event.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::text;

pub(super) type Pairs = BTreeMap<String, String>;

/// A line as it was read: its header without the version of the format, and its pairs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) header: Vec<String>,
    pub(super) pairs: Pairs,
}

/// Keys of CEF whose value is that of an ECS field, and the label where there is one.
const CEF: [(&str, &str, Option<&str>); 21] = [
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
];

/// The same of LEEF.
const LEEF: [(&str, &str); 22] = [
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
];

pub(super) fn expected_cef(ecs: &Value) -> Line {
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
    for (key, full_name, pointer) in
        [("suser", "auditferryUserName", "/user"), ("duser", "auditferryTargetUserName", "/user/target")]
    {
        let [email, name] = ["email", "name"].map(|member| at(ecs, &format!("{pointer}/{member}")));
        let (user, besides) = if email.is_empty() { (name, String::new()) } else { (email, name) };
        put(key, user, None);
        put(full_name, besides, None);
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

pub(super) fn expected_leef(ecs: &Value) -> Line {
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
    for (key, full_name, pointer) in
        [("usrName", "userFullName", "/user"), ("accountName", "accountFullName", "/user/target")]
    {
        let [email, name, id] = ["email", "name", "id"].map(|member| at(ecs, &format!("{pointer}/{member}")));
        let (user, besides) = match (email.is_empty(), name.is_empty()) {
            (false, _) => (email, name),
            (true, false) => (name, String::new()),
            (true, true) => (id, String::new()),
        };
        let user = clean(&user, |_| true).replace(['^', '|'], " ");
        put(key, user.trim_matches(' ').chars().take(255).collect());
        put(full_name, besides);
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

fn clean(text: &str, is_refused: impl Fn(char) -> bool) -> String {
    let is_break = |char: char| char.is_control() || matches!(char, '\u{2028}' | '\u{2029}');
    text.replace(|char| is_break(char) && is_refused(char), " ").trim_matches(' ').to_owned()
}

fn at(ecs: &Value, pointer: &str) -> String {
    ecs.pointer(pointer).map(text).unwrap_or_default()
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
