//! The state of the simulated products behind one lock, and how a request to them is answered.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::actions::Action;
use super::arrivals::Arrivals;
use super::control::{Likeness, Planted};
use super::endpoint::{Product, Stream};
use super::faults::{Accident, Faults};
use super::history::Past;
use super::render::View;
use super::request::{Allowance, Answer, Asked, Fate, Requests, Window};
use super::timeline::{Entry, Key, Selection, Timeline};
use super::{SimulatorOptions, brevo, hubspot};
use crate::clock::Clock;

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
    /// Whether a grant is good for one exchange, which hands out the next one.
    pub rotate: bool,
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
            // HubSpot is not known to.
            rotate: false,
        }
    }
}

/// The simulated products.
#[derive(Debug)]
pub(crate) struct World {
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
    pub(crate) fn new(options: &SimulatorOptions) -> Self {
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
    pub(crate) fn catch_up(&mut self) -> i64 {
        let now_ms = self.clock.now().as_millisecond();
        self.arrivals.advance(now_ms, &mut self.timeline, &self.faults, &mut self.content);
        now_ms
    }

    /// The provider's clock, which may go wrong.
    pub(crate) fn provider_ms(&self) -> i64 {
        self.clock.now().as_millisecond() + self.faults.date_skew_seconds * 1_000
    }

    /// Adds ordinary events to a stream now.
    pub(crate) fn append(&mut self, stream: Stream, count: u32) {
        let now_ms = self.catch_up();
        for _ in 0..count {
            let event = (now_ms, Action::ordinary(stream, &mut self.content));
            self.arrivals.add(stream, event, &mut self.timeline, &self.faults, &mut self.content);
        }
    }

    /// Adds ordinary events at a given time. `like` says how they resemble each other.
    pub(crate) fn plant(&mut self, planted: &Planted, now_ms: i64) {
        let time_ms = planted.time.map_or(now_ms, Timestamp::as_millisecond);
        let visible_ms = planted.visible_at.map_or(time_ms, Timestamp::as_millisecond);
        if let Some(record) = &planted.record {
            // A line feed can only stand between tokens; the truth is a line for each record.
            let json = record.get().replace(['\n', '\r'], " ");
            self.timeline.push_given(planted.stream, time_ms, visible_ms, json.into());
            return;
        }
        let model = Action::ordinary(planted.stream, &mut self.content);
        for number in 0..planted.count {
            let action = match planted.like {
                Likeness::Different => Action::ordinary(planted.stream, &mut self.content),
                Likeness::Equal => model,
                Likeness::SharedId if number % 2 == 0 => model,
                Likeness::SharedId => model.sibling().unwrap_or(model),
            };
            self.timeline.push(planted.stream, time_ms, visible_ms, action);
        }
    }

    /// Answers a request, or lets it come to grief, and logs it.
    pub(crate) fn answer(&mut self, asked: &Asked) -> Fate {
        self.asked += 1;
        let fate = self.fate(asked);
        let status = if let Fate::Answered(answer) = &fate { answer.status } else { 0 };
        self.requests.push(asked, status);
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
    pub(crate) fn correlation_id(&mut self) -> String {
        let bits = self.chance.u128(..);
        let text = format!("{bits:032x}");
        format!("{}-{}-4{}-a{}-{}", &text[..8], &text[8..12], &text[13..16], &text[17..20], &text[20..])
    }

    /// Appends the rows of a page, with commas between them.
    pub(crate) fn write_rows(&self, stream: Stream, rows: &[Entry], now_ms: i64, out: &mut String) {
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
    pub(crate) fn view(&self, now_ms: i64) -> View<'_> {
        View { timeline: &self.timeline, now_ms, location_after_ms: self.faults.location_after_ms }
    }

    /// The next part of everything visible in a stream, each record given to `each`. Returns where to go
    /// on.
    pub(crate) fn truth(
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
        if rows.more { rows.entries.last().map(Entry::key) } else { None }
    }

    /// Remembers an access token that was issued.
    pub(crate) fn issue_token(&mut self, now_ms: i64) -> String {
        let token = format!("at-{:032x}", self.chance.u128(..));
        if self.access_tokens.len() == ACCESS_TOKENS {
            self.access_tokens.pop_front();
        }
        self.access_tokens.push_back((token.clone(), now_ms + self.credentials.expires_in * 1_000));
        token
    }
}
