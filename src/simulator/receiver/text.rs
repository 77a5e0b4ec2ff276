//! Events in CEF and LEEF, read by the rules of those formats: what a receiver counts by, and the record.

use std::borrow::Cow;
use std::collections::HashMap;

use super::body::{Delivered, DeliveredEvent, DeliveredFrom, read_id};

/// The keys of what a receiver wants to know, in one of the formats.
struct Keys {
    id: &'static str,
    sequence: &'static str,
    dataset: &'static str,
    source: &'static str,
    original: &'static str,
}

const CEF: Keys = Keys {
    id: "externalId",
    sequence: "cn1",
    dataset: "deviceFacility",
    source: "cs3",
    original: "rawEvent",
};
const LEEF: Keys =
    Keys { id: "eventId", sequence: "sequence", dataset: "dataset", source: "source", original: "original" };

/// The event in a line; nothing for a line in neither format.
pub(super) fn read(line: &str) -> Option<Result<(u128, Delivered<'_>), String>> {
    let (pairs, keys) = match line.split_once(':')? {
        ("CEF", _) => (cef_pairs(line), CEF),
        ("LEEF", _) => (leef_pairs(line), LEEF),
        _ => return None,
    };
    Some(
        pairs.ok_or_else(|| "a header that is not complete".to_owned()).and_then(|pairs| event(pairs, &keys)),
    )
}

fn event<'a>(mut pairs: HashMap<&str, String>, keys: &Keys) -> Result<(u128, Delivered<'a>), String> {
    let mut take = |key| pairs.remove(key).ok_or_else(|| format!("no {key}"));
    let (id, dataset, source) = (take(keys.id)?, take(keys.dataset)?, take(keys.source)?);
    let sequence = take(keys.sequence)?;
    let sequence = sequence.parse().map_err(|_| format!("{} is no number: {sequence}", keys.sequence))?;
    let number = read_id(&id)?;
    let stream = dataset.split('.').next_back().unwrap_or_default().to_owned();
    let original = take(keys.original).ok().map(Cow::Owned);
    let event = DeliveredEvent { id: id.into(), original, dataset: dataset.into(), sequence };
    let auditferry = DeliveredFrom { source: source.into(), stream: stream.into() };
    Ok((number, Delivered { event, auditferry }))
}

/// What stands behind so many pipes that have no backslash in front.
fn behind_pipes(line: &str, count: usize) -> Option<&str> {
    let mut is_escaped = false;
    let mut pipes = line.bytes().enumerate().filter(|(_, byte)| {
        let is_pipe = *byte == b'|' && !is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
        is_pipe
    });
    pipes.nth(count.checked_sub(1)?).and_then(|(at, _)| line.get(at + 1..))
}

/// A key stands between a space and an equals sign without a backslash in front; what is before that space
/// belongs to the key before.
fn cef_pairs(line: &str) -> Option<HashMap<&str, String>> {
    let mut rest = behind_pipes(line, 7)?;
    let mut pairs = HashMap::new();
    while let Some((key, behind)) = rest.split_once('=') {
        let end = match sign(behind) {
            Some(next) => behind.get(..next)?.rfind(' ')?,
            None => behind.len(),
        };
        pairs.insert(key, unescaped(behind.get(..end)?));
        rest = behind.get(end + 1..).unwrap_or_default();
    }
    Some(pairs)
}

/// Where the next equals sign is that separates.
fn sign(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    text.bytes().position(|byte| {
        let is_sign = byte == b'=' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_sign
    })
}

fn unescaped(value: &str) -> String {
    let (mut text, mut chars) = (String::with_capacity(value.len()), value.chars());
    while let Some(char) = chars.next() {
        let char = if char == '\\' {
            chars.next()
        } else {
            text.push(char);
            continue;
        };
        text.extend(char.map(|char| match char {
            'n' => '\n',
            'r' => '\r',
            other => other,
        }));
    }
    text
}

fn leef_pairs(line: &str) -> Option<HashMap<&str, String>> {
    let (delimiter, attributes) = behind_pipes(line, 5)?.split_once('|')?;
    let pairs = attributes.split(delimiter).filter_map(|pair| pair.split_once('='));
    Some(pairs.map(|(key, value)| (key, value.to_owned())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "abababababababababababababababab";

    #[test]
    fn an_event_is_read_from_either_format() {
        let cef = format!(
            r"CEF:0|a|b\|c|1|x|y|5|externalId={ID} deviceFacility=brevo.activities msg=a b\=c cs3=crm  rawEvent={{\n\\\=}} cn1=7 cn1Label=Sequence"
        );
        let leef = format!(
            "LEEF:2.0|a|b|1|x|^|eventId={ID}^dataset=brevo.activities^source=crm ^sequence=7^original={{\n\\=}}"
        );
        for line in [cef, leef] {
            let (id, delivered) = read(&line).unwrap().unwrap();
            assert_eq!(id, u128::from_str_radix(ID, 16).unwrap());
            assert_eq!(delivered.event.original.as_deref(), Some("{\n\\=}"));
            assert_eq!((delivered.event.dataset.as_ref(), delivered.event.sequence), ("brevo.activities", 7));
            let from = (delivered.auditferry.source.as_ref(), delivered.auditferry.stream.as_ref());
            assert_eq!(from, ("crm ", "activities"));
        }
    }

    #[test]
    fn what_is_no_event_is_told() {
        assert!(read("{}").is_none());
        for line in
            ["CEF:0|a|b|c", "CEF:0|a|b|1|x|y|5|", "CEF:0|a|b|1|x|y|5|a=b\u{e9}=c", "LEEF:2.0|a|b|1|x|^"]
        {
            assert!(read(line).unwrap().is_err(), "{line}");
        }
    }
}
