//! A file of JSON lines, on disk before an event counts as accepted.

mod appender;

use std::io;
use std::path::{Path, PathBuf};

use futures_util::future::BoxFuture;
use tokio::sync::Mutex;

use self::appender::Appender;
use super::{Batch, Outcome, Probe, Sink};

/// Appends JSON lines to a file, sets it aside when it has grown large, and follows when somebody else moves
/// it away. Accepted is what `fdatasync` has put on disk.
#[derive(Debug)]
pub struct FileSink {
    path: PathBuf,
    rotate_size: u64,
    rotate_keep: u32,
    /// The open file between two deliveries; the blocking thread has it during one.
    appender: Mutex<Option<Appender>>,
}

impl FileSink {
    /// A sink that appends to `path`. When a batch would make the file larger than `rotate_size` bytes (zero
    /// is never), the file becomes `path.1`, that one `path.2`, and so on up to `rotate_keep`.
    pub fn new(path: PathBuf, rotate_size: u64, rotate_keep: u32) -> Self {
        Self { path, rotate_size, rotate_keep, appender: Mutex::default() }
    }

    async fn append(&self, lines: Vec<u8>) -> Outcome {
        let mut kept = self.appender.lock().await;
        let mut appender = kept
            .take()
            .unwrap_or_else(|| Appender::new(self.path.clone(), self.rotate_size, self.rotate_keep));
        let appended = tokio::task::spawn_blocking(move || {
            let result = appender.append(&lines);
            (appender, result)
        });
        match appended.await {
            Ok((appender, result)) => {
                *kept = Some(appender);
                result.map_or_else(|error| outcome(&self.path, &error), |()| Outcome::Accepted)
            }
            Err(error) => Outcome::Retry { after: None, reason: format!("writing broke off: {error}") },
        }
    }
}

impl Sink for FileSink {
    fn deliver<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Outcome> {
        Box::pin(self.append(batch.lines.clone()))
    }

    fn probe(&self) -> BoxFuture<'_, Probe> {
        let path = self.path.clone();
        Box::pin(async move {
            let tried = tokio::task::spawn_blocking(move || match appender::try_to_write(&path) {
                Ok(what) => Probe::Passed(what.to_owned()),
                Err(error) => match outcome(&path, &error) {
                    Outcome::Held { reason } | Outcome::Retry { reason, .. } => Probe::Failed(reason),
                    _ => Probe::Failed(error.to_string()),
                },
            });
            tried.await.unwrap_or_else(|error| Probe::Failed(format!("trying it broke off: {error}")))
        })
    }
}

fn outcome(path: &Path, error: &io::Error) -> Outcome {
    use io::ErrorKind::{
        InvalidInput, IsADirectory, NotADirectory, NotFound, PermissionDenied, QuotaExceeded,
        ReadOnlyFilesystem, StorageFull,
    };
    let path = path.display();
    let remedy = match error.kind() {
        NotFound | NotADirectory => "make its directory, writable for this program's user",
        PermissionDenied => "let this program's user write there",
        ReadOnlyFilesystem => "mount the volume for writing or choose another path",
        IsADirectory | InvalidInput => "choose a path to a regular file",
        StorageFull | QuotaExceeded => {
            return Outcome::Retry { after: None, reason: format!("no room left for {path}: {error}") };
        }
        _ => return Outcome::Retry { after: None, reason: format!("can't write {path}: {error}") },
    };
    Outcome::Held { reason: format!("can't write {path}: {error}; {remedy}") }
}

#[cfg(test)]
mod tests;
