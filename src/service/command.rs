//! Commands that somebody gives a daemon, running or stopped.
//!
//! A command is a value, [`Request`], and there is one implementation of each, [`Commands::execute`]. A running daemon is
//! given it over its control socket; without one, [`give`] opens the state directory and executes it itself.
//! Either way the answers come as values over a bounded channel, the last one [`Answer::Done`] or
//! [`Answer::Error`].

mod announce;
pub(crate) mod credential;
pub(crate) mod dead_letters;
pub(crate) mod health;
pub(crate) mod job;
pub(crate) mod replay;
pub(crate) mod state;

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use super::account::Account;
use super::control::Daemon;
use super::view::View;
use super::{Service, ServiceError, Stop, Tools, control};
use crate::config::Config;
use crate::store::{JobKind, Store, StoreError};

/// How long to wait for who holds the directory without a socket: a daemon that starts has one soon, another
/// command has done its work.
const HELD: Duration = Duration::from_secs(3);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(50);

/// What is asked for. On the control socket it is a line of JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Request {
    /// About dead letters.
    DeadLetters(dead_letters::Request),
    /// How the daemon is.
    Health(health::Request),
    /// Collect a part of the past.
    Backfill(job::Request),
    /// Compare it with the provider.
    Reconcile(job::Request),
    /// Deliver to one sink again.
    Replay(replay::Request),
    /// About the state of streams.
    State(state::Request),
    /// A refresh token to be kept.
    KeepCredential(credential::Request),
}

/// What comes back: any number of values, then `Done` or `Error`. On the control socket a line of JSON each.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    /// A dead letter.
    Letter(dead_letters::Letter),
    /// What a backfill or reconcile tells while it works.
    Job(job::News),
    /// How far a replay is.
    Replay(replay::Progress),
    /// The command is done.
    Done(Done),
    /// It could not be done, and why.
    Error(String),
}

/// What a command came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Done {
    /// Everything that was asked for stands above.
    Shown,
    /// So many dead letters of each sink.
    Letters(crate::store::LettersBySink),
    /// Why the daemon is not alive or not ready; nothing when it is.
    Health(Vec<String>),
    /// What a backfill or reconcile came to.
    Job(job::Outcome),
    /// What a replay came to.
    Replay(replay::Progress),
    /// What became of the streams' state.
    State(state::Outcome),
}

/// Who has executed a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// The running daemon.
    Daemon,
    /// This process; no daemon runs.
    Itself,
}

/// What commands work on.
pub(super) struct Commands {
    pub(super) store: Store,
    /// What runs; without it nobody can say how it is, and nothing can be asked of a provider.
    pub(super) running: Option<Running>,
}

/// A running service, as commands see it.
pub(super) struct Running {
    pub(super) tools: Tools,
    pub(super) view: Arc<View>,
}

impl Running {
    /// The account of this source.
    fn account(&self, source: &str) -> Result<Arc<Account>, ServiceError> {
        let roster = self.view.roll.borrow();
        roster.accounts.get(source).cloned().ok_or_else(|| {
            let known: Vec<_> = roster.accounts.keys().map(String::as_str).collect();
            ServiceError::Command(format!("there is no source {source}; known are: {}", known.join(", ")))
        })
    }
}

impl Commands {
    /// Executes a request for the user `uid`. Ends early when nobody takes the answers any more.
    pub(super) async fn execute(&self, request: Request, uid: u32, answers: mpsc::Sender<Answer>) {
        let outcome = match request {
            Request::DeadLetters(request) => dead_letters::execute(&self.store, request, uid, &answers).await,
            Request::Health(request) => {
                health::execute(self.running.as_ref().map(|running| &*running.view), request).await
            }
            Request::Backfill(request) => self.job(JobKind::Backfill, (request, uid), &answers).await,
            Request::Reconcile(request) => self.job(JobKind::Reconcile, (request, uid), &answers).await,
            Request::Replay(request) => replay::execute(&self.store, request, uid, &answers).await,
            Request::State(request) => state::execute(&self.store, request, uid).await,
            Request::KeepCredential(request) => credential::execute(&self.store, request).await,
        };
        let last = match outcome {
            Ok(done) => Answer::Done(done),
            Err(failure) => Answer::Error(failure.to_string()),
        };
        // Nobody may be waiting for it any more.
        let _ = answers.send(last).await;
    }

