//! Requests to the simulated products and their answers as values, and what is remembered of them.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use serde::Serialize;

use super::endpoint::Endpoint;

/// Requests that the log remembers: about 10 MB.
const LOGGED_REQUESTS: usize = 50_000;

/// A request as a product sees it.
#[derive(Debug)]
pub(crate) struct Asked {
    /// Where it goes.
    pub endpoint: Endpoint,
    /// Whether it is a POST; else it is a GET.
    pub post: bool,
    /// The path, for the log.
    pub path: String,
    /// The query as it was written, for the log.
    pub query: String,
    /// Its headers.
    pub headers: axum::http::HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Asked {
    /// A parameter of the query, decoded; the last where it repeats.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let pairs = url::form_urlencoded::parse(self.query.as_bytes());
        pairs.filter(|(key, _)| key == name).last().map(|(_, value)| value.into_owned())
    }

    /// A header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// An answer of a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: &'static str,
    /// The other headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
}

impl Answer {
    /// JSON with this status.
    pub(crate) fn json(status: u16, body: impl Into<String>) -> Self {
        Self {
            status,
            content_type: "application/json;charset=utf-8",
            headers: Vec::new(),
            body: body.into(),
        }
    }

    /// HTML with this status.
    pub(crate) fn html(status: u16, body: impl Into<String>) -> Self {
        Self { status, content_type: "text/html; charset=UTF-8", headers: Vec::new(), body: body.into() }
    }

    /// The same with one more header.
    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, value: impl std::fmt::Display) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }
}

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is answered.
    Answered(Answer),
    /// The answer breaks off in the middle.
    Truncated(Answer),
    /// The connection is reset.
    Reset,
    /// Nothing ever comes.
    Hang,
}

/// One request of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Logged {
    /// Where it went.
    pub endpoint: Endpoint,
    /// As asked.
    pub path: String,
    /// As asked.
    pub query: String,
    /// The answer's status; 0 for a reset, a hang and a truncated body.
    pub status: u16,
}

/// What was asked so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Requests {
    /// Requests by endpoint since the start.
    pub counts: BTreeMap<Endpoint, u64>,
    /// The latest requests, oldest first.
    pub log: VecDeque<Logged>,
}

impl Requests {
    /// Remembers a request, and forgets the oldest when they are too many.
    pub(crate) fn push(&mut self, asked: &Asked, status: u16) {
        *self.counts.entry(asked.endpoint).or_default() += 1;
        if self.log.len() == LOGGED_REQUESTS {
            self.log.pop_front();
        }
        let (endpoint, path, query) = (asked.endpoint, asked.path.clone(), asked.query.clone());
        self.log.push_back(Logged { endpoint, path, query, status });
    }
}

/// Requests within a window that begins with its first one.
#[derive(Debug, Default)]
pub(crate) struct Window {
    since_ms: i64,
    taken: u64,
}

/// What the limit says about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Allowance {
    /// Requests of a window.
    pub limit: u64,
    /// Requests left in this one.
    pub remaining: u64,
    /// Until the next window, in milliseconds.
    pub reset_ms: i64,
    /// Whether this request was too much.
    pub exceeded: bool,
}

impl Window {
    /// Counts a request.
    pub(crate) fn take(&mut self, limit: u64, length_ms: i64, now_ms: i64) -> Allowance {
        if now_ms - self.since_ms >= length_ms {
            *self = Self { since_ms: now_ms, taken: 0 };
        }
        let exceeded = self.taken >= limit;
        self.taken += u64::from(!exceeded);
        let reset_ms = self.since_ms + length_ms - now_ms;
        Allowance { limit, remaining: limit.saturating_sub(self.taken), reset_ms, exceeded }
    }
}
