//! Splunk's HTTP Event Collector.

mod acks;
mod channel;
mod probe;
mod reply;

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::time::{Instant, sleep_until};
use url::Url;

use self::acks::{Acknowledger, Told};
use self::channel::{Channel, Channels};
use self::reply::{TURN_ACKS_ON, Taken};
use super::peer::Peer;
use super::{Batch, Outcome, Probe, Sink};
use crate::clock::Clock;
use crate::config::{HttpAuthorization, SplunkHecConfig};
use crate::exchange::{Method, Reply, Request};
use crate::http;

/// Where the collector answers, below the address of Splunk.
const COLLECTOR: &str = "/services/collector";

/// Before the next batch when a queue is nearly full: with a batch a second, nobody is the one who fills it.
const NEAR_LIMIT_REST: Duration = Duration::from_secs(1);

/// Posts batches to the collector. Accepted is code 0, 24 or 25; with acknowledgements, a `true` for the batch.
#[derive(Debug)]
pub struct SplunkHecSink {
    /// For the log.
    name: String,
    collector: Collector,
    max_in_flight: usize,
    mode: Mode,
    /// No batch is posted before.
    not_before: Mutex<Option<Instant>>,
}

/// When a batch counts as delivered.
#[derive(Debug)]
enum Mode {
    /// When it is taken. Splunk wants no channel then; its collector's relatives may.
    Taken { channel: String, is_warned: AtomicBool },
    /// When the indexers have acknowledged it.
    Acknowledged {
        channels: Channels,
        /// The collector has given an `ackId`.
        is_enabled: AtomicBool,
    },
}

/// The addresses of a collector, and how it is asked.
#[derive(Debug)]
struct Collector {
    peer: Peer,
    /// Up to and with `/services/collector`.
    base: Url,
}

impl SplunkHecSink {
    /// A sink of this name with this configuration. Reads the certificate files: blocks.
    ///
    /// # Errors
    /// [`http::Error::Setup`] when they can't be used, or the machine has no random numbers.
    pub fn new(name: &str, config: &SplunkHecConfig) -> Result<Self, http::Error> {
        let authorization = Some(HttpAuthorization::Splunk(config.token.clone()));
        let peer = Peer::new(&config.endpoint, &config.transport, authorization, Vec::new())?;
        let max_in_flight = config.transport.max_in_flight.max(1);
        let mode = if config.acknowledgements {
            let channels = Channels::new(max_in_flight);
            Mode::Acknowledged { channels, is_enabled: AtomicBool::new(false) }
        } else {
            let channel = Channel::new().map_err(|error| http::Error::Setup(error.to_string()))?.guid;
            Mode::Taken { channel, is_warned: AtomicBool::new(false) }
        };
        let collector = Collector { peer, base: base(&config.endpoint) };
        Ok(Self { name: name.to_owned(), collector, max_in_flight, mode, not_before: Mutex::new(None) })
    }

    async fn post(&self, batch: &Batch) -> Result<(), Outcome> {
        let not_before = *self.not_before.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(not_before) = not_before {
            sleep_until(not_before).await;
        }
        match &self.mode {
            Mode::Taken { channel, is_warned } => self.post_once(batch, channel, is_warned).await,
            Mode::Acknowledged { channels, is_enabled } => {
                self.post_acknowledged(batch, channels, is_enabled).await
            }
        }
    }

