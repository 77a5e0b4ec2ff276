//! The spool's batches on their way, in the order of the spool.

use std::collections::VecDeque;
use std::sync::Arc;

use super::ledger::{Ledger, Progress, Step};
use crate::sink::{Batch, Outcome};

/// From the batch that the position reaches next to the one begun last. A batch leaves when the position has passed it, on
/// disk: so what a kill repeats is here, and nothing else.
#[derive(Debug, Default)]
pub(super) struct Flights {
    queue: VecDeque<Flight>,
    /// The number of the next flight.
    next: u64,
    /// Settled, not on disk yet.
    unsaved: Option<Progress>,
}

#[derive(Debug)]
struct Flight {
    number: u64,
    ledger: Ledger,
    /// Whether a part of it is; one at a time.
    is_under_way: bool,
}

impl Flights {
    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Takes in the batch that follows on the last one.
    pub(super) fn push(&mut self, batch: Batch) {
        let number = self.next;
        self.next += 1;
        self.queue.push_back(Flight { number, ledger: Ledger::new([batch]), is_under_way: false });
    }

    /// The first part, in order, that waits for being sent; it is under way from now on.
    pub(super) fn begin(&mut self) -> Option<(u64, Arc<Batch>)> {
        self.queue.iter_mut().filter(|flight| !flight.is_under_way).find_map(|flight| {
            let part = flight.ledger.next_part()?;
            flight.is_under_way = true;
            Some((flight.number, part))
        })
    }

    /// Takes down what became of the part of this flight that was sent.
    pub(super) fn land(&mut self, number: u64, outcome: Outcome) -> Step {
        match self.queue.iter_mut().find(|flight| flight.number == number) {
            Some(flight) => {
                flight.is_under_way = false;
                flight.ledger.apply(outcome)
            }
            None => Step::Settled,
        }
    }

    /// All that is settled in a row from the front on and not on disk yet.
    pub(super) fn progress(&mut self) -> Option<&Progress> {
        for flight in &mut self.queue {
            if let Some(more) = flight.ledger.progress() {
                match &mut self.unsaved {
                    Some(unsaved) => unsaved.append(more),
                    None => self.unsaved = Some(more),
                }
            }
            if !flight.ledger.is_settled() {
                break;
            }
        }
        self.unsaved.as_ref()
    }

    /// The progress is on disk. Gives it, and how many batches have left.
    pub(super) fn saved(&mut self) -> (Option<Progress>, u64) {
        let mut left = 0;
        while self.queue.pop_front_if(|flight| flight.ledger.is_settled()).is_some() {
            left += 1;
        }
        (self.unsaved.take(), left)
    }
}
