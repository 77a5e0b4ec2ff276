//! The collector against a model of a provider: thousands of random timelines with late, equal, shifting,
//! unordered and repeated rows, filters that mean something else, and crashes at any commit. Whatever happens,
//! every event that the provider shows is stored exactly once, and its sequence has no hole.
//!
//! A failing timeline prints its seed; `AUDITFERRY_SEED=N cargo test --lib model` runs that one alone, and
//! `AUDITFERRY_TIMELINES=N` runs more or fewer of them.

mod again;
mod gap;
mod timeline;
mod world;

use std::collections::BTreeMap;

use timeline::{Case, run};

/// Timelines of each stream; four streams.
const TIMELINES: u64 = 510;

fn check(case: Case) {
    if let Ok(seed) = std::env::var("AUDITFERRY_SEED") {
        return run(case, seed.parse().expect("AUDITFERRY_SEED is a number"));
    }
    let timelines = std::env::var("AUDITFERRY_TIMELINES").map_or(Ok(TIMELINES), |count| count.parse());
    for seed in 0..timelines.expect("AUDITFERRY_TIMELINES is a number") {
        let outcome = std::panic::catch_unwind(|| run(case, seed));
        if let Err(panic) = outcome {
            eprintln!("{case:?}: timeline with AUDITFERRY_SEED={seed} failed");
            std::panic::resume_unwind(panic);
        }
    }
}

#[test]
fn audit_logs_are_collected_once_on_every_timeline() {
    check(Case::AuditLogs);
}

#[test]
fn logins_are_collected_once_on_every_timeline() {
    check(Case::Login);
}

#[test]
fn security_events_are_collected_once_on_every_timeline() {
    check(Case::Security);
}

#[test]
fn activities_are_collected_once_on_every_timeline() {
    check(Case::Activities);
}

/// How often each event stands in a list, by the mark that the model put into it.
fn tally<'a>(marks: impl IntoIterator<Item = &'a str>) -> BTreeMap<&'a str, u32> {
    let mut tally = BTreeMap::new();
    for mark in marks {
        *tally.entry(mark).or_default() += 1;
    }
    tally
}
