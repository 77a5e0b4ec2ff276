//! The file: its directory, its lock, its settings and its schema.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::error::{Place, StoreError};
use crate::meter::StoreMeter;

/// "AFRY": says whose SQLite file it is (<https://www.sqlite.org/pragma.html#pragma_application_id>).
const APPLICATION_ID: i64 = 0x4146_5259;

/// The schema, one file per version; forward only.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001.sql"),
    include_str!("migrations/0002.sql"),
    include_str!("migrations/0003.sql"),
    include_str!("migrations/0004.sql"),
    include_str!("migrations/0005.sql"),
];

/// Two connections of one process share the file, `status` may be a third: they wait for each other briefly.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// A lock that was just given up may still be held by a program that this process was about to start, for a secret:
/// between fork and exec it has every open file of its parent.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);
/// Between two looks.
const LOCK_LOOK: Duration = Duration::from_millis(10);

/// More than the number of different statements in this module.
const STATEMENTS: usize = 64;

/// Makes the directory if it is missing and locks it; the lock lives as long as the file that is returned.
pub(super) fn lock(place: &Place) -> Result<File, StoreError> {
    let failed = |what: &str, path: &Path, error: io::Error| {
        StoreError::Failed(format!("cannot {what} {}: {error}", path.display()))
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&place.directory)
        .map_err(|error| failed("make the state directory", &place.directory, error))?;
    let path = place.directory.join("lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path)
        .map_err(|error| failed("open", &path, error))?;
    let deadline = Instant::now() + LOCK_PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => thread::sleep(LOCK_LOOK),
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::Locked { path: path.display().to_string() });
            }
            Err(TryLockError::Error(error)) => return Err(failed("lock", &path, error)),
        }
    }
}

/// The writer's connection.
#[derive(Debug)]
pub(super) struct Database {
    pub(super) connection: Connection,
    pub(super) meter: StoreMeter,
    #[cfg(test)]
    pub(super) faults: super::faults::Faults,
}

impl Database {
    /// Opens the file, makes it if it is missing, checks it after a crash, and brings its schema up to date.
    pub(super) fn open(place: &Place) -> Result<Self, StoreError> {
        // Made here for its mode; SQLite gives its companions the same.
        OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&place.database)
            .map_err(|error| {
                StoreError::Failed(format!("cannot open {}: {error}", place.database.display()))
            })?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let explain = |error| place.explain(error);
        let connection = Connection::open_with_flags(&place.database, flags).map_err(explain)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(explain)?;
        // Before anything is written: a newer file stays as it is.
        let version = version(&connection, place, MIGRATIONS.len())?;
        configure(&connection, place)?;
        migrate(&connection, version, MIGRATIONS).map_err(explain)?;
        check_after_crash(&connection, place)?;
        Ok(Self {
            connection,
            meter: StoreMeter::default(),
            #[cfg(test)]
            faults: super::faults::Faults::default(),
        })
    }

    /// Runs `work` in one transaction: all of it is on disk when this returns `Ok`, nothing otherwise.
    pub(super) fn write<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let began = Instant::now();
        let written = self.transact(work);
        match &written {
            Ok(_) => self.meter.committed(began.elapsed()),
            Err(_) => self.meter.commit_failed(),
        }
        written
    }

    fn transact<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        #[cfg(test)]
        self.faults.limit_room(&self.connection)?;
        let transaction = Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate)?;
        let done = work(&transaction)?;
        #[cfg(test)]
        self.faults.strike();
        transaction.commit()?;
        Ok(done)
    }

    /// Copies the log into the file and empties it, so far as no reader is in the way.
    pub(super) fn checkpoint(&self) -> rusqlite::Result<()> {
        self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
    }

    /// Notes that the file is being closed in order.
    pub(super) fn close(&self) -> rusqlite::Result<()> {
        self.write(|db| db.execute("UPDATE service SET clean = 1", []))?;
        self.checkpoint()
    }
}

/// A connection that reads beside the writer.
pub(super) fn open_to_read(place: &Place) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(&place.database, flags)?;
    configure_reading(&connection)?;
    Ok(connection)
}

