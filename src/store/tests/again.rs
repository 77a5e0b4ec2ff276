//! Streams that are rewound or forgotten, with a walk under way.

use super::*;

fn login() -> StreamName {
    name("hub", "login")
}

fn cursor(complete_to: i64) -> Cursor {
    Cursor {
        high_water: Some(second(complete_to - 1)),
        complete_from: Some(second(5)),
        complete_to: Some(second(complete_to)),
    }
}

/// A store with 1,000 events of a stream that is read up to second 1,000, and the stream's state.
async fn read_to_1000(directory: &Path) -> (Store, StreamState) {
    let store = open(directory);
    let stream = store.stream(&login()).await.unwrap().id;
    commit(&store, stream, events(0..1000)).await;
    store.complete_window(stream, cursor(1000)).await.unwrap();
    store.remember_filter(stream, FilterHabit::Alternative).await.unwrap();
    store.remember_reconcile(stream, second(900)).await.unwrap();
    let state = store.stream(&login()).await.unwrap();
    (store, state)
}

async fn state(store: &Store) -> StreamState {
    store.find_stream(&login()).await.unwrap().unwrap()
}

async fn known_ids(store: &Store) -> i64 {
    count(store, "SELECT count(*) FROM known").await
}

async fn count(store: &Store, sql: &'static str) -> i64 {
    store.ask(move |reader| reader.db.query_row(sql, [], |row| row.get(0))).await.unwrap()
}

#[tokio::test]
async fn a_rewound_cursor_stands_where_it_was_moved_and_what_is_known_stays_known() {
    let directory = tempfile::tempdir().unwrap();
    let (store, before) = read_to_1000(directory.path()).await;
    assert!(store.rewind(before.id, second(400)).await.unwrap());
    let after = state(&store).await;
    let expected = Cursor { high_water: Some(second(400)), complete_to: Some(second(400)), ..before.cursor };
    assert_eq!((after.cursor, after.reached), (expected, Some(second(1000))));
    assert_eq!((after.filter, after.reconciled), (before.filter, before.reconciled));
    assert_eq!(commit(&store, after.id, events(300..1001)).await, Committed { new: 1, known: 700 });
    // It stays known that it was read further before, until it is there again.
    store.complete_window(after.id, cursor(600)).await.unwrap();
    assert_eq!(state(&store).await.reached, Some(second(1000)));
    assert!(store.rewind(after.id, second(100)).await.unwrap());
    let again = state(&store).await;
    assert_eq!(again.reached, Some(second(1000)));
    store.complete_window(again.id, cursor(1000)).await.unwrap();
    assert_eq!(state(&store).await.reached, None);
}

#[tokio::test]
async fn a_cursor_is_never_rewound_forward() {
    let directory = tempfile::tempdir().unwrap();
    let (store, before) = read_to_1000(directory.path()).await;
    for to in [1000, 1001, 9999] {
        assert!(!store.rewind(before.id, second(to)).await.unwrap());
    }
    let after = state(&store).await;
    assert_eq!((after.cursor, after.id), (before.cursor, before.id));
    // Nor one that there is not.
    let quiet = store.stream(&name("hub", "quiet")).await.unwrap();
    assert!(!store.rewind(quiet.id, second(1)).await.unwrap());
}

#[tokio::test]
async fn a_walk_that_began_before_cannot_move_the_cursor_over_what_is_to_be_read_again() {
    for forgets in [false, true] {
        let directory = tempfile::tempdir().unwrap();
        let (store, walk) = read_to_1000(directory.path()).await;
        if forgets {
            store.forget_streams(vec![walk.id]).await.unwrap();
        } else {
            assert!(store.rewind(walk.id, second(400)).await.unwrap());
        }
        let changed = state(&store).await;
        let refused = [
            store.complete_window(walk.id, cursor(2000)).await,
            store.remember_filter(walk.id, FilterHabit::Unfiltered).await,
            store.start_over(walk.id, FilterHabit::Unfiltered).await,
            store.remember_reconcile(walk.id, second(2000)).await,
        ];
        for refusal in refused {
            assert!(matches!(refusal, Err(StoreError::Outdated)), "{refusal:?}");
        }
        // A page of it is kept all the same: its sequences go on, and it is no second time new to the next walk.
        assert_eq!(commit(&store, walk.id, events(1000..1010)).await.new, 10);
        assert_eq!(commit(&store, changed.id, events(1000..1020)).await, Committed { new: 10, known: 10 });
        let now = state(&store).await;
        assert_eq!((now.cursor, now.filter), (changed.cursor, changed.filter));
        assert_eq!((now.reconciled, now.sequence), (changed.reconciled, 1020));
        assert_eq!(store.failure().borrow().clone(), None, "a refusal is no failure of the store");
        store.complete_window(changed.id, cursor(2000)).await.unwrap();
        assert_eq!(state(&store).await.cursor.complete_to, Some(second(2000)));
    }
}

