//! What a worker tells: its status as a value, a log line and a notice per change of state.

use std::mem::discriminant;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::deliveries::Landed;
use super::ledger::Progress;
use crate::clock::Clock;
use crate::event::{EventId, StoredEvent};
use crate::meter::{DeliveryOutcome, SinkMeter};
use crate::sink::{Outcome, Verdict};
use crate::store::SinkNote;

/// Between two log lines about dead letters: a receiver that refuses everything must not fill the log.
const DEAD_LETTER_LINES: Duration = Duration::from_secs(10);

/// The source of the daemon's own events. One of them that is refused is not told as another one, which
/// would be refused as well, and so on for ever.
const OWN_SOURCE: &str = "auditferry";

/// A worker's state, for the status page, metrics and whoever waits for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkStatus {
    /// The sink's name in the configuration.
    pub name: String,
    /// What it does.
    pub state: SinkState,
    /// When that began; the reason may have changed since.
    pub since: Timestamp,
    /// Events accepted since the start of the program.
    pub delivered: u64,
    /// Events dead-lettered since the start of the program.
    pub refused: u64,
    /// Batches settled since the start of the program.
    pub batches: u64,
    /// When events were accepted last.
    pub last_success: Option<Timestamp>,
    /// The position up to which every event is accepted or dead-lettered, on disk.
    pub position: i64,
    /// Notices that found no room.
    pub notices_lost: u64,
}

/// What a worker does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SinkState {
    /// Delivering, or nothing to deliver.
    Working,
    /// Failing in passing.
    Retrying {
        /// The last failure.
        reason: String,
    },
    /// Refused by its receiver.
    Held {
        /// The last refusal, with what to do.
        reason: String,
    },
}

/// What becomes one of the daemon's own events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A receiver refuses us (`sink-held`).
    Held {
        /// The sink's name.
        sink: String,
        /// With what to do.
        reason: String,
    },
    /// It takes events again (`sink-recovered`).
    Recovered {
        /// The sink's name.
        sink: String,
    },
    /// It refuses an event for good (`event-dead-lettered`).
    DeadLettered {
        /// The sink's name.
        sink: String,
        /// The event.
        event: EventId,
        /// The receiver's words.
        reason: String,
    },
}

pub(super) struct Reporter {
    status: watch::Sender<SinkStatus>,
    notices: mpsc::Sender<Notice>,
    sink: String,
    meter: SinkMeter,
    clock: Clock,
    /// A recovery is told once, and only of a hold that was told.
    is_held: bool,
    /// When dead letters were last in the log, and how many have been since without a line.
    dead_letters: Option<Instant>,
    unlogged: u64,
}

impl Reporter {
    pub(super) fn new(
        name: String,
        position: i64,
        notices: mpsc::Sender<Notice>,
        meter: SinkMeter,
    ) -> (Self, watch::Receiver<SinkStatus>) {
        let clock = Clock::System;
        let (status, receiver) = watch::channel(SinkStatus {
            name: name.clone(),
            state: SinkState::Working,
            since: clock.now(),
            delivered: 0,
            refused: 0,
            batches: 0,
            last_success: None,
            position,
            notices_lost: 0,
        });
        let reporter = Self {
            status,
            notices,
            sink: name,
            meter,
            clock,
            is_held: false,
            dead_letters: None,
            unlogged: 0,
        };
        (reporter, receiver)
    }

    pub(super) fn sink(&self) -> &str {
        &self.sink
    }

    /// A delivery has ended.
    pub(super) fn landed(&self, landed: &Landed) {
        let (outcome, again) = sorted(&landed.outcome, landed.events);
        self.meter.delivered(outcome, again as u64, landed.took);
    }

    /// Takes on the state; true when it is another than before. Only then there is a line in the log.
    pub(super) fn enter(&mut self, note: SinkNote) -> bool {
        let now = self.clock.now();
        let next = match note {
            SinkNote::Working => SinkState::Working,
            SinkNote::Retrying(reason) => SinkState::Retrying { reason },
            SinkNote::Held(reason) => SinkState::Held { reason },
        };
        let is_change = discriminant(&self.status.borrow().state) != discriminant(&next);
        if is_change {
            self.tell(&next);
        } else if next == SinkState::Working {
            return false;
        }
        self.status.send_modify(|status| {
            if is_change {
                status.since = now;
            }
            status.state = next;
        });
        is_change
    }

