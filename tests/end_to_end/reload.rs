//! SIGHUP: another configuration without another process; only what is different in it restarts.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::rig::{Daemon, PROGRAM, Place, STREAMS, Settings, Simulator, named, wait_for};

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

/// A receiver of syslog lines over TCP that counts its connections.
struct Lines {
    address: String,
    connections: Arc<AtomicUsize>,
    lines: Arc<AtomicUsize>,
}

impl Lines {
    fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let lines = Self { address, connections: Arc::default(), lines: Arc::default() };
        let (connections, received) = (Arc::clone(&lines.connections), Arc::clone(&lines.lines));
        // One connection after the other; they end with the daemon.
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                connections.fetch_add(1, Ordering::Relaxed);
                for _ in BufReader::new(connection.unwrap()).lines().map_while(Result::ok) {
                    received.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        lines
    }

    fn counted(&self) -> (usize, usize) {
        (self.connections.load(Ordering::Relaxed), self.lines.load(Ordering::Relaxed))
    }
}

/// The value of a series.
#[track_caller]
fn metric(daemon: &Daemon, series: &str) -> u64 {
    let (_, text) = daemon.get("/metrics");
    let found = text.lines().find_map(|line| line.strip_prefix(series)?.trim().parse().ok());
    found.unwrap_or_else(|| panic!("{series} is missing in\n{text}"))
}

