//! Replays: events that the spool still has are given to one sink again, under the ids and sequences that they have
//! always had.
//!
//! A replay goes beside the sink's position and never moves it. How far it is stands on disk, so it goes on after a
//! kill when the same command is given again; until then it rests, since nobody may want it any more.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::reader::Reader;
use super::sql::Millis;
use super::{Store, StoreError, delivered, sink};
use crate::event::StoredEvent;

/// Rows looked at for one part of a replay that wants few of them.
const ROWS: u32 = 5_000;
/// Bytes of events that are read at once, unless a single one is larger.
const BYTES: usize = 1 << 20;

/// What is to be replayed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayOrder {
    /// To this sink.
    pub sink: String,
    /// How the command was given: the same words go on with what was interrupted.
    pub asked: String,
    /// Events that happened at this time or later,
    pub from: Timestamp,
    /// and before this one.
    pub to: Timestamp,
    /// Only those of this source.
    pub source: Option<String>,
}

/// What became of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ordered {
    /// It is begun, or goes on.
    Begun(Replay),
    /// Another replay to this sink is under way.
    UnderWay,
    /// The sink is not configured.
    NoSuchSink,
}

/// How far a replay is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replay {
    /// Events that it has in all.
    pub events: u64,
    /// Events that the sink has taken.
    pub accepted: u64,
    /// Events that it has refused.
    pub refused: u64,
    /// Whether it has come to its end.
    pub is_done: bool,
}

impl Store {
    /// Begins a replay, or goes on with one that was given in the same words; wakes who delivers it.
    ///
    /// # Errors
    /// When it is not on disk.
    pub async fn begin_replay(&self, order: ReplayOrder) -> Result<Ordered, StoreError> {
        self.change_and_wake(move |db| begin(db, &order)).await
    }

    /// How far the sink's replay is; `None` when there is none.
    ///
    /// # Errors
    /// When the file can't be read, or the store was closed.
    pub async fn replay(&self, sink: &str) -> Result<Option<Replay>, StoreError> {
        let name = sink.to_owned();
        self.ask(move |reader| progress(&reader.db, &name)).await
    }

    /// When the oldest event that the spool has was collected; `None` when it has none.
    ///
    /// # Errors
    /// When the file can't be read, or the store was closed.
    pub async fn retained_from(&self) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT committed_at FROM spool ORDER BY position LIMIT 1";
        let ask = move |db: &Connection| {
            db.prepare_cached(sql)?.query_row([], |row| row.get::<_, Millis>(0)).optional()
        };
        Ok(self.ask(move |reader| ask(&reader.db)).await?.map(|at| at.0))
    }

    /// Lets the sink's replay rest, or forgets it when it has come to its end.
    ///
    /// # Errors
    /// When it is not on disk.
    pub async fn rest_replay(&self, sink: &str) -> Result<(), StoreError> {
        let name = sink.to_owned();
        self.change(None, move |db| rest(db, &name)).await
    }
}

/// All replays rest: whoever wanted them is gone with the process before.
pub(super) fn rest_all(db: &Connection) -> rusqlite::Result<()> {
    db.execute("UPDATE replay SET active = 0", []).map(drop)
}

/// What the sink's events of the order are, as a condition on `spool`.
const WANTED: &str = "coalesce(spool.time, spool.committed_at) >= replay.start
    AND coalesce(spool.time, spool.committed_at) < replay.stop
    AND spool.stream IN (
        SELECT stream.id FROM wanted JOIN stream ON stream.id = wanted.stream
        WHERE wanted.sink = replay.sink AND (replay.source IS NULL OR stream.source = replay.source)
    )";

fn begin(db: &Connection, order: &ReplayOrder) -> rusqlite::Result<Ordered> {
    let ReplayOrder { sink, asked, from, to, source } = order;
    let position: Option<i64> = db
        .prepare_cached("SELECT position FROM sink WHERE name = ?1 AND active")?
        .query_row([sink], |row| row.get(0))
        .optional()?;
    let Some(position) = position else { return Ok(Ordered::NoSuchSink) };
    // Whoever is interrupted lays it to rest, and so does every start.
    if db
        .prepare_cached("SELECT 1 FROM replay WHERE sink = ?1 AND active AND position < last")?
        .exists([sink])?
    {
        return Ok(Ordered::UnderWay);
    }
    let goes_on = db
        .prepare_cached("UPDATE replay SET active = 1 WHERE sink = ?1 AND asked = ?2 AND position < last")?
        .execute(params![sink, asked])?;
    if goes_on == 0 {
        // What the sink has still to take comes to it anyway.
        db.prepare_cached(
            "INSERT OR REPLACE INTO replay
                (sink, asked, source, start, stop, first, position, last, events, active)
             SELECT ?1, ?2, ?3, ?4, ?5, first, first, ?6, 0, 1
             FROM (SELECT coalesce(min(position) - 1, ?6) AS first FROM spool)",
        )?
        .execute(params![sink, asked, source, Millis(*from), Millis(*to), position])?;
        let sql = format!(
            "UPDATE replay SET events = (
                SELECT count(*) FROM spool WHERE spool.position <= replay.last AND {WANTED}
             ) WHERE sink = ?1"
        );
        db.prepare_cached(&sql)?.execute([sink])?;
    }
    Ok(progress(db, sink)?.map_or(Ordered::NoSuchSink, Ordered::Begun))
}

