//! What `status` tells, from an open store or from the directory of a stopped one.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use jiff::Timestamp;
use rusqlite::{Connection, Row};

use super::database;
use super::error::{Place, StoreError};
use super::page::SpoolEnd;
use super::sql::{Millis, optional_time};
use super::{CollectedCount, Cursor, Failure, Gap, SinkNote, StreamId, collected, sink};
use crate::event::StreamName;

/// How often a file is read beside a daemon that comes and goes.
const TRIES: u32 = 3;

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
    /// Bytes of the database and its log.
    pub size_bytes: u64,
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
    pub last_failure: Option<Failure>,
    /// When the last complete reconcile began.
    pub reconciled: Option<Timestamp>,
    /// Events collected in the last two days by interval, oldest first; intervals without any are not there.
    pub collected: Vec<CollectedCount>,
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
    /// Bytes from the oldest of them to the end of the spool.
    pub waiting_bytes: u64,
    /// When the oldest of them was committed.
    pub oldest_waiting: Option<Timestamp>,
    /// Its state.
    pub note: SinkNote,
    /// Since when it is in it; `None` before it was first told.
    pub since: Option<Timestamp>,
    /// Events that it refused for good.
    pub dead_letters: i64,
}

/// Reads a snapshot of a directory, beside a running daemon or without one.
pub(super) fn of_directory(directory: &Path) -> Result<Snapshot, StoreError> {
    let place = Place::new(directory);
    in_directory(&place, |connection| read(connection, &place))
}

/// Reads tables in a directory, beside a running daemon or without one.
pub(super) fn in_directory<T>(
    place: &Place,
    read: impl Fn(&Connection) -> rusqlite::Result<T>,
) -> Result<T, StoreError> {
    beside(place, |connection| {
        must_be_latest(connection, place)?;
        read(connection).map_err(|error| place.explain(error))
    })
}

/// Reads the file of a directory, beside a running daemon or without one.
pub(super) fn beside<T>(
    place: &Place,
    look: impl Fn(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    place.must_exist()?;
    let mut tries = 0;
    loop {
        let rest = at_rest(place);
        // Nobody has the file open: it is read as it is, and nothing is written, not even a lock.
        let open = if rest.is_some() { database::open_at_rest } else { database::open_to_read };
        let seen = open(place).map_err(|error| place.explain(error)).and_then(|db| look(&db));
        tries += 1;
        // Unless a daemon has started or stopped meanwhile.
        if at_rest(place) == rest || tries == TRIES {
            return seen;
        }
    }
}

/// Without a log nobody has the file open; when it was written last, then, and its size.
fn at_rest(place: &Place) -> Option<(SystemTime, u64)> {
    if place.database.with_extension("db-wal").exists() {
        return None;
    }
    let file = fs::metadata(&place.database).ok()?;
    Some((file.modified().ok()?, file.len()))
}

/// What reads the tables knows those of the newest schema.
pub(super) fn must_be_latest(connection: &Connection, place: &Place) -> Result<(), StoreError> {
    let version = database::version(connection, place, database::latest())?;
    if version == database::latest() {
        return Ok(());
    }
    Err(StoreError::Failed(format!(
        "{} has schema version {version}: `auditferry run` brings it up to date",
        place.database.display()
    )))
}

/// Reads a snapshot in one transaction.
pub(super) fn read(connection: &Connection, place: &Place) -> rusqlite::Result<Snapshot> {
    let db = connection.unchecked_transaction()?;
    let streams = all(&db, "SELECT * FROM stream ORDER BY source, name", |row| read_stream(&db, row))?;
    let gaps = all(
        &db,
        "SELECT source, name, start, stop FROM gap JOIN stream ON stream.id = gap.stream
         ORDER BY source, name, start",
        read_gap,
    )?;
    let end = SpoolEnd::read(&db)?;
    let sinks = all(&db, "SELECT * FROM sink WHERE active ORDER BY name", |row| read_sink(&db, end, row))?;
    // The level that the writer would publish.
    let undelivered_bytes = sinks.iter().map(|sink| sink.waiting_bytes).max().unwrap_or(0);
    Ok(Snapshot { streams, gaps, sinks, undelivered_bytes, size_bytes: size(place) })
}

pub(super) fn all<T>(
    db: &Connection,
    sql: &str,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    db.prepare_cached(sql)?.query_map([], read)?.collect()
}

/// Bytes of the file and its log; one that is not there, or just goes, has none.
fn size(place: &Place) -> u64 {
    let log = place.database.with_extension("db-wal");
    [&place.database, &log].into_iter().flat_map(fs::metadata).map(|file| file.len()).sum()
}

fn read_stream(db: &Connection, row: &Row<'_>) -> rusqlite::Result<StreamSnapshot> {
    let reason: Option<String> = row.get("failure_reason")?;
    let refused = row.get("refused")?;
    let failure = optional_time(row, "last_failure")?.zip(reason);
    let failure = failure.map(|(at, reason)| Failure { at, reason, refused });
    Ok(StreamSnapshot {
        name: StreamName { source: row.get("source")?, stream: row.get("name")? },
        cursor: Cursor::read(row)?,
        events: row.get("sequence")?,
        last_success: optional_time(row, "last_success")?,
        last_failure: failure,
        reconciled: optional_time(row, "reconciled")?,
        collected: collected::of_stream(db, StreamId(row.get("id")?, row.get("epoch")?))?,
    })
}

pub(super) fn read_gap(row: &Row<'_>) -> rusqlite::Result<Gap> {
    Ok(Gap {
        stream: StreamName { source: row.get("source")?, stream: row.get("name")? },
        from: row.get::<_, Millis>("start")?.0,
        to: row.get::<_, Millis>("stop")?.0,
    })
}

fn read_sink(db: &Connection, end: SpoolEnd, row: &Row<'_>) -> rusqlite::Result<SinkSnapshot> {
    let name: String = row.get("name")?;
    let dead_letters = db
        .prepare_cached("SELECT count(*) FROM dead_letter WHERE sink = ?1")?
        .query_row([&name], |row| row.get(0))?;
    let first = sink::first_waiting(db, &name)?;
    Ok(SinkSnapshot {
        delivered: row.get("delivered")?,
        waiting: sink::count_waiting(db, &name)?,
        waiting_bytes: first.map_or(0, |first| u64::try_from(end.bytes - first.bytes).unwrap_or(0)),
        oldest_waiting: first.map(|first| first.committed_at),
        note: SinkNote::read(row)?,
        since: optional_time(row, "state_since")?,
        dead_letters,
        name,
    })
}
