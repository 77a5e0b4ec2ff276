//! Bodies that a receiver is given: lines of JSON, CEF or LEEF, or an array of events, compressed or not.

use std::borrow::Cow;
use std::io::Read;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::text;

/// A batch is a few MiB at most; this stops a compressed body that has no end.
const MOST_BODY: u64 = 256 << 20;

#[derive(Deserialize)]
pub(super) struct Delivered<'a> {
    #[serde(borrow)]
    pub(super) event: DeliveredEvent<'a>,
    #[serde(borrow, default)]
    pub(super) auditferry: DeliveredFrom<'a>,
}

#[derive(Deserialize)]
pub(super) struct DeliveredEvent<'a> {
    #[serde(borrow)]
    pub(super) id: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) original: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) dataset: Cow<'a, str>,
    #[serde(default)]
    pub(super) sequence: i64,
}

#[derive(Deserialize, Default)]
pub(super) struct DeliveredFrom<'a> {
    #[serde(borrow, default)]
    pub(super) source: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) stream: Cow<'a, str>,
}

/// A body as text, decompressed where its first bytes are those of gzip (RFC 1952 section 2.3.1).
///
/// # Errors
/// When it is damaged, too long or not UTF-8.
pub(crate) fn decode(body: &[u8]) -> Result<Cow<'_, str>, String> {
    if !body.starts_with(&[0x1f, 0x8b]) {
        return std::str::from_utf8(body).map(Cow::Borrowed).map_err(|error| error.to_string());
    }
    let mut text = String::new();
    let mut decoder = flate2::read::MultiGzDecoder::new(body).take(MOST_BODY);
    decoder.read_to_string(&mut text).map_err(|error| format!("the body is not gzip: {error}"))?;
    Ok(Cow::Owned(text))
}

pub(super) fn read_events(text: &str) -> Result<Vec<(u128, Delivered<'_>)>, String> {
    let text = text.trim_ascii();
    let lines: Vec<&str> = if text.starts_with('[') {
        let array: Vec<&RawValue> = serde_json::from_str(text).map_err(|error| error.to_string())?;
        array.into_iter().map(RawValue::get).collect()
    } else {
        text.lines().filter(|line| !line.trim_ascii().is_empty()).collect()
    };
    lines.into_iter().map(read_event).collect()
}

pub(super) fn read_event(line: &str) -> Result<(u128, Delivered<'_>), String> {
    if let Some(event) = text::read(line) {
        return event;
    }
    let event: Delivered<'_> =
        serde_json::from_str(line).map_err(|error| format!("not an event: {error}"))?;
    Ok((read_id(&event.event.id)?, event))
}

pub(super) fn read_id(id: &str) -> Result<u128, String> {
    let valid = id.len() == 32 && id.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    match u128::from_str_radix(id, 16) {
        Ok(number) if valid => Ok(number),
        _ => Err(format!("event.id is not 32 hexadecimal digits: {id}")),
    }
}
