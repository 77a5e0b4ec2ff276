//! What a receiver has counted.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Counts of a receiver.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiverStats {
    /// Requests, refused ones included.
    pub requests: u64,
    /// Requests of which nothing was taken.
    pub refused: u64,
    /// Events taken, repeated ones included.
    pub events: u64,
    /// Different `event.id`s.
    pub unique: u64,
    /// Events whose `event.id` was already there.
    pub repeated: u64,
    /// The longest run of repeated events.
    pub max_repeats_in_row: u64,
    /// Of the event that was repeated most often.
    pub max_repeats: u64,
    /// Repeated events that came with another `event.original` or another sequence than before.
    pub conflicting: u64,
    /// Events without `event.original`.
    pub without_original: u64,
    /// Unique events by `event.dataset`.
    pub by_dataset: BTreeMap<String, u64>,
    /// By `source/stream`.
    pub sequences: BTreeMap<String, Sequence>,
    /// Different `Idempotency-Key`s.
    pub idempotency_keys: u64,
    /// Different `webhook-id`s of requests with a good signature.
    pub webhook_ids: u64,
    /// Taken requests whose `Idempotency-Key` had been taken before.
    pub repeated_keys: u64,
    /// Items of `_bulk` by the status that they got.
    pub items: BTreeMap<u16, u64>,
}

/// The sequences of one stream.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sequence {
    /// The lowest.
    pub first: i64,
    /// The highest.
    pub last: i64,
    /// Numbers between 1 and the highest that no event has.
    pub holes: i64,
}
