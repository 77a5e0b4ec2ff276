use super::*;
use crate::observe::Live;
use crate::observe::samples::{about, ago, live, now, troubled, well};

fn shown(snapshot: &Snapshot, live: Option<&Live>) -> String {
    text::show(&assemble(snapshot, &about(), live, now()))
}

#[test]
fn people_see_a_table_of_what_works() {
    let snapshot = well();
    let text = shown(&snapshot, Some(&live(&snapshot)));
    assert_eq!(text, include_str!("well.txt").replace("VERSION", env!("CARGO_PKG_VERSION")), "{text}");
}

#[test]
fn people_see_what_does_not_work_and_what_to_do() {
    let snapshot = troubled();
    let text = shown(&snapshot, Some(&live(&snapshot)));
    assert_eq!(text, include_str!("troubled.txt").replace("VERSION", env!("CARGO_PKG_VERSION")), "{text}");
}

#[test]
fn a_first_poll_under_way_is_told_from_none() {
    let mut snapshot = well();
    snapshot.streams.remove(1);
    snapshot.streams[0].last_success = None;
    let text = shown(&snapshot, None);
    assert!(text.contains("hubspot/audit_logs  first poll"), "{text}");
    assert!(text.contains("hubspot/login       never polled"), "{text}");
    assert!(text.contains("is not running") && text.contains("`auditferry run`"), "{text}");
}

#[test]
fn an_event_of_the_future_is_not_shown_as_negative() {
    let mut snapshot = well();
    snapshot.streams[0].cursor.high_water = Some(ago(-5));
    assert!(shown(&snapshot, None).contains("0 s ago"));
}

#[test]
fn a_missing_state_directory_says_what_to_do() {
    let root = tempfile::tempdir().unwrap();
    let message = read(&root.path().join("nowhere")).unwrap_err().to_string();
    assert!(message.contains("does not exist") && message.contains("--config"), "{message}");
}

#[test]
fn a_held_lock_means_that_a_daemon_runs() {
    let root = tempfile::tempdir().unwrap();
    assert!(!is_held(root.path()), "no lock file");
    let lock = File::create(root.path().join("lock")).unwrap();
    assert!(!is_held(root.path()), "nobody holds it");
    lock.lock().unwrap();
    assert!(is_held(root.path()));
    lock.unlock().unwrap();
    assert!(!is_held(root.path()), "looking leaves no lock behind");
}
