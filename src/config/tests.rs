use serde_json::Value;

use super::*;

mod documents;

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
    Environment::from([("TOKEN", "secret")])
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
    outcome.map(|config| panic!("valid: {config:?}")).unwrap_or_else(|faults: Faults| faults.0)
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
            batch: BatchLimits { max_events: 500, max_bytes: 1 << 20, max_wait: Duration::from_secs(1) },
            kind: SinkKind::Stdout,
        }]
    );
}

#[test]
fn generous_bounds_are_legal() {
    let tight = "poll_interval = \"1s\"\nlookback = \"1m\"\nrequests_per_10s = 1_000_000\nstart = \"0s\"\nreconcile_interval = \"0s\"";
    let config = sound(&with("hub", tight).replace(
        "[sources.hub]",
        "[spool]\nmax_size = \"4MiB\"\nretention = \"0s\"\n[server]\nlisten = \"\"\n[sources.hub]",
    ));
    assert_eq!(config.spool.max_size, 4 << 20);
    assert_eq!(config.listen, None);
    assert_eq!(config.sources[1].polling.lookback, Duration::from_secs(60));
    sound(&with(
        "bre",
        "requests_per_hour = 1000000\nlookback = \"0s\"\naccount_id = \"\"\nallow_plaintext = true\nbase_url = \"http://mock.test/api\"",
    ));
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
    let block = "\n\nsources.hub.poll_intervall: unknown key\n    in a.toml, line 6\n    did you mean `poll_interval`?\n\n";
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
        "the configuration has a fault\n\nthere is no configuration file\n    in /nowhere/a.toml\n    make one with \
         `auditferry config example > /nowhere/a.toml`, or name another with --config or $AUDITFERRY_CONFIG"
    );
}

#[test]
fn the_file_is_looked_for_where_it_was_said_then_in_the_environment_then_in_etc() {
    let set = Environment::from([("AUDITFERRY_CONFIG", "/b")]);
    let empty = Environment::from([("AUDITFERRY_CONFIG", "")]);
    assert_eq!(locate(Some("/a".into()), &set), PathBuf::from("/a"));
    assert_eq!(locate(None, &set), PathBuf::from("/b"));
    assert_eq!(locate(None, &empty), PathBuf::from("/etc/auditferry/auditferry.toml"));
}

#[test]
fn the_environment_sets_any_key_and_leaves_text_as_it_is() {
    let environment = Environment::from([
        ("AUDITFERRY__STATE_DIR", "/tmp/b"),
        ("AUDITFERRY__SERVER__LISTEN", ""),
        ("AUDITFERRY__SOURCES__HUB__TOKEN", "00123"),
        ("AUDITFERRY__SOURCES__HUB__STREAMS", "security, login"),
        ("AUDITFERRY__SOURCES__HUB__REQUESTS_PER_10S", "7"),
        ("AUDITFERRY__SINKS__OUT__INCLUDE_ORIGINAL", "false"),
        ("AUDITFERRY__SINKS__OUT__BATCH__MAX_EVENTS", "9"),
        ("AUDITFERRY__SINKS__SIEM__TYPE", "http"),
        ("AUDITFERRY__SINKS__SIEM__ENDPOINT", "https://siem.example.com/a"),
        ("AUDITFERRY__SINKS__SIEM__TOKEN__ENV", "TOKEN"),
        ("TOKEN", "secret"),
    ]);
    let text = SOUND.replace("token = { env = \"TOKEN\" }\n", "");
    let config =
        Config::from_text_with(&text, "a.toml", &environment).unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(config.state_dir, PathBuf::from("/tmp/b"));
    assert_eq!(config.listen, None);
    assert_eq!(config.sources[1].streams, ["login", "security"]);
    assert!(matches!(
        &config.sources[1].kind,
        SourceKind::HubSpot { credential: HubSpotCredential::Token(token), requests_per_10s: 7, .. }
            if *token == Secret::Plain("00123".into())
    ));
    assert!(!config.sinks[0].include_original);
    assert_eq!(config.sinks[0].batch.max_events, 9);
    assert!(
        matches!(&config.sinks[1].kind, SinkKind::Http(http) if http.token == Some(Secret::Env("TOKEN".into())))
    );
    assert_eq!(config.warnings, Vec::<String>::new());
}

