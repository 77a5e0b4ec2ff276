//! One sink as it runs: its receiver and the worker that delivers to it.

use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::tasks::Tasks;
use super::{GRACE, ServiceError, Tools, observer};
use crate::config;
use crate::deliver::{self, SinkStatus, StoreSpool, Worker};
use crate::encode::Encoder;
use crate::sink::{self, SetupError};

/// A sink with all that could fail behind it, not running yet.
pub(super) struct IdleSink {
    settings: config::Sink,
    receiver: Arc<dyn sink::Sink>,
    encoder: Encoder,
}

/// A sink with what it was made from.
pub(super) struct Sink {
    pub(super) settings: config::Sink,
    pub(super) status: watch::Receiver<SinkStatus>,
    pub(super) tasks: Tasks,
    stop: CancellationToken,
}

impl IdleSink {
    /// A sink of these settings.
    ///
    /// # Errors
    /// When a certificate, a key or a secret can't be read.
    pub(super) async fn new(settings: &config::Sink) -> Result<Self, ServiceError> {
        let setup = |reason| ServiceError::Setup { place: place(settings), reason };
        let wanted = settings.clone();
        // Reading certificates and keys blocks.
        let made = tokio::task::spawn_blocking(move || {
            Ok::<_, SetupError>((sink::build(&wanted)?, sink::encoder(&wanted, &observer())?))
        });
        let made = made.await.map_err(|failure| setup(failure.to_string()))?;
        let (receiver, encoder) = made.map_err(|failure| setup(failure.to_string()))?;
        Ok(Self { settings: settings.clone(), receiver, encoder })
    }

    /// Delivers from where the store says that the sink of this name stands, until it is stopped, or after `drain`
    /// until it has everything.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn start(self, tools: &Tools, drain: CancellationToken) -> Result<Sink, ServiceError> {
        let Self { settings, receiver, encoder } = self;
        let spool = StoreSpool::open(&tools.store, &settings.name).await?;
        let worker = deliver::Settings {
            name: settings.name.clone(),
            limits: settings.batch,
            encoder,
            meter: tools.meter.sink(&settings.name),
        };
        let (worker, status) = Worker::new(worker, receiver, spool, tools.notices.clone());
        let (mut tasks, stop) = (Tasks::new(), CancellationToken::new());
        tasks.spawn(place(&settings), worker.run(stop.clone(), drain));
        Ok(Sink { settings, status, tasks, stop })
    }
}

impl Sink {
    /// Begins nothing new; what is in flight gets [`GRACE`] to finish.
    pub(super) async fn stop(&mut self) {
        self.stop.cancel();
        self.tasks.finish(GRACE).await;
    }
}

fn place(settings: &config::Sink) -> String {
    format!("sinks.{}", settings.name)
}
