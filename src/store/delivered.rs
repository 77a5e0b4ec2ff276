//! What each sink has accepted, by the day of the event: what a day of the provider is compared with, long after
//! the spool has forgotten the events.
//!
//! The counts change in the transactions that move a sink's position, so they are as true as the position. What was
//! collected before a sink was there is counted apart: it is not missing.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::StreamId;
use super::sql::{Millis, UNDATED};

/// A day in milliseconds. Migration 5 has it too.
const DAY: i64 = 86_400_000;

/// What a sink has of one day of one stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeliveredCount {
    /// Events that it has accepted.
    pub events: u64,
    /// Events that were collected before it was there.
    pub before_sink: u64,
    /// Events that it refused for good.
    pub dead_letters: u64,
}

/// The day of an instant, counted from 1970 in UTC.
pub fn day_of(time: Timestamp) -> i64 {
    super::sql::millis(time).div_euclid(DAY)
}

/// When a day begins.
pub fn start_of(day: i64) -> Timestamp {
    Timestamp::from_millisecond(day.saturating_mul(DAY)).unwrap_or(Timestamp::MAX)
}

/// The events of a sink's streams behind `after`, up to `to`, were accepted.
pub(super) fn accepted(db: &Connection, sink: &str, after: i64, to: i64) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO delivered (sink, stream, day, events)
         SELECT ?1, stream, coalesce(time, ?4) / ?5, count(*) FROM spool
         WHERE position > ?2 AND position <= ?3 AND stream IN (SELECT stream FROM wanted WHERE sink = ?1)
         GROUP BY 2, 3
         ON CONFLICT (sink, stream, day) DO UPDATE SET events = events + excluded.events",
    )?
    .execute(params![sink, after, to, UNDATED, DAY])?;
    Ok(())
}

/// The event at this position was refused after all.
pub(super) fn refused(db: &Connection, sink: &str, position: i64) -> rusqlite::Result<()> {
    db.prepare_cached(
        "UPDATE delivered SET events = events - 1
         FROM (SELECT stream, coalesce(time, ?3) / ?4 AS day FROM spool WHERE position = ?2) AS event
         WHERE delivered.sink = ?1 AND delivered.stream = event.stream AND delivered.day = event.day",
    )?
    .execute(params![sink, position, UNDATED, DAY])?;
    Ok(())
}

/// A dead letter was accepted after all.
pub(super) fn letter_accepted(db: &Connection, sink: &str, letter: i64) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO delivered (sink, stream, day, events)
         SELECT ?1, stream.id, coalesce(dead_letter.time, ?3) / ?4, 1 FROM dead_letter
         JOIN stream ON stream.source = dead_letter.source AND stream.name = dead_letter.stream
         WHERE dead_letter.id = ?2 AND dead_letter.sink = ?1
         ON CONFLICT (sink, stream, day) DO UPDATE SET events = events + 1",
    )?
    .execute(params![sink, letter, UNDATED, DAY])?;
    Ok(())
}

/// Event by event, a replay gives a sink what was collected before it was there.
pub(super) fn replayed(db: &Connection, sink: &str, position: i64) -> rusqlite::Result<()> {
    db.prepare_cached(
        "UPDATE delivered SET events = events + 1, before_sink = before_sink - 1
         FROM (SELECT stream, coalesce(time, ?3) / ?4 AS day FROM spool WHERE position = ?2) AS event
         WHERE delivered.sink = ?1 AND delivered.stream = event.stream AND delivered.day = event.day
           AND before_sink > 0",
    )?
    .execute(params![sink, position, UNDATED, DAY])?;
    Ok(())
}

/// All that is known of the stream was collected before the sink got it, but for what it has still to take.
pub(super) fn is_new_to(db: &Connection, sink: &str, stream: i64, position: i64) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO delivered (sink, stream, day, before_sink)
         SELECT ?1, ?2, day, sum(events) FROM (
             SELECT time / ?5 AS day, count(*) AS events FROM known WHERE stream = ?2 GROUP BY 1
             UNION ALL
             SELECT coalesce(time, ?4) / ?5, -count(*) FROM spool WHERE stream = ?2 AND position > ?3 GROUP BY 1
         ) GROUP BY day
         ON CONFLICT (sink, stream, day) DO NOTHING",
    )?
    .execute(params![sink, stream, position, UNDATED, DAY])?;
    Ok(())
}

/// Drops the counts of days that are over before `before`.
pub(super) fn forget(db: &Connection, stream: StreamId, before: Timestamp) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM delivered WHERE stream = ?1 AND day < ?2")?
        .execute(params![stream.0, day_of(before)])?;
    Ok(())
}

/// What a sink has of one day.
pub(super) fn of_day(
    db: &Connection,
    sink: &str,
    stream: StreamId,
    day: i64,
) -> rusqlite::Result<DeliveredCount> {
    let (events, before_sink): (i64, i64) = db
        .prepare_cached(
            "SELECT events, before_sink FROM delivered WHERE sink = ?1 AND stream = ?2 AND day = ?3",
        )?
        .query_row(params![sink, stream.0, day], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?
        .unwrap_or_default();
    let dead_letters: i64 = db
        .prepare_cached(
            "SELECT count(*) FROM dead_letter JOIN stream
                ON stream.source = dead_letter.source AND stream.name = dead_letter.stream
             WHERE dead_letter.sink = ?1 AND stream.id = ?2
               AND dead_letter.time >= ?3 AND dead_letter.time < ?4",
        )?
        .query_row(params![sink, stream.0, Millis(start_of(day)), Millis(start_of(day + 1))], |row| {
            row.get(0)
        })?;
    let whole = |count: i64| u64::try_from(count).unwrap_or(0);
    Ok(DeliveredCount {
        events: whole(events),
        before_sink: whole(before_sink),
        dead_letters: whole(dead_letters),
    })
}

/// How many events of each day within `from <= time < to` are known.
pub(super) fn known_by_day(
    db: &Connection,
    stream: StreamId,
    from: Timestamp,
    to: Timestamp,
) -> rusqlite::Result<Vec<(i64, u64)>> {
    db.prepare_cached(
        "SELECT time / ?4, count(*) FROM known WHERE stream = ?1 AND time >= ?2 AND time < ?3 GROUP BY 1",
    )?
    .query_map(params![stream.0, Millis(from), Millis(to), DAY], |row| {
        Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs()))
    })?
    .collect()
}
