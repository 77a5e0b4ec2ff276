//! Open Cybersecurity Schema Framework.

use super::{Detail, Observer};
use crate::event::StoredEvent;

/// Which version of the schema an event is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OcsfVersion {
    /// 1.3.0.
    V1_3,
    /// 1.9.0.
    V1_9,
}

/// Writes events as objects of OCSF.
#[derive(Debug, Clone)]
pub struct OcsfEncoder {
    version: OcsfVersion,
    include_original: bool,
    observer: Observer,
}

impl OcsfEncoder {
    /// An encoder that writes `raw_data` only when `include_original` says so.
    pub fn new(version: OcsfVersion, include_original: bool, observer: &Observer) -> Self {
        Self { version, include_original, observer: observer.clone() }
    }

    /// Appends the event to `out`, without a line feed.
    pub(super) fn encode(&self, event: &StoredEvent, detail: Detail, out: &mut Vec<u8>) {
        let _ = (self.version, self.include_original, &self.observer, event, detail, out);
        todo!("not landed")
    }
}
