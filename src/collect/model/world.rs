//! The provider of a timeline: events that become visible as time goes by, answered page by page.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::oneshot;

use super::timeline::Case;
use crate::collect::fetch::{Fetch, FetchError};
use crate::exchange::{Headers, Reply, Request};
use crate::provider::StreamSpec;

pub(super) const MINUTE: i64 = 60_000;
pub(super) const HOUR: i64 = 60 * MINUTE;
pub(super) const DAY: i64 = 24 * HOUR;

/// One event of the timeline; `copies` of it for rows that are equal.
#[derive(Debug, Clone)]
pub(super) struct Happening {
    pub(super) mark: String,
    pub(super) time: i64,
    pub(super) visible: i64,
    pub(super) copies: u32,
    /// Shares its provider's id with the event before.
    pub(super) shares_id: bool,
}

/// In which order rows come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowOrder {
    OldestFirst,
    NewestFirst,
    Arbitrary,
}

/// What the time filter means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    Documented,
    Seconds,
    Ignored,
    /// Bounds do not belong to the range.
    Exclusive,
}

/// What is odd about this provider.
#[derive(Debug, Clone, Copy)]
pub(super) struct Oddities {
    pub(super) order: RowOrder,
    pub(super) meaning: Meaning,
    /// Of 100 answers, so many are: the page before, cut short, no answer.
    pub(super) repeats: u32,
    pub(super) truncates: u32,
    pub(super) fails: u32,
    /// Of 100 requests, so many see a new event arrive before them.
    pub(super) arrivals: u32,
    /// The longest delay of a late event.
    pub(super) latest: i64,
}

pub(super) struct World {
    case: Case,
    pub(super) clock: Arc<AtomicI64>,
    state: Mutex<State>,
    pause: Mutex<Option<Pause>>,
}

/// A request that is answered when somebody has done something meanwhile.
pub(super) struct Pause {
    /// Requests before it.
    pub(super) after: u32,
    /// Told when it comes.
    pub(super) reached: oneshot::Sender<()>,
    /// It is answered then.
    pub(super) go_on: oneshot::Receiver<()>,
}

struct State {
    random: fastrand::Rng,
    happenings: Vec<Happening>,
    oddities: Oddities,
    last_answer: Option<String>,
}

impl World {
    pub(super) fn new(case: Case, random: fastrand::Rng, oddities: Oddities, now: i64) -> Self {
        let state = State { random, happenings: Vec::new(), oddities, last_answer: None };
        Self { case, clock: Arc::new(AtomicI64::new(now)), state: Mutex::new(state), pause: Mutex::default() }
    }

    pub(super) fn now(&self) -> i64 {
        self.clock.load(Ordering::Relaxed)
    }

    pub(super) fn advance(&self, by: i64) {
        self.clock.fetch_add(by, Ordering::Relaxed);
    }

    /// Something happens at about `time`, and shows then or a little later.
    pub(super) fn happen(&self, time: i64) {
        self.state.lock().unwrap().happen(self.case, time, i64::MIN);
    }

    /// Something that happened at about `time` shows only now.
    pub(super) fn happen_late(&self, time: i64) {
        self.state.lock().unwrap().happen(self.case, time, self.now());
    }

    /// Pauses at a request to come, or not any more.
    pub(super) fn pause(&self, pause: Option<Pause>) {
        *self.pause.lock().unwrap() = pause;
    }

    fn paused(&self) -> Option<Pause> {
        let mut pause = self.pause.lock().unwrap();
        match &mut *pause {
            Some(Pause { after: 0, .. }) => pause.take(),
            Some(Pause { after, .. }) => {
                *after -= 1;
                None
            }
            None => None,
        }
    }

    /// From now on nothing odd happens, and what is late becomes visible.
    pub(super) fn calm_down(&self) {
        let mut state = self.state.lock().unwrap();
        state.oddities.repeats = 0;
        state.oddities.truncates = 0;
        state.oddities.fails = 0;
        state.oddities.arrivals = 0;
        self.advance(state.oddities.latest + MINUTE);
    }

    /// When an event happened and showed, for the message of a failing test.
    pub(super) fn tell(&self, mark: &str) -> String {
        let state = self.state.lock().unwrap();
        let happening = state.happenings.iter().find(|happening| happening.mark == mark);
        happening.map_or_else(
            || format!("{mark} never happened"),
            |it| format!("{mark} happened {} and showed {}", stamp(it.time), stamp(it.visible)),
        )
    }

    pub(super) fn marks(&self) -> Vec<String> {
        let state = self.state.lock().unwrap();
        let marks = state
            .happenings
            .iter()
            .flat_map(|happening| std::iter::repeat_n(happening.mark.clone(), happening.copies as usize));
        marks.collect()
    }
}

