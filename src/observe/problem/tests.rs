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
            "siem has not taken an event for 15 min: connection refused",
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
    assert!(status_of(&snapshot).problems[0].advice.ends_with("begun to forget what is not collected."));
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
