//! Whether the process still works: the rule of `/healthz`, of the watchdog and of `auditferry health`.

use std::time::Duration;

use tokio::time::Instant;

/// The store's threads answer within milliseconds, behind a long commit within seconds. Who restarts what has been
/// silent for longer does not interrupt work.
const LONGEST_SILENCE: Duration = Duration::from_secs(60);

/// When the store answered last, and what came instead since then.
#[derive(Debug, Clone)]
pub struct Pulse {
    last: Instant,
    fault: Option<String>,
}

impl Pulse {
    /// The store has answered just now.
    pub fn beat() -> Self {
        Self { last: Instant::now(), fault: None }
    }

    /// It has not, for this reason.
    pub fn miss(&mut self, fault: String) {
        self.fault = Some(fault);
    }

    /// Fine while the last answer is younger than 60 s.
    ///
    /// # Errors
    /// For how long there was none, and why as far as that is known.
    pub fn check(&self) -> Result<(), String> {
        let silence = self.last.elapsed();
        if silence < LONGEST_SILENCE {
            return Ok(());
        }
        let because = self.fault.as_deref().map(|fault| format!(": {fault}")).unwrap_or_default();
        Err(format!("the store has not answered for {} s{because}", silence.as_secs()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_store_that_is_silent_for_a_minute_is_not_alive_until_it_answers_again() {
        let mut pulse = Pulse::beat();
        tokio::time::advance(Duration::from_secs(59)).await;
        pulse.miss("no answer within 10 s".to_owned());
        assert_eq!(pulse.check(), Ok(()));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(pulse.check().unwrap_err(), "the store has not answered for 60 s: no answer within 10 s");
        assert_eq!(Pulse::beat().check(), Ok(()));
    }
}
