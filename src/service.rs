//! The service: everything wired together, started in order, watched, and stopped in order.
//!
//! Start: configuration → lock and store → sinks and server → sources and control socket. Stop: pollers first, then the
//! sinks finish what is in flight, then the store is closed. In between `reload` replaces what another configuration
//! changes. Every task is owned by a `tasks::Tasks` that the service awaits; one that ends early or panics ends the process
//! with an error, since a forwarder that silently does half its work is worse than one that is restarted.

mod about;
mod account;
mod alone;
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
mod reload;
mod roster;
mod server;
mod signals;
mod sink;
mod source;
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

use futures_util::future::{join_all, try_join_all};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::{self, Config};
use crate::deliver::Notice;
use crate::encode::Observer;
use crate::event::OwnEvent;
use crate::meter::Meter;
use crate::observe::Pulse;
use crate::store::{Store, StoreError, StoreOptions};

use daemon::Supervisor;
use roster::Roster;
use server::StatusServer;
use sink::Sink;
use source::Source;
use tasks::Tasks;
use view::View;

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

/// What everything that the service runs works with.
#[derive(Clone)]
struct Tools {
    store: Store,
    clock: Clock,
    meter: Meter,
    notices: mpsc::Sender<Notice>,
}

/// A started service.
pub struct Service {
    /// What it works with; a reload replaces it.
    config: Config,
    tools: Tools,
    sources: Vec<Source>,
    sinks: Vec<Sink>,
    server: StatusServer,
    /// What runs, for views and commands.
    roster: watch::Sender<Arc<Roster>>,
    view: Arc<View>,
    pulse: watch::Sender<Pulse>,
    /// Taken by whoever makes events of them.
    incoming: mpsc::Receiver<Notice>,
    /// Cancelled when nothing more is committed: the sinks end when they have delivered everything.
    drain: CancellationToken,
}