/// A connection to a file that nobody has open: it takes no lock and makes no companion files
/// (<https://www.sqlite.org/uri.html#uriimmutable>).
pub(super) fn open_at_rest(place: &Place) -> rusqlite::Result<Connection> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let path = url::Url::from_file_path(std::path::absolute(&place.database).unwrap_or_default())
        .map_err(|()| rusqlite::Error::InvalidPath(place.database.clone()))?;
    let connection = Connection::open_with_flags(format!("{path}?immutable=1"), flags)?;
    configure_reading(&connection)?;
    Ok(connection)
}

fn configure_reading(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // In memory, as the writer's: there may be no place for temporary files.
    connection.execute_batch(
        "PRAGMA query_only = ON; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;
         PRAGMA mmap_size = 0; PRAGMA cache_size = -1024; PRAGMA temp_store = MEMORY;",
    )
}

/// The schema version of a file that this program may use; 0 for an empty file.
pub(super) fn version(connection: &Connection, place: &Place, known: usize) -> Result<usize, StoreError> {
    let number = |pragma: &str| {
        connection.pragma_query_value(None, pragma, |row| row.get(0)).map_err(|error| place.explain(error))
    };
    let found: i64 = number("user_version")?;
    let owner: i64 = number("application_id")?;
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(|error| place.explain(error))?;
    if tables > 0 && owner != APPLICATION_ID {
        return Err(StoreError::Failed(format!(
            "{} is the database of another program, not the state of auditferry: name another",
            place.database.display()
        )));
    }
    match usize::try_from(found) {
        Ok(version) if version <= known => Ok(version),
        Ok(_) => Err(StoreError::Newer {
            path: place.database.display().to_string(),
            found,
            known: i64::try_from(known).unwrap_or(i64::MAX),
        }),
        Err(_) => Err(place.damaged(format!("its schema version is {found}"))),
    }
}

/// The schema version that this program writes.
pub(super) fn latest() -> usize {
    MIGRATIONS.len()
}

fn configure(connection: &Connection, place: &Place) -> Result<(), StoreError> {
    let explain = |error| place.explain(error);
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Before the first table, or it takes a VACUUM; lets space go back to the file system step by step.
    connection.execute_batch("PRAGMA auto_vacuum = INCREMENTAL").map_err(explain)?;
    let mode: String =
        connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(explain)?;
    if mode != "wal" {
        return Err(StoreError::Failed(format!(
            "{} cannot have a write-ahead log (journal mode {mode}): state_dir must be on a local file system",
            place.database.display()
        )));
    }
    // The cache is bounded so that memory stays flat: 4 MiB hold a whole group of pages. The log is folded in
    // every 16 MiB rather than 4: fewer syncs of the file while a first run fills it.
    connection
        .execute_batch(&format!(
            "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;
             PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; PRAGMA journal_size_limit = 67108864;
             PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -4096; PRAGMA temp_store = MEMORY;
             PRAGMA application_id = {APPLICATION_ID};"
        ))
        .map_err(explain)
}

/// Brings the schema from `version` to the newest, each step in a transaction of its own.
fn migrate(connection: &Connection, version: usize, migrations: &[&str]) -> rusqlite::Result<()> {
    for (index, sql) in migrations.iter().enumerate().skip(version) {
        let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
        transaction.execute_batch(sql)?;
        transaction.pragma_update(None, "user_version", i64::try_from(index + 1).unwrap_or(i64::MAX))?;
        transaction.commit()?;
        if version > 0 {
            tracing::info!(
                code = "state-migrated",
                from = index,
                to = index + 1,
                "the state was brought to a newer schema"
            );
        }
    }
    Ok(())
}

/// Looks through the file when the last process did not close it, and notes that this one has it open.
fn check_after_crash(connection: &Connection, place: &Place) -> Result<(), StoreError> {
    let explain = |error| place.explain(error);
    let clean: bool =
        connection.query_row("SELECT clean FROM service", [], |row| row.get(0)).map_err(explain)?;
    if !clean {
        let fault: String =
            connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(explain)?;
        return if fault == "ok" { Ok(()) } else { Err(place.damaged(fault)) };
    }
    connection.execute("UPDATE service SET clean = 0", []).map_err(explain)?;
    Ok(())
}

/// A file as version 3 left it.
#[cfg(test)]
pub(super) fn leave_version_3(file: &Path) {
    tests::left_by(3, &Place { directory: file.to_owned(), database: file.to_owned() });
}

#[cfg(test)]
mod tests;
