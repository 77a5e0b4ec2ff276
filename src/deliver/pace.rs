//! How fast a sink is tried: at full speed, or not at all for a while and then with one delivery.

use std::time::Duration;

use tokio::time::Instant;

use super::ledger::Step;
use crate::backoff::{Backoff, hold_delay};
use crate::store::SinkNote;

/// The pace of retries: quick enough for a restart of the receiver, slow enough for an outage.
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LONGEST_RETRY: Duration = Duration::from_secs(60);

/// Between two looks at a held sink's credential.
const CREDENTIAL_LOOK: Duration = Duration::from_secs(1);

/// The delays after failures in passing.
pub(super) fn backoff() -> Backoff {
    Backoff::new(FIRST_RETRY, LONGEST_RETRY)
}

/// When the next delivery may begin.
///
/// Several deliveries can be under way when one fails. What the others bring then was begun before the failure
/// was known, and says nothing of what came after. So each remembers after which rest it was begun, and only
/// one begun after the last rest moves the pace:
///
/// - One outage is one failure, however many deliveries it takes down: the backoff rises once.
/// - The success of one batch does not end the rest that another's failure began, nor its backoff. After a
///   rest one delivery goes alone, the first in order: while the front fails, nothing else is begun that could
///   succeed and reset its backoff.
/// - Of the late ones two things are heard nevertheless: that the receiver refuses us, during a rest (it is
///   the slower pace, and somebody has to be told), and how long it asks to be left alone.
#[derive(Debug)]
pub(super) struct Pace {
    phase: Phase,
    /// Rests so far.
    rests: u64,
    backoff: Backoff,
    /// Since when and how often in a row the receiver has refused us.
    held: Option<(Instant, u32)>,
    note: SinkNote,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Whatever there is room for may go.
    Flowing,
    /// Nothing is begun before `until`. `look`: when the credential is looked at next, if that may end it.
    Resting { until: Instant, look: Option<Instant> },
    /// The rest is over: one delivery goes, and the others when that has worked.
    Probing { is_sent: bool },
}

impl Pace {
    pub(super) fn new() -> Self {
        Self { phase: Phase::Flowing, rests: 0, backoff: backoff(), held: None, note: SinkNote::Working }
    }

    /// Ends the rest that is over. Tell it the time before asking.
    pub(super) fn tick(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Resting { until, .. } if until <= now) {
            self.end_rest();
        }
    }

    /// Ends the rest: what it was for may have been mended.
    pub(super) fn end_rest(&mut self) {
        if matches!(self.phase, Phase::Resting { .. }) {
            self.phase = Phase::Probing { is_sent: false };
        }
    }

    /// Whether a delivery may begin.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Flowing | Phase::Probing { is_sent: false })
    }

    /// Whether the next delivery goes alone, after a rest.
    pub(super) fn is_probing(&self) -> bool {
        matches!(self.phase, Phase::Probing { .. })
    }

    /// A delivery begins. Gives what [`Pace::take_down`] wants to know of it.
    pub(super) fn begin(&mut self) -> u64 {
        if let Phase::Probing { is_sent } = &mut self.phase {
            *is_sent = true;
        }
        self.rests
    }

    /// The end of the rest.
    pub(super) fn rests_until(&self) -> Option<Instant> {
        match self.phase {
            Phase::Resting { until, .. } => Some(until),
            Phase::Flowing | Phase::Probing { .. } => None,
        }
    }

    /// When there is something to do without an outcome: the end of the rest, or a look at the credential.
    pub(super) fn alarm(&self) -> Option<Instant> {
        match self.phase {
            Phase::Resting { until, look } => Some(look.map_or(until, |look| look.min(until))),
            Phase::Flowing | Phase::Probing { .. } => None,
        }
    }

    /// Whether it is time to look at the credential. The next look is a second later.
    pub(super) fn wants_look(&mut self, now: Instant) -> bool {
        match &mut self.phase {
            Phase::Resting { look: Some(look), .. } if *look <= now => {
                *look = now + CREDENTIAL_LOOK;
                true
            }
            Phase::Resting { .. } | Phase::Flowing | Phase::Probing { .. } => false,
        }
    }

    /// What the sink does, to be told.
    pub(super) fn note(&self) -> &SinkNote {
        &self.note
    }

    /// Takes down how a delivery ended that was begun after so many rests.
    pub(super) fn take_down(&mut self, step: &Step, begun: u64) {
        let now = Instant::now();
        if begun == self.rests {
            self.take_down_news(step, now);
        } else {
            self.take_down_late(step, now);
        }
    }

    fn take_down_news(&mut self, step: &Step, now: Instant) {
        match step {
            Step::Settled => {
                self.backoff.reset();
                self.held = None;
                self.note = SinkNote::Working;
                self.phase = Phase::Flowing;
            }
            Step::Retry { after, reason } => {
                self.note = SinkNote::Retrying(reason.clone());
                let delay = self.backoff.next_delay(*after);
                self.rest(Phase::Resting { until: now + delay, look: None });
            }
            Step::Held { reason } => self.hold(reason, now),
        }
    }

    fn take_down_late(&mut self, step: &Step, now: Instant) {
        match (step, self.phase) {
            // During a hold it is known.
            (Step::Held { reason }, Phase::Resting { look: None, .. }) => self.hold(reason, now),
            (Step::Retry { after: Some(after), .. }, Phase::Resting { until, look }) => {
                let until = until.max(now + asked(*after));
                self.phase = Phase::Resting { until, look };
            }
            (Step::Retry { after: Some(after), reason }, Phase::Flowing | Phase::Probing { .. }) => {
                self.note = SinkNote::Retrying(reason.clone());
                self.rest(Phase::Resting { until: now + asked(*after), look: None });
            }
            // It is sent again soon, and what comes of that is news.
            (Step::Settled | Step::Retry { .. } | Step::Held { .. }, _) => {}
        }
    }

    fn hold(&mut self, reason: &str, now: Instant) {
        let (since, refusals) = self.held.get_or_insert((now, 0));
        *refusals = refusals.saturating_add(1);
        let end = now + hold_delay(*refusals, now - *since);
        let until = match self.phase {
            Phase::Resting { until, .. } => until.max(end),
            Phase::Flowing | Phase::Probing { .. } => end,
        };
        self.note = SinkNote::Held(reason.to_owned());
        self.rest(Phase::Resting { until, look: Some(now + CREDENTIAL_LOOK) });
    }

    fn rest(&mut self, phase: Phase) {
        self.rests += 1;
        self.phase = phase;
    }
}

/// A wait that the receiver asks for, within the bounds of all waits.
fn asked(after: Duration) -> Duration {
    backoff().next_delay(Some(after))
}

#[cfg(test)]
mod tests;
