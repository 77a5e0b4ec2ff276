use super::*;
use crate::event::Account;
use crate::service::Aspect;

const VALID: &str = r#"
[sources.hub]
type = "hubspot"
token = "very secret"
start = 2026-01-01

[sinks.siem]
type = "http"
endpoint = "https://siem.example.com/in?key=hidden"
sources = ["hub"]
"#;

fn outcome(text: &str) -> Result<Config, Faults> {
    Config::from_text(text, "a.toml")
}

#[test]
fn a_valid_configuration_is_shown_as_a_table_without_its_secrets() {
    let text = as_text(Path::new("a.toml"), &outcome(VALID).unwrap(), None);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], "a.toml: configuration is valid");
    assert_eq!(
        lines[2],
        "source  type     streams                    poll  lookback  start                 address"
    );
    assert_eq!(
        lines[3],
        "hub     hubspot  audit_logs,login,security  1m    1h        2026-01-01T00:00:00Z  \
            https://api.hubapi.com/"
    );
    assert_eq!(lines[6], "siem  http  hub      ecs     https://siem.example.com/in");
    assert!(lines[8].starts_with("warning: sources.hub.token: the secret stands in the file"), "{text}");
    assert!(!text.contains("very secret") && !text.contains("hidden"), "{text}");
}

#[test]
fn the_json_of_a_valid_configuration_has_its_parts_and_no_faults() {
    let json = as_json(Path::new("a.toml"), &outcome(VALID), None);
    assert_eq!(json["valid"], true);
    assert_eq!(json["path"], "a.toml");
    assert_eq!(json["faults"], json!([]));
    assert_eq!(json["sources"][0]["name"], "hub");
    assert_eq!(json["sinks"][0]["target"], "https://siem.example.com/in");
    assert_eq!(json["warnings"].as_array().unwrap().len(), 1);
}

#[test]
fn the_json_of_a_broken_configuration_has_every_fault_with_its_place() {
    let json =
        as_json(Path::new("a.toml"), &outcome("state_dir = 7\n[sinks.out]\ntype = \"stdout\"\n"), None);
    assert_eq!(json["valid"], false);
    assert_eq!(
        json["faults"],
        json!([
            {
                "key": "state_dir",
                "origin": "a.toml, line 1",
                "problem": "wrong type: this is a whole number",
                "hint": "expected text in quotes",
            },
            {
                "key": "sources",
                "origin": "a.toml",
                "problem": "there is no source",
                "hint": "add [sources.hubspot] with type = \"hubspot\" and token = { env = \
            \"HUBSPOT_TOKEN\" }",
            },
        ])
    );
}

fn found() -> Findings {
    let source = SourceFindings {
        aspects: vec![
            (Aspect::Account, Finding::Passed("48213907 (Acme)".to_owned())),
            (
                Aspect::Stream("audit_logs"),
                Finding::Failed("HubSpot answered 403:\u{1b}[2J Enterprise".to_owned()),
            ),
        ],
        account: Some(Account { id: "48213907".to_owned(), name: Some("Acme".to_owned()) }),
        clock_offset: Some(jiff::SignedDuration::from_secs(-3)),
        quota_left: Some(188),
        horizons: vec![("audit_logs", std::time::Duration::from_secs(31_536_000))],
    };
    let sink = Finding::Unproved("HTTP 405".to_owned());
    Findings { sources: vec![source], sinks: vec![sink] }
}

#[test]
fn what_sources_and_sinks_answered_stands_in_one_table() {
    let config = outcome(VALID).unwrap();
    let text = as_text(Path::new("a.toml"), &config, Some(&found()));
    let table: Vec<_> = text.lines().skip_while(|line| !line.starts_with("name")).take(4).collect();
    assert_eq!(
        table,
        [
            "name  check       answer    detail",
            "hub   account     ok        48213907 (Acme)",
            "hub   audit_logs  failed    HubSpot answered 403: [2J Enterprise",
            "siem  sink        unproved  HTTP 405",
        ]
    );
}

#[test]
fn the_json_has_what_was_answered_as_fields() {
    let config = outcome(VALID);
    let json = as_json(Path::new("a.toml"), &config, Some(&found()));
    assert_eq!(
        (&json["sinks"][0]["answer"], &json["sinks"][0]["name"]),
        (&json!("unproved"), &json!("siem"))
    );
    let source = &json["sources"][0];
    assert_eq!(source["answer"], "failed");
    assert_eq!(source["account"], json!({"id": "48213907", "name": "Acme"}));
    assert_eq!((&source["clock_offset_s"], &source["quota_left"]), (&json!(-3), &json!(188)));
    assert_eq!(source["horizon_s"], json!({"audit_logs": 31_536_000}));
    assert_eq!(source["checks"][0], json!({"check": "account", "answer": "ok", "detail": "48213907 (Acme)"}));
    let unasked = as_json(Path::new("a.toml"), &config, None);
    assert_eq!(
        (&unasked["sinks"][0]["answer"], &unasked["sources"][0]["checks"]),
        (&Value::Null, &Value::Null)
    );
}

#[test]
fn what_is_unproved_has_not_failed() {
    let mut found = found();
    assert!(found.has_failed());
    found.sources[0].aspects.pop();
    assert!(!found.has_failed());
    found.sinks.push(Finding::Failed("down".to_owned()));
    assert!(found.has_failed());
}
