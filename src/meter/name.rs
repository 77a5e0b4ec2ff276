//! Names of metrics: written everywhere as a scrape shows them, so that a search finds them.

use prometheus_client::registry::Unit;

/// A metric's name in its parts.
#[derive(Debug, Clone)]
pub struct MetricName {
    /// Without unit and without `_total`.
    pub base: &'static str,
    /// The base unit that the name ends with.
    pub unit: Option<&'static Unit>,
    /// Whether it is a counter: its series end in `_total`.
    pub is_counter: bool,
}

impl MetricName {
    /// The parts of a name such as `process_cpu_seconds_total`.
    pub fn parse(scraped: &'static str) -> Self {
        let (name, is_counter) = match scraped.strip_suffix("_total") {
            Some(name) => (name, true),
            None => (scraped, false),
        };
        let units = [("_seconds", &Unit::Seconds), ("_bytes", &Unit::Bytes)];
        let found = units.into_iter().find_map(|(suffix, unit)| Some((name.strip_suffix(suffix)?, unit)));
        match found {
            Some((base, unit)) => Self { base, unit: Some(unit), is_counter },
            None => Self { base: name, unit: None, is_counter },
        }
    }
}
