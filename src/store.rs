//! The store: one SQLite file, the only place that knows SQL, where the two halves of the program meet.
//!
//! One writer thread owns the connection and takes commands over a bounded channel, one reader thread
//! answers questions from a connection of its own. Pages that wait together are committed together.
//! What is committed goes on to the sinks from memory; the file serves only what waits.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use crate::event::{Account, EventId, NewEvent, StoredEvent, StreamName};

/// How the store is opened.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// Bytes of undelivered events above which the spool is full (`spool.max_size`).
    pub max_size: u64,
    /// How long delivered events stay for replay (`spool.retention`).
    pub retention: Duration,
}

/// Why the store could not do something.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Another process holds the state directory (exit code 3).
    #[error("another auditferry holds {path}")]
    Locked { path: String },
    /// The file was written by a newer version.
    #[error("{path} has schema version {found}, this program knows up to {known}: use a newer auditferry")]
    Newer { path: String, found: i64, known: i64 },
    /// The file is damaged.
    #[error("{path} is damaged: {reason}")]
    Damaged { path: String, reason: String },
    /// No room on the volume: polling stops, delivery goes on.
    #[error("no room left in the state directory: {reason}")]
    Full { reason: String },
    /// Anything else.
    #[error("{0}")]
    Failed(String),
    /// The store was closed; the process is stopping.
    #[error("the store is closed")]
    Closed,
}

/// A stream's number in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId(pub i64);

/// How far a stream has been collected. Read from the store at every turn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cursor {
    /// The newest event time collected, never later than the time of its fetch.
    pub high_water: Option<Timestamp>,
    /// The provider was read completely up to this instant.
    pub complete_to: Option<Timestamp>,
}

/// How a stream's time filter has turned out to work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FilterHabit {
    /// As documented.
    #[default]
    Primary,
    /// In the other unit.
    Alternative,
    /// Not at all.
    Unfiltered,
}

/// A stream as the store knows it.
#[derive(Debug, Clone)]
pub struct StreamState {
    /// Its number.
    pub id: StreamId,
    /// How far it has been collected.
    pub cursor: Cursor,
    /// How its time filter works.
    pub filter: FilterHabit,
    /// When the last complete reconcile began.
    pub reconciled: Option<Timestamp>,
    /// The highest sequence given.
    pub sequence: i64,
}

/// The key of a known event: its time (`None`: undated) and its id.
pub type KnownKey = (Option<Timestamp>, EventId);

/// What a commit did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Committed {
    /// Events that were not known before.
    pub new: u64,
    /// Events that were.
    pub known: u64,
}

/// A commit that is under way.
#[derive(Debug)]
pub struct PendingCommit(pub(crate) tokio::sync::oneshot::Receiver<Result<Committed, StoreError>>);

impl PendingCommit {
    /// Waits until the events are on disk.
    ///
    /// # Errors
    /// When they are not.
    pub async fn done(self) -> Result<Committed, StoreError> {
        self.0.await.unwrap_or(Err(StoreError::Closed))
    }
}

/// A part of the past that can't be collected any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The stream.
    pub stream: StreamName,
    /// From here.
    pub from: Timestamp,
    /// To here.
    pub to: Timestamp,
}

/// How full the spool is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SpoolLevel {
    /// Bytes of events that at least one sink has still to take.
    pub used: u64,
    /// `spool.max_size`.
    pub max: u64,
    /// Set at `max`, cleared again at nine tenths of it: polling pauses meanwhile.
    pub full: bool,
}

/// A sink as the configuration names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkRegistration {
    /// Its name.
    pub name: String,
    /// The sources whose events it gets; empty means all.
    pub sources: Vec<String>,
}

/// What a stream's last turn came to; kept so that `status` can tell it of a stopped daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamNote {
    /// A complete poll that began at this time.
    Success(Timestamp),
    /// A poll that failed at this time, and why.
    Failure(Timestamp, String),
}

/// A sink's state; kept so that `status` can tell it of a stopped daemon.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum SinkNote {
    /// Delivering, or nothing to deliver.
    #[default]
    Working,
    /// Failing in passing, and why.
    Retrying(String),
    /// Refused by its receiver, and why.
    Held(String),
}

/// What `status` tells.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// Every stream of every source that was ever polled.
    pub streams: Vec<StreamSnapshot>,
    /// Every sink that is in the configuration.
    pub sinks: Vec<SinkSnapshot>,
    /// Every gap.
    pub gaps: Vec<Gap>,
    /// Bytes of undelivered events.
    pub undelivered_bytes: u64,
}

/// A stream in a [`Snapshot`].
#[derive(Debug, Clone)]
pub struct StreamSnapshot {
    /// Which.
    pub name: StreamName,
    /// How far it has been collected.
    pub cursor: Cursor,
    /// Events ever collected.
    pub events: i64,
    /// Start of the last complete poll.
    pub last_success: Option<Timestamp>,
    /// The last failure since then.
    pub last_failure: Option<(Timestamp, String)>,
    /// When the last complete reconcile began.
    pub reconciled: Option<Timestamp>,
}

/// A sink in a [`Snapshot`].
#[derive(Debug, Clone)]
pub struct SinkSnapshot {
    /// Which.
    pub name: String,
    /// Events that it has accepted.
    pub delivered: i64,
    /// Events that wait for it.
    pub waiting: i64,
    /// When the oldest of them was committed.
    pub oldest_waiting: Option<Timestamp>,
    /// Its state.
    pub note: SinkNote,
    /// Events that it refused for good.
    pub dead_letters: i64,
}

/// The store's handle; cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {}