impl Service {
    /// Opens the store, starts the sinks and listens. Nothing is polled yet.
    ///
    /// # Errors
    /// When the state directory is held by another process or damaged, a sink can't be made, or the address of the
    /// status page is taken. Nothing is running then, and the state directory is free.
    pub async fn start(config: Config) -> Result<Self, ServiceError> {
        let store = open(&config, Store::open).await?;
        match Self::on(store.clone(), config).await {
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

    /// The same, but without a status page: for `run --once`.
    ///
    /// # Errors
    /// Like [`Service::start`].
    pub async fn start_unseen(config: Config) -> Result<Self, ServiceError> {
        Self::start(Config { listen: None, ..config }).await
    }

    /// The first configuration is taken up like any other.
    async fn on(store: Store, config: Config) -> Result<Self, ServiceError> {
        let (notices, incoming) = mpsc::channel(MOST_NOTICES);
        let (clock, meter) = (Clock::System, Meter::new(store.meter()));
        // Whoever looks before all is there sees what is to come.
        let (roster, roll) = watch::channel(Arc::new(Roster::new(&config, &[], &[])));
        let (pulse, beats) = watch::channel(Pulse::beat());
        let view = Arc::new(View {
            store: store.clone(),
            roll,
            pulse: beats,
            started: clock.now(),
            clock: clock.clone(),
        });
        let mut service = Self {
            config: config.clone(),
            server: StatusServer::new(Arc::clone(&view), meter.clone()),
            tools: Tools { store, clock, meter, notices },
            sources: Vec::new(),
            sinks: Vec::new(),
            roster,
            view,
            pulse,
            incoming,
            drain: CancellationToken::new(),
        };
        let fresh = service.prepare(&config).await?;
        service.switch(fresh, config).await?;
        Ok(service)
    }

    /// Polls and delivers until `stop`.
    ///
    /// # Errors
    /// When a task ends that should not, or the store fails at the end.
    pub async fn run(self, stop: CancellationToken) -> Result<(), ServiceError> {
        self.serve(&Supervisor::absent(), &stop).await
    }

    /// Polls and delivers until `stop`, with each configuration that the supervisor has.
    async fn serve(mut self, supervisor: &Supervisor, stop: &CancellationToken) -> Result<(), ServiceError> {
        let mut views = Tasks::new();
        let stop_views = CancellationToken::new();
        self.start_polling();
        self.start_views(&mut views, supervisor, &stop_views);
        self.record(&OwnEvent::Started).await;
        tracing::info!(
            code = "started",
            version = env!("CARGO_PKG_VERSION"),
            streams = self.sources.iter().map(|source| source.account.streams.len()).sum::<usize>(),
            sinks = self.sinks.len(),
            "started"
        );
        supervisor.manager.ready().await;
        let ended = self.work(&mut views, supervisor, stop).await;
        if let Err(failure) = &ended {
            failure.tell();
        }
        tracing::info!(code = "stopping", "stopping: polling ends, deliveries in flight finish");
        supervisor.manager.stopping().await;
        join_all(self.sources.iter_mut().map(Source::stop)).await;
        self.record(&OwnEvent::Stopped).await;
        self.deliver_the_rest(Duration::from_secs(1)).await;
        stop_views.cancel();
        tokio::join!(views.finish(GRACE), self.server.stop());
        self.close().await?;
        tracing::info!(code = "stopped", "stopped: everything is on disk");
        ended
    }

    /// Waits for `stop`, and takes up other configurations meanwhile. No task may end before.
    async fn work(
        &mut self,
        views: &mut Tasks,
        supervisor: &Supervisor,
        stop: &CancellationToken,
    ) -> Result<(), ServiceError> {
        loop {
            let Self { config, tools, sources, sinks, server, .. } = &mut *self;
            let collectors = sources.iter_mut().map(|source| &mut source.tasks);
            let workers = sinks.iter_mut().map(|sink| &mut sink.tasks);
            let tasks = collectors.chain(workers).chain([&mut server.tasks, &mut *views]);
            let config = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                failure = Tasks::first_end_of(tasks) => return Err(failure),
                config = supervisor.changed(config, tools) => config,
            };
            // A stop does not wait for what a reload waits for: what was in flight to a sink that changed is sent again.
            let taken_up = stop.run_until_cancelled(self.take_up(config, supervisor)).await;
            taken_up.unwrap_or(Ok(()))?;
        }
    }

    fn start_polling(&mut self) {
        self.sources.iter_mut().for_each(|source| source.keep_polling(&self.tools));
    }

    async fn record(&self, event: &OwnEvent) {
        notices::record(&self.tools.store, &self.tools.clock, event).await;
    }

    /// Waits until every sink has everything. False when `deadline` or `stop` came first.
    async fn drain(&mut self, deadline: Instant, stop: &CancellationToken) -> Result<bool, ServiceError> {
        self.drain.cancel();
        let all = try_join_all(self.sinks.iter_mut().map(|sink| sink.tasks.all_end()));
        tokio::select! {
            all = all => all.map(|_| true),
            () = tokio::time::sleep_until(deadline) => Ok(false),
            () = stop.cancelled() => Ok(false),
        }
    }

    async fn deliver_the_rest(&mut self, within: Duration) {
        if let Err(failure) = self.drain(Instant::now() + within, &CancellationToken::new()).await {
            failure.tell();
        }
        join_all(self.sinks.iter_mut().map(Sink::stop)).await;
    }

    async fn close(mut self) -> Result<(), ServiceError> {
        join_all(self.sinks.iter_mut().map(Sink::stop)).await;
        Ok(self.tools.store.close().await?)
    }
}

/// How the store is opened.
fn store_options(spool: &config::Spool) -> StoreOptions {
    StoreOptions { max_size: spool.max_size, retention: spool.retention }
}

async fn open(
    config: &Config,
    open: fn(&Path, &StoreOptions) -> Result<Store, StoreError>,
) -> Result<Store, ServiceError> {
    open_in(&config.state_dir, config, open).await
}

async fn open_in(
    directory: &Path,
    config: &Config,
    open: fn(&Path, &StoreOptions) -> Result<Store, StoreError>,
) -> Result<Store, ServiceError> {
    let directory = directory.to_owned();
    let options = store_options(&config.spool);
    let opened = tokio::task::spawn_blocking(move || open(&directory, &options)).await;
    Ok(opened.map_err(|failure| StoreError::Failed(failure.to_string()))??)
}

/// This machine, as every event names it. The kernel's own name needs no look-up that could hang.
fn observer() -> Observer {
    let hostname = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    Observer { hostname: hostname.trim().to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() }
}
