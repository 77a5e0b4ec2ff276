use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use super::dead_letters::{Choice, Letter, Request as Letters};
use super::*;
use crate::event::{EventId, NewEvent, OWN_SOURCE, StreamName};
use crate::store::{Faults, LettersBySink, SinkRegistration, StoreOptions};

const USER: u32 = 1234;

/// A store where sink `siem` has refused `count` events.
pub(crate) async fn refused(directory: &Path, count: u8) -> Store {
    let options = StoreOptions { max_size: 1 << 30, retention: Duration::from_secs(3600) };
    let store = Store::open_for_test(directory, &options, &Faults::default()).unwrap();
    let name = StreamName { source: "hub".to_owned(), stream: "login".to_owned() };
    let stream = store.stream(&name).await.unwrap().id;
    let sinks = vec![SinkRegistration { name: "siem".to_owned(), sources: Vec::new() }];
    store.register_sinks(sinks).await.unwrap();
    let events = (1..=count).map(|number| NewEvent {
        id: EventId::from_bytes([number; 16]),
        time: Some(Timestamp::UNIX_EPOCH),
        core: r#"{"event":{"dataset":"hubspot.login"}}"#.to_owned(),
        original: format!(r#"{{"id": {number}.0}}"#),
    });
    let page = store.commit_page(stream, events.collect()).await.unwrap();
    page.done().await.unwrap();
    let mut reader = store.reader("siem").await.unwrap();
    let got = reader.next(1000, 1 << 20).await.unwrap();
    let letters = got.iter().map(|event| (Arc::clone(event), "mapping".to_owned())).collect();
    reader.advance(i64::from(count), 0, letters).await.unwrap();
    store
}

/// What a request comes to: the letters, and the counts or the error.
async fn asked(store: &Store, request: Letters) -> (Vec<Letter>, Result<Done, String>) {
    let (answers, mut incoming) = mpsc::channel(1);
    let gather = async {
        let mut letters = Vec::new();
        loop {
            match incoming.recv().await.unwrap() {
                Answer::Letter(letter) => letters.push(letter),
                Answer::Done(done) => return (letters, Ok(done)),
                Answer::Error(reason) => return (letters, Err(reason)),
                other => panic!("{other:?}"),
            }
        }
    };
    let commands = Commands { store: store.clone(), running: None };
    let executed = commands.execute(Request::DeadLetters(request), USER, answers);
    tokio::join!(executed, gather).1
}

fn siem(letters: u64) -> Result<Done, String> {
    Ok(Done::Letters(LettersBySink::from([("siem".to_owned(), letters)])))
}

fn list(sink: Option<&str>, after: i64, most: u32) -> Letters {
    Letters::List { sink: sink.map(str::to_owned), after, most: most.try_into().unwrap() }
}

#[tokio::test]
async fn a_list_comes_in_pages_and_a_letter_with_its_event() {
    let directory = tempfile::tempdir().unwrap();
    let store = refused(directory.path(), 5).await;
    let (page, done) = asked(&store, list(Some("siem"), 2, 2)).await;
    assert_eq!((page.iter().map(|letter| letter.id).collect(), done), (vec![3, 4], Ok(Done::Shown)));
    assert!(page.iter().all(|letter| letter.event.is_none()));
    let (letters, _) = asked(&store, Letters::Show { id: 4 }).await;
    let event = letters[0].event.as_ref().unwrap().get();
    // Byte for byte, as far as JSON in JSON can be.
    assert!(event.contains(r#""sequence":4,"original":"{\"id\": 4.0}"#), "{event}");
    let parsed: serde_json::Value = serde_json::from_str(event).unwrap();
    assert_eq!(parsed["hubspot"]["id"], 4.0);
}

#[tokio::test]
async fn letters_are_marked_and_dropped_and_the_siem_is_told_by_whom() {
    let directory = tempfile::tempdir().unwrap();
    let store = refused(directory.path(), 5).await;
    assert_eq!(asked(&store, Letters::Count(Choice::All)).await.1, siem(5));
    assert_eq!(asked(&store, Letters::Retry(Choice::Ids(vec![2, 1]))).await.1, siem(2));
    let marked = asked(&store, list(None, 0, 9)).await.0;
    assert_eq!(
        marked.iter().map(|letter| letter.retry).collect::<Vec<_>>(),
        [true, true, false, false, false]
    );
    assert_eq!(asked(&store, Letters::Drop(Choice::Sink("siem".to_owned()))).await.1, siem(5));
    assert!(asked(&store, list(None, 0, 9)).await.0.is_empty());
    // Nothing to drop is nothing to tell.
    assert_eq!(asked(&store, Letters::Drop(Choice::All)).await.1, Ok(Done::Letters(LettersBySink::new())));

    let mut reader = store.reader("siem").await.unwrap();
    let told = reader.next(100, 1 << 20).await.unwrap();
    assert_eq!(told.len(), 2);
    for (event, words) in told.iter().zip(["tried again: 2 of sink siem", "dropped: 5 of sink siem"]) {
        assert_eq!(event.stream.source, OWN_SOURCE);
        for word in [words, "state-changed", r#""uid":"1234""#] {
            assert!(event.core.contains(word), "{}", event.core);
        }
    }
}

#[tokio::test]
async fn what_is_not_there_is_named_and_nothing_is_changed() {
    let directory = tempfile::tempdir().unwrap();
    let store = refused(directory.path(), 2).await;
    for request in [Letters::Retry(Choice::Ids(vec![1, 77])), Letters::Drop(Choice::Ids(vec![1, 77]))] {
        let error = asked(&store, request).await.1.unwrap_err();
        assert!(error.contains("77") && error.contains("nothing was changed"), "{error}");
    }
    assert!(asked(&store, Letters::Show { id: 77 }).await.1.unwrap_err().contains("77"));
    let strange = || "splunk".to_owned();
    for request in [
        list(Some("splunk"), 0, 9),
        Letters::Count(Choice::Sink(strange())),
        Letters::Retry(Choice::Sink(strange())),
        Letters::Drop(Choice::Sink(strange())),
    ] {
        let error = asked(&store, request).await.1.unwrap_err();
        assert!(error.contains("splunk") && error.contains("known are: siem"), "{error}");
    }
    let many = asked(&store, Letters::Drop(Choice::Ids((10..100).collect()))).await.1.unwrap_err();
    assert!(many.contains("10, 11") && many.contains("and 80 more"), "{many}");
    let left = asked(&store, list(None, 0, 9)).await.0;
    assert!(left.len() == 2 && left.iter().all(|letter| !letter.retry));
}

#[tokio::test]
async fn a_command_ends_when_nobody_listens() {
    let directory = tempfile::tempdir().unwrap();
    let store = refused(directory.path(), 5).await;
    let (answers, _) = mpsc::channel(1);
    let commands = Commands { store, running: None };
    commands.execute(Request::DeadLetters(list(None, 0, 9)), USER, answers).await;
}

#[test]
fn the_words_of_the_protocol_stay() {
    let request = Request::DeadLetters(list(Some("siem"), 3, 9));
    let line = r#"{"dead_letters":{"list":{"sink":"siem","after":3,"most":9}}}"#;
    assert_eq!(serde_json::to_string(&request).unwrap(), line);
    let all = Request::DeadLetters(Letters::Retry(Choice::All));
    assert_eq!(serde_json::to_string(&all).unwrap(), r#"{"dead_letters":{"retry":"all"}}"#);
    let done = Answer::Done(siem(2).unwrap());
    assert_eq!(serde_json::to_string(&done).unwrap(), r#"{"done":{"letters":{"siem":2}}}"#);
    for unknown in
        [r#"{"dead_letters":{"list":{"most":1,"x":1}}}"#, r#"{"dead_letters":{"list":{"most":0}}}"#]
    {
        assert!(serde_json::from_str::<Request>(unknown).is_err(), "{unknown}");
    }
}
