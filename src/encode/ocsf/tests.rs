use serde_json::{Value, json};

use super::super::tests::stored;
use super::super::{Encoder, Envelope, Format};
use super::*;
use crate::event::{Activity, Geo, Object, Origin, User};

const RECORD: &str = "{\"id\": \"7\",\n \"huge\": 12345678901234567890123}";

fn observer() -> Observer {
    Observer { hostname: "collector-1".to_owned(), version: "0.1.0".to_owned() }
}

fn line(version: OcsfVersion, include_original: bool, detail: Detail, event: &StoredEvent) -> String {
    let mut out = b"before".to_vec();
    OcsfEncoder::new(version, include_original, &observer()).encode(event, detail, &mut out);
    let text = std::str::from_utf8(&out).unwrap().strip_prefix("before").unwrap();
    assert!(!text.contains(['\n', '\r']), "one line: {text}");
    text.to_owned()
}

/// What becomes of an event that is changed like this.
fn mapped(version: OcsfVersion, change: impl FnOnce(&mut Event)) -> Value {
    let mut stored = stored(RECORD);
    let mut event = stored.event();
    change(&mut event);
    stored.core = event.to_core().into();
    serde_json::from_str(&line(version, true, Detail::Full, &stored)).unwrap()
}

fn of(version: OcsfVersion, activity: Activity) -> Value {
    mapped(version, |event| event.auditferry.activity = activity)
}

fn someone(email: &str) -> User {
    User { email: Some(email.to_owned()), ..User::default() }
}

#[test]
fn a_login_is_an_authentication_by_its_user() {
    let event = mapped(OcsfVersion::V1_3, |event| {
        event.user = Some(User { id: Some("7".to_owned()), ..someone("a@b.example") });
        event.source = Some(Origin {
            address: Some("203.0.113.7".to_owned()),
            ip: Some("203.0.113.7".to_owned()),
            geo: Some(Geo { country_iso_code: Some("IN".to_owned()), ..Geo::default() }),
        });
        event.event.outcome = Some(Outcome::Failure);
        event.event.reason = Some("wrong password".to_owned());
        event.event.severity = Severity::Low;
    });
    let user = json!({"uid": "7", "name": "a@b.example", "email_addr": "a@b.example"});
    for (name, expected) in [
        ("class_uid", json!(3002)),
        ("type_uid", json!(300_201)),
        ("type_name", json!("Authentication: Logon")),
        ("status", json!("Failure")),
        ("status_detail", json!("wrong password")),
        ("severity", json!("Low")),
        ("user", user.clone()),
        ("actor", json!({"user": user})),
        ("service", json!({"name": "hubspot"})),
        ("src_endpoint", json!({"ip": "203.0.113.7", "location": {"country": "IN"}})),
        ("is_remote", json!(true)),
    ] {
        assert_eq!(event[name], expected, "{name}");
    }
    assert_eq!(
        event["observables"],
        json!([
            {"name": "src_endpoint.ip", "type_id": 2, "type": "IP Address", "value": "203.0.113.7"},
            {"name": "actor.user.name", "type_id": 4, "type": "User Name", "value": "a@b.example"},
            {"name": "user.name", "type_id": 4, "type": "User Name", "value": "a@b.example"},
            {"name": "actor.user.email_addr", "type_id": 5, "type": "Email Address", "value": "a@b.example"},
            {"name": "user.email_addr", "type_id": 5, "type": "Email Address", "value": "a@b.example"},
        ])
    );
}

#[test]
fn accounts_have_another_class_in_each_version() {
    for (activity, v1_3, v1_9) in [
        (Activity::UserCreated, 300_101, 300_701),
        (Activity::UserUpdated, 300_199, 300_702),
        (Activity::UserDeleted, 300_106, 300_703),
        (Activity::PasswordReset, 300_104, 300_709),
        (Activity::MfaFactorRemoved, 300_111, 300_713),
        (Activity::PrivilegesGranted, 300_501, 300_714),
        (Activity::GroupCreated, 300_401, 300_606),
        (Activity::Impersonation, 300_299, 300_207),
    ] {
        assert_eq!(of(OcsfVersion::V1_3, activity)["type_uid"], v1_3, "{activity:?}");
        assert_eq!(of(OcsfVersion::V1_9, activity)["type_uid"], v1_9, "{activity:?}");
    }
}

