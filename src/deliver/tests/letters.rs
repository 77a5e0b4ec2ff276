//! Dead letters on their way back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::model::{LETTERS, ModelSpool};
use super::rig::{Drained, LIMITS, Rig, rig, slow_rig};
use super::{held, refused, retry};
use crate::config::BatchLimits;
use crate::deliver::{Notice, SinkState};
use crate::sink::{Batch, Outcome};
use crate::store::StoreError;

fn is_letters(batch: &Batch) -> bool {
    batch.events[0].position > LETTERS
}

fn letters(drained: &Drained) -> Vec<&Vec<i64>> {
    drained.sent.iter().filter(|batch| batch[0] > LETTERS).collect()
}

#[tokio::test(start_paused = true)]
async fn returned_letters_are_sent_beside_the_spool_and_settled_in_the_store() {
    let spool = ModelSpool::holding(1_000);
    spool.give_back(3);
    let bad = LETTERS + 4;
    let limits = BatchLimits { max_events: 100, ..LIMITS };
    let drained = rig(&spool, limits, move |_, batch| {
        if batch.events.iter().any(|event| event.position == bad) { refused() } else { Outcome::Accepted }
    })
    .drained()
    .await;
    assert_eq!(drained.disk.redeemed, [LETTERS + 2, LETTERS + 6]);
    assert_eq!(drained.disk.dead_letters, [(bad, "HTTP 400".to_owned())]);
    assert!(drained.disk.returned.is_empty());
    assert!(matches!(&drained.notices[..], [Notice::DeadLettered { .. }]), "{:?}", drained.notices);
    assert_eq!(
        (drained.disk.accepted, drained.disk.position, drained.status.position),
        (1_000, 3_000, 3_000)
    );
    assert_eq!((drained.status.delivered, drained.status.refused, drained.status.batches), (1_002, 1, 10));
}

#[tokio::test(start_paused = true)]
async fn letters_keep_to_the_limit_of_bytes_and_come_in_several_goes() {
    let spool = ModelSpool::default();
    spool.give_back(250);
    let drained = rig(&spool, LIMITS, |_, _| Outcome::Accepted).drained().await;
    assert_eq!(letters(&drained).iter().map(|batch| batch.len()).collect::<Vec<_>>(), [100, 100, 50]);
    assert_eq!(drained.disk.redeemed.len(), 250);
    spool.give_back(3);
    let drained =
        rig(&spool, BatchLimits { max_bytes: 1, ..LIMITS }, |_, _| Outcome::Accepted).drained().await;
    assert_eq!(letters(&drained).iter().map(|batch| batch.len()).collect::<Vec<_>>(), [1, 1, 1]);
}

#[tokio::test(start_paused = true)]
async fn letters_take_a_place_of_those_in_flight_while_they_are_sent() {
    let spool = ModelSpool::holding(10);
    spool.give_back(1);
    let limits = BatchLimits { max_events: 1, ..LIMITS };
    let under_way = Arc::new(AtomicUsize::new(0));
    let landed = Arc::clone(&under_way);
    let Rig { worker, seen, stop, drain, .. } = slow_rig(
        &spool,
        limits,
        2,
        |_| Duration::from_secs(1),
        move |_, _| {
            landed.fetch_add(1, Ordering::Relaxed);
            Outcome::Accepted
        },
    );
    drain.cancel();
    let watcher = async {
        loop {
            sleep(Duration::from_millis(100)).await;
            let begun = seen.lock().unwrap().len();
            assert!(begun - under_way.load(Ordering::Relaxed) <= 2);
            if begun == 11 {
                break;
            }
        }
    };
    let (ended, ()) = tokio::join!(worker.run(stop, drain.clone()), watcher);
    ended.unwrap();
}

#[tokio::test(start_paused = true)]
async fn letters_that_fail_for_ever_leave_the_spool_its_way_and_become_rare() {
    for outcome in [retry(None), held()] {
        let spool = ModelSpool::default();
        spool.give_back(5);
        let answer = outcome.clone();
        let rig = rig(&spool, BatchLimits { max_events: 10, ..LIMITS }, move |_, batch| {
            if is_letters(batch) { answer.clone() } else { Outcome::Accepted }
        });
        let Rig { worker, seen, mut status, stop, drain, .. } = rig;
        let watcher = async {
            let began = Instant::now();
            let mut committed = 0;
            while began.elapsed() < Duration::from_secs(3_600) {
                spool.commit(10, "crm");
                committed += 10;
                sleep(Duration::from_secs(100)).await;
            }
            let all = status.wait_for(|status| status.delivered == committed);
            timeout(Duration::from_secs(600), all).await.expect("the spool's events go on").unwrap();
            let tries = seen.lock().unwrap().iter().filter(|(_, batch)| batch[0] > LETTERS).count();
            assert!((10..200).contains(&tries), "{outcome:?}: {tries}");
            assert_eq!(spool.disk.lock().unwrap().returned.len(), 5);
            stop.cancel();
        };
        let (ended, ()) = tokio::join!(worker.run(stop.clone(), drain), watcher);
        ended.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_over_letters_pauses_the_whole_sink() {
    let spool = ModelSpool::default();
    spool.give_back(1);
    let Rig { worker, seen, mut status, stop, drain, .. } =
        rig(
            &spool,
            LIMITS,
            |turn, _| {
                if turn == 0 { retry(Some(Duration::from_secs(60))) } else { Outcome::Accepted }
            },
        );
    let watcher = async {
        status.wait_for(|status| matches!(status.state, SinkState::Retrying { .. })).await.unwrap();
        spool.commit(3, "crm");
        status.wait_for(|status| status.delivered == 4).await.unwrap();
        stop.cancel();
    };
    let (ended, ()) = tokio::join!(worker.run(stop.clone(), drain), watcher);
    ended.unwrap();
    let seen = seen.lock().unwrap();
    assert!(seen[1].0 - seen[0].0 >= Duration::from_secs(60));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_over_letters_is_waited_for_without_sending_them_twice() {
    let spool = ModelSpool::default();
    spool.give_back(2);
    let mut accesses = 0;
    spool.disk.lock().unwrap().trouble = Some(Box::new(move || {
        accesses += 1;
        // The first looks for letters, and the first attempts to settle them.
        (accesses <= 3 || (5..8).contains(&accesses))
            .then(|| StoreError::Full { reason: "no room".to_owned() })
    }));
    let Rig { worker, seen, mut status, stop, drain, .. } = rig(&spool, LIMITS, |_, _| Outcome::Accepted);
    let watcher = async {
        status.wait_for(|status| status.delivered == 2 && status.state == SinkState::Working).await.unwrap();
        stop.cancel();
    };
    let (ended, ()) = tokio::join!(worker.run(stop.clone(), drain), watcher);
    ended.unwrap();
    assert_eq!(seen.lock().unwrap().len(), 1);
    assert_eq!(spool.disk.lock().unwrap().redeemed.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn letters_that_come_late_are_sent_and_none_do_not_hold_up_the_end() {
    let spool = ModelSpool::default();
    let late = spool.clone();
    let began = Instant::now();
    let watcher = async {
        sleep(Duration::from_millis(100)).await;
        late.give_back(1);
    };
    let (drained, ()) = tokio::join!(rig(&spool, LIMITS, |_, _| Outcome::Accepted).drained(), watcher);
    assert_eq!(drained.disk.redeemed.len(), 1);
    rig(&ModelSpool::default(), LIMITS, |_, _| Outcome::Accepted).drained().await;
    assert!(began.elapsed() < Duration::from_secs(1));
}
