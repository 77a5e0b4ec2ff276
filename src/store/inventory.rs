//! What `state show` tells: everything that is kept of streams and sinks, of those that are no longer configured too.

use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, Row};

use super::error::{Place, StoreError};
use super::snapshot::{all, beside, must_be_latest, read_gap};
use super::sql::optional_time;
use super::{Cursor, FilterHabit, Gap, Store, sink, source};
use crate::event::{Account, StreamName};

/// Known ids are counted up to here: a tenth of a second.
pub const MOST_COUNTED: i64 = 1_000_000;

/// What the store keeps of streams and sinks.
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    /// Every stream that was ever collected.
    pub streams: Vec<StreamEntry>,
    /// Every sink that was ever configured.
    pub sinks: Vec<SinkEntry>,
}

/// A stream in an [`Inventory`].
#[derive(Debug, Clone)]
pub struct StreamEntry {
    /// Which.
    pub name: StreamName,
    /// The account that its source is bound to.
    pub account: Option<Account>,
    /// How far it has been collected.
    pub cursor: Cursor,
    /// How its time filter works.
    pub filter: FilterHabit,
    /// When the last complete reconcile began.
    pub reconciled: Option<Timestamp>,
    /// The highest sequence given.
    pub sequence: i64,
    /// Ids of events that are known; [`MOST_COUNTED`] when there are so many or more.
    pub known_ids: i64,
    /// What can't be collected any more of it.
    pub gaps: Vec<Gap>,
}

/// A sink in an [`Inventory`].
#[derive(Debug, Clone)]
pub struct SinkEntry {
    /// Which.
    pub name: String,
    /// Whether events wait for it.
    pub active: bool,
    /// The place in the spool up to which it has accepted everything.
    pub position: i64,
    /// Events that it has accepted.
    pub delivered: i64,
    /// Events that wait for it; none wait for one that is not active.
    pub waiting: i64,
}

impl Store {
    /// Reads the inventory of a state directory without locking it, beside a running daemon or without one. Blocks for a
    /// short read.
    ///
    /// # Errors
    /// When there is no state, or it can't be read.
    pub fn read_inventory(directory: &Path) -> Result<Inventory, StoreError> {
        let place = Place::new(directory);
        beside(&place, |connection| {
            must_be_latest(connection, &place)?;
            read(connection).map_err(|error| place.explain(error))
        })
    }
}

fn read(connection: &Connection) -> rusqlite::Result<Inventory> {
    let db = connection.unchecked_transaction()?;
    Ok(Inventory {
        streams: all(&db, "SELECT * FROM stream ORDER BY source, name", |row| read_stream(&db, row))?,
        sinks: all(&db, "SELECT * FROM sink ORDER BY name", |row| read_sink(&db, row))?,
    })
}

fn read_stream(db: &Connection, row: &Row<'_>) -> rusqlite::Result<StreamEntry> {
    let (id, source): (i64, String) = (row.get("id")?, row.get("source")?);
    let known_ids = db
        .prepare_cached("SELECT count(*) FROM (SELECT 1 FROM known WHERE stream = ?1 LIMIT ?2)")?
        .query_row((id, MOST_COUNTED), |row| row.get(0))?;
    let gaps = db
        .prepare_cached(
            "SELECT source, name, start, stop FROM gap JOIN stream ON stream.id = gap.stream
             WHERE stream.id = ?1 ORDER BY start",
        )?
        .query_map([id], read_gap)?
        .collect::<rusqlite::Result<_>>()?;
    Ok(StreamEntry {
        account: source::account(db, &source)?,
        name: StreamName { source, stream: row.get("name")? },
        cursor: Cursor::read(row)?,
        filter: row.get("filter")?,
        reconciled: optional_time(row, "reconciled")?,
        sequence: row.get("sequence")?,
        known_ids,
        gaps,
    })
}

fn read_sink(db: &Connection, row: &Row<'_>) -> rusqlite::Result<SinkEntry> {
    let name: String = row.get("name")?;
    Ok(SinkEntry {
        active: row.get("active")?,
        position: row.get("position")?,
        delivered: row.get("delivered")?,
        waiting: sink::count_waiting(db, &name)?,
        name,
    })
}
