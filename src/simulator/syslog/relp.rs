//! A RELP receiver, as strict as rsyslog's: numbers without a gap, `open` first.

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Inlet, MOST_MESSAGE, Treatment};

/// The bytes in front of the data at most: two numbers of nine digits, a command of 32 letters, three spaces.
const MOST_HEADER: usize = 9 + 1 + 32 + 1 + 9 + 1;
const LAST_NUMBER: u32 = 999_999_999;
const GOODBYE: &[u8] = b"0 serverclose 0\n";
const SOFTWARE: &str = "relp_version=0\nrelp_software=auditferry-simulator,1,localhost";

/// A frame from the client.
#[derive(Debug, PartialEq, Eq)]
struct Frame {
    number: u32,
    command: String,
    data: Bytes,
}

/// What becomes of the connection behind a frame.
enum Then {
    GoOn,
    /// After what is to be written.
    Close,
    /// At once: answers that are not written yet are lost.
    Reset,
}

/// Takes messages until the connection ends.
pub(super) async fn serve(stream: TcpStream, inlet: Inlet) -> io::Result<()> {
    Session { stream, inlet, answers: Vec::new(), last: 0, is_open: false }.run().await
}

struct Session {
    stream: TcpStream,
    inlet: Inlet,
    /// Not written yet.
    answers: Vec<u8>,
    /// Of the last frame.
    last: u32,
    is_open: bool,
}

impl Session {
    async fn run(mut self) -> io::Result<()> {
        let mut arrived = BytesMut::new();
        loop {
            self.inlet.until_reading().await;
            if self.stream.read_buf(&mut arrived).await? == 0 {
                return Ok(());
            }
            loop {
                let then = match next_frame(&mut arrived) {
                    Ok(None) => break,
                    Ok(Some(frame)) => self.treat(&frame).await?,
                    Err(_) => self.end(),
                };
                match then {
                    Then::GoOn => {}
                    Then::Close => {
                        self.write_answers().await?;
                        return self.stream.shutdown().await;
                    }
                    // Closing a socket that does not linger sends a reset.
                    Then::Reset => return self.stream.set_zero_linger(),
                }
            }
            self.write_answers().await?;
        }
    }

    async fn treat(&mut self, frame: &Frame) -> io::Result<Then> {
        let expected = if self.last == LAST_NUMBER { 1 } else { self.last + 1 };
        if frame.number != expected {
            return Ok(self.end());
        }
        self.last = frame.number;
        Ok(match frame.command.as_str() {
            "open" if !self.is_open => self.open(),
            "syslog" if self.is_open => return self.take(frame).await,
            "close" => {
                self.answer("");
                self.end()
            }
            _ => {
                self.answer("500 command disabled");
                Then::GoOn
            }
        })
    }

    fn open(&mut self) -> Then {
        let faults = self.inlet.faults();
        if faults.refuse_open {
            self.answer("500 required command not supported by client");
            return self.end();
        }
        self.is_open = true;
        let commands = if faults.without_syslog { "" } else { "\ncommands=syslog" };
        self.answer(&format!("200 OK\n{SOFTWARE}{commands}"));
        Then::GoOn
    }

    async fn take(&mut self, frame: &Frame) -> io::Result<Then> {
        if self.inlet.is_slow() {
            // Who is slow answers one by one.
            self.write_answers().await?;
        }
        Ok(match self.inlet.take(&frame.data).await {
            Treatment::Taken => {
                self.answer("200 OK");
                Then::GoOn
            }
            Treatment::Refused(reason) => {
                self.answer(&format!("500 {reason}"));
                Then::GoOn
            }
            Treatment::Silent => Then::GoOn,
            Treatment::Reset => Then::Reset,
            Treatment::HalfAnswer => {
                self.answer("200 OK");
                self.answers.truncate(self.answers.len() - "200 OK\n".len());
                Then::Close
            }
            Treatment::Serverclose => self.end(),
        })
    }

    /// The answer to the last frame.
    fn answer(&mut self, data: &str) {
        let space = if data.is_empty() { "" } else { " " };
        let frame = format!("{} rsp {}{space}{data}\n", self.last, data.len());
        self.answers.extend_from_slice(frame.as_bytes());
    }

    fn end(&mut self) -> Then {
        self.answers.extend_from_slice(GOODBYE);
        Then::Close
    }

    async fn write_answers(&mut self) -> io::Result<()> {
        self.stream.write_all(&self.answers).await?;
        self.answers.clear();
        Ok(())
    }
}

/// The first frame when it is complete.
fn next_frame(arrived: &mut BytesMut) -> Result<Option<Frame>, String> {
    let start = &arrived[..arrived.len().min(MOST_HEADER)];
    // The third word ends with a space or, where there is no data, with the frame.
    let mut spaces = start.iter().enumerate().filter(|(_, byte)| matches!(**byte, b' ' | b'\n'));
    let Some((end, _)) = spaces.nth(2) else {
        return if start.len() == MOST_HEADER { Err("a frame without an end".to_owned()) } else { Ok(None) };
    };
    let header = std::str::from_utf8(&start[..end]).map_err(|error| error.to_string())?;
    let words: Vec<&str> = header.split(' ').collect();
    let [number, command, length] = words[..] else { return Err(format!("no frame: {header}")) };
    let number: u32 = number.parse().map_err(|_| format!("no number: {header}"))?;
    let length: usize = length.parse().map_err(|_| format!("no length: {header}"))?;
    if length > MOST_MESSAGE {
        return Err(format!("too long: {header}"));
    }
    let command = command.to_owned();
    let data_start = if length == 0 { end } else { end + 1 };
    let Some(last) = arrived.get(data_start + length) else { return Ok(None) };
    if *last != b'\n' {
        return Err(format!("no line feed behind the data of: {header}"));
    }
    let mut frame = arrived.split_to(data_start + length + 1);
    let mut data = frame.split_off(data_start);
    data.truncate(length);
    Ok(Some(Frame { number, command, data: data.freeze() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_in_any_pieces() {
        let wire = b"1 open 5 a\nb c2 x\n2 syslog 3 1\n2\n3 close 0\n";
        assert!(next_frame(&mut BytesMut::from(&wire[..])).is_err(), "a length that is wrong");
        let wire = b"1 open 5 a\nb c\n2 syslog 3 1\n2\n3 close 0\n";
        let expected = [(1, "open", &b"a\nb c"[..]), (2, "syslog", b"1\n2"), (3, "close", b"")];
        for size in 1..=wire.len() {
            let (mut arrived, mut found) = (BytesMut::new(), Vec::new());
            for piece in wire.chunks(size) {
                arrived.extend_from_slice(piece);
                while let Some(frame) = next_frame(&mut arrived).unwrap() {
                    found.push(frame);
                }
            }
            let found: Vec<_> =
                found.iter().map(|frame| (frame.number, frame.command.as_str(), &frame.data[..])).collect();
            assert_eq!(found, expected, "{size}");
        }
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        for wire in ["x open 0\n", "1 open x\n", "1\nopen 0\n", "1 open 99999999 ", &"a".repeat(MOST_HEADER)]
        {
            assert!(next_frame(&mut BytesMut::from(wire)).is_err(), "{wire}");
        }
    }
}