#[test]
fn a_variable_that_sets_nothing_is_told() {
    for (variable, value, key, problem) in [
        ("AUDITFERRY__STATEDIR", "/a", "statedir", "unknown key"),
        ("AUDITFERRY__SOURCES__HUP__TOKEN", "a", "sources.hup.type", "is missing"),
        ("AUDITFERRY__SOURCES__HUB__OAUTH", "a", "sources.hub.oauth", "wrong type: this is text"),
        ("AUDITFERRY__", "a", "", "names no key"),
        ("AUDITFERRY__SINKS____X", "a", "sinks..x", "names no key"),
        (
            "AUDITFERRY__SINKS__OUT__INCLUDE_ORIGINAL",
            "yes",
            "sinks.out.include_original",
            "`yes` is not true or false",
        ),
        (
            "AUDITFERRY__SINKS__OUT__BATCH__MAX_EVENTS",
            "ten",
            "sinks.out.batch.max_events",
            "`ten` is not a whole number",
        ),
    ] {
        let environment = Environment::from([("TOKEN", "secret"), (variable, value)]);
        let faults = Config::from_text_with(SOUND, "a.toml", &environment).unwrap_err();
        let told = faults.0.iter().find(|fault| fault.key == key).unwrap_or_else(|| panic!("{faults}"));
        assert_eq!(told.problem, problem);
        assert_eq!(told.origin, format!("the environment variable {variable}"));
    }
}

#[test]
fn two_variables_for_one_key_are_told() {
    let environment = Environment::from([
        ("TOKEN", "secret"),
        ("AUDITFERRY__SOURCES__HUB__TOKEN", "a"),
        ("AUDITFERRY__SOURCES__HUB__TOKEN__ENV", "TOKEN"),
    ]);
    let faults = Config::from_text_with(SOUND, "a.toml", &environment).unwrap_err();
    assert_eq!(faults.0.len(), 1);
    assert_eq!(faults.0[0].problem, "contradicts AUDITFERRY__SOURCES__HUB__TOKEN: both set the same key");
}

#[test]
fn what_makes_no_sense_in_a_source_is_told_with_the_reason() {
    each_is_told(&[
        (
            "hub",
            "poll_interval = \"0s\"",
            "sources.hub.poll_interval: 0s is too short: polling more often only wastes the request budget | at least 1s",
        ),
        (
            "hub",
            "poll_interval = 60",
            "sources.hub.poll_interval: wrong type: this is a whole number | expected a duration such as \"30s\", \
             \"5m\", \"1h30m\" or \"90d\"",
        ),
        (
            "hub",
            "horizon = \"30d\"\nlookback = \"31d\"",
            "sources.hub.lookback: 31d reaches beyond the 30d that the provider remembers | there is nothing left to \
             read there: at most 30d",
        ),
        (
            "hub",
            "streams = [\"login\"]\nlookback = \"91d\"",
            "sources.hub.lookback: 91d reaches beyond the 90d that the provider remembers | there is nothing left to \
             read there: at most 90d",
        ),
        (
            "bre",
            "start = \"2999-01-01\"",
            "sources.bre.start: `2999-01-01` is in the future | what happens from now on is collected anyway; \"0s\" \
             starts now",
        ),
        (
            "bre",
            "start = \"long ago\"",
            "sources.bre.start: `long ago` is not a duration | expected a duration such as \"30s\", \"5m\", \"1h30m\" \
             or \"90d\", or a time such as \"2026-01-31T12:00:00Z\" or \"2026-01-31\"",
        ),
        (
            "bre",
            "reconcile_depth = \"0s\"",
            "sources.bre.reconcile_depth: 0s is too short: a walk of no depth finds nothing; reconcile_interval = \
             \"0s\" turns it off | at least 1ms",
        ),
        (
            "bre",
            "requests_per_hour = 0",
            "sources.bre.requests_per_hour: 0 is out of bounds | expected a whole number from 1 to 4294967295",
        ),
        (
            "bre",
            "horizon = \"1d\"",
            "sources.bre.horizon: Brevo keeps 12 months, which no key changes | leave it out",
        ),
        (
            "hub",
            "streams = []",
            "sources.hub.streams: is empty, so nothing would be collected | expected a list out of `audit_logs`, `login`, `security`",
        ),
        (
            "hub",
            "streams = [\"logins\"]",
            "sources.hub.streams: `logins` is not known | did you mean `login`?",
        ),
        (
            "hub",
            "streams = [1]",
            "sources.hub.streams: wrong type: this is a whole number | expected a list out of `audit_logs`, `login`, `security`",
        ),
        ("hub", "mirrored = \"keep\"", "sources.hub.mirrored: `keep` is not known | known: `tag`, `drop`"),
        (
            "hub",
            "api_version = \"2026-13\"",
            "sources.hub.api_version: `2026-13` is not a version | expected `v3` or a year and month such as `2026-09`",
        ),
        (
            "hub",
            "\"poll.interval\" = 1",
            "sources.hub.poll.interval: unknown key | did you mean `poll_interval`?",
        ),
        (
            "hub",
            "oauth = { client_id = \"a\", client_secret = { env = \"TOKEN\" }, refresh_token = { env = \"TOKEN\" } }",
            "sources.hub.oauth: contradicts `token` | keep one of the two",
        ),
    ]);
}

