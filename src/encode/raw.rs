//! The provider's record as it came, with the event's identity in front.

use super::{core_without_end, push_json, push_on_one_line, push_sequence, trimmed};
use crate::event::StoredEvent;

/// Writes the provider's record with `auditferry` (`event_id`, `source`, `stream`, `sequence`) as its first
/// member. A record that is not an object stands in `record` beside it. The daemon's own events have no
/// record: they are written as their ECS core.
#[derive(Debug, Clone)]
pub struct RawEncoder;

impl RawEncoder {
    /// Appends the event to `out`, without a line feed.
    pub(super) fn encode(&self, event: &StoredEvent, out: &mut Vec<u8>) {
        let record = trimmed(&event.original);
        if record.is_empty() {
            out.extend_from_slice(core_without_end(event).as_bytes());
            push_sequence(event, out);
            out.extend_from_slice(b"}}");
            return;
        }
        out.extend_from_slice(b"{\"auditferry\":{\"event_id\":");
        push_json(&event.id, out);
        out.extend_from_slice(b",\"source\":");
        push_json(&event.stream.source, out);
        out.extend_from_slice(b",\"stream\":");
        push_json(&event.stream.stream, out);
        push_sequence(event, out);
        out.push(b'}');
        match record.strip_prefix('{') {
            Some(members) if trimmed(members) == "}" => out.push(b'}'),
            Some(members) => {
                out.push(b',');
                push_on_one_line(members, out);
            }
            None => {
                out.extend_from_slice(b",\"record\":");
                push_on_one_line(record, out);
                out.push(b'}');
            }
        }
    }
}
