//! Promises of the store as a whole; what concerns one file alone is tested there.

mod again;
mod copy;
mod crash;
mod delivered;
mod group;
mod jobs;
mod letters;
mod model;
mod replay;
mod room;
mod status;

use std::future::Future;

use jiff::Timestamp;

use super::*;
use crate::event::{EventId, StoredEvent, StreamName};

const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);
/// More than any wait takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn options() -> StoreOptions {
    StoreOptions { max_size: 1 << 30, retention: WEEK }
}

fn open(directory: &Path) -> Store {
    Store::open_for_test(directory, &options(), &Faults::default()).unwrap()
}

fn name(source: &str, stream: &str) -> StreamName {
    StreamName { source: source.to_owned(), stream: stream.to_owned() }
}

fn second(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn id(number: u64) -> EventId {
    let mut bytes = [7; 16];
    // Spread like a hash, so that ids do not come in the order of time.
    bytes[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    EventId::from_bytes(bytes)
}

fn event(number: u64) -> NewEvent {
    NewEvent {
        id: id(number),
        time: Some(second(i64::try_from(number).unwrap())),
        core: format!(r#"{{"event":{{"n":{number}}}}}"#),
        original: format!(r#"{{"id":"{number}"}}"#),
    }
}

fn events(numbers: std::ops::Range<u64>) -> Vec<NewEvent> {
    numbers.map(event).collect()
}

fn sink(name: &str, sources: &[&str]) -> SinkRegistration {
    SinkRegistration {
        name: name.to_owned(),
        sources: sources.iter().map(|source| (*source).to_owned()).collect(),
    }
}

async fn commit(store: &Store, stream: StreamId, events: Vec<NewEvent>) -> Committed {
    store.commit_page(stream, events).await.unwrap().done().await.unwrap()
}

async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.expect("it did not happen in time")
}

async fn drain(reader: &mut SpoolReader) -> Vec<Arc<StoredEvent>> {
    let end = reader.end().await.unwrap();
    let mut all = Vec::new();
    while all.last().map_or(reader.accepted(), |event: &Arc<StoredEvent>| event.position) < end {
        all.extend(soon(reader.next(100, 1 << 20)).await.unwrap());
    }
    all
}

fn sequences(events: &[Arc<StoredEvent>]) -> Vec<i64> {
    events.iter().map(|event| event.sequence).collect()
}

#[tokio::test]
async fn an_event_is_stored_once_however_often_it_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let stream = store.stream(&name("hub", "login")).await.unwrap().id;
    assert_eq!(commit(&store, stream, events(0..10)).await, Committed { new: 10, known: 0 });
    assert_eq!(commit(&store, stream, events(5..15)).await, Committed { new: 5, known: 5 });
    // Twice on one page.
    let twice = vec![event(20), event(20)];
    assert_eq!(commit(&store, stream, twice).await, Committed { new: 1, known: 1 });
    // The same id in another stream is another event.
    let other = store.stream(&name("hub", "security")).await.unwrap().id;
    assert_eq!(commit(&store, other, events(0..1)).await, Committed { new: 1, known: 0 });
    assert_eq!(store.stream(&name("hub", "login")).await.unwrap().sequence, 16);
    let keys = [3, 16, 20].map(|number| (event(number).time, id(number))).to_vec();
    assert_eq!(store.known(stream, keys).await.unwrap(), [true, false, true]);
    assert!(store.knows_any(stream, second(14), second(15)).await.unwrap());
    assert!(!store.knows_any(stream, second(15), second(20)).await.unwrap());
}

#[tokio::test]
async fn an_event_that_gets_its_time_later_is_still_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let stream = store.stream(&name("hub", "login")).await.unwrap().id;
    let undated = NewEvent { time: None, ..event(1) };
    assert_eq!(commit(&store, stream, vec![undated.clone(), event(1)]).await.new, 1);
    assert_eq!(commit(&store, stream, vec![event(1), undated]).await.new, 0);
    let keys = vec![(None, id(1)), (Some(second(1)), id(1)), (None, id(2))];
    assert_eq!(store.known(stream, keys).await.unwrap(), [true, true, false]);
}

#[tokio::test]
async fn forgetting_drops_what_is_older_and_nothing_undated() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let stream = store.stream(&name("hub", "login")).await.unwrap().id;
    commit(&store, stream, events(0..12_000)).await;
    commit(&store, stream, vec![NewEvent { time: None, ..event(20_000) }]).await;
    store.forget_known(stream, second(11_000)).await.unwrap();
    assert!(!store.knows_any(stream, second(0), second(11_000)).await.unwrap());
    assert_eq!(commit(&store, stream, events(11_000..12_000)).await.known, 1000);
    assert_eq!(store.known(stream, vec![(None, id(20_000))]).await.unwrap(), [true]);
}

