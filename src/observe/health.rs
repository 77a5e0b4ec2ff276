//! Whether auditferry is ready, and if not, why: the rules of `/readyz`.

use serde::Serialize;

use super::human;
use super::status::{SinkCondition, SinkStatus, SpoolStatus, Status, StreamStatus, seconds_between};

/// No stream is late before this, however short its interval: a slow answer and its retries take a while.
const LEAST_LATENESS: u64 = 60;
/// A stream is late after so many intervals without a complete poll: one may fail, and one be slow.
const LATE_INTERVALS: u64 = 3;
/// Longer than any sink rests between two tries, so that a passing failure does not count.
const LONGEST_WAIT: u64 = 5 * 60;
/// Percent of the spool; polling pauses at 100.
const SPOOL_LIMIT: u64 = 90;

/// Why auditferry is not ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// The kind, for scripts.
    pub kind: ReasonKind,
    /// The stream (`source/stream`) or sink that it is about.
    pub subject: Option<String>,
    /// The same for people.
    pub message: String,
}

/// The kinds of [`Reason`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasonKind {
    /// A stream's last complete poll is too long ago.
    StreamLate,
    /// A sink is refused by its receiver.
    SinkHeld,
    /// An event waits too long for a sink.
    SinkWaiting,
    /// The spool is nearly full.
    SpoolNearlyFull,
    /// The store can't be read.
    StoreFailed,
}

impl Reason {
    /// The store can't be read.
    pub(super) fn store_failed(failure: &str) -> Self {
        let message = format!("the store can't be read: {failure}");
        Self { kind: ReasonKind::StoreFailed, subject: None, message }
    }
}

/// Why auditferry is not ready; none when it is.
pub fn reasons(status: &Status) -> Vec<Reason> {
    let late = status.streams.iter().filter_map(|stream| {
        let message = match late_by(status, stream)? {
            Lateness::Seconds(seconds) => format!("no complete poll for {}", human::duration(seconds)),
            Lateness::Never => "no complete poll yet".to_owned(),
        };
        let subject = stream.name();
        let message = format!("{subject}: {message}{}", because(stream.reason.as_deref()));
        Some(Reason { kind: ReasonKind::StreamLate, subject: Some(subject), message })
    });
    let sinks = status.sinks.iter().filter_map(|sink| {
        let (kind, what) = if sink.state == SinkCondition::Held {
            (ReasonKind::SinkHeld, "held".to_owned())
        } else {
            let seconds = waits_too_long(sink)?;
            (ReasonKind::SinkWaiting, format!("an event has waited for {}", human::duration(seconds)))
        };
        let message = format!("{}: {what}{}", sink.name, because(sink.reason.as_deref()));
        Some(Reason { kind, subject: Some(sink.name.clone()), message })
    });
    let spool = nearly_full(&status.spool).then(|| Reason {
        kind: ReasonKind::SpoolNearlyFull,
        subject: None,
        message: format!(
            "the spool holds {} of {}",
            human::bytes(status.spool.used_bytes),
            human::bytes(status.spool.max_bytes)
        ),
    });
    late.chain(sinks).chain(spool).collect()
}

fn because(reason: Option<&str>) -> String {
    reason.map(|reason| format!(" ({reason})")).unwrap_or_default()
}

/// How late a late stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lateness {
    /// Since its last complete poll, or since the start where that is later.
    Seconds(u64),
    /// Nothing says how long.
    Never,
}

/// `None` for a stream that is not late.
pub(super) fn late_by(status: &Status, stream: &StreamStatus) -> Option<Lateness> {
    let Some(since) = stream.last_success.max(status.started) else { return Some(Lateness::Never) };
    let seconds = seconds_between(since, status.at);
    let limit = LATE_INTERVALS.saturating_mul(stream.poll_interval_seconds).max(LEAST_LATENESS);
    (seconds > limit).then_some(Lateness::Seconds(seconds))
}

/// Seconds that the oldest event has waited for the sink, if that is too long.
pub(super) fn waits_too_long(sink: &SinkStatus) -> Option<u64> {
    sink.oldest_waiting_seconds.filter(|seconds| *seconds > LONGEST_WAIT)
}

/// Whether the spool is so full that a person should look.
pub(super) fn nearly_full(spool: &SpoolStatus) -> bool {
    let used = u128::from(spool.used_bytes) * 100;
    spool.full || used > u128::from(spool.max_bytes) * u128::from(SPOOL_LIMIT)
}

#[cfg(test)]
mod tests;
