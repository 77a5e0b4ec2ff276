//! `check`: every source and sink is asked, whatever is wrong is told with the next step, and nothing is changed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::rig::{Ended, HUBSPOT_TOKEN, Place, Settings, Simulator, named, wait_for};

/// A host that is down is told within the connect time-out of 10 s, whatever else the machine does.
const SOON: Duration = Duration::from_secs(30);

/// What `check --output json` says, and its exit code.
fn checked(place: &Place) -> (Option<i32>, Value) {
    let Ended { code, stdout, stderr } = place.run(&["check", "--output", "json"]);
    (code, serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}{stderr}")))
}

/// Answer and detail of one check of one source.
fn answer<'a>(report: &'a Value, source: &str, check: &str) -> (&'a str, &'a str) {
    let checks = named(report, "sources", source)["checks"].as_array().unwrap();
    let found = checks.iter().find(|one| one["check"] == check);
    let found = found.unwrap_or_else(|| panic!("no {check} of {source} in {report:#}"));
    (found["answer"].as_str().unwrap(), found["detail"].as_str().unwrap())
}

/// Every file below a directory with its bytes.
pub(crate) fn contents(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(directory).unwrap().map(Result::unwrap);
    entries
        .map(|entry| {
            let bytes = if entry.path().is_file() { fs::read(entry.path()).unwrap() } else { Vec::new() };
            (entry.file_name().into_string().unwrap(), bytes)
        })
        .collect()
}

#[test]
fn everything_is_asked_before_the_first_start_and_nothing_is_made() {
    let simulator = Simulator::start(&["--events", "400", "--rate", "0"]);
    let place = Place::new(&simulator, &Settings::default());
    let (code, report) = checked(&place);
    assert_eq!(code, Some(0), "{report:#}");
    for (source, checks) in [
        ("hubspot", &["name", "connection", "credential", "account", "audit_logs", "login", "security"][..]),
        ("brevo", &["name", "connection", "credential", "account", "activities", "clock", "quota"]),
    ] {
        for check in checks {
            assert_eq!(answer(&report, source, check).0, "ok", "{source} {check}: {report:#}");
        }
    }
    let hubspot = named(&report, "sources", "hubspot");
    assert_eq!(hubspot["account"]["id"], "48213907");
    assert_eq!(hubspot["horizon_s"]["login"], 90 * 86_400);
    assert!(hubspot["clock_offset_s"].as_i64().unwrap().abs() <= 2, "{hubspot:#}");
    let brevo = named(&report, "sources", "brevo");
    assert!(brevo["quota_left"].as_u64() > Some(0) && brevo["account"]["name"].is_string(), "{brevo:#}");

    // Brevo has a hundred requests an hour at times.
    for endpoint in ["details", "account", "audit_logs", "login", "security", "activities"] {
        let queries = simulator.queries(endpoint);
        assert_eq!(queries.len(), 1, "{endpoint}: {queries:?}");
        let is_page = !["details", "account"].contains(&endpoint);
        assert!(!is_page || queries[0].0.contains("limit=1"), "{endpoint}: {queries:?}");
    }
    assert!(!place.path("state").exists());

    let text = place.run(&["check"]).stdout;
    assert!(text.contains("48213907") && text.contains("login") && text.contains("receiver"), "{text}");
}

#[test]
fn it_works_beside_a_running_daemon_and_leaves_its_work_alone() {
    let simulator = Simulator::start(&["--events", "400", "--rate", "0"]);
    let place = Place::new(&simulator, &Settings::default());
    let daemon = place.daemon();
    simulator.wait_complete();
    let (code, report) = checked(&place);
    assert_eq!(code, Some(0), "{report:#}");
    simulator.plant_everywhere(5);
    simulator.wait_complete();
    daemon.stop();
    let before = contents(&place.path("state"));
    assert!(before.contains_key("auditferry.db"), "{:?}", before.keys());
    assert_eq!(checked(&place).0, Some(0));
    assert!(contents(&place.path("state")) == before, "check has touched the state");
}

