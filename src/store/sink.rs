//! Sinks: who they are, how far each has come, and what each refused.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::delivered;
use super::page::SpoolEnd;
use super::sql::Millis;
use crate::event::StoredEvent;

/// A sink as the configuration names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkRegistration {
    /// Its name.
    pub name: String,
    /// The sources whose events it gets; empty means all.
    pub sources: Vec<String>,
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

impl SinkNote {
    fn columns(&self) -> (&'static str, &str) {
        match self {
            Self::Working => ("working", ""),
            Self::Retrying(reason) => ("retrying", reason),
            Self::Held(reason) => ("held", reason),
        }
    }

    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let reason = row.get("state_reason")?;
        Ok(match row.get_ref("state")?.as_str()? {
            "retrying" => Self::Retrying(reason),
            "held" => Self::Held(reason),
            _ => Self::Working,
        })
    }
}

/// A sink that came back to find events gone that it had still to take.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Missed {
    pub(super) sink: String,
    pub(super) events: i64,
}

/// Makes `sinks`, and no others, the ones that events wait for.
pub(super) fn register(db: &Connection, sinks: &[SinkRegistration]) -> rusqlite::Result<Vec<Missed>> {
    let end = SpoolEnd::read(db)?.position;
    let floor: i64 =
        db.query_row("SELECT coalesce(min(position) - 1, ?1) FROM spool", [end], |row| row.get(0))?;
    let mut wanted_before = Vec::with_capacity(sinks.len());
    for sink in sinks {
        wanted_before.push(wanted(db, &sink.name)?);
    }
    db.execute("UPDATE sink SET active = 0", [])?;
    let mut missed = Vec::new();
    for (sink, wanted_before) in sinks.iter().zip(wanted_before) {
        let before: Option<i64> = db
            .prepare_cached("SELECT position FROM sink WHERE name = ?1")?
            .query_row([&sink.name], |row| row.get(0))
            .optional()?;
        let position = before.unwrap_or(end).max(floor);
        if let Some(before) = before.filter(|before| *before < position) {
            missed.push(Missed { sink: sink.name.clone(), events: position - before });
        }
        db.prepare_cached(
            "INSERT INTO sink (name, active, every_source, position, owed_after) VALUES (?1, 1, ?2, ?3, ?3)
             ON CONFLICT (name) DO UPDATE SET active = 1, every_source = ?2, position = ?3",
        )?
        .execute(params![sink.name, sink.sources.is_empty(), position])?;
        db.prepare_cached("DELETE FROM sink_source WHERE sink = ?1")?.execute([&sink.name])?;
        for source in &sink.sources {
            db.prepare_cached("INSERT OR IGNORE INTO sink_source (sink, source) VALUES (?1, ?2)")?
                .execute([&sink.name, source])?;
        }
        for stream in wanted(db, &sink.name)?.iter().filter(|stream| !wanted_before.contains(stream)) {
            delivered::is_new_to(db, &sink.name, *stream, position)?;
        }
    }
    Ok(missed)
}

/// The streams whose events a sink gets, or got when it was active last.
fn wanted(db: &Connection, sink: &str) -> rusqlite::Result<Vec<i64>> {
    let sql = "SELECT stream.id FROM sink CROSS JOIN stream WHERE sink.name = ?1 AND (
            sink.every_source
            OR stream.source = 'auditferry'
            OR EXISTS (SELECT 1 FROM sink_source
                       WHERE sink_source.sink = sink.name AND sink_source.source = stream.source)
        )";
    db.prepare_cached(sql)?.query_map([sink], |row| row.get(0))?.collect()
}

/// The names of the sinks that events wait for.
pub(super) fn active(db: &Connection) -> rusqlite::Result<Vec<String>> {
    db.prepare_cached("SELECT name FROM sink WHERE active ORDER BY name")?
        .query_map([], |row| row.get(0))?
        .collect()
}

/// Where an active sink stands, and the sources that it gets (empty: all).
pub(super) fn place(db: &Connection, sink: &str) -> rusqlite::Result<Option<(i64, Vec<String>)>> {
    let position = db
        .prepare_cached("SELECT position FROM sink WHERE name = ?1 AND active")?
        .query_row([sink], |row| row.get(0))
        .optional()?;
    let Some(position) = position else { return Ok(None) };
    let sources = db
        .prepare_cached("SELECT source FROM sink_source WHERE sink = ?1")?
        .query_map([sink], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(Some((position, sources)))
}

/// The first event that a sink has still to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) position: i64,
    /// The size of all events before it.
    pub(super) bytes: i64,
    pub(super) committed_at: Timestamp,
}

