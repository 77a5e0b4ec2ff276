//! What CEF and LEEF have in common: lines of text that hold pairs of a key and a value.

use crate::event::{EventFields, Severity, User};

use super::{Detail, trimmed};

/// Who makes the events, in the header of both. The product is the provider (`event.module`): receivers choose
/// parser, index and content by the two together.
pub(super) const VENDOR: &str = "auditferry";

/// Stands where a header has a field, and the event nothing to say.
const NOTHING: &str = "unknown";

/// Characters of a value, when even an event without its record is too long for the receiver: texts that anybody
/// may fill, such as the user agent of a failed login, must not keep the event from arriving.
const SHORT: usize = 128;

/// Characters of a value at most.
pub(super) fn longest(detail: Detail) -> usize {
    match detail {
        Detail::Full | Detail::WithoutOriginal => usize::MAX,
        Detail::WithoutRecord => SHORT,
    }
}

/// 1 to 10 for both: the lowest of LEEF is 1, and CEF calls 0 to 3 low, 4 to 6 medium, 7 and 8 high, 9 and 10
/// very high.
pub(super) fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Informational => "1",
        Severity::Low => "3",
        Severity::Medium => "5",
        Severity::High => "8",
        Severity::Critical => "10",
    }
}

/// What ends a line or a message somewhere: control characters, and the separators that Unicode has besides.
pub(super) fn breaks(char: char) -> bool {
    char.is_control() || matches!(char, '\u{2028}' | '\u{2029}')
}

/// A value with spaces for what must not stand in it, and none around it: receivers differ in whether they
/// take those.
pub(super) fn clean(text: &str, longest: usize, is_refused: impl Fn(char) -> bool) -> String {
    let text: String = text.chars().map(|char| if is_refused(char) { ' ' } else { char }).collect();
    let text = text.trim_matches(' ');
    let end = text.char_indices().nth(longest).map_or(text.len(), |(at, _)| at);
    text[..end].trim_end_matches(' ').to_owned()
}

/// A field of a header, never empty.
pub(super) fn header_field(text: &str, longest: usize, is_refused: impl Fn(char) -> bool) -> String {
    let field = clean(text, longest, is_refused);
    if field.is_empty() { NOTHING.to_owned() } else { field }
}

/// The provider's record as JSON that says the same, without line breaks and without characters that are refused
/// in a value: below the space they stand between tokens only, others in texts only, where each has an escape
/// (RFC 8259 section 7).
pub(super) fn record(original: &str, is_refused: impl Fn(char) -> bool) -> String {
    let mut json = String::with_capacity(original.len());
    for char in trimmed(original).chars() {
        match char {
            ..' ' => json.push(' '),
            _ if is_refused(char) => json.push_str(&format!("\\u{:04x}", u32::from(char))),
            _ => json.push(char),
        }
    }
    json
}

/// What receivers call a user: the e-mail address or, for lack of one, the name.
pub(super) fn user_name(user: &User) -> Option<&str> {
    user.email.as_deref().or(user.name.as_deref())
}

/// `event.outcome` in JSON.
pub(super) fn outcome(event: &EventFields) -> Option<&'static str> {
    use crate::event::Outcome::{Failure, Success, Unknown};
    event.outcome.map(|outcome| match outcome {
        Success => "success",
        Failure => "failure",
        Unknown => "unknown",
    })
}

/// The key of something that neither format has a key for: `about_source` as `auditferryAboutSource`, letters
/// and digits alone. The vendor in front keeps it from being one that the format has.
pub(super) fn own_key(name: &str) -> String {
    let mut key = VENDOR.to_owned();
    for word in name.split(|char: char| !char.is_ascii_alphanumeric()) {
        let (first, rest) = word.split_at(word.len().min(1));
        key.push_str(&first.to_ascii_uppercase());
        key.push_str(rest);
    }
    key
}

/// A detail of one of the daemon's own events.
pub(super) fn detail_text(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
pub(super) mod testing;
