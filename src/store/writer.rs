//! The writer thread: owns the connection, takes commands in order, commits those that wait together.

use std::fs::File;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use rusqlite::Connection;
use tokio::sync::{mpsc, watch};

use super::command::{Command, Control, Work};
use super::database::Database;
use super::error::{Place, StoreError};
use super::failing::Failing;
use super::feed::{self, Feed, Seat};
use super::page::{Ledger, SpoolEnd};
use super::sink::{self, Waiting};
use super::upkeep::Upkeep;
use super::{SpoolLevel, StoreOptions};

/// Pages in one transaction: measured, more gain nothing (`bench/FIGURES.md`: 13 to 49 % at five).
const PAGES: usize = 5;

/// The writer. Fields are dropped in this order, so that the file and the lock are free before anybody who
/// waits for an answer learns that none will come.
pub(super) struct Writer {
    pub(super) db: Database,
    /// Held for life.
    pub(super) _lock: File,
    pub(super) place: Arc<Place>,
    pub(super) options: StoreOptions,
    pub(super) ledger: Ledger,
    pub(super) upkeep: Upkeep,
    pub(super) feeds: Vec<Feed>,
    /// The end of the spool: wakes the readers.
    pub(super) end: watch::Sender<i64>,
    pub(super) level: watch::Sender<SpoolLevel>,
    /// Tells why commits fail.
    pub(super) failing: Failing,
    /// Counts the commits by which sinks are to get events once more: wakes those that deliver them.
    pub(super) returns: watch::Sender<u64>,
    pub(super) commands: mpsc::Receiver<Command>,
    /// What was found behind the group and can't join it.
    pub(super) next: Option<Command>,
    /// What the open transaction works on.
    pub(super) group: Vec<Work>,
}

impl Writer {
    /// Works until it is told to close or nobody is left to tell.
    pub(super) fn run(mut self) {
        while let Some(command) = self.next.take().or_else(|| self.commands.blocking_recv()) {
            match command {
                Command::Work(work) => {
                    self.gather(work);
                    self.commit_group();
                }
                Command::Control(control) => {
                    if self.control(control).is_break() {
                        return;
                    }
                }
            }
            self.look_after();
        }
        if let Err(error) = self.db.close() {
            tracing::warn!(code = "store-not-closed", %error, "the store was not closed in order and will be checked at the next start");
        }
    }

    /// Makes a group of `first` and what waits behind it.
    fn gather(&mut self, first: Work) {
        let mut pages = usize::from(matches!(first, Work::Page(_)));
        self.group.push(first);
        while pages < PAGES && self.group.len() < super::QUEUE {
            match self.commands.try_recv() {
                Ok(Command::Work(work)) => {
                    pages += usize::from(matches!(work, Work::Page(_)));
                    self.group.push(work);
                }
                Ok(control @ Command::Control(_)) => {
                    self.next = Some(control);
                    return;
                }
                Err(_) => return,
            }
        }
    }

    /// Commits the group as one, or, when that fails, what can be committed of it.
    fn commit_group(&mut self) {
        let all = 0..self.group.len();
        match self.commit(all.clone()) {
            Ok(()) => {}
            Err(error) if all.len() == 1 && !matches!(error, StoreError::Full { .. }) => {
                self.fail(all, error);
            }
            Err(error) => {
                if matches!(error, StoreError::Full { .. }) {
                    // Lets the log start over, so that what frees space finds room in it.
                    let _ = self.db.checkpoint();
                }
                self.commit_one_by_one();
            }
        }
        self.group.clear();
    }

    /// Commits each on its own, so that one that can't be does not stop the others; but nothing of a stream
    /// behind a failure of that stream: a cursor must not pass a page that is not on disk.
    fn commit_one_by_one(&mut self) {
        let mut failed: Vec<(i64, StoreError)> = Vec::new();
        for index in 0..self.group.len() {
            let one = index..index + 1;
            let stream = self.group[index].stream();
            let before = failed.iter().find(|(other, _)| Some(*other) == stream);
            let outcome = match before {
                Some((_, error)) => Err(error.clone()),
                None => self.commit(one.clone()),
            };
            if let Err(error) = outcome {
                failed.extend(stream.map(|stream| (stream, error.clone())));
                self.fail(one, error);
            }
        }
    }

