//! Backfill and reconcile: a part of the past is read again, beside live polling and on the requests that it leaves.
//!
//! A job goes on for as long as somebody takes its answers. What it has read stands on disk with how far it is, so
//! the same command, given again after an interruption or a kill, goes on behind the last window that was read
//! completely. One account has one job at a time: they share its requests anyway.

mod day;
mod range;
mod reading;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::announce::announce;
use super::{Answer, Done, Running};
use crate::event::StreamName;
use crate::service::ServiceError;
use crate::service::account::{Account, Stream};
use crate::store::{Job, JobKey, JobKind};

use reading::Reading;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    /// Of this source,
    pub(crate) source: String,
    /// this stream, or all of them.
    pub(crate) stream: Option<String>,
    /// From here; without it as far back as makes sense.
    pub(crate) from: Option<Timestamp>,
    /// To here; without it as far as makes sense.
    pub(crate) to: Option<Timestamp>,
    /// The range as it was written: the same words go on with what was interrupted.
    pub(crate) asked: String,
}

/// What a job tells while it works.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum News {
    /// A stream is begun.
    Begun(Begun),
    /// So far it is.
    Progress(Progress),
    /// A day of a reconcile.
    Day(Day),
    /// A stream is read to its end.
    Ended(Progress),
}

/// A stream is begun, or gone on with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Begun {
    /// `source/stream`.
    pub(crate) stream: String,
    /// The range.
    pub(crate) from: Timestamp,
    /// Its end.
    pub(crate) to: Timestamp,
    /// Read before, up to here.
    pub(crate) done: Timestamp,
    /// When that was begun, if it was.
    pub(crate) goes_on_since: Option<Timestamp>,
    /// Why it is another range than the one that was asked for.
    pub(crate) remark: Option<String>,
}

/// How far a stream is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// `source/stream`.
    pub(crate) stream: String,
    /// Read up to here.
    pub(crate) done: Timestamp,
    /// Events that the provider has shown.
    pub(crate) shown: u64,
    /// Of these, new ones.
    pub(crate) found: u64,
    /// What it waits for, if it does.
    pub(crate) waits_for: Option<String>,
}

/// What a reconcile says of a day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Day {
    /// `source/stream`.
    pub(crate) stream: String,
    /// `2026-01-31`, in UTC.
    pub(crate) day: String,
    /// Events that the provider has.
    pub(crate) provider: u64,
    /// Events that had been collected.
    pub(crate) collected: u64,
    /// Events that had been missed; they are collected now.
    pub(crate) found: u64,
    /// Events that had been collected and that the provider does not show.
    pub(crate) not_shown: u64,
    /// Whether it can't be said how many equal rows the provider has.
    pub(crate) doubtful: bool,
    /// What each sink of the source has.
    pub(crate) sinks: BTreeMap<String, SinkDay>,
    /// Whether nothing had been missed, all of it is there, and every sink has it.
    pub(crate) agrees: bool,
}

/// What a sink has of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SinkDay {
    /// Events that it has accepted.
    pub(crate) delivered: u64,
    /// Events that were collected before it was there.
    pub(crate) before_sink: u64,
    /// Events that it has refused for good.
    pub(crate) dead_letters: u64,
    /// Events that it should have and has not.
    pub(crate) missing: u64,
}

/// What a job came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// Events that the provider has shown.
    pub(crate) shown: u64,
    /// Of these, new ones.
    pub(crate) found: u64,
    /// Days that do not agree; a backfill compares none.
    pub(crate) days_apart: u64,
}

/// A job under way.
struct Work<'a> {
    running: &'a Running,
    account: &'a Arc<Account>,
    kind: JobKind,
    request: &'a Request,
    answers: &'a mpsc::Sender<Answer>,
}

