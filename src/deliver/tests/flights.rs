//! Several batches in flight.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::model::ModelSpool;
use super::retry;
use super::rig::{LIMITS, Rig, slow_rig};
use crate::config::BatchLimits;
use crate::deliver::SinkState;
use crate::sink::Outcome;
use crate::store::StoreError;

const HUNDRED: BatchLimits = BatchLimits { max_events: 100, ..LIMITS };

/// The first takes longest: the answers come in another order than the batches went.
fn first_last(turn: usize) -> Duration {
    Duration::from_secs(if turn.is_multiple_of(3) { 9 } else { 3 - turn as u64 % 3 })
}

#[tokio::test(start_paused = true)]
async fn the_position_keeps_the_order_of_the_spool_whichever_answer_comes_first() {
    let spool = ModelSpool::holding(1_000);
    let drained = slow_rig(&spool, HUNDRED, 3, first_last, |_, _| Outcome::Accepted).drained().await;
    assert_eq!(drained.sent.concat(), (1..=1_000).map(|n| n * 3).collect::<Vec<_>>());
    assert!(drained.disk.positions.is_sorted_by(|one, next| one < next), "{:?}", drained.disk.positions);
    assert_eq!((drained.disk.accepted, drained.disk.position), (1_000, 3_000));
    assert_eq!((drained.status.batches, drained.status.delivered), (10, 1_000));
    assert_eq!(drained.times[..3], [Duration::ZERO; 3], "three at once");
    assert!(drained.times[3] > Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_settled_batch_keeps_its_place_until_the_position_has_passed_it() {
    let spool = ModelSpool::holding(1_000);
    let takes = |turn| Duration::from_secs(if turn == 0 { 100 } else { 1 });
    let Rig { worker, seen, mut status, stop, drain, .. } =
        slow_rig(&spool, HUNDRED, 2, takes, |_, _| Outcome::Accepted);
    let watcher = async {
        sleep(Duration::from_secs(50)).await;
        assert_eq!(seen.lock().unwrap().len(), 2);
        assert_eq!(spool.disk.lock().unwrap().position, 0);
        status.wait_for(|status| status.delivered > 0).await.unwrap();
        assert_eq!(spool.disk.lock().unwrap().positions, [600], "both at once");
        stop.cancel();
    };
    let (ended, ()) = tokio::join!(worker.run(stop.clone(), drain), watcher);
    ended.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_kill_repeats_no_more_batches_than_may_be_in_flight() {
    for most in 1..=4 {
        let spool = ModelSpool::holding(1_000);
        let first = slow_rig(&spool, HUNDRED, most, first_last, |_, _| Outcome::Accepted);
        spool.disk.lock().unwrap().failures = vec![StoreError::Closed];
        let killed = first.worker.run(first.stop, first.drain).await;
        assert!(matches!(killed, Err(StoreError::Closed)));
        let before =
            first.seen.lock().unwrap().iter().flat_map(|(_, batch)| batch.clone()).collect::<Vec<_>>();
        assert_eq!(before.len(), most * 100);

        let after = slow_rig(&spool, HUNDRED, most, first_last, |_, _| Outcome::Accepted).drained().await;
        assert_eq!(after.sent.concat(), (1..=1_000).map(|n| n * 3).collect::<Vec<_>>());
        assert_eq!(after.disk.accepted, 1_000);
    }
}

#[tokio::test(start_paused = true)]
async fn a_dead_receiver_gets_one_delivery_after_each_rest() {
    let spool = ModelSpool::holding(1_000);
    let began = Instant::now();
    let hour = Duration::from_secs(3_600);
    let drained = slow_rig(
        &spool,
        HUNDRED,
        4,
        |_| Duration::from_millis(10),
        move |_, _| {
            if began.elapsed() < hour { retry(None) } else { Outcome::Accepted }
        },
    )
    .drained()
    .await;
    let probes = drained.times.iter().filter(|at| **at > Duration::from_secs(60) && **at < hour).count();
    assert!((30..240).contains(&probes), "at most a minute apart, as one batch alone: {probes}");
    let front: Vec<i64> = (1..=100).map(|n| n * 3).collect();
    assert!(drained.sent[4..4 + probes].iter().all(|batch| *batch == front));
    assert_eq!(drained.disk.accepted, 1_000);
    assert_eq!(
        drained.sent.iter().filter(|batch| **batch != front).count(),
        3 + 9,
        "the others: twice or once"
    );
}

#[tokio::test(start_paused = true)]
async fn while_the_front_fails_the_others_do_not_make_it_hurry() {
    let spool = ModelSpool::holding(1_000);
    let fails = Arc::new(AtomicUsize::new(0));
    let failed = Arc::clone(&fails);
    let Rig { worker, seen, mut status, stop, drain, .. } = slow_rig(
        &spool,
        HUNDRED,
        3,
        |_| Duration::from_millis(10),
        move |_, batch| {
            if batch.events[0].position == 3 && failed.fetch_add(1, Ordering::Relaxed) < 60 {
                retry(None)
            } else {
                Outcome::Accepted
            }
        },
    );
    drain.cancel();
    let watcher = async {
        status.wait_for(|status| matches!(status.state, SinkState::Retrying { .. })).await.unwrap();
        let began = Instant::now();
        status.wait_for(|status| status.state == SinkState::Working).await.unwrap();
        assert!(began.elapsed() > Duration::from_secs(600), "the pace of an outage: {:?}", began.elapsed());
        assert_eq!(fails.load(Ordering::Relaxed), 61);
        let seen = seen.lock().unwrap();
        let is_front = |(_, batch): &(Instant, Vec<i64>)| batch[0] == 3;
        assert!(seen[3..63].iter().all(is_front), "the two others wait where they are");
    };
    let (ended, ()) = tokio::join!(worker.run(stop, drain.clone()), watcher);
    ended.unwrap();
    assert_eq!(spool.disk.lock().unwrap().accepted, 1_000);
}

#[tokio::test(start_paused = true)]
async fn all_that_is_in_flight_at_a_stop_is_awaited_and_nothing_more_is_begun() {
    let spool = ModelSpool::holding(1_000);
    let rig =
        slow_rig(
            &spool,
            HUNDRED,
            3,
            first_last,
            |turn, _| {
                if turn == 2 { retry(None) } else { Outcome::Accepted }
            },
        );
    let (stop, seen) = (rig.stop.clone(), Arc::clone(&rig.seen));
    let watcher = async {
        sleep(Duration::from_millis(500)).await;
        assert_eq!(seen.lock().unwrap().len(), 3);
        stop.cancel();
    };
    let (ended, ()) = tokio::join!(rig.worker.run(rig.stop.clone(), rig.drain), watcher);
    ended.unwrap();
    assert_eq!(seen.lock().unwrap().len(), 3);
    assert_eq!(spool.disk.lock().unwrap().position, 600);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_comes_while_the_store_is_waited_for_is_taken_when_it_comes() {
    let spool = ModelSpool::holding(200);
    spool.disk.lock().unwrap().failures = vec![StoreError::Full { reason: "no room".to_owned() }; 12];
    let answered = Arc::new(Mutex::new(Vec::new()));
    let (began, times) = (Instant::now(), Arc::clone(&answered));
    let takes = |turn| Duration::from_secs(if turn == 0 { 1 } else { 2 });
    let drained = slow_rig(&spool, HUNDRED, 2, takes, move |_, _| {
        times.lock().unwrap().push(began.elapsed().as_secs());
        Outcome::Accepted
    })
    .drained()
    .await;
    assert_eq!(*answered.lock().unwrap(), [1, 2], "neither is left to its time limit");
    assert_eq!((drained.sent.len(), drained.disk.accepted), (2, 200));
}
