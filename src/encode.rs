//! Encoders: a stored event becomes the bytes that a sink sends.

mod ecs;
mod raw;

pub use ecs::EcsEncoder;
pub use raw::RawEncoder;

use crate::event::StoredEvent;

/// One of the formats of the configuration.
#[derive(Debug)]
pub enum Encoder {
    /// Elastic Common Schema 9.4.0.
    Ecs(EcsEncoder),
    /// The provider's record, with the event's identity in front.
    Raw(RawEncoder),
}

impl Encoder {
    /// Appends the event to `out`, without a line feed. Always one line of JSON.
    pub fn encode(&self, event: &StoredEvent, out: &mut Vec<u8>) {
        match self {
            Self::Ecs(encoder) => encoder.encode(event, out),
            Self::Raw(encoder) => encoder.encode(event, out),
        }
    }
}