#[test]
fn what_a_provider_refuses_is_told_with_the_next_step() {
    let simulator = Simulator::start(&["--events", "400", "--rate", "0"]);
    let place = Place::new(&simulator, &Settings::default());
    for (faults, source, failing, step, well) in [
        (json!({"revoked_token": ["hubspot"]}), "hubspot", "credential", "was not revoked", "connection"),
        (json!({"revoked_token": ["brevo"]}), "brevo", "credential", "API key", "connection"),
        (json!({"missing_plan": ["hubspot"]}), "hubspot", "audit_logs", "Enterprise", "login"),
        (json!({"missing_plan": ["brevo"]}), "brevo", "activities", "Enterprise", "account"),
        (json!({"missing_scope": true}), "hubspot", "login", "account-info.security.read", "name"),
        (json!({"unknown_address": true}), "brevo", "account", "Authorized IPs", "connection"),
        (json!({"details_refused": true}), "hubspot", "account", "sources.hubspot.account_id", "login"),
        (json!({"brevo_per_hour": 1}), "brevo", "quota", "requests_per_hour", "connection"),
        (json!({"date_skew_seconds": 600}), "hubspot", "clock", "behind the provider's", "login"),
        (
            json!({"only": ["activities"], "rate_limited": {"next": 1}}),
            "brevo",
            "activities",
            "429",
            "account",
        ),
    ] {
        simulator.faults(&faults);
        let (code, report) = checked(&place);
        assert_eq!(code, Some(1), "{faults}: {report:#}");
        let (word, detail) = answer(&report, source, failing);
        assert_eq!(word, "failed", "{faults}: {report:#}");
        assert!(detail.contains(step), "{faults}: {detail}");
        assert_eq!(answer(&report, source, well).0, "ok", "{faults}: {report:#}");
        let other = if source == "brevo" { "hubspot" } else { "brevo" };
        let concerns_both =
            ["details_refused", "date_skew_seconds"].iter().any(|name| !faults[name].is_null());
        assert_eq!(
            named(&report, "sources", other)["answer"] == "ok",
            !concerns_both,
            "{faults}: {report:#}"
        );
        simulator.faults(&json!({
            "revoked_token": [], "missing_plan": [], "missing_scope": false, "unknown_address": false,
            "details_refused": false, "date_skew_seconds": 0, "only": [], "brevo_per_hour": 1_000_000
        }));
    }
    assert!(!place.path("state").exists());
}

#[test]
fn a_configured_account_needs_no_word_of_the_provider_and_must_agree_with_it() {
    let simulator = Simulator::start(&["--events", "100", "--rate", "0"]);
    simulator.faults(&json!({"details_refused": true}));
    let with = |more| Settings { brevo: false, hubspot_more: more, ..Settings::default() };
    let place = Place::new(&simulator, &with("account_id = \"48213907\""));
    let (code, report) = checked(&place);
    assert_eq!(code, Some(0), "{report:#}");
    assert!(answer(&report, "hubspot", "account").1.contains("by the configuration"), "{report:#}");

    simulator.faults(&json!({"details_refused": false}));
    place.configure(&simulator, &with("account_id = \"1\""));
    let (code, report) = checked(&place);
    assert_eq!(code, Some(1), "{report:#}");
    let (_, detail) = answer(&report, "hubspot", "account");
    assert!(detail.contains("belongs to account 48213907") && detail.contains("account_id is 1"), "{detail}");
}