#[test]
fn the_user_of_an_account_change_is_whom_it_was_done_to() {
    let change = |activity: Activity, user: Option<User>, object: Option<&str>| {
        let event = mapped(OcsfVersion::V1_9, |event| {
            event.auditferry.activity = activity;
            event.user = user;
            let kind = Some("user".into());
            event.auditferry.object = object.map(|id| Object { kind, id: Some(id.to_owned()) });
        });
        (event["actor"]["user"]["name"].clone(), event["user"]["name"].clone(), event["user"]["uid"].clone())
    };
    let (actor, target) = (someone("a@b.example"), someone("c@b.example"));
    let both = User { target: Some(Box::new(target)), ..actor.clone() };
    let name = |name: &str| json!(name);
    let none = || Value::Null;
    for (activity, user, object, expected) in [
        (Activity::UserDeleted, Some(both.clone()), None, (name("a@b.example"), name("c@b.example"), none())),
        (Activity::UserDeleted, Some(actor.clone()), Some("8"), (name("a@b.example"), none(), name("8"))),
        (Activity::UserDeleted, Some(actor.clone()), None, (name("a@b.example"), name("unknown"), none())),
        (Activity::UserDeleted, None, None, (none(), name("unknown"), none())),
        // People do these to themselves.
        (Activity::PasswordChanged, Some(actor.clone()), None, {
            (name("a@b.example"), name("a@b.example"), none())
        }),
        (Activity::PasswordChanged, Some(both), None, (name("a@b.example"), name("c@b.example"), none())),
        (Activity::PasswordChanged, Some(actor), Some("8"), (name("a@b.example"), none(), name("8"))),
    ] {
        assert_eq!(change(activity, user, object), expected, "{activity:?}");
    }
}

#[test]
fn what_was_done_to_a_thing_names_the_thing() {
    let of = |activity: Activity, kind: Option<&'static str>, id: Option<&str>| {
        mapped(OcsfVersion::V1_3, |event| {
            event.auditferry.activity = activity;
            event.auditferry.object = Some(Object { kind: kind.map(Into::into), id: id.map(str::to_owned) });
        })
    };
    for (activity, kind, id, expected) in [
        (Activity::CredentialViewed, Some("private-app-token"), Some("5"), {
            json!({"type_id": 99, "type": "private-app-token", "uid": "5"})
        }),
        (
            Activity::CredentialViewed,
            None,
            None,
            json!({"type_id": 99, "type": "credential", "name": "unknown"}),
        ),
        (Activity::AccessPolicyDisabled, Some("single-sign-on"), None, {
            json!({"type_id": 5, "type": "Policy", "name": "single-sign-on"})
        }),
        (
            Activity::SettingChanged,
            Some("gdpr"),
            None,
            json!({"type_id": 99, "type": "gdpr", "name": "gdpr"}),
        ),
    ] {
        assert_eq!(of(activity, kind, id)["entity"], expected, "{activity:?}");
    }
    let export = of(Activity::DataExported, Some("contact"), None);
    assert_eq!(export["web_resources"], json!([{"type": "contact", "name": "contact"}]));
    assert_eq!(export["type_name"], "Web Resources Activity: Export");
}

#[test]
fn what_is_not_known_is_api_activity_when_one_knows_who_and_where_from() {
    for version in [OcsfVersion::V1_3, OcsfVersion::V1_9] {
        let whole = mapped(version, |event| {
            event.auditferry.activity = Activity::Unknown;
            event.user = Some(someone("a@b.example"));
            event.source = Some(Origin { ip: Some("::1".to_owned()), ..Origin::default() });
        });
        assert_eq!((&whole["class_uid"], &whole["activity_id"]), (&json!(6003), &json!(99)));
        assert_eq!(whole["api"]["operation"], whole["activity_name"]);
        let nobody = of(version, Activity::Unknown);
        assert_eq!((&nobody["class_uid"], &nobody["type_uid"]), (&json!(0), &json!(99)));
    }
}

