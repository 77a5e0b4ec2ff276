//! A model of the store, a sink that follows a script, and a worker between them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::super::{Notice, Returned, Returns, Settings, SinkStatus, Spool, Worker};
use crate::config::BatchLimits;
use crate::encode::{Encoder, Envelope, Format};
use crate::event::{EventId, StoredEvent, StreamName};
use crate::sink::{Batch, Outcome, Probe, Sink};
use crate::store::{SinkNote, StoreError};

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
}

#[derive(Clone, Default)]
pub(super) struct ModelSpool {
    pub(super) disk: Arc<Mutex<Disk>>,
    pub(super) committed: Arc<Notify>,
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
        let stream = Arc::new(StreamName { source: source.to_owned(), stream: "login".to_owned() });
        for _ in 0..count {
            // Positions have holes: the spool is shared by all sinks.
            let position = disk.events.last().map_or(0, |last| last.position) + 3;
            let mut id = [0; 16];
            id[..8].copy_from_slice(&position.to_be_bytes());
            disk.events.push(Arc::new(StoredEvent {
                position,
                stream: Arc::clone(&stream),
                sequence: position,
                id: EventId::from_bytes(id),
                core: "{\"event\":{}}".into(),
                original: format!("{{\"n\":{position}}}").into(),
            }));
        }
        self.committed.notify_one();
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

impl Spool for ModelSpool {
    async fn next(&mut self, most: usize, _: usize) -> Result<Vec<Arc<StoredEvent>>, StoreError> {
        loop {
            let read: Vec<_> = {
                let disk = self.disk.lock().unwrap();
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
        let passed =
            disk.events.iter().filter(|event| (disk.position + 1..=position).contains(&event.position));
        assert_eq!(passed.count() as u64, accepted + refused.len() as u64, "every event passed is settled");
        disk.position = position;
        disk.accepted += accepted;
        disk.dead_letters.extend(refused.into_iter().map(|(event, reason)| (event.position, reason)));
        Ok(())
    }

    async fn note(&self, note: SinkNote) -> Result<(), StoreError> {
        self.disk.lock().unwrap().notes.push(note);
        Ok(())
    }

    type Returns = NoReturns;

    fn returns(&self) -> NoReturns {
        NoReturns
    }
}

pub(super) struct NoReturns;

impl Returns for NoReturns {
    async fn next(&mut self, _most: usize) -> Result<Vec<Returned>, StoreError> {
        std::future::pending().await
    }

    async fn settle(&mut self, _: Vec<i64>, _: Vec<(i64, String)>) -> Result<(), StoreError> {
        Ok(())
    }
}

/// What a sink saw: when, and which events.
pub(super) type Seen = Arc<Mutex<Vec<(Instant, Vec<i64>)>>>;

pub(super) struct ScriptedSink<F> {
    pub(super) script: Mutex<F>,
    pub(super) seen: Seen,
    pub(super) has_new_credential: Arc<AtomicBool>,
    pub(super) takes: Duration,
}

impl<F: FnMut(usize, &Batch) -> Outcome + Send + 'static> Sink for ScriptedSink<F> {
    fn deliver<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Outcome> {
        let positions = batch.events.iter().map(|event| event.position).collect();
        let turn = {
            let mut seen = self.seen.lock().unwrap();
            seen.push((Instant::now(), positions));
            seen.len() - 1
        };
        Box::pin(async move {
            sleep(self.takes).await;
            (self.script.lock().unwrap())(turn, batch)
        })
    }

    fn credential_changed(&self) -> BoxFuture<'_, bool> {
        let changed = self.has_new_credential.swap(false, Ordering::Relaxed);
        Box::pin(async move { changed })
    }

    fn probe(&self) -> BoxFuture<'_, Probe> {
        Box::pin(async { Probe::Passed(String::new()) })
    }
}

/// A worker about to run, and all that can be seen of it.
pub(super) struct Rig {
    pub(super) worker: Worker<ModelSpool>,
    pub(super) spool: ModelSpool,
    pub(super) seen: Seen,
    pub(super) status: watch::Receiver<SinkStatus>,
    pub(super) notices: mpsc::Receiver<Notice>,
    pub(super) has_new_credential: Arc<AtomicBool>,
    pub(super) stop: CancellationToken,
    pub(super) drain: CancellationToken,
}

pub(super) const LIMITS: BatchLimits =
    BatchLimits { max_events: 500, max_bytes: 1024 * 1024, max_wait: Duration::from_secs(1) };

pub(super) fn rig(
    spool: &ModelSpool,
    limits: BatchLimits,
    script: impl FnMut(usize, &Batch) -> Outcome + Send + 'static,
) -> Rig {
    let seen = Seen::default();
    let has_new_credential = Arc::new(AtomicBool::new(false));
    let sink = ScriptedSink {
        script: Mutex::new(script),
        seen: Arc::clone(&seen),
        has_new_credential: Arc::clone(&has_new_credential),
        takes: Duration::ZERO,
    };
    let (sender, notices) = mpsc::channel(16);
    let settings =
        Settings { name: "siem".to_owned(), limits, encoder: Encoder::new(Format::raw(), Envelope::Line) };
    let spool = spool.reopened();
    let (worker, status) = Worker::new(settings, Arc::new(sink), spool.clone(), sender);
    let (stop, drain) = (CancellationToken::new(), CancellationToken::new());
    Rig { worker, spool, seen, status, notices, has_new_credential, stop, drain }
}

impl Rig {
    /// Runs until everything is settled; what is seen is left.
    pub(super) async fn drained(mut self) -> Drained {
        self.drain.cancel();
        let began = Instant::now();
        let run = self.worker.run(self.stop, self.drain);
        timeout(Duration::from_secs(86_400), run).await.expect("it drains within a day").unwrap();
        let mut notices = Vec::new();
        while let Ok(notice) = self.notices.try_recv() {
            notices.push(notice);
        }
        let disk = std::mem::take(&mut *self.spool.disk.lock().unwrap());
        let seen = std::mem::take(&mut *self.seen.lock().unwrap());
        let times = seen.iter().map(|(at, _)| at.duration_since(began)).collect();
        let sent = seen.into_iter().map(|(_, positions)| positions).collect();
        let status = self.status.borrow().clone();
        Drained { disk, sent, times, notices, status }
    }
}

pub(super) struct Drained {
    pub(super) disk: Disk,
    pub(super) sent: Vec<Vec<i64>>,
    pub(super) times: Vec<Duration>,
    pub(super) notices: Vec<Notice>,
    pub(super) status: SinkStatus,
}
