//! The pace under tokio's paused clock.

use tokio::time::{advance, sleep_until};

use super::*;

fn retry(after: Option<u64>) -> Step {
    Step::Retry { after: after.map(Duration::from_secs), reason: "busy".to_owned() }
}

fn held() -> Step {
    Step::Held { reason: "HTTP 401".to_owned() }
}

/// Sleeps until it may go on, and says how long that was.
async fn rested(pace: &mut Pace) -> Duration {
    let Phase::Resting { until, .. } = pace.phase else { panic!("no rest: {pace:?}") };
    assert!(!pace.is_open());
    let began = Instant::now();
    sleep_until(until).await;
    pace.tick(Instant::now());
    assert!(pace.is_open());
    began.elapsed()
}

#[tokio::test(start_paused = true)]
async fn one_outage_of_several_deliveries_raises_the_backoff_once() {
    let mut pace = Pace::new();
    let begun = [pace.begin(), pace.begin(), pace.begin(), pace.begin()];
    for begun in begun {
        pace.take_down(&retry(None), begun);
    }
    assert_eq!(pace.backoff.failures(), 1);
    assert!(rested(&mut pace).await <= FIRST_RETRY);
}

#[tokio::test(start_paused = true)]
async fn after_a_rest_one_delivery_goes_and_the_others_when_it_has_worked() {
    let mut pace = Pace::new();
    let begun = pace.begin();
    pace.take_down(&retry(None), begun);
    for failures in 2..5 {
        rested(&mut pace).await;
        let probe = pace.begin();
        assert!(!pace.is_open(), "one goes");
        pace.take_down(&retry(None), probe);
        assert_eq!(pace.backoff.failures(), failures);
    }
    rested(&mut pace).await;
    let probe = pace.begin();
    pace.take_down(&Step::Settled, probe);
    assert_eq!((pace.phase, pace.backoff.failures(), pace.note()), (Phase::Flowing, 0, &SinkNote::Working));
}

#[tokio::test(start_paused = true)]
async fn a_late_success_ends_neither_the_rest_nor_the_backoff_of_another_batch() {
    let mut pace = Pace::new();
    let late = [pace.begin(), pace.begin(), pace.begin()];
    pace.take_down(&retry(None), late[0]);
    pace.take_down(&Step::Settled, late[1]);
    assert!(!pace.is_open() && matches!(pace.note(), SinkNote::Retrying(_)));
    rested(&mut pace).await;
    let probe = pace.begin();
    pace.take_down(&Step::Settled, late[2]);
    assert!(!pace.is_open(), "the probe is still under way");
    pace.take_down(&retry(None), probe);
    assert_eq!(pace.backoff.failures(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_can_ask_for_a_longer_rest() {
    let mut pace = Pace::new();
    let late = [pace.begin(), pace.begin(), pace.begin()];
    pace.take_down(&retry(None), late[0]);
    pace.take_down(&retry(Some(120)), late[1]);
    assert!(rested(&mut pace).await >= Duration::from_secs(120));
    let probe = pace.begin();
    pace.take_down(&Step::Settled, probe);
    // And begin one, where none is.
    pace.take_down(&retry(Some(30)), late[2]);
    assert!(rested(&mut pace).await >= Duration::from_secs(30));
    assert_eq!(pace.backoff.failures(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_beats_a_failure_in_passing_and_is_told_once() {
    let mut pace = Pace::new();
    let late = [pace.begin(), pace.begin(), pace.begin(), pace.begin()];
    pace.take_down(&retry(None), late[0]);
    pace.take_down(&held(), late[1]);
    pace.take_down(&held(), late[2]);
    pace.take_down(&retry(None), late[3]);
    assert!(matches!(pace.note(), SinkNote::Held(_)));
    let pace_of_refusals = [15, 30, 60, 60].map(Duration::from_secs);
    for expected in pace_of_refusals {
        assert_eq!(rested(&mut pace).await, expected);
        let probe = pace.begin();
        pace.take_down(&held(), probe);
    }
}

#[tokio::test(start_paused = true)]
async fn the_credential_is_looked_at_every_second_of_a_hold_and_not_otherwise() {
    let mut pace = Pace::new();
    let begun = pace.begin();
    pace.take_down(&retry(Some(60)), begun);
    advance(Duration::from_secs(2)).await;
    assert!(!pace.wants_look(Instant::now()), "a failure in passing");
    rested(&mut pace).await;
    let probe = pace.begin();
    pace.take_down(&held(), probe);
    assert!(!pace.wants_look(Instant::now()), "it was used just now");
    for _ in 0..5 {
        assert_eq!(pace.alarm(), Some(Instant::now() + CREDENTIAL_LOOK));
        advance(CREDENTIAL_LOOK).await;
        assert!(pace.wants_look(Instant::now()));
        assert!(!pace.wants_look(Instant::now()));
    }
    pace.end_rest();
    assert!(pace.is_open() && pace.alarm().is_none());
}
