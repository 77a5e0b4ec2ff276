//! What the pages of all providers have in common: an object that holds an array of rows.

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::value::RawValue;

use super::canonical::canonical;
use super::fields::Fields;
use super::{Record, Unreadable};
use crate::event::IdentityFields;

/// Stands first in the identity of a record that is told by all that it holds, where an id or an action
/// would stand; those have more or fewer fields besides, so that the two kinds never meet.
const WHOLE_RECORD: &str = "record";

/// The text of a body. Bytes that are no UTF-8 (JSON allows none) become U+FFFD, so that one bad user agent
/// does not hide a page for ever.
pub(super) fn text(body: &[u8]) -> Cow<'_, str> {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    // Nearly always it is UTF-8, and looking for that alone is many times as fast.
    std::str::from_utf8(body).map_or_else(|_| String::from_utf8_lossy(body), Cow::Borrowed)
}

/// The members of a body that must be a JSON object. Errors give places, never contents.
pub(super) fn object(text: &str) -> Result<Fields<'_>, Unreadable> {
    let error = match Fields::read(text) {
        Ok(fields) => return Ok(fields),
        Err(error) => error,
    };
    let place = format!("at line {} column {} of {} bytes", error.line(), error.column(), text.len());
    Err(Unreadable::new(match error.classify() {
        serde_json::error::Category::Eof if text.trim().is_empty() => "the answer is empty".to_owned(),
        serde_json::error::Category::Eof => format!("the answer breaks off {place}"),
        serde_json::error::Category::Data => format!("the answer is JSON, but {}, not an object", kind(text)),
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => {
            format!("the answer is not JSON: the fault is {place}")
        }
    }))
}

/// The rows in this member; none when it is absent or null.
pub(super) fn rows<'a>(page: &Fields<'a>, member: &str) -> Result<Vec<&'a RawValue>, Unreadable> {
    let Some(json) = page.json(member) else {
        return Ok(Vec::new());
    };
    serde_json::from_str(json)
        .map_err(|_| Unreadable::new(format!("`{member}` of the answer is {}, not an array", kind(json))))
}

/// A record from one row. `read` gives the identity and the time of an object, or `None` when it has not what
/// tells it from others; then it is told by all that it holds.
pub(super) fn record(
    row: &str,
    read: impl FnOnce(&Fields<'_>) -> (Option<IdentityFields>, Option<Timestamp>),
) -> Record {
    let (identity, time) = Fields::read(row).map_or((None, None), |fields| read(&fields));
    let identity = identity.unwrap_or_else(|| {
        let mut whole = IdentityFields::new();
        whole.push(Some(WHOLE_RECORD));
        whole.push(Some(&canonical(row)));
        whole
    });
    Record { text: row.to_owned(), time, identity }
}

/// Adds an instant to an identity, in one spelling for all; in the provider's when nobody can read it.
pub(super) fn push_instant(identity: &mut IdentityFields, written: Option<&str>, time: Option<Timestamp>) {
    match time {
        Some(time) => identity.push(Some(&time.to_string())),
        None => identity.push(written),
    }
}

fn kind(json: &str) -> &'static str {
    match json.trim_start().as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a truth value",
        Some(b'n') => "null",
        _ => "a number",
    }
}
