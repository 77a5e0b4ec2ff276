//! Appending to a file so that a crash leaves no torn line behind. Blocks: for a thread that may.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Audit events are nobody else's business.
const MODE: u32 = 0o600;

/// How far back the last line feed is looked for. Larger than any event; a file without one in so many bytes
/// is not ours to cut.
const LONGEST_TAIL: u64 = 16 * 1024 * 1024;

#[derive(Debug)]
pub(super) struct Appender {
    path: PathBuf,
    rotate_size: u64,
    rotate_keep: u32,
    /// Opened at the first append and again when `path` has become another file.
    file: Option<File>,
}

impl Appender {
    pub(super) fn new(path: PathBuf, rotate_size: u64, rotate_keep: u32) -> Self {
        Self { path, rotate_size, rotate_keep, file: None }
    }

    /// Appends the lines and puts them on disk, all or, as far as the disk lets us, none.
    pub(super) fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        let mut file = match self.file.take() {
            Some(file) if self.is_at_path(&file)? => file,
            _ => open(&self.path)?,
        };
        let mut length = file.metadata()?.len();
        if self.rotate_size > 0 && length > 0 && length + lines.len() as u64 > self.rotate_size {
            drop(file);
            self.rotate()?;
            file = open(&self.path)?;
            length = 0;
        }
        if let Err(error) = file.write_all(lines).and_then(|()| file.sync_data()) {
            // The batch comes again: what is there of it must go. When that fails too, the file is opened
            // anew and a torn line is cut then.
            file.set_len(length)?;
            return Err(error);
        }
        self.file = Some(file);
        Ok(())
    }

    /// Whether the path still leads to this file: logrotate and people move files away.
    fn is_at_path(&self, file: &File) -> io::Result<bool> {
        let ours = file.metadata()?;
        match fs::metadata(&self.path) {
            Ok(there) => Ok((there.dev(), there.ino()) == (ours.dev(), ours.ino())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// `path` becomes `path.1`, `path.1` becomes `path.2` …; the last one goes.
    fn rotate(&self) -> io::Result<()> {
        let mut newer: Vec<PathBuf> = (1..=self.rotate_keep).map(|number| self.numbered(number)).collect();
        newer.insert(0, self.path.clone());
        if let Some(last) = newer.last() {
            skip_missing(fs::remove_file(last))?;
        }
        for pair in newer.windows(2).rev() {
            skip_missing(fs::rename(&pair[0], &pair[1]))?;
        }
        sync_directory(&self.path)
    }

    fn numbered(&self, number: u32) -> PathBuf {
        let mut name = OsString::from(&self.path);
        name.push(format!(".{number}"));
        name.into()
    }
}

/// Looks whether the file can be written, and leaves everything as it is: a daemon may be in the middle of a line of
/// it, and a file that this user makes may be none that the daemon's user can write.
pub(super) fn try_to_write(path: &Path) -> io::Result<&'static str> {
    if !is_there(path)? {
        tempfile::NamedTempFile::new_in(directory_of(path))?;
        return Ok("the file can be made");
    }
    OpenOptions::new().read(true).append(true).open(path)?;
    Ok("the file can be written")
}

fn skip_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Opens or makes the file; its last line is whole afterwards.
fn open(path: &Path) -> io::Result<File> {
    let is_new = !is_there(path)?;
    let mut file = OpenOptions::new().read(true).append(true).create(true).mode(MODE).open(path)?;
    if is_new {
        sync_directory(path)?;
    } else {
        mend_last_line(&mut file)?;
    }
    Ok(file)
}

/// Whether the file is there; something else that has its name is an error.
fn is_there(path: &Path) -> io::Result<bool> {
    match fs::metadata(path) {
        Ok(there) if there.is_file() => Ok(true),
        // Opening a pipe would wait for its reader, a device can't be synced.
        Ok(_) => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// A file that does not end with a line feed was left in the middle of an event, which will be sent again:
/// the piece is cut off. But what is whole JSON, or does not look like ours at all, is only ended: somebody
/// else wrote it.
fn mend_last_line(file: &mut File) -> io::Result<()> {
    let length = file.metadata()?.len();
    let reach = length.min(LONGEST_TAIL);
    if length == 0 || last_byte(file)? == b'\n' {
        return Ok(());
    }
    let tail_start = length - reach;
    file.seek(SeekFrom::Start(tail_start))?;
    let mut tail = Vec::new();
    file.take(reach).read_to_end(&mut tail)?;
    let line_start = tail.iter().rposition(|&byte| byte == b'\n').map(|at| at + 1);
    let line = &tail[line_start.unwrap_or(0)..];
    let is_whole_tail = line_start.is_some() || tail_start == 0;
    let is_torn = line.starts_with(b"{") && serde_json::from_slice::<serde::de::IgnoredAny>(line).is_err();
    if is_whole_tail && is_torn {
        file.set_len(length - line.len() as u64)?;
    } else {
        file.write_all(b"\n")?;
    }
    file.sync_data()
}

fn last_byte(file: &mut File) -> io::Result<u8> {
    let mut byte = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut byte)?;
    Ok(byte[0])
}

/// Puts the directory's entries on disk: a synced file without its name is lost.
fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(directory_of(path))?.sync_all()
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
