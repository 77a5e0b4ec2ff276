//! Killed at any instant.

use std::time::Duration;

use serde_json::json;

use crate::rig::{Place, Settings, Simulator, wait_for};

const KILLS: u32 = 50;
const BATCH: usize = 40;

#[test]
fn killed_at_any_instant_it_loses_nothing_and_repeats_at_most_a_batch() {
    let seed = fastrand::u64(..);
    println!("seed of the kills: {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let simulator = Simulator::start(&["--events", "1000", "--span", "30d", "--rate", "60"]);
    simulator.faults(&json!({
        "late": {"share": 0.2, "delay_ms": 2_000},
        "equal_rows": 0.1,
        "shared_ids": 0.1,
        "same_instant": 0.2,
        "arrivals_per_page": 1,
    }));
    let place =
        Place::new(&simulator, &Settings { lookback: "5m", max_events: BATCH, ..Settings::default() });
    let mut repeated = 0;
    for kill in 1..=KILLS {
        let daemon = place.daemon();
        // One in five while it starts, the others at work, however slow this machine is.
        if !kill.is_multiple_of(5) {
            daemon.server();
        }
        // Not a wait for anything: the instant is the point.
        std::thread::sleep(Duration::from_millis(random.u64(100..900)));
        daemon.kill();
        let stats = settled(&simulator);
        assert!(stats.repeated - repeated <= BATCH as u64, "kill {kill}: {repeated} before, now {stats:#?}");
        repeated = stats.repeated;
    }
    println!("{repeated} events repeated by {KILLS} kills");
    assert!(simulator.stats().unique > 1_000, "it got somewhere between the kills");

    simulator.rate(0.0);
    simulator.faults(&json!({"arrivals_per_page": 0}));
    let daemon = place.daemon();
    // What is late becomes visible, and then no event is missing any more.
    let visible = wait_for("the late events", || {
        let now = simulator.compare().expected;
        std::thread::sleep(Duration::from_millis(2_100));
        (simulator.compare().expected == now).then_some(now)
    });
    simulator.wait_complete();
    assert_eq!(simulator.compare().received, visible);
    daemon.stop();
    simulator.assert_exactly_once();
}

/// The counts when what was under way at the kill has arrived.
fn settled(simulator: &Simulator) -> auditferry::simulator::ReceiverStats {
    wait_for("the receiver to come to rest", || {
        let before = simulator.stats();
        std::thread::sleep(Duration::from_millis(30));
        let after = simulator.stats();
        (before == after).then_some(after)
    })
}
