//! The service: everything wired together, started in order, watched, and stopped in order.
//!
//! Start: configuration → lock and store → sinks → sources → server and control socket. Stop: pollers first, then the sinks
//! finish what is in flight, then the store is closed. Every task is owned by the `tasks::Tasks` that the
//! service awaits; one that ends early or panics ends the process with an error, since a forwarder that
//! silently does half its work is worse than one that is restarted.

mod about;
mod check;
pub(crate) mod command;
mod control;
mod daemon;
mod grants;
mod manager;
mod notices;
mod observers;
mod once;
mod preview;
mod pulse;
mod signals;
mod sources;
mod tasks;
mod view;

pub(crate) use about::about;
#[cfg(test)]
pub(crate) use check::Aspect;
pub(crate) use check::{Finding, Findings, SourceFindings, check};
pub(crate) use command::health::health;
pub use daemon::{Reload, run as run_daemon};
pub(crate) use preview::{Preview, preview};
pub use signals::{SignalThread, Stop};

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::collect::schedule::{Schedule, StreamStatus};
use crate::collect::{Caller, Collector};
use crate::config::{self, Config};
use crate::deliver::{self, Notice, SinkStatus, StoreSpool, Worker};
use crate::encode::Observer;
use crate::event::OwnEvent;
use crate::meter::Meter;
use crate::observe;
use crate::sink::{self, SetupError};
use crate::store::{SinkRegistration, Store, StoreError, StoreOptions};

use daemon::Supervisor;
use sources::{Account, Stream};
use tasks::Tasks;

/// How long deliveries in flight may take to finish when the service stops. With the second for what waits and
/// the one of the status server the whole stays within ten.
const GRACE: Duration = Duration::from_secs(6);
/// Notices that wait to become events: more than any burst of state changes.
const MOST_NOTICES: usize = 256;

/// Why the service could not start or had to end.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The state directory could not be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A sink or source could not be made.
    #[error("{place}: {reason}")]
    Setup {
        /// The key of the configuration.
        place: String,
        /// Why.
        reason: String,
    },
    /// The status server could not listen.
    #[error("server.listen: {address}: {reason}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        reason: String,
    },
    /// A command could not be done.
    #[error("{0}")]
    Command(String),
    /// A task ended that should not have.
    #[error("{task} ended unexpectedly{reason}; stopping, so that a restart can mend it")]
    Task {
        /// Which.
        task: String,
        /// How.
        reason: String,
    },
    /// `run --once` took too long.
    #[error("not everything was done within {after:?}: {left}")]
    Timeout {
        /// How long it took.
        after: Duration,
        /// What is left to do.
        left: String,
    },
}

impl ServiceError {
    /// Logs the end of a task.
    fn tell(&self) {
        tracing::error!(code = "task-failed", error = %self, "a task ended that should not have");
    }
}

/// Why a service has ended in order.
enum Ended {
    /// It was told to stop.
    Told,
    /// Another configuration is to take its place.
    Changed(Config),
}

/// A started service.
pub struct Service {
    config: Arc<Config>,
    store: Store,
    meter: Meter,
    clock: Clock,
    accounts: Vec<Account>,
    /// Taken when it serves; `None` when the configuration or the command wants none.
    server: Option<observe::Server>,
    workers: Tasks,
    /// What each worker tells of its sink.
    sinks: Vec<watch::Receiver<SinkStatus>>,
    notices: mpsc::Sender<Notice>,
    incoming: mpsc::Receiver<Notice>,
    stop_workers: CancellationToken,
    /// Cancelled when nothing more is committed: the workers end when they have delivered everything.
    drain: CancellationToken,
    started: Timestamp,
}

impl Service {
    /// Opens the store, starts the sinks and listens. Nothing is polled yet.
    ///
    /// # Errors
    /// When the state directory is held by another process or damaged, a sink can't be made, or the address of the
    /// status page is taken. Nothing is running then, and the state directory is free.
    pub async fn start(config: Config) -> Result<Self, ServiceError> {
        let listen = config.listen;
        Self::begin(config, listen).await
    }

    /// The same, but without a status page: for `run --once`.
    ///
    /// # Errors
    /// Like [`Service::start`].
    pub async fn start_unseen(config: Config) -> Result<Self, ServiceError> {
        Self::begin(config, None).await
    }

