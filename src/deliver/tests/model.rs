//! A model of the store.

use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

use crate::deliver::{Returned, Returns, Spool};
use crate::event::{EventId, StoredEvent, StreamName};
use crate::store::{SinkNote, StoreError};

/// Sees the positions of settled events, and which of them are refused.
pub(super) type Witness = Box<dyn FnMut(&[i64], &[i64]) + Send>;

/// The store: what is committed, and what would be on disk after a kill.
#[derive(Default)]
pub(super) struct Disk {
    pub(super) events: Vec<Arc<StoredEvent>>,
    pub(super) position: i64,
    pub(super) accepted: u64,
    pub(super) dead_letters: Vec<(i64, String)>,
    pub(super) notes: Vec<SinkNote>,
    /// What the next calls of `advance` answer instead of doing it.
    pub(super) failures: Vec<StoreError>,
    /// Asked before each access, for a failure instead.
    pub(super) trouble: Option<Box<dyn FnMut() -> Option<StoreError> + Send>>,
    /// Told which events the position passes, or which letters are settled, and which of them are refused.
    pub(super) witness: Option<Witness>,
    /// The positions put on disk, one after the other.
    pub(super) positions: Vec<i64>,
    /// Dead letters that somebody wants to be tried again.
    pub(super) returned: Vec<Returned>,
    /// Letters that were accepted.
    pub(super) redeemed: Vec<i64>,
}

impl Disk {
    fn fails(&mut self) -> Result<(), StoreError> {
        match self.trouble.as_mut().and_then(|trouble| trouble()) {
            Some(failure) => Err(failure),
            None => Ok(()),
        }
    }
}

/// The numbers of letters begin behind this one.
pub(super) const LETTERS: i64 = 1_000_000;

#[derive(Clone, Default)]
pub(super) struct ModelSpool {
    pub(super) disk: Arc<Mutex<Disk>>,
    pub(super) committed: Arc<Notify>,
    pub(super) given_back: Arc<Notify>,
    pub(super) read_to: i64,
}

impl ModelSpool {
    pub(super) fn holding(count: i64) -> Self {
        let spool = Self::default();
        spool.commit(count, "crm");
        spool
    }

    pub(super) fn commit(&self, count: i64, source: &str) {
        let mut disk = self.disk.lock().unwrap();
        for _ in 0..count {
            // Positions have holes: the spool is shared by all sinks.
            let position = disk.events.last().map_or(0, |last| last.position) + 3;
            disk.events.push(event(position, source));
        }
        self.committed.notify_one();
    }

    /// Somebody wants so many dead letters to be tried again.
    pub(super) fn give_back(&self, count: i64) {
        let mut disk = self.disk.lock().unwrap();
        for _ in 0..count {
            let letter = disk.returned.last().map_or(LETTERS, |last| last.letter) + 2;
            disk.returned.push(Returned { letter, event: event(letter, "crm") });
        }
        self.given_back.notify_one();
    }

    /// As a new process finds it.
    pub(super) fn reopened(&self) -> Self {
        let read_to = self.disk.lock().unwrap().position;
        Self { read_to, ..self.clone() }
    }

    pub(super) fn end_position(&self) -> i64 {
        self.disk.lock().unwrap().events.last().map_or(0, |last| last.position)
    }
}

fn event(position: i64, source: &str) -> Arc<StoredEvent> {
    let stream = Arc::new(StreamName { source: source.to_owned(), stream: "login".to_owned() });
    let mut id = [0; 16];
    id[..8].copy_from_slice(&position.to_be_bytes());
    Arc::new(StoredEvent {
        position,
        stream,
        sequence: position,
        id: EventId::from_bytes(id),
        core: "{\"event\":{}}".into(),
        original: format!("{{\"n\":{position}}}").into(),
    })
}

impl Spool for ModelSpool {
    async fn next(&mut self, most: usize, _: usize) -> Result<Vec<Arc<StoredEvent>>, StoreError> {
        loop {
            let read: Vec<_> = {
                let mut disk = self.disk.lock().unwrap();
                disk.fails()?;
                disk.events.iter().filter(|event| event.position > self.read_to).take(most).cloned().collect()
            };
            if let Some(last) = read.last() {
                self.read_to = last.position;
                return Ok(read);
            }
            self.committed.notified().await;
        }
    }

    async fn end(&self) -> Result<i64, StoreError> {
        Ok(self.end_position())
    }

    fn accepted(&self) -> i64 {
        self.disk.lock().unwrap().position
    }

    async fn advance(
        &mut self,
        position: i64,
        accepted: u64,
        refused: Vec<(Arc<StoredEvent>, String)>,
    ) -> Result<(), StoreError> {
        let mut disk = self.disk.lock().unwrap();
        if let Some(failure) = disk.failures.pop() {
            return Err(failure);
        }
        disk.fails()?;
        let passed: Vec<i64> = disk.events.iter().map(|event| event.position).collect();
        let from = passed.partition_point(|event| *event <= disk.position);
        let to = passed.partition_point(|event| *event <= position);
        let passed = &passed[from..to];
        assert_eq!(passed.len() as u64, accepted + refused.len() as u64, "every event passed is settled");
        if let Some(witness) = &mut disk.witness {
            witness(passed, &refused.iter().map(|(event, _)| event.position).collect::<Vec<_>>());
        }
        disk.position = position;
        disk.positions.push(position);
        disk.accepted += accepted;
        disk.dead_letters.extend(refused.into_iter().map(|(event, reason)| (event.position, reason)));
        Ok(())
    }

    async fn note(&self, note: SinkNote) -> Result<(), StoreError> {
        self.disk.lock().unwrap().notes.push(note);
        Ok(())
    }

    type Returns = ModelReturns;

    fn returns(&self) -> ModelReturns {
        ModelReturns { disk: Arc::clone(&self.disk), given_back: Arc::clone(&self.given_back) }
    }
}

pub(super) struct ModelReturns {
    disk: Arc<Mutex<Disk>>,
    given_back: Arc<Notify>,
}

impl Returns for ModelReturns {
    async fn next(&mut self, most: usize) -> Result<Vec<Returned>, StoreError> {
        loop {
            {
                let mut disk = self.disk.lock().unwrap();
                disk.fails()?;
                if !disk.returned.is_empty() {
                    return Ok(disk.returned.iter().take(most).cloned().collect());
                }
            }
            self.given_back.notified().await;
        }
    }

    async fn settle(&mut self, accepted: Vec<i64>, refused: Vec<(i64, String)>) -> Result<(), StoreError> {
        let mut disk = self.disk.lock().unwrap();
        disk.fails()?;
        let bad: Vec<i64> = refused.iter().map(|(letter, _)| *letter).collect();
        let mut settled = [accepted.clone(), bad.clone()].concat();
        settled.sort_unstable();
        let before = disk.returned.len();
        disk.returned.retain(|returned| !settled.contains(&returned.letter));
        assert_eq!(before - disk.returned.len(), settled.len(), "a letter is settled once");
        if let Some(witness) = &mut disk.witness {
            witness(&settled, &bad);
        }
        disk.redeemed.extend(accepted);
        disk.dead_letters.extend(refused);
        Ok(())
    }
}
