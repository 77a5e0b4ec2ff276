//! Dead letters: events that a sink refused for good. They are looked at, dropped, or marked to be tried again.
//!
//! A mark stays until the sink has taken the event or refused it once more, so a retry outlives a stop and a
//! kill. Many letters are changed in steps that let commits in between, each step on disk or not at all.

pub(super) mod table;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::Connection;

use super::{Store, StoreError};
use crate::event::{EventId, StoredEvent, StreamName};

/// A dead letter without its event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its number: counts up, never given twice.
    pub id: i64,
    /// Who refused it.
    pub sink: String,
    /// When it was refused last.
    pub refused_at: Timestamp,
    /// In the receiver's words.
    pub reason: String,
    /// Where the event comes from.
    pub stream: StreamName,
    /// `event.sequence`.
    pub sequence: i64,
    /// `event.id`.
    pub event: EventId,
    /// Whether it is to be tried again.
    pub retry: bool,
}

/// Which dead letters a command is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LetterChoice {
    /// Every one.
    All,
    /// Those of one sink.
    Sink(String),
    /// Those with these numbers.
    Ids(Vec<i64>),
}

/// How many letters of each sink.
pub type LettersBySink = BTreeMap<String, u64>;

/// What a [`LetterChoice`] comes to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LetterCount {
    /// How many letters of each sink.
    pub by_sink: LettersBySink,
    /// Numbers that no letter has.
    pub missing: Vec<i64>,
}

impl Store {
    /// A page of dead letters, oldest first: those behind the number `after`, at most `most` of them.
    ///
    /// # Errors
    /// When the file can't be read, or the store was closed.
    pub async fn dead_letters(
        &self,
        sink: Option<&str>,
        after: i64,
        most: u32,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        let sink = sink.map(str::to_owned);
        self.ask(move |reader| table::page(&reader.db, sink.as_deref(), after, most)).await
    }

    /// One dead letter with its event, whose position is the letter's number.
    ///
    /// # Errors
    /// When the file can't be read, or the store was closed.
    pub async fn dead_letter(&self, id: i64) -> Result<Option<(DeadLetter, StoredEvent)>, StoreError> {
        self.ask(move |reader| table::find(&reader.db, id)).await
    }

    /// Counts dead letters.
    ///
    /// # Errors
    /// When the file can't be read, or the store was closed.
    pub async fn count_dead_letters(&self, choice: LetterChoice) -> Result<LetterCount, StoreError> {
        self.ask(move |reader| table::count(&reader.db, &choice)).await
    }

    /// The names of all sinks that ever were, configured or not.
    ///
    /// # Errors
    /// When the file can't be read, or the store was closed.
    pub async fn sinks(&self) -> Result<Vec<String>, StoreError> {
        self.ask(|reader| table::sinks(&reader.db)).await
    }

    /// Marks dead letters to be tried again and wakes who delivers them. Says how many there are of each sink,
    /// those that were marked before included.
    ///
    /// # Errors
    /// When a part of it is not on disk.
    pub async fn retry_dead_letters(&self, choice: LetterChoice) -> Result<LettersBySink, StoreError> {
        self.change_letters(choice, Change::Mark).await
    }

    /// Deletes dead letters for good. Says how many of each sink.
    ///
    /// # Errors
    /// When a part of it is not on disk.
    pub async fn drop_dead_letters(&self, choice: LetterChoice) -> Result<LettersBySink, StoreError> {
        self.change_letters(choice, Change::Delete).await
    }

    /// Changes every letter of the choice, step by step.
    async fn change_letters(
        &self,
        choice: LetterChoice,
        change: Change,
    ) -> Result<LettersBySink, StoreError> {
        let choice = Arc::new(choice.in_order());
        // What is refused from now on is not meant.
        let end = self.ask(|reader| table::last(&reader.db)).await?;
        let (mut changed, mut after) = (LettersBySink::new(), 0);
        loop {
            let chosen = Arc::clone(&choice);
            let ids = self.ask(move |reader| table::some_ids(&reader.db, &chosen, after, end)).await?;
            let Some(id) = ids.last() else { return Ok(changed) };
            after = *id;
            for (sink, letters) in self.change_some(change, ids).await? {
                *changed.entry(sink).or_default() += letters;
            }
        }
    }

    async fn change_some(&self, change: Change, ids: Vec<i64>) -> Result<LettersBySink, StoreError> {
        let work = move |db: &Connection| table::change(db, change, &ids);
        match change {
            Change::Mark => self.change_and_wake(work).await,
            Change::Delete => self.change(None, work).await,
        }
    }
}

/// What happens to chosen letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Mark,
    Delete,
}

impl LetterChoice {
    /// Numbers in ascending order, each once.
    fn in_order(self) -> Self {
        match self {
            Self::Ids(mut ids) => {
                ids.sort_unstable();
                ids.dedup();
                Self::Ids(ids)
            }
            other => other,
        }
    }
}
