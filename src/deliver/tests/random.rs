//! The worker against a receiver and a store that do whatever they may, in any order, and are killed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use futures_util::future::BoxFuture;
use tokio::time::{sleep, timeout};

use super::model::{LETTERS, ModelSpool};
use super::rig::{LIMITS, Rig, rig_of};
use crate::config::BatchLimits;
use crate::deliver::Spool as _;
use crate::sink::{Batch, Outcome, Probe, Sink, Suspects, Verdict};
use crate::store::StoreError;

/// Scripts that are tried.
const CASES: u64 = 300;
/// Deliveries of a case that go wrong as they like; those after them go well, so that it ends.
const WILD: usize = 80;

/// What the receiver has said, and what it was given.
#[derive(Default)]
struct Truth {
    /// Whether it said that it has the event, or that it refuses it; each once.
    answered: HashMap<i64, bool>,
    under_way: usize,
    /// The last position of each batch of the spool, in the order in which they were begun.
    begun: Vec<i64>,
    deliveries: usize,
}

struct WildSink {
    spool: ModelSpool,
    truth: Arc<Mutex<Truth>>,
    random: Mutex<Rng>,
    max_in_flight: usize,
}

impl WildSink {
    /// Checks what may be asked of the worker when it begins a delivery.
    fn begin(&self, positions: &[i64]) {
        let mut truth = self.truth.lock().unwrap();
        truth.deliveries += 1;
        truth.under_way += 1;
        assert!(truth.under_way <= self.max_in_flight, "{} in flight", truth.under_way);
        assert!(positions.is_sorted_by(|one, next| one < next), "in order: {positions:?}");
        let again: Vec<_> = positions.iter().filter(|at| truth.answered.contains_key(at)).collect();
        assert!(again.is_empty(), "settled events are sent again: {again:?}");
        let (Some(&first), Some(&last)) = (positions.first(), positions.last()) else {
            panic!("an empty delivery")
        };
        if first < LETTERS && truth.begun.last().is_none_or(|begun| *begun < first) {
            truth.begun.push(last);
        }
        let passed = self.spool.accepted();
        let open = truth.begun.iter().filter(|last| **last > passed).count();
        assert!(open <= self.max_in_flight, "a kill would repeat {open} batches");
    }

    fn end(&self, positions: &[i64]) -> Outcome {
        let mut truth = self.truth.lock().unwrap();
        let mut random = self.random.lock().unwrap();
        truth.under_way -= 1;
        let kind = if truth.deliveries > WILD { 0 } else { random.usize(..8) };
        let len = positions.len();
        let reason = || "because".to_owned();
        let mut answer = |at: &[i64], accepted: bool| {
            for at in at {
                assert!(truth.answered.insert(*at, accepted).is_none(), "settled twice: {at}");
            }
        };
        match kind {
            0..=2 => {
                answer(positions, true);
                Outcome::Accepted
            }
            3 => {
                let after = random.bool().then(|| Duration::from_secs(random.u64(..100)));
                Outcome::Retry { after, reason: reason() }
            }
            4 => Outcome::Held { reason: reason() },
            5 => {
                let verdicts = positions.iter().map(|at| match random.usize(..8) {
                    0..=4 => {
                        answer(&[*at], true);
                        Verdict::Accepted
                    }
                    5 => {
                        answer(&[*at], false);
                        Verdict::Refused(reason())
                    }
                    6 => Verdict::Retry(reason()),
                    _ => Verdict::Held(reason()),
                });
                Outcome::Each(verdicts.collect())
            }
            _ if len == 1 => {
                answer(positions, false);
                Outcome::Refused { reason: reason(), suspects: None }
            }
            6 => {
                // Places that make no sense, some of them.
                let alone = random.usize(..len + 3)..random.usize(..len + 3);
                let suspects = random.bool().then_some(Suspects { accepted: 0, alone });
                Outcome::Refused { reason: reason(), suspects }
            }
            _ => {
                let start = random.usize(..len);
                let accepted = random.usize(..=start);
                answer(&positions[..accepted], true);
                let alone = start..random.usize(start..=len);
                Outcome::Refused { reason: reason(), suspects: Some(Suspects { accepted, alone }) }
            }
        }
    }
}

