//! What can go wrong, sorted by what the caller does about it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Why the store could not do something.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Another process holds the state directory (exit code 3).
    #[error("another auditferry holds {path}: stop it, or give this one a state_dir of its own")]
    Locked {
        /// The lock file.
        path: String,
    },
    /// The file was written by a newer version.
    #[error("{path} has schema version {found}, this program knows up to {known}: use a newer auditferry")]
    Newer {
        /// The database.
        path: String,
        /// Its schema version.
        found: i64,
        /// The newest that this program knows.
        known: i64,
    },
    /// The file is damaged.
    #[error(
        "{path} is damaged: {reason}; restore an export with `auditferry state import`, or move it away and \
         start anew: the events that the provider still keeps are then collected and delivered again, under the \
         same event.id"
    )]
    Damaged {
        /// The database.
        path: String,
        /// What SQLite found.
        reason: String,
    },
    /// No room on the volume: polling stops, delivery goes on.
    #[error("no room left in the state directory: {reason}")]
    Full {
        /// Which directory, and what SQLite said.
        reason: String,
    },
    /// Anything else.
    #[error("{0}")]
    Failed(String),
    /// A command has moved the stream's cursor back, or forgotten the stream, since the state was read that the
    /// request rests on: nothing is changed, and what was read is read again.
    #[error("a command has moved the stream's cursor meanwhile")]
    Outdated,
    /// The store was closed; the process is stopping.
    #[error("the store is closed")]
    Closed,
}

/// Where the store lives; turns SQLite's errors into ours.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) directory: PathBuf,
    pub(super) database: PathBuf,
}

impl Place {
    pub(super) fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), database: directory.join("auditferry.db") }
    }

    /// An error when there is no state here.
    pub(super) fn must_exist(&self) -> Result<(), StoreError> {
        if self.database.exists() {
            return Ok(());
        }
        Err(StoreError::Failed(format!(
            "there is no state in {}: auditferry has not run with this state_dir yet",
            self.directory.display()
        )))
    }

    pub(super) fn damaged(&self, reason: impl Into<String>) -> StoreError {
        StoreError::Damaged { path: self.database.display().to_string(), reason: reason.into() }
    }

    /// What an error of SQLite means for the caller.
    #[expect(clippy::needless_pass_by_value, reason = "map_err hands it over")]
    pub(super) fn explain(&self, error: rusqlite::Error) -> StoreError {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => self.full(&error),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => self.damaged(error.to_string()),
            // SQLite reports a full volume as DiskFull only from a write; a quota or a failed fsync is an
            // error like any other to it.
            Some(ErrorCode::SystemIoFailure) if self.out_of_room() => self.full(&error),
            _ => StoreError::Failed(format!("{}: {error}", self.database.display())),
        }
    }

    fn full(&self, error: &rusqlite::Error) -> StoreError {
        StoreError::Full { reason: format!("{}: {error}; free some space", self.directory.display()) }
    }

    /// Whether the volume takes not even a small file.
    fn out_of_room(&self) -> bool {
        let probe = self.directory.join("probe");
        // Larger than what a file system keeps inside the inode.
        let written = File::create(&probe).and_then(|mut file| {
            file.write_all(&[0; 16 * 1024])?;
            file.sync_all()
        });
        let _ = fs::remove_file(&probe);
        written.is_err_and(|error| {
            matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
        })
    }
}
