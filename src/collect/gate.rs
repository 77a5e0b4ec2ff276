//! The gate of one account: closed while the provider refuses its credential, opened for one try at the pace
//! of [`crate::backoff::hold_delay`], and at once when the credential has changed.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::fetch::FetchError;
use crate::backoff::hold_delay;

/// A refusal that lasts.
#[derive(Debug, Clone)]
pub struct Hold {
    /// What to do about it.
    pub reason: String,
    /// Since when.
    pub since: Instant,
    /// When it is tried again.
    pub retry_at: Instant,
    refusals: u32,
    /// Whether one request is on its way to find out.
    trying: bool,
}

/// Lets requests through, or says until when not to send any.
#[derive(Debug)]
pub(super) struct Gate {
    source: String,
    hold: watch::Sender<Option<Hold>>,
}

impl Gate {
    pub(super) fn new(source: String) -> Self {
        Self { source, hold: watch::Sender::new(None) }
    }

    /// Whether a request may be sent. One that may while the gate is closed is a try: the others wait for it.
    pub(super) fn pass(&self) -> Result<(), FetchError> {
        let mut refused = None;
        self.hold.send_if_modified(|hold| {
            let now = Instant::now();
            let Some(hold) = hold else { return false };
            if now < hold.retry_at {
                refused = Some(FetchError::Held { reason: hold.reason.clone(), retry_at: hold.retry_at });
                return false;
            }
            // Longer than any request: only one stream tries.
            hold.retry_at = now + Duration::from_secs(120);
            hold.trying = true;
            true
        });
        refused.map_or(Ok(()), Err)
    }

    /// The provider refuses. Requests that were on their way when the gate closed are refused too; they are no
    /// further tries.
    pub(super) fn close(&self, reason: String) -> FetchError {
        let mut retry_at = Instant::now();
        self.hold.send_modify(|hold| {
            let now = Instant::now();
            let (since, refusals) = match hold {
                Some(Hold { trying: false, retry_at: known, .. }) => {
                    retry_at = *known;
                    return;
                }
                Some(hold) => (hold.since, hold.refusals.saturating_add(1)),
                None => {
                    tracing::error!(code = "credential-refused", source = %self.source, %reason, "held: the provider refuses");
                    (now, 1)
                }
            };
            retry_at = now + hold_delay(refusals, now - since);
            *hold = Some(Hold { reason: reason.clone(), since, retry_at, refusals, trying: false });
        });
        FetchError::Held { reason, retry_at }
    }

    /// The credential has changed: the next request is a try.
    pub(super) fn try_now(&self) {
        self.hold.send_if_modified(|hold| {
            hold.as_mut().is_some_and(|hold| {
                hold.retry_at = Instant::now();
                true
            })
        });
    }

    /// The provider accepts.
    pub(super) fn open(&self) {
        let opened = self.hold.send_if_modified(|hold| hold.take().is_some());
        if opened {
            tracing::info!(code = "credential-accepted", source = %self.source, "the provider accepts again");
        }
    }

    /// To watch it.
    pub(super) fn watch(&self) -> watch::Receiver<Option<Hold>> {
        self.hold.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_try_at_a_time_at_the_pace_of_the_contract() {
        let gate = Gate::new("hubspot".to_owned());
        assert!(gate.pass().is_ok());
        gate.close("bad token".to_owned());
        gate.close("bad token, said to a request that was on its way".to_owned());
        assert!(gate.pass().is_err());
        tokio::time::advance(Duration::from_secs(15)).await;
        assert!(gate.pass().is_ok());
        assert!(gate.pass().is_err(), "the others wait for the one that tries");
        gate.close("bad token".to_owned());
        tokio::time::advance(Duration::from_secs(29)).await;
        assert!(gate.pass().is_err());
        gate.try_now();
        assert!(gate.pass().is_ok());
        gate.open();
        assert!(gate.pass().is_ok() && gate.pass().is_ok());
    }
}
