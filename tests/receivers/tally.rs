//! What a receiver wrote against what happened.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::receiver::Receiver;
use crate::rig::{PATIENCE, Simulator};

/// Characters of an example.
const EXAMPLE: usize = 300;

/// Every record that the simulator has served, with its stream, and how often: providers may have equal rows.
#[derive(Debug)]
pub(crate) struct Truth(HashMap<(String, String), usize>);

#[derive(Deserialize)]
struct Happened<'a> {
    stream: &'a str,
    #[serde(borrow)]
    record: &'a RawValue,
}

impl Truth {
    /// What a simulator has.
    pub(crate) fn of(simulator: &Simulator) -> Self {
        let lines = simulator.ask("GET", "/simulator/truth", &Value::Null);
        let mut truth = HashMap::new();
        for line in lines.lines() {
            let Happened { stream, record } = serde_json::from_str(line).unwrap();
            *truth.entry((stream.to_owned(), record.get().to_owned())).or_default() += 1;
        }
        Self(truth)
    }

    /// How many events happened.
    pub(crate) fn len(&self) -> usize {
        self.0.values().sum()
    }

    /// Waits until nothing of it is missing in the receiver's file.
    #[track_caller]
    pub(crate) fn wait_in(&self, receiver: &Receiver) -> Tally {
        let end = Instant::now() + PATIENCE;
        let mut seen = None;
        loop {
            // To compare is work: only what has come to rest is.
            let size = fs::metadata(receiver.file()).map_or(0, |file| file.len());
            let at_rest = seen == Some(size);
            seen = Some(size);
            let over = Instant::now() > end;
            if at_rest || over {
                let tally = self.compare(&receiver.file());
                if tally.lost == 0 {
                    return tally;
                }
                assert!(!over, "after {PATIENCE:?}: {tally}");
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Compares a file of messages with it.
    pub(crate) fn compare(&self, file: &Path) -> Tally {
        let text = fs::read(file).unwrap_or_default();
        let mut tally = Tally { expected: self.len(), ..Tally::default() };
        let mut ids: HashMap<(String, String), HashSet<String>> = HashMap::new();
        for line in text.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n")) {
            let Some(arrived) = Arrived::read(line) else {
                tally.unreadable += 1;
                tally.example("unreadable", &String::from_utf8_lossy(line));
                continue;
            };
            // The daemon's own events happened nowhere else.
            if arrived.event.dataset.starts_with("auditferry.") {
                continue;
            }
            tally.arrived += 1;
            if !arrived.holds_its_record() {
                tally.changed += 1;
                tally.example("record differs from event.original", &String::from_utf8_lossy(line));
            }
            let event = arrived.event;
            if !ids.entry((event.dataset, event.original)).or_default().insert(event.id) {
                tally.doubled += 1;
            }
        }
        for (key, expected) in &self.0 {
            let found = ids.get(key).map_or(0, HashSet::len);
            if found < *expected {
                tally.lost += expected - found;
                tally.example("lost", &key.1);
            }
        }
        for (key, ids) in &ids {
            let expected = self.0.get(key).copied().unwrap_or_default();
            if ids.len() > expected {
                tally.changed += ids.len() - expected;
                tally.example("never happened like that", &key.1);
            }
        }
        tally
    }
}

/// One message.
#[derive(Deserialize)]
struct Arrived {
    event: ArrivedEvent,
    #[serde(default)]
    brevo: Option<Value>,
    #[serde(default)]
    hubspot: Option<Value>,
}

#[derive(Deserialize)]
struct ArrivedEvent {
    id: String,
    dataset: String,
    #[serde(default)]
    original: String,
}

impl Arrived {
    fn read(line: &[u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }

    fn holds_its_record(&self) -> bool {
        let record: Option<Value> = serde_json::from_str(&self.event.original).ok();
        record.is_some() && record.as_ref() == self.brevo.as_ref().or(self.hubspot.as_ref())
    }
}

/// The result.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Events that happened.
    pub(crate) expected: usize,
    /// Messages with one of the providers' events.
    pub(crate) arrived: usize,
    /// Events without a message.
    pub(crate) lost: usize,
    /// Messages that repeat one.
    pub(crate) doubled: usize,
    /// Events whose text is not the one that happened.
    pub(crate) changed: usize,
    /// Lines that are no event.
    pub(crate) unreadable: usize,
    examples: Vec<String>,
}

impl Tally {
    fn example(&mut self, fault: &str, text: &str) {
        if self.examples.len() < 5 {
            let text: String = text.chars().take(EXAMPLE).collect();
            self.examples.push(format!("{fault}: {text}"));
        }
    }

    /// Everything arrived, as it was.
    #[track_caller]
    pub(crate) fn assert_whole(&self) {
        assert_eq!((self.lost, self.changed, self.unreadable), (0, 0, 0), "{self}");
    }

    /// Everything arrived, as it was, once.
    #[track_caller]
    pub(crate) fn assert_whole_and_once(&self) {
        self.assert_whole();
        assert_eq!(self.doubled, 0, "{self}");
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { expected, arrived, lost, doubled, changed, unreadable, examples } = self;
        write!(
            f,
            "{expected} events, {arrived} messages: {lost} lost, {doubled} doubled, {changed} changed, \
             {unreadable} unreadable"
        )?;
        examples.iter().try_for_each(|example| write!(f, "\n  {example}"))
    }
}
