//! The fault switches. All can be changed while the simulator runs; as JSON they read as data:
//! `{"statuses": {"503": {"next": 2}}, "late": {"share": 0.1, "delay_ms": 5000}}`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::endpoint::{Endpoint, Product, Stream};

/// Everything that can go wrong, and how often. [`Faults::default`] is a provider on a good day: only what
/// the facts show of real accounts (equal rows, shared ids) happens now and then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// New events that become visible only after a delay.
    pub late: Late,
    /// Share of Brevo rows that are followed by an equal row in the same second.
    pub equal_rows: f64,
    /// Share of audit log events followed by another with the same id and another `subCategory`.
    pub shared_ids: f64,
    /// Share of events that happen in the same millisecond as the one before, so that a page can end
    /// between them.
    pub same_instant: f64,
    /// New events that arrive in a stream after every page of it: Brevo's offsets shift.
    pub arrivals_per_page: u32,
    /// How long after a login or a security action its `location` is still missing, in milliseconds.
    pub location_after_ms: i64,

    /// The endpoints that the faults from here to `not_json` concern; empty is all.
    pub only: BTreeSet<Endpoint>,
    /// 429 with the product's own headers and `Retry-After`.
    pub rate_limited: Trigger,
    /// 429 without any header.
    pub rate_limited_bare: Trigger,
    /// What a 429, 423, 477 or 503 asks the client to wait, in seconds.
    pub wait_seconds: u64,
    /// Any other status, by its number.
    pub statuses: BTreeMap<u16, Trigger>,
    /// The connection is reset instead of an answer.
    pub reset: Trigger,
    /// No answer ever comes.
    pub hang: Trigger,
    /// The connection breaks in the middle of the body.
    pub truncated: Trigger,
    /// 200 with an HTML page.
    pub not_json: Trigger,

    /// The order of rows; where a stream is not named: audit logs oldest first, the others newest first.
    pub order: BTreeMap<Stream, Order>,
    /// HubSpot security takes its timestamps as seconds.
    pub filter_in_seconds: bool,
    /// Streams whose time filter has no effect.
    pub filter_ignored: BTreeSet<Stream>,
    /// HubSpot's time filters leave out the first instant.
    pub exclusive_bounds: bool,
    /// How far the provider's clock is ahead of the true time, in seconds: its `Date` header, and the day
    /// that Brevo takes for today.
    pub date_skew_seconds: i64,
    /// Products whose account has not the plan: audit logs answer 403, Brevo activities 400.
    pub missing_plan: BTreeSet<Product>,
    /// HubSpot answers 403 `MISSING_SCOPES` for every log.
    pub missing_scope: bool,
    /// Products that take no credential any more: 401.
    pub revoked_token: BTreeSet<Product>,
    /// Brevo knows the key and not the client's address: 401.
    pub unknown_address: bool,
    /// HubSpot audit logs refuse more than 100 rows a page.
    pub limit_200_refused: bool,
    /// Products whose credential belongs to another account: `/details` and `/v3/account` name that one.
    pub other_account: BTreeSet<Product>,
    /// `/details` and `/v3/account` answer 403.
    pub details_refused: bool,
    /// An empty Brevo page has no `logs` key.
    pub no_logs_key: bool,
    /// Requests that HubSpot takes in ten seconds.
    pub hubspot_per_10s: u64,
    /// Requests that Brevo takes in an hour.
    pub brevo_per_hour: u64,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            late: Late::default(),
            equal_rows: 0.01,
            shared_ids: 0.01,
            same_instant: 0.0,
            arrivals_per_page: 0,
            location_after_ms: 0,
            only: BTreeSet::new(),
            rate_limited: Trigger::default(),
            rate_limited_bare: Trigger::default(),
            wait_seconds: 1,
            statuses: BTreeMap::new(),
            reset: Trigger::default(),
            hang: Trigger::default(),
            truncated: Trigger::default(),
            not_json: Trigger::default(),
            order: BTreeMap::new(),
            filter_in_seconds: false,
            filter_ignored: BTreeSet::new(),
            exclusive_bounds: false,
            date_skew_seconds: 0,
            missing_plan: BTreeSet::new(),
            missing_scope: false,
            revoked_token: BTreeSet::new(),
            unknown_address: false,
            limit_200_refused: false,
            other_account: BTreeSet::new(),
            details_refused: false,
            no_logs_key: false,
            // Far above any test: the real figures (190 and 100 to 600) are for those who ask for them.
            hubspot_per_10s: 1_000_000,
            brevo_per_hour: 1_000_000,
        }
    }
}

/// When a fault strikes: any of the three that is not zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Trigger {
    /// The next so many requests; counts down.
    pub next: u32,
    /// Every so manieth request.
    pub every: u64,
    /// This share of all requests, 0 to 1.
    pub share: f64,
}

