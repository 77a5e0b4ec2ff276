//! Syslog over TCP and TLS, where no receiver ever answers.
//!
//! What stands in for an answer: the peer's kernel has acknowledged every byte, and the connection has stayed
//! whole for a while after. A program that ends with bytes unread makes its kernel break the connection off
//! (RST), so within that while it is seen that a batch was not read, and the batch is sent again on a new
//! connection. When the break comes later, because the program hung before it ended, what was accepted on that
//! connection is sent again. So that this is not without bounds, a connection is ended in good order after a
//! megabyte or some minutes: the program ends it as well when it has read to its end, which proves that it has.
//! What the program has read and then loses is lost.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout};

use super::connection::Connection;
use super::dial::Dialer;
use super::framing::frames;
use super::outq::unacknowledged;
use super::tail::Tail;
use crate::config::{Framing, SyslogConfig};
use crate::sink::{Batch, Outcome, Probe};
use crate::tls;

/// A connection that is whole for so long after the last acknowledgement has been read to its end: receivers
/// read at once, unless they are held up by what stands behind them.
const SETTLING: Duration = Duration::from_millis(100);

/// Between two looks at what is acknowledged: as short as a round trip within a house, then longer.
const FIRST_LOOK: Duration = Duration::from_millis(1);
const LONGEST_LOOK: Duration = Duration::from_millis(25);

/// Written at once: a few TLS records, so that a slow peer makes progress in steps that are seen.
const WRITTEN_AT_ONCE: usize = 64 * 1024;

/// Bytes that a receiver may say before a look at it ends with "this is no syslog receiver".
const MOST_IGNORED: usize = 64 * 1024;

/// Writes batches to a connection that is kept from one to the next.
#[derive(Debug)]
pub(super) struct Stream {
    dialer: Dialer,
    framing: Framing,
    max_message_size: usize,
    timeout: Duration,
    settling: Duration,
    line: Mutex<Line>,
    /// For the log.
    sink: String,
}

/// The way to the receiver, from one batch to the next.
#[derive(Debug, Default)]
struct Line {
    /// None before the first batch and after its end.
    connection: Option<Connection>,
    /// What was accepted on it, or on the one before it when that broke.
    tail: Tail,
    /// Whether the tail must be sent again first: the connection broke.
    is_broken: bool,
    /// We have ended this one, at this time, and wait for the receiver to do so.
    ending: Option<(Connection, Instant)>,
    /// The receiver ends no connection because we have: there is no proof to be had of it.
    never_ends: bool,
}

/// The other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Peer {
    /// It can be written to.
    Open,
    /// It has said that it will say nothing more, as a program does that ends.
    Closed,
}

impl Stream {
    /// A stream to the address of this configuration. Reads the certificate files: blocks.
    ///
    /// # Errors
    /// When they can't be used.
    pub(super) fn new(config: &SyslogConfig) -> Result<Self, tls::SetupError> {
        Ok(Self {
            dialer: Dialer::new(&config.address, config.timeout, &config.tls)?,
            framing: config.framing,
            max_message_size: config.max_message_size,
            timeout: config.timeout,
            settling: SETTLING,
            line: Mutex::default(),
            sink: String::new(),
        })
    }

    /// The same under the name of its sink, for the log.
    pub(super) fn named(mut self, sink: &str) -> Self {
        sink.clone_into(&mut self.sink);
        self
    }

    /// Sends the batch once; a break makes all of it come again, whole frames on a new connection.
    pub(super) async fn deliver(&self, batch: &Batch) -> Outcome {
        let frames = frames(self.framing, self.max_message_size, batch);
        if !frames.bytes.is_empty()
            && let Err(outcome) = self.send(&frames.bytes).await
        {
            return outcome;
        }
        frames.refused.outcome(batch.len())
    }

