//! Encoders: a stored event becomes the bytes that a sink sends.
//!
//! An [`Encoder`] is a [`Format`] (what is said of the event) within an [`Envelope`] (what the receiver's
//! protocol wants around it). For ECS and `raw` nothing is parsed on the way: the event's core and the provider's
//! record are JSON already, and a format puts them together. What it counts on is said at `core_without_end` and
//! tested here. The other formats read the core back ([`StoredEvent::event`]).

mod bulk;
mod cef;
mod ecs;
mod hec;
mod leef;
mod ocsf;
mod raw;
mod redact;
mod syslog;
mod text;

pub use bulk::BulkEnvelope;
pub use cef::CefEncoder;
pub use ecs::{EcsEncoder, Observer};
pub use hec::HecEnvelope;
pub use leef::LeefEncoder;
pub use ocsf::{OcsfEncoder, OcsfVersion};
pub use raw::RawEncoder;
pub use redact::Redaction;
pub use syslog::{SyslogEnvelope, SyslogHeader};

use crate::event::StoredEvent;

/// Writes events in one format, each in its envelope.
#[derive(Debug, Clone)]
pub struct Encoder {
    format: Format,
    envelope: Envelope,
    redaction: Option<Redaction>,
}

/// What is said of an event, and how: the formats of the configuration.
#[derive(Debug, Clone)]
pub enum Format {
    /// Elastic Common Schema 9.4.0.
    Ecs(EcsEncoder),
    /// Open Cybersecurity Schema Framework.
    Ocsf(OcsfEncoder),
    /// ArcSight's Common Event Format: text, for syslog.
    Cef(CefEncoder),
    /// QRadar's Log Event Extended Format: text, for syslog.
    Leef(LeefEncoder),
    /// The provider's record, with the event's identity in front.
    Raw(RawEncoder),
}

/// What stands around an event.
#[derive(Debug, Clone)]
pub enum Envelope {
    /// Nothing: the event is a line.
    Line,
    /// Splunk's HTTP Event Collector.
    Hec(HecEnvelope),
    /// An action of `_bulk` in front.
    Bulk(BulkEnvelope),
    /// The header of a syslog message.
    Syslog(SyslogEnvelope),
}

/// How much of an event is said, where a receiver takes messages up to a size only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Everything.
    Full,
    /// Without the provider's record as text (`event.original`); marked as shortened.
    WithoutOriginal,
    /// Without the provider's record in any form; marked as shortened.
    WithoutRecord,
}

impl Encoder {
    /// An encoder of this format in this envelope.
    pub fn new(format: Format, envelope: Envelope) -> Self {
        Self { format, envelope, redaction: None }
    }

    /// The same, but it writes events with this taken out of them, and without the provider's records.
    #[must_use]
    pub fn redacted(self, redaction: Redaction) -> Self {
        Self { redaction: Some(redaction), ..self }
    }

    /// Appends the event to `out`, without a line feed at its end.
    pub fn encode(&mut self, event: &StoredEvent, out: &mut Vec<u8>) {
        let redacted = self.redaction.as_ref().map(|redaction| redaction.apply(event));
        let event = redacted.as_ref().unwrap_or(event);
        match &mut self.envelope {
            Envelope::Line => self.format.encode(event, Detail::Full, out),
            Envelope::Hec(envelope) => envelope.encode(&self.format, event, out),
            Envelope::Bulk(envelope) => envelope.encode(&self.format, event, out),
            Envelope::Syslog(envelope) => envelope.encode(&self.format, event, out),
        }
    }
}

impl Format {
    /// Elastic Common Schema; see [`EcsEncoder::new`].
    pub fn ecs(include_original: bool, namespace: &str, observer: &Observer) -> Self {
        Self::Ecs(EcsEncoder::new(include_original, namespace, observer))
    }

    /// Open Cybersecurity Schema Framework; see [`OcsfEncoder::new`].
    pub fn ocsf(version: OcsfVersion, include_original: bool, observer: &Observer) -> Self {
        Self::Ocsf(OcsfEncoder::new(version, include_original, observer))
    }

    /// ArcSight's Common Event Format; see [`CefEncoder::new`].
    pub fn cef(include_original: bool, observer: &Observer) -> Self {
        Self::Cef(CefEncoder::new(include_original, observer))
    }

    /// QRadar's Log Event Extended Format; see [`LeefEncoder::new`].
    pub fn leef(include_original: bool, observer: &Observer) -> Self {
        Self::Leef(LeefEncoder::new(include_original, observer))
    }

    /// Whether an event is one line of JSON; else it is one line of UTF-8 without control characters.
    fn is_json(&self) -> bool {
        match self {
            Self::Ecs(_) | Self::Ocsf(_) | Self::Raw(_) => true,
            Self::Cef(_) | Self::Leef(_) => false,
        }
    }

