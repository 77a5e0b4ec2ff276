//! How messages are told apart on a stream (RFC 6587 section 3.4), and which ones can't be sent at all.

use std::borrow::Cow;
use std::io::Write as _;

use crate::config::Framing;
use crate::sink::{Batch, Outcome, Verdict};

/// `65535 `: what octet counting adds to most messages, at most.
const USUAL_PREFIX: usize = 6;

/// A batch as it goes over a stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frames<'a> {
    /// All frames, one after the other.
    pub(super) bytes: Cow<'a, [u8]>,
    /// The messages that are not among them.
    pub(super) refused: Refusals,
}

/// The messages of a batch that can't be sent, by index, in order, and why.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Refusals(Vec<(usize, String)>);

impl Refusals {
    /// Adds the message at this index, behind those before it.
    pub(super) fn push(&mut self, index: usize, reason: String) {
        self.0.push((index, reason));
    }

    /// What became of a batch of `len` events whose other messages the receiver has.
    pub(super) fn outcome(self, len: usize) -> Outcome {
        if self.0.is_empty() {
            return Outcome::Accepted;
        }
        let mut verdicts = vec![Verdict::Accepted; len];
        for (index, reason) in self.0 {
            if let Some(verdict) = verdicts.get_mut(index) {
                *verdict = Verdict::Refused(reason);
            }
        }
        Outcome::Each(verdicts)
    }
}

/// The batch in frames, without the messages that are longer than `max_message_size` bytes or can't be framed.
pub(super) fn frames(framing: Framing, max_message_size: usize, batch: &Batch) -> Frames<'_> {
    let mut refused = Refusals::default();
    for index in 0..batch.len() {
        if let Some(reason) = refusal(framing, max_message_size, batch.line(index)) {
            refused.push(index, reason);
        }
    }
    // Every message has its line feed already.
    if framing == Framing::Newline && refused.0.is_empty() {
        return Frames { bytes: Cow::Borrowed(&batch.lines), refused };
    }
    let mut bytes = Vec::with_capacity(batch.lines.len() + USUAL_PREFIX * batch.len());
    let mut left_out = refused.0.iter().map(|(index, _)| *index).peekable();
    for index in 0..batch.len() {
        if left_out.next_if_eq(&index).is_none() {
            push_frame(framing, batch.line(index), &mut bytes);
        }
    }
    Frames { bytes: Cow::Owned(bytes), refused }
}

/// Why a message of this length is not sent, if so.
pub(super) fn too_long(message: &[u8], max_message_size: usize) -> Option<String> {
    let size = message.len();
    (size > max_message_size).then(|| {
        format!(
            "the message has {size} bytes, max_message_size allows {max_message_size}; raise it as far as the \
             receiver takes messages whole"
        )
    })
}

fn refusal(framing: Framing, max_message_size: usize, message: &[u8]) -> Option<String> {
    // No encoder writes one; a receiver would make two messages of it.
    let is_cut = || framing == Framing::Newline && message.contains(&b'\n');
    too_long(message, max_message_size).or_else(|| {
        is_cut()
            .then(|| "the message holds a line feed: only framing = \"octet_counting\" carries it".to_owned())
    })
}

fn push_frame(framing: Framing, message: &[u8], bytes: &mut Vec<u8>) {
    if framing == Framing::OctetCounting {
        // Writing into memory can't fail.
        let _ = write!(bytes, "{} ", message.len());
    }
    bytes.extend_from_slice(message);
    if framing == Framing::Newline {
        bytes.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::syslog::testing::batch;

    #[test]
    fn messages_are_counted_or_end_with_a_line_feed() {
        let batch = batch(&["<109>1 a", "", "<109>1 long"]);
        let framed = |framing| frames(framing, 100, &batch);
        assert_eq!(&*framed(Framing::OctetCounting).bytes, b"8 <109>1 a0 11 <109>1 long");
        assert_eq!(&*framed(Framing::Newline).bytes, b"<109>1 a\n\n<109>1 long\n");
        assert_eq!(framed(Framing::Newline).refused.outcome(3), Outcome::Accepted);
    }

    #[test]
    fn a_message_that_is_too_long_stays_behind_and_the_others_go() {
        for (framing, bytes) in
            [(Framing::OctetCounting, &b"4 four4 more"[..]), (Framing::Newline, b"four\nmore\n")]
        {
            let batch = batch(&["four", "fives", "more"]);
            let frames = frames(framing, 4, &batch);
            assert_eq!(&*frames.bytes, bytes);
            let Outcome::Each(verdicts) = frames.refused.outcome(3) else { panic!("a verdict for each") };
            assert_eq!((&verdicts[0], &verdicts[2]), (&Verdict::Accepted, &Verdict::Accepted));
            assert!(matches!(&verdicts[1], Verdict::Refused(reason) if reason.contains("max_message_size")));
        }
    }

    #[test]
    fn a_line_feed_within_a_message_goes_by_count_alone() {
        let batch = batch(&["two\nlines"]);
        assert_eq!(&*frames(Framing::OctetCounting, 100, &batch).bytes, b"9 two\nlines");
        let newline = frames(Framing::Newline, 100, &batch);
        assert!(newline.bytes.is_empty());
        let Outcome::Each(verdicts) = newline.refused.outcome(1) else { panic!("a verdict for each") };
        assert!(matches!(&verdicts[0], Verdict::Refused(reason) if reason.contains("line feed")));
    }
}
