//! What each sink has accepted, day by day.

use super::*;

const DAY: i64 = 86_400;

/// Events at noon of the day with this number, counted from the first `number` on.
fn of_day(day: i64, numbers: std::ops::Range<u64>) -> Vec<NewEvent> {
    numbers.map(|number| NewEvent { time: Some(second(day * DAY + 43_200)), ..event(number) }).collect()
}

async fn take_all(store: &Store, sink: &str, refused: &[i64]) {
    let mut reader = store.reader(sink).await.unwrap();
    let events = drain(&mut reader).await;
    let Some(last) = events.last().map(|event| event.position) else { return };
    let letters: Vec<_> = events
        .iter()
        .filter(|event| refused.contains(&event.sequence))
        .map(|event| (Arc::clone(event), "no".to_owned()))
        .collect();
    let accepted = (events.len() - letters.len()) as u64;
    reader.advance(last, accepted, letters).await.unwrap();
}

async fn count(store: &Store, sink: &str, stream: StreamId, day: i64) -> (u64, u64, u64) {
    let DeliveredCount { events, before_sink, dead_letters } =
        store.delivered_on(sink, stream, day).await.unwrap();
    (events, before_sink, dead_letters)
}

#[tokio::test]
async fn what_a_sink_has_is_counted_by_the_day_of_the_event() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let login = store.stream(&name("hub", "login")).await.unwrap().id;
    let other = store.stream(&name("mail", "activities")).await.unwrap().id;
    store.register_sinks(vec![sink("all", &[]), sink("mails", &["mail"])]).await.unwrap();
    commit(&store, login, of_day(10, 0..5)).await;
    commit(&store, login, of_day(11, 5..7)).await;
    commit(&store, other, of_day(10, 7..8)).await;
    assert_eq!(count(&store, "all", login, 10).await, (0, 0, 0), "nothing is delivered yet");
    take_all(&store, "all", &[2, 7]).await;
    take_all(&store, "mails", &[]).await;
    assert_eq!(count(&store, "all", login, 10).await, (4, 0, 1));
    assert_eq!(count(&store, "all", login, 11).await, (1, 0, 1));
    assert_eq!(count(&store, "all", other, 10).await, (1, 0, 0));
    assert_eq!(count(&store, "mails", other, 10).await, (1, 0, 0));
    assert_eq!(count(&store, "mails", login, 10).await, (0, 0, 0));

    // A dead letter that is taken after all.
    let letters = store.dead_letters(Some("all"), 0, 10).await.unwrap();
    store.returns("all").settle(vec![letters[0].id], Vec::new()).await.unwrap();
    assert_eq!(count(&store, "all", login, 10).await, (5, 0, 0));
    store.forget_known(login, second(11 * DAY)).await.unwrap();
    assert_eq!(count(&store, "all", login, 10).await, (0, 0, 0), "forgotten with what is known");
    assert_eq!(count(&store, "all", login, 11).await.0, 1);
}

#[tokio::test]
async fn what_was_collected_before_a_sink_was_there_is_counted_apart() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let login = store.stream(&name("hub", "login")).await.unwrap().id;
    let mail = store.stream(&name("mail", "activities")).await.unwrap().id;
    store.register_sinks(vec![sink("old", &["hub"])]).await.unwrap();
    commit(&store, login, of_day(10, 0..5)).await;
    commit(&store, mail, of_day(10, 5..8)).await;
    let both = || vec![sink("old", &[]), sink("new", &[])];
    store.register_sinks(both()).await.unwrap();
    // Positions do not tell which of another source's events a sink was to get; those that wait it gets.
    assert_eq!(count(&store, "old", mail, 10).await, (0, 0, 0));
    assert_eq!(count(&store, "new", login, 10).await, (0, 5, 0));
    assert_eq!(count(&store, "new", mail, 10).await, (0, 3, 0));
    commit(&store, login, of_day(10, 8..10)).await;
    take_all(&store, "old", &[]).await;
    take_all(&store, "new", &[]).await;
    assert_eq!(count(&store, "old", login, 10).await, (7, 0, 0));
    assert_eq!(count(&store, "old", mail, 10).await, (3, 0, 0));
    assert_eq!(count(&store, "new", login, 10).await, (2, 5, 0));
    // Naming it again changes nothing.
    store.register_sinks(both()).await.unwrap();
    assert_eq!(count(&store, "new", login, 10).await, (2, 5, 0));
}
