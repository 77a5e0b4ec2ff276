//! The state as one file: written beside a running daemon, put in the place of another state without one.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, chown};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags};

use super::error::{Place, StoreError};
use super::snapshot::beside;
use super::{Store, database};

/// Where an import is made ready, in the state directory.
const STAGE: &str = "import.partial";

impl Store {
    /// Writes a consistent copy of the state in `directory` to `file`, mode 0600, beside a running daemon or without
    /// one. Blocks for as long as it takes. Gives the copy's size.
    ///
    /// # Errors
    /// When there is no state, it can't be read, `file` exists, or it can't be written.
    pub fn export(directory: &Path, file: &Path) -> Result<u64, StoreError> {
        let place = Place::new(directory);
        place.must_exist()?;
        if file.symlink_metadata().is_ok() {
            return Err(exists(file));
        }
        let partial = beside_it(file, ".partial");
        let written = write_copy(&place, &partial).and_then(|bytes| {
            // The name is taken before it is given away: nothing is ever overwritten.
            create(file, OpenOptions::new().create_new(true)).map_err(|error| match error.kind() {
                io::ErrorKind::AlreadyExists => exists(file),
                _ => failed("make", file, &error),
            })?;
            fs::rename(&partial, file).map_err(|error| failed("write", file, &error))?;
            sync_directory_of(file)?;
            Ok(bytes)
        });
        if written.is_err() {
            // What was written is of no use; it may not be there.
            let _ = fs::remove_file(&partial);
        }
        written
    }
}

fn write_copy(place: &Place, to: &Path) -> Result<u64, StoreError> {
    let name = std::path::absolute(to).map_err(|error| failed("write", to, &error))?;
    let name = name.to_str().ok_or_else(|| StoreError::Failed(format!("{} is no UTF-8", to.display())))?;
    beside(place, |connection| {
        database::version(connection, place, database::latest())?;
        // Made here for its mode, and empty, as SQLite wants it: what was begun before is cut off.
        create(to, OpenOptions::new().create(true).truncate(true))
            .map_err(|error| failed("make", to, &error))?;
        connection
            .execute_batch("PRAGMA query_only = OFF")
            .and_then(|()| connection.execute("VACUUM INTO ?1", [name]))
            .map(drop)
            .map_err(|error| StoreError::Failed(format!("cannot write {}: {error}", to.display())))
    })?;
    // SQLite does not wait for the disk here.
    let synced = File::open(to).and_then(|file| file.sync_all().and(file.metadata()));
    synced.map(|file| file.len()).map_err(|error| failed("write", to, &error))
}

/// A state that is to take the place of the one in a directory, which is locked meanwhile. Dropped, it leaves
/// everything as it was.
#[derive(Debug)]
pub struct Import {
    place: Place,
    /// Where the copy is made ready; goes with this.
    stage: PathBuf,
    _lock: File,
}

/// What a file for [`Import`] holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Importable {
    /// Its schema version.
    pub version: usize,
    /// Streams in it.
    pub streams: i64,
    /// Events ever collected.
    pub events: i64,
    /// Whether there is a state that it would take the place of.
    pub replaces: bool,
}

impl Import {
    /// Looks into `file`, which is to be the state of `directory`. Blocks for a short read.
    ///
    /// # Errors
    /// When it is not a state, or one of a newer version.
    pub fn look(directory: &Path, file: &Path) -> Result<Importable, StoreError> {
        let place = Place { directory: PathBuf::new(), database: file.to_owned() };
        must_be_whole(file)?;
        let (connection, version) = open_state(&place, file)?;
        let read = |sql: &str| -> rusqlite::Result<i64> { connection.query_row(sql, [], |row| row.get(0)) };
        let contents = || -> rusqlite::Result<Importable> {
            Ok(Importable {
                replaces: Place::new(directory).database.exists(),
                version,
                streams: read("SELECT count(*) FROM stream WHERE source <> 'auditferry'")?,
                events: read("SELECT coalesce(sum(sequence), 0) FROM stream WHERE source <> 'auditferry'")?,
            })
        };
        contents().map_err(|error| unfit(file, error))
    }

