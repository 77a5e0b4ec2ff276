//! `run --once`.

use serde_json::json;

use crate::rig::{Place, STREAMS, Settings, Simulator};

#[test]
fn a_first_run_delivers_every_event_once_and_a_second_only_what_is_new() {
    let simulator = Simulator::start(&["--events", "50000", "--span", "90d", "--rate", "0"]);
    let place = Place::new(&simulator, &Settings { start: "91d", ..Settings::default() });
    place.run_once();
    let first = simulator.stats();
    assert_eq!(simulator.compare().expected, 50_000);
    assert_eq!(first.by_dataset.iter().filter(|(name, _)| STREAMS.contains(&name.as_str())).count(), 4);
    simulator.assert_exactly_once();
    assert_eq!((first.repeated, first.repeated_keys, first.without_original), (0, 0, 0));

    simulator.plant_everywhere(50);
    place.run_once();
    let second = simulator.stats();
    assert_eq!((second.events - first.events, second.repeated), (200, 0));
    simulator.assert_exactly_once();

    place.run_once();
    assert_eq!(simulator.stats(), second, "nothing is new, so nothing is sent");
}

#[test]
fn what_is_not_done_in_time_is_said_and_done_by_the_next_run() {
    let simulator = Simulator::start(&["--events", "300", "--rate", "0"]);
    simulator.receiver_faults(&json!({"statuses": {"503": {"share": 1}}}));
    let place = Place::new(&simulator, &Settings::default());
    let ended = place.run(&["run", "--once", "--timeout", "4s"]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("events wait for sink receiver"), "{}", ended.stderr);
    simulator.receiver_faults(&json!({"statuses": {"503": null}}));
    place.run_once();
    simulator.assert_exactly_once();
    assert_eq!(simulator.stats().repeated, 0);
}
