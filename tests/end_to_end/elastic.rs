//! Delivering to Elasticsearch: the simulator's `_bulk`, and what can go wrong with it.

use std::fs;
use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::json;

use crate::receivers::{ARCHIVE, own_events};
use crate::rig::{Place, Settings, Simulator, named, wait_for};

/// A place whose sink speaks `_bulk` to these addresses, with these lines more.
fn place(simulator: &Simulator, endpoints: &[&str], max_events: usize, more: &str) -> Place {
    let place = Place::new(simulator, &Settings { max_events, sink_more: more, ..Settings::default() });
    let file = place.path("auditferry.toml");
    let text = fs::read_to_string(&file).unwrap();
    let endpoints: Vec<String> =
        endpoints.iter().map(|address| format!("http://{address}/receiver/main/")).collect();
    let before = format!("type = \"http\"\nendpoint = \"http://{}/receiver/main\"", simulator.address);
    assert!(text.contains(&before), "{text}");
    let after = format!("type = \"elasticsearch\"\nendpoint = {endpoints:?}");
    fs::write(file, text.replace(&before, &after)).unwrap();
    place
}

/// Items by status.
fn items(simulator: &Simulator, status: u16) -> u64 {
    simulator.stats().items.get(&status).copied().unwrap_or_default()
}

#[test]
fn the_index_holds_each_event_once_however_many_answers_are_lost() {
    let simulator = Simulator::start(&["--events", "2000", "--rate", "0"]);
    let place = place(&simulator, &[&simulator.address], 50, "");
    simulator.receiver_faults(&json!({"reset_after": {"next": 2, "share": 0.2}}));
    let daemon = place.daemon();
    simulator.wait_complete();
    daemon
        .wait_status("everything to be settled", |status| named(status, "sinks", "receiver")["waiting"] == 0);
    daemon.stop();
    let stats = simulator.stats();
    println!("{:?} of {} requests", stats.items, stats.requests);
    assert_eq!((stats.repeated, stats.conflicting), (0, 0), "{stats:#?}");
    assert_eq!(items(&simulator, 201), stats.unique);
    assert!(items(&simulator, 409) > 0, "no answer was lost: {stats:#?}");
    assert_eq!(named(&place.status(), "sinks", "receiver")["dead_letters"], 0);
}

#[test]
fn damaged_answers_are_never_taken_for_success() {
    let simulator = Simulator::start(&["--events", "300", "--rate", "0"]);
    let place = place(&simulator, &[&simulator.address], 50, "");
    let once = json!({"next": 1});
    simulator.receiver_faults(&json!({"bulk": {"item_left_out": once, "cut_answer": {"every": 4}}}));
    place.run_once();
    simulator.assert_exactly_once();
    let stats = simulator.stats();
    assert_eq!((stats.repeated, items(&simulator, 201)), (0, stats.unique), "{stats:#?}");
}

#[test]
fn one_bad_document_becomes_a_dead_letter_and_the_others_arrive_at_the_first_go() {
    let simulator = Simulator::start(&["--events", "400", "--rate", "0"]);
    let place = place(&simulator, &[&simulator.address], 500, ARCHIVE);
    let mailbox = "poison@harborlight.example";
    simulator.receiver_faults(&json!({ "poison": mailbox }));
    let second = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let row = json!({
        "action": "login-success", "date": second, "user_email": mailbox,
        "user_ip": "203.0.113.9", "user_agent": "curl/8.5",
    });
    simulator.plant(&json!({"stream": "brevo.activities", "record": row}));
    place.run_once();
    let comparison = simulator.compare();
    assert_eq!((comparison.missing, comparison.doubled, comparison.unexpected), (1, 0, 0), "{comparison:#?}");
    assert_eq!((items(&simulator, 400), items(&simulator, 409)), (1, 0), "nothing was sent twice");
    assert_eq!(named(&place.status(), "sinks", "receiver")["dead_letters"], 1);
    place.run_once();
    let told = own_events(&place, "event-dead-lettered");
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(told[0].to_string().contains("document_parsing_exception"), "{told:#?}");
}

#[test]
fn only_the_events_that_were_pushed_back_are_sent_again() {
    let simulator = Simulator::start(&["--events", "600", "--rate", "0"]);
    let place = place(&simulator, &[&simulator.address], 200, "");
    simulator.receiver_faults(&json!({"bulk": {"items": {"429": {"every": 7}, "503": {"next": 3}}}}));
    place.run_once();
    simulator.assert_exactly_once();
    let stats = simulator.stats();
    assert_eq!((items(&simulator, 201), items(&simulator, 409)), (stats.unique, 0), "{stats:#?}");
    assert!(items(&simulator, 429) > 50 && items(&simulator, 503) == 3, "{stats:#?}");
}