#[tokio::test]
async fn what_is_forgotten_comes_again_under_new_sequences_that_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let (store, before) = read_to_1000(directory.path()).await;
    let gap = Gap { stream: login(), from: second(1), to: second(2) };
    assert!(store.record_gap(gap.clone()).await.unwrap());
    let other = store.stream(&name("hub", "security")).await.unwrap();
    commit(&store, other.id, events(0..10)).await;
    store.register_sinks(vec![sink("siem", &[])]).await.unwrap();
    let mut reader = store.reader("siem").await.unwrap();

    store.forget_streams(vec![before.id]).await.unwrap();
    let after = state(&store).await;
    assert_eq!(after.cursor, Cursor::default());
    assert_eq!((after.filter, after.reconciled, after.sequence), (FilterHabit::Primary, None, 1000));
    assert!(!store.knows_any(after.id, second(0), second(1000)).await.unwrap());
    assert!(!store.record_gap(gap).await.unwrap(), "what is lost stays lost");
    assert_eq!(commit(&store, other.id, events(0..10)).await.known, 10, "another stream knows what it knew");
    assert_eq!(commit(&store, after.id, events(0..1000)).await.new, 1000);
    let again = drain(&mut reader).await;
    assert_eq!(sequences(&again), (1001..=2000).collect::<Vec<_>>());
    assert!(again.iter().zip(0..).all(|(event, number)| event.id == id(number)));
}

#[tokio::test]
async fn forgotten_ids_go_bit_by_bit_however_often_the_process_is_killed() {
    let directory = tempfile::tempdir().unwrap();
    let (store, before) = read_to_1000(directory.path()).await;
    for page in 0..20 {
        commit(&store, before.id, events(1000 + page * 1000..2000 + page * 1000)).await;
    }
    let undated = (0..6000).map(|number| NewEvent { time: None, ..event(50_000 + number) });
    commit(&store, before.id, undated.collect()).await;
    store.forget_streams(vec![before.id]).await.unwrap();
    let after = state(&store).await;
    commit(&store, after.id, events(0..7)).await;
    // Nothing of it is known any more, whether the old ids are gone or not.
    assert_eq!(known_ids(&store).await, 7);
    drop(store);
    for _ in 0..3 {
        // Dropped with whatever is left to do.
        drop(open(directory.path()));
    }
    let store = open(directory.path());
    soon(async {
        // Upkeep goes on between two commands.
        while count(&store, "SELECT (SELECT count(*) FROM known_id) + (SELECT count(*) FROM forgotten)").await
            > 7
        {
            store.pulse().await.unwrap();
        }
    })
    .await;
    assert_eq!(known_ids(&store).await, 7);
    // Twice, for a shelf is not given twice.
    store.forget_streams(vec![after.id]).await.unwrap();
    assert_eq!(known_ids(&store).await, 0);
    assert_eq!(commit(&store, after.id, events(0..7)).await.new, 7);
}

#[tokio::test]
async fn a_source_that_is_unbound_takes_another_account() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let account = |id: &str| Account { id: id.to_owned(), name: None };
    store.bind_account("hub", account("1")).await.unwrap();
    store.bind_account("mail", account("1")).await.unwrap();
    let secret = RotatedCredential { replaces: [0; 32], secret: "x".to_owned() };
    store.keep_credential("hub", secret).await.unwrap();
    store.unbind("hub").await.unwrap();
    assert_eq!(store.bind_account("hub", account("2")).await.unwrap(), account("2"));
    assert_eq!(store.rotated_credential("hub").await.unwrap(), None);
    assert_eq!(store.account("mail").await.unwrap(), Some(account("1")));
}
