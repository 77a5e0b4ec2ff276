//! A request budget per account: a token bucket, fed by what the provider says of its own.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Who wants a request: live polling goes first, reconciling lives on what is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// Polling.
    Live,
    /// Reconciling and backfill: only while a third of the budget is free.
    Spare,
}

/// A token bucket of which no window sees more than the share: a fifth of the share may go at once, the rest
/// comes back evenly. A bucket of the whole share would let twice as much through, first all at once and then
/// what comes back.
#[derive(Debug)]
struct Bucket {
    /// Tokens at the most.
    capacity: f64,
    /// Tokens a second.
    rate: f64,
    tokens: f64,
    filled: Instant,
    /// The most that the provider ever said to be left in its window; its own limit may be far below ours.
    most_left: Option<f64>,
    /// Nothing is sent before this instant: the provider said so.
    closed_until: Option<Instant>,
}

impl Bucket {
    fn fill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.filled);
        self.tokens = (self.tokens + self.rate * passed.as_secs_f64()).min(self.capacity);
        self.filled = now;
    }

    /// Takes one, or says how long to wait before asking again.
    fn take(&mut self, priority: Priority, now: Instant) -> Result<(), Duration> {
        self.fill(now);
        if let Some(until) = self.closed_until {
            if now < until {
                return Err(until - now);
            }
            self.closed_until = None;
        }
        let floor = match priority {
            Priority::Live => 0.0,
            Priority::Spare => self.most_left.unwrap_or(self.capacity).min(self.capacity) / 3.0,
        };
        // A bucket of one must still serve spare requests.
        let missing = (floor + 1.0).min(self.capacity) - self.tokens;
        if missing <= 0.0 {
            self.tokens -= 1.0;
            return Ok(());
        }
        Err(Duration::from_secs_f64(missing / self.rate).max(Duration::from_millis(1)))
    }
}

/// The requests that one account may send, shared by its streams.
#[derive(Debug, Clone)]
pub struct Budget(Arc<Mutex<Bucket>>);

impl Budget {
    /// At most `share` requests in any `window`.
    pub fn new(share: u32, window: Duration) -> Self {
        let share = f64::from(share.max(1));
        let capacity = (share / 5.0).max(1.0);
        let rate = (share - capacity).max(share / 2.0) / window.as_secs_f64();
        Self(Arc::new(Mutex::new(Bucket {
            capacity,
            rate,
            tokens: capacity,
            filled: Instant::now(),
            most_left: None,
            closed_until: None,
        })))
    }

    /// Waits until one request may be sent. Safe to drop at any await.
    pub async fn acquire(&self, priority: Priority) {
        loop {
            let taken = self.bucket().take(priority, Instant::now());
            match taken {
                Ok(()) => return,
                Err(wait) => tokio::time::sleep(wait).await,
            }
        }
    }

    /// The provider says that so many requests are left in its window: never plan on more.
    pub fn observe_remaining(&self, remaining: u64) {
        let mut bucket = self.bucket();
        // Quotas are far below 2^52.
        #[allow(clippy::cast_precision_loss)]
        let remaining = remaining as f64;
        bucket.tokens = bucket.tokens.min(remaining);
        bucket.most_left = Some(bucket.most_left.map_or(remaining, |most| most.max(remaining)));
    }

    /// The provider wants no request for so long (429).
    pub fn close_for(&self, wait: Duration) {
        let until = Instant::now() + wait.min(Duration::from_secs(86_400));
        let mut bucket = self.bucket();
        bucket.closed_until = Some(bucket.closed_until.map_or(until, |known| known.max(until)));
    }

    /// Requests that could be sent now.
    pub fn available(&self) -> u64 {
        let mut bucket = self.bucket();
        bucket.fill(Instant::now());
        // Between nothing and the capacity, a u32.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let whole = bucket.tokens as u64;
        whole
    }

    fn bucket(&self) -> std::sync::MutexGuard<'_, Bucket> {
        // Nothing in here can panic half way; a poisoned bucket is still a bucket.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_window_sees_more_than_the_share() {
        let budget = Budget::new(50, Duration::from_secs(10));
        let mut sent = Vec::new();
        for _ in 0..300 {
            budget.acquire(Priority::Live).await;
            sent.push(Instant::now());
        }
        for (at, first) in sent.iter().enumerate() {
            let in_window = sent[at..].iter().take_while(|sent| **sent - *first < Duration::from_secs(10));
            assert!(
                in_window.count() <= 51,
                "a token that comes back at the edge of the window counts once more"
            );
        }
        assert!(sent[299] - sent[0] < Duration::from_secs(80), "and the share is used");
    }

    #[tokio::test(start_paused = true)]
    async fn spare_requests_leave_a_third_to_live_polling() {
        let budget = Budget::new(45, Duration::from_secs(9));
        let start = Instant::now();
        for _ in 0..6 {
            budget.acquire(Priority::Spare).await;
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
        budget.acquire(Priority::Spare).await;
        assert!(start.elapsed() >= Duration::from_millis(200));
        let waited = Instant::now();
        budget.acquire(Priority::Live).await;
        assert_eq!(waited.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_share_far_above_the_providers_own_limit_does_not_starve_spare_requests() {
        let budget = Budget::new(100_000_000, Duration::from_secs(3_600));
        let start = Instant::now();
        for left in (40..100).rev() {
            budget.acquire(Priority::Spare).await;
            budget.observe_remaining(left);
        }
        assert_eq!(start.elapsed(), Duration::ZERO, "more than a third of its hundred is left");
        budget.observe_remaining(20);
        budget.acquire(Priority::Live).await;
        assert_eq!(start.elapsed(), Duration::ZERO, "live polling does not wait");
        budget.acquire(Priority::Spare).await;
        assert!(start.elapsed() > Duration::ZERO, "the rest is for live polling");
    }

    #[tokio::test(start_paused = true)]
    async fn the_smallest_share_still_moves() {
        let budget = Budget::new(1, Duration::from_secs(3_600));
        let start = Instant::now();
        for _ in 0..3 {
            budget.acquire(Priority::Spare).await;
        }
        assert!(start.elapsed() <= Duration::from_secs(4 * 3_600 + 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_closed_budget_opens_when_the_provider_said() {
        let budget = Budget::new(9, Duration::from_secs(9));
        let start = Instant::now();
        budget.close_for(Duration::from_secs(45));
        budget.acquire(Priority::Live).await;
        assert!(start.elapsed() >= Duration::from_secs(45));
    }
}