#[test]
fn events_go_on_by_another_endpoint_when_one_dies() {
    let simulator = Simulator::start(&["--events", "300", "--rate", "0"]);
    let gateway = Gateway::start(&simulator.address);
    let place = place(&simulator, &[&gateway.address, &simulator.address], 50, "");
    let daemon = place.daemon();
    simulator.wait_complete();
    assert!(gateway.taken.load(Ordering::Relaxed), "the first one is used first");
    assert!(!daemon.log().contains("from one endpoint to the next"));
    gateway.die();
    simulator.plant_everywhere(20);
    simulator.wait_complete();
    daemon.wait_logged("from one endpoint to the next");
    daemon.wait_status("the sink to work", |status| named(status, "sinks", "receiver")["state"] == "working");
    daemon.stop();
    assert_eq!(simulator.stats().repeated, 0);
}

#[test]
fn a_missing_privilege_holds_the_sink_until_it_is_given() {
    let simulator = Simulator::start(&["--events", "300", "--rate", "0"]);
    let place = place(&simulator, &[&simulator.address], 100, ARCHIVE);
    simulator.receiver_faults(&json!({"bulk": {"missing_privileges": ["auto_configure"]}}));
    let daemon = place.daemon();
    let status = daemon
        .wait_status("the sink to be held", |status| named(status, "sinks", "receiver")["state"] == "held");
    assert!(status.to_string().contains("auto_configure"), "{status:#}");
    simulator.receiver_faults(&json!({"bulk": {"missing_privileges": []}}));
    simulator.wait_complete();
    daemon.wait_status("the sink to work", |status| named(status, "sinks", "receiver")["state"] == "working");
    wait_for("the event of it", || (own_events(&place, "sink-recovered").len() == 1).then_some(()));
    assert_eq!(own_events(&place, "sink-held").len(), 1);
    daemon.stop();
    let stats = simulator.stats();
    assert_eq!((stats.repeated, items(&simulator, 409)), (0, 0), "{stats:#?}");
    assert_eq!(named(&place.status(), "sinks", "receiver")["dead_letters"], 0);
}

#[test]
fn check_names_the_missing_privilege_and_writes_nothing() {
    let simulator = Simulator::start(&["--events", "0", "--rate", "0"]);
    let place = place(&simulator, &[&simulator.address], 100, "");
    let passed = place.run(&["check"]);
    assert!(passed.stdout.contains("may write to logs-*-default"), "{passed:?}");
    simulator.receiver_faults(&json!({"bulk": {"missing_privileges": ["auto_configure"]}}));
    let failed = place.run(&["check"]);
    assert_eq!(failed.code, Some(1), "{failed:?}");
    assert!(failed.stdout.contains("lacks auto_configure on logs-*-default"), "{failed:?}");
    assert_eq!(simulator.stats().events, 0);
}

#[test]
fn several_batches_at_once_through_a_receiver_on_a_bad_day_arrive_once() {
    let simulator = Simulator::start(&["--events", "1500", "--rate", "0"]);
    let more = "max_in_flight = 4\ntimeout = \"2s\"";
    let place = place(&simulator, &[&simulator.address], 50, more);
    simulator.receiver_faults(&json!({
        "reset_after": {"share": 0.1}, "reset_before": {"share": 0.05}, "hang": {"next": 1},
        "statuses": {"503": {"share": 0.05}, "413": {"next": 2}},
        "bulk": {"items": {"429": {"share": 0.003}}, "cut_answer": {"share": 0.05}},
    }));
    let daemon = place.daemon();
    simulator.wait_complete();
    daemon.stop();
    let stats = simulator.stats();
    println!("{:?} of {} requests", stats.items, stats.requests);
    assert_eq!((stats.repeated, stats.conflicting), (0, 0), "{stats:#?}");
}

/// A node that hands everything on to another address, and can die.
struct Gateway {
    address: String,
    taken: Arc<AtomicBool>,
    dead: Arc<AtomicBool>,
    connections: Arc<Mutex<Vec<TcpStream>>>,
}

impl Gateway {
    fn start(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let gateway = Self {
            address: listener.local_addr().unwrap().to_string(),
            taken: Arc::default(),
            dead: Arc::default(),
            connections: Arc::default(),
        };
        let (taken, dead) = (Arc::clone(&gateway.taken), Arc::clone(&gateway.dead));
        let (connections, target) = (Arc::clone(&gateway.connections), target.to_owned());
        thread::spawn(move || {
            for incoming in listener.incoming() {
                if dead.load(Ordering::Relaxed) {
                    return;
                }
                taken.store(true, Ordering::Relaxed);
                let (near, far) = (incoming.unwrap(), TcpStream::connect(&target).unwrap());
                for (from, to) in [(&near, &far), (&far, &near)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    thread::spawn(move || hand_on(from, &to));
                }
                connections.lock().unwrap().extend([near, far]);
            }
        });
        gateway
    }

    /// Nobody listens any more, and what was connected is not.
    fn die(&self) {
        self.dead.store(true, Ordering::Relaxed);
        // Wakes the one that accepts.
        let _ = TcpStream::connect(&self.address);
        wait_for("nobody to listen", || TcpStream::connect(&self.address).is_err().then_some(()));
        for connection in self.connections.lock().unwrap().drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}

fn hand_on(mut from: TcpStream, mut to: &TcpStream) {
    // It ends with either connection.
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}
