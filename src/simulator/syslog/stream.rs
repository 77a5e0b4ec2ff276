//! Syslog over a byte stream (RFC 6587): each message tells by its first byte how it is framed.

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::{Inlet, MOST_MESSAGE, Treatment};

/// Digits of a message's length at most: what [`MOST_MESSAGE`] has.
const MOST_DIGITS: usize = 7;

/// Takes messages until the connection ends. What is incomplete then is dropped, as real receivers do.
pub(super) async fn serve(mut stream: TcpStream, mut inlet: Inlet) -> io::Result<()> {
    let mut arrived = BytesMut::new();
    loop {
        inlet.until_reading().await;
        if stream.read_buf(&mut arrived).await? == 0 {
            return Ok(());
        }
        while let Some(message) = next_message(&mut arrived)? {
            if matches!(inlet.take(&message).await, Treatment::Reset | Treatment::Serverclose) {
                // Closing a socket that does not linger sends a reset.
                return stream.set_zero_linger();
            }
        }
    }
}

/// The first message when it is complete: `LEN SP MSG` where a digit comes first, else a line.
fn next_message(arrived: &mut BytesMut) -> io::Result<Option<Bytes>> {
    if arrived.first().is_some_and(u8::is_ascii_digit) {
        return next_counted(arrived);
    }
    let Some(end) = arrived.iter().position(|byte| *byte == b'\n') else {
        return if arrived.len() > MOST_MESSAGE { Err(invalid("a line without an end")) } else { Ok(None) };
    };
    let mut line = arrived.split_to(end + 1);
    line.truncate(end);
    Ok(Some(line.freeze()))
}

fn next_counted(arrived: &mut BytesMut) -> io::Result<Option<Bytes>> {
    let Some(digits) = arrived.iter().take(MOST_DIGITS + 1).position(|byte| !byte.is_ascii_digit()) else {
        return if arrived.len() > MOST_DIGITS { Err(invalid("a length without an end")) } else { Ok(None) };
    };
    let length: Option<usize> =
        std::str::from_utf8(&arrived[..digits]).ok().and_then(|text| text.parse().ok());
    let length = length.filter(|length| *length <= MOST_MESSAGE).ok_or_else(|| invalid("too long"))?;
    if arrived[digits] != b' ' {
        return Err(invalid("a length without a space behind it"));
    }
    if arrived.len() < digits + 1 + length {
        return Ok(None);
    }
    let mut message = arrived.split_to(digits + 1 + length);
    Ok(Some(message.split_off(digits + 1).freeze()))
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_framings_may_take_turns_and_arrive_in_any_pieces() {
        let wire = b"5 <13>a<14>b\n11 <15>c\n16 <d<16>e\n";
        let messages = [&b"<13>a"[..], b"<14>b", b"<15>c\n16 <d", b"<16>e"];
        for size in 1..=wire.len() {
            let (mut arrived, mut found) = (BytesMut::new(), Vec::new());
            for piece in wire.chunks(size) {
                arrived.extend_from_slice(piece);
                while let Some(message) = next_message(&mut arrived).unwrap() {
                    found.push(message);
                }
            }
            assert_eq!(found, messages, "{size}");
        }
    }

    #[test]
    fn what_has_no_bound_is_refused() {
        for wire in [&b"12345678"[..], b"9999999 ", b"12<13>", &[b'<'; MOST_MESSAGE + 1]] {
            assert!(next_message(&mut BytesMut::from(wire)).is_err());
        }
    }
}