/// How often a source has asked its provider whose the credential is, and polled one of its streams.
fn asked_and_polled(daemon: &Daemon, source: &str, stream: &str) -> (u64, u64) {
    let asked = format!(r#"auditferry_requests_total{{source="{source}",stream="",status="200"}}"#);
    let polled =
        format!(r#"auditferry_polls_total{{source="{source}",stream="{stream}",outcome="complete"}}"#);
    (metric(daemon, &asked), metric(daemon, &polled))
}

#[test]
fn only_what_changed_restarts() {
    let simulator = Simulator::start(&["--events", "100", "--rate", "20"]);
    // Few enough for one connection: after a megabyte it is ended in good order.
    let lines = Lines::listen();
    let more = format!(
        "{ARCHIVE}[sinks.lines]\ntype = \"syslog\"\naddress = \"tcp://{}\"\nframing = \"newline\"\n",
        lines.address
    );
    let place = Place::new(&simulator, &Settings { sink_more: &more, ..Settings::default() });
    let daemon = place.daemon();
    let before = daemon.wait_status("both sources to be polled", |status| {
        ["login", "activities"].iter().all(|stream| !named(status, "streams", stream)["last_poll"].is_null())
    });
    let (hubspot, brevo) =
        (asked_and_polled(&daemon, "hubspot", "login"), asked_and_polled(&daemon, "brevo", "activities"));
    assert_eq!((hubspot.0, brevo.0), (1, 1), "each asked once");

    edit(&place, "requests_per_hour = 100000000", "requests_per_hour = 90000000");
    edit(&place, "max_events = 500", "max_events = 400");
    daemon.signal("HUP");
    let event = wait_told(&place, &["started", "configuration-reloaded"]);
    assert_eq!(event["auditferry"]["change"], "source brevo changed, sink receiver changed");
    let after = daemon.status();
    assert_eq!(after["started"], before["started"]);
    assert!(!named(&after, "streams", "login")["last_poll"].is_null(), "it has not begun anew: {after:#}");
    wait_for("both sources to go on", || {
        let (_, hubspot_polls) = asked_and_polled(&daemon, "hubspot", "login");
        let (brevo_asked, brevo_polls) = asked_and_polled(&daemon, "brevo", "activities");
        (hubspot_polls > hubspot.1 && brevo_polls > brevo.1 && brevo_asked == 2).then_some(())
    });
    assert_eq!(asked_and_polled(&daemon, "hubspot", "login").0, 1, "this one was not touched");

    simulator.rate(0.0);
    simulator.wait_complete();
    let all = simulator.stats().events;
    wait_for("every line", || {
        let archived = fs::read_to_string(place.path("events.ndjson")).unwrap().lines().count();
        (archived as u64 >= all && lines.counted() == (1, archived)).then_some(())
    });
    daemon.stop();
    simulator.assert_exactly_once();
}

#[test]
fn a_sink_that_can_t_be_made_changes_nothing_at_all() {
    let simulator = Simulator::start(&["--events", "200", "--rate", "5"]);
    let place = Place::new(&simulator, &settings());
    let daemon = place.daemon();
    daemon.wait_logged("polled");
    fs::write(place.path("ca.pem"), "-----BEGIN CERTIFICATE-----\nnothing\n-----END CERTIFICATE-----\n")
        .unwrap();
    let broken = "[sinks.broken]\ntype = \"http\"\nendpoint = \"https://127.0.0.1:1/\"\ntls = { ca_file = \"ca.pem\" }\n";
    let added = "[sources.another]\ntype = \"brevo\"\napi_key = \"xkeysib-simulated\"\n";
    let more = format!("{broken}{added}base_url = \"http://{}\"\n", simulator.address);
    // All at once: a sink is gone, a source and a bad sink are new, a source has changed.
    place.configure(&simulator, &Settings { sink_more: &more, lookback: "20m", ..Settings::default() });
    let asked = asked_and_polled(&daemon, "brevo", "activities").0;
    daemon.signal("HUP");
    let event = wait_told(&place, &["started", "configuration-rejected"]);
    let reason = event["event"]["reason"].as_str().unwrap();
    assert!(reason.contains("does not start") && reason.contains("sinks.broken"), "{event:#}");
    let metrics = daemon.get("/metrics").1;
    assert!(!metrics.contains("another") && !metrics.contains("broken"), "{metrics}");
    let status = daemon.status();
    assert_eq!(status["sinks"].as_array().unwrap().len(), 2, "{status:#}");
    assert_eq!(status["streams"].as_array().unwrap().len(), 4, "{status:#}");
    simulator.rate(0.0);
    simulator.plant_everywhere(2);
    simulator.wait_complete();
    assert_eq!(asked_and_polled(&daemon, "brevo", "activities").0, asked, "no source began anew");
    daemon.stop();
}

#[test]
fn a_receiver_that_hangs_holds_a_reload_up_for_seconds_only() {
    let simulator = Simulator::start(&["--events", "200", "--rate", "0"]);
    simulator.receiver_faults(&json!({"hang": {"share": 1}}));
    let place = Place::new(&simulator, &settings());
    let daemon = place.daemon();
    daemon.wait_status("events to wait for the receiver", |status| {
        named(status, "sinks", "receiver")["waiting"].as_u64() > Some(100)
    });
    edit(&place, "max_events = 500", "max_events = 400");
    let asked = Instant::now();
    daemon.signal("HUP");
    daemon.wait_logged("\"reloading\"");
    // The request on its way hangs on.
    simulator.receiver_faults(&json!({"hang": null}));
    daemon.wait_logged("stop-overrun");
    wait_told(&place, &["started", "configuration-reloaded"]);
    assert!(asked.elapsed() < Duration::from_secs(20), "after {:?}", asked.elapsed());
    simulator.wait_complete();
    daemon.stop();
}

#[test]
fn what_is_gone_leaves_status_and_metrics_and_has_missed_nothing_when_it_is_back() {
    let simulator = Simulator::start(&["--events", "400", "--rate", "0"]);
    let place = Place::new(&simulator, &settings());
    let daemon = place.daemon();
    simulator.wait_complete();
    place.configure(&simulator, &Settings { brevo: false, ..Settings::default() });
    daemon.signal("HUP");
    daemon.wait_logged("sink archive removed");
    let status =
        daemon.wait_status("one sink to be gone", |status| status["sinks"].as_array().unwrap().len() == 1);
    assert_eq!(status["streams"].as_array().unwrap().len(), 3, "{status:#}");
    let metrics = daemon.get("/metrics").1;
    assert!(!metrics.contains("archive") && !metrics.contains("brevo"), "{metrics}");
    assert!(metrics.contains(r#"sink="receiver""#) && metrics.contains(r#"source="hubspot""#), "{metrics}");

    simulator.plant_everywhere(5);
    wait_for("HubSpot to go on", || (simulator.compare().missing == 5).then_some(()));
    place.configure(&simulator, &settings());
    daemon.signal("HUP");
    simulator.wait_complete();
    daemon.stop();
    wait_told(&place, &["started", "configuration-reloaded", "configuration-reloaded", "stopped"]);
    let archive = fs::read_to_string(place.path("events.ndjson")).unwrap();
    assert_eq!(archive.lines().count() as u64, simulator.stats().events, "the archive has every event, too");
}

#[test]
fn the_status_page_moves_and_takes_another_token_where_it_is() {
    let simulator = Simulator::start(&["--events", "100", "--rate", "0"]);
    let place = Place::new(&simulator, &settings());
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let listen = format!("server.listen = \"{free}\"");
    edit(&place, "server.listen = \"127.0.0.1:0\"", &listen);
    let daemon = place.daemon();
    assert_eq!(daemon.get("/api/status").0, 200);
    let guarded = format!("{listen}\nserver.token = \"0123456789abcdef\"");
    edit(&place, &listen, &guarded);
    daemon.signal("HUP");
    let mut told = vec!["started", "configuration-reloaded"];
    wait_told(&place, &told);
    assert_eq!((daemon.get("/api/status").0, daemon.get("/healthz").0), (401, 200));
    assert_eq!(daemon.log().matches("status page on").count(), 1, "it listens where it did");

    // Its own port is not in its way.
    let everywhere = format!("0.0.0.0:{}", free.port());
    edit(&place, &free.to_string(), &everywhere);
    daemon.signal("HUP");
    told.push("configuration-reloaded");
    assert_eq!(wait_told(&place, &told)["auditferry"]["change"], "server changed");
    assert_eq!(daemon.server(), everywhere);
    assert_eq!((daemon.get("/api/status").0, daemon.get("/healthz").0), (401, 200));

    // An address of nobody here, with that port: back to where it was.
    edit(&place, &everywhere, &format!("192.0.2.1:{}", free.port()));
    daemon.signal("HUP");
    told.push("configuration-rejected");
    wait_told(&place, &told);
    assert_eq!(daemon.server(), everywhere);
    assert_eq!((daemon.get("/api/status").0, daemon.get("/healthz").0), (401, 200));
    edit(&place, &format!("192.0.2.1:{}", free.port()), &free.to_string());
    edit(&place, &guarded, &listen);
    daemon.signal("HUP");
    told.push("configuration-reloaded");
    wait_told(&place, &told);
    assert_eq!(daemon.get("/api/status").0, 200);
    daemon.stop();
}

#[test]
fn more_room_resumes_polling_at_once() {
    let simulator = Simulator::start(&["--events", "12000", "--rate", "0"]);
    simulator.receiver_faults(&json!({"statuses": {"503": {"share": 1}}, "retry_after": 1}));
    let place = Place::new(&simulator, &Settings { spool: "4MiB", ..Settings::default() });
    let daemon = place.daemon();
    let full = daemon.wait_status("the spool to be full", |status| status["spool"]["full"] == true);
    let events = |status: &Value| named(status, "streams", "audit_logs")["events"].as_u64().unwrap();
    edit(&place, "\"4MiB\"", "\"2GiB\"");
    daemon.signal("HUP");
    daemon.wait_logged("polling resumes");
    daemon.wait_status("polling to go on", |status| {
        status["spool"]["max_bytes"] == 2u64 << 30 && events(status) > events(&full)
    });
    simulator.receiver_faults(&json!({"statuses": {"503": null}}));
    simulator.wait_complete();
    daemon.stop();
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
    let mut stdout = BufReader::new(demo.stdout.take().unwrap());
    stdout.read_line(&mut String::new()).unwrap();
    assert!(Command::new("kill").args(["-HUP", &demo.id().to_string()]).status().unwrap().success());
    std::io::copy(&mut stdout, &mut std::io::sink()).unwrap();
    let output = demo.wait_with_output().unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{log}");
    assert!(log.contains("SIGHUP is ignored"), "{log}");
}
