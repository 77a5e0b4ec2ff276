//! What became of each event of a batch, and what of it is still to be sent.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::event::StoredEvent;
use crate::sink::{Batch, Outcome, Verdict};

/// One batch on its way. It is sent as a whole first; a refusal that names no event divides it, down to
/// single events, in order.
#[derive(Debug)]
pub(super) struct Ledger {
    entries: Vec<(Arc<StoredEvent>, Fate)>,
    /// Entries before this one are settled and told as [`Progress`].
    passed: usize,
    /// What is still to be sent, the first one next. Every open event is in exactly one.
    parts: VecDeque<Batch>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Fate {
    Open,
    Accepted,
    Refused(String),
}

/// What a delivery asks of the worker.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The receiver took or refused events: on with the rest.
    Settled,
    /// Wait, then on.
    Retry { after: Option<Duration>, reason: String },
    /// Wait at the pace of a refusal, then on.
    Held { reason: String },
}

/// Events in a row that are settled now.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Progress {
    /// Of the last of them.
    pub(super) position: i64,
    /// How many were accepted.
    pub(super) accepted: u64,
    /// The others, and why.
    pub(super) refused: Vec<(Arc<StoredEvent>, String)>,
}

impl Ledger {
    pub(super) fn new(batch: Batch) -> Self {
        let entries = batch.events.iter().map(|event| (Arc::clone(event), Fate::Open)).collect();
        Self { entries, passed: 0, parts: VecDeque::from([batch]) }
    }

    /// What to send next; the same until [`Ledger::apply`] is told of something else than a retry.
    pub(super) fn next_part(&self) -> Option<&Batch> {
        self.parts.front()
    }

    /// Takes down what became of the part that was sent.
    pub(super) fn apply(&mut self, outcome: Outcome) -> Step {
        match outcome {
            Outcome::Retry { after, reason } => return Step::Retry { after, reason },
            Outcome::Held { reason } => return Step::Held { reason },
            Outcome::Accepted | Outcome::Refused { .. } | Outcome::Each(_) => {}
        }
        let Some(part) = self.parts.pop_front() else { return Step::Settled };
        match outcome {
            Outcome::Refused { reason, .. } if part.len() == 1 => self.mark(&part, 0, Fate::Refused(reason)),
            Outcome::Refused { .. } => {
                let middle = part.len() / 2;
                self.parts.push_front(part.part(middle..part.len()));
                self.parts.push_front(part.part(0..middle));
            }
            Outcome::Each(verdicts) => return self.apply_each(&part, verdicts),
            Outcome::Accepted | Outcome::Retry { .. } | Outcome::Held { .. } => {
                for index in 0..part.len() {
                    self.mark(&part, index, Fate::Accepted);
                }
            }
        }
        Step::Settled
    }

    fn apply_each(&mut self, part: &Batch, verdicts: Vec<Verdict>) -> Step {
        debug_assert_eq!(part.len(), verdicts.len(), "a verdict for every event");
        let mut again = Batch::default();
        let mut why = None;
        let mut verdicts = verdicts.into_iter();
        for index in 0..part.len() {
            let missing = || Verdict::Retry("the receiver said nothing about an event".to_owned());
            match verdicts.next().unwrap_or_else(missing) {
                Verdict::Accepted => self.mark(part, index, Fate::Accepted),
                Verdict::Refused(reason) => self.mark(part, index, Fate::Refused(reason)),
                Verdict::Retry(reason) | Verdict::Held(reason) => {
                    again.push(Arc::clone(&part.events[index]), part.line(index));
                    why.get_or_insert(reason);
                }
            }
        }
        match why {
            None => Step::Settled,
            Some(reason) => {
                self.parts.push_front(again);
                Step::Retry { after: None, reason }
            }
        }
    }

    /// Positions rise within a batch.
    fn mark(&mut self, part: &Batch, index: usize, fate: Fate) {
        let position = part.events[index].position;
        if let Ok(entry) = self.entries.binary_search_by_key(&position, |(event, _)| event.position) {
            self.entries[entry].1 = fate;
        }
    }

    /// The events in a row that have been settled since it was asked last. An event that is open stops the
    /// row: the position never passes it.
    pub(super) fn progress(&mut self) -> Option<Progress> {
        let mut progress = Progress { position: 0, accepted: 0, refused: Vec::new() };
        let from = self.passed;
        while let Some((event, fate)) = self.entries.get(self.passed) {
            match fate {
                Fate::Open => break,
                Fate::Accepted => progress.accepted += 1,
                Fate::Refused(reason) => progress.refused.push((Arc::clone(event), reason.clone())),
            }
            progress.position = event.position;
            self.passed += 1;
        }
        (self.passed > from).then_some(progress)
    }
}
