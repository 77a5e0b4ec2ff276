//! What calling a provider's account counts.

use std::ops::Range;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;

use super::{Counters, EXCHANGE, Gauges, Histograms, Labels, List, Meter, histograms};
use crate::event::StreamName;

/// Where there is no HTTP status.
const NO_ANSWER: &str = "error";
/// What belongs to no stream: the account and its access tokens.
const NO_STREAM: &str = "";
/// Every status that HTTP can have: three digits.
const STATUSES: Range<u16> = 100..1000;

#[derive(Debug, Clone)]
pub(super) struct Families {
    requests: Counters,
    request_duration: Histograms,
    rate_limited: Counters,
    quota_remaining: Gauges,
    clock_skew: Gauges,
}

impl Default for Families {
    fn default() -> Self {
        Self {
            requests: Counters::default(),
            request_duration: histograms(|| Histogram::new(EXCHANGE)),
            rate_limited: Counters::default(),
            quota_remaining: Gauges::default(),
            clock_skew: Gauges::default(),
        }
    }
}

impl Families {
    pub(super) fn list(&self, list: &mut List<'_>) {
        list.add(
            "auditferry_requests_total",
            "Requests to the provider by the status of its answer",
            self.requests.clone(),
        );
        list.add(
            "auditferry_request_duration_seconds",
            "From sending a request to the last byte of its answer",
            self.request_duration.clone(),
        );
        list.add(
            "auditferry_rate_limited_total",
            "Answers of the provider that said to wait",
            self.rate_limited.clone(),
        );
        list.add(
            "auditferry_quota_remaining",
            "Requests left in the provider's window, as its last answer said",
            self.quota_remaining.clone(),
        );
        list.add(
            "auditferry_clock_skew_seconds",
            "The provider's clock minus ours, as its last answer said",
            self.clock_skew.clone(),
        );
    }

    pub(super) fn forget(&self, source: &str) {
        let labels = labels(source);
        self.rate_limited.remove(&labels);
        self.quota_remaining.remove(&labels);
        self.clock_skew.remove(&labels);
        self.forget_requests(source, NO_STREAM);
    }

    pub(super) fn forget_stream(&self, name: &StreamName) {
        self.forget_requests(&name.source, &name.stream);
    }

    /// A family does not say which statuses there were, but there are not many.
    fn forget_requests(&self, source: &str, stream: &str) {
        self.request_duration.remove(&of_stream(source, stream));
        for status in STATUSES.map(|status| status.to_string()).chain([NO_ANSWER.to_owned()]) {
            self.requests.remove(&with_status(source, stream, &status));
        }
    }
}

fn labels(source: &str) -> Labels {
    vec![("source", source.to_owned())]
}

fn of_stream(source: &str, stream: &str) -> Labels {
    vec![("source", source.to_owned()), ("stream", stream.to_owned())]
}

fn with_status(source: &str, stream: &str, status: &str) -> Labels {
    let mut labels = of_stream(source, stream);
    labels.push(("status", status.to_owned()));
    labels
}

/// The handle of one source's account.
#[derive(Debug, Clone)]
pub struct AccountMeter {
    families: Families,
    source: String,
    rate_limited: Counter,
}

impl AccountMeter {
    pub(super) fn new<'a>(
        families: &Families,
        source: &str,
        streams: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let families = families.clone();
        let source = source.to_owned();
        let rate_limited = families.rate_limited.get_or_create_owned(&labels(&source));
        let made = Self { families, source, rate_limited };
        for stream in streams.into_iter().chain([NO_STREAM]) {
            // What goes well and what fails without an answer; which other statuses there are, answers tell.
            for status in ["200", NO_ANSWER] {
                made.requests(stream, status);
            }
            made.durations(stream);
        }
        made
    }

    /// A request, for this stream or for none, was answered.
    pub fn answered(&self, stream: Option<&str>, status: u16, took: Duration) {
        let stream = stream.unwrap_or(NO_STREAM);
        self.requests(stream, &status.to_string()).inc();
        self.durations(stream).observe(took.as_secs_f64());
    }

    /// A request got no answer.
    pub fn unanswered(&self, stream: Option<&str>) {
        self.requests(stream.unwrap_or(NO_STREAM), NO_ANSWER).inc();
    }

    /// An answer said to wait.
    pub fn rate_limited(&self) {
        self.rate_limited.inc();
    }

    /// An answer said how many requests are left.
    pub fn quota_remaining(&self, requests: u64) {
        let requests = i64::try_from(requests).unwrap_or(i64::MAX);
        self.families.quota_remaining.get_or_create_owned(&labels(&self.source)).set(requests);
    }

    /// An answer told the provider's time: so many seconds ahead of ours.
    pub fn clock_skew(&self, seconds: i64) {
        self.families.clock_skew.get_or_create_owned(&labels(&self.source)).set(seconds);
    }

    fn requests(&self, stream: &str, status: &str) -> Counter {
        self.families.requests.get_or_create_owned(&with_status(&self.source, stream, status))
    }

    fn durations(&self, stream: &str) -> Histogram {
        self.families.request_duration.get_or_create_owned(&of_stream(&self.source, stream))
    }
}

impl Default for AccountMeter {
    fn default() -> Self {
        Meter::default().account("", [])
    }
}
