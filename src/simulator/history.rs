//! What happened before the simulator started: working days, weekends, and the stories.

use std::time::Duration;

use super::actions::Action;
use super::endpoint::Stream;
use super::faults::Faults;
use super::people::{Origin, Person};
use super::stories;
use super::timeline::{Echo, Timeline, same_audit_event};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
/// With fewer events than this the stories would be half of the history.
const LEAST_FOR_STORIES: usize = 500;
/// Of all activity, this part of a hundred is spread over the whole day and week.
const ODD_HOURS_PERCENT: u32 = 8;

/// How much happened, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Past<'a> {
    /// Events over all streams.
    pub events: usize,
    /// The events happened within this time …
    pub span: Duration,
    /// … before this instant.
    pub end_ms: i64,
    /// Parts of audit logs, login, security and activities, in any unit.
    pub shares: [f64; 4],
    /// The switches that shape events.
    pub faults: &'a Faults,
}

impl Past<'_> {
    /// Writes it into a timeline: exactly `events` events.
    pub(crate) fn write(&self, timeline: &mut Timeline, rng: &mut fastrand::Rng) {
        let mut counts = split(self.events, self.shares);
        let mut plots: [Vec<(i64, Action)>; 4] = Default::default();
        if self.events >= LEAST_FOR_STORIES {
            self.tell_stories(&mut plots, rng);
        }
        for stream in [Stream::Login, Stream::Security, Stream::Activities] {
            let of_stories = &mut plots[stream.index()];
            of_stories.truncate(counts[stream.index()]);
            let count = counts[stream.index()] - of_stories.len();
            let mut rows = self.ordinary(stream, count, rng);
            rows.append(of_stories);
            rows.sort_by_key(|(time_ms, _)| *time_ms);
            plots[stream.index()] = rows;
        }
        let mut mirrors: Vec<(i64, Action)> = Vec::new();
        for stream in [Stream::Security, Stream::Login] {
            let facts = plots[stream.index()].iter();
            mirrors.extend(facts.filter_map(|(time_ms, action)| Some((*time_ms, action.mirror(stream)?))));
        }
        let audit = &mut counts[Stream::AuditLogs.index()];
        mirrors.truncate(*audit);
        let mut rows = self.ordinary(Stream::AuditLogs, *audit - mirrors.len(), rng);
        rows.append(&mut mirrors);
        rows.sort_by_key(|(time_ms, _)| *time_ms);
        tell_apart(&mut rows, rng);
        plots[Stream::AuditLogs.index()] = rows;
        for (stream, rows) in Stream::ALL.into_iter().zip(plots) {
            timeline.set_history(stream, rows);
        }
    }

    fn span_ms(&self) -> i64 {
        i64::try_from(self.span.as_millis()).unwrap_or(i64::MAX / 4).max(1)
    }

    fn ordinary(&self, stream: Stream, count: usize, rng: &mut fastrand::Rng) -> Vec<(i64, Action)> {
        let mut rows: Vec<(i64, Action)> = (0..count)
            .map(|_| {
                let action = Action::ordinary(stream, rng);
                (self.working_instant(action.person(), rng), action)
            })
            .collect();
        rows.sort_by_key(|(time_ms, _)| *time_ms);
        let mut at = 1;
        while at < rows.len() {
            let echo = Echo::draw(stream, self.faults, rng);
            rows[at] = echo.apply(rows[at - 1], rows[at]);
            // The sibling of a sibling could be the first again.
            at += if echo == Echo::SharedId { 2 } else { 1 };
        }
        rows
    }

    /// An instant within the span, mostly in somebody's working hours.
    fn working_instant(&self, person: Person, rng: &mut fastrand::Rng) -> i64 {
        let start = self.end_ms - self.span_ms();
        let any = rng.i64(start..self.end_ms);
        if self.span_ms() < 2 * DAY_MS || rng.u32(..100) < ODD_HOURS_PERCENT {
            return any;
        }
        let mut day = any.div_euclid(DAY_MS);
        // 1970-01-01 was a Thursday: days 2 and 3 of each seven are the weekend. Work moves to Monday.
        day += match day.rem_euclid(7) {
            2 => 2,
            3 => 1,
            _ => 0,
        };
        // Two dice make noon likelier than the edges of eight to eighteen.
        let in_day = 8 * HOUR_MS + rng.i64(0..5 * HOUR_MS) + rng.i64(0..5 * HOUR_MS);
        let offset = person.place(Origin::Home).utc_offset_minutes * MINUTE_MS;
        let instant = day * DAY_MS + in_day - offset;
        if (start..self.end_ms).contains(&instant) { instant } else { any }
    }

    /// The stories fall into the last fifth of the span, one after the other.
    fn tell_stories(&self, plots: &mut [Vec<(i64, Action)>; 4], rng: &mut fastrand::Rng) {
        let all = stories::all(rng);
        let count = i64::try_from(all.len()).unwrap_or(1);
        for (number, (hour, story)) in (1i64..).zip(all) {
            let rough = self.end_ms - self.span_ms() / 5 / count * (count + 1 - number);
            let begin = rough.div_euclid(DAY_MS) * DAY_MS + hour * HOUR_MS;
            let length = story.last().map_or(0, |step| step.after_ms);
            let earliest = self.end_ms - self.span_ms();
            let begin = begin.min(self.end_ms - length - 1).max(earliest);
            for step in story {
                let time_ms = (begin + step.after_ms).min(self.end_ms - 1);
                plots[step.stream.index()].push((time_ms, step.action));
            }
        }
    }
}

/// Splits a number by shares; what rounding leaves goes to the audit logs.
pub(crate) fn split(events: usize, shares: [f64; 4]) -> [usize; 4] {
    let sum: f64 = shares.iter().sum();
    let mut counts = [0; 4];
    let mut left = events;
    for index in 1..4 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a share of a count; a rounding error moves one event to another stream"
        )]
        let part = (events as f64 * shares[index] / sum) as usize;
        counts[index] = part.min(left);
        left -= counts[index];
    }
    counts[0] = left;
    counts
}

/// Two audit log events that agree in everything would be one event for every reader: the second of
/// each such pair becomes another.
fn tell_apart(rows: &mut [(i64, Action)], rng: &mut fastrand::Rng) {
    for at in 1..rows.len() {
        let (before, rest) = rows.split_at_mut(at);
        let (time_ms, action) = &mut rest[0];
        let twin = |action: &Action| {
            let neighbours = before.iter().rev().take_while(|(other_ms, _)| other_ms == time_ms);
            neighbours.into_iter().any(|(_, other)| same_audit_event(other, action))
        };
        while twin(action) {
            *action = Action::ordinary(Stream::AuditLogs, rng);
        }
    }
}
