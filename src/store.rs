//! The store: one SQLite file, the only place that knows SQL, where the two halves of the program meet.
//!
//! One writer thread owns the connection and takes commands over a bounded channel, one reader thread
//! answers questions from a connection of its own. Pages that wait together are committed together.
//! What is committed goes on to the sinks from memory; the file serves only what waits.
//!
//! What holds, killed at any instant:
//!
//! - A page's known ids, its events and their sequences are on disk together or not at all, and before its
//!   commit is answered. A cursor is written behind the pages that it passes, never before.
//! - A sequence is given once and without a hole, for it is counted up in the transaction that adds the event.
//! - A position is never given twice (`AUTOINCREMENT`). A reader takes positions in order, each once, whether
//!   they come from memory or from the file.
//! - A row goes only when every sink has passed it and its retention is over.
//!
//! What is absent on purpose: a cache of known ids (the file's pages are one), a lock around anything (each
//! state has one owner), a command that deletes undelivered events.

mod again;
mod collected;
mod command;
mod copy;
mod database;
mod delivered;
mod error;
mod failing;
#[cfg(test)]
mod faults;
mod feed;
mod inventory;
mod job;
mod letter;
mod own;
mod page;
mod reader;
mod replay;
mod returns;
mod sink;
mod snapshot;
mod source;
mod spool;
mod sql;
mod stream;
#[cfg(test)]
mod tests;
mod upkeep;
mod writer;

pub use collected::{COLLECTED_INTERVAL, CollectedCount};
pub use copy::{Import, Importable};
pub use delivered::{DeliveredCount, day_of, start_of};
pub use error::StoreError;
#[cfg(test)]
pub(crate) use faults::Faults;
pub use inventory::{Inventory, MOST_COUNTED, SinkEntry, StreamEntry};
pub use job::{Job, JobDay, JobKey, JobKind};
pub use letter::{DeadLetter, LetterChoice, LetterCount, LettersBySink};
pub use page::{Committed, PendingCommit};
pub use replay::{Ordered, Replay, ReplayOrder};
pub use returns::Returns;
pub use sink::{SinkNote, SinkRegistration};
pub use snapshot::{SinkSnapshot, Snapshot, StreamSnapshot};
pub use source::{RotatedCredential, SourceSnapshot};
pub use spool::{SpoolLevel, SpoolReader};
pub use stream::{Cursor, Failure, FilterHabit, Gap, KnownKey, StreamId, StreamNote, StreamState};

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};

use crate::event::{Account, NewEvent};
use crate::meter::StoreMeter;
use command::{Change, Closure, Command, Control, Reply, Work};
use database::Database;
use error::Place;
use failing::Failing;
use page::{Ledger, Page, SpoolEnd};
use reader::{Question, Reader};
use upkeep::Upkeep;
use writer::Writer;

/// Commands and questions that may wait: three groups of pages. More would only hold pages in memory.
const QUEUE: usize = 16;

/// How the store is opened.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// Bytes of undelivered events above which the spool is full (`spool.max_size`).
    pub max_size: u64,
    /// How long delivered events stay for replay (`spool.retention`).
    pub retention: Duration,
}

/// The store's handle; cheap to clone. The threads end with [`Store::close`], or when the last handle and the
/// last [`SpoolReader`] are dropped.
#[derive(Debug, Clone)]
pub struct Store {
    commands: mpsc::Sender<Command>,
    questions: mpsc::Sender<Question>,
    end: watch::Receiver<i64>,
    level: watch::Receiver<SpoolLevel>,
    failure: watch::Receiver<Option<String>>,
    /// Changes when sinks are to get events once more.
    returns: watch::Receiver<u64>,
    meter: StoreMeter,
    place: Arc<Place>,
    /// Taken by whoever closes the store.
    threads: Arc<Mutex<Option<Threads>>>,
}

#[derive(Debug)]
struct Threads {
    writer: JoinHandle<()>,
    reader: JoinHandle<()>,
}

