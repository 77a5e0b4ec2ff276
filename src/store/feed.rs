//! What was committed goes on to the sinks from memory.
//!
//! A chunk says which positions it covers, so that a sink that has missed one knows what to read from the file.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::sink::Waiting;
use crate::event::StoredEvent;

/// Chunks that wait for one sink. With [`CHUNK_BYTES`] this bounds what a sink that hangs holds in memory.
const CHUNKS: usize = 4;
/// Events in a chunk: five pages of 200.
const CHUNK_EVENTS: usize = 1000;
/// Bytes of events in a chunk, unless a single event is larger.
const CHUNK_BYTES: usize = 1 << 20;

/// Consecutive events, shared by all sinks.
#[derive(Debug)]
pub(super) struct Chunk {
    /// The position of the last event before it.
    pub(super) after: i64,
    /// The position of its own last event.
    pub(super) last: i64,
    pub(super) events: Vec<Arc<StoredEvent>>,
}

/// Cuts a commit's events into chunks; `after` is the position of the last event before them.
pub(super) fn cut(mut after: i64, events: Vec<Arc<StoredEvent>>) -> Vec<Arc<Chunk>> {
    let mut chunks = Vec::new();
    let mut events = events.into_iter().peekable();
    while let Some(first) = events.next() {
        let mut bytes = first.size();
        let mut last = first.position;
        let mut members = vec![first];
        while let Some(event) =
            events.next_if(|event| members.len() < CHUNK_EVENTS && bytes + event.size() <= CHUNK_BYTES)
        {
            bytes += event.size();
            last = event.position;
            members.push(event);
        }
        chunks.push(Arc::new(Chunk { after, last, events: members }));
        after = last;
    }
    chunks
}

/// A sink that events wait for, as the writer sees it.
#[derive(Debug)]
pub(super) struct Feed {
    pub(super) sink: String,
    /// The first event that it has still to take.
    pub(super) waiting: Option<Waiting>,
    /// To its reader, once there is one.
    chunks: Option<mpsc::Sender<Arc<Chunk>>>,
}

/// A sink's place at the writer: what its reader starts with.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) position: i64,
    pub(super) sources: Vec<String>,
    pub(super) chunks: mpsc::Receiver<Arc<Chunk>>,
}

impl Feed {
    pub(super) fn new(sink: String) -> Self {
        Self { sink, waiting: None, chunks: None }
    }

    /// Feeds a new reader, and no longer the one before.
    pub(super) fn follow(&mut self) -> mpsc::Receiver<Arc<Chunk>> {
        let (sender, receiver) = mpsc::channel(CHUNKS);
        self.chunks = Some(sender);
        receiver
    }

    /// Whether a chunk would reach the sink now.
    pub(super) fn has_room(&self) -> bool {
        self.chunks.as_ref().is_some_and(|chunks| !chunks.is_closed() && chunks.capacity() > 0)
    }

    /// Hands a chunk on; a sink that lags misses it and reads the file.
    pub(super) fn offer(&self, chunk: &Arc<Chunk>) {
        if let Some(chunks) = &self.chunks {
            let _ = chunks.try_send(Arc::clone(chunk));
        }
    }
}
