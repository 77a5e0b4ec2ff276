//! Streams: how far each was collected, what is known of it, and what is lost.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::delivered;
use super::sql::{Millis, UNDATED, known_time, millis, optional_time};
use super::{Store, StoreError};
use crate::event::{EventId, StreamName};

/// A stream's number in the store, and its epoch when it was read: see [`StoreError::Outdated`](super::StoreError).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct StreamId(pub i64, pub i64);

/// How far a stream has been collected. Read from the store at every turn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cursor {
    /// The newest event time collected, never later than the time of its fetch.
    pub high_water: Option<Timestamp>,
    /// The provider was read completely from this instant on, gaps aside; the first that is told stays.
    pub complete_from: Option<Timestamp>,
    /// The provider was read completely up to this instant.
    pub complete_to: Option<Timestamp>,
}

impl Cursor {
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            high_water: optional_time(row, "high_water")?,
            complete_from: optional_time(row, "complete_from")?,
            complete_to: optional_time(row, "complete_to")?,
        })
    }
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
    /// Up to where it was read completely before its cursor was moved back, until it is there again.
    pub reached: Option<Timestamp>,
    /// How its time filter works.
    pub filter: FilterHabit,
    /// When the last complete reconcile began.
    pub reconciled: Option<Timestamp>,
    /// The highest sequence given.
    pub sequence: i64,
}

/// The key of a known event: its time (`None`: undated) and its id.
pub type KnownKey = (Option<Timestamp>, EventId);

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

/// What a stream's last turn came to; kept so that `status` can tell it of a stopped daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamNote {
    /// A complete poll that began at this time.
    Success(Timestamp),
    /// A poll that failed.
    Failure(Failure),
}

/// A poll that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
    /// Whether the provider refused, rather than failed in passing.
    pub refused: bool,
}

/// Known ids dropped by one command: a few milliseconds, so that commits get in between.
const FORGOTTEN_AT_ONCE: u32 = 5000;

impl Store {
    /// The stream's state; makes it when it is new.
    ///
    /// # Errors
    /// When it is not on disk.
    pub async fn stream(&self, name: &StreamName) -> Result<StreamState, StoreError> {
        let name = name.clone();
        self.change(None, move |db| find_or_make(db, &name)).await
    }

    /// For every key, whether it is known. Sees what is committed. An event that was collected without a time
    /// is known under any time.
    ///
    /// # Errors
    /// When the file can't be read, or the store was closed.
    pub async fn known(&self, stream: StreamId, keys: Vec<KnownKey>) -> Result<Vec<bool>, StoreError> {
        self.ask(move |reader| known(&reader.db, stream, &keys)).await
    }

    /// Whether any event with `from <= time < to` is known.
    ///
    /// # Errors
    /// When the file can't be read, or the store was closed.
    pub async fn knows_any(
        &self,
        stream: StreamId,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<bool, StoreError> {
        self.ask(move |reader| knows_any(&reader.db, stream, from, to)).await
    }

    /// Moves the cursor; never back.
    ///
    /// # Errors
    /// When it is not on disk; also when a page of the stream that waited with it could not be committed.
    /// [`StoreError::Outdated`] when the stream is in another epoch.
    pub async fn complete_window(&self, stream: StreamId, cursor: Cursor) -> Result<(), StoreError> {
        self.change_within(stream, move |db| move_cursor(db, stream, cursor)).await
    }

    /// Remembers how the stream's filter works.
    ///
    /// # Errors
    /// When it is not on disk; [`StoreError::Outdated`] when the stream is in another epoch.
    pub async fn remember_filter(&self, stream: StreamId, filter: FilterHabit) -> Result<(), StoreError> {
        self.change_within(stream, move |db| set_filter(db, stream, filter)).await
    }

    /// Remembers how the stream's filter works and forgets how far it was read: what was taken for complete was
    /// asked for in the wrong way.
    ///
    /// # Errors
    /// When it is not on disk; [`StoreError::Outdated`] when the stream is in another epoch.
    pub async fn start_over(&self, stream: StreamId, filter: FilterHabit) -> Result<(), StoreError> {
        self.change_within(stream, move |db| start_over(db, stream, filter)).await
    }

    /// Remembers that a complete reconcile began at `began`.
    ///
    /// # Errors
    /// When it is not on disk; [`StoreError::Outdated`] when the stream is in another epoch.
    pub async fn remember_reconcile(&self, stream: StreamId, began: Timestamp) -> Result<(), StoreError> {
        self.change_within(stream, move |db| set_reconciled(db, stream, began)).await
    }

    /// Records a gap. Returns false when the same gap (or one that covers it) is there already.
    ///
    /// # Errors
    /// When it is not on disk.
    pub async fn record_gap(&self, gap: Gap) -> Result<bool, StoreError> {
        self.change(None, move |db| record_gap(db, &gap)).await
    }

    /// Keeps what a stream's turn came to.
    ///
    /// # Errors
    /// When it is not on disk.
    pub async fn note_stream(&self, stream: StreamId, note: StreamNote) -> Result<(), StoreError> {
        self.change(Some(stream), move |db| note_turn(db, stream, &note)).await
    }

    /// Drops known ids of the stream older than `before`, in steps that let commits in between.
    ///
    /// # Errors
    /// When a part of it is not on disk.
    pub async fn forget_known(&self, stream: StreamId, before: Timestamp) -> Result<(), StoreError> {
        let step = move |db: &Connection| forget_known(db, stream, before, FORGOTTEN_AT_ONCE);
        while !self.change(Some(stream), step).await? {}
        Ok(())
    }
}

/// The stream's state; makes it when it is new.
pub(super) fn find_or_make(db: &Connection, name: &StreamName) -> rusqlite::Result<StreamState> {
    db.prepare_cached("INSERT OR IGNORE INTO stream (source, name) VALUES (?1, ?2)")?
        .execute(params![name.source, name.stream])?;
    find(db, name)?.ok_or(rusqlite::Error::QueryReturnedNoRows)
}

/// The stream's state, if there is one.
pub(super) fn find(db: &Connection, name: &StreamName) -> rusqlite::Result<Option<StreamState>> {
    let read = |row: &Row<'_>| {
        Ok(StreamState {
            id: StreamId(row.get("id")?, row.get("epoch")?),
            cursor: Cursor::read(row)?,
            reached: optional_time(row, "reached")?,
            filter: row.get("filter")?,
            reconciled: optional_time(row, "reconciled")?,
            sequence: row.get("sequence")?,
        })
    };
    db.prepare_cached("SELECT * FROM stream WHERE source = ?1 AND name = ?2")?
        .query_row(params![name.source, name.stream], read)
        .optional()
}

