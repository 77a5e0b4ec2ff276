//! Open Cybersecurity Schema Framework (<https://schema.ocsf.io>).
//!
//! Class and activity follow from [`Activity`](crate::event::Activity) (`class`), the objects that a class is
//! about from the fields of the event (`subject`, `object`). What a version or class has no place for stands in `unmapped` under its name in ECS, the
//! provider's record included.

mod class;
mod object;
mod subject;

use serde_json::{Map, Value, json};

use self::class::{Class, Entry, OTHER};
use super::{Detail, Observer, dataset, push_json, push_on_one_line, push_text, trimmed};
use crate::event::{Event, Outcome, Severity, StoredEvent};

/// Which version of the schema an event is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OcsfVersion {
    /// 1.3.0.
    V1_3,
    /// 1.9.0.
    V1_9,
}

impl OcsfVersion {
    /// `metadata.version`.
    fn name(self) -> &'static str {
        match self {
            Self::V1_3 => "1.3.0",
            Self::V1_9 => "1.9.0",
        }
    }
}

/// Writes events as objects of OCSF.
#[derive(Debug, Clone)]
pub struct OcsfEncoder {
    version: OcsfVersion,
    include_original: bool,
    observer: Observer,
}

/// An event, and what it becomes.
struct Mapping<'a> {
    version: OcsfVersion,
    observer: &'a Observer,
    stored: &'a StoredEvent,
    event: &'a Event,
    entry: Entry,
    actor: Option<Value>,
    source: Option<Value>,
    detail: Detail,
}

impl OcsfEncoder {
    /// An encoder that writes `raw_data` only when `include_original` says so (or when the record is not an
    /// object and would stand nowhere else).
    pub fn new(version: OcsfVersion, include_original: bool, observer: &Observer) -> Self {
        Self { version, include_original, observer: observer.clone() }
    }

    /// Appends the event to `out`, without a line feed.
    pub(super) fn encode(&self, stored: &StoredEvent, detail: Detail, out: &mut Vec<u8>) {
        let event = stored.event();
        let (mut members, unmapped) = Mapping::new(self, stored, &event, detail).members();
        let record = trimmed(&stored.original);
        let is_object = record.starts_with('{');
        out.reserve(3000 + 3 * record.len());

        remove_empty(&mut members);
        push_open(&members, out);
        if !record.is_empty() && (self.include_original || !is_object) && detail == Detail::Full {
            out.extend_from_slice(b",\"raw_data\":");
            push_text(&stored.original, out);
        }
        out.extend_from_slice(b",\"unmapped\":");
        push_open(&unmapped, out);
        // As it is: a number too long for a float stays what it was.
        if is_object && detail != Detail::WithoutRecord {
            out.push(b',');
            push_json(module(stored), out);
            out.push(b':');
            push_on_one_line(record, out);
        }
        out.extend_from_slice(b"}}");
    }
}

impl<'a> Mapping<'a> {
    fn new(encoder: &'a OcsfEncoder, stored: &'a StoredEvent, event: &'a Event, detail: Detail) -> Self {
        let actor = object::actor(event);
        let source = event.source.as_ref().and_then(object::endpoint);
        let mut entry = class::entry_of(event.auditferry.activity, encoder.version);
        if entry.class == Class::ApiActivity && (actor.is_none() || source.is_none()) {
            // It wants to know both.
            entry = class::other(Class::BaseEvent);
        }
        Self {
            version: encoder.version,
            observer: &encoder.observer,
            stored,
            event,
            actor: actor.filter(|_| entry.class.has_actor(encoder.version)),
            source: source.filter(|_| entry.class.has_source()),
            entry,
            detail,
        }
    }

    /// The event but for its record: the members that the schema has, and `unmapped`.
    fn members(&self) -> (Value, Value) {
        let Self { event, entry, .. } = self;
        let Entry { class, id, name } = *entry;
        let (category_uid, category_name) = class.category();
        let (severity_id, severity) = severity(event.event.severity);
        let (status_id, status) = status(event.event.outcome);
        let mut members = json!({
            "category_uid": category_uid,
            "category_name": category_name,
            "class_uid": class.uid(),
            "class_name": class.name(),
            "activity_id": id,
            "activity_name": if id == OTHER { &event.event.action } else { name },
            "type_uid": class.uid() * 100 + id,
            "type_name": format!("{}: {name}", class.name()),
            "severity_id": severity_id,
            "severity": severity,
            "status_id": status_id,
            "status": status,
            "status_detail": event.event.reason,
            "time": event.timestamp.as_millisecond(),
            "message": event.message,
            "metadata": self.metadata(),
            "actor": {"user": self.actor},
            "src_endpoint": self.source,
            "http_request": {"user_agent": self.user_agent()},
        });
        let subject = self.subject();
        let mut unmapped = self.unmapped(subject.has_target);
        for (name, value) in subject.members {
            members[name] = value;
        }
        // Taken in for a moment: what stands there can be pivoted on too.
        members["unmapped"] = unmapped.take();
        let observables = object::observables(&members);
        unmapped = members["unmapped"].take();
        members["observables"] = Value::Array(observables);
        (members, unmapped)
    }

