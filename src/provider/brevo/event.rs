//! From a row of Brevo's activity log to an event. Two actions are documented (`login-success`,
//! `update-profile`), with kinds in prose (invitations, e-mail changes); all others pass with their own name.

use crate::event::{Event, Outcome};
use crate::provider::fields::Fields;
use crate::provider::map::{self, Class, Deed};
use crate::provider::{About, Record, StreamSpec};

/// Maps one record.
pub(super) fn event(stream: &StreamSpec, record: &Record, about: &About<'_>) -> Event {
    let mut event = map::begin((super::NAME, stream.name), stream, record, about);
    let Ok(fields) = Fields::read(&record.text) else {
        map::fail(&mut event, "the record is not a JSON object");
        return event;
    };
    map::check_time(&mut event, &fields, "date", record);
    // The address is all that Brevo tells a user by, so it is the id too, as ECS asks in that case.
    let email = fields.filled("user_email");
    event.user = map::user(email.clone(), email);
    event.source = map::origin(fields.filled("user_ip"), None);
    event.user_agent = map::user_agent(fields.filled("user_agent"));

    let action = fields.filled("action").unwrap_or_default();
    let name = map::kebab(&action);
    let (class, outcome) = classify(&name);
    map::tell(
        &mut event,
        Deed {
            action: Some(name),
            code: Some(action.to_string()).filter(|code| !code.is_empty()),
            class,
            outcome,
        },
    );
    let line =
        if class == map::LOGIN { map::login_line(&event) } else { map::deed_line(&event, &action, None) };
    map::finish(&mut event, &line);
    event
}

fn classify(action: &str) -> (Class, Option<Outcome>) {
    const USER_CHANGE: Class = Class { category: &["iam"], types: &["user", "change"] };
    const USER_CREATION: Class = Class { category: &["iam"], types: &["user", "creation"] };
    const LOGOUT: Class = Class { category: &["authentication"], types: &["end"] };

    let has = |word: &str| action.split('-').any(|part| part.starts_with(word));
    if action == "login" || action.starts_with("login-") {
        let outcome = if has("success") || has("succeed") {
            Outcome::Success
        } else if has("fail") || has("denied") || has("block") {
            Outcome::Failure
        } else {
            Outcome::Unknown
        };
        return (map::LOGIN, Some(outcome));
    }
    let class = if action == "logout" || action.starts_with("logout-") {
        LOGOUT
    } else if has("invit") {
        USER_CREATION
    } else if has("profile") || has("email") && has("user") {
        USER_CHANGE
    } else {
        Class::default()
    };
    (class, None)
}
