//! What a receiver has against what happened.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::endpoint::Stream;
use super::receiver::{Receiver, hash_of};

/// Examples of each sort of fault.
const MOST_EXAMPLES: usize = 5;

/// The result of a comparison. All zero is a promise kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// Events that happened.
    pub expected: u64,
    /// Different events that were received.
    pub received: u64,
    /// Happened and not received.
    pub missing: u64,
    /// Received more often than they happened, under different ids.
    pub doubled: u64,
    /// Received and never happened.
    pub unexpected: u64,
    /// Some of each.
    pub examples: Vec<Example>,
}

/// One fault of a comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// `missing`, `doubled` or `unexpected`.
    pub fault: String,
    /// The stream's name.
    pub stream: String,
    /// `event.id`; empty for a missing event.
    pub id: String,
    /// The record, where its text is known.
    pub record: String,
}

/// Calls its argument with every record that is visible now.
pub(crate) type Truth<'a> = dyn Fn(Stream, &mut dyn FnMut(&str)) + 'a;

/// Compares the originals that a receiver has with the truth, for some streams. Records match byte for byte,
/// else as the same JSON, else, where the provider may fill in fields later (login, security), by `id`.
pub(crate) fn compare(receiver: &Receiver, streams: &[Stream], truth: &Truth<'_>) -> Comparison {
    let mut comparison = Comparison::default();
    for stream in streams {
        compare_stream(receiver, *stream, truth, &mut comparison);
    }
    comparison
}

/// What one event of a receiver still needs: a record to match.
struct Open<'a> {
    id: u128,
    original: &'a str,
    doubled: bool,
}

fn compare_stream(receiver: &Receiver, stream: Stream, truth: &Truth<'_>, comparison: &mut Comparison) {
    let mut counts: HashMap<u64, u64> = HashMap::new();
    truth(stream, &mut |record| {
        comparison.expected += 1;
        *counts.entry(hash_of(record)).or_default() += 1;
    });
    let mut open: Vec<Open<'_>> = Vec::new();
    for (id, event) in &receiver.unique {
        if receiver.dataset(event) != stream.name() {
            continue;
        }
        comparison.received += 1;
        match counts.get_mut(&event.hash) {
            Some(left) if *left > 0 => *left -= 1,
            known => open.push(Open { id: *id, original: &event.original, doubled: known.is_some() }),
        }
    }
    counts.retain(|_, left| *left > 0);
    let mut missing: Vec<String> = Vec::new();
    truth(stream, &mut |record| {
        if let Some(left) = counts.get_mut(&hash_of(record))
            && *left > 0
        {
            *left -= 1;
            missing.push(record.to_owned());
        }
    });
    match_by(&mut missing, &mut open, canonical);
    if matches!(stream, Stream::Login | Stream::Security) {
        match_by(&mut missing, &mut open, |record| record.get("id").map(Value::to_string));
    }
    open.sort_unstable_by_key(|event| event.id);
    report(stream, &missing, &open, comparison);
}

/// Takes out what matches by a key of the record.
fn match_by(missing: &mut Vec<String>, open: &mut Vec<Open<'_>>, key: impl Fn(&Value) -> Option<String>) {
    let key_of = |text: &str| key(&serde_json::from_str(text).ok()?);
    let mut wanted: HashMap<String, Vec<usize>> = HashMap::new();
    for (index, record) in missing.iter().enumerate() {
        if let Some(key) = key_of(record) {
            wanted.entry(key).or_default().push(index);
        }
    }
    let mut found = vec![false; missing.len()];
    open.retain(|event| {
        let index = key_of(event.original).and_then(|key| wanted.get_mut(&key)?.pop());
        if let Some(index) = index {
            found[index] = true;
        }
        index.is_none()
    });
    let mut found = found.into_iter();
    missing.retain(|_| !found.next().unwrap_or_default());
}

/// The same JSON has the same text: members sorted, no white space.
fn canonical(record: &Value) -> Option<String> {
    fn sorted(value: &Value) -> Value {
        match value {
            Value::Object(members) => {
                let mut members: Vec<_> =
                    members.iter().map(|(name, value)| (name.clone(), sorted(value))).collect();
                members.sort_by(|one, other| one.0.cmp(&other.0));
                Value::Object(members.into_iter().collect())
            }
            Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
        }
    }
    Some(sorted(record).to_string())
}

fn report(stream: Stream, missing: &[String], open: &[Open<'_>], comparison: &mut Comparison) {
    let example = |fault: &str, id: String, record: &str| Example {
        fault: fault.to_owned(),
        stream: stream.name().to_owned(),
        id,
        record: record.to_owned(),
    };
    comparison.missing += missing.len() as u64;
    let shown = missing.iter().take(MOST_EXAMPLES);
    comparison.examples.extend(shown.map(|record| example("missing", String::new(), record)));
    for (fault, doubled) in [("doubled", true), ("unexpected", false)] {
        let such: Vec<&Open<'_>> = open.iter().filter(|event| event.doubled == doubled).collect();
        let count = if doubled { &mut comparison.doubled } else { &mut comparison.unexpected };
        *count += such.len() as u64;
        let shown = such.iter().take(MOST_EXAMPLES);
        comparison
            .examples
            .extend(shown.map(|open| example(fault, format!("{:032x}", open.id), open.original)));
    }
}