    fn metadata(&self) -> Value {
        let Self { event, stored, .. } = self;
        let created = event.event.created.as_millisecond();
        let is_truncated = self.detail != Detail::Full;
        let mut labels: Vec<&str> = event.tags.iter().map(String::as_str).collect();
        if is_truncated && self.version == OcsfVersion::V1_3 {
            // `is_truncated` came later.
            labels.push("truncated");
        }
        let is_host = self.actor.is_some() && self.entry.class != Class::ApiActivity;
        json!({
            "version": self.version.name(),
            // `actor` is that profile's in most classes.
            "profiles": if is_host { vec!["host"] } else { Vec::new() },
            "product": self.product(),
            "uid": stored.id,
            "event_code": event.event.code.as_ref().unwrap_or(&event.event.action),
            "log_name": dataset(&stored.core),
            "log_provider": "auditferry",
            "logged_time": created,
            "loggers": [object::logger(self.observer, created)],
            "sequence": stored.sequence,
            "tenant_uid": event.organization.as_ref().map(|account| &account.id),
            "labels": labels,
            "is_truncated": (is_truncated && self.version == OcsfVersion::V1_9).then_some(true),
        })
    }

    /// `product`: what reports the event, by the name that this program has for it.
    fn product(&self) -> Value {
        match module(self.stored) {
            "auditferry" => object::auditferry(self.observer),
            "" => json!({"name": object::UNKNOWN, "vendor_name": object::UNKNOWN}),
            module => json!({"name": module, "vendor_name": module}),
        }
    }

    fn user_agent(&self) -> Option<&str> {
        let agent = self.event.user_agent.as_ref().filter(|_| self.entry.class.has_source());
        agent.map(|agent| agent.original.as_str())
    }

    /// What has no place elsewhere, under its names in ECS.
    fn unmapped(&self, has_target: bool) -> Value {
        let Self { event, .. } = self;
        let mut unmapped = Map::new();
        let mut keep = |name: &str, value: Value| unmapped.insert(name.to_owned(), value);
        keep("auditferry", json!(event.auditferry));
        keep("event", json!({"kind": event.event.kind, "action": event.event.action}));
        if let Some(error) = &event.error {
            keep("error", json!(error));
        }
        if let Some(account) = event.organization.as_ref().filter(|account| account.name.is_some()) {
            keep("organization", json!(account));
        }
        if let Some(user) = &event.user {
            if self.actor.is_none() {
                keep("user", json!(user));
            } else if let Some(target) = user.target.as_ref().filter(|_| !has_target) {
                keep("user", json!({"target": target}));
            }
        }
        if let Some(origin) = &event.source {
            let has_place = origin.geo.as_ref().is_none_or(|geo| object::location(geo).is_some());
            if self.source.is_none() || !has_place {
                keep("source", json!(origin));
            }
        }
        if let Some(agent) = event.user_agent.as_ref().filter(|_| !self.entry.class.has_source()) {
            keep("user_agent", json!(agent));
        }
        Value::Object(unmapped)
    }
}

/// `severity_id` and `severity`.
fn severity(severity: Severity) -> (u8, &'static str) {
    match severity {
        Severity::Informational => (1, "Informational"),
        Severity::Low => (2, "Low"),
        Severity::Medium => (3, "Medium"),
        Severity::High => (4, "High"),
        Severity::Critical => (5, "Critical"),
    }
}

/// `status_id` and `status`.
fn status(outcome: Option<Outcome>) -> (u8, &'static str) {
    match outcome {
        Some(Outcome::Success) => (1, "Success"),
        Some(Outcome::Failure) => (2, "Failure"),
        Some(Outcome::Unknown) | None => (0, "Unknown"),
    }
}

/// `event.module`, which the dataset starts with.
fn module(stored: &StoredEvent) -> &str {
    dataset(&stored.core).split('.').next().unwrap_or_default()
}

/// Takes out what says nothing: `null`, `{}` and `[]`, from the innermost on.
fn remove_empty(value: &mut Value) {
    let is_empty = |value: &Value| match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    };
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(remove_empty);
            members.retain(|_, value| !is_empty(value));
        }
        Value::Array(items) => {
            items.iter_mut().for_each(remove_empty);
            items.retain(|item| !is_empty(item));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Appends an object that is not empty, without its closing brace.
fn push_open(object: &Value, out: &mut Vec<u8>) {
    push_json(object, out);
    out.pop();
}

#[cfg(test)]
mod tests;
