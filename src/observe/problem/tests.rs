use super::super::samples::{about, ago, live, now, troubled, well};
use super::super::{Status, assemble};
use super::*;
use crate::store::{SinkNote, Snapshot};

fn status_of(snapshot: &Snapshot) -> Status {
    assemble(snapshot, &about(), Some(&live(snapshot)), now())
}

fn whats(status: &Status) -> Vec<&str> {
    status.problems.iter().map(|problem| problem.what.as_str()).collect()
}

#[test]
fn what_is_wrong_is_named_with_its_reason() {
    assert_eq!(
        whats(&status_of(&troubled())),
        [
            "hubspot/login can't be polled: HTTP 503 from the provider",
            "brevo/activities is held: HTTP 401: Key not found",
            "siem does not take its events: connection refused",
            "siem has refused 2 events for good",
        ]
    );
}

#[test]
fn a_stopped_daemon_is_the_problem_and_not_that_its_polls_are_old() {
    let mut snapshot = well();
    snapshot.streams[0].last_success = Some(ago(86_400));
    let stopped = assemble(&snapshot, &about(), None, now());
    assert_eq!(whats(&stopped), ["auditferry is not running: nothing is collected and nothing is delivered"]);
    let running = stopped.with_daemon(true);
    assert_eq!(whats(&running), ["hubspot/audit_logs is late: its polls do not come to an end"]);
}

#[test]
fn a_first_poll_is_no_problem_for_who_only_reads_the_state_directory() {
    let mut snapshot = well();
    snapshot.streams.truncate(1);
    snapshot.streams[0].last_success = None;
    assert_eq!(whats(&assemble(&snapshot, &about(), None, now()).with_daemon(true)), [""; 0]);
}

#[test]
fn a_sink_that_retries_for_a_moment_is_no_problem() {
    let mut snapshot = well();
    snapshot.sinks[0].note = SinkNote::Retrying("connection reset".to_owned());
    snapshot.sinks[0].oldest_waiting = Some(ago(30));
    assert_eq!(whats(&status_of(&snapshot)), [""; 0]);
}

#[test]
fn advice_tells_how_long_the_provider_remembers() {
    let status = status_of(&troubled());
    assert!(status.problems[0].advice.ends_with("The provider forgets what is not collected in 89 days."));
    let mut snapshot = troubled();
    snapshot.streams[1].cursor.complete_to = Some(ago(90 * 86_400));
    let problems = status_of(&snapshot).problems;
    let failing = problems.iter().find(|problem| problem.code == ProblemCode::StreamFailing).unwrap();
    assert!(failing.advice.ends_with("begun to forget what is not collected."), "{}", failing.advice);
}

#[test]
fn a_full_spool_names_the_sink_that_holds_it_up() {
    let mut status = status_of(&troubled());
    status.spool.used_bytes = status.spool.max_bytes;
    status.spool.full = true;
    let problem = spool_problem(&status).unwrap();
    assert_eq!(problem.what, "the spool is full (2 GiB of 2 GiB): polling pauses");
    assert!(problem.advice.ends_with("The most wait for siem."), "{}", problem.advice);
}

#[test]
fn a_problem_says_since_when() {
    let mut snapshot = troubled();
    let since = |snapshot: &Snapshot| -> Vec<_> {
        let problems = status_of(snapshot).problems;
        problems.into_iter().map(|problem| (problem.code, problem.since)).collect()
    };
    assert_eq!(
        since(&snapshot),
        [
            (ProblemCode::StreamFailing, Some(ago(20))),
            (ProblemCode::StreamHeld, Some(ago(7_500))),
            (ProblemCode::SinkWaiting, Some(ago(900))),
            (ProblemCode::DeadLetters, None),
        ]
    );
    snapshot.sinks[0].note = SinkNote::Held("HTTP 403".to_owned());
    assert!(since(&snapshot).contains(&(ProblemCode::SinkHeld, Some(ago(910)))), "since it is held");
}

#[test]
fn a_failing_store_comes_first_and_names_what_to_look_at() {
    let mut live = live(&troubled());
    live.store_failure = Some("no room left in the state directory: /state: disk full".to_owned());
    let status = assemble(&troubled(), &about(), Some(&live), now());
    assert_eq!(status.store.failure, live.store_failure);
    let problem = &status.problems[0];
    assert_eq!((problem.code, problem.not_ready), (ProblemCode::StoreFailing, true));
    assert!(problem.what.contains("/state: disk full"), "{}", problem.what);
    assert!(problem.advice.contains("room") && problem.advice.contains("read-only"), "{}", problem.advice);
}

#[test]
fn a_low_horizon_is_a_problem_beside_what_causes_it() {
    let mut snapshot = troubled();
    snapshot.streams[1].cursor.complete_to = Some(ago(85 * 86_400));
    let status = status_of(&snapshot);
    let problem = &status.problems[0];
    assert_eq!((problem.code, problem.not_ready), (ProblemCode::HorizonLow, false));
    assert_eq!(problem.what, "hubspot/login: the provider forgets what is not collected in 5 days");
    assert_eq!(status.problems[1].code, ProblemCode::StreamFailing);
}

#[test]
fn the_codes_are_written_as_everywhere_else() {
    for (code, word) in [
        (ProblemCode::NotRunning, "not-running"),
        (ProblemCode::StreamHeld, "stream-held"),
        (ProblemCode::StreamFailing, "stream-failing"),
        (ProblemCode::StreamLate, "stream-late"),
        (ProblemCode::SinkHeld, "sink-held"),
        (ProblemCode::SinkWaiting, "sink-waiting"),
        (ProblemCode::SpoolNearlyFull, "spool-nearly-full"),
        (ProblemCode::StoreFailing, "store-failing"),
        (ProblemCode::DeadLetters, "dead-letters"),
        (ProblemCode::HorizonLow, "horizon-low"),
    ] {
        assert_eq!(serde_json::to_value(code).unwrap(), word);
    }
}
