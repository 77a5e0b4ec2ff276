//! From a row of Brevo's activity log to an event.

use super::action::classify;
use crate::event::{Activity, Event};
use crate::provider::fields::Fields;
use crate::provider::map::{self, Deed};
use crate::provider::{About, Record, StreamSpec};

/// Maps one record.
pub(super) fn event(stream: &StreamSpec, record: &Record, about: &About<'_>) -> Event {
    let mut event = map::begin((super::NAME, stream.name), stream, record, about);
    let Ok(fields) = Fields::read(&record.text) else {
        return map::unreadable(event);
    };
    map::check_time(&mut event, &fields, "date", record);
    // The address is all that Brevo tells a user by, so it is the id too, as ECS asks in that case.
    let email = fields.filled("user_email");
    event.user = map::user(email.clone(), email);
    event.source = map::origin(fields.filled("user_ip"), None);
    event.user_agent = map::user_agent(fields.filled("user_agent"));

    let action = fields.filled("action").unwrap_or_default();
    let name = map::kebab(&action);
    let known = classify(&name);
    let severity = map::severity(known.activity, known.outcome);
    map::tell(
        &mut event,
        Deed {
            activity: known.activity,
            action: Some(name),
            code: Some(action.to_string()).filter(|code| !code.is_empty()),
            object: map::object(Some(known.object.into()), None),
            outcome: known.outcome,
            severity,
            reason: known.reason,
        },
    );
    let line = match known.activity {
        Activity::Login => map::login_line(&event),
        _ => map::deed_line(&event, &action, None),
    };
    map::finish(&mut event, &line);
    event
}
