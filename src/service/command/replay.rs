//! Replay: what the spool still has is delivered to one sink again, beside its other events.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::announce::announce;
use super::{Answer, Done};
use crate::service::ServiceError;
use crate::store::{Ordered, Replay, ReplayOrder, SinkNote, Store};

/// Between two looks at how far it is.
const LOOK: Duration = Duration::from_millis(500);

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    /// To this sink.
    pub(crate) sink: String,
    /// Events that happened at this time or later,
    pub(crate) from: Timestamp,
    /// and before this one.
    pub(crate) to: Timestamp,
    /// Only those of this source.
    pub(crate) source: Option<String>,
    /// The command's words: the same go on with what was interrupted.
    pub(crate) asked: String,
}

/// How far a replay is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// Events that are to be delivered again.
    pub(crate) events: u64,
    /// Of these, those that the sink has taken.
    pub(crate) accepted: u64,
    /// Those that it has refused: dead letters.
    pub(crate) refused: u64,
    /// Since when the spool has events, if it has any: what is older can't be replayed.
    pub(crate) retained_from: Option<Timestamp>,
    /// What it waits for, if it does.
    pub(crate) waits_for: Option<String>,
}

pub(super) async fn execute(
    store: &Store,
    request: Request,
    uid: u32,
    answers: &mpsc::Sender<Answer>,
) -> Result<Done, ServiceError> {
    let Request { sink, from, to, source, asked } = request;
    let change = format!("Replay to sink {sink}: {asked}");
    must_be_configured(store, &sink).await?;
    announce(store, "replay", change, uid).await?;
    let order = ReplayOrder { sink: sink.clone(), asked, from, to, source };
    match store.begin_replay(order).await? {
        Ordered::Begun(_) => {}
        Ordered::UnderWay => {
            return Err(ServiceError::Command(format!(
                "a replay to sink {sink} is under way: one at a time"
            )));
        }
        Ordered::NoSuchSink => return Err(gone(&sink)),
    }
    let done = tokio::select! {
        biased;
        done = follow(store, &sink, answers) => done,
        () = answers.closed() => Err(ServiceError::Command("interrupted".to_owned())),
    };
    store.rest_replay(&sink).await?;
    done
}

/// Tells how far it is until it has come to its end.
async fn follow(store: &Store, sink: &str, answers: &mpsc::Sender<Answer>) -> Result<Done, ServiceError> {
    let retained_from = store.retained_from().await?;
    loop {
        let Some(Replay { events, accepted, refused, is_done }) = store.replay(sink).await? else {
            return Err(ServiceError::Command("the replay is gone from the state directory".to_owned()));
        };
        let snapshot = store.snapshot().await?;
        // A reload may have taken it out: nobody delivers to it then.
        let known = snapshot.sinks.into_iter().find(|known| known.name == sink).ok_or_else(|| gone(sink))?;
        let waits_for = match known.note {
            SinkNote::Held(reason) | SinkNote::Retrying(reason) => Some(format!("the sink: {reason}")),
            SinkNote::Working => None,
        };
        let progress = Progress { events, accepted, refused, retained_from, waits_for };
        if is_done {
            return Ok(Done::Replay(progress));
        }
        if answers.send(Answer::Replay(progress)).await.is_err() {
            return Err(ServiceError::Command("interrupted".to_owned()));
        }
        sleep(LOOK).await;
    }
}

fn gone(sink: &str) -> ServiceError {
    ServiceError::Command(format!("sink {sink} is not in the configuration any more"))
}

async fn must_be_configured(store: &Store, sink: &str) -> Result<(), ServiceError> {
    let sinks: Vec<_> = store.snapshot().await?.sinks.into_iter().map(|sink| sink.name).collect();
    if sinks.iter().any(|known| known == sink) {
        return Ok(());
    }
    Err(ServiceError::Command(format!("there is no sink {sink}; known are: {}", sinks.join(", "))))
}
