//! Replays: what a sink is sent again.

use super::*;

/// A store where sink `a` has taken the events 0, 1 … `count`, and `b` none.
async fn taken(directory: &Path, count: u64) -> Store {
    let store = open(directory);
    let stream = store.stream(&name("hub", "login")).await.unwrap().id;
    store.register_sinks(vec![sink("a", &[]), sink("b", &[])]).await.unwrap();
    commit(&store, stream, events(0..count)).await;
    let mut reader = store.reader("a").await.unwrap();
    let last = drain(&mut reader).await.last().unwrap().position;
    reader.advance(last, count, Vec::new()).await.unwrap();
    store
}

/// Begins a replay that can begin.
async fn begin(store: &Store, order: ReplayOrder) -> Replay {
    match store.begin_replay(order).await.unwrap() {
        Ordered::Begun(replay) => replay,
        other => panic!("{other:?}"),
    }
}

fn order(from: i64, to: i64) -> ReplayOrder {
    ReplayOrder {
        sink: "a".to_owned(),
        asked: format!("{from} {to}"),
        from: second(from),
        to: second(to),
        source: None,
    }
}

/// Takes what is returned, `most` at a time, until the replay is done or `enough` were taken.
async fn replayed(store: &Store, most: usize, enough: usize) -> Vec<Arc<StoredEvent>> {
    let mut returns = store.returns("a");
    let mut all = Vec::new();
    while all.len() < enough && store.replay("a").await.unwrap().is_some_and(|replay| !replay.is_done) {
        let Ok(part) = tokio::time::timeout(Duration::from_millis(200), returns.next(most)).await else {
            break;
        };
        let part = part.unwrap();
        returns.settle(part.iter().map(|event| event.position).collect(), Vec::new()).await.unwrap();
        all.extend(part);
    }
    all
}

#[tokio::test]
async fn a_replay_gives_the_same_events_again_and_moves_no_position() {
    let directory = tempfile::tempdir().unwrap();
    let store = taken(directory.path(), 50).await;
    let before = store.snapshot().await.unwrap().sinks;
    let begun = begin(&store, order(10, 30)).await;
    assert_eq!((begun.events, begun.accepted, begun.is_done), (20, 0, false));
    let again = replayed(&store, 7, usize::MAX).await;
    assert_eq!(sequences(&again), (11..=30).collect::<Vec<_>>());
    assert_eq!(again[0].id, id(10));
    let done = store.replay("a").await.unwrap().unwrap();
    assert_eq!((done.accepted, done.refused, done.is_done), (20, 0, true));
    let after = store.snapshot().await.unwrap().sinks;
    for (before, after) in before.iter().zip(&after) {
        assert_eq!((before.delivered, before.waiting), (after.delivered, after.waiting));
    }
    store.rest_replay("a").await.unwrap();
    assert_eq!(store.replay("a").await.unwrap(), None, "what is done is forgotten");
}

#[tokio::test]
async fn a_replay_rests_after_a_kill_until_the_same_words_wake_it() {
    let directory = tempfile::tempdir().unwrap();
    let store = taken(directory.path(), 30).await;
    begin(&store, order(0, 100)).await;
    assert_eq!(store.begin_replay(order(5, 100)).await.unwrap(), Ordered::UnderWay, "one at a time");
    assert_eq!(replayed(&store, 10, 10).await.len(), 10);
    drop(store);
    let store = open(directory.path());
    store.register_sinks(vec![sink("a", &[]), sink("b", &[])]).await.unwrap();
    assert_eq!(replayed(&store, 10, usize::MAX).await.len(), 0, "nobody has asked for it");
    let goes_on = begin(&store, order(0, 100)).await;
    assert_eq!((goes_on.events, goes_on.accepted), (30, 10));
    assert_eq!(sequences(&replayed(&store, 100, usize::MAX).await), (11..=30).collect::<Vec<_>>());
    let anew = begin(&store, order(0, 100)).await;
    assert_eq!((anew.events, anew.accepted), (30, 0), "after its end it begins anew");
}

#[tokio::test]
async fn what_is_refused_in_a_replay_is_one_dead_letter() {
    let directory = tempfile::tempdir().unwrap();
    let store = taken(directory.path(), 3).await;
    for _ in 0..2 {
        begin(&store, order(0, 100)).await;
        let mut returns = store.returns("a");
        let part = soon(returns.next(100)).await.unwrap();
        assert_eq!(sequences(&part), [1, 2, 3]);
        let [one, two, three] = [0, 1, 2].map(|index: usize| part[index].position);
        returns.settle(vec![one], vec![(two, "no".to_owned())]).await.unwrap();
        returns.settle(vec![three], Vec::new()).await.unwrap();
        let replay = store.replay("a").await.unwrap().unwrap();
        assert_eq!((replay.accepted, replay.refused, replay.is_done), (2, 1, true));
    }
    let letters = store.dead_letters(None, 0, 10).await.unwrap();
    assert_eq!(letters.iter().map(|letter| letter.sequence).collect::<Vec<_>>(), [2]);
}

#[tokio::test]
async fn only_one_source_and_only_what_the_sink_gets_is_replayed_and_unknown_sinks_are_told() {
    let directory = tempfile::tempdir().unwrap();
    let store = taken(directory.path(), 3).await;
    let mail = store.stream(&name("mail", "activities")).await.unwrap().id;
    commit(&store, mail, events(3..5)).await;
    let mut reader = store.reader("a").await.unwrap();
    let last = drain(&mut reader).await.last().unwrap().position;
    reader.advance(last, 2, Vec::new()).await.unwrap();
    let of_mail = ReplayOrder { source: Some("mail".to_owned()), ..order(0, 100) };
    assert_eq!(begin(&store, of_mail).await.events, 2);
    assert_eq!(replayed(&store, 1, usize::MAX).await.len(), 2);
    let waiting = ReplayOrder { sink: "b".to_owned(), ..order(0, 100) };
    assert_eq!(begin(&store, waiting).await.events, 0, "it gets them anyway");
    let unknown = ReplayOrder { sink: "c".to_owned(), ..order(0, 100) };
    assert_eq!(store.begin_replay(unknown).await.unwrap(), Ordered::NoSuchSink);
}

#[tokio::test]
async fn a_sink_that_came_later_is_owed_what_a_replay_gives_it_only_once() {
    let directory = tempfile::tempdir().unwrap();
    let store = taken(directory.path(), 5).await;
    let stream = store.stream(&name("hub", "login")).await.unwrap().id;
    store.register_sinks(vec![sink("a", &[]), sink("late", &[])]).await.unwrap();
    let count = async || {
        let DeliveredCount { events, before_sink, .. } = store.delivered_on("late", stream, 0).await.unwrap();
        (events, before_sink)
    };
    assert_eq!(count().await, (0, 5));
    for _ in 0..2 {
        let to_late = ReplayOrder { sink: "late".to_owned(), ..order(0, 100) };
        assert_eq!(begin(&store, to_late).await.events, 5);
        let mut returns = store.returns("late");
        let part = soon(returns.next(100)).await.unwrap();
        returns.settle(part.iter().map(|event| event.position).collect(), Vec::new()).await.unwrap();
        assert_eq!(count().await, (5, 0));
    }
}
