//! The action in front of a document in Elasticsearch's `_bulk`.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::de::IgnoredAny;

use super::{Detail, Format, dataset, push_json, timestamp};
use crate::event::StoredEvent;

/// `{"create":{"_index":"logs-<dataset>-<namespace>","_id":"<event.id>"}}`, a line feed, the document.
///
/// A data stream takes nothing but `create`, and refuses an `_id` that it has: so a batch that is sent again
/// adds nothing.
#[derive(Debug, Clone)]
pub struct BulkEnvelope {
    /// `-<namespace>","_id":`, as JSON.
    closing: Vec<u8>,
}

impl BulkEnvelope {
    /// An envelope for the data streams of this namespace.
    pub fn new(namespace: &str) -> Self {
        let mut closing = Vec::new();
        push_json(&format!("-{namespace}"), &mut closing);
        // Its opening quote stands in front of the whole name.
        closing.remove(0);
        closing.extend_from_slice(b",\"_id\":");
        Self { closing }
    }

    /// Appends action and document to `out`, without a line feed at the end.
    pub(super) fn encode(&self, format: &Format, event: &StoredEvent, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"create\":{\"_index\":\"logs-");
        out.extend_from_slice(dataset(&event.core).as_bytes());
        out.extend_from_slice(&self.closing);
        push_json(&event.id, out);
        out.extend_from_slice(b"}}\n");
        match format {
            Format::Raw(_) if !has_timestamp(event) => push_with_timestamp(format, event, out),
            // Its time has another name there.
            Format::Ocsf(_) => push_with_timestamp(format, event, out),
            // Text formats are not for `_bulk`: the configuration refuses them.
            Format::Raw(_) | Format::Ecs(_) | Format::Cef(_) | Format::Leef(_) => {
                format.encode(event, Detail::Full, out);
            }
        }
    }
}

/// Whether the document has the `@timestamp` that a data stream asks for. The daemon's own events have no
/// record and are written as their core, which has it.
fn has_timestamp(event: &StoredEvent) -> bool {
    let record = &event.original;
    if record.is_empty() {
        return true;
    }
    // Nearly no record holds the word, and then nothing need be read.
    record.contains("@timestamp")
        && serde_json::from_str::<HashMap<Cow<'_, str>, IgnoredAny>>(record)
            .is_ok_and(|members| members.contains_key("@timestamp"))
}

/// The document with the event's time as its first member.
fn push_with_timestamp(format: &Format, event: &StoredEvent, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"@timestamp\":\"");
    out.extend_from_slice(timestamp(&event.core).as_bytes());
    out.push(b'"');
    let start = out.len();
    format.encode(event, Detail::Full, out);
    // Every format writes an object with at least one member: its brace becomes the comma behind ours.
    if let Some(brace) = out.get_mut(start) {
        *brace = b',';
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::tests::stored;
    use super::super::{Encoder, Envelope, Format, Observer};
    use super::*;

    fn encoded(format: Format, namespace: &str, event: &StoredEvent) -> (Value, Value) {
        let mut out = b"before\n".to_vec();
        Encoder::new(format, Envelope::Bulk(BulkEnvelope::new(namespace))).encode(event, &mut out);
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = text.split('\n').collect();
        assert_eq!((lines.len(), lines[0]), (3, "before"), "an action and a document: {text}");
        (serde_json::from_str(lines[1]).unwrap(), serde_json::from_str(lines[2]).unwrap())
    }

    #[test]
    fn an_action_names_the_data_stream_and_the_id() {
        let observer = Observer { hostname: "h".to_owned(), version: "0".to_owned() };
        let event = stored(r#"{"id": "7"}"#);
        let (action, document) = encoded(Format::ecs(true, "prod", &observer), "prod", &event);
        let id = "ab".repeat(16);
        assert_eq!(action, serde_json::json!({"create": {"_index": "logs-hubspot.login-prod", "_id": id}}));
        assert_eq!(document["event"]["id"], id);
        assert_eq!(document["data_stream"]["dataset"], "hubspot.login");
        assert_eq!(document["data_stream"]["namespace"], "prod");
    }

    #[test]
    fn a_raw_document_has_the_events_time_unless_its_record_has_one() {
        let time = "2026-03-04T05:06:07.089Z";
        for (record, expected) in [
            (r#"{"id": "7"}"#, time),
            ("{}", time),
            ("[1,\n2]", time),
            ("\"@timestamp\"", time),
            (r#"{"inner": {"@timestamp": 1}, "text": "@timestamp"}"#, time),
            (r#"{"@timestamp": "2020-01-01T00:00:00Z"}"#, "2020-01-01T00:00:00Z"),
            ("", time),
        ] {
            let (action, document) = encoded(Format::raw(), "default", &stored(record));
            assert_eq!(action["create"]["_index"], "logs-hubspot.login-default", "{record}");
            assert_eq!(document["@timestamp"], expected, "{record}: {document}");
        }
    }
}