#[tokio::test]
async fn the_cursor_moves_forward_only() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let login = name("hub", "login");
    let stream = store.stream(&login).await.unwrap();
    assert_eq!(stream.cursor, Cursor::default());
    let at = |high, complete| Cursor {
        high_water: Some(second(high)),
        complete_from: Some(second(complete - 15)),
        complete_to: Some(second(complete)),
    };
    let without_events = Cursor { complete_to: Some(second(7)), ..Cursor::default() };
    for cursor in [at(10, 20), at(5, 30), without_events] {
        store.complete_window(stream.id, cursor).await.unwrap();
    }
    store.remember_filter(stream.id, FilterHabit::Alternative).await.unwrap();
    store.remember_reconcile(stream.id, second(40)).await.unwrap();
    store.close().await.unwrap();
    let state = open(directory.path()).stream(&login).await.unwrap();
    // Where it was complete from is told once.
    assert_eq!(state.cursor, Cursor { complete_from: Some(second(5)), ..at(10, 30) });
    assert_eq!((state.filter, state.reconciled), (FilterHabit::Alternative, Some(second(40))));
}

#[tokio::test]
async fn a_stream_that_is_not_there_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    assert!(store.complete_window(StreamId(9, 0), Cursor::default()).await.is_err());
    assert!(store.commit_page(StreamId(9, 0), events(0..1)).await.unwrap().done().await.is_err());
    assert!(store.reader("nobody").await.unwrap_err().to_string().contains("nobody"));
}

#[tokio::test]
async fn a_source_stays_with_the_account_of_its_first_sight() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let account = |id: &str| Account { id: id.to_owned(), name: Some(format!("company {id}")) };
    assert_eq!(store.account("hub").await.unwrap(), None);
    assert_eq!(store.bind_account("hub", account("1")).await.unwrap(), account("1"));
    assert_eq!(store.bind_account("hub", account("2")).await.unwrap(), account("1"));
    assert_eq!(store.account("hub").await.unwrap(), Some(account("1")));
}

#[tokio::test]
async fn a_rotated_credential_is_kept_and_not_shown() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    assert_eq!(store.rotated_credential("hub").await.unwrap(), None);
    for secret in ["first", "second"] {
        let credential = RotatedCredential { replaces: [3; 32], secret: secret.to_owned() };
        assert!(!format!("{credential:?}").contains(secret));
        store.keep_credential("hub", credential.clone()).await.unwrap();
        assert_eq!(store.rotated_credential("hub").await.unwrap(), Some(credential));
    }
}

#[tokio::test]
async fn gaps_that_touch_become_one() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let gap = |from, to| Gap { stream: name("hub", "login"), from: second(from), to: second(to) };
    for (from, to, new) in [
        (10, 20, true),
        (10, 20, false),
        (12, 15, false),
        (30, 40, true),
        (20, 25, true),
        (9, 9, false),
        (24, 31, true),
        (50, 60, true),
    ] {
        assert_eq!(store.record_gap(gap(from, to)).await.unwrap(), new, "{from}..{to}");
    }
    assert_eq!(store.snapshot().await.unwrap().gaps, [gap(10, 40), gap(50, 60)]);
}

#[tokio::test]
async fn a_second_process_is_told_that_the_directory_is_taken() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let error = Store::open(directory.path(), &options()).unwrap_err();
    assert!(matches!(error, StoreError::Locked { .. }), "{error}");
    store.close().await.unwrap();
    Store::open(directory.path(), &options()).unwrap().close().await.unwrap();
}

