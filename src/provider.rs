//! Providers: what to ask a SaaS product and how to read what comes back. No I/O: the collector owns the
//! loop, the clock, the budget and the one HTTP call, so a provider is tested from recorded pages alone.

pub mod brevo;
mod canonical;
mod fields;
pub mod hubspot;
mod map;
mod page;
mod refusal;
#[cfg(test)]
mod testing;
mod time;

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use url::Url;

use crate::event::{Account, Event, EventId, IdentityFields};
use crate::exchange::{Headers, Reply, Request};

/// A SaaS product, as one configured account of it is asked.
pub trait Provider: Send + Sync + std::fmt::Debug + 'static {
    /// `event.module`: `hubspot`, `brevo`.
    fn name(&self) -> &'static str;

    /// Its logs.
    fn streams(&self) -> &'static [StreamSpec];

    /// Asks which account the credential belongs to.
    fn account_request(&self) -> Request;

    /// Reads the answer (200) to [`Provider::account_request`].
    ///
    /// # Errors
    /// When the answer does not name an account.
    fn read_account(&self, body: &[u8]) -> Result<Account, Unreadable>;

    /// Puts the credential into a request's headers.
    fn authorize(&self, request: &mut Request, credential: &str);

    /// Asks for one page of a stream.
    fn page_request(&self, stream: &StreamSpec, query: &Query) -> Request;

    /// Reads the answer (200) to [`Provider::page_request`].
    ///
    /// # Errors
    /// When it is not the JSON of such a page. A record that makes no sense is still a record.
    fn read_page(&self, stream: &StreamSpec, query: &Query, body: &Bytes) -> Result<Page, Unreadable>;

    /// Turns a record into an event. Total: what cannot be mapped becomes a `pipeline_error`.
    fn event(&self, stream: &StreamSpec, record: &Record, about: &About<'_>) -> Event;

    /// Whether another stream that is collected too carries this event in full, so that it may be left out
    /// here (`mirrored = "drop"`).
    fn is_mirrored(&self, _stream: &StreamSpec, _record: &Record) -> bool {
        false
    }

    /// What an answer other than 200 means, to one stream (`None`: to [`Provider::account_request`]).
    fn read_refusal(&self, stream: Option<&StreamSpec>, reply: &Reply, now: Timestamp) -> Refusal;

    /// What the headers of any answer say of the request budget.
    fn read_quota(&self, headers: &Headers) -> Quota;
}

/// One log of a provider.
#[derive(Debug, PartialEq, Eq)]
pub struct StreamSpec {
    /// `audit_logs`, `login`, `security`, `activities`.
    pub name: &'static str,
    /// `event.dataset`.
    pub dataset: &'static str,
    /// How a query can be narrowed to a range of time.
    pub filter: Filter,
    /// Rows a page, the most first; the next one is used when the provider refuses the first.
    pub page_limits: &'static [u32],
    /// Whether records have no id of their own, so that equal rows are told apart by an ordinal.
    pub ordinals: bool,
    /// How far back the provider remembers, where it says so.
    pub horizon: Option<Duration>,
    /// Whether a 403 or 404 means that the account's plan lacks this log, so that it alone is held.
    pub plan_gated: bool,
}

/// How a query can be narrowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// Not at all: every walk starts at the newest (or oldest) row.
    None,
    /// By instants. `alternative` when the unit is not certain and there is another to try.
    Instants {
        /// Whether [`Unit::Alternative`] makes a different query.
        alternative: bool,
    },
    /// By UTC days, both ends named, at most this many days in one query, and never a day to come.
    Days {
        /// Calendar days from the first to the last, both counted.
        most: i32,
    },
}

/// How the time filter is written; the collector learns which one the provider means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unit {
    /// As documented, or the likelier of two.
    #[default]
    Primary,
    /// The other one.
    Alternative,
}

/// A range of time; the provider may show more than it, never less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeRange {
    /// From here.
    pub from: Timestamp,
    /// To here; `None` is open, where the provider allows that.
    pub to: Option<Timestamp>,
}

/// One page of one query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// `None`: unfiltered.
    pub range: Option<TimeRange>,
    /// How the range is written.
    pub unit: Unit,
    /// Rows a page.
    pub limit: u32,
    /// Which page.
    pub at: PageToken,
}

/// Which page of a query.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum PageToken {
    /// The first.
    #[default]
    First,
    /// The one behind this opaque cursor.
    After(String),
    /// The one that starts at this row.
    Offset(u64),
}

/// One page as read.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// In the provider's order, which is not to be trusted.
    pub records: Vec<Record>,
    /// The page behind it, if there is one.
    pub next: Option<PageToken>,
}

/// One row of a page.
#[derive(Debug, Clone)]
pub struct Record {
    /// The provider's JSON, byte for byte.
    pub text: String,
    /// When it happened; `None` when it does not say so in a form anybody can read.
    pub time: Option<Timestamp>,
    /// What makes it the same event when it is seen again.
    pub identity: IdentityFields,
}

/// What an event is told besides its record.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// Its id.
    pub id: EventId,
    /// The source's name in the configuration.
    pub source: &'a str,
    /// The account that the source collects.
    pub account: &'a Account,
    /// When the page was read.
    pub collected: Timestamp,
}

/// What an answer other than 200 means for the one who asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// In passing: the same request again later, after at least `after`.
    Retry {
        /// What the provider asked for.
        after: Option<Duration>,
        /// In its words, for the log.
        reason: String,
    },
    /// Too many requests: nothing from this account for `wait`.
    RateLimited {
        /// `None`: the provider does not say.
        wait: Option<Duration>,
        /// In its words, for the log.
        reason: String,
    },
    /// The credential is not (or no longer) valid; it may have been rotated.
    Credential {
        /// What to do about it, with the provider's words.
        reason: String,
    },
    /// The credential is valid and may not do this: scope, plan, address.
    Forbidden {
        /// Whether only this stream is concerned.
        stream_only: bool,
        /// What to do about it, with the provider's words.
        reason: String,
    },
    /// The provider takes the request for wrong.
    BadRequest {
        /// In its words, for the log.
        reason: String,
    },
}

/// What the headers of an answer say of the request budget.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quota {
    /// Requests left in the provider's current window.
    pub remaining: Option<u64>,
}

/// An answer that is not what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Unreadable {
    /// What is wrong with it, with the place in the text.
    pub what: String,
}

impl Unreadable {
    fn new(what: impl Into<String>) -> Self {
        Self { what: what.into() }
    }
}

/// The address of an endpoint: the path behind the base URL's own, whether that ends in a slash or not.
fn endpoint(base: &Url, path: &[&str]) -> Url {
    let mut url = base.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Only an address like `mailto:` has no path to extend; the configuration takes http and https alone.
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    url
}

/// Sets a header, in place of one that is there already.
fn set_header(request: &mut Request, name: &str, value: String) {
    request.headers.retain(|(known, _)| known != name);
    request.headers.push((name.to_owned(), value));
}
