//! What is kept of streams and sinks, for people and for scripts.

use jiff::Timestamp;
use serde::Serialize;

use crate::cli::check::columns;
use crate::event::OWN_SOURCE;
use crate::observe::{About, human};
use crate::store::{FilterHabit, Gap, Inventory, MOST_COUNTED, SinkEntry, StreamEntry};

/// The inventory, with what the configuration says of it. Its field names are a part of the outside contract, as those
/// of `status --output json`.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    streams: Vec<Stream>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sinks: Vec<Sink>,
}

#[derive(Debug, Serialize)]
struct Stream {
    source: String,
    stream: String,
    /// Whether the source is in the configuration, with this stream.
    configured: bool,
    account_id: Option<String>,
    account_name: Option<String>,
    newest_event: Option<Timestamp>,
    complete_from: Option<Timestamp>,
    complete_to: Option<Timestamp>,
    /// How the provider's time filter has turned out to work.
    filter: Filter,
    reconciled: Option<Timestamp>,
    sequence: i64,
    known_ids: i64,
    /// Whether there are more of them than were counted.
    more_known_ids: bool,
    gaps: Vec<Range>,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Filter {
    AsDocumented,
    InAnotherUnit,
    NotAtAll,
}

#[derive(Debug, Serialize)]
struct Range {
    from: Timestamp,
    to: Timestamp,
}

#[derive(Debug, Serialize)]
struct Sink {
    name: String,
    configured: bool,
    /// Whether events wait for it.
    active: bool,
    position: i64,
    delivered: i64,
    waiting: i64,
}

impl Shown {
    pub(super) fn new(inventory: &Inventory, about: &About) -> Self {
        let stream = |entry: &StreamEntry| {
            let configured = entry.name.source == OWN_SOURCE
                || about.streams.iter().any(|configured| configured.name == entry.name);
            Stream::new(entry, configured)
        };
        let sink = |entry: &SinkEntry| Sink {
            name: entry.name.clone(),
            configured: about.sinks.iter().any(|configured| configured.name == entry.name),
            active: entry.active,
            position: entry.position,
            delivered: entry.delivered,
            waiting: entry.waiting,
        };
        Self {
            streams: inventory.streams.iter().map(stream).collect(),
            sinks: inventory.sinks.iter().map(sink).collect(),
        }
    }

    /// A paragraph for each stream, a table of sinks.
    pub(super) fn text(&self) -> String {
        let streams: Vec<_> = self.streams.iter().map(Stream::text).collect();
        let mut text = streams.join("\n");
        if text.is_empty() {
            text += "no stream was collected yet\n";
        }
        if !self.sinks.is_empty() {
            let head = ["sink", "state", "position", "delivered", "waiting"];
            text += &columns(head, self.sinks.iter().map(Sink::row).collect());
        }
        text
    }
}

impl Stream {
    fn new(entry: &StreamEntry, configured: bool) -> Self {
        let account = entry.account.clone();
        let range = |gap: &Gap| Range { from: gap.from, to: gap.to };
        Self {
            source: entry.name.source.clone(),
            stream: entry.name.stream.clone(),
            configured,
            account_id: account.as_ref().map(|account| account.id.clone()),
            account_name: account.and_then(|account| account.name),
            newest_event: entry.cursor.high_water,
            complete_from: entry.cursor.complete_from,
            complete_to: entry.cursor.complete_to,
            filter: match entry.filter {
                FilterHabit::Primary => Filter::AsDocumented,
                FilterHabit::Alternative => Filter::InAnotherUnit,
                FilterHabit::Unfiltered => Filter::NotAtAll,
            },
            reconciled: entry.reconciled,
            sequence: entry.sequence,
            known_ids: entry.known_ids,
            more_known_ids: entry.known_ids >= MOST_COUNTED,
            gaps: entry.gaps.iter().map(range).collect(),
        }
    }

    fn text(&self) -> String {
        let remark = if self.configured { "" } else { " (not configured)" };
        let mut lines = vec![format!("{}/{}{remark}", self.source, self.stream)];
        let mut tell = |what: &str, value: String| lines.push(format!("  {what:<14}{value}"));
        if let Some(id) = &self.account_id {
            let name = self.account_name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
            tell("account", format!("{id}{name}"));
        }
        if self.source != OWN_SOURCE {
            tell("newest event", self.newest_event.map_or_else(none, instant));
            tell("complete", self.complete());
            let filter = match self.filter {
                Filter::AsDocumented => "as documented",
                Filter::InAnotherUnit => "in another unit of time than documented",
                Filter::NotAtAll => "not at all: it is read without",
            };
            tell("filter works", filter.to_owned());
            tell("reconciled", self.reconciled.map_or_else(none, instant));
        }
        tell("sequence", count(self.sequence));
        let more = if self.more_known_ids { " or more" } else { "" };
        tell("known ids", format!("{}{more}", count(self.known_ids)));
        for Range { from, to } in &self.gaps {
            tell("gap", format!("from {} to {}", instant(*from), instant(*to)));
        }
        lines.join("\n") + "\n"
    }

    fn complete(&self) -> String {
        match (self.complete_from, self.complete_to) {
            (_, None) => "never yet: the next poll begins at `start`".to_owned(),
            (Some(from), Some(to)) => format!("from {} to {}", instant(from), instant(to)),
            (None, Some(to)) => format!("to {}", instant(to)),
        }
    }
}

impl Sink {
    fn row(&self) -> [String; 5] {
        let state = match (self.configured, self.active) {
            (true, true) => "active",
            (true, false) => "not yet active",
            (false, true) => "active, not configured",
            (false, false) => "not configured",
        };
        let waiting = if self.active { count(self.waiting) } else { none() };
        [self.name.clone(), state.to_owned(), count(self.position), count(self.delivered), waiting]
    }
}

fn none() -> String {
    "-".to_owned()
}

/// To the second, which is what a person compares.
pub(super) fn instant(time: Timestamp) -> String {
    time.strftime("%FT%TZ").to_string()
}

fn count(number: i64) -> String {
    human::count(u64::try_from(number).unwrap_or(0))
}

#[cfg(test)]
mod tests;
