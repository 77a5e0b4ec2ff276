//! What the status shows of the store, and that asking for it is cheap.

use std::sync::atomic::Ordering;

use rusqlite::StatementStatus;

use super::*;
use crate::store::database::Database;
use crate::store::{page, sink};

/// Events counted for a stream.
fn counted(snapshot: &Snapshot, stream: &StreamName) -> i64 {
    let stream = snapshot.streams.iter().find(|one| one.name == *stream).unwrap();
    stream.collected.iter().map(|one| one.events).sum()
}

#[tokio::test]
async fn counts_are_those_of_what_is_on_disk_and_survive_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let faults = Faults::default();
    let [login, security] = ["login", "security"].map(|stream| name("hub", stream));
    let store = Store::open_for_test(directory.path(), &options(), &faults).unwrap();
    let stream = store.stream(&login).await.unwrap().id;
    let other = store.stream(&security).await.unwrap().id;
    commit(&store, stream, events(0..10)).await;
    // Known ones do not count, and neither does what was rolled back.
    commit(&store, stream, events(5..15)).await;
    commit(&store, other, events(0..3)).await;
    faults.no_room.store(true, Ordering::Relaxed);
    assert!(store.commit_page(stream, events(100..2000)).await.unwrap().done().await.is_err());
    faults.no_room.store(false, Ordering::Relaxed);
    store.close().await.unwrap();

    let store = open(directory.path());
    commit(&store, stream, events(15..16)).await;
    let snapshot = store.snapshot().await.unwrap();
    assert_eq!((counted(&snapshot, &login), counted(&snapshot, &security)), (16, 3));
    let now = Timestamp::now();
    for one in &snapshot.streams[0].collected {
        assert!(one.start.as_second() % 900 == 0 && one.start <= now, "{one:?}");
    }
}

#[tokio::test]
async fn counts_older_than_two_days_go_with_the_next_page() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let [login, security] = ["login", "security"].map(|stream| name("hub", stream));
    let stream = store.stream(&login).await.unwrap().id;
    let other = store.stream(&security).await.unwrap().id;
    let old = "WITH RECURSIVE hour (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM hour WHERE n < 99)
        INSERT INTO collected SELECT ?1, (unixepoch() / 900 * 900 - n * 3600) * 1000, 1000 FROM hour";
    for stream in [stream, other] {
        store.change(None, move |db| db.execute(old, [stream.0])).await.unwrap();
    }
    let before = store.snapshot().await.unwrap();
    assert_eq!((counted(&before, &login), counted(&before, &security)), (100_000, 100_000));
    commit(&store, stream, events(0..1)).await;
    let after = store.snapshot().await.unwrap();
    // Of this hour and of the 47 or 48 before it, as the quarter of an hour has just begun or not.
    assert!([48_001, 49_001].contains(&counted(&after, &login)), "{after:?}");
    assert_eq!(counted(&after, &security), 100_000, "another stream is not touched");
}

#[tokio::test]
async fn a_store_that_cannot_commit_says_why_until_it_can() {
    let directory = tempfile::tempdir().unwrap();
    let faults = Faults::default();
    let store = Store::open_for_test(directory.path(), &options(), &faults).unwrap();
    let stream = store.stream(&name("hub", "login")).await.unwrap().id;
    store.register_sinks(vec![sink("s", &[])]).await.unwrap();
    commit(&store, stream, events(0..10)).await;
    let failure = store.failure();
    assert_eq!(*failure.borrow(), None);
    faults.no_room.store(true, Ordering::Relaxed);
    let page = || events(100..1000);
    assert!(store.commit_page(stream, page()).await.unwrap().done().await.is_err());
    let told = failure.borrow().clone().unwrap();
    assert!(told.contains("no room") && told.contains(directory.path().to_str().unwrap()), "{told}");
    // What is small may still find room: that does not mean that events do, and what writes nothing says nothing.
    let mut reader = store.reader("s").await.unwrap();
    drain(&mut reader).await;
    reader.advance(10, 10, Vec::new()).await.unwrap();
    store.stream(&name("hub", "login")).await.unwrap();
    assert_eq!(failure.borrow().as_deref(), Some(&*told));
    faults.no_room.store(false, Ordering::Relaxed);
    commit(&store, stream, page()).await;
    assert_eq!(*failure.borrow(), None);
}

