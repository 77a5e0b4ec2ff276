//! What a provider shows, counted by day, each event once.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;

use crate::event::EventId;
use crate::store::{JobDay, day_of};

/// Counts the events of one walk.
#[derive(Debug)]
pub(super) struct Tally {
    /// Only events of this time count: neighbouring windows overlap.
    range: Range<Timestamp>,
    /// A part of each id, which is a digest: paging may show one event twice. Eight bytes an event, and as many of
    /// them as one walk has rows.
    seen: HashSet<u64>,
    days: BTreeMap<i64, JobDay>,
    /// Counts on while the walk goes on, for whoever waits for its end.
    read: Arc<AtomicU64>,
}

impl Tally {
    pub(super) fn new(range: Range<Timestamp>, read: Arc<AtomicU64>) -> Self {
        Self { range, seen: HashSet::new(), days: BTreeMap::new(), read }
    }

    /// Takes one event down; `is_known`: it was collected before.
    pub(super) fn count(&mut self, id: &EventId, time: Option<Timestamp>, is_known: bool) {
        let Some(time) = time.filter(|time| self.range.contains(time)) else { return };
        let [a, b, c, d, e, f, g, h, ..] = *id.as_bytes();
        if !self.seen.insert(u64::from_be_bytes([a, b, c, d, e, f, g, h])) {
            return;
        }
        self.read.fetch_add(1, Ordering::Relaxed);
        let day = self.day(day_of(time));
        day.shown += 1;
        if is_known { day.known += 1 } else { day.found += 1 }
    }

    /// So many events of this day were collected before the walk.
    pub(super) fn collected(&mut self, day: i64, events: u64) {
        self.day(day).collected += events;
    }

    /// From this time on it is not certain how many equal rows there are.
    pub(super) fn doubt(&mut self, from: Timestamp) {
        self.days.range_mut(day_of(from)..).for_each(|(_, day)| day.doubtful = true);
    }

    pub(super) fn into_days(self) -> Vec<JobDay> {
        self.days.into_values().collect()
    }

    fn day(&mut self, day: i64) -> &mut JobDay {
        self.days.entry(day).or_insert(JobDay { day, ..JobDay::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_counts_once_on_its_own_day_and_only_within_the_range() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let range = at("2026-03-01T06:00:00Z")..at("2026-03-02T06:00:00Z");
        let read = Arc::new(AtomicU64::new(0));
        let mut tally = Tally::new(range, Arc::clone(&read));
        let id = |number| EventId::from_bytes([number; 16]);
        for (number, time, is_known) in [
            (1, "2026-03-01T05:59:59Z", true),
            (2, "2026-03-01T06:00:00Z", true),
            (2, "2026-03-01T06:00:00Z", false),
            (3, "2026-03-01T23:59:59Z", false),
            (4, "2026-03-02T05:59:59Z", false),
            (5, "2026-03-02T06:00:00Z", false),
        ] {
            tally.count(&id(number), Some(at(time)), is_known);
        }
        tally.count(&id(6), None, false);
        let first = day_of(at("2026-03-01T00:00:00Z"));
        tally.collected(first, 4);
        tally.doubt(at("2026-03-02T00:00:00Z"));
        let day = JobDay { day: first, shown: 2, known: 1, collected: 4, found: 1, doubtful: false };
        let next = JobDay { day: first + 1, shown: 1, known: 0, collected: 0, found: 1, doubtful: true };
        assert_eq!(tally.into_days(), [day, next]);
        assert_eq!(read.load(Ordering::Relaxed), 3);
    }
}
