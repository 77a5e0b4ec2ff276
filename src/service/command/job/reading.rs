//! Reading the windows of one stream, one after the other, to the end.

use std::convert::Infallible;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::sleep;

use super::{Progress, Work, interrupted};
use crate::backoff::Backoff;
use crate::collect::{Caller, Collector, FetchError, Past, PastWindow, PollError};
use crate::service::ServiceError;
use crate::service::account::Stream;
use crate::store::{Job, JobKey};

/// Between two words on how far it is.
const TELL: Duration = Duration::from_secs(1);
/// After a failure that passes; the requests were tried several times already.
const FIRST_RETRY: Duration = Duration::from_secs(5);
const LONGEST_RETRY: Duration = Duration::from_secs(120);
/// Failures in a row, about an hour, until it is given up.
const MOST_FAILURES: u32 = 32;

/// A stream that is read.
pub(super) struct Reading<'a> {
    work: &'a Work<'a>,
    stream: &'a Stream,
    key: JobKey,
    past: Past,
    collector: Collector<Caller>,
    done: Timestamp,
    /// Of the windows that were read completely.
    shown: u64,
    found: u64,
    /// Why the last attempt failed.
    failure: watch::Sender<Option<String>>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(work: &'a Work<'a>, stream: &'a Stream, key: JobKey, job: &Job) -> Self {
        let caller = work.account.caller.spare();
        let (collector, _) = work.account.collector(stream, &caller, &work.running.tools);
        Self {
            work,
            stream,
            key,
            past: Past::new(job.done, job.to).counted(),
            collector,
            done: job.done,
            shown: job.shown,
            found: job.found,
            failure: watch::Sender::new(None),
        }
    }

    /// Reads until all is read and on disk.
    ///
    /// # Errors
    /// When the provider refuses, does not answer for an hour, or nobody takes the answers any more.
    pub(super) async fn read_all(&mut self) -> Result<(), ServiceError> {
        let mut backoff = Backoff::new(FIRST_RETRY, LONGEST_RETRY);
        loop {
            match self.window().await? {
                Ok(None) => return Ok(()),
                Ok(Some(window)) => {
                    backoff.reset();
                    self.failure.send_replace(None);
                    self.keep(window).await?;
                }
                Err(failure) => {
                    let failure = self.must_pass(failure, &backoff)?;
                    tracing::debug!(stream = %self.stream.options.name, reason = failure, "trying again");
                    self.failure.send_replace(Some(failure));
                    let delay = backoff.next_delay(None);
                    self.tell_until(sleep(delay)).await?;
                }
            }
        }
    }

    /// How far it is.
    pub(super) fn progress(&self, waits_for: Option<String>) -> Progress {
        let Self { done, shown, found, .. } = *self;
        Progress { stream: self.stream.options.name.to_string(), done, shown, found, waits_for }
    }

    async fn keep(&mut self, window: PastWindow) -> Result<(), ServiceError> {
        self.done = window.done;
        self.shown += window.days.iter().map(|day| day.shown).sum::<u64>();
        self.found += window.days.iter().map(|day| day.found).sum::<u64>();
        Ok(self.work.running.tools.store.advance_job(self.key, window.done, window.days).await?)
    }

    /// The next window, with a word now and then on how far it is.
    async fn window(&mut self) -> Result<Result<Option<PastWindow>, PollError>, ServiceError> {
        let before = self.past.read().load(Ordering::Relaxed);
        let telling = self.telling(before);
        let Self { collector, past, work, .. } = self;
        let reading = async {
            let account = work.account.caller.account().await?;
            collector.read_past(&account, past).await
        };
        tokio::select! {
            window = reading => Ok(window),
            nobody = telling => match nobody { Err(interrupted) => Err(interrupted), Ok(never) => match never {} },
        }
    }

    async fn tell_until(&self, end: impl Future<Output = ()>) -> Result<(), ServiceError> {
        let telling = self.telling(self.past.read().load(Ordering::Relaxed));
        tokio::select! {
            () = end => Ok(()),
            nobody = telling => match nobody { Err(interrupted) => Err(interrupted), Ok(never) => match never {} },
        }
    }

    /// Says again and again how far it is; a window under way counts from `before` on.
    fn telling(&self, before: u64) -> impl Future<Output = Result<Infallible, ServiceError>> + use<'a> {
        let (answers, level) = (self.work.answers, self.work.running.tools.store.level());
        let (failure, read) = (self.failure.subscribe(), self.past.read());
        let progress = self.progress(None);
        async move {
            loop {
                sleep(TELL).await;
                let full =
                    level.borrow().full.then(|| "room in the spool: a sink takes no events".to_owned());
                let waits_for = failure.borrow().clone().or(full);
                let shown = progress.shown + read.load(Ordering::Relaxed).saturating_sub(before);
                let news = super::News::Progress(Progress { shown, waits_for, ..progress.clone() });
                if answers.send(super::Answer::Job(news)).await.is_err() {
                    return Err(interrupted("nobody waits for it any more"));
                }
            }
        }
    }

    /// In words what is tried again, or the end of it.
    fn must_pass(&self, failure: PollError, backoff: &Backoff) -> Result<String, ServiceError> {
        let name = &self.stream.options.name;
        match failure {
            PollError::Fetch(FetchError::Held { reason, .. } | FetchError::StreamRefused { reason }) => {
                Err(ServiceError::Command(format!(
                    "{name}: the provider refuses: {reason}; mend it, then the same command goes on where it was"
                )))
            }
            PollError::Store(failure) => Err(failure.into()),
            other if backoff.failures() >= MOST_FAILURES => Err(ServiceError::Command(format!(
                "{name}: {other}; it was tried for an hour: the same command goes on where it was"
            ))),
            other => Ok(other.to_string()),
        }
    }
}
