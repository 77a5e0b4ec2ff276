//! Tasks that are owned and awaited: none dies silently.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use tokio::task::{Id, JoinError, JoinSet};

use super::ServiceError;

/// A set of named tasks.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    running: JoinSet<()>,
    names: HashMap<Id, String>,
}

impl Tasks {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Starts a task under this name.
    pub(super) fn spawn(&mut self, name: impl Into<String>, task: impl Future<Output = ()> + Send + 'static) {
        let id = self.running.spawn(task).id();
        self.names.insert(id, name.into());
    }

    /// Waits for a task to end that should not; for ever when there is none.
    pub(super) async fn first_end(&mut self) -> ServiceError {
        match self.running.join_next_with_id().await {
            Some(ended) => self.unexpected(ended),
            None => std::future::pending().await,
        }
    }

    /// Waits for all tasks to end by themselves.
    pub(super) async fn all_end(&mut self) -> Result<(), ServiceError> {
        while let Some(ended) = self.running.join_next_with_id().await {
            if ended.is_err() {
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
                    Ok((id, ())) => drop(self.names.remove(&id)),
                    Err(failure) if failure.is_panic() => {
                        tracing::error!(failure = %self.unexpected(Err(failure)), "while stopping");
                    }
                    Err(_) => {}
                }
            }
        };
        if tokio::time::timeout(within, all).await.is_err() {
            let mut stuck: Vec<&str> = self.names.values().map(String::as_str).collect();
            stuck.sort_unstable();
            tracing::warn!(tasks = stuck.join(", "), "did not finish in time; what they did not finish is done again");
            self.abort().await;
        }
    }

    /// Ends all tasks where they are.
    pub(super) async fn abort(&mut self) {
        self.running.shutdown().await;
        self.names.clear();
    }

    fn unexpected(&mut self, ended: Result<(Id, ()), JoinError>) -> ServiceError {
        let (id, reason) = match ended {
            Ok((id, ())) => (id, String::new()),
            Err(failure) => (failure.id(), format!(": {failure}")),
        };
        ServiceError::Task { task: self.names.remove(&id).unwrap_or_default(), reason }
    }
}
