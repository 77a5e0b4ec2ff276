//! What collecting a stream counts.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;

use super::{Counters, Histograms, Labels, List, Meter, POLL, histograms};
use crate::event::StreamName;

const COMPLETE: &str = "complete";
const FAILED: &str = "failed";
const REFUSED: &str = "refused";
const OUTCOMES: [&str; 3] = [COMPLETE, FAILED, REFUSED];

#[derive(Debug, Clone)]
pub(super) struct Families {
    polls: Counters,
    poll_duration: Histograms,
    records_new: Counters,
    records_known: Counters,
    events_late: Counters,
}

impl Default for Families {
    fn default() -> Self {
        Self {
            polls: Counters::default(),
            poll_duration: histograms(|| Histogram::new(POLL)),
            records_new: Counters::default(),
            records_known: Counters::default(),
            events_late: Counters::default(),
        }
    }
}

impl Families {
    pub(super) fn list(&self, list: &mut List<'_>) {
        list.add("auditferry_polls_total", "Polls by how they ended", self.polls.clone());
        list.add(
            "auditferry_poll_duration_seconds",
            "How long complete polls took",
            self.poll_duration.clone(),
        );
        list.add(
            "auditferry_records_new_total",
            "Records read that were not known before",
            self.records_new.clone(),
        );
        list.add(
            "auditferry_records_known_total",
            "Records read that were known already",
            self.records_known.clone(),
        );
        list.add(
            "auditferry_events_late_total",
            "New events from a time that had been read completely before",
            self.events_late.clone(),
        );
    }

    pub(super) fn forget(&self, name: &StreamName) {
        let labels = labels(name);
        self.poll_duration.remove(&labels);
        for counters in [&self.records_new, &self.records_known, &self.events_late] {
            counters.remove(&labels);
        }
        for outcome in OUTCOMES {
            self.polls.remove(&with_outcome(&labels, outcome));
        }
    }
}

fn labels(name: &StreamName) -> Labels {
    vec![("source", name.source.clone()), ("stream", name.stream.clone())]
}

fn with_outcome(labels: &Labels, outcome: &str) -> Labels {
    let mut labels = labels.clone();
    labels.push(("outcome", outcome.to_owned()));
    labels
}

/// The handle of one stream, for polls and reconciles alike.
#[derive(Debug, Clone)]
pub struct StreamMeter {
    polls: Counters,
    labels: Labels,
    poll_duration: Histogram,
    records_new: Counter,
    records_known: Counter,
    events_late: Counter,
}

impl StreamMeter {
    pub(super) fn new(families: &Families, name: &StreamName) -> Self {
        let labels = labels(name);
        let made = Self {
            polls: families.polls.clone(),
            poll_duration: families.poll_duration.get_or_create_owned(&labels),
            records_new: families.records_new.get_or_create_owned(&labels),
            records_known: families.records_known.get_or_create_owned(&labels),
            events_late: families.events_late.get_or_create_owned(&labels),
            labels,
        };
        for outcome in OUTCOMES {
            made.polls(outcome);
        }
        made
    }

    /// A poll came to its end.
    pub fn poll_complete(&self, took: Duration) {
        self.polls(COMPLETE).inc();
        self.poll_duration.observe(took.as_secs_f64());
    }

    /// A poll failed in passing.
    pub fn poll_failed(&self) {
        self.polls(FAILED).inc();
    }

    /// The provider refused a poll, or none was tried because it refuses.
    pub fn poll_refused(&self) {
        self.polls(REFUSED).inc();
    }

    /// Records that were read and known already.
    pub fn records_known(&self, records: u64) {
        self.records_known.inc_by(records);
    }

    /// Records that were read and are on disk now; so many of them `late`: from a time that had been read
    /// completely before.
    pub fn records_new(&self, records: u64, late: u64) {
        self.records_new.inc_by(records);
        self.events_late.inc_by(late);
    }

    fn polls(&self, outcome: &str) -> Counter {
        self.polls.get_or_create_owned(&with_outcome(&self.labels, outcome))
    }
}

impl Default for StreamMeter {
    fn default() -> Self {
        Meter::default().stream(&StreamName { source: String::new(), stream: String::new() })
    }
}
