//! Syslog messages over every transport, and receivers of them that fail.

use auditferry::simulator::ReceiverStats;
use serde_json::{Value, json};

use crate::rig::{Place, STREAMS, Settings, Simulator, wait_for};

/// So many messages wait for an answer over RELP at most.
const WINDOW: u64 = 128;

fn simulator(events: &str) -> Simulator {
    let listen = ["--syslog", "127.0.0.1:0", "--relp", "127.0.0.1:0"];
    Simulator::start(&[&["--events", events, "--rate", "0"][..], &listen].concat())
}

/// A sink of this address besides the one of [`Settings`].
fn place(simulator: &Simulator, address: &str, more: &str) -> Place {
    let sink = format!(
        "[sinks.siem]\ntype = \"syslog\"\naddress = \"{address}\"\nmax_message_size = \"60KiB\"\n{more}\n"
    );
    Place::new(simulator, &Settings { sink_more: &sink, ..Settings::default() })
}

fn faults(simulator: &Simulator, patch: &Value) {
    simulator.ask("PUT", "/receiver/syslog/faults", &json!({ "syslog": patch }));
}

fn stats(simulator: &Simulator) -> ReceiverStats {
    serde_json::from_str(&simulator.ask("GET", "/receiver/syslog/stats", &Value::Null)).unwrap()
}

/// Waits until the syslog receiver has everything, each event under one id.
#[track_caller]
fn wait_complete(simulator: &Simulator) -> ReceiverStats {
    wait_for("the syslog receiver to have everything", || {
        let compared = simulator.compare_at("syslog", &STREAMS);
        assert_eq!((compared.doubled, compared.unexpected), (0, 0), "{compared:#?}");
        (compared.missing == 0).then_some(())
    });
    let stats = stats(simulator);
    assert_eq!(stats.conflicting, 0, "{stats:#?}");
    for (stream, sequence) in &stats.sequences {
        assert_eq!((sequence.first, sequence.holes), (1, 0), "{stream}: {stats:#?}");
    }
    stats
}

#[test]
fn everything_arrives_once_over_every_transport_that_can_promise_it() {
    let simulator = simulator("1000");
    let (syslog, relp) = (&simulator.syslog, &simulator.relp);
    for (address, more) in [
        (format!("tcp://{syslog}"), "framing = \"octet_counting\""),
        (format!("tcp://{syslog}"), "framing = \"newline\""),
        (format!("tcp://{syslog}"), "protocol = \"rfc3164\""),
        (format!("relp://{relp}"), ""),
        (format!("tcp://{syslog}"), "format = \"cef\"\nprotocol = \"rfc3164\"\nframing = \"newline\""),
        (format!("relp://{relp}"), "format = \"leef\""),
    ] {
        println!("{address} {more}");
        simulator.ask("DELETE", "/receiver/syslog", &Value::Null);
        place(&simulator, &address, more).run_once();
        let stats = wait_complete(&simulator);
        assert_eq!((stats.repeated, stats.refused), (0, 0), "{stats:#?}");
    }
}

#[test]
fn packets_arrive_over_udp_when_there_is_room_for_them() {
    let simulator = simulator("40");
    place(&simulator, &format!("udp://{}", simulator.syslog), "batch = { max_events = 10 }").run_once();
    assert_eq!(wait_complete(&simulator).refused, 0);
}

#[test]
fn a_relp_receiver_that_loses_its_answers_gets_everything_and_little_twice() {
    let simulator = simulator("900");
    faults(&simulator, &json!({"reset": {"every": 300}}));
    let place = place(&simulator, &format!("relp://{}", simulator.relp), "");
    place.run_once();
    let stats = wait_complete(&simulator);
    assert!(stats.repeated > 0, "the answers were lost: {stats:#?}");
    assert!(stats.max_repeats_in_row <= WINDOW, "{stats:#?}");
}

#[test]
fn a_relp_receiver_that_fails_in_any_way_gets_everything() {
    let simulator = simulator("100");
    let place = place(&simulator, &format!("relp://{}", simulator.relp), "timeout = \"5s\"");
    let daemon = place.daemon();
    wait_complete(&simulator);
    // What is not taken is not repeated, and what is taken and not answered is.
    for (fault, repeats) in [("refuse", 0), ("serverclose", 0), ("half_answer", 1), ("silent", 1)] {
        let before = stats(&simulator).repeated;
        faults(&simulator, &json!({fault: {"next": 2}}));
        simulator.plant_everywhere(10);
        wait_complete(&simulator);
        let repeated = wait_for("what was not answered to come again", || {
            Some(stats(&simulator).repeated - before).filter(|repeated| *repeated >= repeats)
        });
        assert!(repeated <= 2 * WINDOW * repeats, "{fault}: {repeated}");
    }
    daemon.stop();
}

#[test]
fn a_tcp_receiver_that_dies_with_unread_messages_gets_them_again() {
    let simulator = simulator("1000");
    // Once, in the middle of a batch.
    faults(&simulator, &json!({"reset": {"every": 450}}));
    let place = place(&simulator, &format!("tcp://{}", simulator.syslog), "batch = { max_events = 100 }");
    let daemon = place.daemon();
    wait_for("the receiver to die", || (stats(&simulator).requests >= 450).then_some(()));
    faults(&simulator, &json!({"reset": null}));
    let stats = wait_complete(&simulator);
    assert!((1..=900).contains(&stats.repeated), "what it had read of those sent last: {stats:#?}");
    daemon.stop();
}

#[test]
fn a_blocked_receiver_is_waited_for() {
    let simulator = simulator("200");
    for address in [format!("tcp://{}", simulator.syslog), format!("relp://{}", simulator.relp)] {
        simulator.ask("DELETE", "/receiver/syslog", &Value::Null);
        faults(&simulator, &json!({"stop_reading": true}));
        let place = place(&simulator, &address, "timeout = \"1s\"");
        let daemon = place.daemon();
        simulator.wait_complete();
        assert_eq!(stats(&simulator).requests, 0, "{address}");
        faults(&simulator, &json!({"stop_reading": false}));
        wait_complete(&simulator);
        daemon.stop();
    }
}

#[test]
fn check_asks_a_relp_receiver_without_leaving_a_message_behind() {
    let simulator = simulator("10");
    let place = place(&simulator, &format!("relp://{}", simulator.relp), "");
    let good = place.run(&["check"]);
    assert_eq!(good.code, Some(0), "{good:?}");
    assert!(good.stdout.contains("takes syslog messages"), "{}", good.stdout);
    faults(&simulator, &json!({"without_syslog": true}));
    let bad = place.run(&["check"]);
    assert_eq!(bad.code, Some(1), "{bad:?}");
    assert!(bad.stdout.contains("takes no syslog messages"), "{}", bad.stdout);
    assert_eq!(stats(&simulator).requests, 0);
}
