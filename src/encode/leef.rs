//! QRadar's Log Event Extended Format, version 2.0.

use super::{Detail, Observer};
use crate::event::StoredEvent;

/// Writes events as lines of LEEF.
#[derive(Debug, Clone)]
pub struct LeefEncoder {
    include_original: bool,
    observer: Observer,
}

impl LeefEncoder {
    /// An encoder that writes the provider's record only when `include_original` says so.
    pub fn new(include_original: bool, observer: &Observer) -> Self {
        Self { include_original, observer: observer.clone() }
    }

    /// Appends the event to `out`, without a line feed.
    pub(super) fn encode(&self, event: &StoredEvent, detail: Detail, out: &mut Vec<u8>) {
        let _ = (self.include_original, &self.observer, event, detail, out);
        todo!("not landed")
    }
}