impl Store {
    /// Opens the store in `directory` (made if missing, mode 0700, locked for this process).
    pub fn open(_directory: &Path, _options: &StoreOptions) -> Result<Self, StoreError> {
        unimplemented!()
    }

    /// Reads a snapshot of the state directory without locking it, beside a running daemon or without one.
    pub fn read_snapshot(_directory: &Path) -> Result<Snapshot, StoreError> {
        unimplemented!()
    }

    /// A snapshot of this open store.
    pub async fn snapshot(&self) -> Result<Snapshot, StoreError> {
        unimplemented!()
    }

    /// Names the sinks that events must wait for. A sink that is new starts with what is committed from now
    /// on; one that was there before goes on from its position; one that is missing holds nothing up.
    pub async fn register_sinks(&self, _sinks: Vec<SinkRegistration>) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// The account that the source was bound to on first sight; binds it when it is new.
    pub async fn bind_account(&self, _source: &str, _account: Account) -> Result<Account, StoreError> {
        unimplemented!()
    }

    /// The account that the source is bound to, if it is.
    pub async fn account(&self, _source: &str) -> Result<Option<Account>, StoreError> {
        unimplemented!()
    }

    /// The stream's state; makes it when it is new.
    pub async fn stream(&self, _name: &StreamName) -> Result<StreamState, StoreError> {
        unimplemented!()
    }

    /// For every key, whether it is known. Sees what is committed.
    pub async fn known(&self, _stream: StreamId, _keys: Vec<KnownKey>) -> Result<Vec<bool>, StoreError> {
        unimplemented!()
    }

    /// Whether any event with `from <= time < to` is known.
    pub async fn knows_any(
        &self,
        _stream: StreamId,
        _from: Timestamp,
        _to: Timestamp,
    ) -> Result<bool, StoreError> {
        unimplemented!()
    }

    /// Hands a page's events to the writer: in one transaction, ids that are not known are added, each new
    /// event gets its sequence and goes to the spool. Waits for a place in the queue only.
    pub async fn commit_page(
        &self,
        _stream: StreamId,
        _events: Vec<NewEvent>,
    ) -> Result<PendingCommit, StoreError> {
        unimplemented!()
    }

    /// Moves the cursor; never back.
    pub async fn complete_window(&self, _stream: StreamId, _cursor: Cursor) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// Remembers how the stream's filter works.
    pub async fn remember_filter(&self, _stream: StreamId, _filter: FilterHabit) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// Remembers that a complete reconcile began at `began`.
    pub async fn remember_reconcile(&self, _stream: StreamId, _began: Timestamp) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// Records a gap. Returns false when the same gap (or one that covers it) is there already.
    pub async fn record_gap(&self, _gap: Gap) -> Result<bool, StoreError> {
        unimplemented!()
    }

    /// Keeps what a stream's turn came to.
    pub async fn note_stream(&self, _stream: StreamId, _note: StreamNote) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// Keeps a sink's state.
    pub async fn note_sink(&self, _sink: &str, _note: SinkNote) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// Drops known ids of the stream older than `before`.
    pub async fn forget_known(&self, _stream: StreamId, _before: Timestamp) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// A credential that the provider has rotated (an OAuth refresh token), kept under the source's name.
    pub async fn rotated_credential(&self, _source: &str) -> Result<Option<RotatedCredential>, StoreError> {
        unimplemented!()
    }

    /// Keeps a rotated credential.
    pub async fn keep_credential(
        &self,
        _source: &str,
        _credential: RotatedCredential,
    ) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// The events for one sink, from its position on. One reader per sink.
    pub async fn reader(&self, _sink: &str) -> Result<SpoolReader, StoreError> {
        unimplemented!()
    }

    /// How full the spool is.
    pub fn level(&self) -> watch::Receiver<SpoolLevel> {
        unimplemented!()
    }

    /// Ends the threads when every command before is done, checkpoints and closes the file.
    pub async fn close(self) -> Result<(), StoreError> {
        unimplemented!()
    }
}

/// A credential that replaced the configured one.
#[derive(Clone, PartialEq, Eq)]
pub struct RotatedCredential {
    /// SHA-256 of the configured credential that it replaces: another one in the configuration wins.
    pub replaces: [u8; 32],
    /// The secret.
    pub secret: String,
}

impl std::fmt::Debug for RotatedCredential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RotatedCredential(…)")
    }
}

/// Reads one sink's events in order: from memory while it keeps up, from the file otherwise.
#[derive(Debug)]
pub struct SpoolReader {}

impl SpoolReader {
    /// Waits until there is at least one event behind what was read, then gives the next ones: at most
    /// `most_events`, and once one is there no more than fit `most_bytes`. Cancel-safe.
    pub async fn next(
        &mut self,
        _most_events: usize,
        _most_bytes: usize,
    ) -> Result<Vec<Arc<StoredEvent>>, StoreError> {
        unimplemented!()
    }

    /// The position of the last event committed for this sink (of its sources) so far, 0 for none; `next` has
    /// nothing to give when everything up to it was read.
    pub async fn end(&self) -> Result<i64, StoreError> {
        unimplemented!()
    }

    /// The position up to which every event was accepted or dead-lettered.
    pub fn accepted(&self) -> i64 {
        unimplemented!()
    }

    /// Everything up to `position` is accepted or dead-lettered, in one transaction with the dead letters
    /// `refused` (event, reason). On disk when this returns. `accepted` counts the events that were accepted.
    pub async fn advance(
        &mut self,
        _position: i64,
        _accepted: u64,
        _refused: Vec<(Arc<StoredEvent>, String)>,
    ) -> Result<(), StoreError> {
        unimplemented!()
    }
}