#[tokio::test]
async fn the_directory_and_the_file_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("state");
    let store = open(&directory);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o700);
    for file in ["auditferry.db", "auditferry.db-wal", "lock"] {
        assert_eq!(mode(&directory.join(file)), 0o600, "{file}");
    }
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_new_sink_starts_at_the_end_and_an_old_one_where_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let stream = store.stream(&name("hub", "login")).await.unwrap().id;
    store.register_sinks(vec![sink("old", &[])]).await.unwrap();
    commit(&store, stream, events(0..3)).await;
    let mut old = store.reader("old").await.unwrap();
    let first = old.next(1, 1).await.unwrap();
    old.advance(first[0].position, 1, Vec::new()).await.unwrap();
    store.register_sinks(vec![sink("new", &[])]).await.unwrap();
    commit(&store, stream, events(3..5)).await;
    store.register_sinks(vec![sink("new", &[]), sink("old", &[])]).await.unwrap();
    let mut old = store.reader("old").await.unwrap();
    assert_eq!(sequences(&drain(&mut old).await), [2, 3, 4, 5]);
    assert_eq!(sequences(&drain(&mut store.reader("new").await.unwrap()).await), [4, 5]);
}

#[tokio::test]
async fn a_sink_gets_its_sources_and_the_daemons_own_events() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    store.register_sinks(vec![sink("some", &["hub"])]).await.unwrap();
    let mut reader = store.reader("some").await.unwrap();
    assert_eq!(reader.end().await.unwrap(), 0);
    for source in ["brevo", "hub", "auditferry", "brevo"] {
        let stream = store.stream(&name(source, "log")).await.unwrap().id;
        commit(&store, stream, events(0..2)).await;
    }
    let got = drain(&mut reader).await;
    let sources: Vec<&str> = got.iter().map(|event| event.stream.source.as_str()).collect();
    assert_eq!(sources, ["hub", "hub", "auditferry", "auditferry"]);
    assert_eq!(reader.end().await.unwrap(), 6);
    // What is left behind is for others: nothing waits.
    reader.advance(6, 4, Vec::new()).await.unwrap();
    assert_eq!(store.level().borrow().used, 0);
    assert_eq!(store.snapshot().await.unwrap().sinks[0].waiting, 0);
}

#[tokio::test]
async fn waiting_for_an_event_may_be_given_up_at_any_time() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let stream = store.stream(&name("hub", "login")).await.unwrap().id;
    store.register_sinks(vec![sink("s", &[])]).await.unwrap();
    commit(&store, stream, events(0..50)).await;
    let mut reader = store.reader("s").await.unwrap();
    let mut got = Vec::new();
    let mut committed = 50;
    let mut random = fastrand::Rng::with_seed(1);
    while got.len() < 100 {
        tokio::select! {
            biased;
            some = reader.next(3, 1 << 20) => got.extend(some.unwrap()),
            // Given up at once or in the middle of whatever it had begun.
            () = tokio::time::sleep(Duration::from_millis(random.u64(0..2))) => if committed < 100 {
                commit(&store, stream, events(committed..committed + 1)).await;
                committed += 1;
            },
        }
    }
    assert_eq!(sequences(&got), (1..=100).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_batch_is_bounded_by_events_and_bytes_but_never_empty() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let stream = store.stream(&name("hub", "login")).await.unwrap().id;
    store.register_sinks(vec![sink("s", &[])]).await.unwrap();
    let mut reader = store.reader("s").await.unwrap();
    commit(&store, stream, events(10..20)).await;
    let size = event(10).core.len() + event(10).original.len();
    assert_eq!(reader.next(3, usize::MAX).await.unwrap().len(), 3);
    assert_eq!(reader.next(100, 2 * size).await.unwrap().len(), 2);
    assert_eq!(reader.next(100, 0).await.unwrap().len(), 1);
    assert_eq!(reader.next(0, usize::MAX).await.unwrap().len(), 1);
    assert_eq!(reader.next(100, usize::MAX).await.unwrap().len(), 3);
}

