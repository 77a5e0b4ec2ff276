//! A command that works with sources and sinks, while no daemon runs.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::command::{Answer, Request};
use super::tasks::Tasks;
use super::{GRACE, Service, ServiceError, Stop};

/// What the command has brought may take so long to arrive; then the next run delivers it.
const DELIVERY: Duration = Duration::from_secs(60);

impl Service {
    /// Executes one request as a running daemon would, delivers, and ends. Nothing is polled.
    ///
    /// # Errors
    /// When a task ends that should not, or the store fails.
    pub(super) async fn execute(
        mut self,
        request: Request,
        uid: u32,
        (answers, stop): (mpsc::Sender<Answer>, Stop),
    ) -> Result<(), ServiceError> {
        let mut views = Tasks::new();
        let stop_views = CancellationToken::new();
        self.start_notices(&mut views, &stop_views);
        let commands = self.commands();
        let executed = tokio::select! {
            done = stop.run_until_cancelled(commands.execute(request, uid, answers)) => Ok(done.is_some()),
            failure = Tasks::first_end_of(self.sinks.iter_mut().map(|sink| &mut sink.tasks)) => Err(failure),
        };
        // What is still to be delivered then is on disk.
        let drained = match executed {
            Ok(true) => self.drain(Instant::now() + DELIVERY, &stop).await.map(drop),
            other => other.map(drop),
        };
        stop_views.cancel();
        views.finish(GRACE).await;
        drop(commands);
        let closed = self.close().await;
        drained.and(closed)
    }
}
