//! The table of dead letters.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Change, DeadLetter, LetterChoice, LetterCount, LettersBySink};
use crate::event::{EventId, StoredEvent, StreamName};
use crate::store::delivered;
use crate::store::sql::Millis;

/// Letters changed in one step: their rows are written anew, which takes a few milliseconds.
const CHANGED_AT_ONCE: u32 = 200;
/// Bytes of letters that are read at once to be tried again, unless a single one is larger.
const RETURNED_BYTES: usize = 1 << 20;

const LETTER: &str = "id, sink, refused_at, reason, source, stream, sequence, event_id, retry";
/// Behind the columns of the letter.
const EVENT: &str = "core, original";

/// One letter with its event.
pub(super) fn find(db: &Connection, id: i64) -> rusqlite::Result<Option<(DeadLetter, StoredEvent)>> {
    let both = |row: &Row<'_>| Ok((read_letter(row)?, read_event(row)?));
    db.prepare_cached(&format!("SELECT {LETTER}, {EVENT} FROM dead_letter WHERE id = ?1"))?
        .query_row([id], both)
        .optional()
}

/// Every sink that ever was.
pub(super) fn sinks(db: &Connection) -> rusqlite::Result<Vec<String>> {
    db.prepare_cached("SELECT name FROM sink UNION SELECT sink FROM dead_letter ORDER BY 1")?
        .query_map([], |row| row.get(0))?
        .collect()
}

fn read_letter(row: &Row<'_>) -> rusqlite::Result<DeadLetter> {
    Ok(DeadLetter {
        id: row.get(0)?,
        sink: row.get(1)?,
        refused_at: row.get::<_, Millis>(2)?.0,
        reason: row.get(3)?,
        stream: StreamName { source: row.get(4)?, stream: row.get(5)? },
        sequence: row.get(6)?,
        event: EventId::from_bytes(row.get(7)?),
        retry: row.get(8)?,
    })
}

fn read_event(row: &Row<'_>) -> rusqlite::Result<StoredEvent> {
    Ok(StoredEvent {
        position: row.get(0)?,
        stream: Arc::new(StreamName { source: row.get(4)?, stream: row.get(5)? }),
        sequence: row.get(6)?,
        id: EventId::from_bytes(row.get(7)?),
        core: row.get_ref(9)?.as_str()?.into(),
        original: row.get_ref(10)?.as_str()?.into(),
    })
}

/// A page of letters, without their events.
pub(super) fn page(
    db: &Connection,
    sink: Option<&str>,
    after: i64,
    most: u32,
) -> rusqlite::Result<Vec<DeadLetter>> {
    let select = format!("SELECT {LETTER} FROM dead_letter WHERE");
    match sink {
        Some(sink) => db
            .prepare_cached(&format!("{select} sink = ?1 AND id > ?2 ORDER BY id LIMIT ?3"))?
            .query_map(params![sink, after, most], read_letter)?
            .collect(),
        None => db
            .prepare_cached(&format!("{select} id > ?1 ORDER BY id LIMIT ?2"))?
            .query_map(params![after, most], read_letter)?
            .collect(),
    }
}

/// Counts the letters of a choice.
pub(super) fn count(db: &Connection, choice: &LetterChoice) -> rusqlite::Result<LetterCount> {
    let mut count = LetterCount::default();
    match choice {
        LetterChoice::All => {
            let sql = "SELECT sink, count(*) FROM dead_letter GROUP BY sink";
            let pairs = |row: &Row<'_>| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs()));
            count.by_sink = db.prepare_cached(sql)?.query_map([], pairs)?.collect::<rusqlite::Result<_>>()?;
        }
        LetterChoice::Sink(sink) => {
            let sql = "SELECT count(*) FROM dead_letter WHERE sink = ?1";
            let letters: i64 = db.prepare_cached(sql)?.query_row([sink], |row| row.get(0))?;
            if letters > 0 {
                count.by_sink.insert(sink.clone(), letters.unsigned_abs());
            }
        }
        LetterChoice::Ids(ids) => {
            let mut find = db.prepare_cached("SELECT sink FROM dead_letter WHERE id = ?1")?;
            for id in ids {
                match find.query_row([id], |row| row.get(0)).optional()? {
                    Some(sink) => *count.by_sink.entry(sink).or_default() += 1,
                    None => count.missing.push(*id),
                }
            }
        }
    }
    Ok(count)
}