    /// Locks `directory` (made if missing), copies `file` into it and looks the copy through. Blocks for as long as
    /// it takes.
    ///
    /// # Errors
    /// When another process has the directory, or as [`Import::look`]; nothing is changed then.
    pub fn begin(directory: &Path, file: &Path) -> Result<Self, StoreError> {
        let place = Place::new(directory);
        let lock = database::lock(&place)?;
        give_away(&directory.join("lock"), directory)?;
        let import = Self { stage: directory.join(STAGE), place, _lock: lock };
        // What a killed import has left.
        import.clear();
        let staged = Place::new(&import.stage);
        drop(database::lock(&staged)?);
        let mut from = File::open(file).map_err(|error| failed("open", file, &error))?;
        must_be_whole(file)?;
        let copied = create(&staged.database, OpenOptions::new().create_new(true))
            .and_then(|mut copy| io::copy(&mut from, &mut copy).and_then(|_| copy.sync_all()));
        copied.map_err(|error| failed("copy to", &staged.database, &error))?;
        let (connection, _) = open_state(&staged, file)?;
        let fault: rusqlite::Result<String> =
            connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0));
        match fault.map_err(|error| unfit(file, error))?.as_str() {
            "ok" => Ok(import),
            fault => Err(unfit(file, fault)),
        }
    }

    /// The directory of the copy: what is to stand in it from the start is written there, with [`Store::open`].
    pub fn stage(&self) -> &Path {
        &self.stage
    }

    /// Puts the copy in the place of the state that is there. That one is set aside under another name, which is
    /// given back.
    ///
    /// # Errors
    /// When that is not possible; the state that was there is still in its place then, or again.
    pub fn put_in_place(self, now: Timestamp) -> Result<Option<PathBuf>, StoreError> {
        let staged = Place::new(&self.stage).database;
        let database = &self.place.database;
        give_away(&staged, &self.place.directory)?;
        let aside = database.exists().then(|| self.set_aside(now)).transpose()?;
        // One step: at any instant one of the two states is there.
        fs::rename(&staged, database).map_err(|error| failed("replace", database, &error))?;
        sync_directory_of(database)?;
        Ok(aside)
    }

    /// Gives the state a second name.
    fn set_aside(&self, now: Timestamp) -> Result<PathBuf, StoreError> {
        let database = &self.place.database;
        let name = beside_it(database, now.strftime(".before-%Y%m%dT%H%M%SZ").to_string());
        let more = (2..).map(|number| beside_it(&name, format!("-{number}")));
        let free = [name.clone()].into_iter().chain(more).find(|aside| !aside.exists());
        let aside = free.unwrap_or(name);
        fold_log(&self.place);
        for companion in ["-wal", "-shm"] {
            let (log, its) = (beside_it(database, companion), beside_it(&aside, companion));
            // A log that could not be folded in belongs to a file that is damaged. It must not stay: SQLite would
            // take it for the new file's.
            match fs::rename(&log, &its) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(failed("set aside", &log, &error));
                }
                _ => {}
            }
        }
        // A copy where the file system has no second names.
        let named = fs::hard_link(database, &aside).or_else(|_| fs::copy(database, &aside).map(drop));
        named.map_err(|error| failed("set aside", database, &error))?;
        sync_directory_of(database)?;
        Ok(aside)
    }

    fn clear(&self) {
        // It may not be there; what can't be removed is found when it is made again.
        let _ = fs::remove_dir_all(&self.stage);
    }
}

impl Drop for Import {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Opens a state that nobody writes to, with its schema version; an error names it `file`.
fn open_state(place: &Place, file: &Path) -> Result<(Connection, usize), StoreError> {
    fs::metadata(&place.database).map_err(|error| failed("read", file, &error))?;
    let connection = database::open_at_rest(place).map_err(|error| unfit(file, error))?;
    let version = match database::version(&connection, place, database::latest()) {
        Ok(0) => return Err(unfit(file, "it is empty")),
        Err(StoreError::Damaged { reason, .. }) => return Err(unfit(file, reason)),
        version => version?,
    };
    Ok((connection, version))
}

/// A state with a log is more than its file.
fn must_be_whole(file: &Path) -> Result<(), StoreError> {
    if fs::metadata(beside_it(file, "-wal")).is_ok_and(|log| log.len() > 0) {
        return Err(unfit(
            file,
            "it has a log beside it, so it is in use, or was copied beside a running daemon; make the copy with \
             `auditferry state export`",
        ));
    }
    Ok(())
}

fn unfit(file: &Path, why: impl std::fmt::Display) -> StoreError {
    StoreError::Failed(format!("{} can't be imported: {why}; nothing was changed", file.display()))
}

/// Brings what stands in the log into the file, so that the file is all. A damaged file stays as it is.
fn fold_log(place: &Place) {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let folded = Connection::open_with_flags(&place.database, flags)
        .and_then(|db| db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())));
    if let Err(error) = folded {
        tracing::debug!(%error, "the log of the state that is set aside could not be folded in");
    }
}

/// Root may do this for the daemon's user: the file is to be its own.
fn give_away(file: &Path, directory: &Path) -> Result<(), StoreError> {
    let given = fs::metadata(directory).and_then(|owner| {
        let has = fs::metadata(file)?;
        let same = (has.uid(), has.gid()) == (owner.uid(), owner.gid());
        if same { Ok(()) } else { chown(file, Some(owner.uid()), Some(owner.gid())) }
    });
    match given {
        // Whoever is not root has made it for himself.
        Err(error) if error.kind() != io::ErrorKind::PermissionDenied => {
            Err(failed("give the owner of the directory", file, &error))
        }
        _ => Ok(()),
    }
}

fn create(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    options.write(true).mode(0o600).open(path)
}

/// `path` with something behind its name.
fn beside_it(path: &Path, suffix: impl AsRef<OsStr>) -> PathBuf {
    let mut name = path.file_name().map(OsString::from).unwrap_or_default();
    name.push(suffix);
    path.with_file_name(name)
}

fn sync_directory_of(file: &Path) -> Result<(), StoreError> {
    let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let synced = File::open(directory).and_then(|directory| directory.sync_all());
    synced.map_err(|error| failed("write", directory, &error))
}

fn exists(file: &Path) -> StoreError {
    StoreError::Failed(format!("{} exists: nothing is overwritten", file.display()))
}

fn failed(what: &str, path: &Path, error: &io::Error) -> StoreError {
    StoreError::Failed(format!("cannot {what} {}: {error}", path.display()))
}
