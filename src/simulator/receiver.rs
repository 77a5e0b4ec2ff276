//! A receiver of events that remembers what it was given.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Read;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::faults::Trigger;
use super::hec::{Hec, HecFaults};

/// Originals are kept as text up to so many events: about 120 MB; of later ones only the hash.
const KEPT_TEXTS: usize = 200_000;
/// A batch is a few MiB at most; this stops a compressed body that has no end.
const MOST_BODY: u64 = 256 << 20;

/// How a receiver treats its requests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReceiverFaults {
    /// Statuses to answer instead of taking events; `{"share": 1}` is until changed.
    pub statuses: BTreeMap<u16, Trigger>,
    /// `Retry-After` of those answers, in seconds.
    pub retry_after: Option<u64>,
    /// No answer, and nothing taken.
    pub hang: Trigger,
    /// The connection is reset and nothing taken.
    pub reset_before: Trigger,
    /// The events are taken and the connection is reset: the answer is lost.
    pub reset_after: Trigger,
    /// A request that holds this text is refused as a whole.
    pub poison: Option<String>,
    /// With this status.
    pub poison_status: u16,
    /// How long each answer takes, in milliseconds.
    pub slow_ms: u64,
    /// The bearer token that every request must have, else 401.
    pub token: Option<String>,
    /// Headers that every request must have with these values, else 403.
    pub headers: BTreeMap<String, String>,
    /// Whether originals are kept as text; else only their hashes.
    pub keep: bool,
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
            headers: BTreeMap::new(),
            keep: true,
            hec: HecFaults::default(),
        }
    }
}

/// What happens to a request before its body is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reception {
    /// It is taken.
    Take {
        /// Whether the answer is lost.
        lose_answer: bool,
    },
    /// No answer.
    Hang,
    /// The connection is reset.
    Reset,
    /// This status.
    Status(u16),
}

/// One event as it was received, by `event.id`.
#[derive(Debug)]
pub(crate) struct Received {
    /// Of `event.original`.
    pub hash: u64,
    /// `event.original`; empty when only its hash is kept.
    pub original: Box<str>,
    /// Index of `event.dataset`.
    dataset: usize,
    /// Index of `auditferry.source` and `auditferry.stream`.
    log: usize,
    /// `event.sequence`.
    pub sequence: i64,
}

/// Everything that one receiver was given.
#[derive(Debug, Default)]
pub(crate) struct Receiver {
    /// Its switches.
    pub faults: ReceiverFaults,
    /// As an HTTP Event Collector.
    pub hec: Hec,
    /// Every event once.
    pub unique: HashMap<u128, Received>,
    datasets: Vec<String>,
    logs: Vec<(String, String)>,
    /// Requests with events, refused ones included.
    pub requests: u64,
    /// Requests of which nothing was taken.
    pub refused: u64,
    events: u64,
    without_original: u64,
    conflicting: u64,
    repeats_in_row: u64,
    max_repeats_in_row: u64,
    /// Of every event that was repeated.
    repeats: HashMap<u128, u64>,
    keys: HashSet<u64>,
    repeated_keys: u64,
}

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
    /// Taken requests whose `Idempotency-Key` had been taken before.
    pub repeated_keys: u64,
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

#[derive(Deserialize)]
struct Delivered<'a> {
    #[serde(borrow)]
    event: DeliveredEvent<'a>,
    #[serde(borrow, default)]
    auditferry: DeliveredFrom<'a>,
}

#[derive(Deserialize)]
struct DeliveredEvent<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow, default)]
    original: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    dataset: Cow<'a, str>,
    #[serde(default)]
    sequence: i64,
}

#[derive(Deserialize, Default)]
struct DeliveredFrom<'a> {
    #[serde(borrow, default)]
    source: Cow<'a, str>,
    #[serde(borrow, default)]
    stream: Cow<'a, str>,
}