impl State {
    fn happen(&mut self, case: Case, time: i64, seen: i64) {
        let random = &mut self.random;
        let mark = format!("m{}", self.happenings.len());
        let late = random.u32(..100) < 15;
        let delay = if late { random.i64(0..=self.oddities.latest) } else { 0 };
        // Brevo tells whole seconds.
        let time = if case == Case::Activities { time - time.rem_euclid(1000) } else { time };
        let same_instant = random.u32(..100) < 40;
        let near = |last: &&Happening| same_instant && (last.time - time).abs() < 10 * MINUTE;
        let same_instant = self.happenings.last().filter(near).map(|last| last.time);
        let time = same_instant.unwrap_or(time);
        let copies = match random.u32(..100) {
            _ if case != Case::Activities => 1,
            0..12 => random.u32(2..=3),
            // More than a page holds.
            12 => random.u32(5..=9),
            _ => 1,
        };
        // By a clock that is half a day ahead.
        let ahead = if same_instant.is_none() && random.u32(..100) < 4 { 12 * HOUR } else { 0 };
        let shares_id = case == Case::AuditLogs && same_instant.is_some();
        let visible = (time + delay).max(seen);
        let time = time + ahead;
        self.happenings.push(Happening { mark, time, visible, copies, shares_id });
    }

    fn rows(&self, now: i64) -> Vec<(i64, u64, usize)> {
        let mut rows = Vec::new();
        for (index, happening) in self.happenings.iter().enumerate() {
            if happening.visible <= now {
                for copy in 0..happening.copies {
                    // Equal rows stand together, unless the order is arbitrary.
                    let shuffled =
                        (index as u64 * 31 + u64::from(copy) + 7).wrapping_mul(0x9E37_79B9_7F4A_7C15);
                    rows.push((happening.time, shuffled >> 20, index));
                }
            }
        }
        match self.oddities.order {
            RowOrder::OldestFirst => rows.sort_by_key(|(time, _, index)| (*time, *index)),
            RowOrder::NewestFirst => rows.sort_by_key(|(time, _, index)| (-*time, *index)),
            RowOrder::Arbitrary => rows.sort_by_key(|(_, shuffled, _)| *shuffled),
        }
        rows
    }
}

