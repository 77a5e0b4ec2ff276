//! Dead letters: list, show, count, try again, drop.

use std::num::NonZeroU32;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::sync::mpsc;

use super::announce::announce;
use super::{Answer, Done};
use crate::encode::{Encoder, Envelope, Format};
use crate::event::{EventId, StoredEvent};
use crate::service::{ServiceError, observer};
use crate::store::{DeadLetter, LetterChoice, LettersBySink, Store};

/// The largest page of a list: bounds what both sides hold.
const MOST_LISTED: u32 = 2_000;
/// Unknown numbers that an error names; the rest is counted.
const MOST_NAMED: usize = 10;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Request {
    /// The letters behind the number `after`, oldest first; fewer than `most` when there are no more.
    List {
        /// Of this sink only.
        #[serde(default)]
        sink: Option<String>,
        /// 0 for the first ones.
        #[serde(default)]
        after: i64,
        /// At most this many, and 2,000.
        most: NonZeroU32,
    },
    /// One letter with its event.
    Show {
        /// Its number.
        id: i64,
    },
    /// How many there are.
    Count(Choice),
    /// Marks them, so that they are delivered once more.
    Retry(Choice),
    /// Deletes them for good.
    Drop(Choice),
}

/// Which letters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Choice {
    /// Every one.
    All,
    /// Those of one sink.
    Sink(String),
    /// Those with these numbers; each must be there.
    Ids(Vec<i64>),
}

/// A dead letter.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Letter {
    /// Its number.
    pub(crate) id: i64,
    /// Who refused it.
    pub(crate) sink: String,
    /// When it was refused last.
    pub(crate) refused_at: Timestamp,
    /// In the receiver's words.
    pub(crate) reason: String,
    /// `auditferry.source`.
    pub(crate) source: String,
    /// `auditferry.stream`.
    pub(crate) stream: String,
    /// `event.sequence`.
    pub(crate) sequence: i64,
    /// `event.id`.
    pub(crate) event_id: EventId,
    /// Whether it waits to be tried again.
    pub(crate) retry: bool,
    /// The event in Elastic Common Schema, with the provider's record; only when one letter is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) event: Option<Box<RawValue>>,
}

impl Letter {
    fn new(letter: DeadLetter, event: Option<Box<RawValue>>) -> Self {
        let DeadLetter { id, sink, refused_at, reason, stream, sequence, event: event_id, retry } = letter;
        let (source, stream) = (stream.source, stream.stream);
        Self { id, sink, refused_at, reason, source, stream, sequence, event_id, retry, event }
    }
}

impl From<Choice> for LetterChoice {
    fn from(choice: Choice) -> Self {
        match choice {
            Choice::All => Self::All,
            Choice::Sink(sink) => Self::Sink(sink),
            Choice::Ids(ids) => Self::Ids(ids),
        }
    }
}

pub(super) async fn execute(
    store: &Store,
    request: Request,
    uid: u32,
    answers: &mpsc::Sender<Answer>,
) -> Result<Done, ServiceError> {
    match request {
        Request::List { sink, after, most } => {
            if let Some(sink) = &sink {
                must_know(store, sink).await?;
            }
            let most = most.get().min(MOST_LISTED);
            for letter in store.dead_letters(sink.as_deref(), after, most).await? {
                if answers.send(Answer::Letter(Letter::new(letter, None))).await.is_err() {
                    break;
                }
            }
            Ok(Done::Shown)
        }
        Request::Show { id } => {
            let (letter, event) = store.dead_letter(id).await?.ok_or_else(|| unknown(&[id], ""))?;
            let letter = Letter::new(letter, Some(as_json(&event)));
            // Nobody may be waiting for it any more.
            let _ = answers.send(Answer::Letter(letter)).await;
            Ok(Done::Shown)
        }
        Request::Count(choice) => Ok(Done::Letters(count(store, choice.into()).await?)),
        Request::Retry(choice) => {
            let choice = announced(store, choice, uid, ("retry", "tried again")).await?;
            Ok(Done::Letters(store.retry_dead_letters(choice).await?))
        }
        Request::Drop(choice) => {
            let choice = announced(store, choice, uid, ("drop", "dropped")).await?;
            Ok(Done::Letters(store.drop_dead_letters(choice).await?))
        }
    }
}

/// Tells what is about to be changed.
async fn announced(
    store: &Store,
    choice: Choice,
    uid: u32,
    (verb, fate): (&str, &str),
) -> Result<LetterChoice, ServiceError> {
    let choice = LetterChoice::from(choice);
    let letters = count(store, choice.clone()).await?;
    if !letters.is_empty() {
        let counts: Vec<_> = letters.iter().map(|(sink, count)| format!("{count} of sink {sink}")).collect();
        let change = format!("Dead letters to be {fate}: {}", counts.join(", "));
        announce(store, &format!("dead-letters {verb}"), change, uid).await?;
    }
    Ok(choice)
}

/// How many letters of each sink, when every number and the sink exist.
async fn count(store: &Store, choice: LetterChoice) -> Result<LettersBySink, ServiceError> {
    if let LetterChoice::Sink(sink) = &choice {
        must_know(store, sink).await?;
    }
    let count = store.count_dead_letters(choice).await?;
    if count.missing.is_empty() {
        Ok(count.by_sink)
    } else {
        Err(unknown(&count.missing, "; nothing was changed"))
    }
}

async fn must_know(store: &Store, sink: &str) -> Result<(), ServiceError> {
    let sinks = store.sinks().await?;
    if sinks.iter().any(|known| known == sink) {
        return Ok(());
    }
    let known = if sinks.is_empty() { "none yet".to_owned() } else { sinks.join(", ") };
    Err(ServiceError::Command(format!("there is no sink {sink} in the state directory; known are: {known}")))
}

fn unknown(ids: &[i64], effect: &str) -> ServiceError {
    let mut named: Vec<String> = ids.iter().take(MOST_NAMED).map(i64::to_string).collect();
    if ids.len() > MOST_NAMED {
        named.push(format!("and {} more", ids.len() - MOST_NAMED));
    }
    ServiceError::Command(format!(
        "no dead letter has the number {}: it was delivered or dropped, or never was{effect}",
        named.join(", ")
    ))
}

/// The whole event, as a sink with `format = "ecs"` would be sent it.
fn as_json(event: &StoredEvent) -> Box<RawValue> {
    let mut bytes = Vec::new();
    Encoder::new(Format::ecs(true, "default", &observer()), Envelope::Line).encode(event, &mut bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    // An event that is no JSON after all is shown as the text that it is.
    RawValue::from_string(text.clone())
        .or_else(|_| serde_json::value::to_raw_value(&text))
        .unwrap_or_else(|_| RawValue::NULL.to_owned())
}