#[tokio::test]
async fn a_sink_is_in_its_state_since_it_entered_it() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    store.register_sinks(vec![sink("s", &[])]).await.unwrap();
    let since = async || store.snapshot().await.unwrap().sinks[0].since;
    assert_eq!(since().await, None);
    let retrying = |reason: &str| SinkNote::Retrying(reason.to_owned());
    store.note_sink("s", retrying("reset")).await.unwrap();
    let begun = since().await.unwrap();
    tokio::time::sleep(Duration::from_millis(5)).await;
    store.note_sink("s", retrying("refused")).await.unwrap();
    assert_eq!(since().await, Some(begun), "another reason is not another state");
    store.note_sink("s", SinkNote::Working).await.unwrap();
    assert!(since().await.unwrap() > begun);
}

#[tokio::test]
async fn the_size_is_that_of_the_file_and_its_log() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let stream = store.stream(&name("hub", "login")).await.unwrap().id;
    commit(&store, stream, events(0..1000)).await;
    let length = |file: &str| std::fs::metadata(directory.path().join(file)).unwrap().len();
    let both = length("auditferry.db") + length("auditferry.db-wal");
    assert!(length("auditferry.db-wal") > 0);
    assert_eq!(store.snapshot().await.unwrap().size_bytes, both);
    store.close().await.unwrap();
    assert_eq!(Store::read_snapshot(directory.path()).unwrap().size_bytes, length("auditferry.db"));
}

/// A file with so many events that wait for a sink, and two streams of which it gets one.
fn waiting(place: &Place, rows: i64) -> Database {
    let database = Database::open(place).unwrap();
    database
        .connection
        .execute_batch(&format!(
            "PRAGMA synchronous = OFF;
             INSERT INTO stream (source, name, sequence) VALUES ('hub', 'login', {rows}), ('mail', 'log', {rows});
             INSERT INTO sink (name, active, every_source, position) VALUES ('some', 1, 0, 20), ('all', 1, 1, 0);
             INSERT INTO sink_source VALUES ('some', 'hub');
             WITH RECURSIVE event (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM event WHERE n < 2 * {rows} - 1)
             INSERT INTO spool (stream, sequence, event_id, time, committed_at, bytes, core, original)
             SELECT n % 2 + 1, n / 2 + 1, x'00', 1, 1000 * n, 4 * n, '{{}}', '[]' FROM event;"
        ))
        .unwrap();
    database
}

#[test]
fn asking_takes_as_many_steps_however_much_waits() {
    let steps = |rows: i64| {
        let directory = tempfile::tempdir().unwrap();
        let place = Place::new(directory.path());
        let database = waiting(&place, rows);
        let db = &database.connection;
        let snapshot = snapshot::read(db, &place).unwrap();
        let told: Vec<_> =
            snapshot.sinks.iter().map(|one| (one.name.as_str(), one.waiting, one.waiting_bytes)).collect();
        let bytes = u64::try_from(8 * rows).unwrap();
        assert_eq!(told, [("all", 2 * rows, bytes), ("some", rows - 10, bytes - 80)]);
        assert_eq!(snapshot.undelivered_bytes, bytes);
        let sinks = [sink::COUNT_WAITING, sink::FIRST_WAITING].map(|sql| (sql, vec!["all"]));
        let all = sinks.into_iter().chain([(page::END_BYTES, vec![])]);
        all.map(|(sql, parameters)| {
            let mut statement = db.prepare(sql).unwrap();
            statement.query_row(rusqlite::params_from_iter(parameters), |_| Ok(())).unwrap();
            statement.get_status(StatementStatus::VmStep)
        })
        .collect::<Vec<_>>()
    };
    let few = steps(100);
    assert_eq!(few, steps(100_000));
    assert!(few.iter().all(|steps| *steps < 500), "{few:?}");
}
