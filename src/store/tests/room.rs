//! How full the spool is, what goes when, and a disk without room.

use std::sync::atomic::Ordering;

use super::*;

/// Waits until the level is as `wanted`.
async fn level(store: &Store, wanted: impl FnMut(&SpoolLevel) -> bool) -> SpoolLevel {
    *soon(store.level().wait_for(wanted)).await.unwrap()
}

#[tokio::test]
async fn the_level_is_what_the_slowest_sink_has_still_to_take() {
    let directory = tempfile::tempdir().unwrap();
    let size = (event(10).core.len() + event(10).original.len()) as u64;
    let options = StoreOptions { max_size: 10 * size, retention: WEEK };
    let store = Store::open_for_test(directory.path(), &options, &Faults::default()).unwrap();
    let stream = store.stream(&name("hub", "login")).await.unwrap().id;
    // Nobody to wait for.
    commit(&store, stream, events(10..20)).await;
    assert_eq!(*store.level().borrow(), SpoolLevel { used: 0, max: 10 * size, full: false });
    store.register_sinks(vec![sink("fast", &[]), sink("slow", &[])]).await.unwrap();
    commit(&store, stream, events(20..30)).await;
    assert_eq!(*store.level().borrow(), SpoolLevel { used: 10 * size, max: 10 * size, full: true });
    let mut fast = store.reader("fast").await.unwrap();
    let mut slow = store.reader("slow").await.unwrap();
    drain(&mut fast).await;
    drain(&mut slow).await;
    fast.advance(20, 10, Vec::new()).await.unwrap();
    assert!(store.level().borrow().full);
    slow.advance(13, 3, Vec::new()).await.unwrap();
    assert_eq!(level(&store, |level| !level.full).await.used, 7 * size);
    assert_eq!(store.snapshot().await.unwrap().undelivered_bytes, 7 * size);
    // The same after a restart, and nothing when the slow one is no longer configured.
    store.close().await.unwrap();
    drop((fast, slow));
    let store = Store::open_for_test(directory.path(), &options, &Faults::default()).unwrap();
    assert_eq!(store.level().borrow().used, 7 * size);
    store.register_sinks(vec![sink("fast", &[])]).await.unwrap();
    assert_eq!(store.level().borrow().used, 0);
}

#[tokio::test]
async fn other_bounds_hold_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let size = (event(10).core.len() + event(10).original.len()) as u64;
    let bounds = |events: u64, retention| StoreOptions { max_size: events * size, retention };
    let store = Store::open_for_test(directory.path(), &bounds(10, WEEK), &Faults::default()).unwrap();
    let stream = store.stream(&name("hub", "login")).await.unwrap().id;
    store.register_sinks(vec![sink("siem", &[])]).await.unwrap();
    commit(&store, stream, events(10..20)).await;
    assert!(store.level().borrow().full);
    let is = |max: u64, full| SpoolLevel { used: 10 * size, max: max * size, full };
    // Room is what a tenth is free of.
    store.limit(bounds(11, WEEK)).await.unwrap();
    assert_eq!(*store.level().borrow(), is(11, true));
    store.limit(bounds(20, WEEK)).await.unwrap();
    assert_eq!(*store.level().borrow(), is(20, false));
    store.limit(bounds(5, WEEK)).await.unwrap();
    assert_eq!(*store.level().borrow(), is(5, true));
    // Delivered, they stay for a week, then for no time.
    let mut reader = store.reader("siem").await.unwrap();
    drain(&mut reader).await;
    reader.advance(10, 10, Vec::new()).await.unwrap();
    let rows = || {
        store.ask(|reader| {
            reader.db.query_row::<i64, _, _>("SELECT count(*) FROM spool", [], |row| row.get(0))
        })
    };
    assert_eq!(rows().await.unwrap(), 10);
    store.limit(bounds(20, Duration::ZERO)).await.unwrap();
    soon(async { while rows().await.unwrap() > 0 {} }).await;
}

#[tokio::test]
async fn sinks_come_and_go_and_change_their_sources_while_events_are_delivered() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let hub = store.stream(&name("hub", "login")).await.unwrap().id;
    let mail = store.stream(&name("mail", "activities")).await.unwrap().id;
    let used = || store.level().borrow().used;
    store
        .register_sinks(vec![sink("same", &[]), sink("narrow", &["mail"]), sink("gone", &[])])
        .await
        .unwrap();
    let mut same = store.reader("same").await.unwrap();
    let mut narrow = store.reader("narrow").await.unwrap();
    commit(&store, hub, events(0..3)).await;
    assert_eq!(sequences(&soon(same.next(2, 1 << 20)).await.unwrap()), [1, 2]);
    commit(&store, mail, events(10..12)).await;
    assert_eq!(sequences(&drain(&mut narrow).await), [1, 2]);
    narrow.advance(5, 2, Vec::new()).await.unwrap();
    same.advance(2, 2, Vec::new()).await.unwrap();
    let held_up = used();

    let another = vec![sink("same", &[]), sink("narrow", &["hub", "mail"]), sink("new", &[])];
    store.register_sinks(another).await.unwrap();
    // What went holds nothing up; what is the same reads on where it was, each event once.
    assert!(used() < held_up);
    commit(&store, hub, events(3..5)).await;
    assert_eq!(sequences(&drain(&mut same).await), [3, 1, 2, 4, 5]);
    same.advance(7, 5, Vec::new()).await.unwrap();
    // Who reads anew gets the other sources, from where it stands; what is new, what came since.
    let mut narrow = store.reader("narrow").await.unwrap();
    assert_eq!(sequences(&drain(&mut narrow).await), [4, 5]);
    let mut new = store.reader("new").await.unwrap();
    assert_eq!(sequences(&drain(&mut new).await), [4, 5]);
    assert!(used() > 0);
    narrow.advance(7, 2, Vec::new()).await.unwrap();
    new.advance(7, 2, Vec::new()).await.unwrap();
    assert_eq!(used(), 0);

    // Back again within the retention, it has missed nothing.
    store.register_sinks(vec![sink("gone", &[])]).await.unwrap();
    let mut back = store.reader("gone").await.unwrap();
    assert_eq!(sequences(&drain(&mut back).await), [1, 2, 3, 1, 2, 4, 5]);
}

