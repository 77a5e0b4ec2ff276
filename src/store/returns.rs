//! What a sink gets once more, beside the spool's events: dead letters that are marked to be tried again, then the
//! events of a replay.

use std::sync::Arc;

use tokio::sync::watch;

use super::letter::table;
use super::replay::{self, Part};
use super::{Store, StoreError};
use crate::event::StoredEvent;

/// What one sink gets once more.
#[derive(Debug)]
pub struct Returns {
    store: Store,
    sink: String,
    wakes: watch::Receiver<u64>,
    /// The part of a replay that was given last and is not settled; `None` when letters were given.
    part: Option<Part>,
}

impl Store {
    /// What the sink gets once more.
    pub fn returns(&self, sink: &str) -> Returns {
        Returns { store: self.clone(), sink: sink.to_owned(), wakes: self.returns.clone(), part: None }
    }
}

impl Returns {
    /// Waits until there is something, then gives the first of it, oldest first: at most `most` events, and once one
    /// is there no more than about a MiB; the same again until they are settled. The position of a dead letter's
    /// event is the letter's number. Cancel-safe.
    ///
    /// # Errors
    /// When the file can't be read, or the store was closed.
    pub async fn next(&mut self, most: usize) -> Result<Vec<Arc<StoredEvent>>, StoreError> {
        loop {
            // Noted before the look into the file: what comes meanwhile ends the wait below.
            self.wakes.borrow_and_update();
            self.part = None;
            let sink = self.sink.clone();
            let marked = self.store.ask(move |reader| table::marked(&reader.db, &sink, most)).await?;
            if !marked.is_empty() {
                return Ok(marked);
            }
            let sink = self.sink.clone();
            match self.store.ask(move |reader| replay::next(reader, &sink, most)).await? {
                Some(part) if part.events.is_empty() => {
                    self.settle_replay(part.last, Vec::new(), Vec::new()).await?;
                }
                Some(part) => {
                    let events = part.events.clone();
                    self.part = Some(part);
                    return Ok(events);
                }
                None => self.wakes.changed().await.map_err(|_| StoreError::Closed)?,
            }
        }
    }

    /// The `accepted` were taken; the `refused` are dead letters, each for its new reason. On disk when this
    /// returns. Letters that were dropped meanwhile are passed over.
    ///
    /// # Errors
    /// When it is not on disk; it may be tried again.
    pub async fn settle(
        &mut self,
        accepted: Vec<i64>,
        refused: Vec<(i64, String)>,
    ) -> Result<(), StoreError> {
        let Some(part) = &self.part else {
            let sink = self.sink.clone();
            let settle = move |db: &_| table::settle(db, &sink, &accepted, &refused);
            return self.store.change(None, settle).await;
        };
        let settled = accepted.iter().copied().chain(refused.iter().map(|(position, _)| *position)).max();
        let Some(settled) = settled else { return Ok(()) };
        let is_whole = part.events.last().is_none_or(|event| event.position <= settled);
        let last = if is_whole { part.last } else { settled };
        let refused = refused.into_iter().filter_map(|(position, reason)| {
            let event = part.events.iter().find(|event| event.position == position)?;
            Some((Arc::clone(event), reason))
        });
        let refused = refused.collect();
        self.settle_replay(last, accepted, refused).await
    }

    async fn settle_replay(
        &self,
        last: i64,
        accepted: Vec<i64>,
        refused: Vec<(Arc<StoredEvent>, String)>,
    ) -> Result<(), StoreError> {
        let sink = self.sink.clone();
        self.store.change(None, move |db| replay::settle(db, &sink, last, &accepted, &refused)).await
    }
}
