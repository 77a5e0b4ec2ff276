//! Splunk's HTTP Event Collector: nothing is lost by any of its answers, and hardly anything doubled.

use std::time::Instant;

use auditferry::simulator::{Comparison, ReceiverStats};
use serde_json::{Value, json};

use crate::receivers::{ARCHIVE, own_events};
use crate::rig::{BREVO, Place, STREAMS, Settings, Simulator, named, wait_for};

/// A sink of this kind beside the other one, with more lines, and one that keeps the daemon's own events.
fn sinks(simulator: &Simulator, more: &str) -> String {
    let address = &simulator.address;
    format!(
        "[sinks.splunk]\ntype = \"splunk_hec\"\nendpoint = \"http://{address}/receiver/splunk\"\n\
         token = \"t\"\n{more}\n{ARCHIVE}"
    )
}

fn switch(simulator: &Simulator, hec: &Value) {
    simulator.ask("PUT", "/receiver/splunk/faults", &json!({ "hec": hec }));
}

fn stats(simulator: &Simulator) -> ReceiverStats {
    serde_json::from_str(&simulator.ask("GET", "/receiver/splunk/stats", &Value::Null)).unwrap()
}

/// Everything that happened is there, under one id, and every number.
#[track_caller]
fn assert_complete(simulator: &Simulator) {
    let comparison = simulator.compare_at("splunk", &STREAMS);
    let Comparison { missing, doubled, unexpected, .. } = comparison;
    assert_eq!((missing, doubled, unexpected), (0, 0, 0), "{comparison:#?}");
    let stats = stats(simulator);
    assert_eq!(stats.conflicting, 0, "{stats:#?}");
    for (stream, sequence) in &stats.sequences {
        assert_eq!((sequence.first, sequence.holes), (1, 0), "{stream}: {stats:#?}");
    }
}

#[test]
fn one_bad_event_in_a_batch_of_500_is_a_dead_letter_and_no_other_is_lost_or_doubled_twice() {
    for (number, takes_rest, acknowledgements) in [
        ("zero", false, false),
        ("one", false, false),
        ("zero", true, false),
        ("one", true, false),
        ("absent", false, false),
        ("one", false, true),
    ] {
        println!("counted from {number}, the rest is taken: {takes_rest}, by ack: {acknowledgements}");
        let simulator = Simulator::start(&["--events", "0", "--rate", "0"]);
        let mailbox = "poison@harborlight.example";
        switch(
            &simulator,
            &json!({"poison": mailbox, "number": number, "takes_rest": takes_rest,
                    "acknowledgements": acknowledgements}),
        );
        simulator.plant(&json!({"stream": "brevo.activities", "count": 249}));
        let second = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let row = json!({
            "action": "login-success", "date": second, "user_email": mailbox,
            "user_ip": "203.0.113.9", "user_agent": "curl/8.5",
        });
        simulator.plant(&json!({"stream": "brevo.activities", "record": row}));
        simulator.plant(&json!({"stream": "brevo.activities", "count": 250}));
        let more = format!(
            "acknowledgements = {acknowledgements}\nbatch = {{ max_events = 500, max_wait = \"3s\" }}"
        );
        let more = sinks(&simulator, &more);
        let place =
            Place::new(&simulator, &Settings { hubspot: false, sink_more: &more, ..Settings::default() });
        place.run_once();

        let comparison = simulator.compare_at("splunk", BREVO);
        let Comparison { expected, received, missing, doubled, unexpected, .. } = comparison;
        assert_eq!(
            (expected, received, missing, doubled, unexpected),
            (500, 499, 1, 0, 0),
            "{comparison:#?}"
        );
        let status = place.status();
        assert_eq!(named(&status, "sinks", "splunk")["dead_letters"], 1, "{status:#}");
        let stats = stats(&simulator);
        println!("{} requests, {} repeated", stats.requests, stats.repeated);
        assert_eq!(stats.conflicting, 0);
        // Without a number the batch is halved, and the collector keeps what stands before the bad one each time.
        if number != "absent" {
            assert!(stats.max_repeats <= 1, "{stats:#?}");
        }
        if number != "absent" && !takes_rest && !acknowledgements {
            assert!(stats.repeated <= 1, "at most the neighbour: {stats:#?}");
        }
    }
}

