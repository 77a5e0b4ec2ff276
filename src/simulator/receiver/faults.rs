//! The switches of a receiver.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::simulator::bulk::BulkFaults;
use crate::simulator::faults::Trigger;
use crate::simulator::hec::HecFaults;
use crate::simulator::syslog::SyslogFaults;

/// How a receiver treats its requests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReceiverFaults {
    /// Statuses to answer instead of taking events; a 2xx is answered after taking them. `{"share": 1}` is until
    /// changed.
    pub statuses: BTreeMap<u16, Trigger>,
    /// `Retry-After` of those answers, in seconds.
    pub retry_after: Option<u64>,
    /// No answer, and nothing taken.
    pub hang: Trigger,
    /// The connection is reset and nothing taken.
    pub reset_before: Trigger,
    /// The events are taken and the connection is reset: the answer is lost.
    pub reset_after: Trigger,
    /// A request that holds this text is refused as a whole; of `_bulk`, the one document.
    pub poison: Option<String>,
    /// With this status.
    pub poison_status: u16,
    /// How long each answer takes, in milliseconds.
    pub slow_ms: u64,
    /// The token that every request must have in `Authorization`, behind any scheme, else 401.
    pub token: Option<String>,
    /// The key with which every request must be signed (Standard Webhooks), as `whsec_…` or as it stands, else
    /// 401.
    pub signing_secret: Option<String>,
    /// Headers that every request must have with these values, else 403.
    pub headers: BTreeMap<String, String>,
    /// Whether originals are kept as text; else only their hashes.
    pub keep: bool,
    /// As Elasticsearch.
    pub bulk: BulkFaults,
    /// How syslog messages are treated.
    pub syslog: SyslogFaults,
    /// As an HTTP Event Collector of Splunk.
    pub hec: HecFaults,
}

impl Default for ReceiverFaults {
    fn default() -> Self {
        Self {
            statuses: BTreeMap::new(),
            retry_after: None,
            hang: Trigger::default(),
            reset_before: Trigger::default(),
            reset_after: Trigger::default(),
            poison: None,
            poison_status: 400,
            slow_ms: 0,
            token: None,
            signing_secret: None,
            headers: BTreeMap::new(),
            keep: true,
            bulk: BulkFaults::default(),
            syslog: SyslogFaults::default(),
            hec: HecFaults::default(),
        }
    }
}
