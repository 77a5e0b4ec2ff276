//! How long to wait before the next try: clamped, with full jitter, never by count.

use std::time::Duration;

/// Delays for what fails in passing: network, overload, a 5xx. The n-th is random between nothing and
/// `first * 2^n`, at most `longest` (full jitter, so that clients do not come back in step).
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    failures: u32,
    random: fastrand::Rng,
}

impl Backoff {
    /// No failure yet.
    pub fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, failures: 0, random: fastrand::Rng::new() }
    }

    /// The wait after one more failure. What the peer asked for (`Retry-After`) is a lower bound, itself
    /// bounded by a day: a peer's typing error must not stop a stream for ever.
    pub fn next_delay(&mut self, asked: Option<Duration>) -> Duration {
        const DAY: Duration = Duration::from_secs(86_400);
        let ceiling = self.first.saturating_mul(1 << self.failures.min(20)).min(self.longest);
        self.failures = self.failures.saturating_add(1);
        let jittered = ceiling.mul_f64(self.random.f64());
        // A spread of a tenth above what was asked keeps the streams of one account apart.
        let asked = asked.map(|asked| asked.min(DAY).mul_f64(1.0 + self.random.f64() / 10.0));
        // Nothing at all would be a busy loop.
        jittered.max(self.first / 4).max(asked.unwrap_or_default())
    }

    /// How many failures in a row.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// It worked.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

/// The pace at which a refusal (401, 403 …) is tried again: 15 s, 30 s, every 60 s, and after ten minutes
/// every 5 minutes. Errors count against a HubSpot account's quota, and hammering with a bad key locks some.
pub fn hold_delay(refusals: u32, held_for: Duration) -> Duration {
    match refusals {
        _ if held_for >= Duration::from_secs(600) => Duration::from_secs(300),
        0 | 1 => Duration::from_secs(15),
        2 => Duration::from_secs(30),
        _ => Duration::from_secs(60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_their_bound_and_never_vanish() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));
        for _ in 0..100 {
            let delay = backoff.next_delay(None);
            assert!(delay >= Duration::from_millis(250) && delay <= Duration::from_secs(60));
        }
    }

    #[test]
    fn what_the_peer_asks_for_is_kept_within_a_day() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));
        assert!(backoff.next_delay(Some(Duration::from_secs(120))) >= Duration::from_secs(120));
        assert!(backoff.next_delay(Some(Duration::MAX)) <= Duration::from_secs(86_400 * 11 / 10));
    }

    #[test]
    fn a_refusal_is_tried_again_at_the_pace_of_the_contract() {
        let pace = |refusals, held| hold_delay(refusals, Duration::from_secs(held)).as_secs();
        assert_eq!([pace(1, 0), pace(2, 15), pace(3, 45), pace(9, 540)], [15, 30, 60, 60]);
        assert_eq!(pace(12, 600), 300);
    }
}