/// Moves the cursor; never back. False when the epoch is over.
pub(super) fn move_cursor(db: &Connection, stream: StreamId, cursor: Cursor) -> rusqlite::Result<bool> {
    // max() of two values is NULL when one is; an unknown end leaves the column as it is.
    let sql = "UPDATE stream SET
            high_water = coalesce(max(high_water, ?2), ?2, high_water),
            complete_to = coalesce(max(complete_to, ?3), ?3, complete_to),
            complete_from = coalesce(complete_from, ?4),
            reached = iif(reached > coalesce(max(complete_to, ?3), ?3, complete_to), reached, NULL)
        WHERE id = ?1 AND epoch = ?5";
    let changed = db.prepare_cached(sql)?.execute(params![
        stream.0,
        cursor.high_water.map(Millis),
        cursor.complete_to.map(Millis),
        cursor.complete_from.map(Millis),
        stream.1
    ])?;
    Ok(changed > 0)
}

/// False when the epoch is over.
pub(super) fn set_filter(db: &Connection, stream: StreamId, filter: FilterHabit) -> rusqlite::Result<bool> {
    let sql = "UPDATE stream SET filter = ?3 WHERE id = ?1 AND epoch = ?2";
    Ok(db.prepare_cached(sql)?.execute(params![stream.0, stream.1, filter])? > 0)
}

/// False when the epoch is over.
pub(super) fn start_over(db: &Connection, stream: StreamId, filter: FilterHabit) -> rusqlite::Result<bool> {
    let sql = "UPDATE stream SET
            filter = ?3, high_water = NULL, complete_from = NULL, complete_to = NULL, reached = NULL
        WHERE id = ?1 AND epoch = ?2";
    Ok(db.prepare_cached(sql)?.execute(params![stream.0, stream.1, filter])? > 0)
}

/// False when the epoch is over.
pub(super) fn set_reconciled(db: &Connection, stream: StreamId, began: Timestamp) -> rusqlite::Result<bool> {
    let sql = "UPDATE stream SET reconciled = ?3 WHERE id = ?1 AND epoch = ?2";
    Ok(db.prepare_cached(sql)?.execute(params![stream.0, stream.1, Millis(began)])? > 0)
}

pub(super) fn note_turn(db: &Connection, stream: StreamId, note: &StreamNote) -> rusqlite::Result<()> {
    let changed = match note {
        StreamNote::Success(began) => db
            .prepare_cached(
                "UPDATE stream SET last_success = ?2, last_failure = NULL, failure_reason = NULL, refused = 0
                 WHERE id = ?1",
            )?
            .execute(params![stream.0, Millis(*began)])?,
        StreamNote::Failure(Failure { at, reason, refused }) => db
            .prepare_cached(
                "UPDATE stream SET last_failure = ?2, failure_reason = ?3, refused = ?4 WHERE id = ?1",
            )?
            .execute(params![stream.0, Millis(*at), reason, refused])?,
    };
    change_stream(changed)
}

/// What lies before the part that was read completely, and reaches up to it, was read completely too.
pub(super) fn extend_back(
    db: &Connection,
    stream: StreamId,
    from: Timestamp,
    to: Timestamp,
) -> rusqlite::Result<()> {
    let sql =
        "UPDATE stream SET complete_from = min(complete_from, ?2) WHERE id = ?1 AND complete_from <= ?3";
    db.prepare_cached(sql)?.execute(params![stream.0, Millis(from), Millis(to)])?;
    Ok(())
}

