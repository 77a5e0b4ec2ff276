use std::sync::Arc;

use serde_json::{Value, json};

use super::super::tests::stored;
use super::super::{
    BulkEnvelope, Encoder, Envelope, Format, HecEnvelope, Observer, OcsfVersion, SyslogEnvelope, SyslogHeader,
};
use super::*;
use crate::event::{Account, OwnEvent, Related};

const KEY: &[u8] = b"0123456789abcdef";

fn observer() -> Observer {
    Observer { hostname: "h".to_owned(), version: "0".to_owned() }
}

/// Every format, told to write the record where it can.
fn formats() -> [Format; 6] {
    let observer = observer();
    [
        Format::ecs(true, "default", &observer),
        Format::ocsf(OcsfVersion::V1_3, true, &observer),
        Format::ocsf(OcsfVersion::V1_9, true, &observer),
        Format::cef(true, &observer),
        Format::leef(true, &observer),
        Format::raw(),
    ]
}

fn envelopes() -> Vec<Envelope> {
    let header = |is_rfc5424| SyslogHeader {
        is_rfc5424,
        facility: 13,
        app_name: "auditferry".to_owned(),
        hostname: None,
        max_message_size: 8192,
    };
    vec![
        Envelope::Line,
        Envelope::Hec(HecEnvelope::new(None, None, &observer())),
        Envelope::Bulk(BulkEnvelope::new("default")),
        Envelope::Syslog(SyslogEnvelope::new(&header(true), &observer())),
        Envelope::Syslog(SyslogEnvelope::new(&header(false), &observer())),
    ]
}

fn with_core(event: &Event, original: &str) -> StoredEvent {
    StoredEvent { core: event.to_core().into(), ..stored(original) }
}

/// The redacted event as ECS.
fn redacted(rules: &[(SensitiveField, Treatment)], event: &StoredEvent) -> Value {
    let format = Format::ecs(true, "default", &observer());
    let redaction = Redaction::new(rules.to_vec(), Some(KEY));
    let mut out = Vec::new();
    Encoder::new(format, Envelope::Line).redacted(redaction).encode(event, &mut out);
    serde_json::from_slice(&out).unwrap()
}

fn user(id: &str, email: &str) -> User {
    let domain = email.rsplit_once('@').map(|(_, domain)| domain.to_lowercase());
    User { id: Some(id.to_owned()), email: Some(email.to_owned()), domain, ..User::default() }
}

/// A deactivation, as the providers map it.
fn deactivation() -> Event {
    let mut event = stored("").event();
    let words = ["7", "d@a.example", "pat@b.example"];
    event.message =
        Some("Deactivate user pat@b.example by d@a.example from 203.0.113.7 (mumbai, india)".to_owned());
    event.user = Some(User { target: Some(Box::new(user("8", words[2]))), ..user(words[0], words[1]) });
    let geo = Geo {
        name: Some("mumbai, india".to_owned()),
        country_iso_code: Some("IN".to_owned()),
        ..Geo::default()
    };
    let ip = Some("203.0.113.7".to_owned());
    event.source = Some(Origin { address: ip.clone(), ip: ip.clone(), geo: Some(geo) });
    event.related = Related { user: words.map(str::to_owned).to_vec(), ip: ip.into_iter().collect() };
    event.auditferry.object = Some(Object { kind: Some("user".into()), id: Some(words[2].to_owned()) });
    event.auditferry.details.clear();
    event.event.action = "deactivate-user".to_owned();
    event
}

