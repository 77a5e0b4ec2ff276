//! Encoders: a stored event becomes the bytes that a sink sends.
//!
//! Nothing is parsed on the way: the event's core and the provider's record are JSON already, and an encoder
//! puts them together. What it counts on is said at `core_without_end` and tested here.

mod ecs;
mod raw;

pub use ecs::{EcsEncoder, Observer};
pub use raw::RawEncoder;

use crate::event::StoredEvent;

/// One of the formats of the configuration.
#[derive(Debug, Clone)]
pub enum Encoder {
    /// Elastic Common Schema 9.4.0.
    Ecs(EcsEncoder),
    /// The provider's record, with the event's identity in front.
    Raw(RawEncoder),
}

impl Encoder {
    /// Writes Elastic Common Schema; see [`EcsEncoder::new`].
    pub fn ecs(include_original: bool, namespace: &str, observer: &Observer) -> Self {
        Self::Ecs(EcsEncoder::new(include_original, namespace, observer))
    }

    /// Writes the provider's records.
    pub fn raw() -> Self {
        Self::Raw(RawEncoder)
    }

    /// Appends the event to `out`, without a line feed. Always one line of JSON.
    pub fn encode(&self, event: &StoredEvent, out: &mut Vec<u8>) {
        match self {
            Self::Ecs(encoder) => encoder.encode(event, out),
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
/// white space (RFC 8259 section 7: control characters in strings are escaped).
fn push_on_one_line(json: &str, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(json.as_bytes());
    for byte in &mut out[start..] {
        // Written in any case, which lets the compiler do many at once.
        *byte = if matches!(*byte, b'\n' | b'\r') { b' ' } else { *byte };
    }
}

/// White space of JSON (RFC 8259 section 2); other white space of Unicode is none there.
fn trimmed(json: &str) -> &str {
    json.trim_matches([' ', '\t', '\n', '\r'])
}

#[cfg(test)]
mod tests;
