//! The metrics of a running daemon, read by Prometheus' own client library, against what the simulator and the
//! receiver have seen.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::rig::{Daemon, Place, Settings, Simulator, named, wait_for};
use crate::tools;

const PROMETHEUS: &str = "text/plain;version=0.0.4";
const OPEN_METRICS: &str = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.3";

/// The simulator's endpoints, and the labels of what is asked there.
const ENDPOINTS: [(&str, &str, &str); 6] = [
    ("audit_logs", "hubspot", "audit_logs"),
    ("login", "hubspot", "login"),
    ("security", "hubspot", "security"),
    ("details", "hubspot", ""),
    ("activities", "brevo", "activities"),
    ("account", "brevo", ""),
];
const STREAMS: [(&str, &str); 4] =
    [("hubspot", "audit_logs"), ("hubspot", "login"), ("hubspot", "security"), ("brevo", "activities")];

type Labels = BTreeMap<String, String>;

/// What `scrape.py` prints.
#[derive(Debug, Deserialize)]
struct Scrape {
    kind: String,
    types: BTreeMap<String, String>,
    samples: Vec<(String, Labels, String)>,
}

impl Scrape {
    /// The value of the one series with this name and these labels.
    #[track_caller]
    fn get(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let wanted: Labels = labels.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let found = self.samples.iter().filter(|(other, labels, _)| other == name && *labels == wanted);
        let values: Vec<f64> = found.map(|(.., value)| value.parse().unwrap()).collect();
        assert_eq!(values.len(), 1, "{name} {labels:?}: {values:?}");
        values[0]
    }

    fn of_stream(&self, name: &str, (source, stream): (&str, &str)) -> f64 {
        self.get(name, &[("source", source), ("stream", stream)])
    }

    /// 0 for a status that has not come yet.
    fn requests(&self, source: &str, stream: &str, status: &str) -> f64 {
        let is = |labels: &Labels| {
            labels["source"] == source && labels["stream"] == stream && labels["status"] == status
        };
        let mut all = self.samples.iter().filter(|(name, ..)| name == "auditferry_requests_total");
        all.find(|(_, labels, _)| is(labels)).map_or(0.0, |(.., value)| value.parse().unwrap())
    }

    fn series(&self) -> Vec<(&str, &Labels)> {
        let mut series: Vec<_> =
            self.samples.iter().map(|(name, labels, _)| (name.as_str(), labels)).collect();
        series.sort_unstable();
        series
    }
}

/// A count as a metric has it.
fn number(count: u64) -> f64 {
    u32::try_from(count).unwrap().into()
}

/// Whether there is a Python to scrape with.
fn can_scrape() -> bool {
    tools::python(&["prometheus_client"]).is_some()
}

