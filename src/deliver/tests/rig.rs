//! A sink that follows a script, and a worker between it and the model of the store.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::model::{Disk, ModelSpool};
use crate::config::BatchLimits;
use crate::deliver::{Notice, Settings, SinkStatus, Worker};
use crate::encode::{Encoder, Envelope, Format};
use crate::meter::SinkMeter;
use crate::sink::{Batch, Outcome, Probe, Sink};

/// What a sink saw: when, and which events.
pub(super) type Seen = Arc<Mutex<Vec<(Instant, Vec<i64>)>>>;

pub(super) struct ScriptedSink<F> {
    script: Mutex<F>,
    seen: Seen,
    has_new_credential: Arc<AtomicBool>,
    max_in_flight: usize,
    takes: fn(usize) -> Duration,
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
            let takes = (self.takes)(turn);
            if takes > Duration::ZERO {
                sleep(takes).await;
            }
            (self.script.lock().unwrap())(turn, batch)
        })
    }

    fn max_in_flight(&self) -> usize {
        self.max_in_flight
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

/// A worker with a sink that answers at once, one batch at a time.
pub(super) fn rig(
    spool: &ModelSpool,
    limits: BatchLimits,
    script: impl FnMut(usize, &Batch) -> Outcome + Send + 'static,
) -> Rig {
    slow_rig(spool, limits, 1, |_| Duration::ZERO, script)
}

/// A worker with a sink whose deliveries, counted from 0, take their time.
pub(super) fn slow_rig(
    spool: &ModelSpool,
    limits: BatchLimits,
    max_in_flight: usize,
    takes: fn(usize) -> Duration,
    script: impl FnMut(usize, &Batch) -> Outcome + Send + 'static,
) -> Rig {
    let seen = Seen::default();
    let has_new_credential = Arc::new(AtomicBool::new(false));
    let sink = ScriptedSink {
        script: Mutex::new(script),
        seen: Arc::clone(&seen),
        has_new_credential: Arc::clone(&has_new_credential),
        max_in_flight,
        takes,
    };
    let mut rig = rig_of(spool, limits, Arc::new(sink));
    rig.seen = seen;
    rig.has_new_credential = has_new_credential;
    rig
}

/// A worker with this sink.
pub(super) fn rig_of(spool: &ModelSpool, limits: BatchLimits, sink: Arc<dyn Sink>) -> Rig {
    let (sender, notices) = mpsc::channel(16);
    let settings = Settings {
        name: "siem".to_owned(),
        limits,
        encoder: Encoder::new(Format::raw(), Envelope::Line),
        meter: SinkMeter::default(),
    };
    let spool = spool.reopened();
    let (worker, status) = Worker::new(settings, sink, spool.clone(), sender);
    let (stop, drain) = (CancellationToken::new(), CancellationToken::new());
    let (seen, has_new_credential) = (Seen::default(), Arc::default());
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
