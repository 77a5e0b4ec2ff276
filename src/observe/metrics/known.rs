//! The metrics that are read from the status and from `/proc`, as tables.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, EncodeLabelSet, EncodeMetric, MetricEncoder,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use serde::Serialize;

use super::process::Reading;
use crate::meter::MetricName;
use crate::observe::health::reasons;
use crate::observe::status::{ProblemCode, SinkCondition, SinkStatus, Status, StreamCondition, StreamStatus};

/// A metric: its name as it is scraped, its help, and its value.
type Row<T, V> = (&'static str, &'static str, fn(&T) -> V);
/// What is not known is absent.
type Known = Option<u64>;

#[rustfmt::skip]
const WHOLE: [Row<Status, u64>; 4] = [
    ("auditferry_spool_used_bytes", "Bytes of events that a sink has still to take", |it| it.spool.used_bytes),
    ("auditferry_spool_max_bytes", "Bytes at which polling pauses", |it| it.spool.max_bytes),
    ("auditferry_spool_full", "Whether polling pauses for want of room", |it| u64::from(it.spool.full)),
    ("auditferry_store_size_bytes", "Bytes of the database and its log on disk", |it| it.store.size_bytes),
];

#[rustfmt::skip]
const STREAMS: [Row<StreamStatus, Known>; 12] = [
    ("auditferry_events_collected_total", "Events ever collected", |it| Some(it.events)),
    ("auditferry_events_unmapped_total", "New events of a kind that this version does not know", |it| it.unmapped_events),
    ("auditferry_records_unreadable_total", "New records that could not be read, wholly or in part", |it| it.unreadable_records),
    ("auditferry_lag_seconds", "Since the instant up to which the provider was read completely", |it| it.lag_seconds),
    ("auditferry_newest_event_timestamp_seconds", "When the newest event collected happened, since 1970", |it| unix(it.newest_event)),
    ("auditferry_complete_to_timestamp_seconds", "Up to when the provider was read completely, since 1970", |it| unix(it.complete_to)),
    ("auditferry_last_success_timestamp_seconds", "When the last complete poll began, since 1970", |it| unix(it.last_success)),
    ("auditferry_last_reconcile_timestamp_seconds", "When the last complete reconcile began, since 1970", |it| unix(it.reconciled)),
    ("auditferry_poll_interval_seconds", "Between two polls, as configured", |it| Some(it.poll_interval_seconds)),
    ("auditferry_horizon_seconds", "How far back the provider remembers", |it| Some(it.horizon_seconds)),
    ("auditferry_horizon_remaining_seconds", "Until the provider forgets what is not collected", |it| it.horizon_remaining_seconds),
    ("auditferry_gaps_total", "Parts that can't be collected any more", |it| u64::try_from(it.gaps).ok()),
];

#[rustfmt::skip]
const SINKS: [Row<SinkStatus, Known>; 6] = [
    ("auditferry_events_delivered_total", "Events that the receiver has accepted", |it| Some(it.delivered)),
    ("auditferry_dead_letters", "Events refused for good that are kept now", |it| Some(it.dead_letters)),
    ("auditferry_sink_waiting_events", "Events that wait for the sink", |it| Some(it.waiting)),
    ("auditferry_sink_waiting_bytes", "Bytes from the oldest of them to the end of the spool", |it| Some(it.waiting_bytes)),
    ("auditferry_sink_oldest_waiting_seconds", "Since the oldest of them was collected, 0 when nothing waits", |it| Some(it.oldest_waiting_seconds.unwrap_or(0))),
    ("auditferry_sink_last_success_timestamp_seconds", "When the receiver accepted events last, since 1970", |it| unix(it.last_success)),
];

const STREAM_STATES: [StreamCondition; 4] =
    [StreamCondition::Working, StreamCondition::Failing, StreamCondition::Held, StreamCondition::NeverPolled];

const SINK_STATES: [SinkCondition; 3] =
    [SinkCondition::Working, SinkCondition::Retrying, SinkCondition::Held];