#[test]
fn a_source_without_its_type_or_credential_is_told() {
    for (from, to, fault) in [
        ("type = \"hubspot\"\n", "", "sources.hub.type: is missing | expected one of `hubspot`, `brevo`"),
        (
            "\"hubspot\"",
            "\"hubspott\"",
            "sources.hub.type: `hubspott` is not a type of source | did you mean `hubspot`?",
        ),
        (
            "\"hubspot\"",
            "7",
            "sources.hub.type: wrong type: this is a whole number | expected text in quotes",
        ),
        (
            "token = { env = \"TOKEN\" }",
            "",
            "sources.hub: there is no credential | add token = { env = \"HUBSPOT_TOKEN\" }, or oauth",
        ),
        (
            "[sources.hub]",
            "[sources.auditferry]",
            "sources.auditferry: the name `auditferry` is taken by the daemon's own events | choose another",
        ),
        (
            "[sources.hub]",
            "[sources.9]",
            "sources.9: `9` is not a name: small letters, digits and `_`, a letter first",
        ),
        (
            "[sources.hub]",
            "[sources.My-Hub]",
            "sources.My-Hub: `My-Hub` is not a name: small letters, digits and `_`, a letter first | for example `my_hub`",
        ),
    ] {
        assert_eq!(only_fault(&SOUND.replace(from, to)), fault);
    }
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
fn a_secret_has_one_form() {
    let form = "expected a secret: { env = \"NAME\" }, { file = \"PATH\" }, { credential = \"NAME\" } or { command = \
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
fn without_secrets_a_missing_one_is_no_fault() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.toml");
    std::fs::write(&path, SOUND.replace("TOKEN", "AUDITFERRY_TEST_NEVER_SET")).unwrap();
    assert!(Config::load(&path).is_err());
    assert!(Config::load_without_secrets(&path).is_ok());
}

#[test]
fn a_bad_sink_is_told() {
    each_is_told(&[
        (
            "out",
            "format = \"ocsf\"",
            "sinks.out.format: `ocsf` is not in this version of auditferry | meanwhile use one of `ecs`, `raw`",
        ),
        ("out", "sources = [\"hup\"]", "sinks.out.sources: there is no source `hup` | did you mean `hub`?"),
        (
            "out",
            "sources = []",
            "sinks.out.sources: is empty, so this sink would get nothing | [\"*\"] is all",
        ),
        (
            "out",
            "sources = \"*\"",
            "sinks.out.sources: wrong type: this is text | expected a list of texts such as [\"a\", \"b\"]",
        ),
        (
            "out",
            "batch = { max_event = 1 }",
            "sinks.out.batch.max_event: unknown key | did you mean `max_events`?",
        ),
        (
            "out",
            "batch = { max_bytes = 1023 }",
            "sinks.out.batch.max_bytes: 1023 bytes is too small | at least 1024 bytes",
        ),
        (
            "out",
            "batch = { max_events = 100_001 }",
            "sinks.out.batch.max_events: 100001 is out of bounds | expected a whole number from 1 to 100000",
        ),
        (
            "out",
            "include_original = \"yes\"",
            "sinks.out.include_original: wrong type: this is text | expected true or false",
        ),
        (
            "out",
            "endpoint = \"https://a\"",
            "sinks.out.endpoint: unknown key | known: `sources`, `format`, `include_original`, `batch`",
        ),
        (
            "out",
            "[sinks.too]\ntype = \"stdout\"",
            "sinks.too.type: standard output is already that of sinks.out",
        ),
        ("out", "[sinks.f]\ntype = \"file\"", "sinks.f.path: is missing | expected text in quotes"),
        (
            "out",
            "[sinks.f]\ntype = \"file\"\npath = \"/a\"\n[sinks.g]\ntype = \"file\"\npath = \"/a\"",
            "sinks.g.path: the file /a is already that of sinks.f",
        ),
        (
            "out",
            "[sinks.s]\ntype = \"syslog\"\naddress = \"udp://a:514\"",
            "sinks.s.type: `syslog` is not in this version of auditferry | meanwhile use `file` with a syslog daemon \
             that reads it, or `http`",
        ),
    ]);
}

#[test]
fn a_bad_http_sink_is_told() {
    let url = "expected a URL such as \"https://siem.example.com/events\"";
    for (lines, fault) in [
        ("endpoint = \"siem\"", format!("endpoint: is not a URL: relative URL without a base | {url}")),
        ("endpoint = \"ftp://a/\"", format!("endpoint: `ftp:` is neither https nor http | {url}")),
        ("endpoint = \"https://a/#b\"", format!("endpoint: has a fragment (`#…`), which is never sent | {url}")),
        (
            "endpoint = \"https://me:hunter2@a/\"",
            "endpoint: holds a user name or password, which would end up in logs | use the keys for credentials instead".into(),
        ),
        (
            "endpoint = \"http://10.0.0.1/\"",
            "endpoint: plain http to 10.0.0.1: credentials and events would travel readable | use https://, or set \
             allow_plaintext = true in this table"
                .into(),
        ),
        ("endpoint = \"https://a\"\ncompression = \"zstd\"", "compression: `zstd` is not in this version of auditferry | meanwhile use one of `gzip`, `none`".into()),
        ("endpoint = \"https://a\"\ntimeout = \"0s\"", "timeout: 0s is too short: a request takes some time | at least 1ms".into()),
        ("endpoint = \"https://a\"\nheaders = { \"a b\" = \"c\" }", "headers.a b: is not the name of a header: letters, digits and `-`".into()),
        ("endpoint = \"https://a\"\nheaders = { Host = \"c\" }", "headers.Host: is written by auditferry itself | leave it out".into()),
        ("endpoint = \"https://a\"\nheaders = { A = \"c\\nd\" }", "headers.A: the secret holds a line break or another control character".into()),
        ("endpoint = \"https://a\"\nsigning_secret = \"b\"", "signing_secret: signed requests are not in this version of auditferry | meanwhile use `token`, or client certificates in `tls`".into()),
        (
            "endpoint = \"https://a\"\ntls = { server_name = \"b\" }",
            "tls.server_name: does not apply to an http sink: the receiver is verified by the host name in `endpoint` | \
             put the name of the certificate into `endpoint`"
                .into(),
        ),
        ("endpoint = \"https://a\"\ntls = { ca_file = \"/nowhere\" }", "tls.ca_file: /nowhere can't be read: No such file or directory (os error 2)".into()),
        ("endpoint = \"https://a\"\ntls = { ca_file = \"/dev/null\" }", "tls.ca_file: /dev/null is not PEM: it has no line `-----BEGIN …-----`".into()),
        ("endpoint = \"http://localhost\"\ntls = {}", "tls: does nothing, as `endpoint` is plain http | leave it out, or use https".into()),
    ] {
        let text = with("out", &format!("[sinks.siem]\ntype = \"http\"\n{lines}"));
        assert_eq!(only_fault(&text), format!("sinks.siem.{fault}"), "{lines}");
    }
}

#[test]
fn a_certificate_needs_its_key() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.pem");
    std::fs::write(&path, "-----BEGIN CERTIFICATE-----\n").unwrap();
    let sink = |tls: &str| {
        with("out", &format!("[sinks.siem]\ntype = \"http\"\nendpoint = \"https://a\"\ntls = {{ {tls} }}"))
    };
    let path = path.display();
    let (cert, key) = (format!("cert_file = \"{path}\""), format!("key_file = \"{path}\""));
    assert_eq!(only_fault(&sink(&cert)), "sinks.siem.tls.cert_file: needs `key_file` | set both or none");
    assert_eq!(only_fault(&sink(&key)), "sinks.siem.tls.key_file: needs `cert_file` | set both or none");
    sound(&sink(&format!("{cert}, {key}")));
}

