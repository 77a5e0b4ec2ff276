//! A receiver of events that remembers what it was given.

mod body;
mod faults;
mod raw;
mod stats;
mod text;

pub(crate) use body::decode;
pub use faults::ReceiverFaults;
pub use stats::{ReceiverStats, Sequence};

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use self::body::{Delivered, read_event, read_events};
use super::bulk::Index;
use super::hec::Hec;
use super::signature;
use super::syslog::{self, Treatment};

/// Originals are kept as text up to so many events: about 120 MB; of later ones only the hash.
const KEPT_TEXTS: usize = 200_000;

/// What happens to a request before its body is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reception {
    /// It is taken.
    Take {
        /// Whether the answer is lost.
        lose_answer: bool,
        /// The answer's status, a success.
        status: u16,
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
    /// As Elasticsearch.
    pub index: Index,
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
    webhook_ids: HashSet<u64>,
    repeated_keys: u64,
}

impl Received {
    /// Whether it is the same event, not only the same id.
    fn is_like(&self, delivered: &Delivered<'_>) -> bool {
        let original = delivered.event.original.as_deref().unwrap_or_default();
        self.hash == hash_of(original) && self.sequence == delivered.event.sequence
    }
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
        if !self.is_authorized(headers) {
            return Reception::Status(401);
        }
        let has = |name: &str, value: &str| {
            headers.get(name).is_some_and(|given| given.as_bytes() == value.as_bytes())
        };
        let (faults, number) = (&mut self.faults, self.requests);
        if faults.headers.iter().any(|(name, value)| !has(name, value)) {
            return Reception::Status(403);
        }
        if faults.hang.strikes(number, rng) {
            return Reception::Hang;
        }
        if faults.reset_before.strikes(number, rng) {
            return Reception::Reset;
        }
        let struck = faults
            .statuses
            .iter_mut()
            .find_map(|(status, trigger)| trigger.strikes(number, rng).then_some(*status));
        let status = struck.unwrap_or(200);
        if !matches!(status, 200..=299) {
            return Reception::Status(status);
        }
        Reception::Take { lose_answer: faults.reset_after.strikes(number, rng), status }
    }

    /// Checks the signature of a request, where there has to be one.
    ///
    /// # Errors
    /// 401 and what is wrong with it.
    pub(crate) fn check_signature(
        &mut self,
        headers: &axum::http::HeaderMap,
        body: &[u8],
        now: i64,
    ) -> Result<(), (u16, String)> {
        let Some(secret) = &self.faults.signing_secret else { return Ok(()) };
        let checked = signature::check(secret, headers, body, now);
        self.refused += u64::from(checked.is_err());
        checked.map_err(|error| (401, error))?;
        self.webhook_ids
            .extend(headers.get("webhook-id").map(|id| hash_of(&String::from_utf8_lossy(id.as_bytes()))));
        Ok(())
    }

    /// Whether the headers have the token, if there must be one.
    pub(crate) fn is_authorized(&self, headers: &axum::http::HeaderMap) -> bool {
        let given = headers.get("authorization").and_then(|value| value.to_str().ok()?.split_once(' '));
        self.faults.token.as_ref().is_none_or(|token| given.is_some_and(|(_, given)| given == token))
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

    /// Takes one document under this id; `false` when there is one, which stays.
    ///
    /// # Errors
    /// When it is not an event, or its own id is another.
    pub(crate) fn take_document(&mut self, id: &str, dataset: &str, text: &str) -> Result<bool, String> {
        let (number, event) = read_event(text).or_else(|error| raw::read(text, dataset).ok_or(error))?;
        if event.event.id != id {
            return Err(format!("_id is {id} and event.id is {}", event.event.id));
        }
        if let Some(known) = self.unique.get(&number) {
            self.conflicting += u64::from(!known.is_like(&event));
            return Ok(false);
        }
        self.remember(number, &event);
        self.events += 1;
        Ok(true)
    }

    /// Takes the event of a syslog message. A message that can't be read counts as refused and is answered like
    /// any other: real receivers look into none.
    pub(crate) fn take_message(&mut self, message: &[u8], rng: &mut fastrand::Rng) -> Treatment {
        self.requests += 1;
        let (number, faults) = (self.requests, &mut self.faults.syslog);
        if faults.serverclose.strikes(number, rng) {
            self.refused += 1;
            return Treatment::Serverclose;
        }
        if faults.refuse.strikes(number, rng) {
            self.refused += 1;
            return Treatment::Refused("a simulated refusal".to_owned());
        }
        let treatment = if faults.reset.strikes(number, rng) {
            Treatment::Reset
        } else if faults.half_answer.strikes(number, rng) {
            Treatment::HalfAnswer
        } else if faults.silent.strikes(number, rng) {
            Treatment::Silent
        } else {
            Treatment::Taken
        };
        let length = if faults.cut_at == 0 { message.len() } else { message.len().min(faults.cut_at) };
        let Ok(text) = syslog::text_of(&message[..length]) else {
            self.refused += 1;
            return treatment;
        };
        let is_poison = self.faults.poison.as_ref().is_some_and(|poison| text.contains(poison.as_str()));
        match self.take(text, None) {
            Err((_, reason)) if is_poison => Treatment::Refused(reason),
            _ => treatment,
        }
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
            self.conflicting += u64::from(!known.is_like(delivered));
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
            webhook_ids: self.webhook_ids.len() as u64,
            repeated_keys: self.repeated_keys,
            items: self.index.statuses.clone(),
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