fn parameter(request: &Request, name: &str) -> Option<String> {
    request.url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

fn stamp(millis: i64) -> String {
    format!("{:.3}", Timestamp::from_millisecond(millis).unwrap())
}

impl World {
    fn answer(&self, request: &Request) -> Result<String, FetchError> {
        let mut state = self.state.lock().unwrap();
        self.advance(state.random.i64(50..2_000));
        let now = self.now();
        if state.random.u32(..100) < state.oddities.arrivals {
            let time = now - state.random.i64(0..5_000);
            state.happen(self.case, time, now);
        }
        if state.random.u32(..100) < state.oddities.fails {
            return Err(FetchError::Unavailable { reason: "the model does not answer".to_owned() });
        }
        if state.random.u32(..100) < state.oddities.repeats
            && let Some(before) = state.last_answer.clone()
            && self.case == Case::Activities
            && parameter(request, "offset").as_deref() != Some("0")
        {
            return Ok(before);
        }
        let mut answer = match self.case {
            Case::Activities => self.activities(&state, request, now),
            _ => self.account_activity(&mut state, request, now),
        };
        if state.random.u32(..100) < state.oddities.truncates {
            answer.truncate(answer.len() / 2);
        }
        state.last_answer = Some(answer.clone());
        Ok(answer)
    }

    fn account_activity(&self, state: &mut State, request: &Request, now: i64) -> String {
        let limit: usize = parameter(request, "limit").unwrap().parse().unwrap();
        let (from, to) = self.range(state, request);
        let exclusive = i64::from(state.oddities.meaning == Meaning::Exclusive);
        let rows: Vec<_> = state
            .rows(now)
            .into_iter()
            .filter(|(time, ..)| from.is_none_or(|from| *time >= from.saturating_add(exclusive)))
            .filter(|(time, ..)| to.is_none_or(|to| *time <= to.saturating_sub(exclusive)))
            .collect();
        // The cursor names the last row, so that arrivals do not shift it.
        let begin = parameter(request, "after").map_or(0, |after| {
            let last: usize = after.parse().unwrap();
            rows.iter().position(|(.., index)| *index == last).map_or(rows.len(), |at| at + 1)
        });
        let page: Vec<_> = rows.iter().skip(begin).take(limit).collect();
        let results: Vec<String> = page.iter().map(|(.., index)| self.record(state, *index)).collect();
        let more = begin + page.len() < rows.len();
        let paging = match page.last() {
            Some((.., last)) if more => format!(r#","paging":{{"next":{{"after":"{last}","link":""}}}}"#),
            _ => [r#","paging":null"#, r#","paging":{"next":{"after":""}}"#, ""][state.random.usize(..3)]
                .to_owned(),
        };
        format!(r#"{{"results":[{}]{paging}}}"#, results.join(","))
    }

    fn range(&self, state: &State, request: &Request) -> (Option<i64>, Option<i64>) {
        let (from, to) = match self.case {
            Case::AuditLogs => (parameter(request, "occurredAfter"), parameter(request, "occurredBefore")),
            _ => (parameter(request, "fromTimestamp"), parameter(request, "toTimestamp")),
        };
        let instant = |text: String| match text.parse::<i64>() {
            Ok(number) if state.oddities.meaning == Meaning::Seconds => number.saturating_mul(1000),
            Ok(number) => number,
            Err(_) => text.parse::<Timestamp>().unwrap().as_millisecond(),
        };
        match state.oddities.meaning {
            Meaning::Ignored => (None, None),
            _ if self.case == Case::Login => (None, None),
            _ => (from.map(instant), to.map(instant)),
        }
    }

    fn activities(&self, state: &State, request: &Request, now: i64) -> String {
        let day = |name: &str| -> i64 {
            let date: jiff::civil::Date =
                parameter(request, name).expect("both dates, always").parse().unwrap();
            date.to_zoned(TimeZone::UTC).unwrap().timestamp().as_millisecond()
        };
        let (first, last) = (day("startDate"), day("endDate"));
        assert!(last <= now, "no day that has not begun");
        assert!(first <= last && last - first <= 30 * DAY, "no more than a month");
        let limit: usize = parameter(request, "limit").unwrap().parse().unwrap();
        let offset: usize = parameter(request, "offset").unwrap().parse().unwrap();
        let end = if state.oddities.meaning == Meaning::Exclusive { last } else { last + DAY };
        let rows = state.rows(now).into_iter().filter(|(time, ..)| (first..end).contains(time));
        let logs: Vec<String> =
            rows.skip(offset).take(limit).map(|(.., index)| self.record(state, index)).collect();
        if logs.is_empty() { "{}".to_owned() } else { format!(r#"{{"logs":[{}]}}"#, logs.join(",")) }
    }

    /// The record, in one of the forms that mean the same.
    fn record(&self, state: &State, index: usize) -> String {
        let Happening { mark, time, shares_id, .. } = &state.happenings[index];
        let at = stamp(*time);
        let other_form = (self.now() / 7) % 2 == 0;
        let id = if *shares_id { index - 1 } else { index };
        match self.case {
            Case::AuditLogs if other_form => format!(
                r#"{{"occurredAt":"{at}","id":"i{id}","action":"UPDATE","category":"CONTENT","subCategory":"{mark}","actingUser":{{"userId":"7"}},"targetObjectId":"1"}}"#
            ),
            Case::AuditLogs => format!(
                r#"{{ "id": "i{id}", "category":"CONTENT", "subCategory":"{mark}","action":"UPDATE","targetObjectId":"1","occurredAt":"{at}","actingUser":{{"userId":7}}}}"#
            ),
            Case::Login => format!(
                r#"{{"id":"{index}","loginAt":"{at}","email":"{mark}","loginSucceeded":true{}}}"#,
                if other_form { r#","location":"somewhere""# } else { "" }
            ),
            Case::Security => format!(
                r#"{{"id":{},"createdAt":"{at}","type":"ADD_USER","userId":1,"objectId":"{mark}","infoUrl":null}}"#,
                if other_form { format!("\"{index}\"") } else { index.to_string() }
            ),
            Case::Activities => {
                let plain = Timestamp::from_millisecond(*time).unwrap();
                let zone = jiff::tz::Offset::from_seconds(19_800).unwrap().to_time_zone();
                let date = if other_form {
                    plain.to_zoned(zone).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
                } else {
                    plain.to_string()
                };
                format!(
                    r#"{{"action":"login-success","date":"{date}","user_email":"a@b.c","user_ip":"192.0.2.1","user_agent":"{mark}"}}"#
                )
            }
        }
    }
}

impl Fetch for World {
    async fn fetch(&self, _stream: &'static StreamSpec, request: Request) -> Result<Reply, FetchError> {
        // Let the other side of a walk run, as a network would.
        tokio::task::yield_now().await;
        if let Some(Pause { reached, go_on, .. }) = self.paused() {
            reached.send(()).unwrap();
            go_on.await.unwrap();
        }
        let body = Bytes::from(self.answer(&request)?);
        Ok(Reply { status: 200, headers: Headers::default(), body, elapsed: Duration::ZERO })
    }

    fn provider_time(&self, now: Timestamp) -> Timestamp {
        now
    }
}