    /// Commits a part of the group in one transaction, tells the sinks and answers. On an error nothing is
    /// changed and nothing is answered.
    fn commit(&mut self, part: Range<usize>) -> Result<(), StoreError> {
        let (before, changes) = (self.ledger.end, self.db.connection.total_changes());
        let (group, ledger) = (&mut self.group[part.clone()], &mut self.ledger);
        let written = self.db.write(|db| group.iter_mut().try_for_each(|work| work.apply(db, ledger)));
        if let Err(error) = written {
            self.ledger.roll_back(before);
            return Err(self.place.explain(error));
        }
        self.feed(part.clone(), before);
        if self.group[part.clone()].iter().any(Work::wakes_returns) {
            self.returns.send_modify(|commits| *commits += 1);
        }
        if let Err(error) = self.refresh() {
            // What was committed stands; the level is late by a commit.
            tracing::warn!(code = "level-unknown", %error, "cannot read what waits for the sinks");
        }
        if self.db.connection.total_changes() > changes {
            let with_events = self.group[part.clone()].iter().any(Work::has_events);
            self.failing.succeeded(with_events);
        }
        self.settle(part, &Ok(()));
        Ok(())
    }

    /// Tells of a part that can't be committed, and answers.
    fn fail(&mut self, part: Range<usize>, error: StoreError) {
        let of_events = self.group[part.clone()].iter().any(Work::has_events);
        self.failing.failed(&error, of_events);
        self.settle(part, &Err(error));
    }

    fn settle(&mut self, part: Range<usize>, outcome: &Result<(), StoreError>) {
        for work in &mut self.group[part] {
            work.settle(outcome.clone());
        }
    }

    /// Hands new events to the sinks that can take them, then wakes all.
    fn feed(&mut self, part: Range<usize>, before: SpoolEnd) {
        if self.ledger.end == before {
            return;
        }
        if self.feeds.iter().any(Feed::has_room) {
            let mut events = Vec::new();
            for work in &mut self.group[part] {
                if let Work::Page(page) = work {
                    page.move_added(&mut events);
                }
            }
            for chunk in feed::cut(before.position, events) {
                self.feeds.iter().for_each(|feed| feed.offer(&chunk));
            }
        }
        self.end.send_replace(self.ledger.end.position);
    }

    /// Looks up which sinks there are and what each has still to take, and publishes the level.
    pub(super) fn refresh(&mut self) -> rusqlite::Result<()> {
        self.feeds = read_feeds(&self.db.connection, &mut self.feeds)?;
        let oldest = self.feeds.iter().filter_map(|feed| feed.waiting).map(|waiting| waiting.bytes).min();
        let used = self.ledger.end.bytes - oldest.unwrap_or(self.ledger.end.bytes);
        let used = u64::try_from(used).unwrap_or(0);
        self.level.send_if_modified(|level| {
            let now = SpoolLevel { max: self.options.max_size, ..*level }.moved_to(used);
            let changed = now != *level;
            *level = now;
            changed
        });
        Ok(())
    }

    fn control(&mut self, control: Control) -> ControlFlow<()> {
        match control {
            Control::Follow(sink, reply) => {
                let _ = reply.send(self.follow(&sink));
            }
            Control::Limit(options, reply) => {
                let _ = reply.send(self.limit(options));
            }
            Control::Pulse(reply) => {
                let _ = reply.send(Ok(()));
            }
            Control::Close(reply) => {
                let closed = self.db.close().map_err(|error| self.place.explain(error));
                let _ = reply.send(closed);
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }

    fn limit(&mut self, options: StoreOptions) -> Result<(), StoreError> {
        self.options = options;
        self.refresh().map_err(|error| self.place.explain(error))
    }

    fn follow(&mut self, sink: &str) -> Result<Seat, StoreError> {
        let place = sink::place(&self.db.connection, sink).map_err(|error| self.place.explain(error))?;
        let feed = self.feeds.iter_mut().find(|feed| feed.sink == sink);
        let (Some((position, sources)), Some(feed)) = (place, feed) else {
            return Err(StoreError::Failed(format!("sink {sink} is not registered with the store")));
        };
        Ok(Seat { position, sources, chunks: feed.follow() })
    }
}

/// The sinks that events wait for; those that were fed before go on to be.
fn read_feeds(db: &Connection, before: &mut Vec<Feed>) -> rusqlite::Result<Vec<Feed>> {
    let mut waiting = Vec::new();
    for name in sink::active(db)? {
        waiting.push((sink::first_waiting(db, &name)?, name));
    }
    let feed = |(waiting, name): (Option<Waiting>, String)| {
        let known = before.iter().position(|feed| feed.sink == name);
        let mut feed = known.map_or_else(|| Feed::new(name), |index| before.swap_remove(index));
        feed.waiting = waiting;
        feed
    };
    Ok(waiting.into_iter().map(feed).collect())
}