#[test]
fn this_program_is_an_application_with_a_version() {
    for (version, name) in [(OcsfVersion::V1_3, "app"), (OcsfVersion::V1_9, "application")] {
        let event = of(version, Activity::ServiceState);
        assert_eq!((&event["class_uid"], &event["type_uid"]), (&json!(6002), &json!(600_299)));
        assert_eq!((&event[name]["name"], &event[name]["version"]), (&json!("auditferry"), &json!("0.1.0")));
        assert_eq!(event["activity_name"], event["unmapped"]["event"]["action"]);
    }
}

#[test]
fn metadata_says_which_event_it_is_and_who_carried_it() {
    let event = mapped(OcsfVersion::V1_9, |event| event.event.code = Some("LOGIN".to_owned()));
    let auditferry = json!({"name": "auditferry", "vendor_name": "auditferry", "version": "0.1.0"});
    let device = json!({"hostname": "collector-1", "type_id": 0, "type": "Unknown"});
    assert_eq!(
        event["metadata"],
        json!({
            "version": "1.9.0", "uid": "ab".repeat(16), "sequence": 42, "event_code": "LOGIN",
            "product": {"name": "hubspot", "vendor_name": "hubspot"},
            "log_name": "hubspot.login", "log_provider": "auditferry", "logged_time": 1_772_600_820_000_i64,
            "loggers": [{"name": "auditferry", "product": auditferry, "device": device,
                         "logged_time": 1_772_600_820_000_i64}],
            "labels": ["}}"],
        })
    );
    assert_eq!(event["time"], 1_772_600_767_089_i64);
}

#[test]
fn the_record_stands_in_unmapped_with_its_numbers_as_written() {
    let text = line(OcsfVersion::V1_3, false, Detail::Full, &stored(RECORD));
    assert!(text.ends_with(r#","hubspot":{"id": "7",  "huge": 12345678901234567890123}}}"#), "{text}");
    let event: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(event.get("raw_data"), None);
    let event: Value =
        serde_json::from_str(&line(OcsfVersion::V1_3, true, Detail::Full, &stored(RECORD))).unwrap();
    assert_eq!(event["raw_data"], RECORD);
}

#[test]
fn a_record_that_is_no_object_stands_in_raw_data_whatever_the_setting() {
    let text = line(OcsfVersion::V1_9, false, Detail::Full, &stored("[1,\n2]"));
    let event: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(event["raw_data"], "[1,\n2]");
    assert_eq!(event["unmapped"].get("hubspot"), None);
}

#[test]
fn what_is_shortened_says_so_as_its_version_can() {
    let whole = |version| line(version, true, Detail::Full, &stored(RECORD));
    for detail in [Detail::WithoutOriginal, Detail::WithoutRecord] {
        for version in [OcsfVersion::V1_3, OcsfVersion::V1_9] {
            let text = line(version, true, detail, &stored(RECORD));
            assert!(text.len() < whole(version).len());
            let event: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(event.get("raw_data"), None);
            let record = event["unmapped"].get("hubspot");
            assert_eq!(record.is_some(), detail == Detail::WithoutOriginal);
            let truncated = event["metadata"].get("is_truncated");
            assert_eq!(truncated.is_some(), version == OcsfVersion::V1_9);
            let labels =
                json!(if version == OcsfVersion::V1_9 { vec!["}}"] } else { vec!["}}", "truncated"] });
            assert_eq!(event["metadata"]["labels"], labels);
        }
    }
}

#[test]
fn an_event_that_cannot_be_read_keeps_its_identity() {
    let mut broken = stored(RECORD);
    broken.core = r#"{"@timestamp":"never","event":{"dataset":"hubspot.login"}}"#.into();
    let mut out = Vec::new();
    let format = Format::ocsf(OcsfVersion::V1_3, true, &observer());
    Encoder::new(format, Envelope::Line).encode(&broken, &mut out);
    let event: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(event["metadata"]["uid"], "ab".repeat(16));
    assert_eq!(event["metadata"]["sequence"], 42);
    assert_eq!(event["metadata"]["log_name"], "hubspot.login");
    assert_eq!(event["unmapped"]["event"]["kind"], "pipeline_error");
    assert_eq!(event["raw_data"], RECORD);
}
