//! Every example against the rules of the Elastic Common Schema 9.4.0.

use serde_json::Value;

use crate::golden::{Case, cases};

/// `event.kind` (<https://www.elastic.co/docs/reference/ecs/ecs-allowed-values-event-kind>).
const KINDS: [&str; 8] =
    ["alert", "asset", "enrichment", "event", "metric", "pipeline_error", "signal", "state"];
/// `event.outcome`.
const OUTCOMES: [&str; 3] = ["failure", "success", "unknown"];
/// `event.type`.
const TYPES: [&str; 18] = [
    "access",
    "admin",
    "allowed",
    "change",
    "connection",
    "creation",
    "deletion",
    "denied",
    "device",
    "end",
    "error",
    "group",
    "indicator",
    "info",
    "installation",
    "protocol",
    "start",
    "user",
];
/// `event.category` and the types that are expected with it.
const CATEGORIES: [(&str, &[&str]); 20] = [
    (
        "api",
        &[
            "access", "admin", "allowed", "change", "creation", "deletion", "denied", "end", "info", "start",
            "user",
        ],
    ),
    ("authentication", &["start", "end", "info"]),
    ("configuration", &["access", "change", "creation", "deletion", "info"]),
    ("database", &["access", "change", "info", "error"]),
    ("driver", &["change", "end", "info", "start"]),
    ("email", &["info"]),
    ("file", &["access", "change", "creation", "deletion", "info"]),
    ("host", &["access", "change", "end", "info", "start"]),
    ("iam", &["admin", "change", "creation", "deletion", "group", "info", "user"]),
    ("intrusion_detection", &["allowed", "denied", "info"]),
    ("library", &["start"]),
    ("malware", &["info"]),
    ("network", &["access", "allowed", "connection", "denied", "end", "info", "protocol", "start"]),
    ("package", &["access", "change", "deletion", "info", "installation", "start"]),
    ("process", &["access", "change", "end", "info", "start"]),
    ("registry", &["access", "change", "creation", "deletion"]),
    ("session", &["start", "end", "info"]),
    ("threat", &["indicator"]),
    ("vulnerability", &["info"]),
    ("web", &["access", "error", "info"]),
];
/// What the contract promises of every event.
const ALWAYS: [&str; 18] = [
    "/@timestamp",
    "/ecs/version",
    "/event/id",
    "/event/kind",
    "/event/action",
    "/event/dataset",
    "/event/module",
    "/event/provider",
    "/event/created",
    "/event/sequence",
    "/event/severity",
    "/observer/vendor",
    "/observer/version",
    "/data_stream/dataset",
    "/data_stream/namespace",
    "/auditferry/source",
    "/auditferry/stream",
    "/auditferry/activity",
];

/// What is wrong with an event's categories, if anything.
pub(crate) fn fault(event: &Value) -> Option<String> {
    let words = |name: &str| -> Vec<&str> {
        let list = event.pointer(name).and_then(Value::as_array);
        list.map(|list| list.iter().filter_map(Value::as_str).collect()).unwrap_or_default()
    };
    let text = |name: &str| event.pointer(name).and_then(Value::as_str);
    let (categories, types) = (words("/event/category"), words("/event/type"));
    if !text("/event/kind").is_some_and(|kind| KINDS.contains(&kind)) {
        return Some(format!("event.kind {:?}", text("/event/kind")));
    }
    if event.pointer("/event/outcome").is_some()
        && !text("/event/outcome").is_some_and(|word| OUTCOMES.contains(&word))
    {
        return Some(format!("event.outcome {}", event["event"]["outcome"]));
    }
    let mut expected = Vec::new();
    for category in &categories {
        match CATEGORIES.iter().find(|(known, _)| known == category) {
            Some((_, types)) => expected.extend_from_slice(types),
            None => return Some(format!("event.category {category}")),
        }
    }
    if let Some(word) = types.iter().find(|word| !TYPES.contains(word)) {
        return Some(format!("event.type {word}"));
    }
    if let Some(word) = types.iter().find(|word| !categories.is_empty() && !expected.contains(word)) {
        return Some(format!("event.type {word} with {categories:?}"));
    }
    let missing = ALWAYS.iter().find(|name| event.pointer(name).is_none_or(Value::is_null));
    missing.map(|name| format!("no {name}"))
}

fn each(check: impl Fn(&Case, &Value)) {
    let cases = cases();
    assert!(cases.len() > 200, "only {} examples", cases.len());
    for case in &cases {
        check(case, &case.ecs());
    }
}

#[test]
fn every_value_is_one_that_ecs_allows() {
    each(|case, event| assert_eq!(fault(event), None, "{}", case.path().display()));
}

#[test]
fn a_value_that_ecs_does_not_allow_is_found() {
    let mut event = cases().iter().find(|case| case.name == "ADD_USER").unwrap().ecs();
    for (pointer, planted) in [
        ("/event/kind", "happening"),
        ("/event/outcome", "succeeded"),
        ("/event/category/0", "identity"),
        ("/event/category/0", "malware"),
        ("/event/type/0", "insert"),
        ("/event/type/0", "protocol"),
    ] {
        let place = event.pointer_mut(pointer);
        let Some(place) = place else {
            event["event"]["outcome"] = planted.into();
            assert!(fault(&event).is_some(), "{pointer}");
            event["event"].as_object_mut().unwrap().remove("outcome");
            continue;
        };
        let kept = std::mem::replace(place, planted.into());
        assert!(fault(&event).is_some(), "{pointer}: {planted}");
        *event.pointer_mut(pointer).unwrap() = kept;
    }
    event["event"].as_object_mut().unwrap().remove("id");
    assert_eq!(fault(&event).as_deref(), Some("no /event/id"));
}

#[test]
fn everybody_and_every_address_stands_under_related() {
    each(|case, event| {
        let related = |name: &str, value: &Value| {
            let list = event.pointer(name).and_then(Value::as_array);
            value.is_null() || list.is_some_and(|list| list.contains(value))
        };
        for user in [&event["user"], &event["user"]["target"]] {
            for name in ["id", "email", "name"] {
                assert!(related("/related/user", &user[name]), "{}: {}", case.path().display(), user[name]);
            }
        }
        let ip = &event["source"]["ip"];
        assert!(related("/related/ip", ip), "{}: {ip}", case.path().display());
        if let Some(ip) = ip.as_str() {
            assert!(ip.parse::<std::net::IpAddr>().is_ok(), "{}: {ip}", case.path().display());
        }
    });
}

#[test]
fn a_message_is_one_line_for_people() {
    each(|case, event| {
        let message = event["message"].as_str().unwrap_or_default();
        let is_kept = event["event"]["kind"] == "pipeline_error";
        assert!(!message.is_empty() || is_kept, "{}", case.path().display());
        assert!(!message.contains(char::is_control), "{}: {message:?}", case.path().display());
    });
}

#[test]
fn a_mirrored_copy_is_counted_by_no_rule_on_categories() {
    let copies = std::cell::Cell::new(0);
    each(|case, event| {
        let is_tagged = event["tags"].as_array().is_some_and(|tags| tags.contains(&"mirrored".into()));
        assert_eq!(is_tagged, event["auditferry"]["activity"] == "mirrored", "{}", case.path().display());
        if is_tagged {
            copies.set(copies.get() + 1);
            assert_eq!(event["event"]["category"], Value::Null, "{}", case.path().display());
            assert_eq!(event["event"]["type"], Value::Null, "{}", case.path().display());
        }
    });
    assert_eq!(copies.get(), 2, "the copy of a login and that of a security action");
}
