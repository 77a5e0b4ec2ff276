use super::*;

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

#[test]
fn what_a_sink_answered_stands_beside_it() {
    let config = outcome(VALID);
    let finding = Finding::Failed("HTTP 401; check token and headers".to_owned());
    let text = as_text(Path::new("a.toml"), config.as_ref().unwrap(), Some(std::slice::from_ref(&finding)));
    assert!(text.contains("siem  failed  HTTP 401; check token and headers"), "{text}");
    let json = as_json(Path::new("a.toml"), &config, Some(&[finding]));
    assert_eq!((&json["sinks"][0]["answer"], &json["sinks"][0]["name"]), (&json!("failed"), &json!("siem")));
    assert_eq!(as_json(Path::new("a.toml"), &config, None)["sinks"][0]["answer"], Value::Null);
}
