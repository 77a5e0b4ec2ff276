//! The state: move a stream's cursor back, forget a stream; take over an exported state.

mod import;

pub(crate) use import::import;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Done;
use super::announce::announce;
use crate::event::{OWN_SOURCE, StreamName};
use crate::service::ServiceError;
use crate::store::{Store, StreamState};

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Request {
    /// Moves the cursor of a stream back.
    Rewind {
        /// The source.
        source: String,
        /// Its stream.
        stream: String,
        /// Where it is to stand.
        to: Timestamp,
    },
    /// Forgets how far a stream was read, and what is known of it.
    Forget {
        /// The source.
        source: String,
        /// Its stream; all of them without it.
        #[serde(default)]
        stream: Option<String>,
        /// Forgets the account of the source too, and a credential that its provider has rotated.
        #[serde(default)]
        account: bool,
    },
}

/// What it came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// The cursor was moved back from here.
    Rewound(Timestamp),
    /// These streams were forgotten.
    Forgotten(Vec<String>),
}

pub(super) async fn execute(store: &Store, request: Request, uid: u32) -> Result<Done, ServiceError> {
    let outcome = match request {
        Request::Rewind { source, stream, to } => {
            Outcome::Rewound(rewind(store, &StreamName { source, stream }, to, uid).await?)
        }
        Request::Forget { source, stream, account } => {
            let forgotten = forget(store, (&source, stream.as_deref()), account, uid).await?;
            Outcome::Forgotten(forgotten.iter().map(ToString::to_string).collect())
        }
    };
    Ok(Done::State(outcome))
}

async fn rewind(
    store: &Store,
    name: &StreamName,
    to: Timestamp,
    uid: u32,
) -> Result<Timestamp, ServiceError> {
    let [(_, state)] = &chosen(store, &name.source, Some(&name.stream)).await?[..] else {
        return refused(format!("{name} is not one stream"));
    };
    let Some(from) = state.cursor.complete_to else {
        return refused(format!(
            "{name} has no cursor to move: it was not read to its end yet, and its poll begins at `start`"
        ));
    };
    if to >= from {
        return refused(format!(
            "the cursor of {name} stands at {from} and is moved back only, never forward: {to} is not before it; \
             nothing was changed"
        ));
    }
    announce(store, "state rewind", format!("Cursor of {name} to be moved back from {from} to {to}"), uid)
        .await?;
    if store.rewind(state.id, to).await? {
        Ok(from)
    } else {
        refused(format!("the cursor of {name} was moved before {to} meanwhile; nothing was changed"))
    }
}

async fn forget(
    store: &Store,
    (source, stream): (&str, Option<&str>),
    account: bool,
    uid: u32,
) -> Result<Vec<StreamName>, ServiceError> {
    let streams = chosen(store, source, stream).await?;
    let (names, states): (Vec<_>, Vec<_>) = streams.into_iter().unzip();
    let listed: Vec<_> = names.iter().map(ToString::to_string).collect();
    let also = if account { format!(", and the account of source {source}") } else { String::new() };
    announce(store, "state forget", format!("To be forgotten: {}{also}", listed.join(", ")), uid).await?;
    store.forget_streams(states.iter().map(|state| state.id).collect()).await?;
    if account {
        store.unbind(source).await?;
    }
    Ok(names)
}

/// The streams that are named, with their states; there is at least one.
async fn chosen(
    store: &Store,
    source: &str,
    stream: Option<&str>,
) -> Result<Vec<(StreamName, StreamState)>, ServiceError> {
    let all: Vec<_> = store.streams().await?.into_iter().filter(|name| name.source != OWN_SOURCE).collect();
    let is_chosen =
        |name: &&StreamName| name.source == source && stream.is_none_or(|stream| name.stream == stream);
    let mut chosen = Vec::new();
    for name in all.iter().filter(is_chosen) {
        if let Some(state) = store.find_stream(name).await? {
            chosen.push((name.clone(), state));
        }
    }
    if chosen.is_empty() {
        return refused(unknown(source, stream, &all));
    }
    Ok(chosen)
}

/// What to say of a source or stream that nothing is kept of.
pub(crate) fn unknown(source: &str, stream: Option<&str>, all: &[StreamName]) -> String {
    let asked =
        stream.map_or_else(|| format!("source {source}"), |stream| format!("stream {source}/{stream}"));
    let known: Vec<_> = all.iter().map(ToString::to_string).collect();
    let known = if known.is_empty() { "none yet".to_owned() } else { known.join(", ") };
    format!("the state directory has no {asked}; known are: {known}")
}

fn refused<T>(reason: String) -> Result<T, ServiceError> {
    Err(ServiceError::Command(reason))
}

#[cfg(test)]
mod tests;