/// Everything that is not the meter's, at one scrape.
#[derive(Debug)]
pub(super) struct Scrape {
    /// Or why the store can't be read.
    pub(super) status: Arc<Result<Status, String>>,
    pub(super) process: Vec<Reading>,
}

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let encoder = &mut encoder;
        let version = ([("version", env!("CARGO_PKG_VERSION"))], 1_u64);
        many(encoder, "auditferry_build_info", "The program's version", [version])?;
        let ready = self.status.as_ref().as_ref().is_ok_and(|status| reasons(status).is_empty());
        one(encoder, "auditferry_ready", "Whether /readyz says that it is ready", u64::from(ready))?;
        match &*self.status {
            Ok(status) => write_status(encoder, status)?,
            // That much is known.
            Err(_) => write_problems(encoder, &[(ProblemCode::StoreFailing, 1)])?,
        }
        for (name, help, value) in &self.process {
            one(encoder, name, help, *value)?;
        }
        Ok(())
    }
}

fn write_status(encoder: &mut DescriptorEncoder<'_>, status: &Status) -> fmt::Result {
    let problems = ProblemCode::ALL
        .map(|code| (code, status.problems.iter().filter(|problem| problem.code == code).count() as u64));
    write_problems(encoder, &problems)?;
    for (name, help, value) in WHOLE {
        one(encoder, name, help, value(status))?;
    }
    let of = |stream: &StreamStatus| [("source", stream.source.clone()), ("stream", stream.stream.clone())];
    rows(encoder, &STREAMS, &status.streams, of)?;
    let states = status.streams.iter().flat_map(|stream| {
        let [source, name] = of(stream);
        STREAM_STATES.map(|state| {
            ([source.clone(), name.clone(), ("state", word(state))], u64::from(state == stream.state))
        })
    });
    many(encoder, "auditferry_stream_state", "How the stream is: 1 for that state", states)?;
    rows(encoder, &SINKS, &status.sinks, |sink| [("sink", sink.name.clone())])?;
    let states = status.sinks.iter().flat_map(|sink| {
        SINK_STATES.map(|state| {
            ([("sink", sink.name.clone()), ("state", word(state))], u64::from(state == sink.state))
        })
    });
    many(encoder, "auditferry_sink_state", "How the sink is: 1 for that state", states)
}

fn write_problems(encoder: &mut DescriptorEncoder<'_>, problems: &[(ProblemCode, u64)]) -> fmt::Result {
    let samples = problems.iter().map(|(code, count)| ([("code", word(code))], *count));
    many(encoder, "auditferry_problems", "What a person should look at, by kind", samples)
}

/// A table: every row of every subject.
fn rows<T, L: EncodeLabelSet>(
    encoder: &mut DescriptorEncoder<'_>,
    table: &[Row<T, Known>],
    subjects: &[T],
    labels: impl Fn(&T) -> L,
) -> fmt::Result {
    for (name, help, value) in table {
        let samples = subjects.iter().filter_map(|subject| Some((labels(subject), value(subject)?)));
        many(encoder, name, help, samples)?;
    }
    Ok(())
}

/// One metric with its samples.
fn many<L: EncodeLabelSet>(
    encoder: &mut DescriptorEncoder<'_>,
    scraped: &'static str,
    help: &str,
    samples: impl IntoIterator<Item = (L, u64)>,
) -> fmt::Result {
    let (mut metric, kind) = described(encoder, scraped, help)?;
    for (labels, value) in samples {
        put(metric.encode_family(&labels)?, kind, value)?;
    }
    Ok(())
}

/// One metric without labels.
fn one(
    encoder: &mut DescriptorEncoder<'_>,
    scraped: &'static str,
    help: &str,
    value: impl EncodeCounterValue + EncodeGaugeValue,
) -> fmt::Result {
    let (metric, kind) = described(encoder, scraped, help)?;
    put(metric, kind, value)
}

fn described<'a>(
    encoder: &'a mut DescriptorEncoder<'_>,
    scraped: &'static str,
    help: &str,
) -> Result<(MetricEncoder<'a>, MetricType), fmt::Error> {
    let MetricName { base, unit, is_counter } = MetricName::parse(scraped);
    let kind = if is_counter { MetricType::Counter } else { MetricType::Gauge };
    Ok((encoder.encode_descriptor(base, &format!("{help}."), unit, kind)?, kind))
}

fn put(
    metric: MetricEncoder<'_>,
    kind: MetricType,
    value: impl EncodeCounterValue + EncodeGaugeValue,
) -> fmt::Result {
    match kind {
        MetricType::Counter => ConstCounter::new(value).encode(metric),
        _ => ConstGauge::new(value).encode(metric),
    }
}

/// The word that the status' JSON has for it.
fn word(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// Whole seconds since 1970.
fn unix(time: Option<Timestamp>) -> Option<u64> {
    u64::try_from(time?.as_second()).ok()
}
