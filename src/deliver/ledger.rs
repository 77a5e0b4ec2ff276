//! What became of each event of a batch, and what of it is still to be sent.

use std::collections::VecDeque;
use std::iter::once;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use crate::event::StoredEvent;
use crate::sink::{Batch, Outcome, Suspects, Verdict};

/// Events on their way. A batch is sent as a whole first; a refusal divides it, down to single events, in
/// order.
#[derive(Debug)]
pub(super) struct Ledger {
    entries: Vec<(Arc<StoredEvent>, Fate)>,
    /// Entries before this one are settled and told as [`Progress`].
    passed: usize,
    /// What is still to be sent, the first one next. Every open event is in exactly one.
    parts: VecDeque<Arc<Batch>>,
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Progress {
    /// Of the last of them.
    pub(super) position: i64,
    /// How many were accepted.
    pub(super) accepted: u64,
    /// The others, and why.
    pub(super) refused: Vec<(Arc<StoredEvent>, String)>,
}

impl Progress {
    /// Adds what follows on it.
    pub(super) fn append(&mut self, next: Self) {
        self.position = next.position;
        self.accepted += next.accepted;
        self.refused.extend(next.refused);
    }
}

impl Ledger {
    /// For these batches, which are sent one after the other. Positions rise from event to event.
    pub(super) fn new(batches: impl IntoIterator<Item = Batch>) -> Self {
        let parts: VecDeque<_> = batches.into_iter().map(Arc::new).collect();
        let events = parts.iter().flat_map(|part| &part.events);
        let entries: Vec<_> = events.map(|event| (Arc::clone(event), Fate::Open)).collect();
        debug_assert!(entries.is_sorted_by(|(one, _), (next, _)| one.position < next.position));
        Self { entries, passed: 0, parts }
    }

    /// What to send next; the same until [`Ledger::apply`] is told of something else than a retry.
    pub(super) fn next_part(&self) -> Option<Arc<Batch>> {
        self.parts.front().cloned()
    }

    /// Whether every event is settled, and was told as [`Progress`].
    pub(super) fn is_settled(&self) -> bool {
        self.passed == self.entries.len()
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
            Outcome::Refused { reason, .. } if part.len() == 1 => self.mark(&part, 0, &Fate::Refused(reason)),
            Outcome::Refused { suspects, .. } => self.divide(&part, suspects),
            Outcome::Each(verdicts) => return self.apply_each(&part, verdicts),
            Outcome::Accepted | Outcome::Retry { .. } | Outcome::Held { .. } => {
                for index in 0..part.len() {
                    self.mark(&part, index, &Fate::Accepted);
                }
            }
        }
        Step::Settled
    }

    /// Puts the pieces of a refused part in its place. Each is smaller than the part, so it ends with single
    /// events, whatever the receiver says.
    fn divide(&mut self, part: &Batch, suspects: Option<Suspects>) {
        let (accepted, pieces) = divided(part.len(), suspects);
        for index in 0..accepted {
            self.mark(part, index, &Fate::Accepted);
        }
        for piece in pieces.into_iter().rev() {
            self.parts.push_front(Arc::new(part.part(piece)));
        }
    }

    fn apply_each(&mut self, part: &Batch, verdicts: Vec<Verdict>) -> Step {
        debug_assert_eq!(part.len(), verdicts.len(), "a verdict for every event");
        let mut again = Batch::default();
        let (mut retry, mut held) = (None, None);
        let mut verdicts = verdicts.into_iter();
        for index in 0..part.len() {
            let missing = || Verdict::Retry("the receiver said nothing about an event".to_owned());
            match verdicts.next().unwrap_or_else(missing) {
                Verdict::Accepted => {
                    self.mark(part, index, &Fate::Accepted);
                    continue;
                }
                Verdict::Refused(reason) => {
                    self.mark(part, index, &Fate::Refused(reason));
                    continue;
                }
                Verdict::Retry(reason) => retry.get_or_insert(reason),
                Verdict::Held(reason) => held.get_or_insert(reason),
            };
            again.push(Arc::clone(&part.events[index]), part.line(index));
        }
        if !again.is_empty() {
            self.parts.push_front(Arc::new(again));
        }
        // What somebody has to mend is said first.
        match (held, retry) {
            (Some(reason), _) => Step::Held { reason },
            (None, Some(reason)) => Step::Retry { after: None, reason },
            (None, None) => Step::Settled,
        }
    }

