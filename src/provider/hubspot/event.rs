//! From a HubSpot record to an event.

use std::borrow::Cow;

use super::action::{Affected, classify};
use super::{Log, Mirrored, NAME};
use crate::event::{Event, Outcome, User};
use crate::provider::fields::Fields;
use crate::provider::map::{self, Class, Deed};
use crate::provider::{About, Record, StreamSpec};

/// The audit category that repeats the login history.
const LOGIN: &str = "LOGIN";
/// The audit category that repeats the security history; its subCategory is a security type.
const CRITICAL_ACTION: &str = "CRITICAL_ACTION";
/// An audit record of category `LOGIN` that is no attempt.
const LOGIN_MATTER: Class = Class { category: &["authentication"], types: &["info"] };
/// The tag of an event that another collected stream carries in full.
const MIRRORED: &str = "mirrored";

/// Maps one record.
pub(super) fn event(mirrored: Mirrored, stream: &StreamSpec, record: &Record, about: &About<'_>) -> Event {
    let log = Log::of(stream);
    let mut event = map::begin((NAME, log.path()), stream, record, about);
    let Ok(fields) = Fields::read(&record.text) else {
        map::fail(&mut event, "the record is not a JSON object");
        return event;
    };
    map::check_time(&mut event, &fields, log.time_field(), record);
    let line = match log {
        Log::Audit => audit(&mut event, &fields, mirrored),
        Log::Login => login(&mut event, &fields),
        Log::Security => security(&mut event, &fields),
    };
    map::finish(&mut event, &line);
    event
}

/// Whether an audit record is one that a stream collected besides carries in full.
pub(super) fn is_mirrored(mirrored: Mirrored, record: &str) -> bool {
    (mirrored.login || mirrored.security)
        && Fields::read(record).is_ok_and(|fields| is_mirrored_in(mirrored, &fields))
}

fn is_mirrored_in(mirrored: Mirrored, fields: &Fields<'_>) -> bool {
    match fields.filled("category").as_deref() {
        // The login history holds attempts alone: a logout, say, would be here only.
        Some(LOGIN) => {
            let attempt = fields.filled("subCategory").is_some_and(|sub| login_outcome(&sub).is_some());
            mirrored.login && attempt
        }
        Some(CRITICAL_ACTION) => mirrored.security,
        _ => false,
    }
}

fn login(event: &mut Event, fields: &Fields<'_>) -> String {
    event.user = map::user(fields.filled("userId"), fields.filled("email"));
    whence(event, fields);
    let (action, outcome) = match fields.filled("loginSucceeded").as_deref() {
        Some("true" | "1") => ("login-succeeded", Outcome::Success),
        Some("false" | "0") => ("login-failed", Outcome::Failure),
        _ => ("login", Outcome::Unknown),
    };
    let action = Some(action.to_owned());
    map::tell(event, Deed { action, code: None, class: map::LOGIN, outcome: Some(outcome) });
    map::login_line(event)
}

fn security(event: &mut Event, fields: &Fields<'_>) -> String {
    event.user = acting_user(fields);
    whence(event, fields);
    let kind = fields.filled("type").map(Cow::into_owned);
    let object = fields.filled("objectId");
    critical_action(event, kind.clone(), object.as_deref());
    event.event.code.clone_from(&kind);
    map::deed_line(event, &kind.unwrap_or_default(), object.as_deref())
}

