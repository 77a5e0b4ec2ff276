//! A past range is collected beside live polling: once, completely, whatever interrupts it.

use std::collections::BTreeMap;
use std::process::{Child, Output, Stdio};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::receivers::{ARCHIVE, own_events};
use crate::rig::{Daemon, Place, Settings, Simulator, named, wait_for};

/// What a backfill brings: `login` has no filter, so polling brings all of it.
const STREAMS: [&str; 3] = ["hubspot.audit_logs", "hubspot.security", "brevo.activities"];
const WITHOUT_LOGIN: &str = "streams = [\"audit_logs\", \"security\"]\n";
/// A build without optimisation would take minutes for all of them.
const EVENTS: u64 = if cfg!(debug_assertions) { 20_000 } else { 500_000 };
const KILLS: u32 = 20;
/// Between two polls; and so long a busy machine may take at the most.
const INTERVAL: &str = "2s";
const LONGEST_INTERVAL: Duration = Duration::from_secs(15);

/// The last line of a command with `--output json`.
fn summary(stdout: &str) -> Value {
    serde_json::from_str(stdout.lines().last().unwrap_or_default()).unwrap_or_else(|_| panic!("{stdout}"))
}

fn begin(place: &Place, arguments: &[&str]) -> Child {
    place.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn end(child: Child) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = child.wait_with_output().unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

/// The longest time between two complete polls of a stream while this daemon ran.
fn longest_between_polls(daemon: &Daemon) -> Duration {
    let (mut last, mut longest) = (BTreeMap::new(), Duration::ZERO);
    for line in daemon.log().lines().filter(|line| line.contains("\"code\":\"polled\"")) {
        // The last line may be cut off by a kill.
        let Ok(line) = serde_json::from_str::<Value>(line) else { continue };
        let at: Timestamp = line["timestamp"].as_str().unwrap().parse().unwrap();
        let stream = format!("{}/{}", line["source"], line["stream"]);
        if let Some(before) = last.insert(stream, at) {
            longest = longest.max(at.duration_since(before).unsigned_abs());
        }
    }
    longest
}

/// Waits until nothing waits for the sink, for as long as it goes forward.
fn wait_delivered(simulator: &Simulator, daemon: &Daemon) {
    loop {
        let before = simulator.stats().unique;
        let is_done = wait_for("a delivery", || {
            let waits = daemon.status()["sinks"][0]["waiting"] != 0;
            (!waits || simulator.stats().unique > before).then_some(!waits)
        });
        if is_done {
            return;
        }
    }
}

#[test]
fn killed_twenty_times_it_ends_complete_and_nothing_is_doubled_while_polling_goes_on() {
    let seed = fastrand::u64(..);
    println!("seed of the kills: {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let events = (EVENTS + EVENTS / 3).to_string();
    let simulator = Simulator::start(&["--events", &events, "--span", "80d", "--rate", "5"]);
    let settings =
        Settings { start: "1d", poll_interval: INTERVAL, hubspot_more: WITHOUT_LOGIN, ..Settings::default() };
    let place = Place::new(&simulator, &settings);
    let commands =
        ["hubspot", "brevo"].map(|source| ["backfill", source, "--from", "80d", "--output", "json"]);
    let (mut longest, mut goes_on) = (Duration::ZERO, 0);
    let life = if cfg!(debug_assertions) { 300..1_200 } else { 500..3_000 };
    for kill in 1..=KILLS {
        let daemon = place.daemon();
        daemon.server();
        let jobs = commands.map(|command| begin(&place, &command));
        // Not a wait for anything: the instant is the point.
        std::thread::sleep(Duration::from_millis(random.u64(life.clone())));
        longest = longest.max(longest_between_polls(&daemon));
        daemon.kill();
        for job in jobs {
            let (code, stderr) = end(job);
            if code == Some(0) {
                continue;
            }
            assert_eq!(code, Some(1), "kill {kill}: {stderr}");
            assert!(stderr.contains("broke off"), "kill {kill}: {stderr}");
            goes_on += 1;
        }
    }
    assert!(goes_on > 0, "no kill came in time");

    let daemon = place.daemon();
    // After a kill it looks its state through first.
    daemon.server();
    let mut found = 0;
    for command in commands {
        let ended = place.run(&command);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        found += summary(&ended.stdout)["found"].as_u64().unwrap();
    }
    longest = longest.max(longest_between_polls(&daemon));
    println!(
        "{goes_on} backfills interrupted, {found} events in the last ones, {longest:?} between two polls"
    );
    assert!(longest < LONGEST_INTERVAL, "live polling goes first");
    simulator.rate(0.0);
    wait_delivered(&simulator, &daemon);
    assert!(simulator.compare_of(&STREAMS).received >= EVENTS);
    simulator.assert_exactly_once_of(&STREAMS);
    // Complete, it begins anew, and finds nothing.
    let ended = place.run(&["backfill", "hubspot", "--from", "80d", "--to", "2d", "--output", "json"]);
    assert_eq!((ended.code, &summary(&ended.stdout)["found"]), (Some(0), &0.into()), "{}", ended.stderr);
    daemon.stop();
    simulator.assert_exactly_once_of(&STREAMS);
}

#[test]
fn a_backfill_lives_on_the_requests_that_polling_leaves() {
    let simulator = Simulator::start(&["--events", "12000", "--span", "80d", "--rate", "0"]);
    let settings = Settings {
        brevo: false,
        start: "1d",
        // Polling takes one or two a second, four are allowed.
        requests_per_10s: 40,
        hubspot_more: "streams = [\"audit_logs\"]\n",
        ..Settings::default()
    };
    let place = Place::new(&simulator, &settings);
    let daemon = place.daemon();
    daemon.wait_status("a first poll", |status| status["streams"][0]["last_success"].is_string());
    let polls = || daemon.log().matches("\"code\":\"polled\"").count() as u64;
    let (before, began) = (polls(), std::time::Instant::now());
    let ended = place.run(&["backfill", "hubspot", "--from", "81d", "--output", "json"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let (polled, took) = (polls() - before, began.elapsed());
    println!("{polled} polls in {took:?} of backfilling: {}", ended.stdout);
    assert!(took > Duration::from_secs(5), "the share is kept");
    assert!(polled * 3 >= took.as_secs(), "{polled} polls in {took:?}, one a second were due");
    wait_for("every event", || (simulator.compare_of(&STREAMS[..1]).missing == 0).then_some(()));
    simulator.assert_exactly_once_of(&STREAMS[..1]);
    daemon.stop();
}

#[test]
fn without_a_daemon_it_collects_and_delivers_by_itself() {
    let simulator = Simulator::start(&["--events", "2000", "--span", "60d", "--rate", "0"]);
    let more = format!("{WITHOUT_LOGIN}reconcile_interval = \"0s\"\n");
    let settings = Settings { start: "1d", hubspot_more: &more, sink_more: ARCHIVE, ..Settings::default() };
    let place = Place::new(&simulator, &settings);
    // Nothing was ever polled: it makes the state directory.
    for source in ["hubspot", "brevo"] {
        let ended = place.run(&["--log-level", "warn", "backfill", source, "--from", "70d"]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert!(ended.stdout.contains(" new\n"), "{}", ended.stdout);
    }
    simulator.assert_exactly_once_of(&STREAMS);
    let told = own_events(&place, "state-changed");
    let changes: Vec<_> = told.iter().map(|event| event["auditferry"]["change"].as_str().unwrap()).collect();
    assert_eq!(changes, ["Backfill of hubspot: from 70d", "Backfill of brevo: from 70d"]);
    let before = simulator.stats().unique;
    place.run_once();
    let status = place.status();
    assert_eq!(simulator.stats().unique, before, "a poll brings nothing more");
    let cursor = &named(&status, "streams", "audit_logs")["complete_from"];
    assert!(cursor.is_string(), "{status:#}");
    // The live cursor's own beginning is a day ago; a backfill up to it makes it complete from earlier on.
    let ended = place.run(&["--log-level", "warn", "backfill", "hubspot", "audit_logs", "--from", "50d"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let status = place.status();
    let from: Timestamp =
        named(&status, "streams", "audit_logs")["complete_from"].as_str().unwrap().parse().unwrap();
    let days = Timestamp::now().duration_since(from).as_secs() / 86_400;
    assert_eq!(days, 50, "{status:#}");
    simulator.assert_exactly_once_of(&STREAMS);
}

#[test]
fn what_can_not_be_backfilled_is_said() {
    let simulator = Simulator::start(&["--events", "300", "--rate", "0"]);
    let place = Place::new(&simulator, &Settings { start: "1d", ..Settings::default() });
    let daemon = place.daemon();
    daemon.wait_status("a first poll", |status| {
        status["streams"].as_array().unwrap().iter().all(|stream| stream["last_success"].is_string())
    });
    for (arguments, code, word) in [
        (&["nobody", "--from", "2d"][..], 1, "known are: brevo, hubspot"),
        (&["hubspot", "nothing", "--from", "2d"], 1, "it has audit_logs, login, security"),
        (&["hubspot", "--from", "yesterday"], 2, "expected a time"),
        (&["hubspot"], 2, "--from"),
    ] {
        let ended = place.run(&[&["backfill"], arguments].concat());
        assert_eq!(ended.code, Some(code), "{arguments:?}: {ended:?}");
        assert!(ended.stderr.contains(word), "{arguments:?}: {}", ended.stderr);
        assert!(ended.stdout.is_empty(), "{arguments:?}: {}", ended.stdout);
    }
    let nothing = place.run(&["backfill", "hubspot", "login", "--from", "10d"]);
    assert_eq!(nothing.code, Some(0), "{nothing:?}");
    assert!(nothing.stdout.contains("nothing to do"), "{}", nothing.stdout);
    let far = place.run(&["backfill", "hubspot", "security", "--from", "900d"]);
    assert_eq!(far.code, Some(0), "{far:?}");
    assert!(far.stdout.contains("remembers 365 days and no more"), "{}", far.stdout);

    // The provider refuses: said at once, and nothing is lost.
    simulator.faults(&serde_json::json!({"revoked_token": ["hubspot"]}));
    daemon.wait_status("the refusal", |status| named(status, "streams", "security")["state"] == "held");
    let refused = place.run(&["backfill", "hubspot", "security", "--from", "40d", "--to", "2d"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("the provider refuses"), "{}", refused.stderr);
    daemon.stop();
}