#[test]
fn a_refused_token_holds_the_sink_which_goes_on_by_itself() {
    let simulator = Simulator::start(&["--events", "400", "--rate", "0"]);
    switch(&simulator, &json!({"codes": {"3": {"share": 1}}}));
    let more = sinks(&simulator, "");
    let place = Place::new(&simulator, &Settings { sink_more: &more, ..Settings::default() });
    let daemon = place.daemon();
    let held = daemon
        .wait_status("the sink to be held", |status| named(status, "sinks", "splunk")["state"] == "held");
    assert!(held.to_string().contains("Invalid authorization (code 3, HTTP 401)"), "{held:#}");
    simulator.wait_complete();
    simulator.plant_everywhere(10);
    simulator.wait_complete();
    assert_eq!(stats(&simulator).events, 0);

    switch(&simulator, &json!({"codes": {"3": null}}));
    wait_for("the sink to have everything", || {
        (simulator.compare_at("splunk", &STREAMS).missing == 0).then_some(())
    });
    wait_for("the event of it", || (own_events(&place, "sink-recovered").len() == 1).then_some(()));
    assert_eq!(own_events(&place, "sink-held").len(), 1);
    assert_complete(&simulator);
    assert_eq!(stats(&simulator).repeated, 0);
    daemon.stop();
}

#[test]
fn batches_on_their_way_together_are_acknowledged_once_each() {
    let simulator = Simulator::start(&["--events", "3000", "--rate", "0"]);
    switch(&simulator, &json!({"acknowledgements": true, "ack_after_ms": 300}));
    let more = sinks(&simulator, "acknowledgements = true\nbatch = { max_events = 100 }");
    let place = Place::new(&simulator, &Settings { sink_more: &more, ..Settings::default() });
    let begun = Instant::now();
    place.run_once();
    println!("3000 events, acknowledged: {:?}", begun.elapsed());
    assert_complete(&simulator);
    assert_eq!(stats(&simulator).repeated, 0);
}

#[test]
fn a_lost_acknowledgement_repeats_its_batch_under_the_same_ids() {
    let simulator = Simulator::start(&["--events", "300", "--rate", "0"]);
    switch(&simulator, &json!({"acknowledgements": true, "ack_true_lost": {"next": 1}}));
    let more = sinks(&simulator, "acknowledgements = true\nmax_in_flight = 2\nbatch = { max_events = 50 }");
    let place = Place::new(&simulator, &Settings { sink_more: &more, ..Settings::default() });
    place.run_once();
    assert_complete(&simulator);
    let stats = stats(&simulator);
    assert!((1..=50).contains(&stats.repeated) && stats.max_repeats == 1, "one batch: {stats:#?}");
}

#[test]
fn pages_errors_and_renewed_sessions_in_the_midst_of_acknowledgements_lose_nothing() {
    let simulator = Simulator::start(&["--events", "600", "--rate", "0"]);
    switch(
        &simulator,
        &json!({
            "acknowledgements": true, "cookie": "AWSALB=", "renews_cookie": true,
            "ack_page": {"every": 7}, "ack_codes": {"8": {"every": 5}, "9": {"every": 11}},
            "codes": {"9": {"every": 4}, "26": {"every": 5}, "24": {"every": 3}},
        }),
    );
    let more = sinks(&simulator, "acknowledgements = true\nbatch = { max_events = 100 }");
    let place = Place::new(&simulator, &Settings { sink_more: &more, ..Settings::default() });
    place.run_once();
    assert_complete(&simulator);
    let stats = stats(&simulator);
    println!("{} requests, {} of {} events repeated", stats.requests, stats.repeated, stats.events);
}
