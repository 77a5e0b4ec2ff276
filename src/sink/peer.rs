//! The other side of a sink that speaks HTTP: a client, the credential, compression, and what answers mean
//! when the protocol above says nothing.

mod credentials;
mod signature;
pub(super) mod verdict;

use std::borrow::Cow;
use std::io::Write as _;

use bytes::Bytes;
use flate2::write::GzEncoder;
use tokio::sync::Mutex;
use url::Url;

use self::credentials::Credentials;
use super::Outcome;
use crate::clock::Clock;
use crate::config::{Compression, HttpAuthorization, HttpTransport, Secret, SecretError};
use crate::exchange::{Method, Reply, Request};
use crate::http::{self, Client, ClientOptions};

/// Compressing more than this would hold an async thread for longer than half a millisecond.
const COMPRESSED_AT_ONCE: usize = 64 * 1024;

/// Header names in lower case, and their values.
pub(super) type Headers = Vec<(String, String)>;

/// A receiver that is asked over HTTP.
#[derive(Debug)]
pub(super) struct Peer {
    compression: Compression,
    options: ClientOptions,
    /// Gone after a TLS failure: the next request makes a new one, which reads the certificates again.
    client: Mutex<Option<Client>>,
    credentials: Mutex<Credentials>,
    clock: Clock,
}

impl Peer {
    /// A receiver at this address; `headers` go with every request. Reads the certificate files: blocks.
    ///
    /// # Errors
    /// [`http::Error::Setup`] when they can't be used.
    pub(super) fn new(
        address: &Url,
        transport: &HttpTransport,
        authorization: Option<HttpAuthorization>,
        headers: Vec<(String, Secret)>,
    ) -> Result<Self, http::Error> {
        let options = ClientOptions {
            timeout: transport.timeout,
            tls: transport.tls.clone(),
            ..ClientOptions::for_peer(address)
        };
        Ok(Self {
            compression: transport.compression,
            client: Mutex::new(Some(Client::new(&options)?)),
            options,
            credentials: Mutex::new(Credentials::new(authorization, headers)),
            clock: Clock::System,
        })
    }

    /// The same, with a secret for [`Peer::post_signed`]: one or several `whsec_…` separated by spaces.
    #[must_use]
    pub(super) fn signing(self, secret: Option<Secret>) -> Self {
        let credentials = self.credentials.into_inner().signing(secret);
        Self { credentials: Mutex::new(credentials), ..self }
    }

    /// Posts a body, compressed when the configuration says so, with these headers and the credential. What the
    /// operator has set in `headers` wins.
    ///
    /// # Errors
    /// What to make of the batch when there is no answer.
    pub(super) async fn post(
        &self,
        url: Url,
        mut headers: Headers,
        plain: Cow<'_, [u8]>,
    ) -> Result<Reply, Outcome> {
        let body = self.compressed(&mut headers, plain).await?;
        self.send(Request { method: Method::Post, url, headers, body }).await
    }

    /// Like [`Peer::post`], signed where there is a secret for it: over the bytes that are sent, which are the
    /// compressed ones. `id` has no dot in it and is the same whenever the same events are sent.
    ///
    /// # Errors
    /// What to make of the batch when there is no answer, or the secret can't be used.
    pub(super) async fn post_signed(
        &self,
        url: Url,
        id: &str,
        mut headers: Headers,
        plain: Cow<'_, [u8]>,
    ) -> Result<Reply, Outcome> {
        let body = self.compressed(&mut headers, plain).await?;
        if let Some(signer) = self.credentials.lock().await.signer().await.map_err(|error| held(&error))? {
            headers.extend(signer.headers(id, self.clock.now(), &body));
        }
        self.send(Request { method: Method::Post, url, headers, body }).await
    }

    async fn compressed(&self, headers: &mut Headers, plain: Cow<'_, [u8]>) -> Result<Bytes, Outcome> {
        if self.compression == Compression::None {
            return Ok(Bytes::from(plain.into_owned()));
        }
        headers.push(("content-encoding".to_owned(), "gzip".to_owned()));
        Ok(gzip(&plain).await.map_err(|error| held(&error))?.into())
    }

    /// Reads the secrets as a request would: for `check`.
    ///
    /// # Errors
    /// When one can't be read or used.
    pub(super) async fn check_secrets(&self) -> Result<(), SecretError> {
        let mut credentials = self.credentials.lock().await;
        credentials.headers().await?;
        credentials.signer().await.map(drop)
    }

    /// Sends a request with the credential. What the operator has set in `headers` wins.
    ///
    /// # Errors
    /// What to make of a batch when there is no answer.
    pub(super) async fn send(&self, mut request: Request) -> Result<Reply, Outcome> {
        let credentials = self.credentials.lock().await.headers().await.map_err(|error| held(&error))?;
        request.headers.retain(|(ours, _)| !credentials.iter().any(|(theirs, _)| theirs == ours));
        request.headers.extend(credentials);
        let client = self.client().await?;
        match client.send(request).await {
            Ok(reply) => {
                if matches!(reply.status, 401 | 403) {
                    self.distrust().await;
                }
                Ok(reply)
            }
            Err(error) => {
                if matches!(error, http::Error::Tls { .. }) {
                    *self.client.lock().await = None;
                }
                Err(verdict::of_error(&error))
            }
        }
    }

    /// The receiver refuses the credential: it is read again before the next request.
    pub(super) async fn distrust(&self) {
        self.credentials.lock().await.distrust();
    }

    /// Whether the secrets' sources hold something else than what was sent last.
    pub(super) async fn credential_changed(&self) -> bool {
        self.credentials.lock().await.changed().await
    }

    /// What an answer means by its status alone.
    pub(super) fn verdict_of(&self, reply: &Reply) -> Outcome {
        verdict::of_reply(reply, self.clock.now())
    }

    async fn client(&self) -> Result<Client, Outcome> {
        let mut kept = self.client.lock().await;
        if let Some(client) = &*kept {
            return Ok(client.clone());
        }
        let options = self.options.clone();
        let made = tokio::task::spawn_blocking(move || Client::new(&options)).await;
        let client = made.map_err(|error| held(&error))?.map_err(|error| held(&error))?;
        *kept = Some(client.clone());
        Ok(client)
    }
}

fn held(error: &dyn std::error::Error) -> Outcome {
    Outcome::Held { reason: error.to_string() }
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