/// The number of the newest letter.
pub(super) fn last(db: &Connection) -> rusqlite::Result<i64> {
    db.prepare_cached("SELECT coalesce(max(id), 0) FROM dead_letter")?.query_row([], |row| row.get(0))
}

/// The next numbers of the choice with `after < id <= end`, enough for one step.
pub(super) fn some_ids(
    db: &Connection,
    choice: &LetterChoice,
    after: i64,
    end: i64,
) -> rusqlite::Result<Vec<i64>> {
    match choice {
        LetterChoice::All => db
            .prepare_cached("SELECT id FROM dead_letter WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT ?3")?
            .query_map((after, end, CHANGED_AT_ONCE), |row| row.get(0))?
            .collect(),
        LetterChoice::Sink(sink) => db
            .prepare_cached(
                "SELECT id FROM dead_letter WHERE sink = ?1 AND id > ?2 AND id <= ?3 ORDER BY id LIMIT ?4",
            )?
            .query_map(params![sink, after, end, CHANGED_AT_ONCE], |row| row.get(0))?
            .collect(),
        LetterChoice::Ids(ids) => {
            let rest = &ids[ids.partition_point(|id| *id <= after)..];
            Ok(rest.iter().copied().take(CHANGED_AT_ONCE as usize).collect())
        }
    }
}

/// Changes these letters; those that are gone are passed over.
pub(super) fn change(db: &Connection, change: Change, ids: &[i64]) -> rusqlite::Result<LettersBySink> {
    let mut statement = db.prepare_cached(match change {
        Change::Mark => "UPDATE dead_letter SET retry = 1 WHERE id = ?1 RETURNING sink",
        Change::Delete => "DELETE FROM dead_letter WHERE id = ?1 RETURNING sink",
    })?;
    let mut changed = LettersBySink::new();
    for id in ids {
        if let Some(sink) = statement.query_row([id], |row| row.get(0)).optional()? {
            *changed.entry(sink).or_default() += 1;
        }
    }
    Ok(changed)
}

/// The first letters of a sink that are marked.
pub(in crate::store) fn marked(
    db: &Connection,
    sink: &str,
    most: usize,
) -> rusqlite::Result<Vec<Arc<StoredEvent>>> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {LETTER}, {EVENT} FROM dead_letter INDEXED BY dead_letter_to_retry
         WHERE sink = ?1 AND retry = 1 ORDER BY id"
    ))?;
    let mut rows = statement.query([sink])?;
    let (mut events, mut bytes) = (Vec::new(), 0);
    while events.len() < most.max(1)
        && let Some(row) = rows.next()?
    {
        let event = read_event(row)?;
        bytes += event.size();
        if !events.is_empty() && bytes > RETURNED_BYTES {
            break;
        }
        events.push(Arc::new(event));
    }
    Ok(events)
}

/// The accepted go, the refused stay, marked no more.
pub(in crate::store) fn settle(
    db: &Connection,
    sink: &str,
    accepted: &[i64],
    refused: &[(i64, String)],
) -> rusqlite::Result<()> {
    let mut remove = db.prepare_cached("DELETE FROM dead_letter WHERE id = ?1 AND sink = ?2")?;
    for letter in accepted {
        delivered::letter_accepted(db, sink, *letter)?;
        remove.execute(params![letter, sink])?;
    }
    db.prepare_cached("UPDATE sink SET delivered = delivered + ?2 WHERE name = ?1")?
        .execute(params![sink, i64::try_from(accepted.len()).unwrap_or(i64::MAX)])?;
    let now = Millis(Timestamp::now());
    let mut keep = db.prepare_cached(
        "UPDATE dead_letter SET retry = 0, reason = ?3, refused_at = ?4 WHERE id = ?1 AND sink = ?2",
    )?;
    for (letter, reason) in refused {
        keep.execute(params![letter, sink, reason, now])?;
    }
    Ok(())
}