#[test]
fn a_host_that_is_not_there_is_told_soon_and_holds_up_no_other() {
    let simulator = Simulator::start(&["--events", "100", "--rate", "0"]);
    let place = Place::new(&simulator, &Settings { hubspot: false, ..Settings::default() });
    let file = place.path("auditferry.toml");
    let address = &simulator.address;
    let more = format!(
        "[sources.far]\ntype = \"hubspot\"\ntoken = \"a\"\nbase_url = \"https://nowhere.invalid\"\n\
         [sources.shut]\ntype = \"brevo\"\napi_key = \"a\"\nbase_url = \"http://127.0.0.1:1\"\n\
         [sources.plain]\ntype = \"brevo\"\napi_key = \"a\"\nbase_url = \"https://{address}\"\n"
    );
    fs::write(&file, fs::read_to_string(&file).unwrap() + &more).unwrap();
    let start = Instant::now();
    let (code, report) = checked(&place);
    assert!(start.elapsed() < SOON, "took {:?}", start.elapsed());
    assert_eq!(code, Some(1), "{report:#}");
    let (word, detail) = answer(&report, "far", "name");
    assert_eq!(word, "failed");
    assert!(detail.contains("nowhere.invalid") && detail.contains("getent hosts"), "{detail}");
    assert_eq!(named(&report, "sources", "far")["checks"].as_array().unwrap().len(), 1, "no more is known");
    assert_eq!(answer(&report, "shut", "name").0, "ok");
    let (word, detail) = answer(&report, "shut", "connection");
    assert_eq!(word, "failed");
    assert!(detail.contains("refused") && detail.contains("firewall"), "{detail}");
    let (word, detail) = answer(&report, "plain", "tls");
    assert_eq!((word, answer(&report, "plain", "connection").0), ("failed", "ok"));
    assert!(detail.contains("does not speak TLS"), "{detail}");
    assert_eq!(named(&report, "sources", "brevo")["answer"], "ok", "{report:#}");
}

#[test]
fn the_credential_of_another_account_than_the_collected_one_is_told() {
    let simulator = Simulator::start(&["--events", "200", "--rate", "0"]);
    let place = Place::new(&simulator, &Settings::default());
    place.run_once();
    simulator.faults(&json!({"other_account": ["hubspot"]}));
    let before = contents(&place.path("state"));
    let (code, report) = checked(&place);
    assert_eq!(code, Some(1), "{report:#}");
    let (word, detail) = answer(&report, "hubspot", "account");
    assert_eq!(word, "failed");
    assert!(
        detail.contains("belongs to account 51902264") && detail.contains("has collected account 48213907"),
        "{detail}"
    );
    assert_eq!(named(&report, "sources", "brevo")["answer"], "ok", "{report:#}");
    assert!(contents(&place.path("state")) == before, "check has bound an account");
    // Without a word of the provider the daemon goes on with the account that it knows; so does this.
    simulator.faults(&json!({"other_account": [], "details_refused": true}));
    let (code, report) = checked(&place);
    assert_eq!(code, Some(0), "{report:#}");
    assert!(answer(&report, "hubspot", "account").1.contains("as collected so far"), "{report:#}");
}

#[test]
fn a_refresh_token_that_is_handed_out_meanwhile_is_not_lost() {
    let simulator = Simulator::start(&["--events", "200", "--rate", "0"]);
    // Each grant is good for one exchange, and each access token for a few polls.
    simulator.ask("PUT", "/simulator/credentials", &json!({"rotate": true, "expires_in": 3}));
    let place = Place::new(&simulator, &Settings { brevo: false, ..Settings::default() });
    let file = place.path("auditferry.toml");
    let grant = "oauth = { client_id = \"simulated-client\", client_secret = \"simulated-secret\", \
                 refresh_token = \"simulated-refresh\" }";
    let token = format!("token = \"{HUBSPOT_TOKEN}\"");
    fs::write(&file, fs::read_to_string(&file).unwrap().replace(&token, grant)).unwrap();
    let well = |when: &str| {
        let (code, report) = checked(&place);
        assert_eq!(code, Some(0), "{when}: {report:#}");
    };
    // Before the first start, twice: the second one needs what the first was given.
    well("without a state directory");
    well("with what was kept");
    assert!(place.path("state").exists(), "the one thing that is kept");

    let daemon = place.daemon();
    let complete = || (simulator.compare_of(crate::rig::HUBSPOT).missing == 0).then_some(());
    wait_for("HubSpot's events", complete);
    // The daemon renews at the same time; whoever comes second with one grant is refused, so try until it is not.
    wait_for("a check beside the daemon", || (checked(&place).0 == Some(0)).then_some(()));
    simulator.plant(&json!([{"stream": "hubspot.login", "count": 5}]));
    wait_for("the events after it", complete);
    daemon.stop();
    well("after the daemon");
    place.run_once();
    assert!(!daemon_log(&place).contains("-next"), "no secret in the log");
}

fn daemon_log(place: &Place) -> String {
    fs::read_to_string(place.path("log")).unwrap()
}
