//! Events of OCSF against the rules of the schema: every example, and every activity with more and less said of
//! it. The rules are ours to read; where the package `pydantic-ocsf` is there, its reading of 1.3.0 has a say too.

mod rules;

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Stdio;
use std::sync::{Arc, LazyLock};

use auditferry::encode::{Encoder, Envelope, Format, OcsfVersion};
use auditferry::event::{
    Account, Activity, Error, Event, EventId, Geo, Kind, Object, Origin, Outcome, Severity, StoredEvent,
    StreamName, User, UserAgent,
};
use serde_json::{Value, json};

use self::rules::Rules;
use crate::{golden, tools};

static RULES: LazyLock<Rules> = LazyLock::new(Rules::new);

/// What is wrong with an event, by the rules of its class and version; `metadata.version` says which.
pub(crate) fn faults(event: &Value) -> Vec<String> {
    RULES.faults(event)
}

const VERSIONS: [OcsfVersion; 2] = [OcsfVersion::V1_3, OcsfVersion::V1_9];
const RECORD: &str = r#"{"id": 7, "huge": 12345678901234567890123}"#;

fn encoded(event: &StoredEvent, version: OcsfVersion) -> Value {
    let mut out = Vec::new();
    Encoder::new(Format::ocsf(version, true, &golden::observer()), Envelope::Line).encode(event, &mut out);
    let line = String::from_utf8(out).unwrap();
    assert!(!line.contains(['\n', '\r']), "one line: {line}");
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

fn stored(event: &Event, original: &str) -> StoredEvent {
    StoredEvent {
        position: 1,
        stream: Arc::new(StreamName { source: "crm".to_owned(), stream: "login".to_owned() }),
        sequence: 42,
        id: event.event.id,
        core: event.to_core().into(),
        original: original.into(),
    }
}

/// An event that says where it comes from and what was done, and nothing more.
fn bare(activity: Activity) -> Event {
    let stream = StreamName { source: "crm".to_owned(), stream: "login".to_owned() };
    let at = |text: &str| text.parse().unwrap();
    let (happened, collected) = (at("2026-03-04T05:06:07.089Z"), at("2026-03-04T05:07:00Z"));
    let mut event = Event::new(EventId::from_bytes([0xab; 16]), &stream, activity, happened, collected);
    event.event.action = "do-it".to_owned();
    event.event.dataset = "hubspot.login".into();
    event.event.module = "hubspot".into();
    event.event.provider = "login".into();
    event
}

fn text(value: &str) -> Option<String> {
    Some(value.to_owned())
}

fn email(address: &str) -> User {
    User { email: text(address), domain: text("b.example"), ..User::default() }
}

fn users() -> [Option<User>; 5] {
    let id = User { id: text("7"), ..User::default() };
    [
        None,
        Some(User { domain: text("b.example"), ..User::default() }),
        Some(User { name: text("Ann"), ..id.clone() }),
        Some(User { target: Some(Box::new(id)), ..email("a@b.example") }),
        Some(User { target: Some(Box::new(email("c@b.example"))), ..User::default() }),
    ]
}

fn origins() -> [Option<Origin>; 5] {
    let country = Geo { name: text("mumbai, india"), country_iso_code: text("IN"), ..Geo::default() };
    let words = Geo { name: text("mumbai"), ..Geo::default() };
    let ip = Origin { address: text("203.0.113.7"), ip: text("203.0.113.7"), geo: None };
    [
        None,
        Some(Origin { geo: Some(country.clone()), ..ip.clone() }),
        Some(Origin { geo: Some(words), ..ip }),
        Some(Origin { address: text("gateway"), ..Origin::default() }),
        Some(Origin { geo: Some(country), ..Origin::default() }),
    ]
}

fn objects() -> [Option<Object>; 5] {
    let kind = |kind: &'static str| Some(kind.into());
    [
        None,
        Some(Object::default()),
        Some(Object { kind: kind("landing-page"), id: None }),
        Some(Object { kind: None, id: text("99") }),
        Some(Object { kind: kind("user"), id: text("8") }),
    ]
}

/// Every activity, and with it every two of: a user, an origin, an object.
fn all_events() -> Vec<Event> {
    let objects = objects();
    let mut events = Vec::new();
    for &activity in Activity::ALL {
        for (row, user) in users().into_iter().enumerate() {
            for (column, source) in origins().into_iter().enumerate() {
                let mut event = bare(activity);
                event.user = user.clone();
                event.source = source;
                event.auditferry.object = objects[(row + column) % objects.len()].clone();
                events.push(event);
            }
        }
    }
    events
}

/// An event with everything that can be said.
fn full(activity: Activity) -> Event {
    let mut event = bare(activity);
    event.message = text("says a lot");
    event.organization = Some(Account { id: "148911045".to_owned(), name: text("Example") });
    event.user = Some(User { target: Some(Box::new(email("c@b.example"))), ..email("a@b.example") });
    [_, event.source, ..] = origins();
    event.user_agent = Some(UserAgent { original: "curl/8".to_owned(), ..UserAgent::default() });
    event.error = Some(Error { message: "odd".to_owned() });
    event.tags = vec!["mirrored".to_owned()];
    event.auditferry.object = Some(Object { kind: Some("team".into()), id: text("99") });
    event.auditferry.details.insert("sink".to_owned(), json!("splunk"));
    event.event.kind = Kind::PipelineError;
    event.event.outcome = Some(Outcome::Failure);
    event.event.severity = Severity::High;
    event.event.code = text("DO_IT");
    event.event.reason = text("because");
    event
}

#[test]
fn every_example_keeps_the_rules_in_both_versions() {
    let mut count = 0;
    for case in golden::cases() {
        for version in VERSIONS {
            let event = encoded(&case.event, version);
            let found = faults(&event);
            assert!(found.is_empty(), "{}: {found:#?}\n{event:#}", case.path().display());
            count += 1;
        }
    }
    assert!(count > 300, "{count} events");
}

#[test]
fn whatever_is_known_of_an_event_keeps_the_rules() {
    let full = Activity::ALL.iter().map(|&activity| full(activity));
    for event in all_events().into_iter().chain(full) {
        for version in VERSIONS {
            let ocsf = encoded(&stored(&event, RECORD), version);
            let found = faults(&ocsf);
            assert!(found.is_empty(), "{found:#?}\n{}\n{ocsf:#}", event.to_core());
        }
    }
}

#[test]
fn every_event_keeps_its_identity_and_where_it_comes_from() {
    for event in all_events() {
        for version in VERSIONS {
            let ocsf = encoded(&stored(&event, RECORD), version);
            let metadata = &ocsf["metadata"];
            assert_eq!(metadata["uid"], "ab".repeat(16));
            assert_eq!(metadata["sequence"], 42);
            assert_eq!(metadata["log_name"], "hubspot.login");
            assert_eq!(ocsf["time"], 1_772_600_767_089_i64);
            assert_eq!(ocsf["unmapped"]["auditferry"]["activity"], event.auditferry.activity.name());
        }
    }
}

#[test]
fn nothing_that_is_known_is_lost_whatever_the_class() {
    for &activity in Activity::ALL {
        for version in VERSIONS {
            let line = encoded(&stored(&full(activity), RECORD), version).to_string();
            for told in [
                "says a lot",
                "148911045",
                "Example",
                "a@b.example",
                "c@b.example",
                "203.0.113.7",
                "mumbai, india",
                "curl/8",
                "odd",
                "mirrored",
                "\"team\"",
                "\"99\"",
                "splunk",
                "pipeline_error",
                "DO_IT",
                "do-it",
                "because",
            ] {
                assert!(line.contains(told), "{activity:?} in {version:?} has no {told}: {line}");
            }
        }
    }
}

/// A change that makes an event break the rules, what of it they name, and the event that it is made to.
type Fault = (Activity, OcsfVersion, fn(&mut Value), &'static str);

#[test]
fn the_rules_find_every_planted_fault() {
    use Activity::{
        GroupMemberAdded, IntegrationInstalled, Login, ObjectRestored, ObjectViewed, UserCreated,
    };
    use OcsfVersion::{V1_3, V1_9};
    let planted: &[Fault] = &[
        (Login, V1_3, |event| event["metadata"]["version"] = json!("1.8.0"), "metadata.version"),
        (Login, V1_3, |event| event["class_uid"] = json!(3007), "class_uid"),
        (Login, V1_9, |event| event["class_uid"] = json!(3001), "class_uid"),
        (Login, V1_9, |event| event["class_name"] = json!("Login"), "class_name"),
        (Login, V1_9, |event| event["category_uid"] = json!(6), "category_uid"),
        (Login, V1_9, |event| event["type_uid"] = json!(300_202), "type_uid"),
        (Login, V1_9, |event| event["type_name"] = json!("Authentication: Logoff"), "type_name"),
        (Login, V1_9, |event| event["activity_id"] = json!(8), "activity_id"),
        (Login, V1_9, |event| event["activity_name"] = json!("Login"), "activity_name"),
        (Login, V1_9, |event| event["time"] = json!("2026-03-04T05:06:07.089Z"), "time"),
        (Login, V1_9, |event| event["time"] = json!(1.5), "time"),
        (Login, V1_9, |event| event["severity_id"] = json!(47), "severity_id"),
        (Login, V1_9, |event| event["severity"] = json!("Urgent"), "severity"),
        (Login, V1_9, |event| event["status_id"] = json!(0), "status"),
        (ObjectRestored, V1_9, |event| event["activity_name"] = json!("Other"), "which other"),
        (Login, V1_9, |event| event["message"] = Value::Null, "message"),
        (Login, V1_9, |event| event["hubspot"] = json!({}), "hubspot"),
        (Login, V1_9, |event| event["user"]["email"] = json!("a@b.example"), "user.email"),
        (Login, V1_9, |event| event["user"] = json!({"email_addr": "a@b.example"}), "user.: needs one of"),
        (Login, V1_9, |event| event["src_endpoint"]["ip"] = json!("gateway"), "src_endpoint.ip"),
        (
            Login,
            V1_9,
            |event| event["src_endpoint"]["location"] = json!({"desc": "x"}),
            "location.: needs one",
        ),
        (Login, V1_9, |event| event["observables"][0]["value"] = json!("203.0.113.8"), "observables"),
        (Login, V1_9, |event| event["observables"][0]["name"] = json!("dst_endpoint.ip"), "observables"),
        (Login, V1_9, |event| event["observables"][0]["type_id"] = json!(7), "observables[0].type_id"),
        (Login, V1_9, |event| event["observables"] = json!([]), "observables"),
        (
            Login,
            V1_9,
            |event| event["metadata"]["product"] = json!({"version": "1"}),
            "product.: needs one of",
        ),
        (Login, V1_3, |event| event["metadata"]["product"] = json!({"name": "x"}), "product.vendor_name"),
        (Login, V1_3, |event| event["metadata"]["is_truncated"] = json!(true), "metadata.is_truncated"),
        (Login, V1_3, |event| event["account_switch_type_id"] = json!(2), "account_switch_type_id"),
        (Login, V1_9, |event| drop(event["service"].take()), "service"),
        (UserCreated, V1_9, |event| event["users"] = json!([{"uid": "7"}]), "users"),
        (GroupMemberAdded, V1_3, |event| event["users"] = json!([{"uid": "7"}]), "users"),
        (GroupMemberAdded, V1_9, |event| event["user"] = json!({"uid": "7"}), "user: is deprecated"),
        (GroupMemberAdded, V1_9, |event| event["group"] = json!([{"uid": "7"}]), "group"),
        (IntegrationInstalled, V1_9, |event| event["app"] = json!({"uid": "7"}), "app: is deprecated"),
        (IntegrationInstalled, V1_9, |event| event["src_endpoint"] = json!({"ip": "::1"}), "src_endpoint"),
        (ObjectViewed, V1_3, |event| event["web_resources"] = json!({"uid": "7"}), "web_resources"),
        (
            ObjectViewed,
            V1_3,
            |event| event["metadata"]["profiles"] = json!(["cloud"]),
            "actor: needs the profile",
        ),
    ];
    for (index, (activity, version, break_it, named)) in planted.iter().enumerate() {
        let mut event = encoded(&stored(&full(*activity), RECORD), *version);
        assert_eq!(faults(&event), [""; 0]);
        break_it(&mut event);
        let found = faults(&event);
        assert!(found.iter().any(|fault| fault.contains(named)), "{index}: {named} is not in {found:?}");
    }
}

#[test]
fn the_rules_miss_no_required_member() {
    for &activity in Activity::ALL {
        for version in VERSIONS {
            let event = encoded(&stored(&full(activity), RECORD), version);
            for name in [
                "class_uid",
                "activity_id",
                "type_uid",
                "category_uid",
                "severity_id",
                "time",
                "metadata",
                "user",
                "entity",
                "group",
                "web_resources",
                "api",
                "app",
                "application",
                "privileges",
                "service",
            ] {
                let mut less = event.clone();
                if less.as_object_mut().unwrap().remove(name).is_some() {
                    assert!(!faults(&less).is_empty(), "{activity:?} in {version:?} without {name}");
                }
            }
        }
    }
}

#[test]
fn the_page_on_ocsf_says_what_each_activity_becomes() {
    let page = std::fs::read_to_string(golden::folder().parent().unwrap().join("ocsf.md")).unwrap();
    let mut table = String::new();
    for &activity in Activity::ALL {
        let [v1_3, v1_9] = VERSIONS.map(|version| {
            let event = encoded(&stored(&full(activity), ""), version);
            format!("{} {}", event["type_uid"], event["type_name"].as_str().unwrap())
        });
        writeln!(table, "| `{}` | {v1_3} | {v1_9} |", activity.name()).unwrap();
    }
    assert!(page.contains(&table), "docs/ocsf.md should say:\n{table}");
}

/// Reads events, one in a line, and says of those that are wrong why.
const CHECK: &str = r#"
import importlib, json, sys
events = importlib.import_module("ocsf.v1_3_0.events")
classes = {0: "BaseEvent", 3001: "AccountChange", 3002: "Authentication", 3004: "EntityManagement",
           3005: "UserAccess", 3006: "GroupManagement", 6001: "WebResourcesActivity",
           6002: "ApplicationLifecycle", 6003: "ApiActivity"}
for line in sys.stdin:
    event = json.loads(line)
    try:
        getattr(events, classes[event["class_uid"]]).model_validate(event)
    except Exception as error:
        print(f"{error}\n{line}")
"#;

#[test]
fn another_reader_of_version_1_3_finds_nothing_wrong() {
    let Some(mut python) = tools::python(&["ocsf.v1_3_0"]) else { return };
    let mut child = python.args(["-c", CHECK]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = Vec::new();
    for &activity in Activity::ALL {
        for event in [bare(activity), full(activity)] {
            writeln!(lines, "{}", encoded(&stored(&event, ""), OcsfVersion::V1_3)).unwrap();
        }
    }
    for case in golden::cases() {
        writeln!(lines, "{}", encoded(&case.event, OcsfVersion::V1_3)).unwrap();
    }
    // One that it has to refuse, so that silence means something.
    let mut wrong = encoded(&stored(&bare(Activity::Login), ""), OcsfVersion::V1_3);
    wrong["severity"] = json!("Urgent");
    writeln!(lines, "{wrong}").unwrap();
    let mut input = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || input.write_all(&lines).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    assert_eq!(said.matches("validation error").count(), 1, "{said}");
    assert!(said.contains("Urgent"), "{said}");
}
