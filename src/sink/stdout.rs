//! Standard output: one line per event, for pipes and for people.

use std::io::{self, Write};
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::{Batch, Outcome, Probe, Sink};

/// How long to wait for a reader of a pipe that was made non-blocking by somebody else.
const FULL_PIPE_PAUSE: Duration = Duration::from_millis(10);

/// Writes JSON lines to standard output. Accepted is what the operating system has taken.
#[derive(Debug, Clone, Copy, Default)]
pub struct StdoutSink;

impl Sink for StdoutSink {
    fn deliver<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Outcome> {
        let lines = batch.lines.clone();
        Box::pin(async move {
            // Off the async threads: a reader that stops reading stops the writer for as long as it likes.
            let written = tokio::task::spawn_blocking(move || write_lines(&mut io::stdout().lock(), &lines));
            written.await.map_or_else(
                |error| Outcome::Retry { after: None, reason: format!("writing broke off: {error}") },
                outcome,
            )
        })
    }

    fn probe(&self) -> BoxFuture<'_, Probe> {
        Box::pin(async { Probe::Passed("nothing to ask".to_owned()) })
    }
}

fn outcome(written: io::Result<()>) -> Outcome {
    match written {
        Ok(()) => Outcome::Accepted,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Outcome::Held {
            reason: "nobody reads standard output any more; start the program with a reader".to_owned(),
        },
        Err(error) => {
            Outcome::Retry { after: None, reason: format!("can't write to standard output: {error}") }
        }
    }
}

/// Like `write_all` and `flush`, but goes on where a full non-blocking pipe has stopped it: a line written
/// half would otherwise be followed by itself.
fn write_lines(to: &mut impl Write, mut lines: &[u8]) -> io::Result<()> {
    while !lines.is_empty() {
        match to.write(lines) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => lines = &lines[written..],
            Err(error) => pause_or_fail(error)?,
        }
    }
    while let Err(error) = to.flush() {
        pause_or_fail(error)?;
    }
    Ok(())
}

fn pause_or_fail(error: io::Error) -> io::Result<()> {
    match error.kind() {
        io::ErrorKind::Interrupted => Ok(()),
        io::ErrorKind::WouldBlock => {
            std::thread::sleep(FULL_PIPE_PAUSE);
            Ok(())
        }
        _ => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes three bytes at a time and is full every other time.
    #[derive(Default)]
    struct SlowPipe {
        taken: Vec<u8>,
        full: bool,
    }

    impl Write for SlowPipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.full = !self.full;
            if self.full {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let taken = bytes.len().min(3);
            self.taken.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_slow_reader_gets_every_byte_once() {
        let mut pipe = SlowPipe::default();
        write_lines(&mut pipe, b"{\"a\":1}\n{\"b\":2}\n").unwrap();
        assert_eq!(pipe.taken, b"{\"a\":1}\n{\"b\":2}\n");
    }

    #[test]
    fn a_pipe_without_a_reader_holds_the_sink() {
        assert!(matches!(outcome(Err(io::ErrorKind::BrokenPipe.into())), Outcome::Held { .. }));
        assert!(matches!(outcome(Err(io::ErrorKind::Other.into())), Outcome::Retry { .. }));
        assert_eq!(outcome(Ok(())), Outcome::Accepted);
    }
}
