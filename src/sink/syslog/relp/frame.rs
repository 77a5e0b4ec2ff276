//! Frames of RELP: `TXNR SP COMMAND SP DATALEN [SP DATA] LF`.

use std::io::Write as _;

/// Digits of a transaction number and of a length at most.
const MOST_DIGITS: usize = 9;
/// Letters of a command at most.
const MOST_LETTERS: usize = 32;
/// Bytes of data that a receiver may send: what librelp takes itself. Answers have a few hundred.
pub(super) const MOST_DATA: usize = 128 * 1024;
/// The highest transaction number; 1 is the next.
pub(super) const LAST_NUMBER: u32 = 999_999_999;

/// A frame from the receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    /// That of the frame which is answered; 0 for a hint, which answers nothing.
    pub(super) number: u32,
    /// Such as `rsp`.
    pub(super) command: &'a str,
    /// Any bytes.
    pub(super) data: &'a [u8],
}

/// Bytes that no RELP receiver sends.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it sent what is no RELP: {0}")]
pub(super) struct FrameError(&'static str);

/// Appends a frame.
pub(super) fn write(number: u32, command: &str, data: &[u8], out: &mut Vec<u8>) {
    // Writing into a Vec can't fail.
    let _ = write!(out, "{number} {command} {}", data.len());
    if !data.is_empty() {
        // A space without data behind it breaks librelp's session.
        out.push(b' ');
        out.extend_from_slice(data);
    }
    out.push(b'\n');
}

/// The first frame of these bytes and its length; `None` as long as its end is missing. Bytes of any kind are
/// read without harm, and what is missing is bounded.
///
/// # Errors
/// [`FrameError`] when more bytes would not make it a frame.
pub(super) fn read(bytes: &[u8]) -> Result<Option<(Frame<'_>, usize)>, FrameError> {
    let mut rest = bytes;
    let Some(number) = take_number(&mut rest)? else { return Ok(None) };
    let Some(command) = take_command(&mut rest)? else { return Ok(None) };
    let Some((length, end)) = take_length(&mut rest)? else { return Ok(None) };
    if length > MOST_DATA {
        return Err(FrameError("a frame longer than any answer"));
    }
    if end == b'\n' {
        return match length {
            0 => Ok(Some((Frame { number, command, data: &[] }, bytes.len() - rest.len()))),
            _ => Err(FrameError("a frame without its data")),
        };
    }
    // Some write the space even where no data follows.
    let Some((data, behind)) = rest.split_at_checked(length) else { return Ok(None) };
    match behind.first() {
        None => Ok(None),
        Some(b'\n') => Ok(Some((Frame { number, command, data }, bytes.len() - behind.len() + 1))),
        Some(_) => Err(FrameError("a frame without a line feed at its end")),
    }
}

fn take_number(rest: &mut &[u8]) -> Result<Option<u32>, FrameError> {
    let Some((digits, end)) = take_word(rest, MOST_DIGITS, u8::is_ascii_digit)? else { return Ok(None) };
    if end != b' ' {
        return Err(FrameError("a transaction number without a command"));
    }
    digits.parse().map(Some).map_err(|_| FrameError("no transaction number"))
}

fn take_command<'a>(rest: &mut &'a [u8]) -> Result<Option<&'a str>, FrameError> {
    match take_word(rest, MOST_LETTERS, u8::is_ascii_alphabetic)? {
        Some((_, end)) if end != b' ' => Err(FrameError("a command without a length")),
        taken => Ok(taken.map(|(command, _)| command)),
    }
}

fn take_length(rest: &mut &[u8]) -> Result<Option<(usize, u8)>, FrameError> {
    let Some((digits, end)) = take_word(rest, MOST_DIGITS, u8::is_ascii_digit)? else { return Ok(None) };
    digits.parse().map(|length| Some((length, end))).map_err(|_| FrameError("no length"))
}