#[test]
fn what_is_dropped_leaves_no_field_and_a_mark_in_texts() {
    let event =
        redacted(&[(SensitiveField::UserEmail, Treatment::Drop)], &with_core(&deactivation(), "{\"a\":1}"));
    assert_eq!(
        event["user"],
        json!({"id": "7", "domain": "a.example", "target": {"id": "8", "domain": "b.example"}})
    );
    assert_eq!(event["related"]["user"], json!(["7"]));
    assert_eq!(event["auditferry"]["object"], json!({"type": "user"}));
    let message = "Deactivate user [redacted] by [redacted] from 203.0.113.7 (mumbai, india)";
    assert_eq!(event["message"], message);
    assert_eq!((event.get("hubspot"), event["event"].get("original")), (None, None));
    assert_eq!(event["event"]["id"], "ab".repeat(16));
    assert_eq!(event["event"]["sequence"], 42);
}

#[test]
fn a_masked_address_is_still_an_address() {
    let event = redacted(&[(SensitiveField::SourceIp, Treatment::Mask)], &with_core(&deactivation(), ""));
    assert_eq!(event["source"]["ip"], "203.0.113.0");
    assert_eq!(event["source"]["address"], "203.0.113.0");
    assert_eq!(event["related"]["ip"], json!(["203.0.113.0"]));
    assert!(event["message"].as_str().unwrap().contains("from 203.0.113.0 (mumbai"), "{event}");
}

#[test]
fn a_hashed_address_stands_where_any_text_may_and_nowhere_else() {
    let mut plain = deactivation();
    let event = redacted(&[(SensitiveField::SourceIp, Treatment::Hash)], &with_core(&plain, ""));
    let hash = event["source"]["address"].as_str().unwrap();
    assert_eq!((hash.len(), event["source"].get("ip"), event["related"].get("ip")), (32, None, None));
    // One with a port is the same address.
    if let Some(source) = &mut plain.source {
        source.address = Some("203.0.113.7:5060".to_owned());
    }
    let with_port = redacted(&[(SensitiveField::SourceIp, Treatment::Hash)], &with_core(&plain, ""));
    assert_eq!(with_port["source"]["address"], hash);
}

#[test]
fn one_value_has_one_hash_in_every_place_and_event() {
    let rules = [(SensitiveField::UserEmail, Treatment::Hash), (SensitiveField::UserId, Treatment::Drop)];
    let first = redacted(&rules, &with_core(&deactivation(), ""));
    let mut second = stored("").event();
    // As Brevo: the address is the id. Of two treatments of one value the stricter counts.
    second.user = Some(user("PAT@b.example", "PAT@b.example"));
    second.message = Some("Login of PAT@b.example failed".to_owned());
    let strict = redacted(&rules, &with_core(&second, ""));
    assert_eq!(strict["user"], json!({"domain": "b.example"}));
    let second = redacted(&rules[..1], &with_core(&second, ""));
    let hash = &first["user"]["target"]["email"];
    assert_eq!((&second["user"]["email"], &second["user"]["id"]), (hash, hash));
    assert_eq!(second["message"], format!("Login of {} failed", hash.as_str().unwrap()));
    assert_ne!(first["user"]["email"], *hash);
}

#[test]
fn a_mask_keeps_nothing_that_another_rule_takes() {
    let rules = [(SensitiveField::UserEmail, Treatment::Mask), (SensitiveField::UserDomain, Treatment::Drop)];
    let mut event = deactivation();
    event.user = Some(user("7", "analyst@a.example"));
    assert_eq!(redacted(&rules[..1], &with_core(&event, ""))["user"]["email"], "a***@a.example");
    let user = redacted(&rules, &with_core(&event, ""))["user"].clone();
    assert_eq!(user, json!({"id": "7", "email": "a***@[redacted]"}));
    let user = redacted(&rules[1..], &with_core(&event, ""))["user"].clone();
    assert_eq!(user, json!({"id": "7", "email": "analyst@[redacted]"}));
}