    async fn job(
        &self,
        kind: JobKind,
        request: (job::Request, u32),
        answers: &mpsc::Sender<Answer>,
    ) -> Result<Done, ServiceError> {
        match &self.running {
            // Boxed: a walk holds much.
            Some(running) => Box::pin(job::execute(running, kind, request, answers)).await,
            None => Err(ServiceError::Command("nothing runs here that could ask a provider".to_owned())),
        }
    }
}

/// Has the running daemon execute the request, or does it here when there is none.
///
/// # Errors
/// When the state directory can't be opened, or the daemon breaks off. What the command itself fails with is an
/// answer.
pub(crate) async fn give(
    config: &Config,
    request: Request,
    answers: mpsc::Sender<Answer>,
) -> Result<By, ServiceError> {
    match daemon_or(config, || super::open(config, Store::open_existing)).await? {
        Found::Daemon(daemon) => {
            daemon.ask(&request, answers).await?;
            Ok(By::Daemon)
        }
        Found::Nobody(store) => {
            let commands = Commands { store, running: None };
            commands.execute(request, own_uid()?, answers).await;
            commands.store.close().await?;
            Ok(By::Itself)
        }
    }
}

/// The same for a request that works with sources and sinks: without a daemon they are started for it, nothing is
/// polled, and what it brings is delivered.
///
/// # Errors
/// As [`give`], and when something can't be started.
pub(crate) async fn give_working<E>(
    config: &Config,
    load: impl Fn() -> Result<Config, E>,
    request: Request,
    (answers, stop): (mpsc::Sender<Answer>, Stop),
) -> Result<Result<By, E>, ServiceError> {
    let whole = std::sync::OnceLock::new();
    let start = || async {
        match whole.get_or_init(&load) {
            Ok(whole) => Box::pin(Service::start_unseen(whole.clone())).await.map(Some),
            // Told when it is known that it is needed.
            Err(_) => Ok(None),
        }
    };
    match daemon_or(config, start).await? {
        Found::Daemon(daemon) => {
            // Whoever stops to listen ends the command.
            stop.run_until_cancelled(daemon.ask(&request, answers)).await.unwrap_or(Ok(()))?;
            Ok(Ok(By::Daemon))
        }
        Found::Nobody(Some(service)) => {
            service.execute(request, own_uid()?, (answers, stop)).await?;
            Ok(Ok(By::Itself))
        }
        Found::Nobody(None) => match whole.into_inner() {
            Some(Err(faults)) => Ok(Err(faults)),
            _ => Err(ServiceError::Command("the configuration was not read".to_owned())),
        },
    }
}

/// Who executes a request.
enum Found<T> {
    Daemon(Daemon),
    /// No daemon runs; this was opened.
    Nobody(T),
}

/// The running daemon, or what `open` opens of the state directory when there is none.
async fn daemon_or<T, F>(config: &Config, open: impl Fn() -> F) -> Result<Found<T>, ServiceError>
where
    F: Future<Output = Result<T, ServiceError>>,
{
    let deadline = Instant::now() + HELD;
    loop {
        if let Some(daemon) = control::connect(&config.state_dir).await? {
            return Ok(Found::Daemon(daemon));
        }
        match open().await {
            Ok(opened) => return Ok(Found::Nobody(opened)),
            Err(ServiceError::Store(StoreError::Locked { .. })) if Instant::now() < deadline => {
                sleep(LOOK).await;
            }
            Err(failure) => return Err(failure),
        }
    }
}

fn own_uid() -> Result<u32, ServiceError> {
    control::own_uid().map_err(|error| ServiceError::Command(error.to_string()))
}

#[cfg(test)]
pub(crate) mod tests;