/// A word of at least one such byte and the space or line feed behind it.
fn take_word<'a>(
    rest: &mut &'a [u8],
    most: usize,
    is_part: fn(&u8) -> bool,
) -> Result<Option<(&'a str, u8)>, FrameError> {
    let Some(end) = rest.iter().take(most + 1).position(|byte| !is_part(byte)) else {
        return if rest.len() > most { Err(FrameError("a word without an end")) } else { Ok(None) };
    };
    let (word, behind) = rest.split_at(end);
    let Some((separator @ (b' ' | b'\n'), behind)) = behind.split_first() else {
        return Err(FrameError("something else than numbers and a command"));
    };
    *rest = behind;
    match std::str::from_utf8(word) {
        Ok(word) if !word.is_empty() => Ok(Some((word, *separator))),
        _ => Err(FrameError("an empty word")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(number: u32, command: &str, data: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        write(number, command, data, &mut out);
        out
    }

    #[test]
    fn a_frame_is_read_as_it_was_written() {
        for data in [&b""[..], b"200 OK", b"line\nline 7 rsp 0\n", &[0, 255, b'\n'], &[b'x'; MOST_DATA]] {
            for number in [0, 1, LAST_NUMBER] {
                let mut bytes = written(number, "syslog", data);
                let length = bytes.len();
                bytes.extend_from_slice(b"2 rsp");
                assert_eq!(read(&bytes), Ok(Some((Frame { number, command: "syslog", data }, length))));
            }
        }
    }

    #[test]
    fn a_frame_without_data_has_no_space_before_its_end() {
        assert_eq!(written(6, "close", b""), b"6 close 0\n");
        let closed = Frame { number: 0, command: "serverclose", data: b"" };
        assert_eq!(read(b"0 serverclose 0\n"), Ok(Some((closed, 16))));
        assert_eq!(read(b"0 serverclose 0 \n"), Ok(Some((closed, 17))), "some write one");
    }

    #[test]
    fn a_frame_split_anywhere_waits_for_its_end() {
        let bytes = written(123_456_789, "rsp", b"200 OK\nrelp_version=0\n");
        for end in 0..bytes.len() {
            assert_eq!(read(&bytes[..end]), Ok(None), "{end}");
        }
        assert!(read(&bytes).unwrap().is_some());
    }

    #[test]
    fn what_is_no_frame_is_refused_as_soon_as_it_shows() {
        for bytes in [
            &b"HTTP/1.1 400 Bad Request\r\n"[..],
            b"\x15\x03\x03\x00\x02\x02\x28",
            b"\n",
            b" rsp 6 200 OK\n",
            b"1234567890",
            b"1\nrsp",
            b"1 rsp\n",
            b"1 rsp x",
            b"1 r2p 6",
            b"1  6",
            b"1 rsp 6\n",
            b"1 rsp 6 200 OKx",
            b"1 rsp 131073 ",
            b"1 rsp 1234567890",
            b"-1 rsp 6 200 OK\n",
            &[b'a'; 40],
            &[b'1', b' ', b'a', b'a', 0xc3, 0xa4],
        ] {
            assert!(read(bytes).is_err(), "{bytes:?}");
        }
        let mut endless = b"1 ".to_vec();
        endless.resize(2 + MOST_LETTERS + 1, b'a');
        assert!(read(&endless).is_err());
    }

    #[test]
    fn any_bytes_are_read_without_harm() {
        let mut rng = fastrand::Rng::with_seed(7);
        let alphabet = b"0123456789  \n\nrspyloge\x00\xff";
        for _ in 0..200_000 {
            let length = rng.usize(..40);
            let bytes: Vec<u8> = (0..length).map(|_| alphabet[rng.usize(..alphabet.len())]).collect();
            if let Ok(Some((frame, end))) = read(&bytes) {
                assert!(end <= bytes.len() && frame.data.len() < end, "{bytes:?}");
            }
        }
    }
}
