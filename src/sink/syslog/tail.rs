//! What was accepted on a connection: the part that a receiver which hung may never have read.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// How long frames are kept without a proof that they were read.
const LONGEST: Duration = Duration::from_secs(300);

/// And how many bytes of them, about: what a break doubles at most, with the batch on its way.
const MOST_BYTES: usize = 1024 * 1024;

/// The frames that were accepted on a connection. A connection that breaks (RST, or silence) has them sent again,
/// one that is closed (FIN) proves that they were read.
#[derive(Debug, Default)]
pub(super) struct Tail {
    accepted: VecDeque<(Instant, Vec<u8>)>,
    bytes: usize,
}

impl Tail {
    /// Adds frames that were accepted just now.
    pub(super) fn push(&mut self, frames: Vec<u8>) {
        self.bytes += frames.len();
        self.accepted.push_back((Instant::now(), frames));
    }

    /// Whether it is time to find out that the frames were read.
    pub(super) fn wants_proof(&self) -> bool {
        let is_old = self.accepted.front().is_some_and(|(when, _)| when.elapsed() >= LONGEST);
        is_old || self.bytes >= MOST_BYTES
    }

    /// Where there is no proof to be had: forgets what is too old or too much, but for the last frames.
    pub(super) fn trim(&mut self) {
        let last = self.accepted.back().map(|(when, _)| *when);
        while self.accepted.len() > 1
            && let Some((when, oldest)) = self.accepted.front()
            && (self.bytes > MOST_BYTES || last.is_some_and(|last| *when + LONGEST < last))
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
    async fn a_tail_wants_proof_when_it_is_old_or_long() {
        let mut tail = Tail::default();
        assert!(!tail.wants_proof());
        tail.push(vec![0; 1]);
        assert!(!tail.wants_proof());
        tokio::time::advance(LONGEST).await;
        assert!(tail.wants_proof());
        tail.clear();
        assert!(!tail.wants_proof());
        tail.push(vec![0; MOST_BYTES]);
        assert!(tail.wants_proof());
    }

    #[tokio::test(start_paused = true)]
    async fn a_trimmed_tail_holds_the_last_minutes_before_the_last_frames() {
        let mut tail = Tail::default();
        for length in [1, 2, 3] {
            tail.push(vec![0; length]);
            tokio::time::advance(Duration::from_secs(125)).await;
        }
        tokio::time::advance(Duration::from_secs(1_000)).await;
        tail.trim();
        assert_eq!(all(&tail), [1, 2, 3], "nobody knows when the connection broke");
        tail.push(vec![0; 4]);
        tail.trim();
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
    fn a_trimmed_tail_is_bounded_but_for_its_last_frames() {
        let mut tail = Tail::default();
        for length in [MOST_BYTES / 2, MOST_BYTES / 2, 1] {
            tail.push(vec![0; length]);
        }
        tail.trim();
        assert_eq!(all(&tail), [MOST_BYTES / 2, 1]);
        tail.push(vec![0; 2 * MOST_BYTES]);
        tail.trim();
        assert_eq!(all(&tail), [2 * MOST_BYTES]);
    }
}
