//! What happens while the simulator runs: events at a rate, every now and then a story.

use std::collections::VecDeque;

use super::actions::Action;
use super::endpoint::Stream;
use super::faults::Faults;
use super::stories;
use super::timeline::{Echo, Timeline};

/// One story in so many live events, so that a demo of some seconds tells one.
const STORY_EVERY: u64 = 150;
/// The first story begins after so many live events.
const FIRST_STORY: u64 = 20;
/// Events made at one go; a clock that jumps over years does not fill the memory.
const MOST_AT_ONCE: u64 = 1_000_000;
/// Events a second; more than any reader takes.
const HIGHEST_RATE: f64 = 100_000.0;

/// Makes live events.
#[derive(Debug)]
pub(crate) struct Arrivals {
    per_second: f64,
    /// Since when the rate holds.
    since_ms: i64,
    /// Made since then.
    made: u64,
    /// Made since the start of the simulator.
    total: u64,
    /// A story begins when `total` gets there.
    next_story: u64,
    shares: [f64; 4],
    waiting: VecDeque<(Stream, Action)>,
    last: [Option<(i64, Action)>; 4],
}

impl Arrivals {
    /// Events at this rate from `now_ms` on.
    pub(crate) fn new(per_second: f64, shares: [f64; 4], now_ms: i64) -> Self {
        Self {
            per_second: clamp(per_second),
            since_ms: now_ms,
            made: 0,
            total: 0,
            next_story: FIRST_STORY,
            shares,
            waiting: VecDeque::new(),
            last: [None; 4],
        }
    }

    /// Another rate from `now_ms` on; zero pauses.
    pub(crate) fn set_rate(&mut self, per_second: f64, now_ms: i64) {
        self.per_second = clamp(per_second);
        self.since_ms = now_ms;
        self.made = 0;
    }

    /// Events a second.
    pub(crate) fn rate(&self) -> f64 {
        self.per_second
    }

    /// Makes what is due by `now_ms`.
    pub(crate) fn advance(
        &mut self,
        now_ms: i64,
        timeline: &mut Timeline,
        faults: &Faults,
        rng: &mut fastrand::Rng,
    ) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "milliseconds and counts far below 2^53; negative saturates to zero"
        )]
        let due = ((now_ms - self.since_ms) as f64 * self.per_second / 1_000.0) as u64;
        let until = due.min(self.made + MOST_AT_ONCE);
        while self.made < until {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_precision_loss,
                reason = "milliseconds far below 2^53"
            )]
            let time_ms = self.since_ms + (self.made as f64 * 1_000.0 / self.per_second) as i64;
            let added = self.next(time_ms.min(now_ms), timeline, faults, rng);
            self.made += added;
            self.total += added;
        }
        if until < due {
            self.set_rate(self.per_second, now_ms);
        }
    }

    /// One event, and its copy in the audit log where it has one. Says how many were added.
    fn next(
        &mut self,
        time_ms: i64,
        timeline: &mut Timeline,
        faults: &Faults,
        rng: &mut fastrand::Rng,
    ) -> u64 {
        if self.total >= self.next_story {
            let all = stories::all(rng);
            let number = usize::try_from(self.next_story / STORY_EVERY).unwrap_or_default() % all.len();
            let story = all.into_iter().nth(number).map(|(_, story)| story).unwrap_or_default();
            self.next_story += STORY_EVERY;
            self.waiting.extend(story.into_iter().map(|step| (step.stream, step.action)));
        }
        let (stream, action) = match self.waiting.pop_front() {
            Some(step) => step,
            None => {
                let stream = self.pick(rng);
                (stream, Action::ordinary(stream, rng))
            }
        };
        self.add(stream, (time_ms, action), timeline, faults, rng)
    }

    /// Adds an event now, shaped by the switches, and its copy in the audit log.
    pub(crate) fn add(
        &mut self,
        stream: Stream,
        event: (i64, Action),
        timeline: &mut Timeline,
        faults: &Faults,
        rng: &mut fastrand::Rng,
    ) -> u64 {
        let last = &mut self.last[stream.index()];
        // An equal row or a shared id only right behind its model: later it would come from the past.
        let near = last.filter(|(before_ms, _)| event.0 - before_ms < 1_000);
        let (time_ms, action) = match near {
            Some(before) => Echo::draw(stream, faults, rng).apply(before, event),
            None => event,
        };
        *last = Some((time_ms, action));
        let late = rng.f64() < faults.late.share;
        let visible_ms = event.0 + if late { faults.late.delay_ms.max(0) } else { 0 };
        timeline.push(stream, time_ms, visible_ms, action);
        let Some(copy) = action.mirror(stream) else { return 1 };
        timeline.push(Stream::AuditLogs, time_ms, visible_ms, copy);
        2
    }

    /// Which stream is next. Logins and security actions bring their copies along, so audit logs are
    /// picked the less often.
    fn pick(&self, rng: &mut fastrand::Rng) -> Stream {
        let [audit, login, security, activities] = self.shares;
        let weights = [(audit - login - security).max(0.0), login, security, activities];
        let mut at = rng.f64() * weights.iter().sum::<f64>();
        for (stream, weight) in Stream::ALL.into_iter().zip(weights) {
            if at < weight {
                return stream;
            }
            at -= weight;
        }
        Stream::Activities
    }
}

fn clamp(per_second: f64) -> f64 {
    if per_second.is_finite() { per_second.clamp(0.0, HIGHEST_RATE) } else { 0.0 }
}
