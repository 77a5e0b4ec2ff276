//! Backfills and reconciles: which are under way, how far each is, and what it has seen.
//!
//! What a window of a job came to is kept in one transaction with how far the job is. So one that is interrupted at
//! any instant goes on behind the last window that it has read completely, and counts none twice.

use jiff::Timestamp;
use rusqlite::types::{ToSql, ToSqlOutput};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::delivered::{self, DeliveredCount};
use super::sql::Millis;
use super::{Store, StoreError, StreamId, stream};

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobKind {
    /// Collects a part of the past.
    Backfill,
    /// Compares it with the provider, and collects what was missed.
    Reconcile,
}

impl JobKind {
    /// The command of this name gives it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Backfill => "backfill",
            Self::Reconcile => "reconcile",
        }
    }
}

impl ToSql for JobKind {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.name().into())
    }
}

/// Which job of which stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobKey {
    /// The stream.
    pub stream: StreamId,
    /// What is done with it.
    pub kind: JobKind,
}

/// How far a job is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// The range begins here.
    pub from: Timestamp,
    /// It ends here.
    pub to: Timestamp,
    /// It was read up to here.
    pub done: Timestamp,
    /// When the command was first given.
    pub began: Timestamp,
    /// Rows that the provider has shown, each once.
    pub shown: u64,
    /// Of these, new ones.
    pub found: u64,
}

/// What was seen of one day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JobDay {
    /// The day, counted from 1970 in UTC.
    pub day: i64,
    /// Events that the provider has shown, each once.
    pub shown: u64,
    /// Of these, known before.
    pub known: u64,
    /// Events that were collected before, shown or not.
    pub collected: u64,
    /// Events that were new.
    pub found: u64,
    /// Whether it is not certain how many equal rows there are.
    pub doubtful: bool,
}

impl Store {
    /// Begins a job, or goes on with one that was given in the same words and has not come to its end. One in
    /// other words is given up.
    ///
    /// # Errors
    /// When it is not on disk.
    pub async fn begin_job(&self, key: JobKey, asked: &str, job: Job) -> Result<Job, StoreError> {
        let asked = asked.to_owned();
        self.change(Some(key.stream), move |db| begin(db, key, &asked, &job)).await
    }

    /// A window was read completely: the job is done up to `done`, and these are its days.
    ///
    /// # Errors
    /// When it is not on disk; also when a page of the stream that waited with it could not be committed, and when
    /// somebody has made the stream forget everything meanwhile.
    pub async fn advance_job(
        &self,
        key: JobKey,
        done: Timestamp,
        days: Vec<JobDay>,
    ) -> Result<(), StoreError> {
        self.change_within(key.stream, move |db| advance(db, key, done, &days)).await
    }

    /// What a job has seen so far, oldest day first.
    ///
    /// # Errors
    /// When the file can't be read, or the store was closed.
    pub async fn job_days(&self, key: JobKey) -> Result<Vec<JobDay>, StoreError> {
        self.ask(move |reader| days(&reader.db, key)).await
    }

    /// The job has come to its end. What a backfill has read counts as read completely.
    ///
    /// # Errors
    /// When it is not on disk.
    pub async fn end_job(&self, key: JobKey) -> Result<(), StoreError> {
        self.change(Some(key.stream), move |db| end(db, key)).await
    }

    /// How many events of each day within `from <= time < to` are known; days without any are not there.
    ///
    /// # Errors
    /// When the file can't be read, or the store was closed.
    pub async fn known_by_day(
        &self,
        stream: StreamId,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<(i64, u64)>, StoreError> {
        self.ask(move |reader| delivered::known_by_day(&reader.db, stream, from, to)).await
    }

    /// What a sink has of one day of a stream.
    ///
    /// # Errors
    /// When the file can't be read, or the store was closed.
    pub async fn delivered_on(
        &self,
        sink: &str,
        stream: StreamId,
        day: i64,
    ) -> Result<DeliveredCount, StoreError> {
        let sink = sink.to_owned();
        self.ask(move |reader| delivered::of_day(&reader.db, &sink, stream, day)).await
    }

    /// The configured sinks that get the stream's events.
    ///
    /// # Errors
    /// When the file can't be read, or the store was closed.
    pub async fn sinks_of(&self, stream: StreamId) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT sink FROM wanted WHERE stream = ?1 ORDER BY sink";
        let ask =
            move |db: &Connection| db.prepare_cached(sql)?.query_map([stream.0], |row| row.get(0))?.collect();
        self.ask(move |reader| ask(&reader.db)).await
    }

