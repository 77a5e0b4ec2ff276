use serde_json::Value;

use super::*;

mod documents;
mod environment;
mod redact;
mod sink;
mod source;

/// A valid file that the tests spoil.
const SOUND: &str = r#"
state_dir = "/tmp/a"
[sources.hub]
type = "hubspot"
token = { env = "TOKEN" }
[sources.bre]
type = "brevo"
api_key = { env = "TOKEN" }
[sinks.out]
type = "stdout"
"#;

fn environment() -> Environment {
    Environment::from([("TOKEN", "secret"), ("LONG", "a secret of more than 16 bytes")])
}

fn load(text: &str) -> Result<Config, Faults> {
    Config::from_text_with(text, "a.toml", &environment())
}

fn sound(text: &str) -> Config {
    load(text).unwrap_or_else(|faults| panic!("{faults}"))
}

/// The sound file with more lines in `[sources.hub]`, `[sources.bre]`, or after the end (in `[sinks.out]`).
fn with(place: &str, lines: &str) -> String {
    let after = match place {
        "hub" => "type = \"hubspot\"\n",
        "bre" => "type = \"brevo\"\n",
        "out" => "type = \"stdout\"\n",
        _ => "state_dir = \"/tmp/a\"\n",
    };
    SOUND.replace(after, &format!("{after}{lines}\n"))
}

fn faults(outcome: Result<Config, Faults>) -> Vec<Fault> {
    outcome.map_or_else(|faults| faults.0, |config| panic!("valid: {config:?}"))
}

/// The one fault of a text, as `key: problem | hint`.
fn only_fault(text: &str) -> String {
    let faults = faults(load(text));
    assert_eq!(faults.len(), 1, "{faults:#?}");
    let Fault { key, problem, hint, .. } = &faults[0];
    match hint {
        Some(hint) => format!("{key}: {problem} | {hint}"),
        None => format!("{key}: {problem}"),
    }
}

/// Checks one fault each: place of the lines, the lines, the fault.
fn each_is_told(cases: &[(&str, &str, &str)]) {
    for (place, lines, fault) in cases {
        assert_eq!(only_fault(&with(place, lines)), *fault, "{lines}");
    }
}

#[test]
fn a_short_file_gets_the_documented_defaults() {
    let config = sound(SOUND);
    assert_eq!(config.warnings, Vec::<String>::new());
    assert_eq!(config.listen, Some("127.0.0.1:9464".parse().unwrap()));
    let day = Duration::from_secs(86_400);
    assert_eq!(config.spool, Spool { max_size: 2 << 30, retention: 7 * day });
    let [bre, hub] = &config.sources[..] else { panic!("{config:?}") };
    assert_eq!(
        *hub,
        Source {
            name: "hub".into(),
            base_url: "https://api.hubapi.com".parse().unwrap(),
            account_id: None,
            streams: ["audit_logs", "login", "security"].map(str::to_owned).to_vec(),
            polling: Polling {
                interval: Duration::from_secs(60),
                lookback: Duration::from_secs(3600),
                start: Start::Ago(90 * day),
                reconcile_interval: day,
                reconcile_depth: 7 * day,
                horizon: 365 * day,
            },
            kind: SourceKind::HubSpot {
                credential: HubSpotCredential::Token(Secret::Env("TOKEN".into())),
                api_version: "2026-09".into(),
                mirrored: Mirrored::Tag,
                requests_per_10s: 50,
            },
        }
    );
    assert_eq!(bre.polling.interval, Duration::from_secs(300));
    assert_eq!(bre.streams, ["activities"]);
    assert_eq!(bre.kind, SourceKind::Brevo { api_key: Secret::Env("TOKEN".into()), requests_per_hour: 80 });
    assert_eq!(
        config.sinks,
        [Sink {
            name: "out".into(),
            sources: Vec::new(),
            format: Format::Ecs,
            include_original: true,
            redaction: None,
            batch: BatchLimits { max_events: 500, max_bytes: 1 << 20, max_wait: Duration::from_secs(1) },
            kind: SinkKind::Stdout,
        }]
    );
}

