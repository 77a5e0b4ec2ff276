//! The provider is compared with what was collected, day by day; what was missed is collected.

use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use crate::rig::{Ended, Place, Settings, Simulator};

/// Events that show up three days late, and so behind every poll's lookback.
const LATE: u64 = 37;

fn settings() -> Settings<'static> {
    // The daemon's own reconcile would be faster.
    Settings { hubspot_more: "reconcile_interval = \"0s\"\n", ..Settings::default() }
}

/// Makes them visible now.
fn show_late(simulator: &Simulator) {
    let three_days_ago = Timestamp::now().checked_sub(72.hours()).unwrap();
    let yesterday = three_days_ago.checked_sub(24.hours()).unwrap();
    simulator.plant(&json!([
        {"stream": "hubspot.audit_logs", "count": 20, "time": three_days_ago},
        {"stream": "hubspot.security", "count": 10, "time": three_days_ago},
        {"stream": "hubspot.audit_logs", "count": 7, "time": yesterday},
    ]));
}

fn reconcile(place: &Place, arguments: &[&str]) -> Ended {
    place.run(&[&["--log-level", "warn", "reconcile", "hubspot", "--output", "json"], arguments].concat())
}

/// The days of an output, and its last line.
fn days(ended: &Ended) -> (Vec<Value>, Value) {
    let mut lines: Vec<Value> =
        ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let outcome = lines.pop().unwrap();
    lines.retain(|line| line["day"].is_string());
    (lines, outcome)
}

#[track_caller]
fn assert_finds_them(place: &Place) {
    let first = reconcile(place, &[]);
    assert_eq!(first.code, Some(1), "{first:?}");
    let (apart, outcome) = days(&first);
    assert_eq!(outcome["found"], LATE, "{}", first.stdout);
    let apart: Vec<_> = apart.iter().filter(|day| day["agrees"] == false).collect();
    assert_eq!(outcome["days_apart"], apart.len(), "{}", first.stdout);
    let found: Vec<_> = apart.iter().map(|day| day["found"].as_u64().unwrap()).collect();
    assert_eq!(found.iter().sum::<u64>(), LATE, "{apart:#?}");
    assert!(found.contains(&20) && found.contains(&10) && found.contains(&7), "{apart:#?}");
    for day in apart {
        let (provider, collected) = (day["provider"].as_u64().unwrap(), day["collected"].as_u64().unwrap());
        assert_eq!(provider, collected + day["found"].as_u64().unwrap(), "{day:#}");
        assert_eq!(day["sinks"]["receiver"]["delivered"], provider, "{day:#}");
    }
    let second = reconcile(place, &[]);
    assert_eq!(second.code, Some(0), "{second:?}");
    let (agreed, outcome) = days(&second);
    assert_eq!((&outcome["found"], &outcome["days_apart"]), (&json!(0), &json!(0)));
    assert!(agreed.len() > 20 && agreed.iter().all(|day| day["agrees"] == true), "{agreed:#?}");
    for day in agreed {
        assert_eq!(day["provider"], day["collected"], "{day:#}");
    }
}

#[test]
fn beside_a_daemon_it_finds_exactly_what_came_too_late_and_a_second_one_agrees() {
    let simulator = Simulator::start(&["--events", "3000", "--span", "60d", "--rate", "0"]);
    let place = Place::new(&simulator, &settings());
    let daemon = place.daemon();
    simulator.wait_complete();
    show_late(&simulator);
    assert_finds_them(&place);
    simulator.wait_complete();
    assert_eq!(simulator.stats().repeated, 0, "{:#?}", simulator.stats());
    // What was found is late, and counted as such.
    let (_, metrics) = daemon.get("/metrics");
    let late = metrics
        .lines()
        .filter(|line| line.starts_with("auditferry_events_late_total") && !line.ends_with(" 0"));
    assert!(late.count() > 0, "{metrics}");
    daemon.stop();
}

#[test]
fn without_a_daemon_it_finds_and_delivers_the_same() {
    let simulator = Simulator::start(&["--events", "3000", "--span", "60d", "--rate", "0"]);
    let place = Place::new(&simulator, &settings());
    place.run_once();
    show_late(&simulator);
    assert_finds_them(&place);
    simulator.assert_exactly_once();
    let table = place.run(&["--log-level", "warn", "reconcile", "hubspot", "security", "--from", "10d"]);
    assert_eq!(table.code, Some(0), "{table:?}");
    assert!(
        table.stdout.contains("hubspot/security") && table.stdout.ends_with("every day agrees\n"),
        "{}",
        table.stdout
    );
    let brevo = place.run(&["--log-level", "warn", "reconcile", "brevo", "--from", "20d"]);
    assert_eq!(brevo.code, Some(0), "{brevo:?}");
}

#[test]
fn a_sink_that_takes_nothing_makes_no_day_agree() {
    let simulator = Simulator::start(&["--events", "500", "--span", "20d", "--rate", "0"]);
    let place = Place::new(&simulator, &Settings { brevo: false, ..settings() });
    simulator.receiver_faults(&json!({"token": "another"}));
    let daemon = place.daemon();
    daemon.wait_status("the hold", |status| status["sinks"][0]["state"] == "held");
    let apart = reconcile(&place, &["login"]);
    assert_eq!(apart.code, Some(1), "{apart:?}");
    let (days, _) = days(&apart);
    assert!(days.iter().all(|day| day["sinks"]["receiver"]["missing"] == day["collected"]), "{days:#?}");
    assert!(days.iter().all(|day| day["found"] == 0), "{days:#?}");
    daemon.stop();
}