/// One look into the index per stream; without the hint SQLite may walk the table.
pub(super) const FIRST_WAITING: &str = "SELECT position, bytes, committed_at FROM spool WHERE position = (
        SELECT min((
            SELECT spool.position FROM spool INDEXED BY spool_by_stream
            WHERE spool.stream = wanted.stream AND spool.position > wanted.position
            ORDER BY spool.position LIMIT 1
        )) FROM wanted WHERE wanted.sink = ?1)";

/// The first event of its sources behind an active sink's position.
pub(super) fn first_waiting(db: &Connection, sink: &str) -> rusqlite::Result<Option<Waiting>> {
    db.prepare_cached(FIRST_WAITING)?
        .query_row([sink], |row| {
            Ok(Waiting {
                position: row.get(0)?,
                bytes: row.get(1)?,
                committed_at: row.get::<_, Millis>(2)?.0,
            })
        })
        .optional()
}

/// The first event that any active sink has still to take.
pub(super) fn oldest_waiting(db: &Connection) -> rusqlite::Result<Option<Waiting>> {
    let mut oldest: Option<Waiting> = None;
    for sink in active(db)? {
        let waiting = first_waiting(db, &sink)?;
        oldest = oldest.into_iter().chain(waiting).min_by_key(|waiting| waiting.position);
    }
    Ok(oldest)
}

/// A stream's sequence has no hole, so what waits of it is a subtraction, however many they are.
pub(super) const COUNT_WAITING: &str = "SELECT coalesce(sum((
        SELECT stream.sequence - spool.sequence + 1 FROM spool INDEXED BY spool_by_stream
        WHERE spool.stream = wanted.stream AND spool.position > wanted.position
        ORDER BY spool.position LIMIT 1
    )), 0) FROM wanted JOIN stream ON stream.id = wanted.stream WHERE wanted.sink = ?1";

/// How many events wait for an active sink.
pub(super) fn count_waiting(db: &Connection, sink: &str) -> rusqlite::Result<i64> {
    db.prepare_cached(COUNT_WAITING)?.query_row([sink], |row| row.get(0))
}

/// The position of the last event of an active sink's sources, 0 when there is none.
pub(super) fn end(db: &Connection, sink: &str) -> rusqlite::Result<i64> {
    let sql = "SELECT coalesce(max((
            SELECT max(spool.position) FROM spool INDEXED BY spool_by_stream WHERE spool.stream = wanted.stream
        )), 0) FROM wanted WHERE wanted.sink = ?1";
    db.prepare_cached(sql)?.query_row([sink], |row| row.get(0))
}

/// Everything up to `position` is done with: `accepted` events more were taken, the `refused` become dead letters.
pub(super) fn advance(
    db: &Connection,
    sink: &str,
    position: i64,
    accepted: i64,
    refused: &[(Arc<StoredEvent>, String)],
) -> rusqlite::Result<()> {
    let before = db
        .prepare_cached("SELECT position FROM sink WHERE name = ?1")?
        .query_row([sink], |row| row.get(0))?;
    delivered::accepted(db, sink, before, position)?;
    db.prepare_cached(
        "UPDATE sink SET position = max(position, ?2), delivered = delivered + ?3 WHERE name = ?1",
    )?
    .execute(params![sink, position, accepted])?;
    for (event, _) in refused {
        delivered::refused(db, sink, event.position)?;
    }
    bury(db, sink, refused)
}

/// Makes dead letters of events that stand in the spool.
pub(super) fn bury(
    db: &Connection,
    sink: &str,
    refused: &[(Arc<StoredEvent>, String)],
) -> rusqlite::Result<()> {
    let now = Millis(Timestamp::now());
    let mut bury = db.prepare_cached(
        "INSERT INTO dead_letter
            (sink, refused_at, reason, source, stream, sequence, event_id, core, original, time)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, (SELECT time FROM spool WHERE position = ?10))",
    )?;
    for (event, reason) in refused {
        bury.execute(params![
            sink,
            now,
            reason,
            event.stream.source,
            event.stream.stream,
            event.sequence,
            event.id.as_bytes(),
            event.core,
            event.original,
            event.position
        ])?;
    }
    Ok(())
}

/// Keeps a sink's state; writes only what has changed.
pub(super) fn note(db: &Connection, sink: &str, note: &SinkNote) -> rusqlite::Result<()> {
    let (state, reason) = note.columns();
    db.prepare_cached(
        "UPDATE sink SET
            state = ?2, state_reason = ?3, state_since = iif(state = ?2, coalesce(state_since, ?4), ?4)
         WHERE name = ?1 AND (state <> ?2 OR state_reason <> ?3 OR state_since IS NULL)",
    )?
    .execute(params![sink, state, reason, Millis(Timestamp::now())])?;
    Ok(())
}
