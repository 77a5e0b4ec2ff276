//! Dead letters: looked at, marked, tried again, dropped.

use super::*;

/// A store where sink `a` has refused the events 0, 1, 2 … and sink `b` the first one.
async fn refused(directory: &Path, count: u64) -> Store {
    let store = open(directory);
    let stream = store.stream(&name("hub", "login")).await.unwrap().id;
    store.register_sinks(vec![sink("a", &[]), sink("b", &[])]).await.unwrap();
    commit(&store, stream, events(0..count)).await;
    for (sink, most) in [("a", usize::MAX), ("b", 1)] {
        let mut reader = store.reader(sink).await.unwrap();
        let got = drain(&mut reader).await;
        let letters =
            got.iter().take(most).map(|event| (Arc::clone(event), format!("no {}", event.sequence)));
        let position = got.last().unwrap().position;
        reader.advance(position, 0, letters.collect()).await.unwrap();
    }
    store
}

fn numbers(letters: &[DeadLetter]) -> Vec<i64> {
    letters.iter().map(|letter| letter.id).collect()
}

fn positions(events: &[Arc<StoredEvent>]) -> Vec<i64> {
    events.iter().map(|event| event.position).collect()
}

async fn dead_letters(store: &Store, sink: usize) -> (i64, i64) {
    let sinks = store.snapshot().await.unwrap().sinks;
    (sinks[sink].dead_letters, sinks[sink].delivered)
}

fn tally(counts: &[(&str, u64)]) -> LettersBySink {
    counts.iter().map(|(sink, letters)| ((*sink).to_owned(), *letters)).collect()
}

#[tokio::test]
async fn letters_are_listed_page_by_page_and_shown_whole() {
    let directory = tempfile::tempdir().unwrap();
    let store = refused(directory.path(), 5).await;
    let all = store.dead_letters(None, 0, 100).await.unwrap();
    assert_eq!(numbers(&all), [1, 2, 3, 4, 5, 6]);
    let (mut paged, mut after) = (Vec::new(), 0);
    while let Some(last) = {
        let page = store.dead_letters(Some("a"), after, 2).await.unwrap();
        paged.extend(page.clone());
        page.last().map(|letter| letter.id)
    } {
        after = last;
    }
    assert_eq!(paged, all[..5]);
    let second = &all[1];
    assert_eq!((second.sink.as_str(), second.reason.as_str()), ("a", "no 2"));
    assert_eq!((second.sequence, second.event, second.retry), (2, id(1), false));
    assert_eq!(second.stream, name("hub", "login"));
    let (letter, whole) = store.dead_letter(2).await.unwrap().unwrap();
    assert_eq!(&letter, second);
    assert_eq!((whole.position, whole.sequence, whole.id), (2, 2, id(1)));
    assert_eq!((&*whole.core, &*whole.original), (&*event(1).core, &*event(1).original));
    assert!(store.dead_letter(7).await.unwrap().is_none());
    assert_eq!(store.sinks().await.unwrap(), ["a", "b"]);
}

#[tokio::test]
async fn letters_are_counted_by_sink_and_unknown_numbers_named() {
    let directory = tempfile::tempdir().unwrap();
    let store = refused(directory.path(), 3).await;
    let count = async |choice| store.count_dead_letters(choice).await.unwrap();
    assert_eq!(count(LetterChoice::All).await.by_sink, tally(&[("a", 3), ("b", 1)]));
    assert_eq!(count(LetterChoice::Sink("b".to_owned())).await.by_sink, tally(&[("b", 1)]));
    assert_eq!(count(LetterChoice::Sink("c".to_owned())).await, LetterCount::default());
    let ids = count(LetterChoice::Ids(vec![1, 4, 9])).await;
    assert_eq!((ids.by_sink, ids.missing), (tally(&[("a", 1), ("b", 1)]), vec![9]));
}

#[tokio::test]
async fn a_marked_letter_is_given_until_it_is_settled() {
    let directory = tempfile::tempdir().unwrap();
    let store = refused(directory.path(), 4).await;
    let mut marked = store.returns("a");
    let ids = LetterChoice::Ids(vec![3, 1, 2, 3]);
    assert_eq!(store.retry_dead_letters(ids).await.unwrap(), tally(&[("a", 3)]));
    assert_eq!(positions(&soon(marked.next(2)).await.unwrap()), [1, 2]);
    let events = soon(marked.next(100)).await.unwrap();
    assert_eq!((positions(&events), sequences(&events)), (vec![1, 2, 3], vec![1, 2, 3]));
    assert_eq!(*events[2].original, *event(2).original);
    assert_eq!(dead_letters(&store, 0).await, (4, 0), "marked is not accepted yet");

    let before = store.dead_letter(2).await.unwrap().unwrap().0.refused_at;
    marked.settle(vec![1], vec![(2, "still no".to_owned())]).await.unwrap();
    assert_eq!(dead_letters(&store, 0).await, (3, 1));
    assert_eq!(positions(&soon(marked.next(100)).await.unwrap()), [3]);
    let refused = store.dead_letter(2).await.unwrap().unwrap().0;
    assert_eq!((refused.reason.as_str(), refused.retry), ("still no", false));
    assert!(refused.refused_at >= before);
    // Of no one else, whatever it says.
    store.returns("b").settle(vec![3], vec![(4, "mine".to_owned())]).await.unwrap();
    assert_eq!(numbers(&store.dead_letters(Some("a"), 0, 9).await.unwrap()), [2, 3, 4]);
    assert_eq!(store.dead_letter(4).await.unwrap().unwrap().0.reason, "no 4");
}