fn progress(db: &Connection, sink: &str) -> rusqlite::Result<Option<Replay>> {
    let count = |row: &Row<'_>, column| Ok::<_, rusqlite::Error>(row.get::<_, i64>(column)?.unsigned_abs());
    db.prepare_cached("SELECT events, accepted, refused, position >= last FROM replay WHERE sink = ?1")?
        .query_row([sink], |row| {
            Ok(Replay {
                events: count(row, 0)?,
                accepted: count(row, 1)?,
                refused: count(row, 2)?,
                is_done: row.get(3)?,
            })
        })
        .optional()
}

fn rest(db: &Connection, sink: &str) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM replay WHERE sink = ?1 AND position >= last")?.execute([sink])?;
    db.prepare_cached("UPDATE replay SET active = 0 WHERE sink = ?1")?.execute([sink])?;
    Ok(())
}

/// A part of a replay.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) events: Vec<Arc<StoredEvent>>,
    /// The replay is done up to here when they are settled.
    pub(super) last: i64,
}

/// The next part of the sink's replay, at most `most` events; `None` when nothing is to be replayed.
pub(super) fn next(reader: &mut Reader, sink: &str, most: usize) -> rusqlite::Result<Option<Part>> {
    let sql = format!(
        "SELECT spool.position, {WANTED}, replay.last FROM replay
         JOIN spool ON spool.position > replay.position AND spool.position <= replay.last
         WHERE replay.sink = ?1 AND replay.active ORDER BY spool.position LIMIT ?2"
    );
    let open: Option<i64> = reader
        .db
        .prepare_cached("SELECT last FROM replay WHERE sink = ?1 AND active AND position < last")?
        .query_row([sink], |row| row.get(0))
        .optional()?;
    let Some(end) = open else { return Ok(None) };
    let (mut positions, mut seen, mut last) = (Vec::new(), 0, 0);
    {
        let mut statement = reader.db.prepare_cached(&sql)?;
        let mut rows = statement.query(params![sink, ROWS])?;
        while positions.len() < most.max(1)
            && let Some(row) = rows.next()?
        {
            seen += 1;
            last = row.get(0)?;
            if row.get(1)? {
                positions.push(last);
            }
        }
        if positions.len() < most.max(1) && seen < ROWS {
            last = end;
        }
    }
    let (mut events, mut bytes) = (Vec::with_capacity(positions.len()), 0);
    for position in positions {
        let Some(event) = reader.event(position)? else { continue };
        bytes += event.size();
        if !events.is_empty() && bytes > BYTES {
            let before = events.last().map_or(0, |event: &Arc<StoredEvent>| event.position);
            return Ok(Some(Part { events, last: before }));
        }
        events.push(event);
    }
    Ok(Some(Part { events, last }))
}

/// The part up to `last` is settled: the `accepted` were taken, the `refused` become dead letters.
pub(super) fn settle(
    db: &Connection,
    sink: &str,
    last: i64,
    accepted: &[i64],
    refused: &[(Arc<StoredEvent>, String)],
) -> rusqlite::Result<()> {
    let count = |events: usize| i64::try_from(events).unwrap_or(i64::MAX);
    let changed = db
        .prepare_cached(
            "UPDATE replay SET position = ?2, accepted = accepted + ?3, refused = refused + ?4
             WHERE sink = ?1 AND position < ?2",
        )?
        .execute(params![sink, last, count(accepted.len()), count(refused.len())])?;
    if changed == 0 {
        return Ok(());
    }
    let owed_after: i64 = db
        .prepare_cached("SELECT owed_after FROM sink WHERE name = ?1")?
        .query_row([sink], |row| row.get(0))?;
    for position in accepted.iter().filter(|position| **position <= owed_after) {
        delivered::replayed(db, sink, *position)?;
    }
    // What the sink refuses is a dead letter already where it refused it before.
    let mut is_dead = db.prepare_cached("SELECT 1 FROM dead_letter WHERE sink = ?1 AND event_id = ?2")?;
    for (event, reason) in refused {
        if !is_dead.exists(params![sink, event.id.as_bytes()])? {
            sink::bury(db, sink, std::slice::from_ref(&(Arc::clone(event), reason.clone())))?;
        }
    }
    // Whole: what was collected before the sink was there is now as any other.
    db.prepare_cached(
        "UPDATE sink SET owed_after = replay.first FROM replay
         WHERE sink.name = ?1 AND replay.sink = ?1 AND replay.position >= replay.last
           AND replay.last >= sink.owed_after AND replay.first < sink.owed_after",
    )?
    .execute([sink])?;
    Ok(())
}