#[test]
fn groups_are_treated_member_by_member() {
    let mut event = deactivation();
    let name = Some("Chrome".to_owned());
    event.user_agent =
        Some(UserAgent { original: "Mozilla/5.0 Chrome/132".to_owned(), name, ..UserAgent::default() });
    let rule = |treatment| [(SensitiveField::SourceGeo, treatment), (SensitiveField::UserAgent, treatment)];
    let masked = redacted(&rule(Treatment::Mask), &with_core(&event, ""));
    assert_eq!(masked["source"]["geo"], json!({"name": "m***", "country_iso_code": "***"}));
    assert_eq!(masked["user_agent"], json!({"original": "M***", "name": "C***"}));
    assert!(masked["message"].as_str().unwrap().ends_with("(m***)"), "{masked}");
    let dropped = redacted(&rule(Treatment::Drop), &with_core(&event, ""));
    assert_eq!((dropped["source"].get("geo"), dropped.get("user_agent")), (None, None));
}

#[test]
fn the_words_of_the_trade_stay_though_somebody_be_called_like_them() {
    let mut event = deactivation();
    event.user = Some(User { name: Some("User".to_owned()), ..User::default() });
    let rules = [(SensitiveField::UserName, Treatment::Drop)];
    let known = redacted(&rules, &with_core(&event, ""));
    assert_eq!((&known["event"]["action"], known.get("user")), (&json!("deactivate-user"), None));
    event.auditferry.activity = Activity::Unknown;
    assert_eq!(redacted(&rules, &with_core(&event, ""))["event"]["action"], "deactivate-[redacted]");
}

#[test]
fn what_others_have_said_is_withheld() {
    let reason = "400: failed to parse field [user.email] of value 'pat@b.example'".to_owned();
    let rules = [(SensitiveField::UserAgent, Treatment::Drop)];
    let own = |own: &OwnEvent| {
        let made = own.to_event("2026-03-04T05:06:07Z".parse().unwrap());
        let stream = Arc::new(OwnEvent::stream());
        redacted(&rules, &StoredEvent { stream, core: made.core.into(), ..stored("") })
    };
    let sink = "siem".to_owned();
    for (event, kept) in [
        (OwnEvent::SinkHeld { sink: sink.clone(), reason: reason.clone() }, "sink"),
        (OwnEvent::CredentialRefused { source: "crm".to_owned(), reason: reason.clone() }, "about_source"),
        (OwnEvent::EventDeadLettered { sink, event_id: "ab".repeat(16), reason: reason.clone() }, "event_id"),
    ] {
        let event = own(&event);
        assert!(!event.to_string().contains("pat@"), "{event}");
        assert_eq!(event["event"]["reason"], WITHHELD);
        assert_eq!(event["auditferry"]["reason"], WITHHELD);
        assert!(event["auditferry"][kept].is_string(), "{event}");
    }
    let heartbeat = own(&OwnEvent::Test);
    assert_eq!(heartbeat["message"], "A test: what auditferry sends arrives");

    let mut unreadable = deactivation();
    unreadable.error = Some(Error { message: reason });
    let event = redacted(&rules, &with_core(&unreadable, "[\"pat@b.example\"]"));
    assert_eq!(
        event["error"]["message"],
        format!("the record could not be mapped; the reason is {WITHHELD}")
    );
    assert_eq!(event["event"].get("original"), None);
    // A core that can't be read becomes an event that says so, and may quote it.
    let broken = StoredEvent { core: "\"pat@b.example\"".into(), ..stored("\"pat@b.example\"") };
    assert!(!redacted(&rules, &broken).to_string().contains("pat@"));
}

#[test]
fn without_a_key_what_is_to_be_hashed_is_left_out() {
    let redaction = Redaction::new(vec![(SensitiveField::UserEmail, Treatment::Hash)], None);
    assert_eq!(redaction.apply(&with_core(&deactivation(), "")).event().user.unwrap().email, None);
    assert_eq!(format!("{redaction:?}"), "Redaction { rules: [(UserEmail, Hash)], .. }");
}