impl Store {
    /// Opens the store in `directory` (made if missing, mode 0700, locked for this process). Blocks: a file that
    /// was not closed in order is looked through.
    ///
    /// # Errors
    /// When another process has it, when it can't be used, or when it was written by a newer version; in that
    /// last case nothing was changed.
    pub fn open(directory: &Path, options: &StoreOptions) -> Result<Self, StoreError> {
        Self::open_with(directory, options, |_| Ok(()))
    }

    /// Opens the store of a daemon that has run before; makes nothing where there is none.
    ///
    /// # Errors
    /// When there is no state in `directory`, and as [`Store::open`].
    pub fn open_existing(directory: &Path, options: &StoreOptions) -> Result<Self, StoreError> {
        Place::new(directory).must_exist()?;
        Self::open(directory, options)
    }

    /// Opens the store without waiting for the disk, and with `faults` that strike it.
    #[cfg(test)]
    pub(crate) fn open_for_test(
        directory: &Path,
        options: &StoreOptions,
        faults: &Faults,
    ) -> Result<Self, StoreError> {
        Self::open_with(directory, options, |db| {
            db.faults = faults.clone();
            db.connection.execute_batch("PRAGMA synchronous = OFF")
        })
    }

    fn open_with(
        directory: &Path,
        options: &StoreOptions,
        adjust: impl FnOnce(&mut Database) -> rusqlite::Result<()>,
    ) -> Result<Self, StoreError> {
        let place = Arc::new(Place::new(directory));
        let explain = |error| place.explain(error);
        let lock = database::lock(&place)?;
        let mut db = Database::open(&place)?;
        adjust(&mut db).map_err(explain)?;
        let meter = db.meter.clone();
        let spool_end = SpoolEnd::read(&db.connection).map_err(explain)?;
        let reader = Reader::new(database::open_to_read(&place).map_err(explain)?);
        let (commands, waiting_commands) = mpsc::channel(QUEUE);
        let (questions, waiting_questions) = mpsc::channel(QUEUE);
        let (end_sender, end) = watch::channel(spool_end.position);
        let (level_sender, level) =
            watch::channel(SpoolLevel { max: options.max_size, ..SpoolLevel::default() });
        let (failing, failure) = Failing::new();
        let (returns_sender, returns) = watch::channel(0);
        let mut writer = Writer {
            db,
            _lock: lock,
            place: Arc::clone(&place),
            options: options.clone(),
            ledger: Ledger::new(spool_end),
            upkeep: Upkeep::new(),
            feeds: Vec::new(),
            end: end_sender,
            level: level_sender,
            failing,
            returns: returns_sender,
            group: Vec::new(),
            next: None,
            commands: waiting_commands,
        };
        replay::rest_all(&writer.db.connection).map_err(explain)?;
        writer.refresh().map_err(explain)?;
        let threads = Threads {
            writer: thread("store-writer", move || writer.run())?,
            reader: thread("store-reader", move || reader.run(waiting_questions))?,
        };
        Ok(Self {
            commands,
            questions,
            end,
            level,
            failure,
            returns,
            meter,
            place,
            threads: Arc::new(Mutex::new(Some(threads))),
        })
    }

    /// Reads a snapshot of the state directory without locking it, beside a running daemon or without one.
    /// Blocks for a short read.
    ///
    /// # Errors
    /// When there is no state, or it can't be read.
    pub fn read_snapshot(directory: &Path) -> Result<Snapshot, StoreError> {
        snapshot::of_directory(directory)
    }

    /// Whether there is a store in this directory.
    pub fn is_in(directory: &Path) -> bool {
        Place::new(directory).database.exists()
    }

