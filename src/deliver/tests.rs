//! The worker between a scripted sink and a model of the store, under tokio's paused clock.

mod flights;
mod letters;
mod model;
mod random;
mod refusals;
mod rig;

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use tokio::time::timeout;

use self::model::ModelSpool;
use self::rig::{LIMITS, Rig, rig, slow_rig};
use super::ledger::{Ledger, Step};
use super::*;
use crate::encode::{Envelope, Format};
use crate::sink::{Outcome, Verdict};

fn retry(after: Option<Duration>) -> Outcome {
    Outcome::Retry { after, reason: "busy".to_owned() }
}

fn held() -> Outcome {
    Outcome::Held { reason: "HTTP 401".to_owned() }
}

fn refused() -> Outcome {
    Outcome::Refused { reason: "HTTP 400".to_owned(), suspects: None }
}

#[tokio::test(start_paused = true)]
async fn events_arrive_once_and_in_order_in_batches_within_their_limits() {
    let limits = BatchLimits { max_events: 100, ..LIMITS };
    let drained = rig(&ModelSpool::holding(1_050), limits, |_, _| Outcome::Accepted).drained().await;
    assert_eq!(drained.sent.len(), 11);
    assert_eq!(drained.sent.concat(), (1..=1_050).map(|n| n * 3).collect::<Vec<_>>());
    assert_eq!((drained.disk.accepted, drained.disk.position), (1_050, 3_150));
    assert_eq!(
        (drained.status.delivered, drained.status.position, drained.status.batches),
        (1_050, 3_150, 11)
    );
    assert_eq!(drained.notices, []);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_would_make_a_batch_too_large_begins_the_next_one() {
    let mut line = Vec::new();
    Encoder::new(Format::raw(), Envelope::Line)
        .encode(&ModelSpool::holding(1).disk.lock().unwrap().events[0], &mut line);
    // Room for two and a half; and for none, where each goes alone.
    for (max_bytes, sizes) in [(line.len() * 5 / 2, vec![2, 2, 1]), (1, vec![1; 5])] {
        let limits = BatchLimits { max_bytes, ..LIMITS };
        let drained = rig(&ModelSpool::holding(5), limits, |_, _| Outcome::Accepted).drained().await;
        assert_eq!(drained.sent.iter().map(Vec::len).collect::<Vec<_>>(), sizes);
        assert_eq!(drained.sent.concat(), [3, 6, 9, 12, 15]);
    }
}

#[test]
fn the_position_never_passes_an_event_that_is_open() {
    let events = ModelSpool::holding(4).disk.lock().unwrap().events.clone();
    let mut batch = Batch::default();
    for event in &events {
        batch.push(Arc::clone(event), b"{}");
    }
    let mut ledger = Ledger::new([batch]);
    let again = || Verdict::Retry("queue".to_owned());
    ledger.apply(Outcome::Each(vec![
        Verdict::Accepted,
        again(),
        Verdict::Refused("x".to_owned()),
        Verdict::Accepted,
    ]));
    let first = ledger.progress().unwrap();
    assert_eq!((first.position, first.accepted, first.refused.len()), (3, 1, 0));
    assert_eq!(ledger.apply(retry(None)), Step::Retry { after: None, reason: "busy".to_owned() });
    assert_eq!(ledger.progress(), None);
    assert_eq!(ledger.apply(Outcome::Accepted), Step::Settled);
    let rest = ledger.progress().unwrap();
    assert_eq!((rest.position, rest.accepted, rest.refused.len()), (12, 2, 1));
    assert!(ledger.next_part().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_retry_sends_the_same_batch_and_waits_as_long_as_it_was_asked() {
    let spool = ModelSpool::holding(3);
    let late = spool.clone();
    let asked = Duration::from_secs(120);
    let drained = rig(&spool, LIMITS, move |turn, _| {
        // What is committed meanwhile does not change what is sent again.
        late.commit(1, "crm");
        if turn < 2 { retry((turn == 0).then_some(asked)) } else { Outcome::Accepted }
    });
    let Rig { worker, seen, mut status, stop, drain, .. } = drained;
    let began = Instant::now();
    let watcher = async {
        status.wait_for(|status| matches!(status.state, SinkState::Retrying { .. })).await.unwrap();
        status.wait_for(|status| status.delivered >= 3).await.unwrap();
        stop.cancel();
    };
    let (ended, ()) = tokio::join!(worker.run(stop.clone(), drain), watcher);
    ended.unwrap();
    let seen = seen.lock().unwrap();
    assert_eq!([&seen[0].1, &seen[1].1, &seen[2].1], [&vec![3, 6, 9]; 3]);
    let waited = seen[1].0.duration_since(began);
    assert!(waited >= asked && waited < asked * 2, "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_fails_for_hours_loses_nothing_and_is_logged_as_one_state() {
    let drained =
        rig(
            &ModelSpool::holding(3),
            LIMITS,
            |turn, _| if turn < 300 { retry(None) } else { Outcome::Accepted },
        )
        .drained()
        .await;
    assert_eq!(drained.disk.accepted, 3);
    assert!(drained.times[300] > Duration::from_secs(3_600));
    assert!(drained.times.windows(2).all(|pair| pair[1] - pair[0] <= Duration::from_secs(61)));
    let notes = [SinkNote::Working, SinkNote::Retrying("busy".to_owned()), SinkNote::Working];
    assert_eq!(drained.disk.notes, notes);
    assert_eq!(drained.notices, [], "a failure in passing is no event");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_tried_again_at_the_pace_of_the_contract() {
    let drained =
        rig(&ModelSpool::holding(1), LIMITS, |turn, _| if turn < 14 { held() } else { Outcome::Accepted })
            .drained()
            .await;
    let pauses: Vec<u64> = drained
        .times
        .windows(2)
        .map(|pair| (pair[1] - pair[0] + Duration::from_millis(500)).as_secs())
        .collect();
    assert_eq!(pauses[..4], [15, 30, 60, 60]);
    assert_eq!(pauses[13], 300, "after ten minutes: {pauses:?}");
    let sink = || "siem".to_owned();
    let told =
        [Notice::Held { sink: sink(), reason: "HTTP 401".to_owned() }, Notice::Recovered { sink: sink() }];
    assert_eq!(drained.notices, told);
    assert_eq!(drained.disk.accepted, 1);
}

#[tokio::test(start_paused = true)]
async fn a_new_credential_ends_the_wait_within_two_seconds() {
    let rig =
        rig(&ModelSpool::holding(1), LIMITS, |turn, _| if turn < 3 { held() } else { Outcome::Accepted });
    let Rig { worker, seen, mut status, has_new_credential, stop, drain, .. } = rig;
    drain.cancel();
    let watcher = async {
        sleep(Duration::from_secs(48)).await;
        assert_eq!(seen.lock().unwrap().len(), 3, "at 0, 15 and 45 s");
        assert!(matches!(status.borrow().state, SinkState::Held { .. }));
        has_new_credential.store(true, Ordering::Relaxed);
        let changed = Instant::now();
        status.wait_for(|status| status.state == SinkState::Working).await.unwrap();
        assert!(changed.elapsed() <= Duration::from_secs(2));
    };
    let (ended, ()) = tokio::join!(worker.run(stop, drain), watcher);
    ended.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_kill_between_delivery_and_position_repeats_one_batch_at_most() {
    let spool = ModelSpool::holding(1_000);
    let limits = BatchLimits { max_events: 100, ..LIMITS };
    let first = rig(&spool, limits, |_, _| Outcome::Accepted);
    spool.disk.lock().unwrap().failures = vec![StoreError::Closed];
    let killed = first.worker.run(first.stop, first.drain).await;
    assert!(matches!(killed, Err(StoreError::Closed)));
    let before = first.seen.lock().unwrap().iter().map(|(_, batch)| batch.clone()).collect::<Vec<_>>();

    let after = rig(&spool, limits, |_, _| Outcome::Accepted).drained().await;
    let repeated = before.concat().iter().filter(|position| after.sent.concat().contains(position)).count();
    assert_eq!((before.len(), repeated), (1, 100));
    assert_eq!(after.sent.concat(), (1..=1_000).map(|n| n * 3).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_is_waited_for_without_sending_anything_twice() {
    let spool = ModelSpool::holding(3);
    spool.disk.lock().unwrap().failures = vec![StoreError::Full { reason: "no room".to_owned() }; 5];
    let drained = rig(&spool, LIMITS, |_, _| Outcome::Accepted).drained().await;
    assert_eq!(drained.sent, [[3, 6, 9]]);
    assert_eq!((drained.disk.accepted, drained.status.state), (3, SinkState::Working));
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_every_wait_at_once() {
    for outcome in [retry(Some(Duration::from_secs(3_600))), held()] {
        let Rig { worker, seen, mut status, stop, drain, .. } =
            rig(&ModelSpool::holding(1), LIMITS, move |_, _| outcome.clone());
        let watcher = async {
            status.wait_for(|status| status.state != SinkState::Working).await.unwrap();
            stop.cancel();
            Instant::now()
        };
        let (ended, stopped) = tokio::join!(worker.run(stop.clone(), drain), watcher);
        ended.unwrap();
        assert_eq!(stopped.elapsed(), Duration::ZERO);
        assert_eq!(seen.lock().unwrap().len(), 1);
    }
    // And the wait for events.
    let idle = rig(&ModelSpool::default(), LIMITS, |_, _| Outcome::Accepted);
    idle.stop.cancel();
    timeout(Duration::from_secs(1), idle.worker.run(idle.stop, idle.drain)).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_delivery_in_flight_is_finished_before_the_stop() {
    let spool = ModelSpool::holding(1);
    let rig = slow_rig(&spool, LIMITS, 1, |_| Duration::from_secs(5), |_, _| Outcome::Accepted);
    let (stop, seen) = (rig.stop.clone(), Arc::clone(&rig.seen));
    let watcher = async move {
        while seen.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        stop.cancel();
    };
    // Without a pause of ours the clock stands still while the watcher looks.
    let drain = rig.drain.clone();
    drain.cancel();
    let (ended, ()) = tokio::join!(rig.worker.run(rig.stop, drain), watcher);
    ended.unwrap();
    assert_eq!(spool.disk.lock().unwrap().accepted, 1);
}

#[tokio::test(start_paused = true)]
async fn the_next_batch_is_made_while_one_is_in_flight_and_goes_when_that_is_on_disk() {
    let spool = ModelSpool::holding(3);
    let limits = BatchLimits { max_events: 2, ..LIMITS };
    let on_disk = Arc::new(Mutex::new(Vec::new()));
    let (disk, taken_down) = (spool.clone(), Arc::clone(&on_disk));
    let mut rig = slow_rig(
        &spool,
        limits,
        1,
        |_| Duration::from_secs(5),
        move |_, _| {
            taken_down.lock().unwrap().push(disk.accepted());
            Outcome::Accepted
        },
    );
    let began = Instant::now();
    let watcher = async {
        rig.status.wait_for(|status| status.delivered == 3).await.unwrap();
        rig.stop.cancel();
    };
    let (ended, ()) = tokio::join!(rig.worker.run(rig.stop.clone(), rig.drain), watcher);
    ended.unwrap();
    assert_eq!(*on_disk.lock().unwrap(), [0, 6]);
    assert_eq!(began.elapsed(), Duration::from_secs(10), "the second batch had waited its second already");
}

#[test]
fn a_worker_can_run_on_any_thread() {
    fn is_send(_: &impl Send) {}
    fn _of_the_store(worker: Worker<StoreSpool>) {
        is_send(&worker.run(CancellationToken::new(), CancellationToken::new()));
    }
    let rig = rig(&ModelSpool::default(), LIMITS, |_, _| Outcome::Accepted);
    is_send(&rig.worker.run(rig.stop, rig.drain));
}
