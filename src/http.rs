//! The one outgoing HTTP client: TLS, proxy, timeouts, size caps, classes of failure.
//!
//! It carries out one [`Request`] and gives back the [`Reply`], whatever its status. It follows no redirect
//! and retries nothing: a credential goes to the address that was configured and nowhere else, and every
//! retry is a decision of the caller. `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` are honoured.

mod error;

pub use error::Error;

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;
use url::Url;

use crate::exchange::{Headers, Method, Reply, Request};
use crate::tls;

/// Brevo's edge refuses requests without a user agent, Splunk answers them in HTTP/1.0.
const USER_AGENT: &str = concat!("auditferry/", env!("CARGO_PKG_VERSION"));

/// nginx drops idle connections after 75 s, AWS's load balancer after 60 s: give them up long before.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// How a [`Client`] behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientOptions {
    /// For the whole exchange, from the look-up of the name to the last byte of the body.
    pub timeout: Duration,
    /// For look-up, TCP and TLS together.
    pub connect_timeout: Duration,
    /// Bytes of a decoded reply body above which it is given up.
    pub max_reply_bytes: usize,
    /// Whether the proxy that the environment names is used.
    pub proxied: bool,
    /// Whom to trust and who we are.
    pub tls: tls::Options,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(10),
            // Provider pages stay below 1 MiB; this only stops a body without end.
            max_reply_bytes: 32 * 1024 * 1024,
            proxied: true,
            tls: tls::Options::default(),
        }
    }
}

impl ClientOptions {
    /// The defaults for a peer at this address: no proxy stands between us and our own machine.
    pub fn for_peer(address: &Url) -> Self {
        Self { proxied: !is_loopback(address), ..Self::default() }
    }
}

/// Sends requests over kept-alive connections; cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    inner: reqwest::Client,
    timeout: Duration,
    max_reply_bytes: usize,
}

impl Client {
    /// Makes a client. Reads the certificate files and the platform's authorities: blocks, and what they say
    /// later needs a new client.
    ///
    /// # Errors
    /// [`Error::Setup`] when a file can't be read or used, or there are no authorities to trust.
    pub fn new(options: &ClientOptions) -> Result<Self, Error> {
        let mut builder = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .timeout(options.timeout)
            .connect_timeout(options.connect_timeout.min(options.timeout))
            .pool_idle_timeout(POOL_IDLE_TIMEOUT)
            .tcp_nodelay(true)
            .referer(false)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never());
        if !options.proxied {
            builder = builder.no_proxy();
        }
        let tls = tls::client_config(&options.tls).map_err(|error| Error::Setup(error.to_string()))?;
        builder = builder.tls_backend_preconfigured(tls);
        let inner = builder.build().map_err(|error| Error::Setup(error::chain(&error.without_url())))?;
        Ok(Self { inner, timeout: options.timeout, max_reply_bytes: options.max_reply_bytes })
    }

    /// Sends the request and reads the whole answer; any status is an answer.
    ///
    /// # Errors
    /// When there is no whole answer. The request may have been carried out all the same, unless it is
    /// [`Error::Connect`], [`Error::Tls`] or [`Error::Invalid`].
    pub async fn send(&self, request: Request) -> Result<Reply, Error> {
        let host = host_of(&request.url);
        let sent = Instant::now();
        let failed = |error| Error::from_reqwest(error, host.clone(), self.timeout);

        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Options => reqwest::Method::OPTIONS,
            Method::Post => reqwest::Method::POST,
        };
        let mut outgoing = self.inner.request(method, request.url).headers(header_map(&request.headers)?);
        if !request.body.is_empty() {
            outgoing = outgoing.body(request.body);
        }
        let mut response = outgoing.send().await.map_err(failed)?;
        let status = response.status().as_u16();
        let headers = Headers::new(
            response
                .headers()
                .iter()
                .map(|(name, value)| {
                    (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
                })
                .collect(),
        );
        let mut body = Body::default();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > self.max_reply_bytes {
                return Err(Error::TooLarge { host, limit: self.max_reply_bytes });
            }
            body.push(chunk);
        }
        Ok(Reply { status, headers, body: body.finish(), elapsed: sent.elapsed() })
    }
}

/// A body as it comes in; one that comes in one piece is not copied.
#[derive(Default)]
struct Body {
    first: Bytes,
    all: BytesMut,
}

impl Body {
    fn len(&self) -> usize {
        self.first.len() + self.all.len()
    }

    fn push(&mut self, chunk: Bytes) {
        if self.len() == 0 {
            self.first = chunk;
            return;
        }
        if !self.first.is_empty() {
            self.all.extend_from_slice(&std::mem::take(&mut self.first));
        }
        self.all.extend_from_slice(&chunk);
    }

    fn finish(self) -> Bytes {
        if self.all.is_empty() { self.first } else { self.all.freeze() }
    }
}

fn header_map(headers: &[(String, String)]) -> Result<HeaderMap, Error> {
    let mut map = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let invalid = || Error::Invalid(format!("header {name} holds a character that HTTP does not allow"));
        let known = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid())?;
        let mut value = HeaderValue::from_str(value).map_err(|_| invalid())?;
        // Any of them may be a credential; this keeps them out of every Debug below us.
        value.set_sensitive(true);
        map.append(known, value);
    }
    Ok(map)
}

/// Host and port, for messages: paths and queries may hold what is nobody's business.
fn host_of(url: &Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => "an address without a host".to_owned(),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests;