    /// Reads what the state directory knows of a source, as [`Store::read_snapshot`] does; nothing where there is
    /// no state yet. Blocks for a short read.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn read_source(directory: &Path, source: &str) -> Result<SourceSnapshot, StoreError> {
        source::of_directory(directory, source)
    }

    /// A snapshot of this open store.
    ///
    /// # Errors
    /// When the file can't be read, or the store was closed.
    pub async fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let place = Arc::clone(&self.place);
        self.ask(move |reader| snapshot::read(&reader.db, &place)).await
    }

    /// Names the sinks that events must wait for. A sink that is new starts with what is committed from now
    /// on; one that was there before goes on from its position; one that is missing holds nothing up.
    ///
    /// # Errors
    /// When it is not on disk.
    pub async fn register_sinks(&self, sinks: Vec<SinkRegistration>) -> Result<(), StoreError> {
        for missed in self.change(None, move |db| sink::register(db, &sinks)).await? {
            tracing::warn!(
                code = "events-expired",
                sink = missed.sink,
                events = missed.events,
                "the sink was away for longer than spool.retention: at most this many events for it are gone"
            );
        }
        Ok(())
    }

    /// Keeps to other bounds from now on.
    ///
    /// # Errors
    /// When the store was closed.
    pub async fn limit(&self, options: StoreOptions) -> Result<(), StoreError> {
        self.control(|reply| Control::Limit(options, reply)).await
    }

    /// The account that the source was bound to on first sight; binds it when it is new.
    ///
    /// # Errors
    /// When it is not on disk.
    pub async fn bind_account(&self, source: &str, account: Account) -> Result<Account, StoreError> {
        let name = source.to_owned();
        self.change(None, move |db| source::bind_account(db, &name, &account)).await
    }

    /// The account that the source is bound to, if it is.
    ///
    /// # Errors
    /// When the file can't be read, or the store was closed.
    pub async fn account(&self, source: &str) -> Result<Option<Account>, StoreError> {
        let name = source.to_owned();
        self.ask(move |reader| source::account(&reader.db, &name)).await
    }

    /// Hands a page's events to the writer: in one transaction, ids that are not known are added, each new
    /// event gets its sequence and goes to the spool. Waits for a place in the queue only.
    ///
    /// # Errors
    /// When the store was closed.
    pub async fn commit_page(
        &self,
        stream: StreamId,
        events: Vec<NewEvent>,
    ) -> Result<PendingCommit, StoreError> {
        let (reply, answer) = oneshot::channel();
        let page = Page::new(stream, events, reply);
        self.send(Command::Work(Work::Page(page))).await?;
        Ok(PendingCommit(answer))
    }

    /// Keeps a sink's state.
    ///
    /// # Errors
    /// When it is not on disk.
    pub async fn note_sink(&self, sink: &str, note: SinkNote) -> Result<(), StoreError> {
        let name = sink.to_owned();
        self.change(None, move |db| sink::note(db, &name, &note)).await
    }

    /// A credential that the provider has rotated (an OAuth refresh token), kept under the source's name.
    ///
    /// # Errors
    /// When the file can't be read, or the store was closed.
    pub async fn rotated_credential(&self, source: &str) -> Result<Option<RotatedCredential>, StoreError> {
        let name = source.to_owned();
        self.ask(move |reader| source::credential(&reader.db, &name)).await
    }

    /// Keeps a rotated credential.
    ///
    /// # Errors
    /// When it is not on disk.
    pub async fn keep_credential(
        &self,
        source: &str,
        credential: RotatedCredential,
    ) -> Result<(), StoreError> {
        let name = source.to_owned();
        self.change(None, move |db| source::keep_credential(db, &name, &credential)).await
    }

    /// The events for one sink, from its position on. One reader per sink: a second one ends the feed from
    /// memory of the first.
    ///
    /// # Errors
    /// When the sink is not registered.
    pub async fn reader(&self, sink: &str) -> Result<SpoolReader, StoreError> {
        let name = sink.to_owned();
        let seat = self.control(|reply| Control::Follow(name.clone(), reply)).await?;
        Ok(SpoolReader::new(self.clone(), name, seat, self.end.clone()))
    }

    /// Comes back when both threads have got to it and the file can be read. It does not say that commits succeed:
    /// a full disk is no reason to restart.
    ///
    /// # Errors
    /// When the file can't be read, or the store was closed.
    pub async fn pulse(&self) -> Result<(), StoreError> {
        let look = |reader: &mut Reader| reader.db.query_row("SELECT 1 FROM service", [], |_| Ok(()));
        tokio::try_join!(self.control(Control::Pulse), self.ask(look)).map(|_| ())
    }

    /// How full the spool is.
    pub fn level(&self) -> watch::Receiver<SpoolLevel> {
        self.level.clone()
    }

    /// Why the last commit failed, until one succeeds; where events could not be committed, until events are.
    pub fn failure(&self) -> watch::Receiver<Option<String>> {
        self.failure.clone()
    }

    /// What it counts, from its opening on.
    pub fn meter(&self) -> &StoreMeter {
        &self.meter
    }

    /// Ends the threads when every command before is done, checkpoints and closes the file. What other handles
    /// ask afterwards is answered with [`StoreError::Closed`].
    ///
    /// # Errors
    /// When the file could not be closed in order; it is then checked at the next start.
    pub async fn close(self) -> Result<(), StoreError> {
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Threads { writer, reader }) = threads else { return Err(StoreError::Closed) };
        // The reader first: the log goes only when the writer is the last to have the file open.
        let _ = self.questions.send(Question::Close).await;
        let reader_ended = joined(reader).await;
        let closed = self.control(Control::Close).await;
        joined(writer).await.and(reader_ended).and(closed)
    }

    async fn send(&self, command: Command) -> Result<(), StoreError> {
        self.commands.send(command).await.map_err(|_| StoreError::Closed)
    }

    async fn control<T>(&self, control: impl FnOnce(Reply<T>) -> Control) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Control(control(reply))).await?;
        answer.await.unwrap_or(Err(StoreError::Closed))
    }

    /// Has the writer apply `work`; its result comes back when it is on disk.
    async fn change<T: Send + 'static>(
        &self,
        stream: Option<StreamId>,
        work: impl FnMut(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.send_change(Closure { stream, wakes_returns: false, work, result: None, reply: Some(reply) })
            .await?;
        answer.await.unwrap_or(Err(StoreError::Closed))
    }

    /// The same, and wakes who gives sinks events once more.
    async fn change_and_wake<T: Send + 'static>(
        &self,
        work: impl FnMut(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.send_change(Closure {
            stream: None,
            wakes_returns: true,
            work,
            result: None,
            reply: Some(reply),
        })
        .await?;
        answer.await.unwrap_or(Err(StoreError::Closed))
    }

    /// The same for what rests on the state that the stream had: `work` says whether it is still in its epoch.
    async fn change_within(
        &self,
        stream: StreamId,
        work: impl FnMut(&Connection) -> rusqlite::Result<bool> + Send + 'static,
    ) -> Result<(), StoreError> {
        if self.change(Some(stream), work).await? { Ok(()) } else { Err(StoreError::Outdated) }
    }

    async fn send_change(&self, change: impl Change + 'static) -> Result<(), StoreError> {
        self.send(Command::Work(Work::Change(Box::new(change)))).await
    }

    /// Has the reader answer `question`.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Reader) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let ask = Question::Ask(Box::new(move |reader: &mut Reader| {
            let _ = reply.send(question(reader));
        }));
        if self.commands.is_closed() {
            return Err(StoreError::Closed);
        }
        self.questions.send(ask).await.map_err(|_| StoreError::Closed)?;
        let answered = answer.await.map_err(|_| StoreError::Closed)?;
        answered.map_err(|error| self.place.explain(error))
    }
}

/// Starts a thread with a name that the system shows.
fn thread(name: &str, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StoreError> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .map_err(|error| StoreError::Failed(format!("cannot start the thread {name}: {error}")))
}

/// Waits for a thread's end, off the async threads; one that panicked is as good as closed.
async fn joined(thread: JoinHandle<()>) -> Result<(), StoreError> {
    let joined = tokio::task::spawn_blocking(|| thread.join()).await;
    joined.ok().and_then(Result::ok).ok_or(StoreError::Closed)
}
