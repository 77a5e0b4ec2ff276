//! Killed at any commit.

use super::*;

/// Opens a directory whose last user was killed.
fn open_with(directory: &Path, crash_after: Option<u32>) -> Store {
    let faults = Faults { crash_after, ..Faults::default() };
    Store::open_for_test(directory, &options(), &faults).unwrap()
}

/// One turn of a collector: pages, then the cursor behind them. Stops where the store dies.
async fn turn(store: &Store, turn: u64) -> Result<(), StoreError> {
    let stream = store.stream(&name("hub", "login")).await?.id;
    store.register_sinks(vec![sink("s", &[])]).await?;
    let first = turn * 30;
    for page in 0..3 {
        let page = first + page * 10;
        store.commit_page(stream, events(page..page + 10)).await?.done().await?;
    }
    let time = second(i64::try_from(first + 30).unwrap());
    let cursor = Cursor { high_water: Some(time), complete_to: Some(time), ..Cursor::default() };
    store.complete_window(stream, cursor).await
}

#[tokio::test]
async fn a_page_is_stored_with_its_known_ids_and_sequences_or_not_at_all() {
    for crash_after in 0..14 {
        let directory = tempfile::tempdir().unwrap();
        let store = open_with(directory.path(), Some(crash_after));
        let mut answered = 0;
        for number in 0..3 {
            match turn(&store, number).await {
                Ok(()) => answered = number + 1,
                Err(error) => {
                    assert!(matches!(error, StoreError::Closed), "{error}");
                    break;
                }
            }
        }
        // The lock is free by the time that somebody learns of the end.
        let again = open_with(directory.path(), None);
        let login = name("hub", "login");
        let state = again.stream(&login).await.unwrap();
        let stored = u64::try_from(state.sequence).unwrap();
        let (rows, highest): (i64, i64) = again
            .ask(|reader| {
                let sql = "SELECT count(*), coalesce(max(sequence), 0) FROM spool";
                reader.db.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
            })
            .await
            .unwrap();
        assert_eq!((rows, highest), (state.sequence, state.sequence), "crash after {crash_after}");
        assert!(stored >= answered * 30 && stored % 10 == 0, "crash after {crash_after}: {stored}");
        let keys = (0..100).map(|number| (event(number).time, id(number))).collect();
        let known = again.known(state.id, keys).await.unwrap();
        assert!((0..100).zip(known).all(|(number, known)| known == (number < stored)));
        // The cursor never passes what is stored.
        let high_water = state.cursor.high_water.map_or(0, Timestamp::as_second);
        assert!(u64::try_from(high_water).unwrap() <= stored, "crash after {crash_after}");
        // It goes on, without a hole and without a double.
        for number in 0..3 {
            turn(&again, number).await.unwrap();
        }
        assert_eq!(again.stream(&login).await.unwrap().sequence, 90);
        again.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_killed_store_answers_nothing_any_more() {
    let directory = tempfile::tempdir().unwrap();
    let store = open_with(directory.path(), Some(2));
    let stream = store.stream(&name("hub", "login")).await.unwrap().id;
    store.register_sinks(vec![sink("s", &[])]).await.unwrap();
    let mut reader = store.reader("s").await.unwrap();
    let pending = store.commit_page(stream, events(0..10)).await.unwrap();
    assert!(matches!(pending.done().await, Err(StoreError::Closed)));
    assert!(matches!(store.snapshot().await, Err(StoreError::Closed)));
    assert!(matches!(soon(reader.next(1, 1)).await, Err(StoreError::Closed)));
    assert!(matches!(reader.advance(0, 0, Vec::new()).await, Err(StoreError::Closed)));
    assert!(matches!(store.close().await, Err(StoreError::Closed)));
    let left = Store::read_snapshot(directory.path()).unwrap();
    assert_eq!((left.streams[0].events, left.sinks[0].waiting), (0, 0));
    assert_eq!(open(directory.path()).stream(&name("hub", "login")).await.unwrap().sequence, 0);
}
