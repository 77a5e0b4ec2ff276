//! What makes an event the same event.
//!
//! The id is the first 128 bits of SHA-256 over a list of fields. Each field is written as its length in
//! bytes (32 bits, big endian) and its UTF-8 bytes; an absent field is the length `0xFFFF_FFFF` alone. The
//! list is: `auditferry/1`, provider, account id, stream, then the identity fields of the record, then,
//! for streams without an id of their own, the ordinal in decimal. Anybody can compute it again.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

/// The version of the encoding; a change would give every event another id.
const ENCODING: &str = "auditferry/1";
const ABSENT: [u8; 4] = u32::MAX.to_be_bytes();

/// `event.id`: 32 hexadecimal digits, the same for the same event for ever.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId([u8; 16]);

impl EventId {
    /// The id with these bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its 128 bits.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0u8; 32];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is not an event id.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event id is 32 hexadecimal digits")]
pub struct InvalidEventId;

impl FromStr for EventId {
    type Err = InvalidEventId;

    fn from_str(text: &str) -> Result<Self, InvalidEventId> {
        if text.len() != 32 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(InvalidEventId);
        }
        let mut bytes = [0; 16];
        for (byte, at) in bytes.iter_mut().zip((0..32).step_by(2)) {
            *byte = u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| InvalidEventId)?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for EventId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EventId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The identity fields of one record, in the encoding of this module. Two records with equal fields are
/// the same event, or, in a stream without ids, equal rows.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct IdentityFields(Vec<u8>);

impl IdentityFields {
    /// No field yet.
    pub fn new() -> Self {
        Self(Vec::with_capacity(160))
    }

    /// Adds the next field.
    pub fn push(&mut self, field: Option<&str>) {
        match field {
            Some(text) => {
                let length = u32::try_from(text.len()).unwrap_or(u32::MAX - 1);
                self.0.extend_from_slice(&length.to_be_bytes());
                self.0.extend_from_slice(text.as_bytes());
            }
            None => self.0.extend_from_slice(&ABSENT),
        }
    }
}

/// Provider, account and stream: the part of the identity that all events of one stream share.
#[derive(Clone)]
pub struct IdentityScope(Sha256);

impl IdentityScope {
    /// The scope of one stream of one account.
    pub fn new(provider: &str, account: &str, stream: &str) -> Self {
        let mut shared = IdentityFields::new();
        for field in [ENCODING, provider, account, stream] {
            shared.push(Some(field));
        }
        Self(Sha256::new().chain_update(shared.0))
    }

    /// The id of the event with these fields; `ordinal` (1, 2, 3 …) where the stream has no ids of its own.
    pub fn id(&self, fields: &IdentityFields, ordinal: Option<u32>) -> EventId {
        let mut hasher = self.0.clone();
        hasher.update(&fields.0);
        if let Some(ordinal) = ordinal {
            let mut last = IdentityFields::default();
            last.push(Some(&ordinal.to_string()));
            hasher.update(&last.0);
        }
        let digest = hasher.finalize();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        EventId(bytes)
    }
}

impl fmt::Debug for IdentityScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentityScope")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(values: &[Option<&str>]) -> IdentityFields {
        let mut fields = IdentityFields::new();
        for value in values {
            fields.push(*value);
        }
        fields
    }

    #[test]
    fn the_id_is_the_one_that_anybody_computes() {
        // printf '\0\0\0\014auditferry/1\0\0\0\007hubspot\0\0\0\00242\0\0\0\005login\0\0\0\0017' | sha256sum
        let id = IdentityScope::new("hubspot", "42", "login").id(&fields(&[Some("7")]), None);
        assert_eq!(id.to_string(), "1eec871157177987bcfdb8fb8eebc3dd");
    }

    #[test]
    fn fields_cannot_run_into_each_other() {
        let scope = IdentityScope::new("p", "a", "s");
        let ids = [
            scope.id(&fields(&[Some("ab"), Some("c")]), None),
            scope.id(&fields(&[Some("a"), Some("bc")]), None),
            scope.id(&fields(&[Some("abc"), None]), None),
            scope.id(&fields(&[Some("abc"), Some("")]), None),
            scope.id(&fields(&[Some("abc")]), Some(1)),
            scope.id(&fields(&[Some("abc")]), Some(2)),
        ];
        for (at, id) in ids.iter().enumerate() {
            assert!(!ids[at + 1..].contains(id));
        }
    }

    #[test]
    fn an_id_survives_its_text() {
        let id = IdentityScope::new("p", "a", "s").id(&fields(&[Some("x")]), None);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("xyz".parse::<EventId>(), Err(InvalidEventId));
    }
}
