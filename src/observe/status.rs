//! The status value: what `/api/status` and `auditferry status --output json` show. Its field names are a
//! part of the outside contract.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::human;

/// How auditferry is, at one instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The program's version.
    pub version: &'static str,
    /// The instant that all of this describes.
    pub at: Timestamp,
    /// When the daemon started; `None` when its status is read from the state directory.
    pub started: Option<Timestamp>,
    /// Whether a daemon holds the state directory.
    pub running: bool,
    /// `attention` when there are problems.
    pub state: State,
    /// What a person should look at, the worst kind first.
    pub problems: Vec<Problem>,
    /// Every configured stream, in the configuration's order.
    pub streams: Vec<StreamStatus>,
    /// Every configured sink, in the configuration's order.
    pub sinks: Vec<SinkStatus>,
    /// The spool.
    pub spool: SpoolStatus,
    /// The state directory's file.
    pub store: StoreStatus,
    /// What can't be collected any more, of streams that are no longer configured too.
    pub gaps: Vec<GapStatus>,
}

/// The whole in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nothing to do.
    Working,
    /// There are problems.
    Attention,
}

/// Something that a person should look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Which kind, the same in the log, the alert rules and the runbook.
    pub code: ProblemCode,
    /// The stream (`source/stream`) or sink that it is about.
    pub subject: Option<String>,
    /// What is wrong, where and why.
    pub what: String,
    /// When it was well for the last time.
    pub since: Option<Timestamp>,
    /// What to do about it.
    pub advice: String,
    /// Whether `/readyz` is red for it.
    pub not_ready: bool,
}

impl Problem {
    /// What is wrong and for how long at `now`, in one line.
    pub fn line(&self, now: Timestamp) -> String {
        let since =
            self.since.map(|since| format!(" (for {})", human::duration(seconds_between(since, now))));
        format!("{}{}", self.what, since.unwrap_or_default())
    }
}

/// The kinds of [`Problem`]; each is a section of `docs/runbook.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProblemCode {
    /// No daemon holds the state directory.
    NotRunning,
    /// The provider refuses a stream.
    StreamHeld,
    /// A stream's last poll failed in passing.
    StreamFailing,
    /// A stream's last complete poll is too long ago.
    StreamLate,
    /// A sink is refused by its receiver.
    SinkHeld,
    /// An event waits too long for a sink.
    SinkWaiting,
    /// The spool is nearly full, or full, which pauses polling.
    SpoolNearlyFull,
    /// The store can't write or can't be read.
    StoreFailing,
    /// A sink has refused events for good.
    DeadLetters,
    /// The provider soon forgets what is not collected.
    HorizonLow,
}

impl ProblemCode {
    /// Every kind; a new one belongs here too, or it has no series in the metrics.
    pub const ALL: [Self; 10] = [
        Self::NotRunning,
        Self::StreamHeld,
        Self::StreamFailing,
        Self::StreamLate,
        Self::SinkHeld,
        Self::SinkWaiting,
        Self::SpoolNearlyFull,
        Self::StoreFailing,
        Self::DeadLetters,
        Self::HorizonLow,
    ];
}

