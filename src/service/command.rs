//! Commands that somebody gives a daemon, running or stopped.
//!
//! A command is a value, [`Request`], and there is one implementation of each, [`Commands::execute`]. A running daemon is
//! given it over its control socket; without one, [`give`] opens the state directory and executes it itself.
//! Either way the answers come as values over a bounded channel, the last one [`Answer::Done`] or
//! [`Answer::Error`].

pub(crate) mod credential;
pub(crate) mod dead_letters;
pub(crate) mod health;

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use super::view::View;
use super::{ServiceError, control};
use crate::config::Config;
use crate::store::{Store, StoreError};

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
    /// A refresh token to be kept.
    KeepCredential(credential::Request),
}

/// What comes back: any number of values, then `Done` or `Error`. On the control socket a line of JSON each.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    /// A dead letter.
    Letter(dead_letters::Letter),
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
    /// Of the running daemon; without one nobody can say how it is.
    pub(super) view: Option<Arc<View>>,
}

impl Commands {
    /// Executes a request for the user `uid`. Ends early when nobody takes the answers any more.
    pub(super) async fn execute(&self, request: Request, uid: u32, answers: mpsc::Sender<Answer>) {
        let outcome = match request {
            Request::DeadLetters(request) => dead_letters::execute(&self.store, request, uid, &answers).await,
            Request::Health(request) => health::execute(self.view.as_deref(), request).await,
            Request::KeepCredential(request) => credential::execute(&self.store, request).await,
        };
        let last = match outcome {
            Ok(done) => Answer::Done(done),
            Err(failure) => Answer::Error(failure.to_string()),
        };
        // Nobody may be waiting for it any more.
        let _ = answers.send(last).await;
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
    let deadline = Instant::now() + HELD;
    loop {
        if let Some(daemon) = control::connect(&config.state_dir).await? {
            daemon.ask(&request, answers).await?;
            return Ok(By::Daemon);
        }
        match super::open(config, Store::open_existing).await {
            Ok(store) => {
                let uid = control::own_uid().map_err(|error| ServiceError::Command(error.to_string()))?;
                let commands = Commands { store, view: None };
                commands.execute(request, uid, answers).await;
                commands.store.close().await?;
                return Ok(By::Itself);
            }
            Err(ServiceError::Store(StoreError::Locked { .. })) if Instant::now() < deadline => {
                sleep(LOOK).await;
            }
            Err(failure) => return Err(failure),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
