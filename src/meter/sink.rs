//! What delivering to a sink counts.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;

use super::{Counters, EXCHANGE, Histograms, Labels, List, Meter, histograms};

/// How a delivery, one batch or a part of one, ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// The receiver took every event.
    Accepted,
    /// It took some of them.
    Partly,
    /// None, in passing.
    Retried,
    /// None: it refuses us.
    Held,
    /// None: at least one event is bad.
    Refused,
}

impl DeliveryOutcome {
    const ALL: [Self; 5] = [Self::Accepted, Self::Partly, Self::Retried, Self::Held, Self::Refused];

    fn label(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Partly => "partly",
            Self::Retried => "retried",
            Self::Held => "held",
            Self::Refused => "refused",
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Families {
    deliveries: Counters,
    delivery_duration: Histograms,
    events_retried: Counters,
    events_dead_lettered: Counters,
}

impl Default for Families {
    fn default() -> Self {
        Self {
            deliveries: Counters::default(),
            delivery_duration: histograms(|| Histogram::new(EXCHANGE)),
            events_retried: Counters::default(),
            events_dead_lettered: Counters::default(),
        }
    }
}

impl Families {
    pub(super) fn list(&self, list: &mut List<'_>) {
        list.add("auditferry_deliveries_total", "Deliveries by how they ended", self.deliveries.clone());
        list.add(
            "auditferry_delivery_duration_seconds",
            "From sending a batch to the receiver's verdict",
            self.delivery_duration.clone(),
        );
        list.add(
            "auditferry_events_retried_total",
            "Events that have to be sent again, each time",
            self.events_retried.clone(),
        );
        list.add(
            "auditferry_events_dead_lettered_total",
            "Events that the receiver refused for good",
            self.events_dead_lettered.clone(),
        );
    }

    pub(super) fn forget(&self, sink: &str) {
        let labels = labels(sink);
        self.delivery_duration.remove(&labels);
        self.events_retried.remove(&labels);
        self.events_dead_lettered.remove(&labels);
        for outcome in DeliveryOutcome::ALL {
            self.deliveries.remove(&with_outcome(sink, outcome));
        }
    }
}

fn labels(sink: &str) -> Labels {
    vec![("sink", sink.to_owned())]
}

fn with_outcome(sink: &str, outcome: DeliveryOutcome) -> Labels {
    vec![("sink", sink.to_owned()), ("outcome", outcome.label().to_owned())]
}

/// The handle of one sink.
#[derive(Debug, Clone)]
pub struct SinkMeter {
    deliveries: Counters,
    sink: String,
    delivery_duration: Histogram,
    events_retried: Counter,
    events_dead_lettered: Counter,
}

impl SinkMeter {
    pub(super) fn new(families: &Families, sink: &str) -> Self {
        let sink = sink.to_owned();
        let labels = labels(&sink);
        let made = Self {
            deliveries: families.deliveries.clone(),
            sink,
            delivery_duration: families.delivery_duration.get_or_create_owned(&labels),
            events_retried: families.events_retried.get_or_create_owned(&labels),
            events_dead_lettered: families.events_dead_lettered.get_or_create_owned(&labels),
        };
        for outcome in DeliveryOutcome::ALL {
            made.deliveries(outcome);
        }
        made
    }

    /// A delivery ended; so many of its events have to be sent again.
    pub fn delivered(&self, outcome: DeliveryOutcome, again: u64, took: Duration) {
        self.deliveries(outcome).inc();
        self.events_retried.inc_by(again);
        self.delivery_duration.observe(took.as_secs_f64());
    }

    /// So many events became dead letters.
    pub fn dead_lettered(&self, events: u64) {
        self.events_dead_lettered.inc_by(events);
    }

    fn deliveries(&self, outcome: DeliveryOutcome) -> Counter {
        self.deliveries.get_or_create_owned(&with_outcome(&self.sink, outcome))
    }
}

impl Default for SinkMeter {
    fn default() -> Self {
        Meter::default().sink("")
    }
}
