//! Any receiver that takes JSON over HTTP: Logstash, Vector, Fluent Bit, Cribl, a webhook.

use std::borrow::Cow;
use std::fmt::Write as _;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use sha2::{Digest, Sha256};
use url::Url;

use super::peer::{Peer, verdict};
use super::{Batch, Outcome, Probe, Sink};
use crate::config::{HttpAuthorization, HttpEncoding, HttpSinkConfig};
use crate::exchange::{Method, Reply, Request};
use crate::http;

/// Posts batches to an endpoint. Accepted is a 2xx.
///
/// `Idempotency-Key` is the same for the same events, so a receiver that knows the header takes a batch whose
/// answer was lost once only (draft-ietf-httpapi-idempotency-key-header). `webhook-id` of a signed request says
/// the same.
#[derive(Debug)]
pub struct HttpSink {
    endpoint: Url,
    encoding: HttpEncoding,
    /// Empty is any 2xx.
    success_statuses: Vec<u16>,
    max_in_flight: usize,
    peer: Peer,
}

impl HttpSink {
    /// A sink for this endpoint. Reads the certificate files: blocks.
    ///
    /// # Errors
    /// [`http::Error::Setup`] when they can't be used.
    pub fn new(config: &HttpSinkConfig) -> Result<Self, http::Error> {
        let authorization = config.token.clone().map(HttpAuthorization::Bearer);
        let headers = config.headers.clone();
        let peer = Peer::new(&config.endpoint, &config.transport, authorization, headers)?;
        Ok(Self {
            endpoint: config.endpoint.clone(),
            encoding: config.encoding,
            success_statuses: config.success_statuses.clone(),
            max_in_flight: config.transport.max_in_flight,
            peer: peer.signing(config.signing_secret.clone()),
        })
    }

    async fn post(&self, batch: &Batch) -> Outcome {
        let content_type = match self.encoding {
            HttpEncoding::Ndjson => "application/x-ndjson",
            HttpEncoding::JsonArray => "application/json",
        };
        let key = idempotency_key(batch);
        let id = format!("msg_{key}");
        let headers =
            vec![("content-type".to_owned(), content_type.to_owned()), ("idempotency-key".to_owned(), key)];
        let body = body(self.encoding, batch);
        match self.peer.post_signed(self.endpoint.clone(), &id, headers, body).await {
            Ok(reply) => self.verdict_of(&reply),
            Err(outcome) => outcome,
        }
    }

    /// Any answer shows that the address is right and that there is trust; a 401 that the credential is not.
    async fn ask(&self) -> Probe {
        if let Err(error) = self.peer.check_secrets().await {
            return Probe::Failed(error.to_string());
        }
        let url = self.endpoint.clone();
        let question = Request { method: Method::Options, url, headers: Vec::new(), body: Bytes::new() };
        match self.peer.send(question).await {
            Ok(reply) if reply.status == 401 => Probe::Failed(format!(
                "{}; the receiver refuses the credential: check token and headers",
                verdict::described(&reply)
            )),
            Ok(reply) => Probe::OnlyByEvent(format!("a server answers there (HTTP {})", reply.status)),
            Err(Outcome::Held { reason } | Outcome::Retry { reason, .. }) => Probe::Failed(reason),
            Err(other) => Probe::Failed(format!("no answer: {other:?}")),
        }
    }

    fn verdict_of(&self, reply: &Reply) -> Outcome {
        let is_other_success =
            matches!(reply.status, 200..=299) && !self.success_statuses.contains(&reply.status);
        if is_other_success && !self.success_statuses.is_empty() {
            let reason = format!("{}, which is not among success_statuses", verdict::described(reply));
            return Outcome::Held { reason };
        }
        self.peer.verdict_of(reply)
    }
}

impl Sink for HttpSink {
    fn deliver<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Outcome> {
        Box::pin(self.post(batch))
    }

    fn max_in_flight(&self) -> usize {
        self.max_in_flight
    }

    fn credential_changed(&self) -> BoxFuture<'_, bool> {
        Box::pin(self.peer.credential_changed())
    }

    fn probe(&self) -> BoxFuture<'_, Probe> {
        Box::pin(self.ask())
    }
}

fn body(encoding: HttpEncoding, batch: &Batch) -> Cow<'_, [u8]> {
    if encoding == HttpEncoding::Ndjson {
        return Cow::Borrowed(&batch.lines);
    }
    let mut array = Vec::with_capacity(batch.lines.len() + 2);
    for index in 0..batch.len() {
        array.push(if index == 0 { b'[' } else { b',' });
        array.extend_from_slice(batch.line(index));
    }
    array.push(b']');
    Cow::Owned(array)
}

/// 32 hexadecimal digits of SHA-256 over the events' ids.
fn idempotency_key(batch: &Batch) -> String {
    let mut hasher = Sha256::new();
    for event in &batch.events {
        hasher.update(event.id.as_bytes());
    }
    let mut key = String::with_capacity(32);
    for byte in &hasher.finalize()[..16] {
        // Writing into a String can't fail.
        let _ = write!(key, "{byte:02x}");
    }
    key
}

#[cfg(test)]
mod tests;
