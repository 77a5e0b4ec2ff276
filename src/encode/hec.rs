//! The envelope of Splunk's HTTP Event Collector.

use std::io::Write as _;

use super::{Detail, Format, Observer, dataset, push_json, timestamp};
use crate::event::StoredEvent;

/// `{"time":…,"host":…,"source":…,"sourcetype":…,"index":…,"fields":{…},"event":…}`.
///
/// `fields` is flat, as the collector wants it, and the same in every format: `event_id`, `event_sequence` and
/// `event_dataset` are indexed and can be searched without a look into the event.
#[derive(Debug, Clone)]
pub struct HecEnvelope {
    /// `,"host":…`, the observer's name.
    host: Vec<u8>,
    /// `,"sourcetype":…`; empty where it is that of the dataset or format.
    sourcetype: Vec<u8>,
    /// `,"index":…`; empty where the token has one.
    index: Vec<u8>,
}

impl HecEnvelope {
    /// An envelope with this index and sourcetype; without them, the token's index and the dataset's sourcetype,
    /// which is the dataset with `:` for `.` (`hubspot:audit_logs`). Events of OCSF have `auditferry:ocsf`:
    /// whoever searches by a dataset's sourcetype counts on the fields of ECS.
    pub fn new(index: Option<&str>, sourcetype: Option<&str>, observer: &Observer) -> Self {
        let member = |name: &str, value: Option<&str>| {
            let mut member = Vec::new();
            if let Some(value) = value {
                member.extend_from_slice(name.as_bytes());
                push_json(value, &mut member);
            }
            member
        };
        Self {
            host: member(",\"host\":", Some(&observer.hostname)),
            sourcetype: member(",\"sourcetype\":", sourcetype),
            index: member(",\"index\":", index),
        }
    }

    /// Appends the event to `out`, without a line feed at the end.
    pub(super) fn encode(&self, format: &Format, event: &StoredEvent, out: &mut Vec<u8>) {
        let dataset = dataset(&event.core);
        out.extend_from_slice(b"{\"time\":");
        push_epoch(timestamp(&event.core), out);
        out.extend_from_slice(&self.host);
        out.extend_from_slice(b",\"source\":");
        push_json(&format_args!("{}:{}", source(format), event.stream.source), out);
        out.extend_from_slice(&self.sourcetype);
        if self.sourcetype.is_empty() {
            out.extend_from_slice(b",\"sourcetype\":");
            match format {
                Format::Ocsf(_) => push_json("auditferry:ocsf", out),
                Format::Ecs(_) | Format::Cef(_) | Format::Leef(_) | Format::Raw(_) => {
                    push_json(&dataset.replace('.', ":"), out);
                }
            }
        }
        out.extend_from_slice(&self.index);
        out.extend_from_slice(b",\"fields\":{\"event_id\":");
        push_json(&event.id, out);
        out.extend_from_slice(b",\"event_sequence\":");
        push_json(&format_args!("{}", event.sequence), out);
        out.extend_from_slice(b",\"event_dataset\":");
        push_json(dataset, out);
        out.extend_from_slice(b"},\"event\":");
        format.encode(event, Detail::Full, out);
        out.push(b'}');
    }
}

/// What `source` begins with. The add-on for Splunk finds the fields of ECS by it, and makes others of them: in
/// another format the same names mean something else.
fn source(format: &Format) -> &'static str {
    match format {
        Format::Ecs(_) => "auditferry",
        Format::Ocsf(_) => "auditferry_ocsf",
        Format::Cef(_) | Format::Leef(_) | Format::Raw(_) => "auditferry_raw",
    }
}

/// Appends seconds since 1970 with three decimals, all of them exact: a binary fraction would not be.
fn push_epoch(timestamp: &str, out: &mut Vec<u8>) {
    // A core always has its time; should one not, 1970 shows it, where no time at all would look like now.
    let millis = timestamp.parse::<jiff::Timestamp>().map_or(0, jiff::Timestamp::as_millisecond);
    let sign = if millis < 0 { "-" } else { "" };
    let (seconds, rest) = (millis.unsigned_abs() / 1_000, millis.unsigned_abs() % 1_000);
    // Writing into memory can't fail.
    let _ = write!(out, "{sign}{seconds}.{rest:03}");
}

#[cfg(test)]
mod tests;
