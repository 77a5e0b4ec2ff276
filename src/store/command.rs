//! What the writer is asked to do.

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::feed::Seat;
use super::page::{Ledger, Page};
use super::{StoreError, StoreOptions, StreamId};

/// Where an answer goes; nobody may be waiting for it any more.
pub(super) type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// A command to the writer.
pub(super) enum Command {
    /// Goes into a transaction, with others that wait.
    Work(Work),
    /// Done between transactions.
    Control(Control),
}

/// What changes the file.
pub(super) enum Work {
    /// Events.
    Page(Page),
    /// Anything small.
    Change(Box<dyn Change>),
}

/// What concerns the writer itself.
pub(super) enum Control {
    /// Starts to feed a sink.
    Follow(String, Reply<Seat>),
    /// Sets other bounds.
    Limit(StoreOptions, Reply<()>),
    /// Shows that the writer gets to what it is asked.
    Pulse(Reply<()>),
    /// Ends the writer.
    Close(Reply<()>),
}

impl Work {
    /// The number of the stream that it works on: when something fails for a stream, what was queued behind it fails
    /// too.
    pub(super) fn stream(&self) -> Option<i64> {
        match self {
            Self::Page(page) => Some(page.stream.0),
            Self::Change(change) => change.stream().map(|stream| stream.0),
        }
    }

    pub(super) fn apply(&mut self, db: &Connection, ledger: &mut Ledger) -> rusqlite::Result<()> {
        match self {
            Self::Page(page) => page.apply(db, ledger),
            Self::Change(change) => change.apply(db),
        }
    }

    /// Whether it carries events.
    pub(super) fn has_events(&self) -> bool {
        matches!(self, Self::Page(_))
    }

    /// Whether a sink is to get events once more: whoever delivers them is then woken.
    pub(super) fn wakes_returns(&self) -> bool {
        match self {
            Self::Page(_) => false,
            Self::Change(change) => change.wakes_returns(),
        }
    }

    /// Answers; called once, when the transaction is on disk or rolled back.
    pub(super) fn settle(&mut self, outcome: Result<(), StoreError>) {
        match self {
            Self::Page(page) => page.settle(outcome),
            Self::Change(change) => change.settle(outcome),
        }
    }
}

/// A small write that may be applied again after a rollback.
pub(super) trait Change: Send {
    fn stream(&self) -> Option<StreamId>;
    fn wakes_returns(&self) -> bool;
    fn apply(&mut self, db: &Connection) -> rusqlite::Result<()>;
    fn settle(&mut self, outcome: Result<(), StoreError>);
}

/// The change that a closure makes, with its result on the way back to who asked.
pub(super) struct Closure<F, T> {
    pub(super) stream: Option<StreamId>,
    pub(super) wakes_returns: bool,
    pub(super) work: F,
    pub(super) result: Option<T>,
    pub(super) reply: Option<Reply<T>>,
}

impl<F, T> Change for Closure<F, T>
where
    F: FnMut(&Connection) -> rusqlite::Result<T> + Send,
    T: Send,
{
    fn stream(&self) -> Option<StreamId> {
        self.stream
    }

    fn wakes_returns(&self) -> bool {
        self.wakes_returns
    }

    fn apply(&mut self, db: &Connection) -> rusqlite::Result<()> {
        self.result = Some((self.work)(db)?);
        Ok(())
    }

    fn settle(&mut self, outcome: Result<(), StoreError>) {
        if let Some(reply) = self.reply.take() {
            let _ = reply.send(outcome.and_then(|()| self.result.take().ok_or(StoreError::Closed)));
        }
    }
}
