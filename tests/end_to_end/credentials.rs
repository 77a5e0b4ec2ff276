//! Credentials that end, lack something, or belong to somebody else.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::rig::{BREVO, Daemon, HUBSPOT, HUBSPOT_TOKEN, Place, Settings, Simulator, named, wait_for};

/// Longer than a look at the file and a poll, shorter than the first pace of a refusal (15 s) on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(12);
const TOKEN_FILE: Settings<'_> = Settings {
    hubspot: true,
    brevo: true,
    poll_interval: "1s",
    lookback: "10m",
    start: "91d",
    hubspot_token: r#"{ file = "token" }"#,
    requests_per_10s: 1_000_000,
    hubspot_more: "",
    spool: "2GiB",
    max_events: 500,
    sink_more: "",
};
const HUBSPOT_STREAMS: [&str; 3] = ["audit_logs", "login", "security"];

/// A daemon that has collected everything with a token from a file.
fn started(simulator: &Simulator) -> (Place, Daemon) {
    let place = Place::new(simulator, &TOKEN_FILE);
    fs::write(place.path("token"), HUBSPOT_TOKEN).unwrap();
    let daemon = place.daemon();
    simulator.wait_complete();
    (place, daemon)
}

fn wait_held(daemon: &Daemon, streams: &[&str]) -> Value {
    daemon.wait_status("the streams to be held", |status| {
        streams.iter().all(|stream| named(status, "streams", stream)["state"] == "held")
    })
}

fn working(status: &Value, streams: &[&str]) -> bool {
    streams.iter().all(|stream| named(status, "streams", stream)["state"] == "working")
}

#[test]
fn a_revoked_token_holds_its_source_alone_until_the_file_changes() {
    let simulator = Simulator::start(&["--events", "400", "--rate", "0"]);
    let (place, daemon) = started(&simulator);
    simulator.ask("PUT", "/simulator/credentials", &json!({"hubspot_tokens": ["renewed"]}));
    let status = wait_held(&daemon, &HUBSPOT_STREAMS);
    assert!(working(&status, &["activities"]), "{status:#}");
    assert!(status["problems"].to_string().contains("hubspot"), "{status:#}");

    simulator.plant_everywhere(5);
    wait_for("Brevo to go on", || (simulator.compare().missing == 15).then_some(()));
    assert!(place.status()["streams"].to_string().contains("401"), "said from outside too");

    fs::write(place.path("token"), "renewed\n").unwrap();
    let changed = Instant::now();
    simulator.wait_complete();
    assert!(changed.elapsed() < AT_ONCE, "after {:?}", changed.elapsed());
    daemon.wait_status("all to work", |status| working(status, &HUBSPOT_STREAMS));
    // Its own events go to every sink: started, refused, accepted.
    wait_for("the events of it", || (own_count(&simulator) >= 3).then_some(()));
    let log = daemon.log();
    assert!(!log.contains("renewed\""), "no secret in the log");
    daemon.stop();
}

fn own_count(simulator: &Simulator) -> u64 {
    simulator.stats().by_dataset.get("auditferry.service").copied().unwrap_or_default()
}

#[test]
fn a_missing_plan_holds_audit_logs_alone() {
    let simulator = Simulator::start(&["--events", "400", "--rate", "0"]);
    simulator.faults(&json!({"missing_plan": ["hubspot"]}));
    let place = Place::new(&simulator, &Settings::default());
    let daemon = place.daemon();
    let status = wait_held(&daemon, &["audit_logs"]);
    assert!(
        named(&status, "streams", "audit_logs")["reason"].to_string().contains("Enterprise"),
        "{status:#}"
    );
    daemon.wait_status("the others to work", |status| {
        working(status, &["login", "security", "activities"])
            && ["login", "security", "activities"]
                .iter()
                .all(|stream| named(status, "streams", stream)["events"].as_u64() > Some(0))
    });
    assert_eq!(named(&daemon.status(), "streams", "audit_logs")["events"], 0);
    // Bought: found at the pace of a refusal.
    simulator.faults(&json!({"missing_plan": []}));
    simulator.wait_complete();
    daemon.stop();
}

#[test]
fn a_brevo_account_without_the_plan_holds_brevo_alone() {
    let simulator = Simulator::start(&["--events", "400", "--rate", "0"]);
    simulator.faults(&json!({"missing_plan": ["brevo"]}));
    let place = Place::new(&simulator, &Settings::default());
    let daemon = place.daemon();
    wait_held(&daemon, &["activities"]);
    daemon.wait_status("HubSpot to work", |status| {
        HUBSPOT_STREAMS.iter().all(|stream| named(status, "streams", stream)["events"].as_u64() > Some(0))
    });
    daemon.stop();
}

