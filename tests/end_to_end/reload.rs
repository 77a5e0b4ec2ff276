//! SIGHUP: another configuration without another process.

use std::fs;
use std::net::TcpListener;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::rig::{PROGRAM, Place, STREAMS, Settings, Simulator, wait_for};

/// What every configuration here has besides: a file with every event.
const ARCHIVE: &str = "[sinks.archive]\ntype = \"file\"\npath = \"events.ndjson\"\n";

fn settings() -> Settings<'static> {
    Settings { sink_more: ARCHIVE, ..Settings::default() }
}

/// The daemon's own events that tell of its configuration or of its beginning and end, in order.
fn told(place: &Place) -> Vec<(String, Value)> {
    let text = fs::read_to_string(place.path("events.ndjson")).unwrap_or_default();
    // The last line may be half written.
    let events = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let told = events.filter_map(|event| Some((event["event"]["action"].as_str()?.to_owned(), event)));
    let words = ["started", "stopped", "configuration-reloaded", "configuration-rejected"];
    told.filter(|(action, _)| words.contains(&action.as_str())).collect()
}

#[track_caller]
fn wait_told(place: &Place, actions: &[&str]) -> Value {
    wait_for(&format!("the events {actions:?}"), || {
        let told = told(place);
        let told_actions: Vec<_> = told.iter().map(|(action, _)| action.as_str()).collect();
        (told_actions == actions).then(|| told.last().unwrap().1.clone())
    })
}

fn edit(place: &Place, from: &str, to: &str) {
    let path = place.path("auditferry.toml");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replace(from, to)).unwrap();
}

#[test]
fn another_configuration_takes_effect_and_every_event_still_arrives_once() {
    let simulator = Simulator::start(&["--events", "600", "--rate", "20"]);
    let place = Place::new(&simulator, &settings());
    let mut daemon = place.daemon();
    daemon.wait_logged("polled");
    let more = format!(
        "{ARCHIVE}[sinks.second]\ntype = \"http\"\nendpoint = \"http://{}/receiver/second\"",
        simulator.address
    );
    place.configure(&simulator, &Settings { sink_more: &more, ..Settings::default() });
    daemon.signal("HUP");
    let event = wait_told(&place, &["started", "configuration-reloaded"]);
    assert_eq!(event["auditferry"]["change"], "sink second added");
    assert_eq!(event["event"]["outcome"], "success");
    // A new sink begins with what is collected from then on.
    simulator.plant_everywhere(3);
    let added = |stats: &Value| stats["sinks"].as_array().unwrap().len() == 3;
    daemon.wait_status("the second sink", added);
    wait_for("events at the second receiver", || {
        (simulator.compare_at("second", &STREAMS).received > 0).then_some(())
    });
    simulator.rate(0.0);
    simulator.wait_complete();
    assert!(daemon.is_running());
    daemon.stop();
    simulator.assert_exactly_once();
}

#[test]
fn a_configuration_with_faults_changes_nothing_and_is_told() {
    let simulator = Simulator::start(&["--events", "200", "--rate", "0"]);
    let place = Place::new(&simulator, &settings());
    let daemon = place.daemon();
    simulator.wait_complete();
    edit(&place, "lookback = \"10m\"", "lookback = \"soon\"\nlock_back = 1");
    daemon.signal("HUP");
    let event = wait_told(&place, &["started", "configuration-rejected"]);
    for part in ["sources.hubspot.lookback", "sources.brevo.lock_back", "auditferry.toml, line"] {
        assert!(event["event"]["reason"].as_str().unwrap().contains(part), "{event:#}");
    }
    assert_eq!(event["event"]["outcome"], "failure");
    assert!(daemon.log().contains("configuration-rejected"));

    // Another directory can't be taken over while it runs.
    place.configure(&simulator, &settings());
    edit(&place, "state_dir = \"state\"", "state_dir = \"elsewhere\"");
    daemon.signal("HUP");
    let event = wait_told(&place, &["started", "configuration-rejected", "configuration-rejected"]);
    assert!(event["event"]["reason"].as_str().unwrap().contains("state_dir"), "{event:#}");
    assert!(!place.path("elsewhere").exists());

    // The same as before is no event.
    place.configure(&simulator, &settings());
    daemon.signal("HUP");
    daemon.wait_logged("configuration-unchanged");
    simulator.plant_everywhere(2);
    simulator.wait_complete();
    daemon.stop();
    wait_told(&place, &["started", "configuration-rejected", "configuration-rejected", "stopped"]);
}

#[test]
fn a_configuration_that_does_not_start_gives_way_to_the_one_before() {
    let simulator = Simulator::start(&["--events", "200", "--rate", "5"]);
    let place = Place::new(&simulator, &settings());
    let daemon = place.daemon();
    daemon.wait_logged("polled");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    edit(&place, "server.listen = \"127.0.0.1:0\"", &format!("server.listen = \"{address}\""));
    daemon.signal("HUP");
    let event = wait_told(&place, &["started", "configuration-rejected"]);
    let reason = event["event"]["reason"].as_str().unwrap();
    assert!(reason.contains("does not start") && reason.contains(&address), "{event:#}");
    // It is mended, and asked again.
    drop(taken);
    daemon.signal("HUP");
    let event = wait_told(&place, &["started", "configuration-rejected", "configuration-reloaded"]);
    assert_eq!(event["auditferry"]["change"], "server changed");
    assert_eq!(daemon.server(), address);
    simulator.rate(0.0);
    simulator.wait_complete();
    daemon.stop();
    simulator.assert_exactly_once();
}

#[test]
fn what_is_no_daemon_ignores_the_signal() {
    let mut demo = Command::new(PROGRAM)
        .args(["--log-format", "text", "demo", "--for", "10s"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // With the first event its signals are registered.
    let mut stdout = std::io::BufReader::new(demo.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut stdout, &mut String::new()).unwrap();
    assert!(Command::new("kill").args(["-HUP", &demo.id().to_string()]).status().unwrap().success());
    std::io::copy(&mut stdout, &mut std::io::sink()).unwrap();
    let output = demo.wait_with_output().unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{log}");
    assert!(log.contains("SIGHUP is ignored"), "{log}");
}
