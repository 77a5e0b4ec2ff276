//! Bad events among good ones.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use super::model::ModelSpool;
use super::refused;
use super::rig::{LIMITS, rig};
use crate::deliver::Notice;
use crate::sink::{Outcome, Suspects, Verdict};

#[tokio::test(start_paused = true)]
async fn one_bad_event_of_500_is_a_dead_letter_and_the_others_arrive_once() {
    let bad = 3 * 321;
    let drained = rig(&ModelSpool::holding(500), LIMITS, move |_, batch| {
        if batch.events.iter().any(|event| event.position == bad) { refused() } else { Outcome::Accepted }
    })
    .drained()
    .await;
    assert_eq!(drained.disk.dead_letters, [(bad, "HTTP 400".to_owned())]);
    assert_eq!((drained.disk.accepted, drained.disk.position), (499, 1_500));
    let mut arrivals: HashMap<i64, u32> = HashMap::new();
    for batch in drained.sent.iter().filter(|batch| !batch.contains(&bad)) {
        for position in batch {
            *arrivals.entry(*position).or_default() += 1;
        }
    }
    assert!(arrivals.len() == 499 && arrivals.values().all(|&times| times == 1));
    assert!(drained.sent.len() <= 20, "halving, not trying one by one: {}", drained.sent.len());
    assert!(
        matches!(&drained.notices[..], [Notice::DeadLettered { reason, .. }] if reason == "HTTP 400"),
        "{:?}",
        drained.notices
    );
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_of_the_daemons_own_is_not_told_as_another_event() {
    let spool = ModelSpool::default();
    spool.commit(1, "auditferry");
    let drained = rig(&spool, LIMITS, |_, _| refused()).drained().await;
    assert_eq!((drained.disk.dead_letters.len(), drained.status.refused), (1, 1));
    assert_eq!(drained.notices, []);
}

#[tokio::test(start_paused = true)]
async fn of_verdicts_for_each_event_only_the_retries_are_sent_again() {
    let drained = rig(&ModelSpool::holding(5), LIMITS, |turn, _| match turn {
        0 => Outcome::Each(vec![
            Verdict::Accepted,
            Verdict::Retry("queue".to_owned()),
            Verdict::Refused("mapping".to_owned()),
            Verdict::Retry("queue".to_owned()),
            Verdict::Accepted,
        ]),
        _ => Outcome::Accepted,
    })
    .drained()
    .await;
    assert_eq!(drained.sent, [vec![3, 6, 9, 12, 15], vec![6, 12]]);
    assert_eq!(drained.disk.dead_letters, [(9, "mapping".to_owned())]);
    assert_eq!((drained.disk.accepted, drained.disk.position), (4, 15));
}

#[tokio::test(start_paused = true)]
async fn of_a_refused_sender_for_single_events_only_those_wait_and_somebody_is_told() {
    let drained = rig(&ModelSpool::holding(3), LIMITS, |turn, _| match turn {
        0 => Outcome::Each(vec![
            Verdict::Retry("queue".to_owned()),
            Verdict::Held("no index".to_owned()),
            Verdict::Accepted,
        ]),
        _ => Outcome::Accepted,
    })
    .drained()
    .await;
    assert_eq!(drained.sent, [vec![3, 6, 9], vec![3, 6]]);
    assert_eq!(drained.times[1].as_secs(), 15, "the pace of a refusal");
    assert!(matches!(&drained.notices[0], Notice::Held { reason, .. } if reason == "no index"));
    assert_eq!((drained.disk.accepted, drained.disk.position), (3, 9));
}

/// A receiver that says where the bad event is, counting from `base`, of which we do not know whether it is
/// 0 or 1. It takes what stands before the bad event and, if it `goes_on`, what stands behind it.
fn taken(len: usize, bad: usize, base: usize, goes_on: bool) -> ([Range<usize>; 2], Suspects) {
    let taken = [0..bad, if goes_on { bad + 1..len } else { len..len }];
    let told = bad + base;
    // Accepted is what it is under both readings; the bad one is one of two.
    let first = told.saturating_sub(1);
    (taken, Suspects { accepted: first, alone: first..told + 1 })
}

#[tokio::test(start_paused = true)]
async fn one_bad_event_is_found_whichever_way_the_receiver_counts() {
    for index in [0, 1, 2, 250, 498, 499] {
        for (base, goes_on) in [(0, false), (0, true), (1, false), (1, true)] {
            let bad = 3 * (index + 1);
            let arrivals = Arc::new(Mutex::new(HashMap::<i64, u32>::new()));
            let arrived = Arc::clone(&arrivals);
            let drained = rig(&ModelSpool::holding(500), LIMITS, move |_, batch| {
                let positions: Vec<i64> = batch.events.iter().map(|event| event.position).collect();
                let found = positions.iter().position(|position| *position == bad);
                let (taken, suspects) = match found {
                    None => ([0..positions.len(), 0..0], None),
                    Some(found) => {
                        let (taken, suspects) = taken(positions.len(), found, base, goes_on);
                        (taken, Some(suspects))
                    }
                };
                for index in taken.into_iter().flatten() {
                    *arrived.lock().unwrap().entry(positions[index]).or_default() += 1;
                }
                match suspects {
                    None => Outcome::Accepted,
                    suspects => Outcome::Refused { reason: "code 6".to_owned(), suspects },
                }
            })
            .drained()
            .await;
            let arrivals = arrivals.lock().unwrap();
            let case = format!("index {index}, counted from {base}, goes on: {goes_on}");
            assert_eq!(drained.disk.dead_letters, [(bad, "code 6".to_owned())], "{case}");
            assert_eq!((drained.disk.accepted, drained.disk.position), (499, 1_500), "{case}");
            assert!(arrivals.len() == 499 && !arrivals.contains_key(&bad), "{case}");
            assert!(arrivals.values().all(|times| *times <= 2), "{case}: {arrivals:?}");
            let doubled = arrivals.values().filter(|times| **times == 2).count();
            assert!(goes_on || doubled <= 1, "{case}: only a suspect: {doubled}");
            assert!(drained.sent.len() <= 4, "{case}: {}", drained.sent.len());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn suspects_that_make_no_sense_end_with_the_bad_event_all_the_same() {
    let bad = 3 * 7;
    for (accepted, alone) in [(0, 0..20), (0, 5..5), (0, 90..99), (0, 19..usize::MAX), (0, 0..usize::MAX)] {
        let drained = rig(&ModelSpool::holding(20), LIMITS, move |_, batch| {
            if batch.events.iter().all(|event| event.position != bad) {
                return Outcome::Accepted;
            }
            let suspects = Some(Suspects { accepted, alone: alone.clone() });
            Outcome::Refused { reason: "code 6".to_owned(), suspects }
        })
        .drained()
        .await;
        assert_eq!(drained.disk.dead_letters, [(bad, "code 6".to_owned())]);
        assert_eq!((drained.disk.accepted, drained.disk.position), (19, 60));
    }
}
