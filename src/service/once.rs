//! `run --once`: one complete poll of every stream, everything delivered.

use std::convert::Infallible;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::tasks::Tasks;
use super::{GRACE, Service, ServiceError};
use crate::collect::schedule::{Health, StreamStatus};

impl Service {
    /// One complete poll of every stream, everything delivered; then it ends.
    ///
    /// # Errors
    /// [`ServiceError::Timeout`] says what is left after `limit`.
    pub async fn run_once(mut self, limit: Duration, stop: CancellationToken) -> Result<(), ServiceError> {
        let deadline = Instant::now() + limit;
        let mut collectors = Tasks::new();
        let mut views = Tasks::new();
        let stop_views = CancellationToken::new();
        self.start_notices(&mut views, &stop_views);
        let mut streams = Vec::new();
        for account in &self.accounts {
            for stream in &account.streams {
                let (mut collector, schedule) = self.collector(account, stream, &account.caller);
                let caller = account.caller.clone();
                streams.push(schedule.status.subscribe());
                let name = stream.options.name.to_string();
                collectors.spawn(name, async move {
                    schedule.poll_once(&mut collector, &caller).await;
                    Ok::<(), Infallible>(())
                });
            }
        }
        let polled = tokio::select! {
            all = collectors.all_end() => all.map(|()| true),
            () = tokio::time::sleep_until(deadline) => Ok(false),
            () = stop.cancelled() => Ok(false),
        };
        let drained = match polled {
            Ok(true) => self.drain(deadline, &stop).await,
            _ => Ok(false),
        };
        collectors.abort().await;
        stop_views.cancel();
        views.finish(GRACE).await;
        let left = self.left(&streams).await;
        self.close().await?;
        match (polled?, drained?) {
            (true, true) => Ok(()),
            _ => Err(ServiceError::Timeout { after: limit, left }),
        }
    }

    /// What `run --once` has not done, for people.
    async fn left(&self, streams: &[watch::Receiver<StreamStatus>]) -> String {
        let mut left: Vec<String> = Vec::new();
        for status in streams {
            let status = status.borrow();
            if status.polls == 0 {
                let why = match &status.health {
                    Health::Held(reason) | Health::Failing(reason) => format!(" ({reason})"),
                    Health::Working => String::new(),
                };
                left.push(format!("{} is not read to its end{why}", status.name));
            }
        }
        match self.store.snapshot().await {
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
