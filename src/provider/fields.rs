//! The members of one JSON object, read without insisting on their types.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::canonical::canonical;
use super::time;

/// The members of one object, none of them copied. Values are looked at when they are asked for, so that one
/// that makes no sense spoils no other; of two members alike the last counts, and null is absent.
#[derive(Debug)]
pub(super) struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Fields<'a> {
    /// The members of an object; an error when the text is anything else.
    pub(super) fn read(json: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }

    /// The JSON text of a member.
    pub(super) fn json(&self, name: &str) -> Option<&'a str> {
        let (_, value) = self.0.iter().rev().find(|(known, _)| known == name)?;
        Some(value.get()).filter(|json| *json != "null")
    }

    /// A member as text: a string's contents, a number's digits, canonical JSON of anything bigger.
    pub(super) fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        self.json(name).map(text_of)
    }

    /// The same without white space around it; `None` also when nothing is left.
    pub(super) fn filled(&self, name: &str) -> Option<Cow<'a, str>> {
        let text = match self.text(name)? {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
            Cow::Owned(text) if text.trim().len() == text.len() => Cow::Owned(text),
            Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
        };
        Some(text).filter(|text| !text.is_empty())
    }

    /// A member that says when.
    pub(super) fn instant(&self, name: &str) -> Option<Timestamp> {
        time::instant(&self.text(name)?)
    }

    /// A member that is an object.
    pub(super) fn object(&self, name: &str) -> Option<Fields<'a>> {
        Fields::read(self.json(name)?).ok()
    }
}

fn text_of(json: &str) -> Cow<'_, str> {
    match json.as_bytes().first() {
        Some(b'"') => {
            let inside = json.get(1..json.len() - 1).unwrap_or_default();
            if inside.contains('\\') {
                // An escape that stands for half a character cannot be read, so it stays as it is.
                serde_json::from_str(json).map_or(Cow::Borrowed(inside), Cow::Owned)
            } else {
                Cow::Borrowed(inside)
            }
        }
        Some(b'{' | b'[') => Cow::Owned(canonical(json)),
        _ => Cow::Borrowed(json),
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
        // Eleven members is the most that either provider documents.
        let mut members = Vec::with_capacity(12);
        while let Some((Name(name), value)) = map.next_entry()? {
            members.push((name, value));
        }
        Ok(Fields(members))
    }
}

/// A member's name, borrowed unless it has escapes.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_any_type_are_text() {
        let fields = Fields::read(
            r#"{"s":"a\nb","n":184467440737095516151,"t":true,"z":null,"o":{"b":1, "a":2},"e":"  ","\u0078":"x"}"#,
        )
        .unwrap();
        let text = |name| fields.text(name).map(Cow::into_owned);
        assert_eq!(text("s").as_deref(), Some("a\nb"));
        assert_eq!(text("n").as_deref(), Some("184467440737095516151"));
        assert_eq!(text("t").as_deref(), Some("true"));
        assert_eq!(text("z"), None);
        assert_eq!(text("missing"), None);
        assert_eq!(text("o").as_deref(), Some(r#"{"a":2,"b":1}"#));
        assert_eq!(text("x").as_deref(), Some("x"));
        assert_eq!(fields.filled("e"), None);
        assert_eq!(fields.object("o").unwrap().text("b").as_deref(), Some("1"));
        assert!(fields.object("s").is_none());
    }

    #[test]
    fn of_two_members_alike_the_last_counts() {
        assert_eq!(Fields::read(r#"{"a":1,"a":"2"}"#).unwrap().text("a").as_deref(), Some("2"));
        assert_eq!(Fields::read(r#"{"a":1,"a":null}"#).unwrap().text("a"), None);
    }

    #[test]
    fn half_a_character_spoils_nothing_else() {
        let fields = Fields::read(r#"{"agent":"\ud800 odd","id":"7"}"#).unwrap();
        assert_eq!(fields.text("id").as_deref(), Some("7"));
        assert_eq!(fields.text("agent").as_deref(), Some(r"\ud800 odd"));
    }
}