impl Receiver {
    /// What becomes of the next request, by its headers and the switches.
    pub(crate) fn receive(&mut self, headers: &axum::http::HeaderMap, rng: &mut fastrand::Rng) -> Reception {
        self.requests += 1;
        let reception = self.reception(headers, rng);
        self.refused += u64::from(!matches!(reception, Reception::Take { .. }));
        reception
    }

    fn reception(&mut self, headers: &axum::http::HeaderMap, rng: &mut fastrand::Rng) -> Reception {
        let has = |name: &str, value: &str| {
            headers.get(name).is_some_and(|given| given.as_bytes() == value.as_bytes())
        };
        let (faults, number) = (&mut self.faults, self.requests);
        if faults.token.as_ref().is_some_and(|token| !has("authorization", &format!("Bearer {token}"))) {
            return Reception::Status(401);
        }
        if faults.headers.iter().any(|(name, value)| !has(name, value)) {
            return Reception::Status(403);
        }
        if faults.hang.strikes(number, rng) {
            return Reception::Hang;
        }
        if faults.reset_before.strikes(number, rng) {
            return Reception::Reset;
        }
        for (status, trigger) in &mut faults.statuses {
            if trigger.strikes(number, rng) {
                return Reception::Status(*status);
            }
        }
        Reception::Take { lose_answer: faults.reset_after.strikes(number, rng) }
    }

    /// Takes the events of a body, all or none.
    ///
    /// # Errors
    /// The status to answer and why, when the body is refused.
    pub(crate) fn take(&mut self, text: &str, key: Option<&str>) -> Result<u64, (u16, String)> {
        if let Some(poison) = &self.faults.poison
            && text.contains(poison.as_str())
        {
            self.refused += 1;
            return Err((
                self.faults.poison_status,
                "the request holds what this receiver refuses".to_owned(),
            ));
        }
        let events = read_events(text).map_err(|error| {
            self.refused += 1;
            (400, error)
        })?;
        let count = events.len() as u64;
        for (id, event) in events {
            self.remember(id, &event);
        }
        self.events += count;
        if let Some(key) = key
            && !self.keys.insert(hash_of(key))
        {
            self.repeated_keys += 1;
        }
        Ok(count)
    }

    /// Takes one event.
    ///
    /// # Errors
    /// When it is none.
    pub(crate) fn take_event(&mut self, text: &str) -> Result<(), String> {
        let (id, event) = read_event(text)?;
        self.remember(id, &event);
        self.events += 1;
        Ok(())
    }

    fn remember(&mut self, id: u128, delivered: &Delivered<'_>) {
        let event = &delivered.event;
        let original = event.original.as_deref().unwrap_or_default();
        let hash = hash_of(original);
        if let Some(known) = self.unique.get(&id) {
            self.conflicting += u64::from(known.hash != hash || known.sequence != event.sequence);
            self.repeats_in_row += 1;
            self.max_repeats_in_row = self.max_repeats_in_row.max(self.repeats_in_row);
            *self.repeats.entry(id).or_default() += 1;
            return;
        }
        self.repeats_in_row = 0;
        self.without_original += u64::from(event.original.is_none());
        let kept = self.faults.keep && self.unique.len() < KEPT_TEXTS;
        let dataset =
            intern(&mut self.datasets, |known| *known == event.dataset, || event.dataset.to_string());
        let from = &delivered.auditferry;
        let log = intern(
            &mut self.logs,
            |(source, stream)| *source == from.source && *stream == from.stream,
            || (from.source.to_string(), from.stream.to_string()),
        );
        let original = if kept { original.into() } else { Box::default() };
        self.unique.insert(id, Received { hash, original, dataset, log, sequence: event.sequence });
    }