/// A stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StreamStatus {
    /// The source's name in the configuration.
    pub source: String,
    /// The stream of that source.
    pub stream: String,
    /// How it is.
    pub state: StreamCondition,
    /// Why it is failing or held.
    pub reason: Option<String>,
    /// Start of the last complete poll.
    pub last_success: Option<Timestamp>,
    /// The last failure since then.
    pub last_failure: Option<Timestamp>,
    /// Time of the newest event collected.
    pub newest_event: Option<Timestamp>,
    /// The provider was read completely up to this instant.
    pub complete_to: Option<Timestamp>,
    /// From `complete_to` to now.
    pub lag_seconds: Option<u64>,
    /// The provider was read completely from this instant on, gaps aside; what lies beyond its horizon it has
    /// forgotten since.
    pub complete_from: Option<Timestamp>,
    /// When the last complete reconcile began.
    pub reconciled: Option<Timestamp>,
    /// Events ever collected.
    pub events: u64,
    /// Events collected lately.
    pub collected: Collected,
    /// What the last complete poll of this process came to; `None` when its status is read from the state
    /// directory.
    pub last_poll: Option<LastPoll>,
    /// New events since the process started whose type, category or action this version does not know; they
    /// were delivered, with `auditferry.activity` = `unknown`. `None` when the status is read from the state
    /// directory.
    pub unmapped_events: Option<u64>,
    /// New records since the process started that could not be read, wholly or in part; they were delivered,
    /// with `event.kind` = `pipeline_error`. `None` when the status is read from the state directory.
    pub unreadable_records: Option<u64>,
    /// Between two polls.
    pub poll_interval_seconds: u64,
    /// How far back the provider remembers.
    pub horizon_seconds: u64,
    /// Until the provider forgets what is not collected.
    pub horizon_remaining_seconds: Option<u64>,
    /// Parts of this stream that can't be collected any more.
    pub gaps: usize,
}

impl StreamStatus {
    /// `source/stream`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.source, self.stream)
    }
}

/// How a stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StreamCondition {
    /// Polling, or resting until the next poll.
    Working,
    /// The last poll failed in passing, or its outcome is read from the state directory.
    Failing,
    /// The provider refuses.
    Held,
    /// No poll has come to an end yet.
    NeverPolled,
}

/// What a poll came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LastPoll {
    /// Rows read.
    pub read: u64,
    /// Events that were not known before.
    pub new: u64,
    /// Rows that were.
    pub known: u64,
    /// Pages read.
    pub pages: u64,
}

/// Events collected over the last hours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Collected {
    /// Length of an interval. Intervals begin at whole multiples of it since 1970.
    pub interval_seconds: u64,
    /// Events in each interval, oldest first; the last one is under way at `Status::at`.
    pub counts: Vec<u64>,
}

/// A sink.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SinkStatus {
    /// Its name in the configuration.
    pub name: String,
    /// How it is.
    pub state: SinkCondition,
    /// Why it is retrying or held.
    pub reason: Option<String>,
    /// Since when it is; `None` before it was first told.
    pub since: Option<Timestamp>,
    /// The sources whose events it gets; `*` is every source.
    pub sources: Vec<String>,
    /// When it accepted events last in this process; `None` when its status is read from the state directory.
    pub last_success: Option<Timestamp>,
    /// Events that it has accepted.
    pub delivered: u64,
    /// Events that wait for it.
    pub waiting: u64,
    /// Bytes from the oldest of them to the end of the spool.
    pub waiting_bytes: u64,
    /// Since the oldest of them was collected.
    pub oldest_waiting_seconds: Option<u64>,
    /// Events that it refused for good.
    pub dead_letters: u64,
}

/// How a sink is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SinkCondition {
    /// Delivering, or nothing to deliver.
    Working,
    /// Failing in passing.
    Retrying,
    /// Refused by its receiver.
    Held,
}

/// The spool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SpoolStatus {
    /// Bytes of events that at least one sink has still to take.
    pub used_bytes: u64,
    /// `spool.max_size`.
    pub max_bytes: u64,
    /// Whether polling pauses for want of room.
    pub full: bool,
}

/// The store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoreStatus {
    /// Bytes of the database and its log in the state directory.
    pub size_bytes: u64,
    /// Why the last commit failed, until one succeeds; `None` when its status is read from the state directory.
    pub failure: Option<String>,
}

/// A part of the past that can't be collected any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GapStatus {
    /// The source's name.
    pub source: String,
    /// The stream of that source.
    pub stream: String,
    /// From here.
    pub from: Timestamp,
    /// To here.
    pub to: Timestamp,
}

/// Whole seconds from `from` to `to`; none when the clock was set back meanwhile.
pub(super) fn seconds_between(from: Timestamp, to: Timestamp) -> u64 {
    whole_seconds(to.duration_since(from))
}

/// Whole seconds; a negative duration is none.
pub(super) fn whole_seconds(duration: SignedDuration) -> u64 {
    u64::try_from(duration.as_secs()).unwrap_or(0)
}