    async fn begin(config: Config, listen: Option<SocketAddr>) -> Result<Self, ServiceError> {
        for warning in &config.warnings {
            tracing::warn!(code = "configuration-warning", "{warning}");
        }
        let store = open(&config, Store::open).await?;
        match Self::on(store.clone(), Arc::new(config), listen).await {
            Ok(service) => Ok(service),
            Err(failure) => {
                // What matters more is why it did not start.
                if let Err(error) = store.close().await {
                    tracing::warn!(code = "store-not-closed", %error, "the store was not closed in order");
                }
                Err(failure)
            }
        }
    }

    /// Everything that can fail comes first; the sinks begin to deliver when the rest is there.
    async fn on(store: Store, config: Arc<Config>, listen: Option<SocketAddr>) -> Result<Self, ServiceError> {
        let registrations = config
            .sinks
            .iter()
            .map(|sink| SinkRegistration { name: sink.name.clone(), sources: sink.sources.clone() });
        store.register_sinks(registrations.collect()).await?;
        let (notices, incoming) = mpsc::channel(MOST_NOTICES);
        let clock = Clock::System;
        let meter = Meter::new(store.meter());
        let mut service = Self {
            accounts: sources::accounts(&config, &store, &clock, &meter).await?,
            started: clock.now(),
            config,
            store,
            meter,
            clock,
            server: None,
            workers: Tasks::new(),
            sinks: Vec::new(),
            notices,
            incoming,
            stop_workers: CancellationToken::new(),
            drain: CancellationToken::new(),
        };
        let sinks = service.sinks().await?;
        service.server = listen.map(listen_on).transpose()?;
        for (place, worker) in sinks {
            let (stop, drain) = (service.stop_workers.clone(), service.drain.clone());
            service.workers.spawn(place, worker.run(stop, drain));
        }
        Ok(service)
    }

    /// Every sink with what delivers to it, not running yet.
    async fn sinks(&mut self) -> Result<Vec<(String, Worker<StoreSpool>)>, ServiceError> {
        let observer = observer();
        let config = Arc::clone(&self.config);
        let mut workers = Vec::with_capacity(config.sinks.len());
        for settings in &config.sinks {
            let place = format!("sinks.{}", settings.name);
            let (made, observer) = (settings.clone(), observer.clone());
            // Reading certificates and keys blocks.
            let made = tokio::task::spawn_blocking(move || {
                Ok::<_, SetupError>((sink::build(&made)?, sink::encoder(&made, &observer)?))
            });
            let (sink, encoder) = match made.await {
                Ok(Ok(made)) => made,
                Ok(Err(failure)) => return Err(ServiceError::Setup { place, reason: failure.to_string() }),
                Err(failure) => return Err(ServiceError::Setup { place, reason: failure.to_string() }),
            };
            let spool = StoreSpool::open(&self.store, &settings.name).await?;
            let worker = deliver::Settings {
                name: settings.name.clone(),
                limits: settings.batch,
                encoder,
                meter: self.meter.sink(&settings.name),
            };
            let (worker, status) = Worker::new(worker, sink, spool, self.notices.clone());
            self.sinks.push(status);
            workers.push((place, worker));
        }
        Ok(workers)
    }

    /// Polls and delivers until `stop`.
    ///
    /// # Errors
    /// When a task ends that should not, or the store fails at the end.
    pub async fn run(self, stop: CancellationToken) -> Result<(), ServiceError> {
        self.serve(&OwnEvent::Started, &Supervisor::absent(), &stop).await.map(drop)
    }

    /// Records `opening`, then polls and delivers until `stop`, or until the supervisor has another configuration.
    async fn serve(
        mut self,
        opening: &OwnEvent,
        supervisor: &Supervisor,
        stop: &CancellationToken,
    ) -> Result<Ended, ServiceError> {
        let mut collectors = Tasks::new();
        let mut views = Tasks::new();
        // Not a child of `stop`: the tasks would end with it, and that would look like a failure.
        let stop_polling = CancellationToken::new();
        let stop_views = CancellationToken::new();
        let streams = self.start_polling(&mut collectors, &stop_polling);
        self.start_views(&mut views, &streams, supervisor, &stop_views);
        self.record(opening).await;
        tracing::info!(
            code = "started",
            version = env!("CARGO_PKG_VERSION"),
            streams = streams.len(),
            sinks = self.config.sinks.len(),
            "started"
        );
        supervisor.manager.ready().await;
        let ended = tokio::select! {
            () = stop.cancelled() => Ok(Ended::Told),
            config = supervisor.changed(&self.config, &self.store, &self.clock) => Ok(Ended::Changed(config)),
            failure = collectors.first_end() => Err(failure),
            failure = self.workers.first_end() => Err(failure),
            failure = views.first_end() => Err(failure),
        };
        if let Err(failure) = &ended {
            failure.tell();
        }
        tracing::info!(code = "stopping", "stopping: polling ends, deliveries in flight finish");
        let goes_on = matches!(ended, Ok(Ended::Changed(_)));
        if !goes_on {
            supervisor.manager.stopping().await;
        }
        stop_polling.cancel();
        collectors.finish(GRACE).await;
        if !goes_on {
            self.record(&OwnEvent::Stopped).await;
        }
        self.deliver_the_rest(Duration::from_secs(1)).await;
        stop_views.cancel();
        views.finish(GRACE).await;
        self.close().await?;
        tracing::info!(code = "stopped", "stopped: everything is on disk");
        ended
    }