fn audit(event: &mut Event, fields: &Fields<'_>, mirrored: Mirrored) -> String {
    event.user = acting_user(fields);
    let part = |name| fields.filled(name).map(Cow::into_owned);
    let (category, sub, verb) = (part("category"), part("subCategory"), part("action"));
    let object = fields.filled("targetObjectId");

    let line = match category.as_deref() {
        Some(LOGIN) => {
            let outcome = sub.as_deref().and_then(login_outcome);
            let (class, outcome) = match (outcome, &sub) {
                (None, Some(_)) => (LOGIN_MATTER, None),
                (outcome, _) => (map::LOGIN, Some(outcome.unwrap_or(Outcome::Unknown))),
            };
            let action = sub.clone().or_else(|| category.clone());
            map::tell(event, Deed { action, code: None, class, outcome });
            if class == map::LOGIN {
                map::login_line(event)
            } else {
                map::deed_line(event, sub.as_deref().unwrap_or(LOGIN), None)
            }
        }
        Some(CRITICAL_ACTION) => {
            critical_action(event, sub.clone(), object.as_deref());
            map::deed_line(event, sub.as_deref().unwrap_or(CRITICAL_ACTION), object.as_deref())
        }
        _ => {
            let thing = sub.as_deref().or(category.as_deref());
            let words = |first: Option<&str>, second: Option<&str>| {
                [first, second].into_iter().flatten().collect::<Vec<_>>().join("_")
            };
            let class = object_class(category.as_deref(), sub.as_deref(), verb.as_deref());
            let action = Some(words(thing, verb.as_deref()));
            map::tell(event, Deed { action, class, ..Deed::default() });
            map::deed_line(event, &words(verb.as_deref(), thing), object.as_deref())
        }
    };
    let code: Vec<_> = [category, sub].into_iter().flatten().collect();
    event.event.code = Some(code.join("/")).filter(|code| !code.is_empty());
    if is_mirrored_in(mirrored, fields) {
        event.tags.push(MIRRORED.to_owned());
        // A rule that counts logins must not count this one twice.
        (event.event.category, event.event.types) = (Vec::new(), Vec::new());
    }
    line
}

/// A security type, from the security history or from its copy in the audit logs.
fn critical_action(event: &mut Event, kind: Option<String>, object: Option<&str>) {
    let known = classify(kind.as_deref().unwrap_or_default());
    map::tell(event, Deed { action: kind, code: None, class: known.class, outcome: known.outcome });
    if let (Affected::User, Some(object)) = (known.affected, object) {
        let is_email = object.contains('@');
        let target = map::user(
            (!is_email).then_some(Cow::Borrowed(object)),
            is_email.then_some(Cow::Borrowed(object)),
        );
        event.user.get_or_insert_with(User::default).target = target.map(Box::new);
    }
}

/// The class of a change to what is no security matter. Objects of the CRM and pages have no category in ECS.
fn object_class(category: Option<&str>, sub: Option<&str>, verb: Option<&str>) -> Class {
    let types: &'static [&'static str] = match verb {
        Some("CREATE" | "CREATED" | "CLONE") => &["creation"],
        Some("DELETE" | "DELETED") => &["deletion"],
        Some("UPDATE" | "UPDATED" | "PUBLISH" | "UNPUBLISH" | "RESTORE" | "MERGE") => &["change"],
        _ => &[],
    };
    let settings = category == Some("PIPELINE") || sub == Some("CONTENT_SETTINGS");
    // An event type needs no category, but `configuration` without a type says little.
    let category: &'static [&'static str] =
        if settings && !types.is_empty() { &["configuration"] } else { &[] };
    Class { category, types }
}

fn login_outcome(sub_category: &str) -> Option<Outcome> {
    match sub_category {
        "LOGIN_SUCCEEDED" => Some(Outcome::Success),
        "LOGIN_FAILED" => Some(Outcome::Failure),
        _ => None,
    }
}

/// Who did it: an object in the audit logs, an e-mail address (beside `userId`) in the security history.
fn acting_user(fields: &Fields<'_>) -> Option<User> {
    if let Some(user) = fields.object("actingUser") {
        return map::user(user.filled("userId"), user.filled("userEmail"));
    }
    let email = fields.filled("actingUser");
    map::user(fields.filled("userId"), email)
}

/// From where and with what.
fn whence(event: &mut Event, fields: &Fields<'_>) {
    let geo = map::geo(fields.filled("location"), fields.filled("countryCode"), fields.filled("regionCode"));
    event.source = map::origin(fields.filled("ipAddress"), geo);
    event.user_agent = map::user_agent(fields.filled("userAgent"));
}