    /// The counts so far.
    pub(crate) fn stats(&self) -> ReceiverStats {
        let mut stats = ReceiverStats {
            requests: self.requests,
            refused: self.refused,
            events: self.events,
            unique: self.unique.len() as u64,
            repeated: self.events - self.unique.len() as u64,
            max_repeats_in_row: self.max_repeats_in_row,
            max_repeats: self.repeats.values().copied().max().unwrap_or_default(),
            conflicting: self.conflicting,
            without_original: self.without_original,
            idempotency_keys: self.keys.len() as u64,
            repeated_keys: self.repeated_keys,
            ..ReceiverStats::default()
        };
        let mut numbers: Vec<HashSet<i64>> = vec![HashSet::new(); self.logs.len()];
        for event in self.unique.values() {
            *stats.by_dataset.entry(self.dataset(event).to_owned()).or_default() += 1;
            numbers[event.log].insert(event.sequence);
        }
        for ((source, stream), numbers) in self.logs.iter().zip(numbers) {
            let first = numbers.iter().copied().min().unwrap_or_default();
            let last = numbers.iter().copied().max().unwrap_or_default();
            let holes = last - i64::try_from(numbers.len()).unwrap_or(i64::MAX);
            stats.sequences.insert(format!("{source}/{stream}"), Sequence { first, last, holes });
        }
        stats
    }

    /// `event.dataset` of an event.
    pub(crate) fn dataset(&self, event: &Received) -> &str {
        &self.datasets[event.dataset]
    }

    /// Every event once, in no order, a line of JSON each.
    pub(crate) fn write_events(&self, out: &mut String) {
        for (id, event) in &self.unique {
            let (source, stream) = &self.logs[event.log];
            let line = serde_json::json!({
                "id": format!("{id:032x}"),
                "dataset": self.dataset(event),
                "source": source,
                "stream": stream,
                "sequence": event.sequence,
                "original": (!event.original.is_empty()).then_some(&event.original),
            });
            out.push_str(&line.to_string());
            out.push('\n');
        }
    }
}

/// The index of a value in a short list, where it is added when it is new.
fn intern<T>(known: &mut Vec<T>, is: impl Fn(&T) -> bool, make: impl Fn() -> T) -> usize {
    if let Some(index) = known.iter().position(is) {
        return index;
    }
    known.push(make());
    known.len() - 1
}

/// The hash by which originals are compared.
pub(crate) fn hash_of(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// A body as text, decompressed where its first bytes are those of gzip (RFC 1952 section 2.3.1).
///
/// # Errors
/// When it is damaged, too long or not UTF-8.
pub(crate) fn decode(body: &[u8]) -> Result<Cow<'_, str>, String> {
    if !body.starts_with(&[0x1f, 0x8b]) {
        return std::str::from_utf8(body).map(Cow::Borrowed).map_err(|error| error.to_string());
    }
    let mut text = String::new();
    let mut decoder = flate2::read::MultiGzDecoder::new(body).take(MOST_BODY);
    decoder.read_to_string(&mut text).map_err(|error| format!("the body is not gzip: {error}"))?;
    Ok(Cow::Owned(text))
}

fn read_events(text: &str) -> Result<Vec<(u128, Delivered<'_>)>, String> {
    let text = text.trim_ascii();
    let lines: Vec<&str> = if text.starts_with('[') {
        let array: Vec<&RawValue> = serde_json::from_str(text).map_err(|error| error.to_string())?;
        array.into_iter().map(RawValue::get).collect()
    } else {
        text.lines().filter(|line| !line.trim_ascii().is_empty()).collect()
    };
    lines.into_iter().map(read_event).collect()
}

fn read_event(line: &str) -> Result<(u128, Delivered<'_>), String> {
    let event: Delivered<'_> =
        serde_json::from_str(line).map_err(|error| format!("not an event: {error}"))?;
    let id = &event.event.id;
    let valid = id.len() == 32 && id.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    match u128::from_str_radix(id, 16) {
        Ok(number) if valid => Ok((number, event)),
        _ => Err(format!("event.id is not 32 hexadecimal digits: {id}")),
    }
}
