//! A session with a RELP receiver: it is opened, takes messages with so many unanswered at a time, and says
//! for each what the receiver answered. It ends with its connection.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, timeout_at};

use super::frame::{self, Frame, FrameError, LAST_NUMBER};
use crate::sink::peer::verdict::message;

/// Messages without an answer at a time: what librelp's clients allow themselves. So many are sent again at
/// most when the connection breaks.
const WINDOW: usize = 128;
/// Bytes made ready for the connection before more messages are added.
const READY: usize = 64 * 1024;
/// Bytes read at a time; an answer has about fifteen.
const CHUNK: usize = 4 * 1024;

/// `relp_version`: librelp speaks 0, and takes 1 for the same.
const VERSIONS: [&str; 2] = ["0", "1"];

/// A connection on which `open` has been answered.
#[derive(Debug)]
pub(super) struct Session<C> {
    connection: C,
    /// The number of the last frame sent; they are consecutive from 1.
    last: u32,
    /// Frames that the connection has not taken yet.
    unsent: VecDeque<u8>,
    needs_flush: bool,
    /// Nothing more can be sent. Answers may still be there to be read.
    cut: Option<io::Error>,
    /// What has arrived of the next frame.
    arrived: Vec<u8>,
    /// Messages without an answer: the number of the frame, and the message's index.
    unanswered: VecDeque<(u32, usize)>,
    is_broken: bool,
}

/// What the receiver said about a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// 200.
    Taken,
    /// Anything else: its words.
    NotTaken(String),
    /// Nothing: why there will be no answer any more.
    Unknown(String),
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    /// The connection broke, which may be the receiver's opinion of our certificate.
    #[error("{0}")]
    Io(#[source] io::Error),
    /// In passing.
    #[error("{0}")]
    Broken(String),
    /// It is no receiver for us, and says so.
    #[error("{0}")]
    Refused(String),
}

/// What a step on the connection brought.
enum Step {
    Sent,
    Read,
}

