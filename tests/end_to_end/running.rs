//! A daemon seen by the one who runs it: status, health, signals, a second process, the demo.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::rig::{PROGRAM, Place, STREAMS, Settings, Simulator, named};

/// From a signal to the end of the process (contract).
const GRACE: Duration = Duration::from_secs(10);

#[test]
fn status_says_the_same_with_the_daemon_running_and_stopped() {
    let simulator = Simulator::start(&["--events", "600", "--rate", "0"]);
    let place = Place::new(&simulator, &Settings::default());
    let none = place.run(&["status"]);
    assert_eq!(none.code, Some(1));
    assert!(none.stderr.contains("state") && none.stderr.contains("auditferry run"), "{}", none.stderr);

    let daemon = place.daemon();
    simulator.wait_complete();
    let (code, body) = daemon.get("/healthz");
    assert_eq!((code, body.as_str()), (200, "ok\n"));
    let (code, body) = daemon.get("/readyz");
    assert_eq!(
        (code, serde_json::from_str::<Value>(&body).unwrap()),
        (200, json!({"ready": true, "reasons": []}))
    );
    let (code, page) = daemon.get("/");
    assert!(code == 200 && page.contains("<title>") && page.contains("auditferry"), "{page}");

    let idle = |status: &Value| named(status, "sinks", "receiver")["waiting"] == 0;
    let live = daemon.wait_status("everything to be delivered", idle);
    let running = place.status();
    let text = place.run(&["status"]);
    assert_eq!(text.code, Some(0));
    for word in ["hubspot/audit_logs", "brevo/activities", "receiver", "working"] {
        assert!(text.stdout.contains(word), "{}", text.stdout);
    }
    daemon.stop();
    let stopped = place.status();
    assert_eq!((&running["running"], &stopped["running"]), (&json!(true), &json!(false)));
    assert!(place.run(&["status"]).stdout.contains("not running"));
    let mut collected = 0;
    for stream in ["audit_logs", "login", "security", "activities"] {
        let events = &named(&live, "streams", stream)["events"];
        assert_eq!(events, &named(&running, "streams", stream)["events"]);
        assert_eq!(events, &named(&stopped, "streams", stream)["events"]);
        collected += events.as_u64().unwrap();
    }
    assert_eq!(collected, 600);
    let delivered = named(&stopped, "sinks", "receiver")["delivered"].as_u64().unwrap();
    assert_eq!(delivered, simulator.stats().unique, "its own events included");
}

#[test]
fn a_signal_ends_it_in_time_and_well() {
    let simulator = Simulator::start(&["--events", "2000", "--rate", "20"]);
    let place = Place::new(&simulator, &Settings::default());
    for signal in ["TERM", "INT"] {
        let mut daemon = place.daemon();
        daemon.wait_logged("polled");
        let told = Instant::now();
        daemon.signal(signal);
        let status = daemon.ended();
        assert!(status.success(), "{signal}: {status}");
        assert!(told.elapsed() < GRACE, "{signal}: {:?}", told.elapsed());
    }
    // Stopped in the middle of anything, with a receiver that never answers.
    simulator.receiver_faults(&json!({"hang": {"share": 1}}));
    let mut daemon = place.daemon();
    daemon.wait_logged("polled");
    let told = Instant::now();
    daemon.signal("TERM");
    assert!(daemon.ended().success());
    assert!(told.elapsed() < GRACE, "with a hanging receiver: {:?}", told.elapsed());
    // Told in good time of what has not been delivered: nothing is lost by it.
    simulator.receiver_faults(&json!({"hang": {"share": 0}}));
    simulator.rate(0.0);
    place.run_once();
    simulator.assert_exactly_once();
}

#[test]
fn a_second_process_on_the_same_state_ends_with_three() {
    let simulator = Simulator::start(&["--events", "100", "--rate", "0"]);
    let place = Place::new(&simulator, &Settings::default());
    let mut daemon = place.daemon();
    simulator.wait_complete();
    for arguments in [&["run"][..], &["run", "--once"]] {
        let ended = place.run(arguments);
        assert_eq!(ended.code, Some(3), "{}", ended.stderr);
        assert!(ended.stderr.contains("state"), "{}", ended.stderr);
    }
    assert!(daemon.is_running());
    daemon.stop();
}

#[test]
fn the_demo_shows_all_four_streams_and_ends_by_itself() {
    let output = Command::new(PROGRAM).args(["demo", "--for", "5s"]).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert!(stderr.contains("polled"), "logs on stderr: {stderr}");
    let mut datasets = BTreeSet::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        assert_eq!(event["ecs"]["version"], "9.4.0");
        assert_eq!(event["event"]["id"].as_str().unwrap().len(), 32);
        datasets.insert(event["event"]["dataset"].as_str().unwrap().to_owned());
    }
    for stream in STREAMS {
        assert!(datasets.contains(stream), "{stream} is not among {datasets:?}: {stderr}");
    }
}
