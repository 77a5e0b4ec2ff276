//! The status for people.

use jiff::Timestamp;

use crate::cli::check::columns;
use crate::observe::human;
use crate::observe::{
    Collected, GapStatus, SinkCondition, SinkStatus, Status, StreamCondition, StreamStatus,
};

/// What is not known.
const NONE: &str = "-";

/// One line of the whole, a table each of streams, sinks and gaps, the spool, and what to do.
pub(super) fn show(status: &Status) -> String {
    let mut text = headline(status);
    let streams = status.streams.iter().map(|stream| stream_row(stream, status.at));
    let head = [
        "stream",
        "state",
        "events",
        "last hour",
        "newest event",
        "last success",
        "lag",
        "provider forgets in",
    ];
    text += &columns(head, streams.collect());
    let sinks = status.sinks.iter().map(|sink| sink_row(sink, status.at));
    let head = ["sink", "state", "for", "delivered", "waiting", "oldest waiting", "dead letters"];
    text += &columns(head, sinks.collect());
    let spool = &status.spool;
    text += &format!("\nspool: {} of {}", human::bytes(spool.used_bytes), human::bytes(spool.max_bytes));
    text += if spool.full { ", full: polling pauses\n" } else { "\n" };
    if !status.gaps.is_empty() {
        let gaps = status.gaps.iter().map(gap_row);
        text += &columns(["can't be collected any more", "from", "to"], gaps.collect());
    }
    for problem in &status.problems {
        text += &format!("\n! {}\n  {}\n", problem.line(status.at), problem.advice);
    }
    text
}

fn headline(status: &Status) -> String {
    let daemon = match (status.running, status.problems.len()) {
        (false, _) => "is not running".to_owned(),
        (true, 0) => "is running".to_owned(),
        (true, 1) => "is running, with 1 problem".to_owned(),
        (true, problems) => format!("is running, with {problems} problems"),
    };
    format!("auditferry {} {daemon}\n", status.version)
}

fn stream_row(stream: &StreamStatus, now: Timestamp) -> [String; 8] {
    let state = match stream.state {
        StreamCondition::Working => "working",
        StreamCondition::Failing => "failing",
        StreamCondition::Held => "held",
        StreamCondition::NeverPolled if stream.events > 0 => "first poll",
        StreamCondition::NeverPolled => "never polled",
    };
    [
        stream.name(),
        state.to_owned(),
        human::count(stream.events),
        human::count(last_hour(&stream.collected)),
        stream.newest_event.map_or_else(|| NONE.to_owned(), |event| ago(event, now)),
        stream.last_success.map_or_else(|| NONE.to_owned(), |success| ago(success, now)),
        stream.lag_seconds.map_or_else(|| NONE.to_owned(), human::duration),
        stream.horizon_remaining_seconds.map_or_else(|| NONE.to_owned(), human::duration),
    ]
}

/// The interval under way and those before it that make an hour.
fn last_hour(collected: &Collected) -> u64 {
    let intervals = usize::try_from(3_600 / collected.interval_seconds.max(1)).unwrap_or(0);
    collected.counts.iter().rev().take(intervals).sum()
}

fn sink_row(sink: &SinkStatus, now: Timestamp) -> [String; 7] {
    let state = match sink.state {
        SinkCondition::Working => "working",
        SinkCondition::Retrying => "retrying",
        SinkCondition::Held => "held",
    };
    [
        sink.name.clone(),
        state.to_owned(),
        sink.since.map_or_else(|| NONE.to_owned(), |since| elapsed(since, now)),
        human::count(sink.delivered),
        human::count(sink.waiting),
        sink.oldest_waiting_seconds.map_or_else(|| NONE.to_owned(), human::duration),
        human::count(sink.dead_letters),
    ]
}

fn gap_row(gap: &GapStatus) -> [String; 3] {
    // To the second: what a person compares with the provider's own page.
    [
        format!("{}/{}", gap.source, gap.stream),
        gap.from.strftime("%FT%TZ").to_string(),
        gap.to.strftime("%FT%TZ").to_string(),
    ]
}

/// `3 min ago`.
fn ago(time: Timestamp, now: Timestamp) -> String {
    format!("{} ago", elapsed(time, now))
}

/// None for what lies ahead: a provider's clock may run ahead of ours.
fn elapsed(time: Timestamp, now: Timestamp) -> String {
    human::duration(u64::try_from(now.duration_since(time).as_secs()).unwrap_or(0))
}
