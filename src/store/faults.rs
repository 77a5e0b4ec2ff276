//! What tests do to the store: kill it at a commit, or take its room away.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;

/// Faults that strike the writer.
#[derive(Debug, Default, Clone)]
pub(crate) struct Faults {
    /// After this many commits the writer is as good as killed: the next transaction is rolled back, nothing is
    /// answered any more, and the lock is released.
    pub(crate) crash_after: Option<u32>,
    /// While set, the file may not grow: SQLite reports a full disk.
    pub(crate) no_room: Arc<AtomicBool>,
    pub(super) commits: Cell<u32>,
}

impl Faults {
    /// Called before every COMMIT.
    pub(super) fn strike(&self) {
        if self.crash_after == Some(self.commits.get()) {
            // Unwinds the writer thread without a message; what it owns is dropped on the way.
            std::panic::resume_unwind(Box::new("killed by a test"));
        }
        self.commits.set(self.commits.get() + 1);
    }

    pub(super) fn limit_room(&self, db: &Connection) -> rusqlite::Result<()> {
        let pages: i64 = if self.no_room.load(Ordering::Relaxed) { 1 } else { 1 << 30 };
        // A limit below the present size means the present size.
        db.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))
    }
}