    fn collector(
        &self,
        account: &Account,
        stream: &Stream,
        caller: &Caller,
    ) -> (Collector<Caller>, Schedule) {
        let name = stream.options.name.clone();
        let collector = Collector::new(
            stream.options.clone(),
            stream.spec,
            Arc::clone(&account.provider),
            Arc::new(caller.clone()),
            (self.store.clone(), self.clock.clone()),
        );
        let schedule = Schedule {
            interval: account.interval,
            reconcile_interval: account.reconcile_interval,
            status: watch::Sender::new(StreamStatus::new(name, account.interval)),
            meter: stream.options.meter.clone(),
            store: self.store.clone(),
            clock: self.clock.clone(),
        };
        (collector, schedule)
    }

    fn start_polling(
        &self,
        tasks: &mut Tasks,
        stop: &CancellationToken,
    ) -> Vec<watch::Receiver<StreamStatus>> {
        let mut statuses = Vec::new();
        for account in &self.accounts {
            for stream in &account.streams {
                let name = &stream.options.name;
                let (collector, schedule) = self.collector(account, stream, &account.caller);
                let delay = if statuses.is_empty() { Duration::ZERO } else { schedule.jitter() };
                statuses.push(schedule.status.subscribe());
                let polling = schedule.keep_polling(collector, account.caller.clone(), delay);
                tasks.spawn_until(stop, format!("{name} polling"), polling);
                if !account.reconcile_interval.is_zero() {
                    let caller = account.caller.spare();
                    let (collector, schedule) = self.collector(account, stream, &caller);
                    let reconciling = schedule.keep_reconciling(collector, caller);
                    tasks.spawn_until(stop, format!("{name} reconciling"), reconciling);
                }
            }
        }
        statuses
    }

    async fn record(&self, event: &OwnEvent) {
        notices::record(&self.store, &self.clock, event).await;
    }

    /// Waits until every sink has everything. False when `deadline` or `stop` came first.
    async fn drain(&mut self, deadline: Instant, stop: &CancellationToken) -> Result<bool, ServiceError> {
        self.drain.cancel();
        tokio::select! {
            all = self.workers.all_end() => all.map(|()| true),
            () = tokio::time::sleep_until(deadline) => Ok(false),
            () = stop.cancelled() => Ok(false),
        }
    }

    async fn deliver_the_rest(&mut self, within: Duration) {
        if let Err(failure) = self.drain(Instant::now() + within, &CancellationToken::new()).await {
            failure.tell();
        }
        self.stop_workers.cancel();
        self.workers.finish(GRACE).await;
    }

    async fn close(mut self) -> Result<(), ServiceError> {
        self.stop_workers.cancel();
        self.workers.finish(GRACE).await;
        Ok(self.store.close().await?)
    }
}

/// Opens the status page's address.
fn listen_on(address: SocketAddr) -> Result<observe::Server, ServiceError> {
    observe::Server::bind(address)
        .map_err(|failure| ServiceError::Listen { address, reason: failure.to_string() })
}

async fn open(
    config: &Config,
    open: fn(&Path, &StoreOptions) -> Result<Store, StoreError>,
) -> Result<Store, ServiceError> {
    let directory = config.state_dir.clone();
    let config::Spool { max_size, retention } = config.spool;
    let options = StoreOptions { max_size, retention };
    let opened = tokio::task::spawn_blocking(move || open(&directory, &options)).await;
    Ok(opened.map_err(|failure| StoreError::Failed(failure.to_string()))??)
}

/// This machine, as every event names it. The kernel's own name needs no look-up that could hang.
fn observer() -> Observer {
    let hostname = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    Observer { hostname: hostname.trim().to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() }
}