    async fn post_once(&self, batch: &Batch, channel: &str, is_warned: &AtomicBool) -> Result<(), Outcome> {
        let headers = vec![(channel::HEADER.to_owned(), channel.to_owned())];
        let reply = self.collector.post(headers, &batch.lines).await?;
        let taken = self.taken(&reply, batch, false)?;
        // Splunk remembers acknowledgements that nobody asks for, up to a limit.
        if taken.ack_id.is_some() && !is_warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                code = "acknowledgements-unused",
                sink = self.name,
                "the token of the HTTP Event Collector has acknowledgements, and nobody asks for them: \
                 set acknowledgements = true, or turn them off for the token (useACK = false)"
            );
        }
        Ok(())
    }

    async fn post_acknowledged(
        &self,
        batch: &Batch,
        channels: &Channels,
        is_enabled: &AtomicBool,
    ) -> Result<(), Outcome> {
        let channel = channels.take().map_err(|error| Outcome::Held { reason: error.to_string() })?;
        let mut line = Line { collector: &self.collector, channel };
        if !is_enabled.load(Ordering::Relaxed) {
            acks::are_enabled(&mut line).await?;
        }
        let reply = self.collector.post(line.channel.headers(), &batch.lines).await?;
        line.channel.keep_session(&reply.headers);
        let taken = self.taken(&reply, batch, true)?;
        is_enabled.store(taken.ack_id.is_some(), Ordering::Relaxed);
        let Some(ack_id) = taken.ack_id else {
            let reason = format!("the events were taken without an ackId: {TURN_ACKS_ON}");
            return Err(Outcome::Held { reason });
        };
        acks::confirmed(&mut line, ack_id).await?;
        channels.give_back(line.channel);
        Ok(())
    }

    fn taken(&self, reply: &Reply, batch: &Batch, by_ack: bool) -> Result<Taken, Outcome> {
        let taken = reply::taken(reply, batch.len(), by_ack, Clock::System.now())?;
        if taken.near_limit {
            let rest = Instant::now() + NEAR_LIMIT_REST;
            *self.not_before.lock().unwrap_or_else(PoisonError::into_inner) = Some(rest);
            tracing::debug!("a queue of the HTTP Event Collector is nearly full: the next batch waits");
        }
        Ok(taken)
    }
}

impl Sink for SplunkHecSink {
    fn deliver<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Outcome> {
        Box::pin(async {
            let Err(outcome) = self.post(batch).await else { return Outcome::Accepted };
            // Some refusals of a token come with 400.
            if matches!(outcome, Outcome::Held { .. }) {
                self.collector.peer.distrust().await;
            }
            outcome
        })
    }

    fn max_in_flight(&self) -> usize {
        self.max_in_flight
    }

    fn credential_changed(&self) -> BoxFuture<'_, bool> {
        Box::pin(self.collector.peer.credential_changed())
    }

    fn probe(&self) -> BoxFuture<'_, Probe> {
        let by_ack = matches!(self.mode, Mode::Acknowledged { .. });
        Box::pin(probe::probe(&self.collector, by_ack))
    }
}

impl Collector {
    /// `{…}\n{…}\n`: objects one after the other, no array.
    async fn post(&self, mut headers: super::peer::Headers, lines: &[u8]) -> Result<Reply, Outcome> {
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
        self.peer.post(self.at("/event"), headers, Cow::Borrowed(lines)).await
    }

    fn at(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path()));
        url
    }
}

/// A channel to a collector.
struct Line<'a> {
    collector: &'a Collector,
    channel: Channel,
}

impl Acknowledger for Line<'_> {
    async fn ask(&mut self, ack_id: u64) -> Result<Told, Outcome> {
        let mut url = self.collector.at("/ack");
        url.query_pairs_mut().append_pair("channel", &self.channel.guid);
        let mut headers = self.channel.headers();
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
        let body = Bytes::from(format!("{{\"acks\":[{ack_id}]}}"));
        let request = Request { method: Method::Post, url, headers, body };
        let reply = self.collector.peer.send(request).await?;
        let session_changed = self.channel.keep_session(&reply.headers);
        Ok(Told { reply, session_changed })
    }
}

/// The collector at this address, which may end with the collector's path or that of its events, as people copy it.
fn base(endpoint: &Url) -> Url {
    let path = endpoint.path().trim_end_matches('/');
    let above = ["/event/1.0", "/event", "/raw/1.0", "/raw", ""]
        .iter()
        .find_map(|end| path.strip_suffix(end).and_then(|path| path.strip_suffix(COLLECTOR)));
    let path = format!("{}{COLLECTOR}", above.unwrap_or(path));
    let mut base = endpoint.clone();
    base.set_path(&path);
    base.set_query(None);
    base.set_fragment(None);
    base
}

#[cfg(test)]
mod tests;
