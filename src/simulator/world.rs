//! The state of the simulated products behind one lock, and how a request to them is answered.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::arrivals::Arrivals;
use super::endpoint::{Endpoint, Product, Stream};
use super::faults::{Accident, Faults};
use super::history::Past;
use super::render::View;
use super::timeline::{Key, Selection, Timeline};
use super::{SimulatorOptions, brevo, hubspot};
use crate::clock::Clock;

/// Requests that the log remembers.
const LOGGED_REQUESTS: usize = 50_000;
/// Access tokens that stay valid side by side.
const ACCESS_TOKENS: usize = 1_000;
/// Rows rendered under one hold of the lock when the truth is written out.
const TRUTH_ROWS: usize = 5_000;

/// What the simulated products take for valid.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Credentials {
    /// Bearer tokens that HubSpot takes, besides those that it issues.
    pub hubspot_tokens: Vec<String>,
    /// API keys that Brevo takes.
    pub brevo_keys: Vec<String>,
    /// The OAuth app.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// The account's grant.
    pub refresh_token: String,
    /// How long an issued access token is valid, in seconds.
    pub expires_in: i64,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials")
    }
}

impl Default for Credentials {
    fn default() -> Self {
        Self {
            hubspot_tokens: vec!["pat-na1-simulated".to_owned()],
            brevo_keys: vec!["xkeysib-simulated".to_owned()],
            client_id: "simulated-client".to_owned(),
            client_secret: "simulated-secret".to_owned(),
            refresh_token: "simulated-refresh".to_owned(),
            // HubSpot's access tokens live for thirty minutes.
            expires_in: 1_800,
        }
    }
}

/// A request as a product sees it.
#[derive(Debug)]
pub struct Asked {
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
    pub fn parameter(&self, name: &str) -> Option<String> {
        let pairs = url::form_urlencoded::parse(self.query.as_bytes());
        pairs.filter(|(key, _)| key == name).last().map(|(_, value)| value.into_owned())
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// An answer of a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
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
    pub fn json(status: u16, body: impl Into<String>) -> Self {
        Self {
            status,
            content_type: "application/json;charset=utf-8",
            headers: Vec::new(),
            body: body.into(),
        }
    }

    /// HTML with this status.
    pub fn html(status: u16, body: impl Into<String>) -> Self {
        Self { status, content_type: "text/html; charset=UTF-8", headers: Vec::new(), body: body.into() }
    }

    /// The same with one more header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }
}

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
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

/// Requests within a window that begins with its first one.
#[derive(Debug, Default)]
struct Window {
    since_ms: i64,
    taken: u64,
}

/// What the limit says about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
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
    fn take(&mut self, limit: u64, length_ms: i64, now_ms: i64) -> Allowance {
        if now_ms - self.since_ms >= length_ms {
            *self = Self { since_ms: now_ms, taken: 0 };
        }
        let exceeded = self.taken >= limit;
        self.taken += u64::from(!exceeded);
        let reset_ms = self.since_ms + length_ms - now_ms;
        Allowance { limit, remaining: limit - self.taken, reset_ms, exceeded }
    }
}

/// The simulated products.
#[derive(Debug)]
pub struct World {
    pub timeline: Timeline,
    pub arrivals: Arrivals,
    pub faults: Faults,
    pub credentials: Credentials,
    pub requests: Requests,
    /// Issued access tokens with the millisecond at which they end, oldest first.
    pub access_tokens: VecDeque<(String, i64)>,
    /// For what accidents and order need; apart from the events' own, so that faults change no event.
    pub chance: fastrand::Rng,
    clock: Clock,
    content: fastrand::Rng,
    asked: u64,
    hubspot_window: Window,
    brevo_window: Window,
}

