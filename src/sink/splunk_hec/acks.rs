//! Acknowledgements: whether the indexers have the events of a batch.
//!
//! `/ack` says `true` once: an answer that is lost on its way may have been it. And `false` means "not yet" as
//! well as "never heard of". So a batch counts as delivered by a `true` that has arrived and by nothing else, and
//! one that gets none in time is sent again, on another channel.
//!
//! Whoever delivers a batch asks for it himself, on the batch's own channel. Nothing is shared, so a delivery that
//! is dropped in the middle leaves nothing behind.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::reply::{self, Answer};
use crate::clock::Clock;
use crate::exchange::Reply;
use crate::sink::Outcome;

/// Between two questions: indexing takes some seconds, replication up to some minutes. The longest is Splunk's
/// own advice.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// A batch without acknowledgement is sent again after this long: Splunk's advice.
const LONGEST_WAIT: Duration = Duration::from_secs(5 * 60);

/// After an answer was lost, `false` for this long means that the answer was the `true`.
const LONGEST_DOUBT: Duration = Duration::from_secs(30);

/// Where acknowledgements are asked for: `/ack` on the channel of one batch.
pub(super) trait Acknowledger: Send {
    /// Asks about one `ackId`.
    ///
    /// # Errors
    /// What to make of a batch when there is no answer.
    fn ask(&mut self, ack_id: u64) -> impl Future<Output = Result<Told, Outcome>> + Send;
}

/// An answer about an `ackId`.
#[derive(Debug)]
pub(super) struct Told {
    /// `{"acks":{"0":true}}`, if all is well.
    pub(super) reply: Reply,
    /// Whether the load balancer has put us into another session.
    pub(super) session_changed: bool,
}

/// Waits until the indexers have the batch with this `ackId`.
///
/// A cookie that changes in the meantime means that another node answers, which knows nothing of the batch; unless
/// it changes with every answer, as some load balancers write it anew each time.
///
/// # Errors
/// The batch's outcome when they may not have it.
pub(super) async fn confirmed(acknowledger: &mut impl Acknowledger, ack_id: u64) -> Result<(), Outcome> {
    let mut waiting = Waiting { until: Instant::now() + LONGEST_WAIT, trouble: None, doubted: None };
    let mut pause = FIRST_PAUSE;
    let mut has_moved = false;
    loop {
        sleep_until(waiting.until.min(Instant::now() + pause)).await;
        pause = (pause * 3 / 2).min(LONGEST_PAUSE);
        match acknowledger.ask(ack_id).await {
            Ok(told) => {
                if waiting.hear(&told.reply, ack_id)? {
                    return Ok(());
                }
                if has_moved && !told.session_changed {
                    return Err(waiting.again("the load balancer has changed the session"));
                }
                has_moved = told.session_changed;
            }
            // Nothing that time alone would mend: an unreadable secret, a certificate.
            Err(held @ Outcome::Held { .. }) => return Err(held),
            Err(other) => waiting.miss(reason_of(other)),
        }
        waiting.check()?;
    }
}

/// A batch that was taken and is not acknowledged yet.
#[derive(Debug)]
struct Waiting {
    until: Instant,
    /// The last answer that said nothing, for people.
    trouble: Option<String>,
    /// Since when answers say `false` after one was lost.
    doubted: Option<Instant>,
}

impl Waiting {
    /// Whether the answer says that the batch is indexed.
    fn hear(&mut self, reply: &Reply, ack_id: u64) -> Result<bool, Outcome> {
        match reply::acknowledged(reply, ack_id) {
            Some(true) => return Ok(true),
            Some(false) if self.trouble.is_some() => _ = self.doubted.get_or_insert_with(Instant::now),
            Some(false) => {}
            None => {
                let outcome = refusal(reply);
                if matches!(outcome, Outcome::Held { .. }) && reply.status >= 300 {
                    return Err(outcome);
                }
                self.miss(reason_of(outcome));
            }
        }
        Ok(false)
    }

    /// An answer was lost, and with it a `true`, perhaps.
    fn miss(&mut self, reason: String) {
        self.trouble = Some(reason);
        self.doubted = None;
    }

    /// Whether there is any use in asking again.
    fn check(&self) -> Result<(), Outcome> {
        if self.doubted.is_some_and(|since| since.elapsed() >= LONGEST_DOUBT) {
            return Err(self.again("an answer about acknowledgements was lost"));
        }
        if Instant::now() >= self.until {
            return Err(self.again("the indexers have not acknowledged the events within 5 minutes"));
        }
        Ok(())
    }

    fn again(&self, why: &str) -> Outcome {
        let reason = match &self.trouble {
            Some(trouble) => format!("{why} ({trouble})"),
            None => why.to_owned(),
        };
        Outcome::Retry { after: None, reason: format!("{reason}; they are sent again") }
    }
}

/// Whether the token has acknowledgements, asked before anything is sent: what is taken without an `ackId` would
/// be sent again and again. An answer of the collector that says neither yes nor no is a yes: the next one tells.
///
/// # Errors
/// When it has not, or there is no answer.
pub(super) async fn are_enabled(acknowledger: &mut impl Acknowledger) -> Result<(), Outcome> {
    let Told { reply, .. } = acknowledger.ask(0).await?;
    match Answer::read(&reply) {
        Some(answer) if answer.code == reply::ACKS_DISABLED => Err(refusal(&reply)),
        None if reply::acknowledged(&reply, 0).is_none() => Err(refusal(&reply)),
        _ => Ok(()),
    }
}

/// What an answer of `/ack` other than `{"acks":…}` means. It says that no event is delivered, and blames none.
pub(super) fn refusal(reply: &Reply) -> Outcome {
    let outcome = match reply::taken(reply, 0, true, Clock::System.now()) {
        Err(Outcome::Refused { reason, .. }) => Outcome::Held { reason },
        Err(outcome) => outcome,
        Ok(_) => Outcome::Held { reason: "this is not an answer about acknowledgements".to_owned() },
    };
    match outcome {
        Outcome::Held { reason } if matches!(reply.status, 200..300 | 404 | 405) => Outcome::Held {
            reason: format!("{reason}, or set acknowledgements = false where there is no /ack"),
        },
        outcome => outcome,
    }
}

/// The words of an outcome.
pub(super) fn reason_of(outcome: Outcome) -> String {
    match outcome {
        Outcome::Retry { reason, .. } | Outcome::Held { reason } | Outcome::Refused { reason, .. } => reason,
        Outcome::Accepted | Outcome::Each(_) => String::new(),
    }
}

#[cfg(test)]
mod tests;
