//! Streams that a command has read again, while a poll is under way.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::oneshot;

use super::gap::CALM;
use super::tally;
use super::timeline::{BEGIN, Case, Machine, everything};
use super::world::{DAY, HOUR, Pause, World};
use crate::event::StreamName;
use crate::store::{Store, StreamState};

/// More requests than a poll of the model takes.
const MOST_REQUESTS: u32 = 200;
const CASES: [Case; 4] = [Case::AuditLogs, Case::Login, Case::Security, Case::Activities];

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap()
}

async fn state(store: &Store) -> (StreamName, StreamState) {
    let streams = store.streams().await.unwrap();
    let name = streams.into_iter().find(|name| name.source == "model").unwrap();
    let state = store.find_stream(&name).await.unwrap().unwrap();
    (name, state)
}

/// A machine that has read a world of some weeks to its end.
async fn caught_up<'a>(case: Case, directory: &'a std::path::Path, seed: u64) -> (Arc<World>, Machine<'a>) {
    let world = Arc::new(World::new(case, fastrand::Rng::with_seed(seed), CALM, BEGIN));
    let mut machine = Machine::boot(case, directory, &world, None).await;
    machine.register_sink().await;
    for number in 0..30 {
        world.happen(BEGIN - 15 * DAY + number * 12 * HOUR);
    }
    machine.poll().await.unwrap();
    (world, machine)
}

/// Polls, and has `change` done when the poll comes to the request behind the first `after`. False when it does not.
async fn poll_interrupted(
    world: &World,
    machine: &mut Machine<'_>,
    after: u32,
    change: impl AsyncFnOnce(&Store),
) -> bool {
    let (reached, is_reached) = oneshot::channel();
    let (go, go_on) = oneshot::channel();
    world.pause(Some(Pause { after, reached, go_on }));
    let store = machine.store.clone();
    let poll = async {
        machine.poll().await.unwrap();
        world.pause(None);
    };
    let interrupt = async {
        let comes = is_reached.await.is_ok();
        if comes {
            change(&store).await;
            go.send(()).unwrap();
        }
        comes
    };
    tokio::join!(poll, interrupt).1
}

/// Polls when what a clock that is ahead has dated tomorrow is of today.
async fn see_all(world: &World, machine: &mut Machine<'_>) {
    world.advance(DAY);
    machine.poll().await.unwrap();
}

/// How often each event stands in the store.
async fn stored(case: Case, machine: &Machine<'_>) -> Vec<String> {
    let events = everything(&machine.store).await;
    let own = events.iter().filter(|event| event.stream.source == "model");
    for (event, sequence) in own.clone().zip(1..) {
        assert_eq!(event.sequence, sequence, "the sequence has no hole");
    }
    own.map(|event| case.mark(&serde_json::from_str(&event.original).unwrap())).collect()
}

#[tokio::test(start_paused = true)]
async fn a_poll_under_way_does_not_pass_what_was_rewound() {
    for case in CASES {
        for after in 0..MOST_REQUESTS {
            let directory = tempfile::tempdir().unwrap();
            let (world, mut machine) = caught_up(case, directory.path(), u64::from(after)).await;
            // Behind every lookback: only who reads from there again finds it.
            world.happen_late(BEGIN - 5 * DAY);
            world.advance(HOUR);
            world.happen(world.now() - 1000);
            let back = async |store: &Store| {
                let id = state(store).await.1.id;
                assert!(store.rewind(id, at(BEGIN - 6 * DAY)).await.unwrap());
            };
            let was_reached = poll_interrupted(&world, &mut machine, after, back).await;
            if was_reached {
                see_all(&world, &mut machine).await;
                let expected = world.marks();
                let found = stored(case, &machine).await;
                let (found, expected) =
                    (tally(found.iter().map(String::as_str)), tally(expected.iter().map(String::as_str)));
                assert_eq!(found, expected, "{case:?}, rewound at request {after}");
                let (_, state) = state(&machine.store).await;
                assert!(
                    state.cursor.complete_to.unwrap() > at(BEGIN) && state.reached.is_none(),
                    "{state:?}"
                );
            } else {
                assert!(after > 0, "{case:?}: no request at all");
                break;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_poll_under_way_does_not_keep_what_was_forgotten() {
    for case in CASES {
        for after in 0..MOST_REQUESTS {
            let directory = tempfile::tempdir().unwrap();
            let (world, mut machine) = caught_up(case, directory.path(), u64::from(after)).await;
            let before = world.marks();
            world.advance(HOUR);
            for _ in 0..9 {
                world.happen(world.now() - 1000);
            }
            let forget = async |store: &Store| {
                let id = state(store).await.1.id;
                store.forget_streams(vec![id]).await.unwrap();
            };
            if !poll_interrupted(&world, &mut machine, after, forget).await {
                assert!(after > 0, "{case:?}: no request at all");
                break;
            }
            see_all(&world, &mut machine).await;
            let found = stored(case, &machine).await;
            let found = tally(found.iter().map(String::as_str));
            let before = tally(before.iter().map(String::as_str));
            let happened = world.marks();
            for (mark, copies) in tally(happened.iter().map(String::as_str)) {
                // What came before is there twice, what came meanwhile once or twice.
                let least = if before.contains_key(mark) { 2 * copies } else { copies };
                assert!((least..=2 * copies).contains(&found[mark]), "{case:?}, {after}: {mark} {found:?}");
            }
            let (name, state) = state(&machine.store).await;
            assert!(state.cursor.complete_to.unwrap() > at(BEGIN), "{name}: {state:?}");
            // From then on it is as ever.
            assert_eq!(machine.poll().await.unwrap().new, 0, "{case:?}, forgotten at request {after}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_read_before_the_cursor_was_moved_back_is_no_gap() {
    for case in CASES {
        let directory = tempfile::tempdir().unwrap();
        let (world, mut machine) = caught_up(case, directory.path(), 1).await;
        let (_, before) = state(&machine.store).await;
        assert!(machine.store.rewind(before.id, at(BEGIN - 85 * DAY)).await.unwrap());
        // The provider of the model remembers 90 days.
        world.advance(10 * DAY);
        assert_eq!(machine.poll().await.unwrap().gaps, [], "{case:?}");
        let (_, now) = state(&machine.store).await;
        assert!(machine.store.rewind(now.id, at(BEGIN)).await.unwrap());
        world.advance(100 * DAY);
        let gaps = machine.poll().await.unwrap().gaps;
        assert_eq!(gaps.len(), 1, "{case:?}");
        assert_eq!(Some(gaps[0].from), now.cursor.complete_to, "{case:?}");
    }
}
