//! What was accepted lately: the part that a receiver which hung may never have read.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// What came longer before the last frames has been read, or is lost: a receiver that hangs is helped by then,
/// or its buffer is full and takes nothing more.
const LONGEST_BEFORE_LAST: Duration = Duration::from_secs(300);

/// As much again as a batch: what a break doubles at most.
const MOST_BYTES: usize = 1024 * 1024;

/// The frames that were accepted on a connection, the last of them at least. A connection that breaks (RST, or
/// silence) has them sent again, one that is closed (FIN) proves that they were read.
#[derive(Debug, Default)]
pub(super) struct Tail {
    accepted: VecDeque<(Instant, Vec<u8>)>,
    bytes: usize,
}

impl Tail {
    /// Adds frames that were accepted just now, and forgets what is too old or too much.
    pub(super) fn push(&mut self, frames: Vec<u8>) {
        let now = Instant::now();
        self.bytes += frames.len();
        self.accepted.push_back((now, frames));
        while self.accepted.len() > 1
            && let Some((when, oldest)) = self.accepted.front()
            && (self.bytes > MOST_BYTES || *when + LONGEST_BEFORE_LAST < now)
        {
            self.bytes -= oldest.len();
            self.accepted.pop_front();
        }
    }

    /// Forgets the older half.
    pub(super) fn halve(&mut self) {
        let half = self.bytes / 2;
        while self.bytes > half
            && let Some((_, oldest)) = self.accepted.pop_front()
        {
            self.bytes -= oldest.len();
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Bytes of all frames in it.
    pub(super) fn len(&self) -> usize {
        self.bytes
    }

    /// The frames, the oldest first.
    pub(super) fn frames(&self) -> impl Iterator<Item = &[u8]> {
        self.accepted.iter().map(|(_, frames)| frames.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(tail: &Tail) -> Vec<usize> {
        assert_eq!(tail.frames().map(<[u8]>::len).sum::<usize>(), tail.len());
        tail.frames().map(<[u8]>::len).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_tail_holds_the_last_minutes_before_the_last_frames() {
        let mut tail = Tail::default();
        for length in [1, 2, 3] {
            tail.push(vec![0; length]);
            tokio::time::advance(Duration::from_secs(125)).await;
        }
        assert_eq!(all(&tail), [1, 2, 3]);
        tokio::time::advance(Duration::from_secs(1_000)).await;
        assert_eq!(all(&tail), [1, 2, 3], "nobody knows when the connection broke");
        tail.push(vec![0; 4]);
        assert_eq!(all(&tail), [4]);
        tail.clear();
        assert_eq!((tail.frames().count(), tail.len()), (0, 0));
    }

    #[test]
    fn a_tail_that_does_not_get_through_becomes_shorter_until_nothing_is_left() {
        let mut tail = Tail::default();
        for length in [4, 4, 4, 4] {
            tail.push(vec![0; length]);
        }
        for expected in [vec![4, 4], vec![4], vec![], vec![]] {
            tail.halve();
            assert_eq!(all(&tail), expected);
        }
    }

    #[test]
    fn a_tail_is_bounded_but_for_its_last_frames() {
        let mut tail = Tail::default();
        for length in [MOST_BYTES / 2, MOST_BYTES / 2, 1] {
            tail.push(vec![0; length]);
        }
        assert_eq!(all(&tail), [MOST_BYTES / 2, 1]);
        tail.push(vec![0; 2 * MOST_BYTES]);
        assert_eq!(all(&tail), [2 * MOST_BYTES]);
    }
}