#[test]
fn an_account_that_the_provider_does_not_name_is_asked_of_the_configuration() {
    let simulator = Simulator::start(&["--events", "300", "--rate", "0"]);
    simulator.faults(&json!({"details_refused": true}));
    let settings = Settings { brevo: false, ..Settings::default() };
    let place = Place::new(&simulator, &settings);
    let daemon = place.daemon();
    let status = wait_held(&daemon, &HUBSPOT_STREAMS);
    let reason = named(&status, "streams", "login")["reason"].to_string();
    assert!(reason.contains("sources.hubspot.account_id"), "{reason}");
    daemon.stop();
    place.configure(&simulator, &Settings { hubspot_more: "account_id = \"48213907\"", ..settings });
    place.run_once();
    simulator.assert_exactly_once_of(HUBSPOT);
}

#[test]
fn nothing_of_another_account_arrives() {
    let simulator = Simulator::start(&["--events", "400", "--rate", "0"]);
    let (place, daemon) = started(&simulator);
    hand_over(&simulator, &place);
    simulator.plant_everywhere(5);
    let status = wait_held(&daemon, &HUBSPOT_STREAMS);
    let reason = named(&status, "streams", "login")["reason"].to_string();
    assert!(reason.contains("belongs to account 51902264") && reason.contains("48213907"), "{reason}");
    daemon.stop();

    // The same after a start, and Brevo goes on beside it.
    let daemon = place.daemon();
    wait_held(&daemon, &HUBSPOT_STREAMS);
    wait_for("Brevo", || (simulator.compare_of(BREVO).missing == 0).then_some(()));
    assert_eq!(simulator.compare_of(HUBSPOT).missing, 15, "nothing of the other account");

    simulator.faults(&json!({"other_account": []}));
    simulator.ask("PUT", "/simulator/credentials", &json!({"hubspot_tokens": [HUBSPOT_TOKEN]}));
    fs::write(place.path("token"), HUBSPOT_TOKEN).unwrap();
    simulator.wait_complete();
    daemon.stop();
}

#[test]
fn a_token_that_changes_within_a_poll_is_asked_first_whose_it_is() {
    let simulator = Simulator::start(&["--events", "400", "--rate", "0"]);
    let settings = Settings { brevo: false, hubspot_more: "streams = [\"login\"]", ..TOKEN_FILE };
    let place = Place::new(&simulator, &settings);
    fs::write(place.path("token"), HUBSPOT_TOKEN).unwrap();
    let daemon = place.daemon();
    let login = || simulator.compare_of(&["hubspot.login"]).missing;
    wait_for("everything", || (login() == 0).then_some(()));
    // Between a request and its next try: the new token is in the file when the old one is refused.
    simulator.faults(&json!({"only": ["login"], "statuses": {"503": {"share": 1}}}));
    daemon.wait_logged("trying again");
    hand_over(&simulator, &place);
    simulator.plant(&json!({"stream": "hubspot.login", "count": 5}));
    simulator.faults(&json!({"statuses": {"503": null}}));
    wait_held(&daemon, &["login"]);
    daemon.stop();
    assert_eq!(login(), 5, "nothing of the other account");
}

/// From now on the token file, and what the provider takes, is of another account.
fn hand_over(simulator: &Simulator, place: &Place) {
    fs::write(place.path("token"), "of-another-account").unwrap();
    simulator.faults(&json!({"other_account": ["hubspot"]}));
    simulator.ask("PUT", "/simulator/credentials", &json!({"hubspot_tokens": ["of-another-account"]}));
}

#[test]
fn an_oauth_grant_is_exchanged_and_renewed_and_a_dead_one_is_held_until_it_changes() {
    let simulator = Simulator::start(&["--events", "400", "--rate", "0"]);
    // Access tokens that end within a few polls: each is renewed in time, none is refused.
    simulator.ask("PUT", "/simulator/credentials", &json!({"expires_in": 3}));
    let place = Place::new(&simulator, &Settings { brevo: false, ..Settings::default() });
    let file = place.path("auditferry.toml");
    let text = fs::read_to_string(&file).unwrap();
    let grant = "oauth = { client_id = \"simulated-client\", client_secret = \"simulated-secret\", \
                 refresh_token = { file = \"grant\" } }";
    fs::write(&file, text.replace("token = \"pat-na1-simulated\"", grant)).unwrap();
    fs::write(place.path("grant"), "simulated-refresh").unwrap();
    let daemon = place.daemon();
    wait_for("HubSpot's events", || (simulator.compare_of(HUBSPOT).missing == 0).then_some(()));
    simulator.plant_everywhere(5);
    wait_for("the later ones", || (simulator.compare_of(HUBSPOT).missing == 0).then_some(()));

    simulator.ask("PUT", "/simulator/credentials", &json!({"refresh_token": "another"}));
    let status = wait_held(&daemon, &HUBSPOT_STREAMS);
    assert!(status["streams"].to_string().contains("refresh_token"), "{status:#}");
    simulator.plant_everywhere(5);
    fs::write(place.path("grant"), "another").unwrap();
    wait_for("the last ones", || (simulator.compare_of(HUBSPOT).missing == 0).then_some(()));
    simulator.assert_exactly_once_of(HUBSPOT);
    let log = daemon.log();
    assert!(!log.contains("simulated-secret") && !log.contains("simulated-refresh"), "no secret in the log");
    daemon.stop();
}