    /// Positions rise within a batch.
    fn mark(&mut self, part: &Batch, index: usize, fate: &Fate) {
        let position = part.events[index].position;
        if let Ok(entry) = self.entries.binary_search_by_key(&position, |(event, _)| event.position) {
            self.entries[entry].1 = fate.clone();
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

/// How a refused part of `len` events, at least two, goes on: so many at its start are accepted, and the
/// pieces to send, in order. What a receiver says of places is not trusted further than it makes sense: at
/// least one event is bad, so not all are accepted; a suspect is not accepted; and suspects that are none, or
/// all, narrow nothing down.
fn divided(len: usize, suspects: Option<Suspects>) -> (usize, Vec<Range<usize>>) {
    let Suspects { accepted, alone } = suspects.unwrap_or(Suspects { accepted: 0, alone: 0..0 });
    let alone = alone.start.min(len)..alone.end.min(len);
    if alone.is_empty() || alone == (0..len) {
        let accepted = accepted.min(len - 1);
        let middle = accepted + (len - accepted) / 2;
        let halves = [accepted..middle, middle..len];
        return (accepted, halves.into_iter().filter(|half| !half.is_empty()).collect());
    }
    let accepted = accepted.min(alone.start);
    let singles = alone.clone().map(|index| index..index + 1);
    let pieces = once(accepted..alone.start).chain(singles).chain(once(alone.end..len));
    (accepted, pieces.filter(|piece| !piece.is_empty()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The division of ten events.
    fn ten(accepted: usize, alone: Range<usize>) -> (usize, Vec<Range<usize>>) {
        divided(10, Some(Suspects { accepted, alone }))
    }

    #[test]
    fn suspects_go_alone_and_their_neighbours_in_one_piece_each() {
        assert_eq!(ten(4, 4..6), (4, vec![4..5, 5..6, 6..10]));
        assert_eq!(ten(0, 4..6), (0, vec![0..4, 4..5, 5..6, 6..10]));
        assert_eq!(ten(2, 9..10), (2, vec![2..9, 9..10]));
        assert_eq!(ten(0, 0..1), (0, vec![0..1, 1..10]));
    }

    #[test]
    fn suspects_that_narrow_nothing_down_are_halved() {
        let halved = (0, vec![0..5, 5..10]);
        assert_eq!(divided(10, None), halved);
        assert_eq!(ten(0, 0..10), halved);
        assert_eq!(ten(0, 7..7), halved);
        assert_eq!(ten(4, 0..0), (4, vec![4..7, 7..10]));
    }

    #[test]
    #[expect(clippy::reversed_empty_ranges, reason = "what makes no sense")]
    fn places_beside_the_batch_do_no_harm() {
        assert_eq!(ten(usize::MAX, 0..0), (9, once(9..10).collect()), "one of them is bad");
        assert_eq!(ten(10, 3..5), (3, vec![3..4, 4..5, 5..10]), "a suspect is not accepted");
        assert_eq!(ten(0, 8..usize::MAX), (0, vec![0..8, 8..9, 9..10]));
        assert_eq!(ten(0, 40..50), (0, vec![0..5, 5..10]));
        assert_eq!(ten(0, 6..2), (0, vec![0..5, 5..10]));
    }

    #[test]
    fn every_division_keeps_every_event_once_and_makes_it_smaller() {
        for len in 2..8 {
            for (accepted, start, end) in (0..1_000).map(|n| (n % 10, n / 10 % 10, n / 100)) {
                let (taken, pieces) = divided(len, Some(Suspects { accepted, alone: start..end }));
                let events: Vec<usize> = (0..taken).chain(pieces.iter().cloned().flatten()).collect();
                assert_eq!(events, (0..len).collect::<Vec<_>>());
                assert!(pieces.iter().all(|piece| !piece.is_empty() && piece.len() < len), "{pieces:?}");
            }
        }
    }
}
