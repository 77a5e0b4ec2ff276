//! Providers that fail in passing: the process goes on and every event arrives.

use serde_json::{Value, json};

use crate::rig::{Place, Settings, Simulator, named};

/// A daemon meets each of these faults while new events wait behind it.
fn survives(faults: &[Value]) {
    let simulator = Simulator::start(&["--events", "400", "--rate", "0"]);
    let place = Place::new(&simulator, &Settings::default());
    let mut daemon = place.daemon();
    simulator.wait_complete();
    for fault in faults {
        println!("{fault}");
        simulator.plant_everywhere(3);
        simulator.faults(fault);
        // The fault has struck, and then everything is there.
        daemon_sees(&simulator, fault);
        simulator.wait_complete();
        assert!(daemon.is_running());
    }
    assert_eq!(simulator.stats().repeated, 0);
    daemon.stop();
}

/// Waits until the switch has counted down.
fn daemon_sees(simulator: &Simulator, fault: &Value) {
    let (name, trigger) = fault.as_object().unwrap().iter().next().unwrap();
    let status = trigger.as_object().unwrap().keys().next().filter(|_| name == "statuses");
    crate::rig::wait_for("the fault to strike", || {
        let faults: Value =
            serde_json::from_str(&simulator.ask("GET", "/simulator/faults", &Value::Null)).unwrap();
        let trigger = status.map_or(&faults[name], |status| &faults[name][status]);
        (trigger["next"] == 0).then_some(())
    });
}

#[test]
fn every_status_of_an_overloaded_provider_is_survived() {
    survives(
        &[500, 502, 503, 504, 408, 423, 477, 521, 524]
            .map(|status: u16| json!({"statuses": {status.to_string(): {"next": 2}}})),
    );
}

#[test]
fn limits_resets_and_broken_answers_are_survived() {
    survives(&[
        json!({"rate_limited": {"next": 2}}),
        json!({"rate_limited_bare": {"next": 1}}),
        json!({"reset": {"next": 2}}),
        json!({"truncated": {"next": 2}}),
        json!({"not_json": {"next": 2}}),
    ]);
}

#[test]
fn a_stream_that_hangs_holds_up_no_other_and_is_said() {
    let simulator = Simulator::start(&["--events", "400", "--rate", "0"]);
    let place = Place::new(&simulator, &Settings::default());
    let daemon = place.daemon();
    simulator.wait_complete();
    simulator.faults(&json!({"only": ["login"], "hang": {"share": 1}}));
    simulator.plant_everywhere(5);
    crate::rig::wait_for("the other streams", || (simulator.compare().missing == 5).then_some(()));
    // Three poll intervals, but a minute at least (contract).
    let late = crate::rig::wait_for("the stream to be late", || {
        Some(daemon.get("/readyz")).filter(|(code, _)| *code == 503)
    });
    let answer: Value = serde_json::from_str(&late.1).unwrap();
    assert_eq!(answer["reasons"][0]["subject"], "hubspot/login", "{answer:#}");
    assert_eq!(answer["reasons"].as_array().unwrap().len(), 1, "{answer:#}");
    // The request under way is given up after the 100 s that HubSpot itself takes at most.
    simulator.faults(&json!({"hang": {"share": 0}}));
    simulator.wait_complete();
    daemon
        .wait_status("the stream to work", |status| named(status, "streams", "login")["state"] == "working");
    daemon.stop();
}
