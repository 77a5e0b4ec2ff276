//! What the store counts.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;

use super::List;

/// A transaction, seconds: from an fsync of a good disk (1 ms) to the 10 s that a writer waits for a busy file.
const COMMIT: [f64; 13] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The handle of the store, which makes it when it is opened.
#[derive(Debug, Clone)]
pub struct StoreMeter {
    commit_duration: Histogram,
    commits_failed: Counter,
}

impl StoreMeter {
    /// A transaction is on disk.
    pub fn committed(&self, took: Duration) {
        self.commit_duration.observe(took.as_secs_f64());
    }

    /// A transaction failed; nothing of it is on disk.
    pub fn commit_failed(&self) {
        self.commits_failed.inc();
    }

    pub(super) fn list(&self, list: &mut List<'_>) {
        list.add(
            "auditferry_commit_duration_seconds",
            "How long one transaction of the store took",
            self.commit_duration.clone(),
        );
        list.add(
            "auditferry_commits_failed_total",
            "Transactions of the store that failed",
            self.commits_failed.clone(),
        );
    }
}

impl Default for StoreMeter {
    fn default() -> Self {
        Self { commit_duration: Histogram::new(COMMIT), commits_failed: Counter::default() }
    }
}