#[tokio::test]
async fn dead_letters_are_stored_with_the_position_that_passes_them() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let stream = store.stream(&name("hub", "login")).await.unwrap().id;
    store.register_sinks(vec![sink("s", &[])]).await.unwrap();
    let mut reader = store.reader("s").await.unwrap();
    commit(&store, stream, events(0..3)).await;
    let got = drain(&mut reader).await;
    assert!(reader.advance(99, 1, Vec::new()).await.is_err());
    reader.advance(3, 2, vec![(Arc::clone(&got[1]), "mapping".to_owned())]).await.unwrap();
    assert_eq!(reader.accepted(), 3);
    let snapshot = store.snapshot().await.unwrap();
    assert_eq!((snapshot.sinks[0].delivered, snapshot.sinks[0].dead_letters), (2, 1));
    let copy: (String, String, i64, String) = store
        .ask(|reader| {
            reader.db.query_row("SELECT sink, reason, sequence, original FROM dead_letter", [], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })
        })
        .await
        .unwrap();
    let expected = ("s".to_owned(), "mapping".to_owned(), 2, event(1).original);
    assert_eq!(copy, expected);
}

#[tokio::test]
async fn a_snapshot_is_read_beside_a_running_store_and_of_a_stopped_one() {
    let directory = tempfile::tempdir().unwrap();
    let missing = Store::read_snapshot(directory.path()).unwrap_err();
    assert!(missing.to_string().contains("has not run"), "{missing}");
    let store = open(directory.path());
    let login = name("hub", "login");
    let stream = store.stream(&login).await.unwrap().id;
    store.register_sinks(vec![sink("s", &[])]).await.unwrap();
    commit(&store, stream, events(0..3)).await;
    store.note_stream(stream, StreamNote::Success(second(50))).await.unwrap();
    let failure = Failure { at: second(60), reason: "no answer".to_owned(), refused: true };
    store.note_stream(stream, StreamNote::Failure(failure.clone())).await.unwrap();
    store.note_sink("s", SinkNote::Held("401".to_owned())).await.unwrap();
    let check = |snapshot: &Snapshot| {
        let stream = &snapshot.streams[0];
        assert_eq!((&stream.name, stream.events), (&login, 3));
        assert_eq!(stream.last_success, Some(second(50)));
        assert_eq!(stream.last_failure.as_ref(), Some(&failure));
        let sink = &snapshot.sinks[0];
        assert_eq!((sink.waiting, &sink.note), (3, &SinkNote::Held("401".to_owned())));
        assert!(sink.oldest_waiting.is_some());
    };
    check(&store.snapshot().await.unwrap());
    check(&Store::read_snapshot(directory.path()).unwrap());
    store.close().await.unwrap();
    let files = || {
        let mut names: Vec<_> =
            std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = files();
    check(&Store::read_snapshot(directory.path()).unwrap());
    assert_eq!(files(), before);
    let store = open(directory.path());
    let stream = store.stream(&login).await.unwrap().id;
    store.note_stream(stream, StreamNote::Success(second(70))).await.unwrap();
    assert_eq!(store.snapshot().await.unwrap().streams[0].last_failure, None);
}

#[tokio::test]
async fn closing_ends_every_handle_and_reader() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let other = store.clone();
    store.register_sinks(vec![sink("s", &[])]).await.unwrap();
    let mut reader = store.reader("s").await.unwrap();
    let stream = store.stream(&name("hub", "login")).await.unwrap().id;
    other.pulse().await.unwrap();
    // Everything before the close is done.
    let pending = store.commit_page(stream, events(0..5)).await.unwrap();
    store.close().await.unwrap();
    assert_eq!(pending.done().await.unwrap().new, 5);
    assert!(!directory.path().join("auditferry.db-wal").exists());
    assert!(matches!(other.snapshot().await, Err(StoreError::Closed)));
    assert!(matches!(other.pulse().await, Err(StoreError::Closed)));
    assert!(matches!(other.commit_page(stream, events(5..6)).await, Err(StoreError::Closed)));
    assert_eq!(soon(reader.next(100, 1 << 20)).await.unwrap().len(), 5);
    assert!(matches!(soon(reader.next(1, 1)).await, Err(StoreError::Closed)));
}

#[tokio::test]
async fn dropping_every_handle_ends_the_threads_and_frees_the_directory() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let threads = Arc::clone(&store.threads);
    drop(store);
    let Threads { writer, reader } = threads.lock().unwrap().take().unwrap();
    joined(writer).await.unwrap();
    joined(reader).await.unwrap();
    open(directory.path());
}