impl World {
    pub fn new(options: &SimulatorOptions) -> Self {
        let now_ms = options.clock.now().as_millisecond();
        let mut content = fastrand::Rng::with_seed(options.seed);
        let mut timeline = Timeline::new();
        let past = Past {
            events: options.events,
            span: options.span,
            end_ms: now_ms,
            shares: options.shares,
            faults: &options.faults,
        };
        past.write(&mut timeline, &mut content);
        Self {
            timeline,
            arrivals: Arrivals::new(options.rate, options.shares, now_ms),
            faults: options.faults.clone(),
            credentials: options.credentials.clone(),
            requests: Requests::default(),
            access_tokens: VecDeque::new(),
            chance: fastrand::Rng::with_seed(options.seed ^ 0x5eed),
            clock: options.clock.clone(),
            content,
            asked: 0,
            hubspot_window: Window::default(),
            brevo_window: Window::default(),
        }
    }

    /// Lets everything happen that is due, and says what time it is.
    pub fn catch_up(&mut self) -> i64 {
        let now_ms = self.clock.now().as_millisecond();
        self.arrivals.advance(now_ms, &mut self.timeline, &self.faults, &mut self.content);
        now_ms
    }

    /// The provider's clock, which may go wrong.
    pub fn provider_ms(&self) -> i64 {
        self.clock.now().as_millisecond() + self.faults.date_skew_seconds * 1_000
    }

    /// Adds ordinary events to a stream now.
    pub fn append(&mut self, stream: Stream, count: u32) {
        let now_ms = self.catch_up();
        for _ in 0..count {
            let event = (now_ms, super::actions::Action::ordinary(stream, &mut self.content));
            self.arrivals.add(stream, event, &mut self.timeline, &self.faults, &mut self.content);
        }
    }

    /// Adds ordinary events at a given time. `like` says how they resemble each other.
    pub fn plant(&mut self, planted: &super::control::Planted, now_ms: i64) {
        use super::control::Likeness;
        let time_ms = planted.time.map_or(now_ms, |time| time.as_millisecond());
        let visible_ms = planted.visible_at.map_or(time_ms, |time| time.as_millisecond());
        if let Some(record) = &planted.record {
            self.timeline.push_given(planted.stream, time_ms, visible_ms, record.get().into());
            return;
        }
        let model = super::actions::Action::ordinary(planted.stream, &mut self.content);
        for number in 0..planted.count {
            let action = match planted.like {
                Likeness::Different => super::actions::Action::ordinary(planted.stream, &mut self.content),
                Likeness::Equal => model,
                Likeness::SharedId if number % 2 == 0 => model,
                Likeness::SharedId => model.sibling().unwrap_or(model),
            };
            self.timeline.push(planted.stream, time_ms, visible_ms, action);
        }
    }

    /// Answers a request, or lets it come to grief, and logs it.
    pub fn answer(&mut self, asked: &Asked) -> Fate {
        self.asked += 1;
        let fate = self.fate(asked);
        let status = if let Fate::Answered(answer) = &fate { answer.status } else { 0 };
        *self.requests.counts.entry(asked.endpoint).or_default() += 1;
        if self.requests.log.len() == LOGGED_REQUESTS {
            self.requests.log.pop_front();
        }
        let (path, query) = (asked.path.clone(), asked.query.clone());
        self.requests.log.push_back(Logged { endpoint: asked.endpoint, path, query, status });
        fate
    }

