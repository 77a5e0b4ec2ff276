//! Commands that wait together, of which one can't be done.

use std::sync::atomic::Ordering;

use super::*;

/// Keeps the writer busy until all of `queue`'s commands wait behind it.
async fn wait_together<T>(store: &Store, queue: impl Future<Output = T>) -> T {
    let (begun, has_begun) = oneshot::channel();
    let (go_on, going_on) = std::sync::mpsc::channel::<()>();
    let mut begun = Some(begun);
    let busy = store.change(None, move |_| {
        if let Some(begun) = begun.take() {
            let _ = begun.send(());
            let _ = going_on.recv();
        }
        Ok(())
    });
    let queue = async {
        has_begun.await.unwrap();
        // A first poll of `queue` sends everything; then the writer may go on.
        let (done, ()) = tokio::join!(queue, async { go_on.send(()).unwrap() });
        done
    };
    let (done, busy) = tokio::join!(queue, busy);
    busy.unwrap();
    done
}

async fn page(store: &Store, stream: StreamId, events: Vec<NewEvent>) -> Result<Committed, StoreError> {
    store.commit_page(stream, events).await?.done().await
}

#[tokio::test]
async fn pages_that_wait_together_are_each_answered_for_themselves() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let login = name("hub", "login");
    let stream = store.stream(&login).await.unwrap().id;
    store.register_sinks(vec![sink("s", &[])]).await.unwrap();
    let mut reader = store.reader("s").await.unwrap();
    let (first, bad, second) = wait_together(&store, async {
        tokio::join!(
            page(&store, stream, events(0..10)),
            page(&store, StreamId(99, 0), events(0..10)),
            page(&store, stream, events(5..20)),
        )
    })
    .await;
    assert_eq!(first.unwrap(), Committed { new: 10, known: 0 });
    assert!(bad.is_err());
    assert_eq!(second.unwrap(), Committed { new: 10, known: 5 });
    assert_eq!(sequences(&drain(&mut reader).await), (1..=20).collect::<Vec<_>>());
    assert_eq!(store.stream(&login).await.unwrap().sequence, 20);
}

#[tokio::test]
async fn a_cursor_does_not_pass_a_page_that_could_not_be_committed() {
    let directory = tempfile::tempdir().unwrap();
    let faults = Faults::default();
    let store = Store::open_for_test(directory.path(), &options(), &faults).unwrap();
    let [login, security] = ["login", "security"].map(|stream| name("hub", stream));
    let stream = store.stream(&login).await.unwrap().id;
    let other = store.stream(&security).await.unwrap().id;
    let cursor = Cursor { high_water: Some(second(9)), complete_to: Some(second(9)), ..Cursor::default() };
    faults.no_room.store(true, Ordering::Relaxed);
    let (refused, passed, unconcerned) = wait_together(&store, async {
        tokio::join!(
            page(&store, stream, events(0..2000)),
            store.complete_window(stream, cursor),
            store.complete_window(other, cursor),
        )
    })
    .await;
    for error in [refused.map(|_| ()).unwrap_err(), passed.unwrap_err()] {
        assert!(matches!(error, StoreError::Full { .. }), "{error}");
    }
    assert_eq!(store.stream(&login).await.unwrap().cursor, Cursor::default());
    // Another stream's cursor has nothing to do with it.
    unconcerned.unwrap();
    assert_eq!(store.stream(&security).await.unwrap().cursor, cursor);
}
