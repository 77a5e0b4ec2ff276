//! Dead letters for people.

use serde_json::Value;

use crate::cli::check::{line, widths};
use crate::observe::human;
use crate::service::command::By;
use crate::service::command::dead_letters::Letter;
use crate::store::LettersBySink;

/// Characters of a reason on a terminal; the rest is for `show`. More would break the lines of most terminals
/// once the other columns are there.
const REASON: usize = 60;

const HEAD: [&str; 7] = ["id", "refused", "sink", "event id", "source/stream", "retry", "reason"];

/// A table that is written page by page; its first page says how wide the columns are.
#[derive(Debug)]
pub(super) struct Table {
    cut: bool,
    widths: Option<[usize; 7]>,
}

impl Table {
    /// A new one; `cut` leaves the ends of long reasons out.
    pub(super) fn new(cut: bool) -> Self {
        Self { cut, widths: None }
    }

    /// More rows, with the head above the first ones.
    pub(super) fn rows(&mut self, letters: &[Letter]) -> String {
        let mut rows: Vec<_> = letters.iter().map(|letter| self.row(letter)).collect();
        if rows.is_empty() {
            return String::new();
        }
        if self.widths.is_none() {
            rows.insert(0, HEAD.map(str::to_owned));
        }
        let widths = *self.widths.get_or_insert_with(|| widths(&rows));
        rows.iter().map(|row| line(row, widths)).collect()
    }

    fn row(&self, letter: &Letter) -> [String; 7] {
        let mut reason = printable(&letter.reason);
        if self.cut && reason.chars().count() > REASON {
            reason = reason.chars().take(REASON - 1).chain(['…']).collect();
        }
        [
            letter.id.to_string(),
            letter.refused_at.strftime("%FT%TZ").to_string(),
            letter.sink.clone(),
            letter.event_id.to_string(),
            format!("{}/{}", letter.source, letter.stream),
            if letter.retry { "marked" } else { "-" }.to_owned(),
            reason,
        ]
    }
}

/// The reason comes from outside: nothing in it may steer the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// When there is nothing to list.
pub(super) fn none(sink: Option<&str>) -> String {
    match sink {
        Some(sink) => format!("sink {sink} has no dead letters\n"),
        None => "there are no dead letters\n".to_owned(),
    }
}

/// A letter with its event.
pub(super) fn whole(letter: &Letter) -> String {
    let Letter { id, sink, refused_at, source, stream, sequence, event_id, .. } = letter;
    let mut text = format!(
        "dead letter {id}: sink {sink} refused event {event_id}\n\
         stream    {source}/{stream}, sequence {sequence}\n\
         refused   {}\n\
         reason    {}\n",
        refused_at.strftime("%FT%TZ"),
        printable(&letter.reason)
    );
    if letter.retry {
        text += "retry     marked: it is sent again as soon as the sink takes events\n";
    }
    if let Some(event) = &letter.event {
        // JSON escapes control characters, all but those from 0x7f to 0x9f.
        let shown = match serde_json::from_str::<Value>(event.get()) {
            Ok(event) => format!("{event:#}"),
            Err(_) => event.get().to_owned(),
        };
        text += &shown.lines().map(|line| printable(line) + "\n").collect::<String>();
    }
    text + "\n"
}

/// What `retry` has done.
pub(super) fn retried(counts: &LettersBySink, by: By) -> String {
    match (total(counts), by) {
        (0, _) => "there are no such dead letters\n".to_owned(),
        (letters, By::Daemon) => {
            format!("{} marked: sent again as soon as the sink takes events\n", of(letters))
        }
        (letters, By::Itself) => {
            format!("{} marked: sent again when the daemon starts (it is not running)\n", of(letters))
        }
    }
}

/// A sink that nothing is sent to.
pub(super) fn not_configured(sink: &str, letters: u64) -> String {
    let wait = if letters == 1 { "waits" } else { "wait" };
    format!("sink {sink} is not in the configuration: its {} {wait} until it is again\n", of(letters))
}

/// Before `drop`.
pub(super) fn question(counts: &LettersBySink) -> String {
    let sinks: Vec<_> =
        counts.iter().map(|(sink, letters)| format!("{} of sink {sink}", human::count(*letters))).collect();
    format!("Drop {} for good ({})? [y/N] ", of(total(counts)), sinks.join(", "))
}

/// What `drop` has done.
pub(super) fn dropped(counts: &LettersBySink) -> String {
    match total(counts) {
        0 => "there are no such dead letters\n".to_owned(),
        letters => format!("{} dropped\n", of(letters)),
    }
}

fn total(counts: &LettersBySink) -> u64 {
    counts.values().sum()
}

/// `1 dead letter`, `1,200 dead letters`.
fn of(letters: u64) -> String {
    match letters {
        1 => "1 dead letter".to_owned(),
        letters => format!("{} dead letters", human::count(letters)),
    }
}

#[cfg(test)]
mod tests;