#[test]
fn plain_http_is_legal_on_loopback() {
    for host in ["127.0.0.1", "127.9.9.9:80", "[::1]:1", "[::ffff:127.0.0.1]", "localhost", "LOCALHOST:8080"]
    {
        let config = sound(&with("hub", &format!("base_url = \"http://{host}/prefix/\"")));
        assert_eq!(config.warnings, Vec::<String>::new(), "{host}");
        assert_eq!(config.sources[1].base_url.path(), "/prefix/");
    }
    for host in ["localhost.example.com", "128.0.0.1", "[::2]", "0.0.0.0"] {
        assert!(only_fault(&with("hub", &format!("base_url = \"http://{host}\""))).contains("plain http to"));
    }
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
                "sources.hub.api_version: version 2027-03 is newer or older than any that this auditferry was tried with",
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
            Some("server.listen: whoever reaches 0.0.0.0:1 can read the status page; it has no login"),
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
fn a_start_beyond_the_horizon_begins_at_the_horizon() {
    for start in ["\"400d\"", "2020-01-01"] {
        let config = sound(&with("bre", &format!("start = {start}")));
        assert_eq!(config.sources[0].polling.start, Start::Ago(Duration::from_secs(365 * 86_400)));
    }
    let config = sound(&with("hub", "horizon = \"2d\""));
    assert_eq!(config.warnings, Vec::<String>::new(), "nobody set start");
    assert_eq!(config.sources[1].polling.start, Start::Ago(Duration::from_secs(2 * 86_400)));
    assert_eq!(config.sources[1].polling.reconcile_depth, Duration::from_secs(2 * 86_400));
}

#[test]
fn a_plain_secret_gets_a_warning_and_a_plain_header_only_when_it_looks_secret() {
    let http = "[sinks.siem]\ntype = \"http\"\nendpoint = \"https://a\"\ntoken = \"hunter2\"\n\
                headers = { X-Tenant = \"hunter2\", X-Api-Key = \"hunter2\", Cookie = { env = \"TOKEN\" } }";
    let config = sound(&with("out", http));
    let named: Vec<_> = config.warnings.iter().filter_map(|warning| warning.split(": ").next()).collect();
    assert_eq!(named, ["sinks.siem.token", "sinks.siem.headers.X-Api-Key"]);
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn an_account_id_may_be_a_number() {
    let config = sound(&with("hub", "account_id = 12345678"));
    assert_eq!(config.sources[1].account_id.as_deref(), Some("12345678"));
}

#[test]
fn one_name_may_be_a_source_and_a_sink() {
    sound(&SOUND.replace("[sinks.out]", "[sinks.hub]"));
}
