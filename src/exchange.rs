//! One HTTP exchange as plain values: what a provider asks and what came back. No I/O here; [`crate::http`]
//! carries it out.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use url::Url;

/// The method of a [`Request`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Asks what could be asked; changes nothing (RFC 9110 section 9.3.7).
    Options,
    /// Sends a body.
    Post,
}

/// A request to be sent. Header values may be secrets: `Debug` shows their names only.
#[derive(Clone)]
pub struct Request {
    /// GET or POST.
    pub method: Method,
    /// The whole address, query included. Never holds a secret.
    pub url: Url,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// Empty for GET.
    pub body: Bytes,
}

impl Request {
    /// A GET without headers.
    pub fn get(url: Url) -> Self {
        Self { method: Method::Get, url, headers: Vec::new(), body: Bytes::new() }
    }

    /// The same with one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("url", &self.url.as_str())
            .field("headers", &names)
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

/// A complete answer, whatever its status.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The HTTP status code; 477 and the like included.
    pub status: u16,
    /// Its headers.
    pub headers: Headers,
    /// Its body, decoded, within the cap that the caller gave.
    pub body: Bytes,
    /// From sending the request to the last byte of the body.
    pub elapsed: Duration,
}

/// Response headers; names compare without regard to case.
#[derive(Debug, Clone, Default)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// The headers with these names and values.
    pub fn new(headers: Vec<(String, String)>) -> Self {
        Self(headers)
    }

    /// The first value of this header.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    /// Every value of this header, in order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let same = self.0.iter().filter(move |(known, _)| known.eq_ignore_ascii_case(name));
        same.map(|(_, value)| value.trim())
    }

    /// The value as a whole number that is not negative.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.get(name)?.parse().ok()
    }

    /// `Date`, the peer's clock (RFC 9110 section 6.6.1).
    pub fn date(&self) -> Option<Timestamp> {
        http_date(self.get("date")?)
    }

    /// `Retry-After`, in seconds or as a date (RFC 9110 section 10.2.3), counted from `now`.
    pub fn retry_after(&self, now: Timestamp) -> Option<Duration> {
        let value = self.get("retry-after")?;
        if let Ok(seconds) = value.parse::<u64>() {
            return Some(Duration::from_secs(seconds));
        }
        let until = http_date(value)?.duration_since(now);
        Some(Duration::try_from(until).unwrap_or(Duration::ZERO))
    }
}

fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}
