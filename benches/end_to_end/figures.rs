//! What was measured: a line per run, the medians at the end.

use std::fmt;

use serde_json::{Value, json};

use crate::arguments::Arguments;

/// What one run came to.
pub(crate) struct Figures {
    /// From the start of the program to the last event at the receiver.
    pub(crate) seconds: f64,
    /// The same from the first request to the API.
    pub(crate) steady_seconds: f64,
    pub(crate) events: u64,
    /// User and system, until the last event.
    pub(crate) cpu_seconds: f64,
    pub(crate) peak_mib: f64,
    /// Resident, a few seconds later.
    pub(crate) idle_mib: f64,
    /// Caused to be written to storage.
    pub(crate) written_mb: f64,
    /// In the state directory, after a clean stop.
    pub(crate) state_mb: f64,
    pub(crate) api_requests: u64,
    pub(crate) sink_requests: u64,
    pub(crate) threads: u64,
}

impl Figures {
    /// Each with its name and how many digits behind the point say something.
    fn named(&self) -> [(&'static str, f64, usize); 11] {
        let count = |number: u64| millions(number * 1_000_000);
        [
            ("events_per_s", count(self.events) / self.seconds, 0),
            ("steady_events_per_s", count(self.events) / self.steady_seconds, 0),
            ("ready_s", self.seconds - self.steady_seconds, 3),
            ("cpu_s", self.cpu_seconds, 2),
            ("peak_rss_mib", self.peak_mib, 1),
            ("idle_rss_mib", self.idle_mib, 1),
            ("written_mb", self.written_mb, 0),
            ("state_mb", self.state_mb, 0),
            ("api_requests", count(self.api_requests), 0),
            ("sink_requests", count(self.sink_requests), 0),
            ("threads", count(self.threads), 0),
        ]
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value, digits) in self.named() {
            write!(f, "{name} {value:.digits$}  ")?;
        }
        Ok(())
    }
}

/// All runs.
pub(crate) struct Summary {
    arguments: Arguments,
    runs: Vec<Figures>,
}

impl Summary {
    pub(crate) fn new(arguments: &Arguments) -> Self {
        Self { arguments: arguments.clone(), runs: Vec::new() }
    }

    pub(crate) fn add(&mut self, run: Figures) {
        self.runs.push(run);
    }

    /// Name, least, median, most and digits of every figure.
    fn spread(&self) -> Vec<(&'static str, [f64; 3], usize)> {
        let Some(first) = self.runs.first() else { return Vec::new() };
        let columns = first.named().into_iter().enumerate().map(|(column, (name, _, digits))| {
            let mut values: Vec<f64> = self.runs.iter().map(|run| run.named()[column].1).collect();
            values.sort_by(f64::total_cmp);
            let middle = (values[(values.len() - 1) / 2] + values[values.len() / 2]) / 2.0;
            (name, [values[0], middle, values[values.len() - 1]], digits)
        });
        columns.collect()
    }

    /// One line for scripts.
    pub(crate) fn to_json(&self) -> Value {
        let Arguments { events, days, delay_ms, .. } = self.arguments;
        let mut line = json!({
            "bench": "end_to_end", "events": events, "days": days, "delay_ms": delay_ms, "runs": self.runs.len(),
        });
        for (name, [_, median, _], digits) in self.spread() {
            let rounded = format!("{median:.digits$}");
            line[name] = serde_json::from_str(&rounded).unwrap_or(Value::Null);
        }
        line
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:22}{:>12}{:>12}{:>12}", "", "least", "median", "most")?;
        for (name, [least, median, most], digits) in self.spread() {
            writeln!(f, "{name:22}{least:12.digits$}{median:12.digits$}{most:12.digits$}")?;
        }
        Ok(())
    }
}

/// In millions, exact to six digits behind the point.
#[allow(clippy::cast_precision_loss, reason = "counts and sizes here are far below 2^52")]
pub(crate) fn millions(number: u64) -> f64 {
    number as f64 / 1e6
}
