//! How many events came in lately: a count per stream and interval, kept with the page that adds to it.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::StreamId;
use super::sql::{Millis, millis};

/// Length of an interval. Intervals begin at whole multiples of it since 1970. Migration 3 has it too.
pub const COLLECTED_INTERVAL: Duration = Duration::from_secs(15 * 60);
/// How long a count is kept: twice what is shown, so that a reader whose clock is behind misses nothing.
const KEPT: Duration = Duration::from_secs(48 * 3600);

/// Events of one stream that were committed in one interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CollectedCount {
    /// When the interval began.
    pub start: Timestamp,
    /// How many.
    pub events: i64,
}

/// Adds `events` that are committed `now`, and drops what is too old, in the open transaction: the counts are
/// those of what is on disk, and their number is bounded without anybody who comes by.
pub(super) fn add(db: &Connection, stream: StreamId, now: Timestamp, events: usize) -> rusqlite::Result<()> {
    let now_millis = millis(now);
    let interval = i64::try_from(COLLECTED_INTERVAL.as_millis()).unwrap_or(i64::MAX);
    let start = now_millis - now_millis.rem_euclid(interval);
    db.prepare_cached(
        "INSERT INTO collected (stream, start, events) VALUES (?1, ?2, ?3)
         ON CONFLICT (stream, start) DO UPDATE SET events = events + ?3",
    )?
    .execute(params![stream.0, start, i64::try_from(events).unwrap_or(i64::MAX)])?;
    let oldest = now.checked_sub(KEPT).unwrap_or(Timestamp::MIN);
    db.prepare_cached("DELETE FROM collected WHERE stream = ?1 AND start < ?2")?
        .execute(params![stream.0, Millis(oldest)])?;
    Ok(())
}

/// What is kept of a stream, oldest first; intervals without events are not there.
pub(super) fn of_stream(db: &Connection, stream: StreamId) -> rusqlite::Result<Vec<CollectedCount>> {
    db.prepare_cached("SELECT start, events FROM collected WHERE stream = ?1 ORDER BY start")?
        .query_map([stream.0], |row| {
            Ok(CollectedCount { start: row.get::<_, Millis>(0)?.0, events: row.get(1)? })
        })?
        .collect()
}
