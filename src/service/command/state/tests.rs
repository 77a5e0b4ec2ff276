use std::path::Path;
use std::time::Duration;

use tokio::sync::mpsc;

use super::*;
use crate::event::{EventId, NewEvent};
use crate::service::command::{self, Answer, Commands};
use crate::store::{Cursor, Faults, SinkRegistration, StoreOptions};

const USER: u32 = 1234;

fn second(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn name(source: &str, stream: &str) -> StreamName {
    StreamName { source: source.to_owned(), stream: stream.to_owned() }
}

/// A store with two streams of `hub`, read up to second 1,000, and one of `mail`, not yet read to its end.
async fn collected(directory: &Path) -> Store {
    let options = StoreOptions { max_size: 1 << 30, retention: Duration::from_secs(3600) };
    let store = Store::open_for_test(directory, &options, &Faults::default()).unwrap();
    let sinks = vec![SinkRegistration { name: "siem".to_owned(), sources: Vec::new() }];
    store.register_sinks(sinks).await.unwrap();
    for (source, stream) in [("hub", "login"), ("hub", "security"), ("mail", "activities")] {
        let stream = store.stream(&name(source, stream)).await.unwrap().id;
        let event = NewEvent {
            id: EventId::from_bytes([1; 16]),
            time: None,
            core: "{}".into(),
            original: String::new(),
        };
        store.commit_page(stream, vec![event]).await.unwrap().done().await.unwrap();
        if source == "hub" {
            let cursor = Cursor { complete_to: Some(second(1000)), ..Cursor::default() };
            store.complete_window(stream, cursor).await.unwrap();
        }
    }
    store
}

async fn asked(store: &Store, request: Request) -> Result<Outcome, String> {
    let (answers, mut incoming) = mpsc::channel(1);
    let commands = Commands { store: store.clone(), running: None };
    let executed = commands.execute(command::Request::State(request), USER, answers);
    match tokio::join!(executed, incoming.recv()).1.unwrap() {
        Answer::Done(Done::State(outcome)) => Ok(outcome),
        Answer::Error(reason) => Err(reason),
        other => panic!("{other:?}"),
    }
}

fn rewind(source: &str, stream: &str, to: i64) -> Request {
    Request::Rewind { source: source.to_owned(), stream: stream.to_owned(), to: second(to) }
}

fn forget(source: &str, stream: Option<&str>, account: bool) -> Request {
    Request::Forget { source: source.to_owned(), stream: stream.map(str::to_owned), account }
}

async fn complete_to(store: &Store, stream: &str) -> Option<Timestamp> {
    store.find_stream(&name("hub", stream)).await.unwrap().unwrap().cursor.complete_to
}

/// What the SIEM was told of changes.
async fn told(store: &Store) -> Vec<String> {
    let mut reader = store.reader("siem").await.unwrap();
    let events = reader.next(100, 1 << 20).await.unwrap();
    let own = events.iter().filter(|event| event.stream.source == OWN_SOURCE);
    own.map(|event| event.core.to_string()).collect()
}

#[tokio::test]
async fn a_cursor_is_moved_back_and_the_siem_is_told_by_whom() {
    let directory = tempfile::tempdir().unwrap();
    let store = collected(directory.path()).await;
    assert_eq!(asked(&store, rewind("hub", "login", 400)).await, Ok(Outcome::Rewound(second(1000))));
    assert_eq!(complete_to(&store, "login").await, Some(second(400)));
    assert_eq!(complete_to(&store, "security").await, Some(second(1000)));
    let told = told(&store).await;
    assert_eq!(told.len(), 1);
    for word in [
        "Cursor of hub/login to be moved back from 1970-01-01T00:16:40Z to 1970-01-01T00:06:40Z",
        "state-changed",
        "state rewind",
        r#""uid":"1234""#,
    ] {
        assert!(told[0].contains(word), "{}", told[0]);
    }
}

#[tokio::test]
async fn one_stream_or_all_of_a_source_are_forgotten_and_that_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let store = collected(directory.path()).await;
    let login = vec!["hub/login".to_owned()];
    assert_eq!(asked(&store, forget("hub", Some("login"), false)).await, Ok(Outcome::Forgotten(login)));
    assert_eq!(
        (complete_to(&store, "login").await, complete_to(&store, "security").await),
        (None, Some(second(1000)))
    );
    let both = vec!["hub/login".to_owned(), "hub/security".to_owned()];
    assert_eq!(asked(&store, forget("hub", None, true)).await, Ok(Outcome::Forgotten(both)));
    assert_eq!(complete_to(&store, "security").await, None);
    let told = told(&store).await;
    for (event, words) in told
        .iter()
        .zip(["To be forgotten: hub/login\"", "hub/login, hub/security, and the account of source hub"])
    {
        assert!(event.contains(words) && event.contains("state forget"), "{event}");
    }
    assert_eq!(told.len(), 2);
}

#[tokio::test]
async fn what_can_t_be_done_says_why_and_changes_and_tells_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let store = collected(directory.path()).await;
    for (request, word) in [
        (rewind("hub", "login", 1000), "moved back only"),
        (rewind("hub", "login", 5000), "never forward"),
        (rewind("mail", "activities", 1), "no cursor"),
        (
            rewind("hub", "logins", 1),
            "no stream hub/logins; known are: hub/login, hub/security, mail/activities",
        ),
        (rewind("auditferry", "service", 1), "no stream auditferry/service"),
        (forget("hbu", None, false), "no source hbu; known are: hub/login"),
        (forget("hub", Some("activities"), false), "no stream hub/activities"),
        (forget("auditferry", None, false), "no source auditferry"),
    ] {
        let reason = asked(&store, request).await.unwrap_err();
        assert!(reason.contains(word), "{reason}");
    }
    assert_eq!(complete_to(&store, "login").await, Some(second(1000)));
    assert!(told(&store).await.is_empty());
    assert!(
        store.find_stream(&name("hub", "logins")).await.unwrap().is_none(),
        "a typing error makes no stream"
    );
}

#[test]
fn the_words_of_the_protocol_stay() {
    let line = |request| serde_json::to_string(&command::Request::State(request)).unwrap();
    assert_eq!(
        line(rewind("hub", "login", 60)),
        r#"{"state":{"rewind":{"source":"hub","stream":"login","to":"1970-01-01T00:01:00Z"}}}"#
    );
    assert_eq!(
        line(forget("hub", None, true)),
        r#"{"state":{"forget":{"source":"hub","stream":null,"account":true}}}"#
    );
    let done = Answer::Done(Done::State(Outcome::Rewound(second(60))));
    assert_eq!(
        serde_json::to_string(&done).unwrap(),
        r#"{"done":{"state":{"rewound":"1970-01-01T00:01:00Z"}}}"#
    );
    let done = Answer::Done(Done::State(Outcome::Forgotten(vec!["hub/login".to_owned()])));
    assert_eq!(serde_json::to_string(&done).unwrap(), r#"{"done":{"state":{"forgotten":["hub/login"]}}}"#);
    let short: command::Request = serde_json::from_str(r#"{"state":{"forget":{"source":"hub"}}}"#).unwrap();
    assert_eq!(short, command::Request::State(forget("hub", None, false)));
    assert!(
        serde_json::from_str::<command::Request>(r#"{"state":{"forget":{"source":"hub","x":1}}}"#).is_err()
    );
}