    /// Connects, which shows everything but whether messages are welcome.
    pub(super) async fn probe(&self) -> Probe {
        match self.dialer.dial().await {
            Ok(Connection::Plain(_)) => {
                Probe::Passed("connected; syslog has no answer to ask for".to_owned())
            }
            Ok(Connection::Tls(_)) => {
                Probe::Passed("connected with TLS; syslog has no answer to ask for".to_owned())
            }
            Err(Outcome::Held { reason } | Outcome::Retry { reason, .. }) => Probe::Failed(reason),
            Err(other) => Probe::Failed(format!("can't connect: {other:?}")),
        }
    }

    async fn send(&self, frames: &[u8]) -> Result<(), Outcome> {
        let mut line = self.line.lock().await;
        self.prove(&mut line).await?;
        // Taken out, so that a delivery that is given up half done leaves no half frame behind.
        let mut connection = match self.still_open(&mut line).await {
            Some(connection) => connection,
            None => self.dialer.dial().await?,
        };
        match self.transfer(&mut connection, &line, frames).await {
            Ok(Peer::Open) => {
                line.connection = Some(connection);
                line.tail.push(frames.to_vec());
                if line.never_ends {
                    line.tail.trim();
                }
                line.is_broken = false;
                Ok(())
            }
            Ok(Peer::Closed) => {
                // It has read everything: what was accepted before need not go again.
                line.tail.clear();
                line.is_broken = false;
                Err(self.dialer.outcome_of(&closed_at_once()).await)
            }
            Err(error) => {
                // A receiver that breaks off again and again before the tail is through would never get further.
                if std::mem::replace(&mut line.is_broken, true) {
                    line.tail.halve();
                }
                Err(self.dialer.outcome_of(&error).await)
            }
        }
    }

    /// The connection of the batch before, unless it has ended.
    async fn still_open(&self, line: &mut Line) -> Option<Connection> {
        let mut connection = line.connection.take()?;
        match look(&mut connection).await {
            Ok(Peer::Open) => return Some(connection),
            Ok(Peer::Closed) => line.tail.clear(),
            Err(error) => self.tell_break(line, &error),
        }
        None
    }

    /// When much was accepted on this connection: ends it, and waits for the receiver to end it too, which it does
    /// when it has read everything.
    ///
    /// # Errors
    /// The outcome of a batch for which it is not time yet.
    async fn prove(&self, line: &mut Line) -> Result<(), Outcome> {
        if line.tail.wants_proof()
            && !line.never_ends
            && let Some(mut connection) = line.connection.take()
        {
            // What goes wrong here is seen by the look at it.
            let _ = timeout(self.timeout, connection.shutdown()).await;
            line.ending = Some((connection, Instant::now()));
        }
        let Some((mut connection, since)) = line.ending.take() else { return Ok(()) };
        match timeout(self.timeout, self.ended(&mut connection)).await {
            Ok(Ok(())) => line.tail.clear(),
            Ok(Err(error)) => self.tell_break(line, &error),
            // A program that hangs, or is held up by what stands behind it, may go on.
            Err(_) if since.elapsed() < self.timeout * 2 => {
                line.ending = Some((connection, since));
                let waited = since.elapsed().as_secs_f32();
                let reason = format!("the receiver has not read what it was sent, for {waited:.0} s");
                return Err(Outcome::Retry { after: None, reason });
            }
            Err(_) => {
                line.never_ends = true;
                line.tail.trim();
                tracing::warn!(
                    code = "delivery-uncertain",
                    sink = self.sink,
                    host = self.dialer.host(),
                    "the receiver does not end a connection that we have ended: there is no telling whether it has \
                     read everything"
                );
            }
        }
        Ok(())
    }

    /// Waits for the receiver's end of a connection that we have ended.
    async fn ended(&self, connection: &mut Connection) -> io::Result<()> {
        let mut pause = FIRST_LOOK;
        while look(connection).await? == Peer::Open {
            sleep(pause).await;
            pause = LONGEST_LOOK.min(pause * 2);
        }
        if matches!(connection, Connection::Tls(_)) {
            // TLS may say so before the kernel breaks off.
            sleep(self.settling).await;
            look(connection).await?;
        }
        Ok(())
    }