    fn fate(&mut self, asked: &Asked) -> Fate {
        let now_ms = self.catch_up();
        let accident = self.faults.accident(asked.endpoint, self.asked, &mut self.chance);
        let allowance = self.allowance(asked.endpoint.product(), now_ms);
        let bare = match accident {
            Some(Accident::Hang) => return Fate::Hang,
            Some(Accident::Reset) => return Fate::Reset,
            Some(Accident::NotJson) => {
                return Fate::Answered(Answer::html(200, "<!DOCTYPE html><title>Just a moment...</title>"));
            }
            Some(Accident::Status(status)) => return Fate::Answered(self.failure(asked, status)),
            Some(Accident::RateLimited { headers }) => Some(headers),
            _ if allowance.exceeded => Some(true),
            Some(Accident::Truncated) | None => None,
        };
        let answer = match (asked.endpoint.product(), bare) {
            (Product::Hubspot, Some(headers)) => hubspot::rate_limited(self, headers, allowance),
            (Product::Brevo, Some(headers)) => brevo::rate_limited(self, headers, allowance),
            (Product::Hubspot, None) => hubspot::answer(self, asked, now_ms, allowance),
            (Product::Brevo, None) => brevo::answer(self, asked, now_ms, allowance),
        };
        if let Some(stream) = asked.endpoint.stream()
            && answer.status == 200
        {
            self.append(stream, self.faults.arrivals_per_page);
        }
        if accident == Some(Accident::Truncated) { Fate::Truncated(answer) } else { Fate::Answered(answer) }
    }

    fn allowance(&mut self, product: Product, now_ms: i64) -> Allowance {
        match product {
            Product::Hubspot => self.hubspot_window.take(self.faults.hubspot_per_10s, 10_000, now_ms),
            Product::Brevo => self.brevo_window.take(self.faults.brevo_per_hour, 3_600_000, now_ms),
        }
    }

    fn failure(&mut self, asked: &Asked, status: u16) -> Answer {
        // What stands before the product (521 to 524, 502, 504) speaks HTML, the product JSON.
        let answer = if matches!(status, 502 | 504 | 520..=527) {
            Answer::html(
                status,
                format!("<html><head><title>{status}</title></head><body>error code: {status}</body></html>"),
            )
        } else {
            match asked.endpoint.product() {
                Product::Hubspot => {
                    hubspot::error(self, status, "SERVICE_UNAVAILABLE", "A simulated failure.")
                }
                Product::Brevo => brevo::error(status, "invalid_request", "A simulated failure."),
            }
        };
        if matches!(status, 423 | 429 | 477 | 503) {
            return answer.with("retry-after", self.faults.wait_seconds);
        }
        answer
    }

    /// A uuid for one answer.
    pub fn correlation_id(&mut self) -> String {
        let bits = self.chance.u128(..);
        let text = format!("{bits:032x}");
        format!("{}-{}-4{}-a{}-{}", &text[..8], &text[8..12], &text[13..16], &text[17..20], &text[20..])
    }

    /// Appends the rows of a page, with commas between them.
    pub fn write_rows(&self, stream: Stream, rows: &[super::timeline::Entry], now_ms: i64, out: &mut String) {
        // The longest records take about 600 bytes.
        out.reserve(rows.len() * 512);
        let view = self.view(now_ms);
        for (index, entry) in rows.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            view.write(stream, entry, out);
        }
    }

    /// How events look at this time.
    pub fn view(&self, now_ms: i64) -> View<'_> {
        View { timeline: &self.timeline, now_ms, location_after_ms: self.faults.location_after_ms }
    }

    /// The next part of everything visible in a stream, each record given to `each`. Returns where to go
    /// on.
    pub fn truth(
        &self,
        stream: Stream,
        now_ms: i64,
        after: Option<Key>,
        mut each: impl FnMut(&str),
    ) -> Option<Key> {
        let selection = Selection { after, limit: TRUTH_ROWS, now_ms, ..Selection::default() };
        let rows = self.timeline.select(stream, &selection);
        let view = self.view(now_ms);
        let mut record = String::new();
        for entry in &rows.entries {
            record.clear();
            view.write(stream, entry, &mut record);
            each(&record);
        }
        if rows.more { rows.entries.last().map(super::timeline::Entry::key) } else { None }
    }

    /// Remembers an access token that was issued.
    pub fn issue_token(&mut self, now_ms: i64) -> String {
        let token = format!("at-{:032x}", self.chance.u128(..));
        if self.access_tokens.len() == ACCESS_TOKENS {
            self.access_tokens.pop_front();
        }
        self.access_tokens.push_back((token.clone(), now_ms + self.credentials.expires_in * 1_000));
        token
    }
}
