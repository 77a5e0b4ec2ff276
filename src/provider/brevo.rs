//! Brevo's user activity log (<https://developers.brevo.com/docs/user-activity-logs>).
//!
//! There is no event id, no cursor and no finer filter than UTC days: rows are told apart by what they say
//! and by an ordinal, pages by their offset.

mod action;
mod event;
mod page;
mod refusal;
#[cfg(test)]
mod tests;

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use url::Url;

use super::time::utc_day;
use super::{
    About, Filter, Page, PageToken, Provider, Query, Quota, Record, Refusal, StreamSpec, Unreadable,
    endpoint, set_header,
};
use crate::event::{Account, Event};
use crate::exchange::{Headers, Reply, Request};

/// `event.module`.
const NAME: &str = "brevo";

static STREAMS: [StreamSpec; 1] = [StreamSpec {
    name: "activities",
    dataset: "brevo.activities",
    // "Maximum time period that can be selected is one month": 28 days are one in every calendar.
    filter: Filter::Days { most: 28 },
    // The documented most; the default of 10 would cost ten times the requests.
    page_limits: &[100],
    ordinals: true,
    // "activity logs from the past 12 months"
    horizon: Some(Duration::from_secs(365 * 86_400)),
    // It is, but Brevo says so with a 400 of its own; a 403 is a matter of permissions.
    plan_gated: false,
}];

/// One Brevo account (organization).
#[derive(Debug, Clone)]
pub struct Brevo {
    base_url: Url,
}

impl Brevo {
    /// The account behind this base URL, whose path, if any, is kept.
    pub fn new(base_url: Url) -> Self {
        Self { base_url }
    }
}

/// The row that a page starts with.
fn offset(at: &PageToken) -> u64 {
    match at {
        PageToken::Offset(offset) => *offset,
        // Brevo never gives out an opaque cursor.
        PageToken::First | PageToken::After(_) => 0,
    }
}

impl Provider for Brevo {
    fn name(&self) -> &'static str {
        NAME
    }

    fn streams(&self) -> &'static [StreamSpec] {
        &STREAMS
    }

    fn account_request(&self) -> Request {
        Request::get(endpoint(&self.base_url, &["v3", "account"])).header("accept", "application/json")
    }

    fn read_account(&self, body: &[u8]) -> Result<Account, Unreadable> {
        page::account(body)
    }

    fn authorize(&self, request: &mut Request, credential: &str) {
        set_header(request, "api-key", credential.to_owned());
    }

    /// Both dates or none are sent, as Brevo asks for; an open end (the collector gives both) is the first
    /// day alone.
    fn page_request(&self, _stream: &StreamSpec, query: &Query) -> Request {
        let mut url = endpoint(&self.base_url, &["v3", "organization", "activities"]);
        {
            let mut parameters = url.query_pairs_mut();
            if let Some(range) = query.range {
                parameters.append_pair("startDate", &utc_day(range.from).to_string());
                parameters.append_pair("endDate", &utc_day(range.to.unwrap_or(range.from)).to_string());
            }
            parameters.append_pair("limit", &query.limit.to_string());
            parameters.append_pair("offset", &offset(&query.at).to_string());
        }
        Request::get(url).header("accept", "application/json")
    }

    fn read_page(&self, _stream: &StreamSpec, query: &Query, body: &Bytes) -> Result<Page, Unreadable> {
        page::read(query, body)
    }

    fn event(&self, stream: &StreamSpec, record: &Record, about: &About<'_>) -> Event {
        event::event(stream, record, about)
    }

    fn read_refusal(&self, stream: Option<&StreamSpec>, reply: &Reply, now: Timestamp) -> Refusal {
        refusal::read(stream, reply, now)
    }

    fn read_quota(&self, headers: &Headers) -> Quota {
        Quota { remaining: headers.number("x-sib-ratelimit-remaining") }
    }
}