/// A number that no stream has is an error, not a silent success.
fn change_stream(changed: usize) -> rusqlite::Result<()> {
    if changed == 0 { Err(rusqlite::Error::QueryReturnedNoRows) } else { Ok(()) }
}

/// For every key, whether it is known.
pub(super) fn known(db: &Connection, stream: StreamId, keys: &[KnownKey]) -> rusqlite::Result<Vec<bool>> {
    let mut find = KnownLookup::new(db, stream)?;
    keys.iter().map(|(time, id)| find.knows(known_time(*time), id)).collect()
}

/// Where the ids of a stream stand.
fn shelf(db: &Connection, stream: StreamId) -> rusqlite::Result<i64> {
    db.prepare_cached("SELECT coalesce(shelf, id) FROM stream WHERE id = ?1")?
        .query_row([stream.0], |row| row.get(0))
}

/// Looks ids up in one stream. An event that was once collected without a time is known under any time.
pub(super) struct KnownLookup<'db> {
    /// Where the stream's ids stand now, whatever the epoch: the ids of a page belong there too.
    pub(super) shelf: i64,
    pub(super) any_undated: bool,
    find: rusqlite::CachedStatement<'db>,
}

impl<'db> KnownLookup<'db> {
    pub(super) fn new(db: &'db Connection, stream: StreamId) -> rusqlite::Result<Self> {
        let shelf = shelf(db, stream)?;
        let any_undated = db
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM known_id WHERE shelf = ?1 AND time = ?2)")?
            .query_row(params![shelf, UNDATED], |row| row.get(0))?;
        let find = db.prepare_cached("SELECT 1 FROM known_id WHERE shelf = ?1 AND time = ?2 AND id = ?3")?;
        Ok(Self { shelf, any_undated, find })
    }

    fn knows(&mut self, time: i64, id: &EventId) -> rusqlite::Result<bool> {
        Ok(self.find.exists(params![self.shelf, time, id.as_bytes()])? || self.knows_undated(time, id)?)
    }

    /// Whether an event with this time was collected before without one.
    pub(super) fn knows_undated(&mut self, time: i64, id: &EventId) -> rusqlite::Result<bool> {
        Ok(self.any_undated
            && time != UNDATED
            && self.find.exists(params![self.shelf, UNDATED, id.as_bytes()])?)
    }
}

/// Whether any event with `from <= time < to` is known.
pub(super) fn knows_any(
    db: &Connection,
    stream: StreamId,
    from: Timestamp,
    to: Timestamp,
) -> rusqlite::Result<bool> {
    db.prepare_cached("SELECT 1 FROM known WHERE stream = ?1 AND time >= ?2 AND time < ?3 LIMIT 1")?
        .exists(params![stream.0, Millis(from), Millis(to)])
}

/// Drops the oldest known ids that are older than `before`, about `most` of them; says whether that was all.
pub(super) fn forget_known(
    db: &Connection,
    stream: StreamId,
    before: Timestamp,
    most: u32,
) -> rusqlite::Result<bool> {
    delivered::forget(db, stream, before)?;
    let (shelf, before) = (shelf(db, stream)?, millis(before));
    // Up to the time of the row after the first `most`, so that it stays a range however many share a time.
    let step: Option<i64> = db
        .prepare_cached(
            "SELECT time FROM known_id WHERE shelf = ?1 AND time < ?2 ORDER BY time LIMIT 1 OFFSET ?3",
        )?
        .query_row(params![shelf, before, most], |row| row.get(0))
        .optional()?;
    db.prepare_cached("DELETE FROM known_id WHERE shelf = ?1 AND time < ?2")?
        .execute(params![shelf, step.map_or(before, |time| (time + 1).min(before))])?;
    Ok(step.is_none())
}

/// Records a gap, as one with those that it overlaps or touches. False when one of them covers it.
pub(super) fn record_gap(db: &Connection, gap: &Gap) -> rusqlite::Result<bool> {
    let stream = find_or_make(db, &gap.stream)?.id.0;
    let (from, to) = (millis(gap.from), millis(gap.to));
    let neighbours = "FROM gap WHERE stream = ?1 AND start <= ?3 AND stop >= ?2";
    let covered = db
        .prepare_cached("SELECT 1 FROM gap WHERE stream = ?1 AND start <= ?2 AND stop >= ?3")?
        .exists(params![stream, from, to])?;
    if covered || from >= to {
        return Ok(false);
    }
    let (start, stop): (Option<i64>, Option<i64>) = db
        .prepare_cached(&format!("SELECT min(start), max(stop) {neighbours}"))?
        .query_row(params![stream, from, to], |row| Ok((row.get(0)?, row.get(1)?)))?;
    db.prepare_cached(&format!("DELETE {neighbours}"))?.execute(params![stream, from, to])?;
    db.prepare_cached("INSERT INTO gap (stream, start, stop) VALUES (?1, ?2, ?3)")?.execute(params![
        stream,
        start.map_or(from, |start| start.min(from)),
        stop.map_or(to, |stop| stop.max(to))
    ])?;
    Ok(true)
}
