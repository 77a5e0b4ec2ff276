//! Memory does not grow with what there is to collect.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may panic and print")]

#[path = "../end_to_end/rig.rs"]
#[allow(dead_code, reason = "the other tests need more of it")]
mod rig;

use std::fs;
use std::time::Duration;

use rig::{Place, Settings, Simulator};
use serde_json::json;

/// Resident memory of a first run (the bound).
const BOUND_KIB: u64 = 64 << 10;
/// More of it for the larger run: pages that happen to be long, and the allocator.
const GROWTH_KIB: u64 = 16 << 10;
/// A build without optimisation would take minutes for all of them.
const EVENTS: usize = if cfg!(debug_assertions) { 100_000 } else { 1_000_000 };

/// The highest resident memory, in KiB, of a first run that collects and delivers so many events.
fn peak_of_a_first_run(events: usize) -> u64 {
    let simulator = Simulator::start(&["--events", &events.to_string(), "--rate", "0"]);
    simulator.receiver_faults(&json!({"keep": false}));
    let place = Place::new(&simulator, &Settings::default());
    let mut run =
        place.command(&["--log-level", "warn", "run", "--once", "--timeout", "30m"]).spawn().unwrap();
    let status = format!("/proc/{}/status", run.id());
    let mut peak: u64 = 0;
    let ended = loop {
        // The high-water mark of the kernel: it only has to be read once near the end.
        let lines = fs::read_to_string(&status).unwrap_or_default();
        let mark = lines.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
        peak = mark.and_then(|mark| mark.parse::<u64>().ok()).unwrap_or_default().max(peak);
        if let Some(ended) = run.try_wait().unwrap() {
            break ended;
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    assert!(ended.success());
    let taken = simulator.stats();
    assert_eq!((taken.unique, taken.repeated), (events as u64, 0));
    println!("{events} events: {peak} KiB resident at most");
    peak
}

#[test]
fn a_first_run_takes_as_little_memory_for_many_events_as_for_few() {
    let few = peak_of_a_first_run(EVENTS / 10);
    let many = peak_of_a_first_run(EVENTS);
    assert!(few > 0 && many < BOUND_KIB, "{many} KiB");
    assert!(many < few + GROWTH_KIB, "{few} KiB for a tenth, {many} KiB for all");
}