#[test]
fn addresses_in_other_places_are_known_by_their_form() {
    let mut event = deactivation();
    event.user = None;
    event.event.reason = Some("asked by (Kim@c.example), 2001:DB8::1 and 10 others".to_owned());
    let without = |field| redacted(&[(field, Treatment::Drop)], &with_core(&event, ""));
    let without_mail = without(SensitiveField::UserEmail);
    assert_eq!(without_mail["event"]["reason"], "asked by ([redacted]), 2001:DB8::1 and 10 others");
    assert_eq!(without_mail["auditferry"]["object"], json!({"type": "user"}));
    assert_eq!(without_mail["related"]["user"], json!(["7"]));
    let without_ip = without(SensitiveField::SourceIp);
    assert_eq!(without_ip["event"]["reason"], "asked by (Kim@c.example), [redacted] and 10 others");
    assert_eq!(without_ip["related"].get("ip"), None);
    let without_domain = without(SensitiveField::UserDomain);
    assert_eq!(without_domain["auditferry"]["object"]["id"], "pat@[redacted]");
}

#[test]
fn the_number_of_an_account_is_found_in_the_names_that_begin_with_it() {
    let mut event = deactivation();
    event.organization = Some(Account { id: "148911045".to_owned(), name: None });
    event.event.code = Some("PROPERTY_VALUE/p148911045_car".to_owned());
    event.message = Some("Update p148911045 car 1489110456".to_owned());
    let event = redacted(&[(SensitiveField::OrganizationId, Treatment::Drop)], &with_core(&event, ""));
    assert_eq!(event["event"]["code"], "PROPERTY_VALUE/p[redacted]_car");
    assert_eq!(event["message"], "Update p[redacted] car 1489110456");
    assert_eq!(event.get("organization"), None);
}

/// A word that stands in no event by itself.
fn mark(random: &mut fastrand::Rng) -> String {
    let mut word: String = (0..9).map(|_| random.alphabetic()).collect();
    match random.u8(..8) {
        0 => word.push('\u{df}'),
        1 => word.insert(4, '\u{e9}'),
        2 => word = format!("{word}\u{1f980}"),
        3 => word = (0..5).map(|_| random.char('\u{4e00}'..='\u{9f00}')).collect(),
        _ => {}
    }
    word
}

fn marked_text(random: &mut fastrand::Rng) -> String {
    let joints = [" ", "_", "-", " \"", "'", "\\", ", ", "+", "\t", "/", "<", "\u{a0}"];
    let words: Vec<_> = (0..random.usize(1..4)).map(|_| mark(random)).collect();
    words.join(joints[random.usize(..joints.len())])
}

fn marked_user(random: &mut fastrand::Rng) -> User {
    let domain = format!("{}.example", mark(random));
    let email = format!("{}@{domain}", marked_text(random));
    let id = match random.u8(..3) {
        0 => email.clone(),
        1 => marked_text(random),
        _ => random.u64(10_000_000..).to_string(),
    };
    let name = Some(marked_text(random));
    User { id: Some(id), email: Some(email), name, domain: Some(domain.to_lowercase()), target: None }
}

fn marked_origin(random: &mut fastrand::Rng) -> Origin {
    let host = random.u8(1..);
    let ip = match random.bool() {
        true => format!("203.0.{}.{host}", random.u8(1..)),
        false => format!("2001:db8:{:x}:1::{host:x}", random.u16(1..)),
    };
    let (address, ip) = match random.u8(..4) {
        0 => (marked_text(random), None),
        1 if ip.contains('.') => (format!("{ip}:443"), Some(ip)),
        2 => (ip.to_uppercase(), Some(ip)),
        _ => (ip.clone(), Some(ip)),
    };
    let geo = Geo {
        name: Some(marked_text(random)),
        country_name: Some(marked_text(random)),
        country_iso_code: Some("IN".to_owned()),
        region_iso_code: Some("IN-QQ".to_owned()),
    };
    Origin { address: Some(address), ip, geo: Some(geo) }
}

