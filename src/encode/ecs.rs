//! Elastic Common Schema: the event's core, what is the same in every event, and the provider's record.

use super::{
    Detail, core_without_end, dataset, push_json, push_on_one_line, push_sequence, push_text, trimmed,
};
use crate::event::{ECS_VERSION, StoredEvent};

/// What stands in `observer`: which program on which machine collected the event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observer {
    /// The machine's name.
    pub hostname: String,
    /// Of this program.
    pub version: String,
}

/// Writes events as ECS objects.
#[derive(Debug, Clone)]
pub struct EcsEncoder {
    include_original: bool,
    /// `{"ecs":…,"observer":…,"data_stream":{"type":"logs","dataset":`
    opening: Vec<u8>,
    /// `,"namespace":"…"}`
    namespace: Vec<u8>,
}

impl EcsEncoder {
    /// An encoder that writes `event.original` only when `include_original` says so (or when the record is not
    /// an object and would stand nowhere else); `namespace` goes into `data_stream.namespace`.
    pub fn new(include_original: bool, namespace: &str, observer: &Observer) -> Self {
        let mut opening = b"{\"ecs\":{\"version\":".to_vec();
        push_json(ECS_VERSION, &mut opening);
        opening.extend_from_slice(b"},\"observer\":{\"vendor\":\"auditferry\",\"product\":\"auditferry\"");
        opening.extend_from_slice(b",\"type\":\"forwarder\",\"version\":");
        push_json(&observer.version, &mut opening);
        opening.extend_from_slice(b",\"hostname\":");
        push_json(&observer.hostname, &mut opening);
        opening.extend_from_slice(b"},\"data_stream\":{\"type\":\"logs\",\"dataset\":\"");

        let mut closing = b"\",\"namespace\":".to_vec();
        push_json(namespace, &mut closing);
        closing.push(b'}');
        Self { include_original, opening, namespace: closing }
    }

    /// Appends the event to `out`, without a line feed.
    pub(super) fn encode(&self, event: &StoredEvent, detail: Detail, out: &mut Vec<u8>) {
        let core = core_without_end(event);
        let dataset = dataset(core);
        let record = trimmed(&event.original);
        let is_object = record.starts_with('{');
        out.reserve(self.opening.len() + core.len() + 3 * record.len());

        out.extend_from_slice(&self.opening);
        out.extend_from_slice(dataset.as_bytes());
        out.extend_from_slice(&self.namespace);
        out.push(b',');
        out.extend_from_slice(core.get(1..).unwrap_or_default().as_bytes());
        push_sequence(event, out);
        let has_original = self.include_original || !is_object;
        if !record.is_empty() && has_original && detail == Detail::Full {
            out.extend_from_slice(b",\"original\":");
            push_text(&event.original, out);
        }
        out.push(b'}');
        if detail != Detail::Full {
            // As Filebeat marks what it cut.
            out.extend_from_slice(b",\"log\":{\"flags\":[\"truncated\"]}");
        }
        if is_object && detail != Detail::WithoutRecord {
            let module = dataset.split('.').next().unwrap_or_default();
            out.extend_from_slice(b",\"");
            out.extend_from_slice(module.as_bytes());
            out.extend_from_slice(b"\":");
            push_on_one_line(record, out);
        }
        out.push(b'}');
    }
}
