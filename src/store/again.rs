//! Streams that are to be read again: from an earlier instant (rewound), or from their start (forgotten).
//!
//! A walk that is under way took its beginning from the store when its turn began. So each of these changes counts
//! the stream's epoch up, and what a turn of an older epoch says of how far it came is refused
//! ([`StoreError::Outdated`]): its cursor would pass what is to be read again.
//!
//! The ids that a stream knows may be millions. They stand on a shelf; forgetting gives the stream an empty one, in
//! one transaction, so that there is no half way. Upkeep empties the old one bit by bit.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::sql::Millis;
use super::{Store, StoreError, StreamId, StreamState, stream};
use crate::event::StreamName;

/// Ids taken from a forgotten shelf in one step: a few milliseconds.
const SWEPT_AT_ONCE: u32 = 5000;

impl Store {
    /// The stream's state, if it was ever collected.
    ///
    /// # Errors
    /// When the file can't be read, or the store was closed.
    pub async fn find_stream(&self, name: &StreamName) -> Result<Option<StreamState>, StoreError> {
        let name = name.clone();
        self.ask(move |reader| stream::find(&reader.db, &name)).await
    }

    /// Every stream that was ever collected.
    ///
    /// # Errors
    /// When the file can't be read, or the store was closed.
    pub async fn streams(&self) -> Result<Vec<StreamName>, StoreError> {
        self.ask(|reader| {
            let mut all =
                reader.db.prepare_cached("SELECT source, name FROM stream ORDER BY source, name")?;
            let name = |row: &rusqlite::Row<'_>| Ok(StreamName { source: row.get(0)?, stream: row.get(1)? });
            all.query_map([], name)?.collect()
        })
        .await
    }

    /// Moves the stream's cursor back to `to`. False when it is not behind `to`: then nothing is changed.
    ///
    /// # Errors
    /// When it is not on disk.
    pub async fn rewind(&self, stream: StreamId, to: Timestamp) -> Result<bool, StoreError> {
        self.change(Some(stream), move |db| rewind(db, stream, to)).await
    }

    /// Forgets how far the streams were read, what is known of them and how their filters work. Their sequences go
    /// on, and their gaps stay: what the provider has forgotten does not come back.
    ///
    /// # Errors
    /// When it is not on disk; then nothing is forgotten.
    pub async fn forget_streams(&self, streams: Vec<StreamId>) -> Result<(), StoreError> {
        self.change(None, move |db| streams.iter().try_for_each(|stream| forget(db, *stream))).await
    }

    /// Forgets the account that the source is bound to, and a credential that its provider has rotated.
    ///
    /// # Errors
    /// When it is not on disk.
    pub async fn unbind(&self, source: &str) -> Result<(), StoreError> {
        let name = source.to_owned();
        self.change(None, move |db| {
            db.execute("DELETE FROM source WHERE name = ?1", [&name])?;
            db.execute("DELETE FROM credential WHERE source = ?1", [&name]).map(drop)
        })
        .await
    }
}

fn rewind(db: &Connection, stream: StreamId, to: Timestamp) -> rusqlite::Result<bool> {
    let sql = "UPDATE stream SET
            epoch = epoch + 1,
            high_water = min(high_water, ?2),
            complete_from = min(complete_from, ?2),
            reached = max(coalesce(reached, complete_to), complete_to),
            complete_to = ?2
        WHERE id = ?1 AND complete_to > ?2";
    Ok(db.prepare_cached(sql)?.execute(params![stream.0, Millis(to)])? > 0)
}

fn forget(db: &Connection, stream: StreamId) -> rusqlite::Result<()> {
    db.execute(
        "INSERT INTO forgotten (shelf) SELECT coalesce(shelf, id) FROM stream WHERE id = ?1",
        [stream.0],
    )?;
    // Numbers of streams stay far below the first of these shelves, and an epoch comes once.
    let sql = "UPDATE stream SET
            epoch = epoch + 1,
            shelf = id + ((epoch + 1) << 32),
            high_water = NULL, complete_from = NULL, complete_to = NULL, reached = NULL,
            filter = 'primary',
            reconciled = NULL
        WHERE id = ?1";
    db.execute(sql, [stream.0])?;
    // What sinks have of it comes to them again, and a job that was interrupted has nothing left to go on from.
    for table in ["delivered", "job"] {
        db.execute(&format!("DELETE FROM {table} WHERE stream = ?1"), [stream.0])?;
    }
    Ok(())
}

/// Whether there are shelves to empty.
pub(super) fn has_forgotten(db: &Connection) -> rusqlite::Result<bool> {
    db.prepare_cached("SELECT 1 FROM forgotten")?.exists([])
}

/// Takes the first ids from a forgotten shelf; the shelf goes with its last ones.
pub(super) fn sweep(db: &Connection) -> rusqlite::Result<()> {
    let shelf: i64 =
        db.prepare_cached("SELECT min(shelf) FROM forgotten")?.query_row([], |row| row.get(0))?;
    let next: Option<(i64, Vec<u8>)> = db
        .prepare_cached("SELECT time, id FROM known_id WHERE shelf = ?1 ORDER BY time, id LIMIT 1 OFFSET ?2")?
        .query_row(params![shelf, SWEPT_AT_ONCE], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    match next {
        Some((time, id)) => db
            .prepare_cached("DELETE FROM known_id WHERE shelf = ?1 AND (time, id) < (?2, ?3)")?
            .execute(params![shelf, time, id]),
        None => {
            db.prepare_cached("DELETE FROM known_id WHERE shelf = ?1")?.execute([shelf])?;
            db.prepare_cached("DELETE FROM forgotten WHERE shelf = ?1")?.execute([shelf])
        }
    }
    .map(drop)
}