impl Trigger {
    /// Whether it strikes at the request with this number, counted from 1.
    pub fn strikes(&mut self, request: u64, rng: &mut fastrand::Rng) -> bool {
        if self.next > 0 {
            self.next -= 1;
            return true;
        }
        (self.every > 0 && request.is_multiple_of(self.every)) || (self.share > 0.0 && rng.f64() < self.share)
    }
}

/// A share of new events that is seen late.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Late {
    /// Of all new events, 0 to 1.
    pub share: f64,
    /// How long after it happened an event becomes visible, in milliseconds.
    pub delay_ms: i64,
}

/// The order of the rows of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// By time, rising.
    OldestFirst,
    /// By time, falling.
    NewestFirst,
    /// Pages newest first, the rows of each page in any order.
    Shuffled,
}

/// What happens to a request before anybody looks at its query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accident {
    /// No answer.
    Hang,
    /// The connection is reset.
    Reset,
    /// An answer that breaks off.
    Truncated,
    /// An HTML page with status 200.
    NotJson,
    /// 429; whether with headers.
    RateLimited {
        /// Whether headers tell how long to wait.
        headers: bool,
    },
    /// Another status.
    Status(u16),
}

impl Faults {
    /// The accident that meets the request with this number at this endpoint, if any.
    pub fn accident(
        &mut self,
        endpoint: Endpoint,
        request: u64,
        rng: &mut fastrand::Rng,
    ) -> Option<Accident> {
        if !self.only.is_empty() && !self.only.contains(&endpoint) {
            return None;
        }
        let named = [
            (&mut self.hang, Accident::Hang),
            (&mut self.reset, Accident::Reset),
            (&mut self.truncated, Accident::Truncated),
            (&mut self.not_json, Accident::NotJson),
            (&mut self.rate_limited, Accident::RateLimited { headers: true }),
            (&mut self.rate_limited_bare, Accident::RateLimited { headers: false }),
        ];
        for (trigger, accident) in named {
            if trigger.strikes(request, rng) {
                return Some(accident);
            }
        }
        let mut statuses = self.statuses.iter_mut();
        statuses
            .find_map(|(status, trigger)| trigger.strikes(request, rng).then_some(Accident::Status(*status)))
    }

    /// The order in which a stream is shown.
    pub fn order_of(&self, stream: Stream) -> Order {
        let usual = if stream == Stream::AuditLogs { Order::OldestFirst } else { Order::NewestFirst };
        self.order.get(&stream).copied().unwrap_or(usual)
    }

    /// The same with the members of a JSON object changed (RFC 7396 merge patch).
    ///
    /// # Errors
    /// When the patch names no switch or gives it a wrong value.
    pub fn patched(&self, patch: &serde_json::Value) -> Result<Self, serde_json::Error> {
        patched(self, patch)
    }
}

/// A value of switches with the members of a JSON object changed (RFC 7396).
pub(crate) fn patched<T>(switches: &T, patch: &serde_json::Value) -> Result<T, serde_json::Error>
where
    T: Serialize + serde::de::DeserializeOwned,
{
    let mut value = serde_json::to_value(switches)?;
    merge(&mut value, patch);
    serde_json::from_value(value)
}

fn merge(target: &mut serde_json::Value, patch: &serde_json::Value) {
    use serde_json::Value;
    let Value::Object(members) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    if let Value::Object(map) = target {
        for (name, value) in members {
            if value.is_null() {
                map.remove(name);
            } else {
                merge(map.entry(name.as_str()).or_insert(Value::Null), value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_patch_changes_only_what_it_names() {
        let before = Faults { equal_rows: 0.5, ..Faults::default() };
        let after = before.patched(&json!({"statuses": {"503": {"next": 2}}})).unwrap();
        assert_eq!(after.equal_rows, 0.5);
        assert_eq!(after.statuses[&503].next, 2);
        let cleared = after.patched(&json!({"statuses": {"503": null}})).unwrap();
        assert_eq!(cleared, before);
    }

    #[test]
    fn a_switch_that_does_not_exist_is_refused() {
        assert!(Faults::default().patched(&json!({"no_such": 1})).is_err());
    }

    #[test]
    fn next_counts_down_and_every_counts_requests() {
        let mut rng = fastrand::Rng::with_seed(1);
        let mut next = Trigger { next: 2, ..Trigger::default() };
        let struck: Vec<bool> = (1..5).map(|n| next.strikes(n, &mut rng)).collect();
        assert_eq!(struck, [true, true, false, false]);
        let mut every = Trigger { every: 3, ..Trigger::default() };
        let struck: Vec<bool> = (1..7).map(|n| every.strikes(n, &mut rng)).collect();
        assert_eq!(struck, [false, false, true, false, false, true]);
    }
}
