//! Which ranges of time to ask for, one after the other. Pure arithmetic.

use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::provider::TimeRange;

/// The first length of a window; then doubled where little comes back, halved where much does.
const DAY: Duration = Duration::from_secs(86_400);
/// No window is longer: a walk that fails late should not cost a year's re-reading.
const LONGEST: Duration = Duration::from_secs(32 * 86_400);
/// No window is shorter: 2,000,000 events in a minute is not an audit log.
const SHORTEST: Duration = Duration::from_secs(60);
/// Windows overlap by this much: whether `occurredBefore` is inclusive is not documented.
pub(super) const SEAM: Duration = Duration::from_secs(1);

/// A range to ask for and what a complete walk of it proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    /// What is asked.
    pub(super) range: TimeRange,
    /// The part of it that the provider must show, whatever its ends mean.
    pub(super) core: (Timestamp, Timestamp),
    /// Complete up to here afterwards; `None` when the window is open: up to the time of its first page.
    pub(super) complete_to: Option<Timestamp>,
}

/// The length of the next window, learnt from the last one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stride(Duration);

impl Stride {
    /// A day.
    pub(super) fn new() -> Self {
        Self(DAY)
    }

    /// After a complete window of so many pages.
    pub(super) fn learn(&mut self, pages: u64) {
        match pages {
            0..=2 => self.0 = (self.0 * 2).min(LONGEST),
            50.. => self.0 = (self.0 / 2).max(SHORTEST),
            _ => {}
        }
    }

    /// After a window that could not be read to its end. False when it cannot get any shorter.
    pub(super) fn shrink(&mut self) -> bool {
        let shorter = (self.0 / 2).max(SHORTEST);
        let shrunk = shorter < self.0;
        self.0 = shorter;
        shrunk
    }
}

/// The next window of a filter by instants: from `from`, and `stride` beyond what is complete already.
/// Open when that reaches `now`.
pub(super) fn instants(
    from: Timestamp,
    complete: Option<Timestamp>,
    now: Timestamp,
    stride: Stride,
) -> Window {
    let known = complete.map_or(from, |complete| complete.max(from));
    let to = later(known, stride.0);
    if to >= now {
        return Window { range: TimeRange { from, to: None }, core: (from, now), complete_to: None };
    }
    Window {
        range: TimeRange { from, to: Some(to) },
        core: (from, earlier(to, SEAM)),
        complete_to: Some(earlier(to, SEAM)),
    }
}

/// The next window of a filter by UTC days. `most` calendar days are asked at most, the first of them a day
/// before `from` (the provider's day may not be ours), the last never after `today`. The step is two days
/// shorter than the window, since whether the last day counts is not documented.
pub(super) fn days(from: Timestamp, today: Date, oldest: Date, most: i32) -> Window {
    let first = utc_day(from).saturating_sub(1.day()).max(oldest).min(today);
    let last = first.saturating_add((most - 1).days()).min(today);
    let range = TimeRange { from: midnight(first), to: Some(midnight(last)) };
    // The edges of what is asked prove nothing: a day may begin up to 14 hours earlier or later elsewhere.
    let core = (midnight(first.saturating_add(1.day())), midnight(last));
    let complete_to = (last < today).then(|| midnight(last));
    Window { range, core, complete_to }
}

/// The UTC day of an instant.
pub(super) fn utc_day(instant: Timestamp) -> Date {
    instant.to_zoned(TimeZone::UTC).date()
}

/// The start of a UTC day.
pub(super) fn midnight(day: Date) -> Timestamp {
    day.to_zoned(TimeZone::UTC).map_or(Timestamp::MIN, |zoned| zoned.timestamp())
}

/// `instant - by`, stopping at the beginning of time.
pub(super) fn earlier(instant: Timestamp, by: Duration) -> Timestamp {
    instant.checked_sub(by).unwrap_or(Timestamp::MIN)
}

/// `instant + by`, stopping at the end of time.
pub(super) fn later(instant: Timestamp, by: Duration) -> Timestamp {
    instant.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn windows_meet_without_a_hole_and_the_last_is_open() {
        let now = at("2026-11-22T12:00:00Z");
        let mut from = at("2026-08-24T12:00:00Z");
        let mut stride = Stride::new();
        let mut windows = 0;
        loop {
            let window = instants(from, Some(from), now, stride);
            windows += 1;
            assert_eq!(window.range.from, from);
            let Some(complete) = window.complete_to else { break };
            assert!(complete < window.range.to.unwrap() && complete > from);
            from = complete;
            stride.learn(1);
        }
        assert_eq!(windows, 7, "an empty quarter costs 1 + 2 + 4 + … days");
    }

    #[test]
    fn what_is_complete_already_is_read_again_in_one_window() {
        let now = at("2026-11-22T12:00:00Z");
        let window =
            instants(at("2026-10-01T00:00:00Z"), Some(at("2026-11-22T11:59:00Z")), now, Stride::new());
        assert_eq!(window.range, TimeRange { from: at("2026-10-01T00:00:00Z"), to: None });
    }

    #[test]
    fn a_year_of_days_takes_few_queries_none_too_long_none_in_the_future() {
        let now = at("2026-11-22T00:00:05Z");
        let today = utc_day(now);
        let oldest = today.saturating_sub(12.months());
        let mut from = midnight(oldest);
        let mut windows = Vec::new();
        loop {
            let window = days(from, today, oldest, 28);
            windows.push((utc_day(window.range.from), utc_day(window.range.to.unwrap())));
            let Some(complete) = window.complete_to else { break };
            assert!(complete > from);
            from = complete;
        }
        assert_eq!(windows.first().unwrap().0, oldest);
        assert_eq!(windows.last().unwrap().1, today);
        for (first, last) in &windows {
            assert!(first.until(*last).unwrap().get_days() <= 27 && *last <= today);
        }
        for pair in windows.windows(2) {
            assert!(pair[1].0 <= pair[0].1.yesterday().unwrap(), "neighbours share two days");
        }
        assert_eq!(windows.len(), 14);
    }
}
