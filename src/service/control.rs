//! The control socket: a Unix socket in the state directory, over which a running daemon takes commands.
//!
//! A connection carries one command: a line of JSON ([`Request`]), then lines of JSON as answers ([`Answer`]), the
//! last one `{"done":…}` or `{"error":…}`. The socket is for the daemon's user and root alone: by its mode, and
//! again by what the kernel says of the peer.
//!
//! Nobody can hold it up: there are eight connections at once, a request must come in time and within a length,
//! and an answer must be taken in time.

mod address;
mod client;

pub(super) use client::{Daemon, connect};

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use self::address::Address;
use super::command::{Answer, Commands, Request};

/// Commands at once; the next ones wait in the kernel's queue.
const MOST_CONNECTIONS: usize = 8;
/// The longest request: the numbers that `xargs` gives one command (128 KiB) and the JSON around them.
const LONGEST_REQUEST: u64 = 256 * 1024;
/// A request is sent at once after connecting.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// A line of the answer is taken within this time.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// Answers on their way to the socket.
const ANSWERS: usize = 16;
/// After a failure to accept (too many open files), before the next one.
const ACCEPT_REST: Duration = Duration::from_secs(1);

/// The user number of this process, as the kernel tells it to a peer.
pub(super) fn own_uid() -> io::Result<u32> {
    let (one, _other) = UnixStream::pair()?;
    Ok(one.peer_cred()?.uid())
}

/// The socket, listening. Its file goes with it.
#[derive(Debug)]
pub(super) struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
    uid: u32,
    /// [`REQUEST_TIMEOUT`], unless a test can't wait for it.
    request_timeout: Duration,
}

impl ControlSocket {
    /// Listens in the state directory, which this process holds: a socket that is there is left over from a
    /// killed daemon. Call it in a runtime.
    ///
    /// # Errors
    /// When something else has the name, or the path can't be used for a socket.
    pub(super) fn bind(state_dir: &Path) -> io::Result<Self> {
        let uid = own_uid()?;
        let address = Address::of(state_dir)?;
        let path = address::path(state_dir);
        match fs::symlink_metadata(&path) {
            Ok(found) if found.file_type().is_socket() => fs::remove_file(&path)?,
            Ok(_) => return Err(io::Error::other("something that is not a socket has this name")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let listener = UnixListener::bind(address.path())?;
        // From here on the file goes with the value. Whoever connects before the mode is set is known by his
        // user number all the same.
        let socket = Self { listener, path, uid, request_timeout: REQUEST_TIMEOUT };
        fs::set_permissions(&socket.path, fs::Permissions::from_mode(0o600))?;
        Ok(socket)
    }

    /// Executes what is asked for, for ever.
    pub(super) async fn serve(self, commands: Commands) {
        let mut connections = FuturesUnordered::new();
        loop {
            tokio::select! {
                stream = self.accept(), if connections.len() < MOST_CONNECTIONS => {
                    connections.push(self.serve_one(stream, &commands));
                }
                Some(served) = connections.next() => {
                    if let Err(error) = served {
                        tracing::debug!(%error, "a command over the control socket broke off");
                    }
                }
            }
        }
    }

    /// The next connection. Cancel-safe.
    async fn accept(&self) -> UnixStream {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => return stream,
                Err(error) => {
                    tracing::warn!(code = "control-socket-failing", %error, "the control socket cannot accept a connection");
                    sleep(ACCEPT_REST).await;
                }
            }
        }
    }

    /// One command, from its request to its last answer.
    async fn serve_one(&self, stream: UnixStream, commands: &Commands) -> io::Result<()> {
        let uid = stream.peer_cred()?.uid();
        let (reader, mut writer) = stream.into_split();
        let request = if may_ask(uid, self.uid) {
            timeout(self.request_timeout, read_request(reader)).await.unwrap_or_else(|_| {
                Err(format!("no request came within {} s", self.request_timeout.as_secs()))
            })
        } else {
            Err("only root and the daemon's own user may ask".to_owned())
        };
        match request {
            Ok(None) => Ok(()),
            Ok(Some(request)) => {
                tracing::debug!(uid, ?request, "a command over the control socket");
                let (answers, waiting) = mpsc::channel(ANSWERS);
                // Boxed: a command holds much, a connection little.
                let executed = Box::pin(commands.execute(request, uid, answers));
                tokio::join!(executed, write_answers(waiting, writer)).1
            }
            Err(reason) => write_answer(&Answer::Error(reason), &mut writer).await,
        }
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        // Left behind, it is replaced at the next start.
        let _ = fs::remove_file(&self.path);
    }
}

/// Root may read the state anyhow.
fn may_ask(uid: u32, own: u32) -> bool {
    uid == 0 || uid == own
}

/// The request, or what is wrong with it; `None` from who hangs up without a word.
async fn read_request(reader: OwnedReadHalf) -> Result<Option<Request>, String> {
    let mut line = Vec::new();
    let mut reader = BufReader::new(reader.take(LONGEST_REQUEST));
    reader.read_until(b'\n', &mut line).await.map_err(|error| error.to_string())?;
    if line.is_empty() {
        return Ok(None);
    }
    if line.last() != Some(&b'\n') {
        return Err(format!("a request is one line of at most {LONGEST_REQUEST} bytes"));
    }
    serde_json::from_slice(&line).map(Some).map_err(|error| format!("not a request: {error}"))
}

/// Writes answers until there are no more. When it fails, `answers` is dropped, which ends the command.
async fn write_answers(mut answers: mpsc::Receiver<Answer>, mut writer: OwnedWriteHalf) -> io::Result<()> {
    while let Some(answer) = answers.recv().await {
        write_answer(&answer, &mut writer).await?;
    }
    Ok(())
}

async fn write_answer(answer: &Answer, writer: &mut OwnedWriteHalf) -> io::Result<()> {
    let mut line = serde_json::to_vec(answer)?;
    line.push(b'\n');
    timeout(ANSWER_TIMEOUT, writer.write_all(&line)).await?
}

#[cfg(test)]
mod tests;
