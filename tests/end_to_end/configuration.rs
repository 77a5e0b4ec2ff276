//! Configurations and command lines that are wrong.

use crate::rig::Place;

/// Each line of it that is wrong says so.
const BROKEN: &str = r#"
state_dir = "state"
retention = "7d"

[spool]
max_size = "lots"

[server]
listen = "nowhere"

[sources.crm]
type = "hubspot"
token = { env = "AUDITFERRY_TEST_NOT_SET" }
base_url = "not a url"
pol_interval = "1m"
lookback = "an hour"

[sources.mail]
type = "brevo"
api_key = "k"
base_url = "http://brevo.example.com"
poll_interval = 5

[sources.Odd-Name]
type = "brevo"
api_key = "k"

[sources.what]
type = "salesforce"

[sinks.siem]
type = "http"
endpoint = "https://siem.example.com/"
sources = ["crm", "crn"]
batch = { max_events = 0 }
"#;

/// What each of the faults must be called by.
const NAMED: [&str; 14] = [
    "retention",
    "spool.max_size",
    "server.listen",
    "sources.crm.token",
    "AUDITFERRY_TEST_NOT_SET",
    "sources.crm.base_url",
    "sources.crm.pol_interval",
    "`poll_interval`",
    "sources.crm.lookback",
    "sources.mail.base_url",
    "sources.mail.poll_interval",
    "Odd-Name",
    "sources.what.type",
    "sinks.siem.batch.max_events",
];

#[test]
fn every_fault_is_named_at_once_and_nothing_is_touched() {
    let place = Place::with_text(BROKEN);
    for arguments in [&["run"][..], &["run", "--once"], &["check", "--offline"]] {
        let ended = place.run(arguments);
        assert_eq!(ended.code, Some(2), "{arguments:?}: {}", ended.stderr);
        for name in NAMED.iter().chain(&["crn", "auditferry.toml"]) {
            assert!(ended.stderr.contains(name), "{arguments:?}: {name} is not named in\n{}", ended.stderr);
        }
        assert_eq!(ended.stdout, "");
        assert!(!place.path("state").exists(), "{arguments:?} touched the state directory");
    }
    let check = place.run(&["check", "--offline", "--output", "json"]);
    assert_eq!(check.code, Some(2));
    let report: serde_json::Value = serde_json::from_str(&check.stdout).unwrap();
    assert_eq!(report["valid"], false);
    assert!(report["faults"].as_array().unwrap().len() >= NAMED.len() - 2, "{report:#}");
}

#[test]
fn two_sources_of_one_name_are_one_too_many() {
    let place = Place::with_text(
        "state_dir = \"state\"\n[sources.crm]\ntype = \"brevo\"\napi_key = \"a\"\n\
         [sources.crm]\ntype = \"brevo\"\napi_key = \"b\"\n[sinks.out]\ntype = \"stdout\"\n",
    );
    let ended = place.run(&["run"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("crm") && ended.stderr.contains("auditferry.toml"), "{}", ended.stderr);
    assert!(!place.path("state").exists());
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let place = Place::with_text("");
    std::fs::remove_file(place.path("auditferry.toml")).unwrap();
    let ended = place.run(&["run"]);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains("auditferry.toml"), "{}", ended.stderr);
}

#[test]
fn a_bad_command_line_ends_with_two() {
    let place = Place::with_text("");
    for arguments in [&["run", "--twice"][..], &["fly"], &["run", "--once", "--timeout", "soon"], &[]] {
        let ended = place.run(arguments);
        assert_eq!(ended.code, Some(2), "{arguments:?}: {}", ended.stderr);
        assert!(!ended.stderr.is_empty());
    }
}

#[test]
fn the_example_is_valid_and_the_schema_is_json() {
    let place = Place::with_text("");
    let example = place.run(&["config", "example"]);
    std::fs::write(place.path("auditferry.toml"), &example.stdout).unwrap();
    let check = place
        .command(&["check", "--offline"])
        .envs([("HUBSPOT_TOKEN", "a"), ("BREVO_API_KEY", "b")])
        .output()
        .unwrap();
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
    let schema = place.run(&["config", "schema"]);
    assert_eq!(schema.code, Some(0));
    assert!(serde_json::from_str::<serde_json::Value>(&schema.stdout).unwrap().is_object());
}
