//! Everything that ever happened in the simulated accounts, in order of time, 48 bytes an event. JSON is
//! written only for the rows of a page.

use super::actions::Action;
use super::endpoint::Stream;
use super::faults::Faults;
use super::people::Person;

/// One event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    /// When it happened, in milliseconds since 1970.
    pub time_ms: i64,
    /// From when on the product shows it.
    pub visible_ms: i64,
    /// Its number within its stream, in order of creation.
    pub serial: u64,
    /// What happened.
    pub action: Action,
}

impl Entry {
    /// Its place in the stream, which no later arrival changes.
    pub(crate) fn key(&self) -> Key {
        Key { time_ms: self.time_ms, serial: self.serial }
    }
}

/// A place in a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    /// As in [`Entry`].
    pub time_ms: i64,
    /// As in [`Entry`].
    pub serial: u64,
}

/// What a query asks for.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Selection {
    /// Events at or after this millisecond.
    pub from_ms: Option<i64>,
    /// Events before this millisecond.
    pub to_ms: Option<i64>,
    /// Of this person alone.
    pub person: Option<Person>,
    /// Newest first instead of oldest first.
    pub newest_first: bool,
    /// Behind this place, in the order asked for.
    pub after: Option<Key>,
    /// So many rows are passed over.
    pub skip: usize,
    /// So many rows at most.
    pub limit: usize,
    /// The time of the query: what becomes visible later is not seen.
    pub now_ms: i64,
}

/// The rows of one page.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rows {
    /// In the order asked for.
    pub entries: Vec<Entry>,
    /// Whether there are more behind them.
    pub more: bool,
}

/// All streams.
#[derive(Debug)]
pub(crate) struct Timeline {
    streams: [Events; 4],
    given: Vec<Box<str>>,
}

#[derive(Debug, Default)]
struct Events {
    /// By [`Key`].
    rows: Vec<Entry>,
    next_serial: u64,
    /// The latest `visible_ms` of all rows: from then on nothing is hidden and offsets are plain sums.
    hidden_until_ms: i64,
}

impl Timeline {
    /// A timeline without events.
    pub(crate) fn new() -> Self {
        Self { streams: Default::default(), given: Vec::new() }
    }

    /// Takes over a stream's history, which must be in order of time.
    pub(crate) fn set_history(&mut self, stream: Stream, history: Vec<(i64, Action)>) {
        let mut rows: Vec<Entry> = Vec::with_capacity(history.len());
        for (serial, (time_ms, action)) in (0u64..).zip(history) {
            rows.push(Entry { time_ms, visible_ms: time_ms, serial, action });
        }
        let next_serial = rows.len() as u64;
        self.streams[stream.index()] = Events { rows, next_serial, hidden_until_ms: i64::MIN };
    }

    /// Adds an event at its place in time.
    pub(crate) fn push(&mut self, stream: Stream, time_ms: i64, visible_ms: i64, action: Action) {
        let events = &mut self.streams[stream.index()];
        let mut time_ms = time_ms;
        // Two audit log events that agree in everything would be one event for every reader.
        while stream == Stream::AuditLogs && action.given_index().is_none() && events.holds(time_ms, &action)
        {
            time_ms += 1;
        }
        let entry = Entry { time_ms, visible_ms, serial: events.next_serial, action };
        events.next_serial += 1;
        events.hidden_until_ms = events.hidden_until_ms.max(visible_ms);
        let at = match events.rows.last() {
            Some(last) if last.key() > entry.key() => {
                events.rows.partition_point(|row| row.key() < entry.key())
            }
            _ => events.rows.len(),
        };
        events.rows.insert(at, entry);
    }

    /// Adds a record that is served as it stands.
    pub(crate) fn push_given(&mut self, stream: Stream, time_ms: i64, visible_ms: i64, json: Box<str>) {
        let action = Action::given(self.given.len());
        self.given.push(json);
        self.push(stream, time_ms, visible_ms, action);
    }

    /// The JSON of a record that was handed in.
    pub(crate) fn given(&self, index: usize) -> &str {
        self.given.get(index).map_or("null", |json| json)
    }

    /// The rows that a query shows.
    pub(crate) fn select(&self, stream: Stream, selection: &Selection) -> Rows {
        let events = &self.streams[stream.index()];
        let span = events.span(selection);
        let plain = selection.person.is_none() && selection.now_ms >= events.hidden_until_ms;
        let wanted = |entry: &&Entry| {
            entry.visible_ms <= selection.now_ms
                && selection.person.is_none_or(|person| person == entry.action.person())
        };
        // Without hidden rows an offset needs no walk.
        let (jump, skip) = if plain { (selection.skip.min(span.len()), 0) } else { (0, selection.skip) };
        let mut entries: Vec<Entry> = if selection.newest_first {
            let span = &span[..span.len() - jump];
            span.iter().rev().filter(wanted).skip(skip).take(selection.limit + 1).copied().collect()
        } else {
            span[jump..].iter().filter(wanted).skip(skip).take(selection.limit + 1).copied().collect()
        };
        let more = entries.len() > selection.limit;
        entries.truncate(selection.limit);
        Rows { entries, more }
    }
}

impl Events {
    fn holds(&self, time_ms: i64, action: &Action) -> bool {
        let from = self.rows.partition_point(|row| row.time_ms < time_ms);
        let same_time = self.rows[from..].iter().take_while(|row| row.time_ms == time_ms);
        same_time.into_iter().any(|row| same_audit_event(&row.action, action))
    }

    fn span(&self, selection: &Selection) -> &[Entry] {
        let rows = &self.rows;
        let mut from = selection.from_ms.map_or(0, |ms| rows.partition_point(|row| row.time_ms < ms));
        let mut to = selection.to_ms.map_or(rows.len(), |ms| rows.partition_point(|row| row.time_ms < ms));
        match selection.after {
            Some(key) if selection.newest_first => to = to.min(rows.partition_point(|row| row.key() < key)),
            Some(key) => from = from.max(rows.partition_point(|row| row.key() <= key)),
            None => {}
        }
        rows.get(from..to).unwrap_or_default()
    }
}

/// Whether two audit log events of one instant would look the same.
pub(crate) fn same_audit_event(one: &Action, other: &Action) -> bool {
    one.given_index().is_none()
        && other.given_index().is_none()
        && one.person() == other.person()
        && one.audit_words() == other.audit_words()
        && one.object_id(Stream::AuditLogs) == other.object_id(Stream::AuditLogs)
}

/// How the next event differs from an ordinary one, by the switches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Echo {
    /// Not at all.
    None,
    /// The same row again, in the same second.
    EqualRow,
    /// The same id with another sub-category, in the same millisecond.
    SharedId,
    /// Another event in the same millisecond.
    SameInstant,
}

impl Echo {
    /// Draws by the shares of `faults`.
    pub(crate) fn draw(stream: Stream, faults: &Faults, rng: &mut fastrand::Rng) -> Self {
        match stream {
            Stream::Activities if rng.f64() < faults.equal_rows => Self::EqualRow,
            Stream::AuditLogs if rng.f64() < faults.shared_ids => Self::SharedId,
            _ if rng.f64() < faults.same_instant => Self::SameInstant,
            _ => Self::None,
        }
    }

    /// The event that follows `before` instead of `next`.
    pub(crate) fn apply(self, before: (i64, Action), next: (i64, Action)) -> (i64, Action) {
        match self {
            Self::None => next,
            Self::EqualRow => before,
            Self::SharedId => before.1.sibling().map_or(next, |sibling| (before.0, sibling)),
            Self::SameInstant => (before.0, next.1),
        }
    }
}
