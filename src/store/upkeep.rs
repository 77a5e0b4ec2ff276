//! Between commits: delivered events go when their retention is over, forgotten ids go, and their space with them.
//!
//! In small steps, so that a commit never waits for long, and mostly while nothing else is to do.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::sql::millis;
use super::writer::Writer;
use super::{again, sink};

/// Rows deleted in one step: a few milliseconds.
const ROWS: u32 = 2000;
/// Pages of 4 KiB given back to the file system in one step: a few milliseconds.
const PAGES: u32 = 256;
/// Free pages that stay in the file (4 MiB), so that a steady stream does not shrink and grow it all the time.
const SPARE_PAGES: i64 = 1024;
/// Under load, one step is taken after this many groups of at most five pages of 200: deleting keeps up with
/// inserting.
const GROUPS_BETWEEN_STEPS: u32 = 2;
/// How long the log may keep what could be in the file.
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(60);

/// How far the upkeep is.
#[derive(Debug)]
pub(super) struct Upkeep {
    groups: u32,
    checkpointed: Instant,
    failing: bool,
}

impl Upkeep {
    pub(super) fn new() -> Self {
        Self { groups: 0, checkpointed: Instant::now(), failing: false }
    }
}

impl Writer {
    /// Takes the steps that are due, as long as no command waits.
    pub(super) fn look_after(&mut self) {
        self.upkeep.groups += 1;
        loop {
            let idle = self.next.is_none() && self.commands.is_empty();
            if !idle && self.upkeep.groups < GROUPS_BETWEEN_STEPS {
                return;
            }
            self.upkeep.groups = 0;
            match self.step(idle) {
                Ok(more) => {
                    self.upkeep.failing = false;
                    if !more || !idle {
                        return;
                    }
                }
                Err(error) => {
                    let error = self.place.explain(error);
                    if !std::mem::replace(&mut self.upkeep.failing, true) {
                        tracing::warn!(code = "cleanup-failing", %error, "cannot delete delivered events from the spool");
                    }
                    return;
                }
            }
        }
    }

    /// Takes one step; says whether there may be another.
    fn step(&mut self, idle: bool) -> rusqlite::Result<bool> {
        let cutoff = Timestamp::now().checked_sub(self.options.retention).unwrap_or(Timestamp::MIN);
        if expired(&self.db.connection, cutoff)? && self.db.write(|db| delete_delivered(db, cutoff))? {
            return Ok(true);
        }
        if !idle {
            return Ok(false);
        }
        if again::has_forgotten(&self.db.connection)? {
            self.db.write(again::sweep)?;
            return Ok(true);
        }
        if free_pages(&self.db.connection)? > SPARE_PAGES {
            give_pages_back(&self.db.connection)?;
            return Ok(true);
        }
        if self.upkeep.checkpointed.elapsed() >= CHECKPOINT_INTERVAL {
            self.upkeep.checkpointed = Instant::now();
            self.db.checkpoint()?;
        }
        Ok(false)
    }
}

/// Whether the retention of the oldest event is over.
fn expired(db: &Connection, cutoff: Timestamp) -> rusqlite::Result<bool> {
    db.prepare_cached(
        "SELECT 1 FROM (SELECT committed_at FROM spool ORDER BY position LIMIT 1) WHERE committed_at <= ?1",
    )?
    .exists([millis(cutoff)])
}

/// Deletes the oldest events, at most [`ROWS`] of them, of those that no sink has still to take. Says whether
/// there were any. What waits is looked up here and now: a mistake would lose events.
fn delete_delivered(db: &Connection, cutoff: Timestamp) -> rusqlite::Result<bool> {
    let waiting = sink::oldest_waiting(db)?.map_or(i64::MAX, |waiting| waiting.position);
    let last: Option<i64> = db
        .prepare_cached(
            "SELECT max(position) FROM (SELECT position FROM spool WHERE position < ?1 ORDER BY position LIMIT ?2)",
        )?
        .query_row(params![waiting, ROWS], |row| row.get(0))?;
    let deleted = db
        .prepare_cached("DELETE FROM spool WHERE position <= ?1 AND committed_at <= ?2")?
        .execute(params![last, millis(cutoff)])?;
    // A sink that gets only some sources may have nothing to take up to here without having said so; it must
    // not look later as if it had missed what is deleted now.
    db.prepare_cached("UPDATE sink SET position = ?1 WHERE active AND position < ?1")?.execute([last])?;
    Ok(deleted > 0)
}

fn free_pages(db: &Connection) -> rusqlite::Result<i64> {
    db.prepare_cached("PRAGMA freelist_count")?.query_row([], |row| row.get(0))
}

fn give_pages_back(db: &Connection) -> rusqlite::Result<()> {
    // SQLite frees one page per row that is asked for.
    let mut statement = db.prepare(&format!("PRAGMA incremental_vacuum({PAGES})"))?;
    let mut pages = statement.query([])?;
    while pages.next()?.is_some() {}
    Ok(())
}
