//! The reader thread: answers questions from a connection of its own, beside the writer.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, Row};
use tokio::sync::mpsc;

use crate::event::{EventId, StoredEvent, StreamName};

/// What the reader is asked.
pub(super) enum Question {
    /// Runs on the reader's thread and sends its answer itself.
    Ask(Box<dyn FnOnce(&mut Reader) + Send>),
    /// Ends the reader.
    Close,
}

/// Rows looked at for one piece of the spool: bounds how long a sink of few events keeps the others waiting.
const PIECE_ROWS: u32 = 5000;
/// Events in a piece of the spool.
const PIECE_EVENTS: usize = 1000;
/// Bytes of events in a piece, unless a single event is larger.
const PIECE_BYTES: usize = 1 << 20;

/// A part of the spool, read from the file.
#[derive(Debug)]
pub(super) struct Piece {
    /// Everything up to this position is in it or not for the sink.
    pub(super) last: i64,
    pub(super) events: Vec<Arc<StoredEvent>>,
}

/// The reader's connection.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) db: Connection,
    names: HashMap<i64, Arc<StreamName>>,
}

impl Reader {
    pub(super) fn new(db: Connection) -> Self {
        Self { db, names: HashMap::new() }
    }

    /// Answers until it is told to close or nobody is left to ask.
    pub(super) fn run(mut self, mut questions: mpsc::Receiver<Question>) {
        while let Some(Question::Ask(question)) = questions.blocking_recv() {
            question(&mut self);
        }
    }

    /// The event at a position; `None` when it is gone.
    pub(super) fn event(&mut self, position: i64) -> rusqlite::Result<Option<Arc<StoredEvent>>> {
        let Self { db, names } = self;
        let mut statement = db.prepare_cached(
            "SELECT position, stream, sequence, event_id, core, original FROM spool WHERE position = ?1",
        )?;
        let mut rows = statement.query([position])?;
        rows.next()?.map(|row| read_event(db, names, row).map(Arc::new)).transpose()
    }

    /// The first events with `after < position <= to` whose stream passes `wants`.
    pub(super) fn piece(
        &mut self,
        after: i64,
        to: i64,
        wants: impl Fn(&StreamName) -> bool,
    ) -> rusqlite::Result<Piece> {
        let Self { db, names } = self;
        let mut statement = db.prepare_cached(
            "SELECT position, stream, sequence, event_id, core, original FROM spool
             WHERE position > ?1 AND position <= ?2 ORDER BY position LIMIT ?3",
        )?;
        let mut rows = statement.query((after, to, PIECE_ROWS))?;
        let (mut events, mut bytes, mut seen, mut last) = (Vec::new(), 0, 0, after);
        while let Some(row) = rows.next()? {
            let position = row.get(0)?;
            let name = stream_name(db, names, row.get(1)?)?;
            seen += 1;
            if wants(&name) {
                let event = read_event(db, names, row)?;
                if !events.is_empty() && bytes + event.size() > PIECE_BYTES {
                    return Ok(Piece { last, events });
                }
                bytes += event.size();
                events.push(Arc::new(event));
            }
            last = position;
            if events.len() == PIECE_EVENTS {
                return Ok(Piece { last, events });
            }
        }
        // No row is left in the range; the positions up to its end may have none at all.
        Ok(Piece { last: if seen < PIECE_ROWS { to } else { last }, events })
    }
}

fn read_event(
    db: &Connection,
    names: &mut HashMap<i64, Arc<StreamName>>,
    row: &Row<'_>,
) -> rusqlite::Result<StoredEvent> {
    Ok(StoredEvent {
        position: row.get(0)?,
        stream: stream_name(db, names, row.get(1)?)?,
        sequence: row.get(2)?,
        id: EventId::from_bytes(row.get(3)?),
        core: row.get_ref(4)?.as_str()?.into(),
        original: row.get_ref(5)?.as_str()?.into(),
    })
}

fn stream_name(
    db: &Connection,
    names: &mut HashMap<i64, Arc<StreamName>>,
    stream: i64,
) -> rusqlite::Result<Arc<StreamName>> {
    if let Some(name) = names.get(&stream) {
        return Ok(Arc::clone(name));
    }
    let name = db
        .prepare_cached("SELECT source, name FROM stream WHERE id = ?1")?
        .query_row([stream], |row| Ok(StreamName { source: row.get(0)?, stream: row.get(1)? }))?;
    Ok(Arc::clone(names.entry(stream).or_insert(Arc::new(name))))
}