/// Why a session is over.
#[derive(Debug, thiserror::Error)]
enum End {
    #[error("it closed the connection")]
    Closed,
    #[error("it ended the session (serverclose)")]
    Serverclose,
    #[error("the connection broke: {0}")]
    Io(#[from] io::Error),
    #[error("{0}")]
    Frame(#[from] FrameError),
    #[error("it sent a frame that answers nothing")]
    Unasked,
    #[error("it was silent for {0:?}")]
    Silent(Duration),
}

impl<C: AsyncRead + AsyncWrite + Unpin> Session<C> {
    /// Opens a session; every step of it within `timeout`. Gives what the receiver calls itself, too.
    pub(super) async fn open(connection: C, timeout: Duration) -> Result<(Self, String), OpenError> {
        let mut session = Self {
            connection,
            last: 0,
            unsent: VecDeque::new(),
            needs_flush: false,
            cut: None,
            arrived: Vec::new(),
            unanswered: VecDeque::new(),
            is_broken: false,
        };
        let offer = concat!(
            "relp_version=0\nrelp_software=auditferry,",
            env!("CARGO_PKG_VERSION"),
            "\ncommands=syslog",
        );
        session.push("open", offer.as_bytes());
        let reply = session.exchange(timeout).await.map_err(|end| match end {
            End::Frame(_) | End::Unasked => {
                OpenError::Refused(format!("{end}; check that a RELP receiver listens at this address"))
            }
            End::Io(error) => OpenError::Io(error),
            End::Closed | End::Serverclose | End::Silent(_) => {
                OpenError::Broken(format!("no answer to RELP's `open`: {end}"))
            }
        })?;
        let software = check_offer(&reply)?;
        Ok((session, software))
    }

    /// Whether messages can be sent on it, as far as it is known here.
    pub(super) async fn is_open(&mut self) -> bool {
        // What has arrived meanwhile is a hint or the connection's end: nothing waits for an answer.
        while !self.is_broken {
            let looked = poll_fn(|context| Poll::Ready(self.poll_read(context))).await;
            let done = match looked {
                Poll::Pending => return true,
                Poll::Ready(read) => read.and_then(|()| self.take_answers(|_, _| {})),
            };
            self.is_broken = done.is_err();
        }
        false
    }

    /// Whether it is over.
    pub(super) fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// Sends these messages and waits for the answers; `timeout` is for each step. What is not answered when
    /// the session breaks is [`Answer::Unknown`].
    pub(super) async fn send(&mut self, messages: &[&[u8]], timeout: Duration) -> Vec<Answer> {
        let mut answers: Vec<Option<Answer>> = vec![None; messages.len()];
        let ended = self.send_all(messages, timeout, &mut answers).await;
        let why = ended.err().map(|end| {
            self.is_broken = true;
            end.to_string()
        });
        let unknown = || Answer::Unknown(why.clone().unwrap_or_default());
        answers.into_iter().map(|answer| answer.unwrap_or_else(unknown)).collect()
    }

    async fn send_all(
        &mut self,
        messages: &[&[u8]],
        timeout: Duration,
        answers: &mut [Option<Answer>],
    ) -> Result<(), End> {
        let mut next = 0;
        let mut deadline = Instant::now() + timeout;
        loop {
            while self.unanswered.len() < WINDOW && self.unsent.len() < READY && self.cut.is_none() {
                let Some(message) = messages.get(next) else { break };
                let number = self.push("syslog", message);
                self.unanswered.push_back((number, next));
                next += 1;
            }
            if self.unanswered.is_empty() {
                return if next == messages.len() { Ok(()) } else { Err(self.end_of_cut()) };
            }
            let progress = match self.step(deadline, timeout).await? {
                Step::Sent => true,
                Step::Read => {
                    let before = self.unanswered.len();
                    self.take_answers(|index, answer| answers[index] = Some(answer))?;
                    self.unanswered.len() < before
                }
            };
            if progress {
                deadline = Instant::now() + timeout;
            }
        }
    }

    /// Ends the session in good order. Nothing depends on whether it succeeds.
    pub(super) async fn close(mut self, timeout: Duration) {
        self.push("close", b"");
        let _ = self.exchange(timeout).await;
    }

    /// Makes the next frame ready and gives its number.
    fn push(&mut self, command: &str, data: &[u8]) -> u32 {
        self.last = if self.last == LAST_NUMBER { 1 } else { self.last + 1 };
        let mut bytes = Vec::with_capacity(data.len() + 32);
        frame::write(self.last, command, data, &mut bytes);
        self.unsent.extend(bytes);
        self.last
    }

    /// Sends the one frame that is ready and gives the data of its answer.
    async fn exchange(&mut self, timeout: Duration) -> Result<Vec<u8>, End> {
        let deadline = Instant::now() + timeout;
        loop {
            self.step(deadline, timeout).await?;
            while let Some(frame) = next_frame(&mut self.arrived)? {
                match (frame.number, frame.command.as_str()) {
                    (0, "serverclose") => return Err(End::Serverclose),
                    (0, _) => {}
                    (number, "rsp") if number == self.last => return Ok(frame.data),
                    _ => return Err(End::Unasked),
                }
            }
        }
    }

    /// Gives each answer that has arrived, with the index of its message.
    fn take_answers(&mut self, mut each: impl FnMut(usize, Answer)) -> Result<(), End> {
        while let Some(frame) = next_frame(&mut self.arrived)? {
            match (frame.number, frame.command.as_str()) {
                (0, "serverclose") => return Err(End::Serverclose),
                // A hint of another kind: nothing to do.
                (0, _) => {}
                (number, "rsp") => {
                    // They come in order; by its number an answer is understood in any.
                    let known = self.unanswered.iter().position(|(sent, _)| *sent == number);
                    let Some((_, index)) = known.and_then(|at| self.unanswered.remove(at)) else {
                        return Err(End::Unasked);
                    };
                    each(index, read_answer(&frame.data));
                }
                _ => return Err(End::Unasked),
            }
        }
        Ok(())
    }

    /// Sends or reads some bytes, until `deadline`.
    async fn step(&mut self, deadline: Instant, timeout: Duration) -> Result<Step, End> {
        match timeout_at(deadline, poll_fn(|context| self.poll_step(context))).await {
            Ok(step) => step,
            // Answers may have been there; the reason is that nothing more could be sent.
            Err(_) if self.cut.is_some() => Err(self.end_of_cut()),
            Err(_) => Err(End::Silent(timeout)),
        }
    }

    fn poll_step(&mut self, context: &mut Context<'_>) -> Poll<Result<Step, End>> {
        if self.cut.is_none() {
            match self.poll_send(context) {
                Poll::Ready(Ok(true)) => return Poll::Ready(Ok(Step::Sent)),
                // The receiver may have answered before it went: those messages need not go again.
                Poll::Ready(Err(error)) => {
                    self.cut = Some(error);
                    self.unsent.clear();
                }
                Poll::Ready(Ok(false)) | Poll::Pending => {}
            }
        }
        self.poll_read(context).map_ok(|()| Step::Read)
    }

    /// Whether some bytes were sent; `false` when there were none.
    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let (ready, _) = self.unsent.as_slices();
        if !ready.is_empty() {
            return Pin::new(&mut self.connection).poll_write(context, ready).map(|written| match written? {
                0 => Err(io::ErrorKind::WriteZero.into()),
                count => {
                    self.unsent.drain(..count);
                    self.needs_flush = true;
                    Ok(true)
                }
            });
        }
        if self.needs_flush {
            let flushed = Pin::new(&mut self.connection).poll_flush(context)?;
            self.needs_flush = flushed.is_pending();
        }
        Poll::Ready(Ok(false))
    }

    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Result<(), End>> {
        let mut chunk = [0; CHUNK];
        let mut buffer = ReadBuf::new(&mut chunk);
        Pin::new(&mut self.connection).poll_read(context, &mut buffer).map(|read| {
            read?;
            if buffer.filled().is_empty() {
                return Err(End::Closed);
            }
            self.arrived.extend_from_slice(buffer.filled());
            Ok(())
        })
    }

    fn end_of_cut(&mut self) -> End {
        self.cut.take().map_or(End::Closed, End::Io)
    }
}

/// A frame of its own.
struct Arrived {
    number: u32,
    command: String,
    data: Vec<u8>,
}

/// Takes the first frame out of these bytes when it is complete.
fn next_frame(bytes: &mut Vec<u8>) -> Result<Option<Arrived>, FrameError> {
    let Some((Frame { number, command, data }, end)) = frame::read(bytes)? else { return Ok(None) };
    let arrived = Arrived { number, command: command.to_owned(), data: data.to_owned() };
    bytes.drain(..end);
    Ok(Some(arrived))
}

/// What an answer's data (`200 OK`, `500 text`) says.
fn read_answer(data: &[u8]) -> Answer {
    let line = data.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let behind = line.strip_prefix(b"200");
    if behind.is_some_and(|rest| rest.first().is_none_or(|byte| !byte.is_ascii_digit())) {
        return Answer::Taken;
    }
    Answer::NotTaken(format!("it answered: {}", message(line)))
}

/// What the receiver calls itself, when it takes us.
fn check_offer(reply: &[u8]) -> Result<String, OpenError> {
    if let Answer::NotTaken(reason) = read_answer(reply) {
        return Err(OpenError::Refused(format!("it refuses a RELP session; {reason}")));
    }
    let text = String::from_utf8_lossy(reply);
    let offered = |name: &str| {
        let mut offers = text.lines().skip(1).filter_map(|line| line.split_once('='));
        offers.find_map(|(known, value)| (known.trim() == name).then(|| value.trim().to_owned()))
    };
    if let Some(version) = offered("relp_version").filter(|version| !VERSIONS.contains(&version.as_str())) {
        let version = message(version.as_bytes());
        return Err(OpenError::Refused(format!(
            "it speaks version {version} of RELP, which is unknown here"
        )));
    }
    if !offered("commands").is_some_and(|commands| commands.split(',').any(|one| one.trim() == "syslog")) {
        return Err(OpenError::Refused("it speaks RELP and takes no syslog messages".to_owned()));
    }
    let software = offered("relp_software").filter(|software| !software.is_empty());
    Ok(software.map_or_else(|| "an unnamed receiver".to_owned(), |name| message(name.as_bytes())))
}

#[cfg(test)]
mod tests;