    /// The position of the stream's newest event, 0 when the spool has none.
    ///
    /// # Errors
    /// When the file can't be read, or the store was closed.
    pub async fn end_of(&self, stream: StreamId) -> Result<i64, StoreError> {
        let sql = "SELECT coalesce(max(position), 0) FROM spool INDEXED BY spool_by_stream WHERE stream = ?1";
        let ask = move |db: &Connection| db.prepare_cached(sql)?.query_row([stream.0], |row| row.get(0));
        self.ask(move |reader| ask(&reader.db)).await
    }

    /// Whether a sink that delivers has still to take the stream's events up to `end`.
    ///
    /// # Errors
    /// When the file can't be read, or the store was closed.
    pub async fn is_awaited(&self, stream: StreamId, end: i64) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM wanted JOIN sink ON sink.name = wanted.sink
            WHERE wanted.stream = ?1 AND wanted.position < ?2 AND sink.state = 'working'";
        let ask = move |db: &Connection| db.prepare_cached(sql)?.exists(params![stream.0, end]);
        self.ask(move |reader| ask(&reader.db)).await
    }
}

fn begin(db: &Connection, key: JobKey, asked: &str, new: &Job) -> rusqlite::Result<Job> {
    let sql = "SELECT * FROM job WHERE stream = ?1 AND kind = ?2 AND asked = ?3";
    let known = db.prepare_cached(sql)?.query_row(params![key.stream.0, key.kind, asked], read).optional()?;
    if let Some(job) = known {
        return Ok(job);
    }
    end_row(db, key)?;
    db.prepare_cached(
        "INSERT INTO job (stream, kind, asked, start, stop, done, began) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        key.stream.0,
        key.kind,
        asked,
        Millis(new.from),
        Millis(new.to),
        Millis(new.done),
        Millis(new.began)
    ])?;
    Ok(new.clone())
}

fn read(row: &Row<'_>) -> rusqlite::Result<Job> {
    let time = |column| Ok::<_, rusqlite::Error>(row.get::<_, Millis>(column)?.0);
    let count = |column| Ok::<_, rusqlite::Error>(row.get::<_, i64>(column)?.unsigned_abs());
    Ok(Job {
        from: time("start")?,
        to: time("stop")?,
        done: time("done")?,
        began: time("began")?,
        shown: count("shown")?,
        found: count("found")?,
    })
}

/// False when there is no such job any more.
fn advance(db: &Connection, key: JobKey, done: Timestamp, days: &[JobDay]) -> rusqlite::Result<bool> {
    let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let total = |count: fn(&JobDay) -> u64| signed(days.iter().map(count).sum());
    let changed = db
        .prepare_cached(
            "UPDATE job SET done = max(done, ?3), shown = shown + ?4, found = found + ?5
             WHERE stream = ?1 AND kind = ?2",
        )?
        .execute(params![
            key.stream.0,
            key.kind,
            Millis(done),
            total(|day| day.shown),
            total(|day| day.found)
        ])?;
    if changed == 0 {
        return Ok(false);
    }
    let mut add = db.prepare_cached(
        "INSERT INTO job_day (stream, kind, day, shown, known, collected, found, doubtful)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (stream, kind, day) DO UPDATE SET
            shown = shown + ?4, known = known + ?5, collected = collected + ?6, found = found + ?7,
            doubtful = doubtful OR ?8",
    )?;
    for JobDay { day, shown, known, collected, found, doubtful } in days {
        let [shown, known, collected, found] = [shown, known, collected, found].map(|count| signed(*count));
        add.execute(params![key.stream.0, key.kind, day, shown, known, collected, found, doubtful])?;
    }
    Ok(true)
}

fn days(db: &Connection, key: JobKey) -> rusqlite::Result<Vec<JobDay>> {
    db.prepare_cached(
        "SELECT day, shown, known, collected, found, doubtful FROM job_day
         WHERE stream = ?1 AND kind = ?2 ORDER BY day",
    )?
    .query_map(params![key.stream.0, key.kind], |row| {
        let count = |column| Ok::<_, rusqlite::Error>(row.get::<_, i64>(column)?.unsigned_abs());
        Ok(JobDay {
            day: row.get(0)?,
            shown: count(1)?,
            known: count(2)?,
            collected: count(3)?,
            found: count(4)?,
            doubtful: row.get(5)?,
        })
    })?
    .collect()
}

fn end(db: &Connection, key: JobKey) -> rusqlite::Result<()> {
    if key.kind == JobKind::Backfill {
        let range = db
            .prepare_cached("SELECT * FROM job WHERE stream = ?1 AND kind = ?2 AND done >= stop")?
            .query_row(params![key.stream.0, key.kind], read)
            .optional()?;
        if let Some(Job { from, to, .. }) = range {
            stream::extend_back(db, key.stream, from, to)?;
        }
    }
    end_row(db, key)
}

/// Its days go with it.
fn end_row(db: &Connection, key: JobKey) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM job WHERE stream = ?1 AND kind = ?2")?
        .execute(params![key.stream.0, key.kind])?;
    Ok(())
}
