//! When something has been wrong for too long, and whether auditferry is ready: the rules of `/readyz`.

use jiff::Timestamp;
use serde::Serialize;

use super::status::{Problem, ProblemCode, SinkStatus, SpoolStatus, Status, StreamStatus, seconds_between};

/// No stream is late before this, however short its interval: a slow answer and its retries take a while.
const LEAST_LATENESS: u64 = 60;
/// A stream is late after so many intervals without a complete poll: one may fail, and one be slow.
const LATE_INTERVALS: u64 = 3;
/// Longer than any sink rests between two tries, so that a passing failure does not count.
const LONGEST_WAIT: u64 = 5 * 60;
/// Percent of the spool; polling pauses at 100.
const SPOOL_LIMIT: u64 = 90;
/// A week: enough to mend a credential over the holidays.
const LEAST_HORIZON: u64 = 7 * 86_400;
/// A short horizon is low when a tenth of it is left.
const LEAST_HORIZON_SHARE: u64 = 10;

/// Why auditferry is not ready: a [`Problem`] in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// Which kind, for scripts.
    pub code: ProblemCode,
    /// The stream (`source/stream`) or sink that it is about.
    pub subject: Option<String>,
    /// The same for people.
    pub message: String,
}

impl Reason {
    /// The store can't be read, so there is no status.
    pub(super) fn store_failing(failure: &str) -> Self {
        let message = format!("the store can't be read: {failure}");
        Self { code: ProblemCode::StoreFailing, subject: None, message }
    }

    fn of(problem: &Problem, now: Timestamp) -> Self {
        Self { code: problem.code, subject: problem.subject.clone(), message: problem.line(now) }
    }
}

/// Why auditferry is not ready; none when it is.
pub fn reasons(status: &Status) -> Vec<Reason> {
    let not_ready = status.problems.iter().filter(|problem| problem.not_ready);
    not_ready.map(|problem| Reason::of(problem, status.at)).collect()
}

/// Whether the last complete poll is too long ago, counted from the start where that is later. The state directory does
/// not tell when a daemon was started: of a stream without a complete poll it says nothing then.
pub(super) fn is_late(status: &Status, stream: &StreamStatus) -> bool {
    let limit = LATE_INTERVALS.saturating_mul(stream.poll_interval_seconds).max(LEAST_LATENESS);
    let since = stream.last_success.max(status.started);
    since.is_some_and(|since| seconds_between(since, status.at) > limit)
}

/// Seconds until the provider forgets what is not collected, when there are few of them. A first poll that
/// begins at the end of the provider's memory has not come up yet.
pub(super) fn low_horizon(stream: &StreamStatus) -> Option<u64> {
    let limit = LEAST_HORIZON.min(stream.horizon_seconds / LEAST_HORIZON_SHARE);
    let is_first_poll = stream.last_success.is_none() && stream.last_failure.is_none();
    stream.horizon_remaining_seconds.filter(|seconds| *seconds < limit && !is_first_poll)
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
