//! The values that are taken out of an event, and how they are found in it.
//!
//! A text is compared word by word, without regard to case and to what stands between the words. So a value is
//! found as well in what was made of it (`add-analyst-example-com`), and never within another word.

use std::cmp::Reverse;
use std::net::IpAddr;
use std::ops::Range;

use serde_json::Value as Json;

use super::replace::canonical;
use crate::event::Treatment;

/// Stands within a text where a value was left out.
const LEFT_OUT: &str = "[redacted]";

/// A value that is taken out.
#[derive(Debug)]
struct Value {
    canonical: String,
    words: Vec<String>,
    treatment: Treatment,
    /// What takes its place; without one it is left out.
    replacement: Option<String>,
}

/// Those of one event. The longer one comes first, as it may hold the shorter; of two that are the same, the one
/// whose treatment tells less.
#[derive(Debug, Default)]
pub(super) struct Values(Vec<Value>);

impl Values {
    /// Adds a value. One of punctuation alone is none.
    pub(super) fn add(&mut self, text: &str, treatment: Treatment, replacement: Option<String>) {
        let words: Vec<_> = words(text).into_iter().map(|word| word.folded).collect();
        let is_known = self.0.iter().any(|known| known.words == words && known.treatment == treatment);
        if !words.is_empty() && !is_known {
            self.0.push(Value { canonical: canonical(text), words, treatment, replacement });
        }
    }

    /// Ready to be looked for. A mask may leave a part that is another's value: the domain of an e-mail address.
    pub(super) fn finish(mut self) -> Self {
        self.0.sort_by_key(|value| (Reverse(value.words.len()), value.treatment));
        let texts: Vec<_> = self.0.iter().map(|value| self.replacement_without_values(value)).collect();
        for (value, replacement) in self.0.iter_mut().zip(texts) {
            value.replacement = replacement;
        }
        self
    }

    fn replacement_without_values(&self, value: &Value) -> Option<String> {
        let text = value.replacement.as_ref()?;
        // The numbers of a network are no words.
        let is_whole = value.treatment != Treatment::Mask || text.parse::<IpAddr>().is_ok();
        Some(if is_whole { text.clone() } else { self.without(text, |_| true) })
    }

    /// The value that a text as a whole is.
    fn of(&self, text: &str) -> Option<&Value> {
        let canonical = canonical(text);
        self.0.iter().find(|value| value.canonical == canonical)
    }

    /// The text with all values replaced; `None` when it is one that is left out.
    fn edited(&self, text: &str) -> Option<String> {
        match self.of(text) {
            Some(value) => value.replacement.clone(),
            // An IP address has no parts that are values.
            None if text.parse::<IpAddr>().is_ok() => Some(text.to_owned()),
            None => Some(self.without(text, |_| true)),
        }
    }

    /// Takes the values out of a field.
    pub(super) fn edit(&self, field: &mut Option<String>) {
        if let (false, Some(text)) = (self.0.is_empty(), &field) {
            *field = self.edited(text);
        }
    }

    /// Takes the values out of a list, which names nothing twice.
    pub(super) fn edit_list(&self, list: &mut Vec<String>) {
        let mut edited = Vec::with_capacity(list.len());
        for text in list.drain(..).filter_map(|text| self.edited(&text)) {
            if !edited.contains(&text) {
                edited.push(text);
            }
        }
        *list = edited;
    }

    /// What stands for an IP address where nothing else may stand.
    pub(super) fn ip(&self, ip: String) -> Option<String> {
        match self.of(&ip) {
            Some(value) => value.replacement.clone().filter(|text| text.parse::<IpAddr>().is_ok()),
            None => Some(ip),
        }
    }

    /// Takes the values out of a list of IP addresses.
    pub(super) fn edit_ips(&self, list: &mut Vec<String>) {
        *list = list.drain(..).filter_map(|ip| self.ip(ip)).collect();
        list.dedup();
    }

    /// Takes the values out of all texts within.
    pub(super) fn edit_json(&self, json: &mut Json) {
        match json {
            Json::String(text) => *json = self.edited(text).map_or(Json::Null, Json::String),
            Json::Array(items) => items.iter_mut().for_each(|item| self.edit_json(item)),
            Json::Object(members) => members.values_mut().for_each(|member| self.edit_json(member)),
            Json::Null | Json::Bool(_) | Json::Number(_) => {}
        }
    }

    /// What says what was done has words of its own, which stay though somebody be called like one of them. Where
    /// it is not known to be such a word, it goes too.
    pub(super) fn in_vocabulary(&self, text: &str, is_known: bool) -> String {
        self.without(text, |value| !is_known || !value.is_plain_word())
    }

    /// The text with the values that `which` tells replaced.
    fn without(&self, text: &str, which: impl Fn(&Value) -> bool) -> String {
        let words = words(text);
        let (mut edited, mut end) = (String::with_capacity(text.len()), 0);
        let mut rest = words.as_slice();
        while let Some((first, others)) = rest.split_first() {
            let found = self.0.iter().filter(|value| which(value)).find_map(|value| {
                let (here, behind) = rest.split_at_checked(value.words.len())?;
                let is_same = here.iter().map(|word| &word.folded).eq(&value.words);
                is_same.then_some((value, here.last().unwrap_or(first), behind))
            });
            rest = match found {
                Some((value, last, behind)) => {
                    edited.push_str(text.get(end..first.span.start).unwrap_or_default());
                    edited.push_str(value.replacement.as_deref().unwrap_or(LEFT_OUT));
                    end = last.span.end;
                    behind
                }
                None => others,
            };
        }
        edited.push_str(text.get(end..).unwrap_or_default());
        edited
    }
}

impl Value {
    /// Whether it could be a word of any language.
    fn is_plain_word(&self) -> bool {
        matches!(self.words.as_slice(), [word] if word.chars().all(char::is_alphabetic))
    }
}

/// A word, and where in its text it stands.
struct Word {
    span: Range<usize>,
    /// In lower case.
    folded: String,
}

/// Letters in a row are a word, and so are digits: names have the number of an account in them (`p148911045_car`).
/// Scripts without case set no spaces between words, and a symbol may be a name: there every character is one.
/// What else there is of ASCII, and white space, stands between words.
fn words(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut before = Class::Between;
    for (start, c) in text.char_indices() {
        let (class, end) = (Class::of(c), start + c.len_utf8());
        match words.last_mut() {
            _ if class == Class::Between => {}
            Some(word) if class == before && class != Class::Alone => {
                word.span.end = end;
                word.folded.extend(c.to_lowercase());
            }
            _ => words.push(Word { span: start..end, folded: c.to_lowercase().collect() }),
        }
        before = class;
    }
    words
}

/// What a character is to words.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Letter,
    Digit,
    Alone,
    Between,
}

impl Class {
    fn of(c: char) -> Self {
        if c.is_lowercase() || c.is_uppercase() {
            Self::Letter
        } else if c.is_numeric() {
            Self::Digit
        } else if c.is_ascii() || c.is_whitespace() || c.is_control() {
            Self::Between
        } else {
            Self::Alone
        }
    }
}