#[test]
fn every_fault_of_a_file_and_the_environment_is_told_at_once_with_its_place() {
    let text = "\
state_dir = 7
[sources.hub]
type = \"hubspot\"
token = { env = \"NOPE\" }
base_url = \"http://api.example.com\"
poll_intervall = \"1m\"
lookback = \"soon\"
[sources.Bre-Vo]
type = \"brevo\"
api_key = { env = \"TOKEN\" }
[sinks.siem]
type = \"http\"
endpoint = \"siem.example.com\"
[sinks.siem]
sources = [\"hubb\"]
";
    let environment = Environment::from([
        ("TOKEN", "secret"),
        ("AUDITFERRY_CONFIG", "/elsewhere"),
        ("AUDITFERRY__SPOOL__MAX_SIZE", "0"),
        ("AUDITFERRY__SPOOL__MAXSIZE", "1"),
    ]);
    let faults = Config::from_text_with(text, "a.toml", &environment).unwrap_err();
    let told: Vec<_> =
        faults.0.iter().map(|f| (f.origin.as_str(), f.key.as_str(), f.problem.as_str())).collect();
    assert_eq!(
        told,
        [
            ("a.toml, line 14, column 8", "", "`siem` is set twice"),
            ("a.toml, line 1", "state_dir", "wrong type: this is a whole number"),
            (
                "the environment variable AUDITFERRY__SPOOL__MAX_SIZE",
                "spool.max_size",
                "0 bytes is too small"
            ),
            ("the environment variable AUDITFERRY__SPOOL__MAXSIZE", "spool.maxsize", "unknown key"),
            (
                "a.toml, line 8",
                "sources.Bre-Vo",
                "`Bre-Vo` is not a name: small letters, digits and `_`, a letter first"
            ),
            (
                "a.toml, line 5",
                "sources.hub.base_url",
                "plain http to api.example.com: credentials and events would travel readable"
            ),
            ("a.toml, line 4", "sources.hub.token", "the environment variable NOPE is not set"),
            ("a.toml, line 7", "sources.hub.lookback", "`soon` is not a duration"),
            ("a.toml, line 6", "sources.hub.poll_intervall", "unknown key"),
            ("a.toml, line 13", "sinks.siem.endpoint", "is not a URL: relative URL without a base"),
            ("a.toml, line 15", "sinks.siem.sources", "there is no source `hubb`"),
        ]
    );
    let shown = faults.to_string();
    assert!(
        shown.starts_with("the configuration has 11 faults\n\n`siem` is set twice\n    in a.toml, line 14"),
        "{shown}"
    );
    let block = "\n\nsources.hub.poll_intervall: unknown key\n    in a.toml, line 6\n    did you mean \
            `poll_interval`?\n\n";
    assert!(shown.contains(block), "{shown}");
}

#[test]
fn a_mistake_in_the_syntax_has_its_line_and_column() {
    let faults = faults(load("state_dir = \"/a\"\n[sources.hub\ntype = 1\n"));
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert_eq!(faults[0].origin, "a.toml, line 2, column 13");
    assert!(faults[0].problem.starts_with("this is not TOML: "), "{faults:?}");
}

#[test]
fn a_missing_file_says_how_to_make_one() {
    let faults = Config::load_with(std::path::Path::new("/nowhere/a.toml"), &environment()).unwrap_err();
    assert_eq!(
        faults.to_string(),
        "the configuration has a fault\n\nthere is no configuration file\n    in /nowhere/a.toml\n    \
            make one with \
         `auditferry config example > /nowhere/a.toml`, or name another with --config or $AUDITFERRY_CONFIG"
    );
}

#[test]
fn a_file_without_sources_or_sinks_says_how_to_add_one() {
    let told: Vec<_> = faults(load("")).into_iter().map(|fault| (fault.key, fault.problem)).collect();
    assert_eq!(
        told,
        [("sources", "there is no source"), ("sinks", "there is no sink")]
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
    );
    assert_eq!(
        only_fault(&SOUND[..SOUND.find("[sinks").unwrap()]),
        "sinks: there is no sink | add [sinks.stdout] with type = \"stdout\""
    );
}

#[test]
fn what_is_no_table_where_one_belongs_is_told() {
    for (lines, fault) in [
        ("sources = 7", "sources: wrong type: this is a whole number | expected tables [sources.NAME]"),
        (
            "[[sources]]\ntype = \"brevo\"",
            "sources: wrong type: this is a list | expected tables \
            [sources.NAME]",
        ),
        ("sources.hub = 7", "sources.hub: wrong type: this is a whole number | expected a table"),
        (
            "spool = 7\n[sources.hub]\ntype = \"brevo\"\napi_key = { env = \"TOKEN\" }",
            "spool: wrong \
            type: this is a whole number | expected a table",
        ),
    ] {
        assert_eq!(only_fault(&format!("{lines}\n[sinks.out]\ntype = \"stdout\"")), fault);
    }
}

#[test]
fn a_secret_has_one_form() {
    let form = "expected a secret: { env = \"NAME\" }, { file = \"PATH\" }, { credential = \"NAME\" } \
            or { command = \
                [\"prog\", \"arg\"] }";
    for (secret, fault) in [
        ("{ env = \"NOPE\" }", "the environment variable NOPE is not set".to_owned()),
        (
            "{ file = \"/nowhere\" }",
            "the secret file /nowhere can't be read: No such file or directory (os error 2)".to_owned(),
        ),
        (
            "{ command = [\"false\"] }",
            "the command false failed (exit status: 1): it says nothing more".to_owned(),
        ),
        ("\"\"", "the secret is empty".to_owned()),
        ("{}", format!("is empty | {form}")),
        ("{ env = \"TOKEN\", file = \"/a\" }", format!("comes from several places | {form}")),
        ("7", format!("wrong type: this is a whole number | {form}")),
    ] {
        let text = SOUND.replace("token = { env = \"TOKEN\" }", &format!("token = {secret}"));
        assert_eq!(only_fault(&text), format!("sources.hub.token: {fault}"));
    }
    let text = SOUND.replace("token = { env = \"TOKEN\" }", "token = { evn = \"TOKEN\" }");
    assert_eq!(only_fault(&text), "sources.hub.token.evn: unknown key | did you mean `env`?");
}

#[test]
fn the_token_of_the_server_is_beyond_guessing() {
    assert_eq!(sound(SOUND).server_token, None);
    let with_token = |name: &str| format!("{SOUND}[server]\ntoken = {{ env = \"{name}\" }}");
    assert_eq!(sound(&with_token("LONG")).server_token, Some(Secret::Env("LONG".into())));
    assert_eq!(
        only_fault(&with_token("TOKEN")),
        "server.token: has 6 bytes, and 16 are needed | `openssl rand -hex 32` makes one"
    );
}

#[test]
fn without_secrets_a_missing_one_is_no_fault() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.toml");
    std::fs::write(&path, SOUND.replace("TOKEN", "AUDITFERRY_TEST_NEVER_SET")).unwrap();
    assert!(Config::load(&path).is_err());
    assert!(Config::load_without_secrets(&path).is_ok());
}

#[test]
fn what_is_unwise_is_legal_with_a_warning() {
    for (place, lines, warning) in [
        ("bre", "start = \"10y\"", None),
        (
            "bre",
            "start = \"400d\"",
            Some("sources.bre.start: the provider remembers 365d; the first poll reaches no further"),
        ),
        (
            "bre",
            "start = 2020-01-01",
            Some("sources.bre.start: the provider remembers 365d; the first poll reaches no further"),
        ),
        (
            "hub",
            "api_version = \"2027-03\"",
            Some(
                "sources.hub.api_version: version 2027-03 is newer or older than any that this \
            auditferry was tried with",
            ),
        ),
        (
            "bre",
            "base_url = \"http://a.test\"\nallow_plaintext = true",
            Some("sources.bre.base_url: everything goes to a.test in plain text"),
        ),
        (
            "out",
            "[server]\nlisten = \"0.0.0.0:1\"",
            Some(
                "server.listen: whoever reaches 0.0.0.0:1 can read the status and the metrics; set server.token",
            ),
        ),
        (
            "out",
            "[server]\nlisten = \"0.0.0.0:1\"\ntoken = { env = \"LONG\" }",
            Some(
                "server.listen: the token and the status travel to and from 0.0.0.0:1 in plain text, unless a \
                 proxy with TLS stands before it",
            ),
        ),
        (
            "out",
            "[sinks.f]\ntype = \"file\"\npath = \"a\"",
            Some("sinks.f.path: `a` is relative to the directory that auditferry is started in"),
        ),
    ] {
        match warning {
            Some(warning) => assert_eq!(sound(&with(place, lines)).warnings, [warning], "{lines}"),
            None => assert!(load(&with(place, lines)).is_err(), "{lines}"),
        }
    }
}

#[test]
fn one_name_may_be_a_source_and_a_sink() {
    sound(&SOUND.replace("[sinks.out]", "[sinks.hub]"));
}