#[tokio::test]
async fn a_mark_wakes_who_waits_for_it_and_outlives_a_stop() {
    let directory = tempfile::tempdir().unwrap();
    let store = refused(directory.path(), 2).await;
    let mut marked = store.returns("a");
    let one = LetterChoice::Ids(vec![2]);
    let (woken, done) = tokio::join!(soon(marked.next(9)), async {
        // The other has found nothing and waits by now, or finds the mark at once: both must do.
        tokio::task::yield_now().await;
        store.retry_dead_letters(LetterChoice::Sink("b".to_owned())).await.unwrap();
        store.retry_dead_letters(one).await.unwrap()
    });
    assert_eq!((positions(&woken.unwrap()), done), (vec![2], tally(&[("a", 1)])));
    store.close().await.unwrap();
    assert!(matches!(soon(marked.next(9)).await, Err(StoreError::Closed)));
    let store = open(directory.path());
    assert_eq!(positions(&soon(store.returns("a").next(9)).await.unwrap()), [2]);
}

#[tokio::test]
async fn waiting_for_a_mark_ends_with_the_store_and_may_be_given_up() {
    let directory = tempfile::tempdir().unwrap();
    let store = refused(directory.path(), 1).await;
    let mut marked = store.returns("a");
    for _ in 0..20 {
        assert!(tokio::time::timeout(Duration::from_millis(1), marked.next(9)).await.is_err());
    }
    let (ended, ()) = tokio::join!(soon(marked.next(9)), async {
        tokio::task::yield_now().await;
        store.close().await.unwrap();
    });
    assert!(matches!(ended, Err(StoreError::Closed)));
}

#[tokio::test]
async fn many_letters_are_marked_and_dropped_in_steps() {
    let directory = tempfile::tempdir().unwrap();
    let store = refused(directory.path(), 1500).await;
    assert_eq!(store.retry_dead_letters(LetterChoice::All).await.unwrap(), tally(&[("a", 1500), ("b", 1)]));
    assert!(store.dead_letters(None, 0, 9999).await.unwrap().iter().all(|letter| letter.retry));
    let mut marked = store.returns("a");
    assert_eq!(soon(marked.next(9999)).await.unwrap().len(), 1500);
    let ids = LetterChoice::Ids((1..=700).chain([5000]).collect());
    assert_eq!(store.drop_dead_letters(ids).await.unwrap(), tally(&[("a", 700)]));
    let rest = LetterChoice::Sink("a".to_owned());
    assert_eq!(store.drop_dead_letters(rest).await.unwrap(), tally(&[("a", 800)]));
    assert_eq!(numbers(&store.dead_letters(None, 0, 9).await.unwrap()), [1501]);
    // What was dropped while it was on its way is gone.
    marked.settle(vec![1], vec![(2, "again".to_owned())]).await.unwrap();
    assert_eq!(dead_letters(&store, 0).await, (0, 1));
}

#[tokio::test]
async fn large_letters_come_a_few_at_a_time_but_come() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let stream = store.stream(&name("hub", "login")).await.unwrap().id;
    store.register_sinks(vec![sink("s", &[])]).await.unwrap();
    let large = |number| NewEvent { original: "x".repeat(700_000), ..event(number) };
    commit(&store, stream, (0..3).map(large).collect()).await;
    let mut reader = store.reader("s").await.unwrap();
    let letters = drain(&mut reader).await.into_iter().map(|event| (event, "too long".to_owned()));
    reader.advance(3, 0, letters.collect()).await.unwrap();
    store.retry_dead_letters(LetterChoice::All).await.unwrap();
    let mut marked = store.returns("s");
    for letter in 1..=3 {
        assert_eq!(positions(&soon(marked.next(100)).await.unwrap()), [letter]);
        marked.settle(vec![letter], Vec::new()).await.unwrap();
    }
    assert_eq!(dead_letters(&store, 0).await, (0, 3));
}

#[tokio::test]
async fn nothing_is_opened_where_nothing_was() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("nowhere");
    let error = Store::open_existing(&missing, &options()).unwrap_err();
    assert!(error.to_string().contains("has not run"), "{error}");
    assert!(!missing.exists());
}
