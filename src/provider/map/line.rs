//! The line for people, and words in lower case.

use crate::event::{Event, Outcome};

/// Words of providers that people write otherwise.
const SPELLED: &[(&str, &str)] = &[
    ("2fa", "2FA"),
    ("api", "API"),
    ("crm", "CRM"),
    ("css", "CSS"),
    ("cta", "CTA"),
    ("gdpr", "GDPR"),
    ("hapikey", "API key"),
    ("hubdb", "HubDB"),
    ("hubspot", "HubSpot"),
    ("ip", "IP"),
    ("js", "JavaScript"),
    ("smtp", "SMTP"),
    ("sso", "SSO"),
    ("url", "URL"),
];

/// The best name of the actor.
fn actor(event: &Event) -> Option<&str> {
    let user = event.user.as_ref()?;
    user.email.as_deref().or(user.id.as_deref())
}

/// `Login of pat@example.com failed`.
pub(in crate::provider) fn login_line(event: &Event) -> String {
    let who = actor(event).unwrap_or("an unknown user");
    match event.event.outcome {
        Some(Outcome::Success) => format!("Login of {who} succeeded"),
        Some(Outcome::Failure) => format!("Login of {who} failed"),
        Some(Outcome::Unknown) | None => format!("Login of {who}"),
    }
}

/// `IP_RESTRICTIONS_ENABLED` → `IP restrictions enabled`.
pub(in crate::provider) fn spelled(name: &str) -> String {
    let words = lower_case(name, ' ');
    let mut line = String::with_capacity(words.len() + 60);
    for word in words.split(' ') {
        if !line.is_empty() {
            line.push(' ');
        }
        let spelled = SPELLED.iter().find(|(known, _)| *known == word);
        line.push_str(spelled.map_or(word, |(_, spelled)| spelled));
    }
    line
}

/// `ADD_USER` and `7654` become `Add user 7654 by pat@example.com`; `SMTP_TOKEN_CREATED` and `5`, which is a
/// whole sentence already, `SMTP token created (5) by pat@example.com`.
pub(in crate::provider) fn deed_line(event: &Event, action: &str, object: Option<&str>) -> String {
    let mut line = spelled(action);
    if line.is_empty() {
        line.push_str("unknown action");
    }
    let is_told = ["ed", "sent", "written"].iter().any(|end| line.ends_with(end));
    if let Some(first) = line.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    if let Some(object) = object {
        let (before, behind) = if is_told { (" (", ")") } else { (" ", "") };
        line.extend([before, object, behind]);
    }
    if let Some(actor) = actor(event) {
        line.extend([" by ", actor]);
    }
    line
}

/// `ADD_USER` → `add-user`: lower case, with a hyphen for whatever is neither letter nor digit.
pub(in crate::provider) fn kebab(words: &str) -> String {
    lower_case(words, '-')
}

/// In lower case, with one `joint` for whatever stands between letters and digits.
fn lower_case(words: &str, joint: char) -> String {
    let mut lower = String::with_capacity(words.len());
    for c in words.chars() {
        if c.is_ascii_alphanumeric() {
            lower.push(c.to_ascii_lowercase());
        } else if c.is_alphanumeric() {
            lower.extend(c.to_lowercase());
        } else if !lower.is_empty() && !lower.ends_with(joint) {
            lower.push(joint);
        }
    }
    lower.truncate(lower.trim_end_matches(joint).len());
    lower
}

/// Adds a provider's words to a line of text that stays one line.
pub(in crate::provider) fn push_words(line: &mut String, words: &str) {
    // Nearly always, and many times as fast as char by char.
    if words.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        line.push_str(words);
    } else {
        line.extend(words.chars().map(|c| if c.is_control() { ' ' } else { c }));
    }
}