impl Sink for WildSink {
    fn deliver<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Outcome> {
        let positions: Vec<i64> = batch.events.iter().map(|event| event.position).collect();
        self.begin(&positions);
        let takes = Duration::from_millis(self.random.lock().unwrap().u64(..20_000));
        Box::pin(async move {
            sleep(takes).await;
            self.end(&positions)
        })
    }

    fn max_in_flight(&self) -> usize {
        self.max_in_flight
    }

    fn credential_changed(&self) -> BoxFuture<'_, bool> {
        let changed = self.random.lock().unwrap().usize(..20) == 0;
        Box::pin(async move { changed })
    }

    fn probe(&self) -> BoxFuture<'_, Probe> {
        Box::pin(async { Probe::Passed(String::new()) })
    }
}

/// A spool of which nothing passes that has not been answered so, and whose store fails at times.
fn wild_spool(events: i64, letters: i64, truth: &Arc<Mutex<Truth>>, random: &mut Rng) -> ModelSpool {
    let spool = ModelSpool::holding(events);
    spool.give_back(letters);
    let mut disk = spool.disk.lock().unwrap();
    let (mut random, mut troubles) = (random.fork(), 20);
    disk.trouble = Some(Box::new(move || {
        let kind = random.usize(..40);
        if kind > 2 || troubles == 0 {
            return None;
        }
        troubles -= 1;
        Some(match kind {
            0 => StoreError::Closed,
            _ => StoreError::Full { reason: "no room".to_owned() },
        })
    }));
    let truth = Arc::clone(truth);
    disk.witness = Some(Box::new(move |passed, refused| {
        for at in passed {
            let accepted = truth.lock().unwrap().answered.get(at).copied();
            assert_eq!(accepted, Some(!refused.contains(at)), "the event at {at}");
        }
    }));
    drop(disk);
    spool
}

#[tokio::test(start_paused = true)]
async fn whatever_happens_every_event_is_settled_once_and_in_order() {
    let first = fastrand::u64(..1_000_000);
    for seed in first..first + CASES {
        println!("seed {seed}");
        // The worker's jitter follows it too.
        fastrand::seed(seed);
        let mut random = Rng::with_seed(seed);
        let truth = Arc::new(Mutex::new(Truth::default()));
        let (events, letters) = (random.i64(0..80), random.i64(0..10));
        let spool = wild_spool(events, letters, &truth, &mut random);
        let max_in_flight = random.usize(1..=4);
        let limits = BatchLimits {
            max_events: random.usize(1..=12),
            max_bytes: if random.bool() { random.usize(1..1_000) } else { LIMITS.max_bytes },
            ..LIMITS
        };
        loop {
            let (spool, truth, random) = (spool.clone(), Arc::clone(&truth), Mutex::new(random.fork()));
            let sink = WildSink { spool: spool.clone(), truth: Arc::clone(&truth), random, max_in_flight };
            let Rig { worker, stop, drain, .. } = rig_of(&spool, limits, Arc::new(sink));
            drain.cancel();
            match timeout(Duration::from_secs(10 * 86_400), worker.run(stop, drain)).await {
                Ok(Ok(())) => break,
                Ok(Err(StoreError::Closed)) => {}
                other => panic!("{other:?}"),
            }
            // Killed: what is not on disk was never said.
            let disk = spool.disk.lock().unwrap();
            let mut truth = truth.lock().unwrap();
            let is_open = |at: i64| {
                if at < LETTERS {
                    at > disk.position
                } else {
                    disk.returned.iter().any(|returned| returned.letter == at)
                }
            };
            truth.answered.retain(|at, _| !is_open(*at));
            truth.begun.retain(|last| *last <= disk.position);
            truth.under_way = 0;
        }
        let disk = spool.disk.lock().unwrap();
        let truth = truth.lock().unwrap();
        assert_eq!(i64::try_from(truth.answered.len()).unwrap(), events + letters, "each settled");
        assert_eq!((disk.position, disk.returned.len()), (events * 3, 0));
        let refused = truth.answered.values().filter(|accepted| !**accepted).count();
        assert_eq!(disk.dead_letters.len(), refused);
        assert_eq!(
            usize::try_from(disk.accepted).unwrap() + disk.redeemed.len() + refused,
            truth.answered.len()
        );
        assert!(disk.positions.is_sorted_by(|one, next| one < next), "{:?}", disk.positions);
    }
}
