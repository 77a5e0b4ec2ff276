//! HubSpot account activity: audit logs, login history, security history
//! (<https://developers.hubspot.com/docs/api-reference/2026-03/account/audit-logs/guide>).
//!
//! The three endpoints are alike in all API versions but for the version in the path. Pages are linked by an
//! opaque `after`; `paging.next.link` is never followed, so that the token goes to the base URL alone.

mod audit;
mod event;
mod page;
mod refusal;
mod security_type;
#[cfg(test)]
mod tests;

use std::time::Duration;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use url::Url;

use super::{
    About, Filter, Page, PageToken, Provider, Query, Quota, Record, Refusal, StreamSpec, TimeRange, Unit,
    Unreadable, endpoint, set_header,
};
use crate::event::{Account, Event};
use crate::exchange::{Headers, Reply, Request};

/// `event.module`.
const NAME: &str = "hubspot";

/// 200 is the documented most of login and security and works for audit logs; everybody else uses 100.
const LIMITS: &[u32] = &[200, 100];

static STREAMS: [StreamSpec; 3] = [
    StreamSpec {
        name: "audit_logs",
        dataset: "hubspot.audit_logs",
        filter: Filter::Instants { alternative: false },
        page_limits: LIMITS,
        ordinals: false,
        horizon: None,
        plan_gated: true,
    },
    StreamSpec {
        name: "login",
        dataset: "hubspot.login",
        filter: Filter::None,
        page_limits: LIMITS,
        ordinals: false,
        // "each login attempt … made in the past 90 days"
        horizon: Some(Duration::from_secs(90 * 86_400)),
        plan_gated: false,
    },
    StreamSpec {
        name: "security",
        dataset: "hubspot.security",
        // "epoch timestamp", whose unit is not said: milliseconds, else seconds.
        filter: Filter::Instants { alternative: true },
        page_limits: LIMITS,
        ordinals: false,
        horizon: None,
        plan_gated: false,
    },
];

/// One of the three logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Log {
    Audit,
    Login,
    Security,
}

impl Log {
    fn of(stream: &StreamSpec) -> Self {
        match stream.name {
            "login" => Self::Login,
            "security" => Self::Security,
            _ => Self::Audit,
        }
    }

    /// The last part of the endpoint's path, and `event.provider`.
    fn path(self) -> &'static str {
        match self {
            Self::Audit => "audit-logs",
            Self::Login => "login",
            Self::Security => "security",
        }
    }

    /// The member that says when it happened.
    fn time_field(self) -> &'static str {
        match self {
            Self::Audit => "occurredAt",
            Self::Login => "loginAt",
            Self::Security => "createdAt",
        }
    }
}

/// Which streams are collected besides `audit_logs`: its copies of their events are then mirrored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mirrored {
    /// `login`, which audit_logs repeats as category `LOGIN`.
    pub login: bool,
    /// `security`, which audit_logs repeats as category `CRITICAL_ACTION`.
    pub security: bool,
}

/// One HubSpot account (portal).
#[derive(Debug, Clone)]
pub struct HubSpot {
    base_url: Url,
    api_version: String,
    mirrored: Mirrored,
}

impl HubSpot {
    /// The account behind this base URL (whose path, if any, is kept), asked through this API version
    /// (`v3`, `2025-09`, `2026-03`, `2026-09`).
    pub fn new(base_url: Url, api_version: &str, mirrored: Mirrored) -> Self {
        Self { base_url, api_version: api_version.to_owned(), mirrored }
    }

    fn endpoint(&self, path: &[&str]) -> Url {
        endpoint(&self.base_url, &[&["account-info", &self.api_version], path].concat())
    }
}

impl Provider for HubSpot {
    fn name(&self) -> &'static str {
        NAME
    }

    fn streams(&self) -> &'static [StreamSpec] {
        &STREAMS
    }

    fn account_request(&self) -> Request {
        Request::get(self.endpoint(&["details"])).header("accept", "application/json")
    }

    fn read_account(&self, body: &[u8]) -> Result<Account, Unreadable> {
        page::account(body)
    }

    fn authorize(&self, request: &mut Request, credential: &str) {
        set_header(request, "authorization", format!("Bearer {credential}"));
    }

    fn page_request(&self, stream: &StreamSpec, query: &Query) -> Request {
        let log = Log::of(stream);
        let mut url = self.endpoint(&["activity", log.path()]);
        {
            let mut parameters = url.query_pairs_mut();
            for (name, value) in query.range.map(|range| filter(log, range, query.unit)).unwrap_or_default() {
                parameters.append_pair(name, &value);
            }
            parameters.append_pair("limit", &query.limit.to_string());
            if let PageToken::After(after) = &query.at {
                parameters.append_pair("after", after);
            }
        }
        Request::get(url).header("accept", "application/json")
    }

    fn read_page(&self, stream: &StreamSpec, _query: &Query, body: &Bytes) -> Result<Page, Unreadable> {
        page::read(Log::of(stream), body)
    }

    fn event(&self, stream: &StreamSpec, record: &Record, about: &About<'_>) -> Event {
        event::event(self.mirrored, stream, record, about)
    }

    fn is_mirrored(&self, stream: &StreamSpec, record: &Record) -> bool {
        Log::of(stream) == Log::Audit && event::is_mirrored(self.mirrored, &record.text)
    }

    fn read_refusal(&self, stream: Option<&StreamSpec>, reply: &Reply, now: Timestamp) -> Refusal {
        refusal::read(stream, reply, now)
    }

    fn read_quota(&self, headers: &Headers) -> Quota {
        let window = headers.number("x-hubspot-ratelimit-remaining");
        let day = headers.number("x-hubspot-ratelimit-daily-remaining");
        Quota { remaining: [window, day].into_iter().flatten().min() }
    }
}

/// The parameters of a time filter. Whether its ends are included is not documented ("after", "before"), so
/// it reaches one unit further on both sides.
fn filter(log: Log, range: TimeRange, unit: Unit) -> Vec<(&'static str, String)> {
    let (names, write): (_, fn(Timestamp) -> String) = match (log, unit) {
        (Log::Login, _) => return Vec::new(),
        (Log::Audit, _) => (["occurredAfter", "occurredBefore"], |instant| format!("{instant:.3}")),
        (Log::Security, Unit::Primary) => {
            (["fromTimestamp", "toTimestamp"], |instant| instant.as_millisecond().max(0).to_string())
        }
        (Log::Security, Unit::Alternative) => {
            (["fromTimestamp", "toTimestamp"], |instant| instant.as_second().max(0).to_string())
        }
    };
    let step = match (log, unit) {
        (Log::Security, Unit::Alternative) => SignedDuration::from_secs(1),
        _ => SignedDuration::from_millis(1),
    };
    let before = range.from.checked_sub(step).unwrap_or(range.from);
    // Twice: what is written is cut, not rounded.
    let behind = range.to.map(|to| to.checked_add(step * 2).unwrap_or(to));
    let [from, to] = names;
    std::iter::once((from, write(before))).chain(behind.map(|behind| (to, write(behind)))).collect()
}
