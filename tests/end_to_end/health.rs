//! What asks whether the daemon works: `auditferry health`, and what a service manager is told.

use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::rig::{HUBSPOT_TOKEN, PATIENCE, Place, Settings, Simulator, wait_for};

#[test]
fn health_says_alive_and_ready_and_why_not() {
    let simulator = Simulator::start(&["--events", "50", "--rate", "0"]);
    let place = Place::new(&simulator, &Settings::default());
    // It goes over the control socket, so it needs no status page.
    let path = place.path("auditferry.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("server.listen = \"127.0.0.1:0\"", "server.listen = \"\"")).unwrap();
    let none = place.run(&["health"]);
    assert_eq!(none.code, Some(1));
    assert!(none.stdout.contains("not running"), "{}", none.stdout);

    let daemon = place.daemon();
    simulator.wait_complete();
    let alive = place.run(&["health"]);
    assert_eq!((alive.code, alive.stdout.as_str()), (Some(0), "alive\n"), "{}", alive.stderr);
    let ready = place.run(&["health", "--ready"]);
    assert_eq!((ready.code, ready.stdout.as_str()), (Some(0), "ready\n"), "{}", ready.stderr);

    // A receiver that refuses makes it not ready; a restart would not mend that, so it is alive.
    simulator.receiver_faults(&json!({"statuses": {"401": {"share": 1}}}));
    simulator.plant_everywhere(1);
    let unready =
        wait_for("a reason", || Some(place.run(&["health", "--ready"])).filter(|it| it.code != Some(0)));
    assert_eq!(unready.code, Some(1));
    assert!(unready.stdout.contains("receiver") && unready.stdout.contains("401"), "{}", unready.stdout);
    assert_eq!(place.run(&["health"]).code, Some(0));

    daemon.signal("STOP");
    let asked = Instant::now();
    let hung = place.run(&["health"]);
    assert_eq!(hung.code, Some(1));
    assert!(hung.stdout.contains("has not answered for 3 s"), "{}", hung.stdout);
    assert!(asked.elapsed() < Duration::from_secs(30));
    daemon.signal("CONT");
    simulator.receiver_faults(&json!({"statuses": {"401": null}}));
    daemon.stop();
}

/// Where a service manager would listen.
struct Manager {
    socket: UnixDatagram,
    heard: Vec<String>,
}

impl Manager {
    fn new(place: &Place) -> Self {
        let socket = UnixDatagram::bind(place.path("notify")).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { socket, heard: Vec::new() }
    }

    /// Listens until something is said, and gives the lines of that message.
    #[track_caller]
    fn wait_for(&mut self, line: &str) -> Vec<String> {
        loop {
            let mut bytes = [0; 4096];
            let length = self.socket.recv(&mut bytes).unwrap_or_else(|error| {
                panic!("{line} was not said ({error}), but {:#?}", self.heard);
            });
            let message = std::str::from_utf8(&bytes[..length]).unwrap();
            let lines: Vec<_> = message.lines().map(str::to_owned).collect();
            self.heard.extend(lines.clone());
            if lines.iter().any(|said| said.starts_with(line)) {
                return lines;
            }
        }
    }
}

#[test]
fn a_service_manager_is_told_what_it_must_know() {
    let simulator = Simulator::start(&["--events", "50", "--rate", "0"]);
    let place = Place::new(&simulator, &Settings::default());
    let mut manager = Manager::new(&place);
    let socket = place.path("notify");
    let daemon =
        place.daemon_with(&[("NOTIFY_SOCKET", socket.to_str().unwrap()), ("WATCHDOG_USEC", "1000000")]);
    manager.wait_for("READY=1");
    // Where it said it listens, it listens.
    assert_eq!(daemon.get("/healthz").0, 200);
    manager.wait_for("WATCHDOG=1");
    manager.wait_for("STATUS=4 streams, 1 sink, all delivered");

    simulator.receiver_faults(&json!({"statuses": {"401": {"share": 1}}}));
    simulator.plant_everywhere(1);
    let status = manager.wait_for("STATUS=receiver is held").concat();
    assert!(status.contains("401") && !status.contains(HUBSPOT_TOKEN), "{status}");
    simulator.receiver_faults(&json!({"statuses": {"401": null}}));

    std::fs::write(place.path("auditferry.toml"), "nonsense").unwrap();
    daemon.signal("HUP");
    let reloading = manager.wait_for("RELOADING=1");
    assert!(reloading.iter().any(|line| line.starts_with("MONOTONIC_USEC=")), "{reloading:?}");
    manager.wait_for("READY=1");
    manager.wait_for("STATUS=the new configuration is rejected: ");

    place.configure(&simulator, &Settings { poll_interval: "2s", ..Settings::default() });
    daemon.signal("HUP");
    manager.wait_for("RELOADING=1");
    manager.wait_for("READY=1");
    manager.wait_for("STATUS=4 streams");
    daemon.signal("TERM");
    manager.wait_for("STOPPING=1");
    let ended = daemon.ended();
    assert!(ended.success(), "{ended}: {}", daemon.log());
}
