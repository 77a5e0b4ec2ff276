//! Any receiver that takes JSON over HTTP: Logstash, Vector, Fluent Bit, Cribl, a webhook.

mod credentials;
mod verdict;

use std::borrow::Cow;
use std::fmt::Write as _;
use std::future::Future;
use std::io::Write as _;
use std::pin::Pin;

use bytes::Bytes;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use url::Url;

use self::credentials::Credentials;
use super::{Batch, Outcome, Sink};
use crate::clock::Clock;
use crate::config::{Compression, HttpEncoding, HttpSinkConfig};
use crate::exchange::{Method, Request};
use crate::http::{self, Client, ClientOptions};

/// Compressing more than this would hold an async thread for longer than half a millisecond.
const COMPRESSED_AT_ONCE: usize = 64 * 1024;

/// Posts batches to an endpoint. Accepted is a 2xx.
///
/// `Idempotency-Key` is the same for the same events, so a receiver that knows the header takes a batch whose
/// answer was lost once only (draft-ietf-httpapi-idempotency-key-header).
#[derive(Debug)]
pub struct HttpSink {
    endpoint: Url,
    encoding: HttpEncoding,
    compression: Compression,
    options: ClientOptions,
    /// Gone after a TLS failure: the next delivery makes a new one, which reads the certificates again.
    client: Option<Client>,
    credentials: Credentials,
    clock: Clock,
}

impl HttpSink {
    /// A sink for this endpoint. Reads the certificate files: blocks.
    ///
    /// # Errors
    /// [`http::Error::Setup`] when they can't be used.
    pub fn new(config: &HttpSinkConfig) -> Result<Self, http::Error> {
        let options = ClientOptions {
            timeout: config.timeout,
            ca_file: config.tls.ca_file.clone(),
            cert_file: config.tls.cert_file.clone(),
            key_file: config.tls.key_file.clone(),
            ..ClientOptions::for_peer(&config.endpoint)
        };
        Ok(Self {
            endpoint: config.endpoint.clone(),
            encoding: config.encoding,
            compression: config.compression,
            client: Some(Client::new(&options)?),
            options,
            credentials: Credentials::new(config.token.clone(), config.headers.clone()),
            clock: Clock::System,
        })
    }

    async fn post(&mut self, batch: &Batch) -> Outcome {
        let (client, request) = match self.prepare(batch).await {
            Ok(prepared) => prepared,
            Err(reason) => return Outcome::Held { reason },
        };
        match client.send(request).await {
            Ok(reply) => {
                if matches!(reply.status, 401 | 403) {
                    self.credentials.distrust();
                }
                verdict::of_reply(&reply, self.clock.now())
            }
            Err(error) => {
                if matches!(error, http::Error::Tls { .. }) {
                    self.client = None;
                }
                verdict::of_error(&error)
            }
        }
    }

    /// Everything that must be there before a byte is sent, or what is missing.
    async fn prepare(&mut self, batch: &Batch) -> Result<(Client, Request), String> {
        let credentials = self.credentials.headers().await.map_err(|error| error.to_string())?;
        let client = self.client().await?;
        let plain = body(self.encoding, batch);
        let body = match self.compression {
            Compression::None => Bytes::from(plain.into_owned()),
            Compression::Gzip => gzip(&plain).await.map_err(|error| error.to_string())?.into(),
        };

        let content_type = match self.encoding {
            HttpEncoding::Ndjson => "application/x-ndjson",
            HttpEncoding::JsonArray => "application/json",
        };
        let mut headers = vec![
            ("content-type".to_owned(), content_type.to_owned()),
            ("idempotency-key".to_owned(), idempotency_key(batch)),
        ];
        if self.compression == Compression::Gzip {
            headers.push(("content-encoding".to_owned(), "gzip".to_owned()));
        }
        // What the operator names wins.
        headers.retain(|(ours, _)| !credentials.iter().any(|(theirs, _)| theirs == ours));
        headers.extend(credentials);
        Ok((client, Request { method: Method::Post, url: self.endpoint.clone(), headers, body }))
    }

    async fn client(&mut self) -> Result<Client, String> {
        if let Some(client) = &self.client {
            return Ok(client.clone());
        }
        let options = self.options.clone();
        let made = tokio::task::spawn_blocking(move || Client::new(&options)).await;
        let client = made.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
        self.client = Some(client.clone());
        Ok(client)
    }
}

impl Sink for HttpSink {
    fn deliver<'a>(&'a mut self, batch: &'a Batch) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>> {
        Box::pin(self.post(batch))
    }

    fn credential_changed(&mut self) -> Pin<Box<dyn Future<Output = bool> + Send + '_>> {
        Box::pin(self.credentials.changed())
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

/// RFC 1952, at the fastest level: JSON lines shrink to a tenth with it, and a few per cent more cost twice
/// the time. In slices, so that other tasks get their turn.
async fn gzip(plain: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(plain.len() / 4), flate2::Compression::fast());
    for slice in plain.chunks(COMPRESSED_AT_ONCE) {
        encoder.write_all(slice)?;
        tokio::task::yield_now().await;
    }
    encoder.finish()
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
