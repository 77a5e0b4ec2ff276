//! The event: what the two halves of the program exchange through the store.
//!
//! A provider turns a record into an [`Event`]; the collector gives it an [`EventId`] and hands a
//! [`NewEvent`] to the store; the store gives it its sequence and keeps a [`StoredEvent`]; an encoder
//! turns that into the bytes that a sink sends.

mod activity;
mod ecs;
mod identity;
mod own;
mod sensitive;

pub use activity::{Activity, EcsClass, Severity};
pub use ecs::{
    Account, AuditFerry, Device, ECS_VERSION, Error, Event, EventFields, Geo, Kind, Object, OperatingSystem,
    Origin, Outcome, Related, User, UserAgent, Word,
};
pub use identity::{EventId, IdentityFields, IdentityScope, InvalidEventId};
pub use own::{OWN_SOURCE, OWN_STREAM, OwnEvent};
pub use sensitive::{SensitiveField, Treatment};

use std::sync::Arc;

use jiff::Timestamp;

/// Which log of which configured account an event comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamName {
    /// The source's name in the configuration; `auditferry` for the daemon's own events.
    pub source: String,
    /// The stream of that source: `audit_logs`, `login`, `security`, `activities`, `service`.
    pub stream: String,
}

impl std::fmt::Display for StreamName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.source, self.stream)
    }
}

/// An event that a collector hands to the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// The same for the same event for ever.
    pub id: EventId,
    /// When it happened; `None` for a record that does not say so in a form anybody can read.
    pub time: Option<Timestamp>,
    /// [`Event::to_core`].
    pub core: String,
    /// The provider's record, byte for byte; empty for the daemon's own events.
    pub original: String,
}

/// An event as the store keeps it, ready for any encoder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its place in the spool, over all streams.
    pub position: i64,
    /// Where it comes from.
    pub stream: Arc<StreamName>,
    /// Counts 1, 2, 3 … without a hole within its stream, in order of collection.
    pub sequence: i64,
    /// The same for the same event for ever.
    pub id: EventId,
    /// [`Event::to_core`]: a JSON object whose last member is `event`.
    pub core: Box<str>,
    /// The provider's record, byte for byte; empty for the daemon's own events.
    pub original: Box<str>,
}

impl StoredEvent {
    /// What the core says, for formats that are not its own JSON. A core that can't be read, which this program
    /// never writes, becomes a `pipeline_error` with the event's identity.
    pub fn event(&self) -> Event {
        serde_json::from_str(&self.core).unwrap_or_else(|error| {
            let at = Timestamp::UNIX_EPOCH;
            let activity = Activity::Unknown;
            let mut event = Event::new(self.id, &self.stream, activity, at, at);
            event.event.kind = Kind::PipelineError;
            event.error = Some(Error { message: format!("the stored event can't be read: {error}") });
            event
        })
    }

    /// Bytes that it takes in the spool, without the database's own overhead.
    pub fn size(&self) -> usize {
        self.core.len() + self.original.len()
    }
}
