//! The spool as one sink sees it, and how full it is.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use super::feed::{Chunk, Seat};
use super::reader::Piece;
use super::{Store, StoreError, sink};
use crate::event::{StoredEvent, StreamName};

/// The daemon's own source: its events go to every sink.
const OWN_SOURCE: &str = "auditferry";

/// How full the spool is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SpoolLevel {
    /// Bytes of events that at least one sink has still to take, and of those behind them.
    pub used: u64,
    /// `spool.max_size`.
    pub max: u64,
    /// Set at `max`, cleared again at nine tenths of it: polling pauses meanwhile.
    pub full: bool,
}

impl SpoolLevel {
    /// The level after this one.
    pub(super) fn moved_to(self, used: u64) -> Self {
        let full = if self.full { used > self.max / 10 * 9 } else { used >= self.max };
        Self { used, full, ..self }
    }
}

/// Reads one sink's events in order: from memory while it keeps up, from the file otherwise.
///
/// Both ways say which positions they cover, and everything is taken once, in the order of positions: `read` is
/// the position up to which events are in `ready` or were given out.
#[derive(Debug)]
pub struct SpoolReader {
    store: Store,
    sink: String,
    /// The sources that it gets; empty means all.
    sources: Arc<[String]>,
    /// The end of the spool; waiting is for this, the chunks are only the faster way to what is behind it.
    end: watch::Receiver<i64>,
    chunks: mpsc::Receiver<Arc<Chunk>>,
    /// A chunk that was taken while events before it were still to be read from the file.
    ahead: Option<Arc<Chunk>>,
    ready: VecDeque<Arc<StoredEvent>>,
    read: i64,
    accepted: i64,
}

impl SpoolReader {
    pub(super) fn new(store: Store, sink: String, seat: Seat, end: watch::Receiver<i64>) -> Self {
        Self {
            store,
            sink,
            sources: seat.sources.into(),
            end,
            chunks: seat.chunks,
            ahead: None,
            ready: VecDeque::new(),
            read: seat.position,
            accepted: seat.position,
        }
    }

    /// Waits until there is at least one event behind what was read, then gives the next ones: at most
    /// `most_events`, and once one is there no more than fit `most_bytes`. Cancel-safe.
    ///
    /// # Errors
    /// When the file can't be read, or the store was closed.
    pub async fn next(
        &mut self,
        most_events: usize,
        most_bytes: usize,
    ) -> Result<Vec<Arc<StoredEvent>>, StoreError> {
        loop {
            // Looked at before the chunks: what is up to here and not among them was missed.
            let end = *self.end.borrow_and_update();
            self.take_chunks(most_events);
            if !self.ready.is_empty() {
                return Ok(self.take_ready(most_events, most_bytes));
            }
            let missed_to = self.ahead.as_ref().map_or(end, |chunk| chunk.after);
            if self.read < missed_to {
                let piece = self.read_file(missed_to).await?;
                self.read = piece.last;
                self.ready.extend(piece.events);
            } else {
                let read = self.read;
                self.end.wait_for(|end| *end > read).await.map_err(|_| StoreError::Closed)?;
            }
        }
    }

    /// Takes what is in memory and follows on what was read, until there is enough.
    fn take_chunks(&mut self, enough: usize) {
        while self.ready.len() < enough.max(1) {
            let Some(chunk) = self.ahead.take().or_else(|| self.chunks.try_recv().ok()) else { return };
            if chunk.after > self.read {
                self.ahead = Some(chunk);
                return;
            }
            // What was read from the file meanwhile is not taken again.
            let new = chunk.events.iter().filter(|event| event.position > self.read);
            self.ready.extend(new.filter(|event| wants(&self.sources, &event.stream)).cloned());
            self.read = self.read.max(chunk.last);
        }
    }

    fn take_ready(&mut self, most_events: usize, most_bytes: usize) -> Vec<Arc<StoredEvent>> {
        let mut bytes = 0usize;
        let fitting = self.ready.iter().take(most_events).take_while(|event| {
            bytes = bytes.saturating_add(event.size());
            bytes <= most_bytes
        });
        let count = fitting.count().max(1);
        self.ready.drain(..count).collect()
    }

    async fn read_file(&self, to: i64) -> Result<Piece, StoreError> {
        let after = self.read;
        let sources = Arc::clone(&self.sources);
        self.store.ask(move |reader| reader.piece(after, to, |name| wants(&sources, name))).await
    }

    /// The position of the last event committed for this sink (of its sources) so far, 0 for none; `next` has
    /// nothing to give when everything up to it was read.
    ///
    /// # Errors
    /// When the file can't be read, or the store was closed.
    pub async fn end(&self) -> Result<i64, StoreError> {
        let name = self.sink.clone();
        self.store.ask(move |reader| sink::end(&reader.db, &name)).await
    }

    /// The position up to which every event was accepted or dead-lettered.
    pub fn accepted(&self) -> i64 {
        self.accepted
    }

    /// Everything up to `position` is accepted or dead-lettered, in one transaction with the dead letters
    /// `refused` (event, reason). On disk when this returns. `accepted` counts the events that were accepted.
    ///
    /// # Errors
    /// When it is not on disk; it may be tried again.
    pub async fn advance(
        &mut self,
        position: i64,
        accepted: u64,
        refused: Vec<(Arc<StoredEvent>, String)>,
    ) -> Result<(), StoreError> {
        if position > self.read {
            return Err(StoreError::Failed(format!(
                "sink {} cannot have accepted up to {position}: it was given events up to {} only",
                self.sink, self.read
            )));
        }
        let name = self.sink.clone();
        let count = i64::try_from(accepted).unwrap_or(i64::MAX);
        self.store.change(None, move |db| sink::advance(db, &name, position, count, &refused)).await?;
        self.accepted = self.accepted.max(position);
        Ok(())
    }
}

/// Whether a sink of these sources gets the events of this stream: the rule of the view `wanted`.
fn wants(sources: &[String], stream: &StreamName) -> bool {
    sources.is_empty() || stream.source == OWN_SOURCE || sources.contains(&stream.source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_is_set_at_the_bound_and_cleared_at_nine_tenths_of_it() {
        let mut level = SpoolLevel { max: 100, ..SpoolLevel::default() };
        for (used, full) in [(99, false), (100, true), (150, true), (91, true), (90, false), (99, false)] {
            level = level.moved_to(used);
            assert_eq!((level.used, level.full), (used, full));
        }
    }
}
