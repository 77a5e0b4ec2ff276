//! From a HubSpot record to an event.

use std::borrow::Cow;

use super::security_type::{SecurityType, USER};
use super::{Log, Mirrored, NAME, audit};
use crate::event::{Activity, Event, Outcome, User};
use crate::provider::fields::Fields;
use crate::provider::map::{self, Deed};
use crate::provider::{About, Record, StreamSpec};

/// Maps one record.
pub(super) fn event(mirrored: Mirrored, stream: &StreamSpec, record: &Record, about: &About<'_>) -> Event {
    let log = Log::of(stream);
    let mut event = map::begin((NAME, log.path()), stream, record, about);
    let Ok(fields) = Fields::read(&record.text) else {
        return map::unreadable(event);
    };
    map::check_time(&mut event, &fields, log.time_field(), record);
    let line = match log {
        Log::Audit => audit::tell(&mut event, &fields, mirrored),
        Log::Login => login(&mut event, &fields),
        Log::Security => security(&mut event, &fields),
    };
    map::finish(&mut event, &line);
    event
}

/// Whether an audit record is one that a stream collected besides carries in full.
pub(super) fn is_mirrored(mirrored: Mirrored, record: &str) -> bool {
    (mirrored.login || mirrored.security)
        && Fields::read(record).is_ok_and(|fields| audit::is_mirrored(mirrored, &fields))
}

fn login(event: &mut Event, fields: &Fields<'_>) -> String {
    event.user = map::user(fields.filled("userId"), fields.filled("email"));
    whence(event, fields);
    let (action, outcome) = match fields.filled("loginSucceeded").as_deref() {
        Some("true" | "1") => ("login-succeeded", Outcome::Success),
        Some("false" | "0") => ("login-failed", Outcome::Failure),
        _ => ("login", Outcome::Unknown),
    };
    let (activity, outcome) = (Activity::Login, Some(outcome));
    let severity = map::severity(activity, outcome);
    map::tell(
        event,
        Deed { activity, action: Some(action.to_owned()), outcome, severity, ..Deed::default() },
    );
    map::login_line(event)
}

fn security(event: &mut Event, fields: &Fields<'_>) -> String {
    event.user = acting_user(fields);
    whence(event, fields);
    let kind = fields.filled("type").map(Cow::into_owned);
    let object = fields.filled("objectId");
    let line = critical_action(event, kind.clone(), object.as_deref());
    event.event.code = kind;
    line
}

/// A security type, from the security history or from its copy in the audit logs; gives the beginning of the
/// message.
pub(super) fn critical_action(event: &mut Event, kind: Option<String>, object: Option<&str>) -> String {
    let name = kind.as_deref().unwrap_or_default();
    let known = SecurityType::named(name);
    let line = map::deed_line(event, &SecurityType::told(name), object);
    let object_kind = known.map(|known| known.object);
    map::tell(
        event,
        Deed {
            activity: known.map(|known| known.activity).unwrap_or_default(),
            action: kind,
            object: map::object(object_kind.map(Cow::Borrowed), object),
            outcome: known.and_then(|known| known.outcome),
            severity: known.map(|known| known.severity).unwrap_or_default(),
            reason: known.and_then(|known| known.reason).map(str::to_owned),
            code: None,
        },
    );
    if let (Some(USER), Some(object)) = (object_kind, object) {
        let is_email = object.contains('@');
        let target = map::user(
            (!is_email).then_some(Cow::Borrowed(object)),
            is_email.then_some(Cow::Borrowed(object)),
        );
        event.user.get_or_insert_with(User::default).target = target.map(Box::new);
    }
    line
}

/// Who did it: an object in the audit logs, an e-mail address (beside `userId`) in the security history.
pub(super) fn acting_user(fields: &Fields<'_>) -> Option<User> {
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
