//! `run --once`: one complete poll of every stream, everything delivered.

use std::time::Duration;

use futures_util::future::{join_all, try_join_all};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::tasks::Tasks;
use super::{GRACE, Service, ServiceError};
use crate::collect::schedule::Health;

impl Service {
    /// One complete poll of every stream, everything delivered; then it ends.
    ///
    /// # Errors
    /// [`ServiceError::Timeout`] says what is left after `limit`.
    pub async fn run_once(mut self, limit: Duration, stop: CancellationToken) -> Result<(), ServiceError> {
        let deadline = Instant::now() + limit;
        let mut views = Tasks::new();
        let stop_views = CancellationToken::new();
        self.start_notices(&mut views, &stop_views);
        for source in &mut self.sources {
            let watching = source.tell_of_credential(&self.tools);
            views.spawn_until(&stop_views, format!("{} credential", source.settings.name), watching);
            source.poll_once(&self.tools);
        }
        let polled = tokio::select! {
            all = try_join_all(self.sources.iter_mut().map(|source| source.tasks.all_end())) => all.map(|_| true),
            () = tokio::time::sleep_until(deadline) => Ok(false),
            () = stop.cancelled() => Ok(false),
        };
        let drained = match polled {
            Ok(true) => self.drain(deadline, &stop).await,
            _ => Ok(false),
        };
        join_all(self.sources.iter_mut().map(|source| source.tasks.abort())).await;
        stop_views.cancel();
        views.finish(GRACE).await;
        let left = self.left().await;
        self.close().await?;
        match (polled?, drained?) {
            (true, true) => Ok(()),
            _ => Err(ServiceError::Timeout { after: limit, left }),
        }
    }

    /// What `run --once` has not done, for people.
    async fn left(&self) -> String {
        let mut left: Vec<String> = Vec::new();
        for status in self.roster.borrow().streams() {
            if status.polls == 0 {
                let why = match &status.health {
                    Health::Held(reason) | Health::Failing(reason) => format!(" ({reason})"),
                    Health::Working => String::new(),
                };
                left.push(format!("{} is not read to its end{why}", status.name));
            }
        }
        match self.tools.store.snapshot().await {
            Ok(snapshot) => left.extend(
                snapshot
                    .sinks
                    .iter()
                    .filter(|sink| sink.waiting > 0)
                    .map(|sink| format!("{} events wait for sink {}", sink.waiting, sink.name)),
            ),
            Err(failure) => left.push(failure.to_string()),
        }
        left.join("; ")
    }
}
