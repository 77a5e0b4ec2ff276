//! The switches of a receiver as an HTTP Event Collector.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::faults::Trigger;

/// The code of a collector that is well.
const HEALTHY: u8 = 17;

/// How a receiver behaves as an HTTP Event Collector.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HecFaults {
    /// The token that every request must have; any where it is absent.
    pub token: Option<String>,
    /// Codes to answer instead of taking events, `{"9": {"next": 2}}`. With 0, 24 and 25 the events are taken.
    pub codes: BTreeMap<u8, Trigger>,
    /// What the health endpoint answers.
    pub health: u8,
    /// 200 with a page of a proxy, and nothing taken.
    pub page: Trigger,
    /// An event that holds this text is bad.
    pub poison: Option<String>,
    /// With this code: 6, 12, 13 or 15.
    pub poison_code: u8,
    /// How `invalid-event-number` counts.
    pub number: NumberBase,
    /// Whether the events behind a bad one are taken too.
    pub takes_rest: bool,
    /// Bytes of a request, uncompressed, above which it is answered with 413.
    pub max_content_length: usize,

    /// Whether the token has acknowledgements.
    pub acknowledgements: bool,
    /// How long after it was taken a batch is acknowledged, in milliseconds.
    pub ack_after_ms: u64,
    /// Batches that are taken and never acknowledged.
    pub ack_never: Trigger,
    /// Batches that are answered without `ackId` all the same.
    pub ack_id_missing: Trigger,
    /// Answers of `/ack` that are lost on their way.
    pub ack_answer_lost: Trigger,
    /// The same, of those that say `true`.
    pub ack_true_lost: Trigger,
    /// Codes that `/ack` answers.
    pub ack_codes: BTreeMap<u8, Trigger>,
    /// `/ack` answers with a page of a proxy.
    pub ack_page: Trigger,

    /// `Set-Cookie` of every answer.
    pub cookie: Option<String>,
    /// With a number behind it that is another one in each answer.
    pub renews_cookie: bool,
}

impl Default for HecFaults {
    fn default() -> Self {
        Self {
            token: None,
            codes: BTreeMap::new(),
            health: HEALTHY,
            page: Trigger::default(),
            poison: None,
            poison_code: 6,
            number: NumberBase::default(),
            takes_rest: false,
            max_content_length: usize::MAX,
            acknowledgements: false,
            ack_after_ms: 0,
            ack_never: Trigger::default(),
            ack_id_missing: Trigger::default(),
            ack_answer_lost: Trigger::default(),
            ack_true_lost: Trigger::default(),
            ack_codes: BTreeMap::new(),
            ack_page: Trigger::default(),
            cookie: None,
            renews_cookie: false,
        }
    }
}

/// How `invalid-event-number` counts: reports differ.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NumberBase {
    /// The first event is 0.
    #[default]
    Zero,
    /// The first event is 1.
    One,
    /// There is no number.
    Absent,
}
