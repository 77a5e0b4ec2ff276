//! What the mapping does not know: counted, and named once in the log, so that somebody can add it to a table.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::event::{Activity, Event, Kind};

/// Names kept of one stream, so that a provider gone mad fills neither memory nor log.
const MOST_NAMES: usize = 100;
/// Bytes of a name in the log. The longest that is documented has 49.
const LONGEST_NAME: usize = 80;

/// Of one stream since the process started; polling and reconciling count in the same one.
#[derive(Debug, Default)]
pub struct Unmapped {
    events: AtomicU64,
    records: AtomicU64,
    named: Mutex<BTreeSet<String>>,
}

/// The counts at one instant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UnmappedCounts {
    /// New events whose type, category or action this version does not know.
    pub events: u64,
    /// New records that could not be read, wholly or in part (`event.kind` = `pipeline_error`).
    pub records: u64,
}

impl Unmapped {
    /// The counts so far.
    pub fn counts(&self) -> UnmappedCounts {
        UnmappedCounts {
            events: self.events.load(Ordering::Relaxed),
            records: self.records.load(Ordering::Relaxed),
        }
    }

    /// Looks at an event that was not known before.
    pub(super) fn note(&self, event: &Event) {
        if event.event.kind == Kind::PipelineError {
            self.records.fetch_add(1, Ordering::Relaxed);
        } else if event.auditferry.activity == Activity::Unknown {
            self.events.fetch_add(1, Ordering::Relaxed);
            if let Some(action) = self.first_seen(&event.event.action) {
                tracing::info!(
                    code = "action-unknown",
                    source = event.auditferry.source,
                    stream = %event.auditferry.stream,
                    action,
                    "the provider has an action that this version does not know: its events have no category"
                );
            }
        }
    }

    /// The name, shortened, when it is new. An action holds letters, digits and hyphens alone.
    fn first_seen<'a>(&self, action: &'a str) -> Option<&'a str> {
        let name = action.get(..action.floor_char_boundary(LONGEST_NAME)).unwrap_or_default();
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = named.len() < MOST_NAMES && !named.contains(name) && named.insert(name.to_owned());
        is_new.then_some(name)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::event::{EventId, StreamName};

    fn event(activity: Activity, kind: Kind) -> Event {
        let stream = StreamName { source: "crm".to_owned(), stream: "security".to_owned() };
        let at = Timestamp::UNIX_EPOCH;
        let mut event = Event::new(EventId::from_bytes([0; 16]), &stream, activity, at, at);
        event.event.kind = kind;
        event
    }

    #[test]
    fn what_is_not_known_and_what_is_not_readable_are_counted_apart() {
        let unmapped = Unmapped::default();
        for (activity, kind) in [
            (Activity::Unknown, Kind::Event),
            (Activity::Unknown, Kind::PipelineError),
            (Activity::Login, Kind::PipelineError),
            (Activity::Login, Kind::Event),
            (Activity::Other, Kind::Event),
            (Activity::Mirrored, Kind::Event),
        ] {
            unmapped.note(&event(activity, kind));
        }
        assert_eq!(unmapped.counts(), UnmappedCounts { events: 1, records: 2 });
    }

    #[test]
    fn a_name_is_told_once_shortened_and_only_so_many() {
        let unmapped = Unmapped::default();
        let long = format!("{}é", "x".repeat(LONGEST_NAME - 1));
        assert_eq!(unmapped.first_seen(&long), Some(&*"x".repeat(LONGEST_NAME - 1)));
        assert_eq!(unmapped.first_seen(&long), None);
        let told = (0..1_000).filter(|at| unmapped.first_seen(&format!("action-{at}")).is_some()).count();
        assert_eq!(told, MOST_NAMES - 1);
    }
}
