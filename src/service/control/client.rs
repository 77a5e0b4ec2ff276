//! The other end of the control socket: a command asks the running daemon.

use std::io;
use std::path::Path;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::sync::mpsc;

use super::address::{self, Address};
use crate::service::ServiceError;
use crate::service::command::{Answer, Request};

/// The longest line of an answer: an event is far smaller.
const LONGEST_ANSWER: u64 = 256 << 20;

/// A connection to the running daemon, for one command.
#[derive(Debug)]
pub(in crate::service) struct Daemon {
    stream: UnixStream,
}

/// Connects to the daemon of this state directory; `None` when none answers there.
///
/// # Errors
/// When one is there that can't be asked.
pub(in crate::service) async fn connect(state_dir: &Path) -> Result<Option<Daemon>, ServiceError> {
    let connected = match Address::of(state_dir) {
        Ok(address) => UnixStream::connect(address.path()).await,
        Err(error) => Err(error),
    };
    let refused = |what: &str| {
        let path = address::path(state_dir);
        Err(ServiceError::Command(format!("the daemon's socket {}: {what}", path.display())))
    };
    match connected {
        Ok(stream) => Ok(Some(Daemon { stream })),
        // No socket, or one that a killed daemon has left.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            Ok(None)
        }
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            refused("no permission; give the command as the daemon's user, or with sudo")
        }
        // The kernel's queue is full.
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            refused("the daemon is busy with other commands; try again")
        }
        Err(error) => refused(&error.to_string()),
    }
}

impl Daemon {
    /// Sends the request and hands the answers on, the last one included.
    ///
    /// # Errors
    /// When the connection ends before that.
    pub(in crate::service) async fn ask(
        self,
        request: &Request,
        answers: mpsc::Sender<Answer>,
    ) -> Result<(), ServiceError> {
        let broken = |error: &dyn std::fmt::Display| {
            ServiceError::Command(format!(
                "the daemon broke off before it had answered ({error}); it may be stopping: look at `auditferry \
                 status` and give the command again"
            ))
        };
        let (reader, mut writer) = self.stream.into_split();
        let mut line = serde_json::to_vec(request).map_err(|error| broken(&error))?;
        line.push(b'\n');
        // A daemon that refuses a request may not read it to its end: what it says is in the answer.
        let sent = writer.write_all(&line).await;
        let mut reader = BufReader::new(reader);
        loop {
            line.clear();
            let read = (&mut reader).take(LONGEST_ANSWER).read_until(b'\n', &mut line).await;
            if line.last() != Some(&b'\n') {
                let why = sent.and(read.map(drop)).err().map(|error| error.to_string());
                return Err(broken(&why.unwrap_or_else(|| "the connection ended".to_owned())));
            }
            let answer = serde_json::from_slice(&line).map_err(|error| broken(&error))?;
            let is_last = matches!(answer, Answer::Done(_) | Answer::Error(_));
            // Nobody may want the rest.
            if answers.send(answer).await.is_err() || is_last {
                return Ok(());
            }
        }
    }
}