    fn tell_break(&self, line: &mut Line, error: &io::Error) {
        tracing::warn!(
            code = "connection-broken",
            sink = self.sink,
            host = self.dialer.host(),
            %error,
            bytes = line.tail.len(),
            "the connection broke; what was sent on it last is sent again, in case it was not read"
        );
        line.is_broken = true;
    }

    /// Writes everything and waits until the receiver has it, as far as that can be seen.
    async fn transfer(&self, connection: &mut Connection, line: &Line, frames: &[u8]) -> io::Result<Peer> {
        match self.write(connection, line, frames).await {
            Ok(()) => self.settle(connection).await,
            Err(error) => {
                // A receiver that refuses our certificate says so before it breaks off.
                let told = look(connection).await.err().filter(|error| tls::fault_in(error).is_some());
                Err(told.unwrap_or(error))
            }
        }
    }

    async fn write(&self, connection: &mut Connection, line: &Line, frames: &[u8]) -> io::Result<()> {
        let again = line.is_broken.then(|| line.tail.frames()).into_iter().flatten();
        for piece in again.chain([frames]).flat_map(|frames| frames.chunks(WRITTEN_AT_ONCE)) {
            timeout(self.timeout, connection.write_all(piece)).await.map_err(|_| self.no_progress())??;
        }
        timeout(self.timeout, connection.flush()).await.map_err(|_| self.no_progress())?
    }

    /// Waits for the acknowledgement of every byte, and then for a while that the connection stays whole.
    async fn settle(&self, connection: &mut Connection) -> io::Result<Peer> {
        let mut least = usize::MAX;
        let mut progress = Instant::now();
        let mut acknowledged = None;
        let mut pause = FIRST_LOOK;
        loop {
            // In this order: a break that empties the queue is seen by the look behind it.
            let open = unacknowledged(connection.socket())?;
            let peer = look(connection).await?;
            let now = Instant::now();
            if open < least {
                (least, progress) = (open, now);
            }
            if open == 0 && now >= *acknowledged.get_or_insert(now) + self.settling {
                return Ok(peer);
            }
            if open > 0 && now >= progress + self.timeout {
                return Err(self.no_progress());
            }
            sleep(pause).await;
            pause = LONGEST_LOOK.min(pause * 2);
        }
    }

    fn no_progress(&self) -> io::Error {
        let reason = format!("it has taken nothing for {} s", self.timeout.as_secs_f32());
        io::Error::new(io::ErrorKind::TimedOut, reason)
    }
}

/// A program that is stopped does that, and one that has read what it can't use, as syslog-ng does for the wrong
/// framing. To send again what was taken is the lesser harm.
fn closed_at_once() -> io::Error {
    let reason = "it closed the connection right behind the messages; if it goes on doing so, it does not take \
                  them: check framing and its limits";
    io::Error::new(io::ErrorKind::UnexpectedEof, reason)
}

/// Whether the connection is whole, by the kernel's word at this moment. What the receiver says is ignored,
/// but session tickets and alerts of TLS take effect.
async fn look(connection: &mut Connection) -> io::Result<Peer> {
    let mut buffer = [0; 4096];
    let mut ignored = 0;
    while ignored < MOST_IGNORED {
        if let Some(error) = connection.socket().take_error()? {
            return Err(error);
        }
        match SockRef::from(connection.socket()).peek(&mut [MaybeUninit::uninit()]) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Peer::Open),
            Err(error) => return Err(error),
            Ok(0) => return Ok(Peer::Closed),
            Ok(_) => {}
        }
        // There is something to read, and this makes the runtime know it too.
        connection.socket().readable().await?;
        let mut read = ReadBuf::new(&mut buffer);
        match poll_fn(|context| Poll::Ready(Pin::new(&mut *connection).poll_read(context, &mut read))).await {
            Poll::Ready(Err(error)) => return Err(error),
            // By TLS's own word.
            Poll::Ready(Ok(())) if read.filled().is_empty() => return Ok(Peer::Closed),
            Poll::Ready(Ok(())) => ignored += read.filled().len(),
            Poll::Pending => ignored += 1,
        }
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "it sends data: this is no syslog receiver"))
}

#[cfg(test)]
mod tests;