    /// The provider's records.
    pub fn raw() -> Self {
        Self::Raw(RawEncoder)
    }

    /// Appends the event to `out`, without a line feed. Always one line.
    fn encode(&self, event: &StoredEvent, detail: Detail, out: &mut Vec<u8>) {
        match self {
            Self::Ecs(encoder) => encoder.encode(event, detail, out),
            Self::Ocsf(encoder) => encoder.encode(event, detail, out),
            Self::Cef(encoder) => encoder.encode(event, detail, out),
            Self::Leef(encoder) => encoder.encode(event, detail, out),
            Self::Raw(encoder) => encoder.encode(event, out),
        }
    }
}

/// The core up to where more members of its `event` can be added.
///
/// [`Event::to_core`](crate::event::Event::to_core) writes a compact object whose last member is `event`,
/// itself an object that is not empty: the text starts with `{"` and ends with `}}`.
fn core_without_end(event: &StoredEvent) -> &str {
    debug_assert!(event.core.starts_with("{\"") && event.core.ends_with("}}"), "a core: {}", event.core);
    &event.core[..event.core.len().saturating_sub(2)]
}

/// Appends `,"sequence":N`.
fn push_sequence(event: &StoredEvent, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"sequence\":");
    push_json(&event.sequence, out);
}

/// Appends the value as JSON.
fn push_json<T: serde::Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    // Writing a number or a text into memory can't fail.
    let _ = serde_json::to_writer(out, value);
}

/// Appends a text as a JSON string. A record is full of quotes, so going from one to the next is slow: here
/// every byte is written, with a backslash in front or without, and nothing is branched upon.
fn push_text(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    if bytes.iter().any(|&byte| byte < b' ') {
        // Line breaks and tabs between tokens: rare, and every one has an escape of its own.
        push_json(text, out);
        return;
    }
    out.push(b'"');
    let mut end = out.len();
    out.resize(end + 2 * bytes.len(), b'\\');
    for &byte in bytes {
        // The backslash is there already; a byte that needs none takes its place.
        end += usize::from(byte == b'"' || byte == b'\\');
        out[end] = byte;
        end += 1;
    }
    out.truncate(end);
    out.push(b'"');
}

/// Appends JSON text as it is, on one line. Line breaks stand only between tokens, where JSON takes any
/// white space (RFC 8259 section 7: control characters in strings are escaped). An escape that stands for half a
/// character becomes U+FFFD: many a receiver refuses such a text, and with it the event.
fn push_on_one_line(json: &str, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(json.as_bytes());
    let line = &mut out[start..];
    for byte in line.iter_mut() {
        // Written in any case, which lets the compiler do many at once.
        *byte = if matches!(*byte, b'\n' | b'\r') { b' ' } else { *byte };
    }
    if json.contains("\\ud") || json.contains("\\uD") {
        replace_half_characters(line);
    }
}

/// Writes `\ufffd` over escapes of surrogates that are no pair (RFC 8259 section 8.2).
fn replace_half_characters(json: &mut [u8]) {
    const ESCAPE: usize = "\\ud800".len();
    let unit = |json: &[u8], at: usize| {
        let digits = json.get(at..at + ESCAPE)?.strip_prefix(b"\\u")?;
        u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let mut at = 0;
    while at < json.len() {
        at += match (json[at], unit(json, at)) {
            (b'\\', Some(0xd800..=0xdbff)) if matches!(unit(json, at + ESCAPE), Some(0xdc00..=0xdfff)) => {
                2 * ESCAPE
            }
            (b'\\', Some(0xd800..=0xdfff)) => {
                json[at..at + ESCAPE].copy_from_slice(b"\\ufffd");
                ESCAPE
            }
            // The character behind a backslash starts no escape.
            (b'\\', _) => 2,
            _ => 1,
        };
    }
}

/// White space of JSON (RFC 8259 section 2); other white space of Unicode is none there.
fn trimmed(json: &str) -> &str {
    json.trim_matches([' ', '\t', '\n', '\r'])
}

/// `event.dataset` of a core, such as `hubspot.login`. Quotes inside of a JSON string are escaped, so the
/// pattern is found as a member only, and the last one is that of `event`: the members behind it are texts.
/// The value is a name of this program and needs no unescaping.
fn dataset(core: &str) -> &str {
    const MEMBER: &str = "\"dataset\":\"";
    let Some(at) = core.rfind(MEMBER) else { return "" };
    let value = &core[at + MEMBER.len()..];
    value.split('"').next().unwrap_or_default()
}

/// `@timestamp` of a core: RFC 3339, UTC, milliseconds. It is the core's first member.
fn timestamp(core: &str) -> &str {
    core.strip_prefix("{\"@timestamp\":\"").and_then(|rest| rest.split('"').next()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
