//! A page on its way into the file: what is new gets its sequence and its place in the spool.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use tokio::sync::oneshot;

use super::sql::{Millis, UNDATED, known_time};
use super::stream::KnownLookup;
use super::{StoreError, StreamId, collected};
use crate::event::{NewEvent, StoredEvent, StreamName};

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
pub struct PendingCommit(pub(crate) oneshot::Receiver<Result<Committed, StoreError>>);

impl PendingCommit {
    /// Waits until the events are on disk.
    ///
    /// # Errors
    /// When they are not.
    pub async fn done(self) -> Result<Committed, StoreError> {
        self.0.await.unwrap_or(Err(StoreError::Closed))
    }
}

/// The size of everything up to the last event.
pub(super) const END_BYTES: &str = "SELECT bytes + octet_length(core) + octet_length(original) FROM spool
    ORDER BY position DESC LIMIT 1";

/// The end of the spool.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct SpoolEnd {
    /// Position of the last event ever committed.
    pub(super) position: i64,
    /// Size of all events up to it, counted from any beginning that all rows share.
    pub(super) bytes: i64,
}

impl SpoolEnd {
    pub(super) fn read(db: &Connection) -> rusqlite::Result<Self> {
        let position = db
            .query_row("SELECT seq FROM sqlite_sequence WHERE name = 'spool'", [], |row| row.get(0))
            .optional()?;
        let bytes = db.query_row(END_BYTES, [], |row| row.get(0)).optional()?;
        Ok(Self { position: position.unwrap_or(0), bytes: bytes.unwrap_or(0) })
    }
}

/// What the writer remembers from one commit to the next. All of it can be read from the file again.
#[derive(Debug)]
pub(super) struct Ledger {
    pub(super) end: SpoolEnd,
    /// By the streams' numbers.
    streams: HashMap<i64, Line>,
}

#[derive(Debug)]
struct Line {
    name: Arc<StreamName>,
    sequence: i64,
}

impl Ledger {
    pub(super) fn new(end: SpoolEnd) -> Self {
        Self { end, streams: HashMap::new() }
    }

    /// After a rollback: back to `end`; the sequences are read again when they are needed.
    pub(super) fn roll_back(&mut self, end: SpoolEnd) {
        *self = Self::new(end);
    }

    fn line(&mut self, db: &Connection, stream: StreamId) -> rusqlite::Result<&mut Line> {
        use std::collections::hash_map::Entry;
        match self.streams.entry(stream.0) {
            Entry::Occupied(line) => Ok(line.into_mut()),
            Entry::Vacant(place) => {
                let line = db
                    .prepare_cached("SELECT source, name, sequence FROM stream WHERE id = ?1")?
                    .query_row([stream.0], |row| {
                        let name = StreamName { source: row.get(0)?, stream: row.get(1)? };
                        Ok(Line { name: Arc::new(name), sequence: row.get(2)? })
                    })?;
                Ok(place.insert(line))
            }
        }
    }
}

/// A page that a collector has handed in.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) stream: StreamId,
    events: Vec<NewEvent>,
    /// How many events it came with.
    total: usize,
    /// The stream's name, once it was looked up.
    name: Option<Arc<StreamName>>,
    /// Which of them the open transaction has added.
    added: Vec<Added>,
    /// Taken when the answer is given.
    reply: Option<oneshot::Sender<Result<Committed, StoreError>>>,
}

#[derive(Debug)]
struct Added {
    index: usize,
    position: i64,
    sequence: i64,
}

impl Page {
    pub(super) fn new(
        stream: StreamId,
        events: Vec<NewEvent>,
        reply: oneshot::Sender<Result<Committed, StoreError>>,
    ) -> Self {
        let total = events.len();
        Self { stream, events, total, name: None, added: Vec::new(), reply: Some(reply) }
    }

    /// Adds what is not known to the open transaction.
    pub(super) fn apply(&mut self, db: &Connection, ledger: &mut Ledger) -> rusqlite::Result<()> {
        self.added.clear();
        let mut end = ledger.end;
        let line = ledger.line(db, self.stream)?;
        self.name = Some(Arc::clone(&line.name));
        let now = Timestamp::now();
        let mut lookup = KnownLookup::new(db, self.stream)?;
        let mut learn =
            db.prepare_cached("INSERT OR IGNORE INTO known_id (shelf, time, id) VALUES (?1, ?2, ?3)")?;
        let mut append = db.prepare_cached(
            "INSERT INTO spool (stream, sequence, event_id, time, committed_at, bytes, core, original)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?;
        for (index, event) in self.events.iter().enumerate() {
            let time = known_time(event.time);
            if lookup.knows_undated(time, &event.id)?
                || learn.execute(params![lookup.shelf, time, event.id.as_bytes()])? == 0
            {
                continue;
            }
            lookup.any_undated |= time == UNDATED;
            line.sequence += 1;
            append.execute(params![
                self.stream.0,
                line.sequence,
                event.id.as_bytes(),
                (time != UNDATED).then_some(time),
                Millis(now),
                end.bytes,
                event.core,
                event.original
            ])?;
            end.position = db.last_insert_rowid();
            end.bytes += i64::try_from(event.core.len() + event.original.len()).unwrap_or(i64::MAX);
            self.added.push(Added { index, position: end.position, sequence: line.sequence });
        }
        if !self.added.is_empty() {
            db.prepare_cached("UPDATE stream SET sequence = ?2 WHERE id = ?1")?
                .execute(params![self.stream.0, line.sequence])?;
            collected::add(db, self.stream, now, self.added.len())?;
        }
        ledger.end = end;
        Ok(())
    }

    /// Moves the events that were added to the end of `batch`, ready for the sinks.
    pub(super) fn move_added(&mut self, batch: &mut Vec<Arc<StoredEvent>>) {
        let Some(name) = &self.name else { return };
        let mut events = std::mem::take(&mut self.events).into_iter();
        let mut passed = 0;
        for added in &self.added {
            // Added in the order of the page, so one walk over it finds them all.
            let Some(event) = events.nth(added.index - passed) else { return };
            passed = added.index + 1;
            batch.push(Arc::new(StoredEvent {
                position: added.position,
                stream: Arc::clone(name),
                sequence: added.sequence,
                id: event.id,
                core: event.core.into_boxed_str(),
                original: event.original.into_boxed_str(),
            }));
        }
    }

    /// Answers the collector.
    pub(super) fn settle(&mut self, outcome: Result<(), StoreError>) {
        let new = self.added.len();
        let committed = Committed { new: new as u64, known: (self.total - new) as u64 };
        if let Some(reply) = self.reply.take() {
            let _ = reply.send(outcome.map(|()| committed));
        }
    }
}