    fn tell(&mut self, next: &SinkState) {
        let sink = &self.sink;
        match next {
            SinkState::Working => {
                tracing::info!(code = "sink-recovered", sink, "the sink delivers again");
                if std::mem::take(&mut self.is_held) {
                    self.notify(Notice::Recovered { sink: self.sink.clone() });
                }
            }
            SinkState::Retrying { reason } => {
                tracing::warn!(code = "sink-retrying", sink, reason, "delivery fails and is tried again");
            }
            SinkState::Held { reason } => {
                tracing::error!(code = "sink-held", sink, reason, "the sink is held; its events wait");
                if !std::mem::replace(&mut self.is_held, true) {
                    self.notify(Notice::Held { sink: self.sink.clone(), reason: reason.clone() });
                }
            }
        }
    }

    /// The position passes these events, and so many batches; on disk.
    pub(super) fn advanced(&mut self, progress: &Progress, batches: u64) {
        self.status.send_modify(|status| {
            status.position = progress.position;
            status.batches += batches;
        });
        self.settled(progress);
    }

    /// These events are settled, on disk.
    pub(super) fn settled(&mut self, progress: &Progress) {
        let Progress { accepted, refused, .. } = progress;
        self.meter.dead_lettered(refused.len() as u64);
        let now = self.clock.now();
        self.status.send_modify(|status| {
            status.delivered += accepted;
            status.refused += refused.len() as u64;
            if *accepted > 0 {
                status.last_success = Some(now);
            }
        });
        for (event, reason) in refused {
            self.log_dead_letter(event, reason);
            if event.stream.source != OWN_SOURCE {
                let (sink, reason) = (self.sink.clone(), reason.clone());
                self.notify(Notice::DeadLettered { sink, event: event.id, reason });
            }
        }
    }

    fn log_dead_letter(&mut self, event: &StoredEvent, reason: &str) {
        if self.dead_letters.is_some_and(|last| last.elapsed() < DEAD_LETTER_LINES) {
            self.unlogged += 1;
            return;
        }
        self.dead_letters = Some(Instant::now());
        let unlogged = std::mem::take(&mut self.unlogged);
        let (sink, event_id) = (&self.sink, event.id);
        tracing::warn!(code = "dead-letters", sink, %event_id, reason, unlogged, "the sink refuses an event: it is a dead letter now");
    }

    fn notify(&mut self, notice: Notice) {
        if self.notices.try_send(notice).is_err() {
            self.status.send_modify(|status| status.notices_lost += 1);
        }
    }
}

/// How a delivery of so many events ended as a whole, and how many of them have to be sent again.
fn sorted(outcome: &Outcome, events: usize) -> (DeliveryOutcome, usize) {
    match outcome {
        Outcome::Accepted => (DeliveryOutcome::Accepted, 0),
        Outcome::Retry { .. } => (DeliveryOutcome::Retried, events),
        Outcome::Held { .. } => (DeliveryOutcome::Held, events),
        Outcome::Refused { .. } if events == 1 => (DeliveryOutcome::Refused, 0),
        Outcome::Refused { suspects, .. } => match suspects.as_ref().map_or(0, |known| known.accepted) {
            0 => (DeliveryOutcome::Refused, events),
            accepted => (DeliveryOutcome::Partly, events.saturating_sub(accepted)),
        },
        Outcome::Each(verdicts) => {
            let count = |is: fn(&Verdict) -> bool| verdicts.iter().filter(|verdict| is(verdict)).count();
            let accepted = count(|verdict| matches!(verdict, Verdict::Accepted));
            let refused = count(|verdict| matches!(verdict, Verdict::Refused(_)));
            let held = count(|verdict| matches!(verdict, Verdict::Held(_)));
            // An event without a verdict is sent again too.
            let again = events.saturating_sub(accepted + refused);
            let outcome = match (accepted, held, again) {
                (accepted, ..) if accepted == events => DeliveryOutcome::Accepted,
                (1.., ..) => DeliveryOutcome::Partly,
                (_, 1.., _) => DeliveryOutcome::Held,
                (.., 1..) => DeliveryOutcome::Retried,
                _ => DeliveryOutcome::Refused,
            };
            (outcome, again)
        }
    }
}

#[cfg(test)]
mod tests;
