use std::collections::VecDeque;

use super::*;
use crate::exchange::Headers;

const NOT_YET: &str = r#"{"acks":{"7":false}}"#;
const INDEXED: &str = r#"{"acks":{"7":true}}"#;

/// Answers by a script, the last one for ever, and remembers when it was asked.
struct Script {
    started: Instant,
    answers: VecDeque<Answered>,
    asked: Vec<u64>,
}

#[derive(Clone)]
struct Answered {
    status: u16,
    body: &'static str,
    session_changed: bool,
    is_lost: bool,
}

const fn answer(status: u16, body: &'static str) -> Answered {
    Answered { status, body, session_changed: false, is_lost: false }
}

const fn lost() -> Answered {
    Answered { status: 0, body: "", session_changed: false, is_lost: true }
}

const fn moved(body: &'static str) -> Answered {
    Answered { status: 200, body, session_changed: true, is_lost: false }
}

impl Acknowledger for Script {
    async fn ask(&mut self, ack_id: u64) -> Result<Told, Outcome> {
        assert_eq!(ack_id, 7);
        self.asked.push(self.started.elapsed().as_secs());
        let next = self.answers.pop_front().unwrap();
        if self.answers.is_empty() {
            self.answers.push_back(next.clone());
        }
        if next.is_lost {
            return Err(Outcome::Retry { after: None, reason: "reset".to_owned() });
        }
        let body = next.body.to_owned().into();
        let reply = Reply { status: next.status, headers: Headers::default(), body, elapsed: Duration::ZERO };
        Ok(Told { reply, session_changed: next.session_changed })
    }
}

/// What becomes of a batch that meets these answers, and the seconds at which it was asked for.
async fn wait(answers: &[Answered]) -> (Result<(), Outcome>, Vec<u64>) {
    let mut script =
        Script { started: Instant::now(), answers: answers.iter().cloned().collect(), asked: Vec::new() };
    let outcome = confirmed(&mut script, 7).await;
    (outcome, script.asked)
}

#[track_caller]
fn retried(outcome: &Result<(), Outcome>, why: &str) {
    let Err(Outcome::Retry { reason, .. }) = outcome else { panic!("{outcome:?}") };
    assert!(reason.contains(why), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn a_batch_counts_when_its_true_has_arrived() {
    let answers = [answer(200, NOT_YET), answer(200, NOT_YET), answer(200, INDEXED)];
    let (outcome, asked) = wait(&answers).await;
    assert_eq!(outcome, Ok(()));
    assert_eq!(asked, [1, 2, 4], "quickly at first");
}

#[tokio::test(start_paused = true)]
async fn one_that_is_not_acknowledged_in_five_minutes_is_sent_again() {
    let (outcome, asked) = wait(&[answer(200, NOT_YET)]).await;
    retried(&outcome, "within 5 minutes");
    assert_eq!(asked.last(), Some(&300));
    assert!(asked.len() < 40, "more and more slowly: {asked:?}");
    assert!(asked.windows(2).all(|pair| pair[1] - pair[0] <= 11), "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_may_have_been_the_true_and_is_doubted_for_a_while_only() {
    let answers = [answer(200, NOT_YET), lost(), answer(200, NOT_YET)];
    let (outcome, asked) = wait(&answers).await;
    retried(&outcome, "lost (reset)");
    assert!((30..60).contains(asked.last().unwrap()), "{asked:?}");

    let answers = [lost(), lost(), answer(200, NOT_YET), answer(200, INDEXED)];
    assert_eq!(wait(&answers).await.0, Ok(()), "or it was not");
}

#[tokio::test(start_paused = true)]
async fn as_long_as_no_answer_arrives_nothing_is_sent_again_before_its_time() {
    let (outcome, asked) = wait(&[lost()]).await;
    retried(&outcome, "within 5 minutes");
    assert_eq!(asked.last(), Some(&300));
    for status in [429, 500, 503, 504] {
        let answers = [answer(status, "busy"), answer(status, "busy"), answer(200, INDEXED)];
        assert_eq!(wait(&answers).await.0, Ok(()), "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_answer_but_true_is_taken_for_delivered() {
    for body in ["", "OK", "<html></html>", "{}", r#"{"acks":{}}"#, r#"{"text":"Success","code":0}"#] {
        retried(&wait(&[answer(200, body)]).await.0, "within 5 minutes");
    }
    for (status, body) in [
        (400, r#"{"text":"ACK is disabled","code":14}"#),
        (400, r#"{"text":"Invalid data channel","code":11}"#),
        (400, r#"{"text":"Invalid data format","code":6}"#),
        (401, ""),
        (403, r#"{"text":"Invalid token","code":4}"#),
        (404, "<html></html>"),
        (410, ""),
        (413, ""),
    ] {
        let (outcome, _) = wait(&[answer(status, body)]).await;
        assert!(matches!(outcome, Err(Outcome::Held { .. })), "{status} {body}: {outcome:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_changed_session_sends_again_unless_every_answer_changes_it() {
    let (outcome, asked) = wait(&[answer(200, NOT_YET), moved(NOT_YET), answer(200, NOT_YET)]).await;
    retried(&outcome, "changed the session");
    assert_eq!(asked, [1, 2, 4], "long before its time");
    let (outcome, _) = wait(&[moved(NOT_YET), lost(), answer(503, ""), answer(200, INDEXED)]).await;
    retried(&outcome, "changed the session");

    let renewed = [moved(NOT_YET), moved(NOT_YET), moved(NOT_YET), moved(INDEXED)];
    assert_eq!(wait(&renewed).await.0, Ok(()));
    assert_eq!(wait(&[moved(NOT_YET), answer(200, INDEXED)]).await.0, Ok(()), "a true is a true");
}

#[tokio::test(start_paused = true)]
async fn whether_a_token_has_acknowledgements_is_asked_without_an_event() {
    async fn enabled(status: u16, body: &'static str) -> Result<(), Outcome> {
        struct Once(u16, &'static str);
        impl Acknowledger for Once {
            async fn ask(&mut self, _ack_id: u64) -> Result<Told, Outcome> {
                let body = self.1.into();
                let reply =
                    Reply { status: self.0, headers: Headers::default(), body, elapsed: Duration::ZERO };
                Ok(Told { reply, session_changed: false })
            }
        }
        are_enabled(&mut Once(status, body)).await
    }
    assert_eq!(enabled(200, r#"{"acks":{"0":false}}"#).await, Ok(()));
    assert_eq!(
        enabled(400, r#"{"text":"Invalid data channel","code":11}"#).await,
        Ok(()),
        "the next one tells"
    );
    for (status, body) in [(400, r#"{"text":"ACK is disabled","code":14}"#), (404, ""), (200, "OK")] {
        let Err(Outcome::Held { reason }) = enabled(status, body).await else { panic!("{status}") };
        assert!(reason.contains("acknowledgements = false"), "{reason}");
    }
    assert!(matches!(enabled(503, "").await, Err(Outcome::Retry { .. })));
}
