//! What the process counts and times as it works: for `/metrics`.
//!
//! A [`Meter`] owns every series; loops write to handles of it: [`StreamMeter`], [`AccountMeter`], [`SinkMeter`],
//! [`StoreMeter`]. A handle is cheap to clone and works whether or not anybody ever reads it. Everything is
//! counted by page, request, batch or transaction, nothing by event. What the store knows anyhow is not counted
//! again here: `observe` takes it from the status.

mod account;
mod name;
mod sink;
mod store;
mod stream;

pub use account::AccountMeter;
pub use name::MetricName;
pub use sink::{DeliveryOutcome, SinkMeter};
pub use store::StoreMeter;
pub use stream::StreamMeter;

use std::fmt;
use std::sync::Arc;

use prometheus_client::encoding::text::encode_registry;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};

use crate::event::StreamName;

/// An exchange over the network, seconds: from a neighbour that answers at once (5 ms) to the 100 s after which a
/// reply is no longer awaited, in steps of two to two and a half, so that a p95 is known to about that factor.
const EXCHANGE: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0];
/// A poll, seconds: from one small page (a tenth of a second) over many pages to the hour that a first poll of a
/// large account takes at its request budget.
const POLL: [f64; 12] = [0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3_600.0];

/// Names and values of labels. The names are written here and in `observe`, the values come from the
/// configuration, or are statuses and outcomes: never a reason, a user or anything else without end.
type Labels = Vec<(&'static str, String)>;
type Counters = Family<Labels, Counter>;
type Gauges = Family<Labels, Gauge>;
type Histograms = Family<Labels, Histogram, fn() -> Histogram>;

/// Every series of the process; cheap to clone.
#[derive(Clone)]
pub struct Meter {
    registry: Arc<Registry>,
    streams: stream::Families,
    accounts: account::Families,
    sinks: sink::Families,
}

impl Meter {
    /// A meter without streams, accounts or sinks yet; the store has counted on its own from its opening on.
    pub fn new(store: &StoreMeter) -> Self {
        let (streams, accounts, sinks) = Default::default();
        let mut registry = Registry::default();
        let mut list = List(&mut registry);
        stream::Families::list(&streams, &mut list);
        account::Families::list(&accounts, &mut list);
        sink::Families::list(&sinks, &mut list);
        store.list(&mut list);
        Self { registry: Arc::new(registry), streams, accounts, sinks }
    }

    /// The handle of a stream. Its series exist from now on.
    pub fn stream(&self, name: &StreamName) -> StreamMeter {
        StreamMeter::new(&self.streams, name)
    }

    /// The handle of a source's account, and of these streams of it. Their series exist from now on, but for
    /// what only an answer tells.
    pub fn account<'a>(&self, source: &str, streams: impl IntoIterator<Item = &'a str>) -> AccountMeter {
        AccountMeter::new(&self.accounts, source, streams)
    }

    /// The handle of a sink. Its series exist from now on.
    pub fn sink(&self, name: &str) -> SinkMeter {
        SinkMeter::new(&self.sinks, name)
    }

    /// Takes away the series of a stream that is collected no longer, those of its requests too. A handle that is
    /// still used brings some back.
    pub fn forget_stream(&self, name: &StreamName) {
        self.streams.forget(name);
        self.accounts.forget_stream(name);
    }

    /// Takes away the series of an account that is asked no longer, but for those of its streams.
    pub fn forget_account(&self, source: &str) {
        self.accounts.forget(source);
    }

    /// Takes away the series of a sink that is delivered to no longer.
    pub fn forget_sink(&self, name: &str) {
        self.sinks.forget(name);
    }

    /// Writes every series in OpenMetrics' text format, without the line at its end.
    ///
    /// # Errors
    /// When `text` takes no more; a `String` always does.
    pub fn write(&self, text: &mut impl fmt::Write) -> fmt::Result {
        encode_registry(text, &self.registry)
    }
}

impl Default for Meter {
    fn default() -> Self {
        Self::new(&StoreMeter::default())
    }
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meter").finish_non_exhaustive()
    }
}

/// Where families are listed under the names that a scrape shows.
struct List<'a>(&'a mut Registry);

impl List<'_> {
    fn add(&mut self, scraped: &'static str, help: &'static str, metric: impl Metric) {
        let name = MetricName::parse(scraped);
        match name.unit {
            Some(unit) => self.0.register_with_unit(name.base, help, unit.clone(), metric),
            None => self.0.register(name.base, help, metric),
        }
    }
}

/// A family of histograms with these buckets.
fn histograms(of: fn() -> Histogram) -> Histograms {
    Family::new_with_constructor(of)
}

#[cfg(test)]
mod tests;
