//! Makes batches: reads ahead, encodes, and keeps within the limits.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::time::Instant;

use super::Spool;
use crate::config::BatchLimits;
use crate::encode::Encoder;
use crate::event::StoredEvent;
use crate::sink::Batch;
use crate::store::StoreError;

/// Events encoded before other tasks get their turn: at two microseconds each, well below half a millisecond.
const ENCODED_AT_ONCE: usize = 128;

/// Holds one batch in the making, and at most one batch's worth of events that are read but not in it.
#[derive(Debug)]
pub(super) struct Batcher {
    limits: BatchLimits,
    encoder: Encoder,
    /// Read, not encoded.
    read: VecDeque<Arc<StoredEvent>>,
    building: Batch,
    /// When its first event came.
    begun: Option<Instant>,
    /// Encoded, did not fit: the first of the next batch.
    carried: Option<(Arc<StoredEvent>, Vec<u8>)>,
    /// Position of the last event that was read.
    read_to: i64,
}

impl Batcher {
    /// Begins behind `position`.
    pub(super) fn new(limits: BatchLimits, encoder: Encoder, position: i64) -> Self {
        Self {
            limits,
            encoder,
            read: VecDeque::new(),
            building: Batch::default(),
            begun: None,
            carried: None,
            read_to: position,
        }
    }

    /// Whether the batch takes no more.
    pub(super) fn is_full(&self) -> bool {
        self.carried.is_some()
            || self.building.len() >= self.limits.max_events
            || self.building.lines.len() >= self.limits.max_bytes
    }

    /// Whether there is nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        self.building.is_empty()
    }

    /// When the batch goes even if it is not full; `None` when it is empty.
    pub(super) fn due(&self) -> Option<Instant> {
        self.begun.map(|begun| begun + self.limits.max_wait)
    }

    /// Whether everything up to `position` is in the batch or in one before.
    pub(super) fn has_read_to(&self, position: i64) -> bool {
        self.read.is_empty() && self.read_to >= position
    }

    /// The batch, if there is anything in it; a new one begins.
    pub(super) fn take(&mut self) -> Option<Batch> {
        let was_full = self.is_full();
        let batch = std::mem::take(&mut self.building);
        if was_full {
            // Another one like it will follow: one allocation instead of a dozen.
            self.building.lines.reserve(batch.lines.len());
        }
        self.begun = None;
        if let Some((event, line)) = self.carried.take() {
            self.begun = Some(Instant::now());
            self.building.push(event, &line);
        }
        (!batch.is_empty()).then_some(batch)
    }

    /// Adds some events; waits for them if there are none. Cancel-safe: what was read stays here.
    pub(super) async fn grow<S: Spool>(&mut self, spool: &mut S) -> Result<(), StoreError> {
        if self.read.is_empty() {
            let most_events = self.limits.max_events.saturating_sub(self.building.len()).max(1);
            let most_bytes = self.limits.max_bytes.saturating_sub(self.building.lines.len()).max(1);
            let events = spool.next(most_events, most_bytes).await?;
            self.read_to = events.last().map_or(self.read_to, |last| last.position);
            self.read.extend(events);
        }
        for _ in 0..ENCODED_AT_ONCE {
            if self.is_full() {
                break;
            }
            let Some(event) = self.read.pop_front() else { break };
            self.add(event);
        }
        tokio::task::yield_now().await;
        Ok(())
    }

    /// Encodes events that do not come from the spool, in as many batches as they need.
    pub(super) async fn encode_apart(&mut self, events: Vec<Arc<StoredEvent>>) -> Vec<Batch> {
        let mut batches = Vec::new();
        let mut batch = Batch::default();
        for (index, event) in events.into_iter().enumerate() {
            if let Some((event, line)) = self.write(&mut batch, event) {
                batches.push(std::mem::take(&mut batch));
                batch.push(event, &line);
            }
            if (index + 1) % ENCODED_AT_ONCE == 0 {
                tokio::task::yield_now().await;
            }
        }
        batches.push(batch);
        batches
    }

    fn add(&mut self, event: Arc<StoredEvent>) {
        let mut batch = std::mem::take(&mut self.building);
        self.carried = self.write(&mut batch, event);
        self.building = batch;
        if self.carried.is_none() {
            self.begun.get_or_insert_with(Instant::now);
        }
    }

    /// Writes an event at the end of a batch; gives it back with its encoding when it does not fit.
    fn write(&mut self, batch: &mut Batch, event: Arc<StoredEvent>) -> Option<(Arc<StoredEvent>, Vec<u8>)> {
        let start = batch.lines.len();
        self.encoder.encode(&event, &mut batch.lines);
        // Its line feed counts.
        if batch.lines.len() >= self.limits.max_bytes && start > 0 {
            return Some((event, batch.lines.split_off(start)));
        }
        batch.push_written(event, start);
        None
    }
}
