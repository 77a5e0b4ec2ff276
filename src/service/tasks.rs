//! Tasks that are owned and awaited: none dies silently.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt::Display;
use std::future::Future;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::ServiceError;

/// A set of named tasks.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    running: JoinSet<Result<(), String>>,
    names: HashMap<Id, String>,
}

impl Tasks {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Starts a task under this name; what it fails with is for people.
    pub(super) fn spawn<E: Display>(
        &mut self,
        name: impl Into<String>,
        task: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        let told = async { task.await.map_err(|failure| failure.to_string()) };
        let id = self.running.spawn(told).id();
        self.names.insert(id, name.into());
    }

    /// Starts a task that cannot fail and ends at `stop`, wherever it is then.
    pub(super) fn spawn_until(
        &mut self,
        stop: &CancellationToken,
        name: impl Into<String>,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        let stop = stop.clone();
        self.spawn(name, async move {
            stop.run_until_cancelled(task).await;
            Ok::<(), Infallible>(())
        });
    }

    /// Whether none was started, or all have ended and were awaited.
    pub(super) fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    /// Waits for a task of any of these sets to end that should not; for ever when there is none.
    pub(super) async fn first_end_of(sets: impl Iterator<Item = &mut Self>) -> ServiceError {
        match sets.map(Self::first_end).collect::<FuturesUnordered<_>>().next().await {
            Some(failure) => failure,
            None => std::future::pending().await,
        }
    }

    /// Waits for a task to end that should not; for ever when there is none.
    async fn first_end(&mut self) -> ServiceError {
        match self.running.join_next_with_id().await {
            Some(ended) => self.unexpected(ended),
            None => std::future::pending().await,
        }
    }

    /// Waits for all tasks to end by themselves.
    pub(super) async fn all_end(&mut self) -> Result<(), ServiceError> {
        while let Some(ended) = self.running.join_next_with_id().await {
            if !matches!(ended, Ok((_, Ok(())))) {
                return Err(self.unexpected(ended));
            }
        }
        Ok(())
    }

    /// Waits for all tasks to end, which were told to; those that do not in time are named and aborted.
    pub(super) async fn finish(&mut self, within: Duration) {
        let all = async {
            while let Some(ended) = self.running.join_next_with_id().await {
                match ended {
                    Ok((id, Ok(()))) => drop(self.names.remove(&id)),
                    Err(failure) if failure.is_cancelled() => {}
                    failed => self.unexpected(failed).tell(),
                }
            }
        };
        if tokio::time::timeout(within, all).await.is_err() {
            let mut stuck: Vec<&str> = self.names.values().map(String::as_str).collect();
            stuck.sort_unstable();
            tracing::warn!(
                code = "stop-overrun",
                tasks = stuck.join(", "),
                "did not finish in time; what they did not finish is done again"
            );
            self.abort().await;
        }
    }

    /// Ends all tasks where they are.
    pub(super) async fn abort(&mut self) {
        self.running.shutdown().await;
        self.names.clear();
    }

    fn unexpected(&mut self, ended: Result<(Id, Result<(), String>), JoinError>) -> ServiceError {
        let (id, reason) = match ended {
            Ok((id, Ok(()))) => (id, String::new()),
            Ok((id, Err(reason))) => (id, format!(": {reason}")),
            // Its words may hold what it worked on: the log has as much of them as may be told.
            Err(failure) if failure.is_panic() => (failure.id(), ": it panicked".to_owned()),
            Err(failure) => (failure.id(), format!(": {failure}")),
        };
        ServiceError::Task { task: self.names.remove(&id).unwrap_or_default(), reason }
    }
}