#[track_caller]
fn scrape(daemon: &Daemon, accept: &str) -> Scrape {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/monitoring/scrape.py");
    let url = format!("http://{}/metrics", daemon.server());
    let mut python = tools::python(&["prometheus_client"]).unwrap();
    let output = python.args([script, &url, accept]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Waits for a scrape to be like that.
#[track_caller]
fn wait_scraped(daemon: &Daemon, what: &str, is: impl Fn(&Scrape) -> bool) -> Scrape {
    wait_for(what, || Some(scrape(daemon, PROMETHEUS)).filter(&is))
}

/// Requests that the simulator has answered, by endpoint and status.
fn answered(simulator: &Simulator) -> BTreeMap<(String, u64), u32> {
    let requests: Value =
        serde_json::from_str(&simulator.ask("GET", "/simulator/requests", &Value::Null)).unwrap();
    let mut answered = BTreeMap::new();
    for one in requests["log"].as_array().unwrap() {
        let key = (one["endpoint"].as_str().unwrap().to_owned(), one["status"].as_u64().unwrap());
        *answered.entry(key).or_default() += 1;
    }
    answered
}

#[test]
fn a_scrape_says_what_the_provider_and_the_receiver_have_seen() {
    if !can_scrape() {
        return;
    }
    let simulator = Simulator::start(&["--events", "400", "--rate", "0"]);
    let place = Place::new(&simulator, &Settings::default());
    let daemon = place.daemon();
    simulator.wait_complete();

    simulator.faults(&json!({"only": ["login"], "statuses": {"503": {"next": 2}}}));
    wait_scraped(&daemon, "the 503s", |scrape| scrape.requests("hubspot", "login", "503") >= 2.0);
    simulator.faults(&json!({"only": ["audit_logs"], "rate_limited": {"next": 1}}));
    wait_scraped(&daemon, "the 429", |scrape| scrape.requests("hubspot", "audit_logs", "429") >= 1.0);
    // Within the lookback, from before what was read completely.
    let earlier = (jiff::Timestamp::now() - jiff::SignedDuration::from_mins(5)).to_string();
    simulator.plant(&json!({"stream": "hubspot.login", "count": 3, "time": earlier}));
    simulator.wait_complete();
    let well = wait_scraped(&daemon, "a good day", |scrape| scrape.get("auditferry_ready", &[]) > 0.0);
    assert!(well.samples.iter().filter(|(name, ..)| name == "auditferry_problems").count() > 5);

    // From here on nothing is answered any more: what both have counted stands still.
    simulator.faults(&json!({"only": [], "hang": {"share": 1}}));
    let delivered = ("auditferry_events_delivered_total", [("sink", "receiver")]);
    let last = wait_scraped(&daemon, "the counts of both to be the same", |scrape| {
        let statuses = answered(&simulator);
        let same = ENDPOINTS.iter().all(|(endpoint, source, stream)| {
            [200, 429, 503].into_iter().all(|status| {
                let theirs = statuses.get(&((*endpoint).to_owned(), status)).copied().unwrap_or(0);
                scrape.requests(source, stream, &status.to_string()) == f64::from(theirs)
            })
        });
        same && scrape.get(delivered.0, &delivered.1) == number(simulator.stats().unique)
    });
    assert_eq!(last.requests("hubspot", "login", "503"), 2.0);
    assert_eq!(last.requests("hubspot", "audit_logs", "429"), 1.0);
    assert_eq!(last.get("auditferry_rate_limited_total", &[("source", "hubspot")]), 1.0);
    assert_eq!(last.get("auditferry_rate_limited_total", &[("source", "brevo")]), 0.0);
    assert!(last.get("auditferry_quota_remaining", &[("source", "hubspot")]) > 1_000.0);
    assert!(last.get("auditferry_clock_skew_seconds", &[("source", "brevo")]).abs() <= 60.0);

    let (stats, status) = (simulator.stats(), daemon.status());
    for (source, stream) in STREAMS {
        let of = |name: &str| last.of_stream(name, (source, stream));
        let collected = of("auditferry_events_collected_total");
        assert_eq!(collected, number(stats.by_dataset[&format!("{source}.{stream}")]), "{stream}");
        assert_eq!(collected, named(&status, "streams", stream)["events"].as_f64().unwrap(), "{stream}");
        assert_eq!(collected, of("auditferry_records_new_total"), "{stream}");
        assert!(of("auditferry_records_known_total") > 0.0, "{stream}");
        assert_eq!(of("auditferry_events_late_total"), if stream == "login" { 3.0 } else { 0.0 }, "{stream}");
        let state = [("source", source), ("stream", stream), ("state", "working")];
        assert_eq!(last.get("auditferry_stream_state", &state), 1.0);
        let polls = last.get(
            "auditferry_polls_total",
            &[("source", source), ("stream", stream), ("outcome", "complete")],
        );
        assert!(polls >= 1.0, "{stream}");
        assert_eq!(polls, of("auditferry_poll_duration_seconds_count"), "{stream}");
        let requests: f64 =
            ["200", "429", "503"].map(|status| last.requests(source, stream, status)).iter().sum();
        assert_eq!(requests, of("auditferry_request_duration_seconds_count"), "{stream}");
        assert!(of("auditferry_lag_seconds") < 3_600.0, "{stream}");
    }
    let accepted = [("sink", "receiver"), ("outcome", "accepted")];
    assert_eq!(last.get("auditferry_deliveries_total", &accepted), number(stats.requests));
    assert_eq!(
        last.get("auditferry_delivery_duration_seconds_count", &[("sink", "receiver")]),
        number(stats.requests)
    );
    assert!(last.get("auditferry_commit_duration_seconds_count", &[]) > 4.0);
    assert_eq!(last.get("auditferry_commits_failed_total", &[]), 0.0);
    assert_eq!(last.get("auditferry_spool_max_bytes", &[]), 2_147_483_648.0);
    let started: jiff::Timestamp = status["started"].as_str().unwrap().parse().unwrap();
    let process = last.get("process_start_time_seconds", &[]);
    assert!((process - started.as_duration().as_secs_f64()).abs() < 60.0, "{process} {started}");
    assert!(last.get("process_resident_memory_bytes", &[]) > 1_000_000.0);
    assert!(last.get("process_cpu_seconds_total", &[]) > 0.0);
    assert!(last.get("process_open_fds", &[]) < last.get("process_max_fds", &[]));

    let open_metrics = scrape(&daemon, OPEN_METRICS);
    assert_eq!(last.kind, "text/plain; version=0.0.4; charset=utf-8");
    assert_eq!(open_metrics.kind, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert_eq!(last.types, open_metrics.types);
    assert_eq!(last.series(), open_metrics.series());
    daemon.stop();
}

#[test]
fn a_sink_that_is_held_and_one_event_that_it_refuses_show() {
    if !can_scrape() {
        return;
    }
    const POISON: &str = "poison.harborlight.example";
    let simulator = Simulator::start(&["--events", "50", "--rate", "0"]);
    simulator.receiver_faults(&json!({"poison": POISON, "poison_status": 422}));
    let second = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let row = json!({
        "action": "login-success", "date": second, "user_email": format!("somebody@{POISON}"),
        "user_ip": "203.0.113.9", "user_agent": "curl/8.5",
    });
    simulator.plant(&json!({"stream": "brevo.activities", "record": row}));
    let place = Place::new(&simulator, &Settings::default());
    let daemon = place.daemon();
    let sink = [("sink", "receiver")];
    let dead =
        wait_scraped(&daemon, "the dead letter", |scrape| scrape.get("auditferry_dead_letters", &sink) > 0.0);
    assert_eq!(dead.get("auditferry_dead_letters", &sink), 1.0);
    assert_eq!(dead.get("auditferry_events_dead_lettered_total", &sink), 1.0);
    let outcome = |scrape: &Scrape, outcome: &str| {
        scrape.get("auditferry_deliveries_total", &[("sink", "receiver"), ("outcome", outcome)])
    };
    assert!(outcome(&dead, "refused") >= 1.0);
    assert_eq!(dead.get("auditferry_problems", &[("code", "dead-letters")]), 1.0);

    simulator.receiver_faults(&json!({"poison": null, "statuses": {"401": {"share": 1}}}));
    simulator.plant_everywhere(5);
    let held = wait_scraped(&daemon, "the sink to be held with the events", |scrape| {
        scrape.get("auditferry_sink_state", &[("sink", "receiver"), ("state", "held")]) > 0.0
            && scrape.get("auditferry_sink_waiting_events", &sink) >= 20.0
    });
    assert_eq!(held.get("auditferry_sink_state", &[("sink", "receiver"), ("state", "working")]), 0.0);
    assert!(outcome(&held, "held") >= 1.0);
    assert!(held.get("auditferry_events_retried_total", &sink) >= 1.0);
    assert_eq!(held.get("auditferry_problems", &[("code", "sink-held")]), 1.0);
    assert_eq!(held.get("auditferry_ready", &[]), 0.0);
    assert!(held.get("auditferry_spool_used_bytes", &[]) > 0.0);
    daemon.stop();
}