/// An event with values that stand wherever a provider may put them, and the record that they come from.
fn marked_event(random: &mut fastrand::Rng) -> StoredEvent {
    let mut event = stored("").event();
    let mut actor = marked_user(random);
    actor.target = random.bool().then(|| Box::new(marked_user(random)));
    let target = actor.target.as_ref().and_then(|target| target.email.clone());
    event.user = Some(actor);
    event.source = Some(marked_origin(random));
    let original = format!("{}/{}", mark(random), random.u64(1_000_000..));
    let name = original.split('/').next().map(str::to_owned);
    event.user_agent = Some(UserAgent { original, name, ..UserAgent::default() });
    let id = random.u64(100_000_000..).to_string();
    event.organization = Some(Account { id, name: Some(marked_text(random)) });
    let id = target.filter(|_| random.bool()).unwrap_or_else(|| marked_text(random));
    event.auditferry.object = Some(Object { kind: Some("user".into()), id: Some(id) });
    event.message = None;

    let values: Vec<_> = SensitiveField::ALL.iter().flat_map(|field| texts(*field, &event)).collect();
    let values: Vec<_> = values.into_iter().map(str::to_owned).collect();
    let line = |joint: &str| {
        let words: Vec<_> = values.iter().map(|value| format!("of {value}")).collect();
        words.join(joint).replace(char::is_control, " ")
    };
    event.related.user = values.clone();
    event.related.ip = event.source.iter().filter_map(|source| source.ip.clone()).collect();
    event.event.reason = Some(line("; "));
    event.auditferry.details.insert("detail".to_owned(), json!([line(" "), {"value": values}]));
    if random.bool() {
        event.error = Some(Error { message: line(", ").to_uppercase() });
    }
    if random.bool() {
        event.auditferry.activity = Activity::Unknown;
        event.event.action = line("-").to_lowercase().replace([' ', '@', '.', '_', '+', '/'], "-");
        event.event.code = Some(line("/"));
    }
    event.message = Some(line(" by "));
    let record = json!({ "values": values, "text": line(" ") });
    with_core(&event, &record.to_string())
}

/// How a value may be written, in lower case.
fn spellings(value: &str) -> Vec<String> {
    let json = Value::from(value).to_string();
    let json = json.trim_matches('"');
    let ascii = json.chars().flat_map(|c| {
        let mut units = [0; 2];
        let units = c.encode_utf16(&mut units).to_vec();
        units.into_iter().map(move |unit| if c.is_ascii() { c.to_string() } else { format!("\\u{unit:04x}") })
    });
    let kebab: Vec<_> = value.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let spellings = [value.to_owned(), json.to_owned(), ascii.collect(), kebab.join("-"), kebab.join(" ")];
    spellings.map(|spelling| spelling.to_lowercase()).to_vec()
}

#[test]
fn no_value_that_a_rule_names_leaves_in_any_format() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..100 {
        let event = marked_event(&mut random);
        let plain = event.event();
        let field = SensitiveField::ALL[random.usize(..SensitiveField::ALL.len())];
        for first in Treatment::ALL {
            let mut rules = vec![(field, *first)];
            for other in SensitiveField::ALL {
                if *other != field && random.u8(..4) == 0 {
                    rules.push((*other, Treatment::ALL[random.usize(..3)]));
                }
            }
            for format in formats() {
                let mut envelopes = envelopes();
                let envelope = envelopes.swap_remove(random.usize(..envelopes.len()));
                let redaction = Redaction::new(rules.clone(), Some(KEY));
                let mut out = Vec::new();
                Encoder::new(format, envelope).redacted(redaction).encode(&event, &mut out);
                let out = String::from_utf8(out).unwrap().to_lowercase();
                for value in rules.iter().flat_map(|(field, _)| texts(*field, &plain)) {
                    for spelling in spellings(value) {
                        assert!(!out.contains(&spelling), "{rules:?}: {spelling} of {value} is in {out}");
                    }
                }
            }
        }
    }
}
