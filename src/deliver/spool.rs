//! What a worker asks of the store, so that a model can stand in for it.

use std::future::Future;
use std::sync::Arc;

use crate::event::StoredEvent;
use crate::store::{self, SinkNote, SpoolReader, Store, StoreError};

/// One sink's events in order, and how far they are settled. Each method is [`SpoolReader`]'s of that name.
pub trait Spool: Send + 'static {
    /// Waits for events behind what was read, then gives the next ones. Cancel-safe.
    fn next(
        &mut self,
        most_events: usize,
        most_bytes: usize,
    ) -> impl Future<Output = Result<Vec<Arc<StoredEvent>>, StoreError>> + Send;

    /// The position of the last event committed for this sink so far.
    fn end(&self) -> impl Future<Output = Result<i64, StoreError>> + Send;

    /// The position up to which every event is settled.
    fn accepted(&self) -> i64;

    /// Everything up to `position` is settled, `refused` as dead letters; on disk when this returns.
    fn advance(
        &mut self,
        position: i64,
        accepted: u64,
        refused: Vec<(Arc<StoredEvent>, String)>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Keeps the sink's state.
    fn note(&self, note: SinkNote) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// What the sink is to get once more.
    type Returns: Returns;

    /// Opens them; they are read beside the spool.
    fn returns(&self) -> Self::Returns;
}

/// Events that a sink gets once more: dead letters that somebody wants to be tried again, and replays. A replayed
/// event counts as the letter of its position.
pub trait Returns: Send + 'static {
    /// Waits until there are some, then gives the first `most` of them, oldest first; the same again until they
    /// are settled. Cancel-safe.
    fn next(&mut self, most: usize) -> impl Future<Output = Result<Vec<Returned>, StoreError>> + Send;

    /// The `accepted` are dead letters no more, the `refused` are so, or are so again, each for a new reason; on
    /// disk when this returns.
    fn settle(
        &mut self,
        accepted: Vec<i64>,
        refused: Vec<(i64, String)>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// An event that is given once more.
#[derive(Debug, Clone)]
pub struct Returned {
    /// The dead letter's number, or the replayed event's position.
    pub letter: i64,
    /// The event as it was; its position is the letter's number.
    pub event: Arc<StoredEvent>,
}

/// The store's spool for one sink.
#[derive(Debug)]
pub struct StoreSpool {
    store: Store,
    reader: SpoolReader,
    sink: String,
}

impl StoreSpool {
    /// The spool of the sink with this name, which is registered.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn open(store: &Store, sink: &str) -> Result<Self, StoreError> {
        let reader = store.reader(sink).await?;
        Ok(Self { store: store.clone(), reader, sink: sink.to_owned() })
    }
}

impl Spool for StoreSpool {
    async fn next(
        &mut self,
        most_events: usize,
        most_bytes: usize,
    ) -> Result<Vec<Arc<StoredEvent>>, StoreError> {
        self.reader.next(most_events, most_bytes).await
    }

    async fn end(&self) -> Result<i64, StoreError> {
        self.reader.end().await
    }

    fn accepted(&self) -> i64 {
        self.reader.accepted()
    }

    async fn advance(
        &mut self,
        position: i64,
        accepted: u64,
        refused: Vec<(Arc<StoredEvent>, String)>,
    ) -> Result<(), StoreError> {
        self.reader.advance(position, accepted, refused).await
    }

    async fn note(&self, note: SinkNote) -> Result<(), StoreError> {
        self.store.note_sink(&self.sink, note).await
    }

    type Returns = StoreReturns;

    fn returns(&self) -> StoreReturns {
        StoreReturns(self.store.returns(&self.sink))
    }
}

/// What the store has for one sink once more.
#[derive(Debug)]
pub struct StoreReturns(store::Returns);

impl Returns for StoreReturns {
    async fn next(&mut self, most: usize) -> Result<Vec<Returned>, StoreError> {
        let marked = self.0.next(most).await?;
        Ok(marked.into_iter().map(|event| Returned { letter: event.position, event }).collect())
    }

    async fn settle(&mut self, accepted: Vec<i64>, refused: Vec<(i64, String)>) -> Result<(), StoreError> {
        self.0.settle(accepted, refused).await
    }
}