#[tokio::test]
async fn delivered_events_go_after_their_retention_and_waiting_ones_never() {
    let directory = tempfile::tempdir().unwrap();
    let options = StoreOptions { max_size: 1 << 30, retention: Duration::ZERO };
    let store = Store::open_for_test(directory.path(), &options, &Faults::default()).unwrap();
    let stream = store.stream(&name("hub", "login")).await.unwrap().id;
    store.register_sinks(vec![sink("a", &[]), sink("b", &["brevo"])]).await.unwrap();
    let mut reader = store.reader("a").await.unwrap();
    for page in 0..40 {
        let page: Vec<NewEvent> = events(page * 200..(page + 1) * 200)
            .into_iter()
            .map(|event| NewEvent { original: "x".repeat(2000), ..event })
            .collect();
        commit(&store, stream, page).await;
    }
    let file = directory.path().join("auditferry.db");
    let all = drain(&mut reader).await;
    assert_eq!(all.len(), 8000);
    reader.advance(5000, 5000, Vec::new()).await.unwrap();
    let rows = || {
        store.ask(|reader| {
            reader.db.query_row("SELECT count(*), coalesce(min(position), 0) FROM spool", [], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
            })
        })
    };
    let gone = async |left: (i64, i64)| while rows().await.unwrap() != left {};
    soon(gone((3000, 5001))).await;
    // The sink that got nothing has not missed anything.
    let position: Result<i64, _> = store
        .ask(|reader| reader.db.query_row("SELECT position FROM sink WHERE name = 'b'", [], |row| row.get(0)))
        .await;
    assert_eq!(position.unwrap(), 5000);
    reader.advance(8000, 3000, Vec::new()).await.unwrap();
    soon(gone((0, 0))).await;
    // Positions go on, and the space is given back.
    assert_eq!(commit(&store, stream, events(9000..9001)).await.new, 1);
    assert_eq!(reader.next(1, 1).await.unwrap()[0].position, 8001);
    let free = "PRAGMA freelist_count";
    let given_back = async || {
        while store.ask(|reader| reader.db.query_row(free, [], |row| row.get::<_, i64>(0))).await.unwrap()
            > 1024
        {}
    };
    soon(given_back()).await;
    store.close().await.unwrap();
    // Of 16 MiB; 4 MiB stay for what comes next.
    assert!(std::fs::metadata(file).unwrap().len() < 6 << 20);
}

#[tokio::test]
async fn a_sink_that_was_away_too_long_goes_on_with_the_oldest_event() {
    let directory = tempfile::tempdir().unwrap();
    let options = StoreOptions { max_size: 1 << 30, retention: Duration::ZERO };
    let store = Store::open_for_test(directory.path(), &options, &Faults::default()).unwrap();
    let stream = store.stream(&name("hub", "login")).await.unwrap().id;
    store.register_sinks(vec![sink("away", &[])]).await.unwrap();
    store.register_sinks(vec![]).await.unwrap();
    commit(&store, stream, events(0..10)).await;
    let gone = async || {
        let rows = "SELECT count(*) FROM spool";
        while store.ask(|reader| reader.db.query_row(rows, [], |row| row.get::<_, i64>(0))).await.unwrap() > 0
        {
        }
    };
    soon(gone()).await;
    store.register_sinks(vec![sink("away", &[])]).await.unwrap();
    commit(&store, stream, events(10..12)).await;
    let mut reader = store.reader("away").await.unwrap();
    assert_eq!(sequences(&drain(&mut reader).await), [11, 12]);
}

#[tokio::test]
async fn a_full_disk_fails_commits_and_nothing_else_and_passes() {
    let directory = tempfile::tempdir().unwrap();
    let faults = Faults::default();
    let store = Store::open_for_test(directory.path(), &options(), &faults).unwrap();
    let login = name("hub", "login");
    let stream = store.stream(&login).await.unwrap().id;
    store.register_sinks(vec![sink("s", &[])]).await.unwrap();
    commit(&store, stream, events(0..10)).await;
    faults.no_room.store(true, Ordering::Relaxed);
    let pages = [events(100..1000), events(1000..2000)];
    let mut pending = Vec::new();
    for page in pages.clone() {
        pending.push(store.commit_page(stream, page).await.unwrap());
    }
    for commit in pending {
        let error = commit.done().await.unwrap_err();
        assert!(matches!(error, StoreError::Full { .. }), "{error}");
    }
    let mut reader = store.reader("s").await.unwrap();
    assert_eq!(drain(&mut reader).await.len(), 10);
    reader.advance(10, 10, Vec::new()).await.unwrap();
    faults.no_room.store(false, Ordering::Relaxed);
    for page in pages {
        commit(&store, stream, page).await;
    }
    let expected: Vec<i64> = (11..=1910).collect();
    assert_eq!(sequences(&drain(&mut reader).await), expected);
}