pub(super) async fn execute(
    running: &Running,
    kind: JobKind,
    (request, uid): (Request, u32),
    answers: &mpsc::Sender<Answer>,
) -> Result<Done, ServiceError> {
    let account = running.account(&request.source)?;
    let streams = chosen(&account, request.stream.as_deref())?;
    let Ok(_alone) = account.job.try_lock() else {
        return Err(ServiceError::Command(format!(
            "a backfill or reconcile of {} is under way: one at a time, they share its requests",
            account.source
        )));
    };
    let work = Work { running, account: &account, kind, request: &request, answers };
    let all = async {
        if kind == JobKind::Backfill {
            let what = request.stream.as_ref().map_or_else(String::new, |stream| format!("/{stream}"));
            let change = format!("Backfill of {}{what}: {}", account.source, request.asked);
            announce(&running.tools.store, kind.name(), change, uid).await?;
        }
        let mut outcome = Outcome::default();
        for stream in streams {
            work.stream(stream, &mut outcome).await?;
        }
        Ok(Done::Job(outcome))
    };
    tokio::select! {
        biased;
        outcome = all => outcome,
        () = answers.closed() => Err(interrupted("nobody waits for it any more")),
        () = account.stop.cancelled() => Err(interrupted("the daemon stops, or works with another configuration")),
    }
}

impl Work<'_> {
    /// One stream, from where it was interrupted to its end.
    async fn stream(&self, stream: &Stream, outcome: &mut Outcome) -> Result<(), ServiceError> {
        let tools = &self.running.tools;
        let name = &stream.options.name;
        let state = tools.store.stream(name).await?;
        let now = tools.clock.now();
        let range = range::of(self.kind, self.request, &stream.options, &state.cursor, now);
        if range.from >= range.to {
            let begun = Begun {
                stream: name.to_string(),
                from: range.from,
                to: range.to,
                done: range.to,
                goes_on_since: None,
                remark: range.remark,
            };
            return self.tell(News::Begun(begun)).await;
        }
        let key = JobKey { stream: state.id, kind: self.kind };
        let new = Job { from: range.from, to: range.to, done: range.from, began: now, shown: 0, found: 0 };
        let job = tools.store.begin_job(key, &self.request.asked, new).await?;
        self.tell(News::Begun(Begun {
            stream: name.to_string(),
            from: job.from,
            to: job.to,
            done: job.done,
            goes_on_since: (job.began < now).then_some(job.began),
            remark: range.remark,
        }))
        .await?;
        let mut reading = Reading::new(self, stream, key, &job);
        reading.read_all().await?;
        let ended = reading.progress(None);
        outcome.shown += ended.shown;
        outcome.found += ended.found;
        if self.kind == JobKind::Reconcile {
            outcome.days_apart += self.compare(name, key).await?;
            if stream.options.reconcile_reaches(job.from, job.began) {
                tools.store.remember_reconcile(key.stream, job.began).await?;
            }
        }
        tools.store.end_job(key).await?;
        self.tell(News::Ended(ended)).await
    }

    /// Says of each day whether it agrees; gives the number of those that do not.
    async fn compare(&self, name: &StreamName, key: JobKey) -> Result<u64, ServiceError> {
        let mut apart = 0;
        for day in day::all(&self.running.tools.store, name, key).await? {
            apart += u64::from(!day.agrees);
            self.tell(News::Day(day)).await?;
        }
        Ok(apart)
    }

    async fn tell(&self, news: News) -> Result<(), ServiceError> {
        self.answers.send(Answer::Job(news)).await.map_err(|_| interrupted("nobody waits for it any more"))
    }
}

fn interrupted(why: &str) -> ServiceError {
    ServiceError::Command(format!("interrupted: {why}; the same command goes on where it was"))
}

/// The stream with this name, or all of them.
fn chosen<'a>(account: &'a Account, stream: Option<&str>) -> Result<Vec<&'a Stream>, ServiceError> {
    let all = || account.streams.iter();
    let Some(wanted) = stream else { return Ok(all().collect()) };
    match all().find(|stream| stream.options.name.stream == wanted) {
        Some(stream) => Ok(vec![stream]),
        None => {
            let names: Vec<_> = all().map(|stream| stream.options.name.stream.as_str()).collect();
            Err(ServiceError::Command(format!(
                "source {} has no stream {wanted}; it has {}",
                account.source,
                names.join(", ")
            )))
        }
    }
}
