//! The environment above the file.

use super::*;
use crate::config::load::load_where;
use std::path::Path;

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

/// What a container may be given instead of a file.
fn whole() -> Environment {
    Environment::from([
        ("AUDITFERRY__STATE_DIR", "/tmp/c"),
        ("AUDITFERRY__SOURCES__HUB__TYPE", "hubspot"),
        ("AUDITFERRY__SOURCES__HUB__TOKEN__ENV", "TOKEN"),
        ("AUDITFERRY__SINKS__OUT__TYPE", "stdout"),
        ("TOKEN", "secret"),
    ])
}

#[test]
fn the_environment_is_enough_where_the_default_file_is_missing() {
    let absent = Path::new("/nowhere/auditferry.toml");
    let config = load_where(absent, absent, &whole(), true).unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(config.state_dir, PathBuf::from("/tmp/c"));
    assert_eq!((config.sources.len(), config.sinks.len()), (1, 1));
}

#[test]
fn a_file_that_was_named_must_exist_whatever_the_environment_sets() {
    let (named, default) = (Path::new("/nowhere/mine.toml"), Path::new("/nowhere/auditferry.toml"));
    let faults = load_where(named, default, &whole(), true).unwrap_err();
    assert_eq!(faults.0.len(), 1, "{faults}");
    assert_eq!(faults.0[0].problem, "there is no configuration file");
}

#[test]
fn a_missing_default_file_is_the_fault_while_the_environment_lacks_a_source_or_a_sink() {
    let absent = Path::new("/nowhere/auditferry.toml");
    for variables in [
        [("AUDITFERRY__SOURCES__HUB__TYPE", "hubspot"), ("AUDITFERRY__STATE_DIR", "/tmp/c")],
        [("AUDITFERRY__SINKS__OUT__TYPE", "stdout"), ("AUDITFERRY__STATE_DIR", "/tmp/c")],
    ] {
        let faults = load_where(absent, absent, &Environment::from(variables), true).unwrap_err();
        assert_eq!(faults.0.len(), 1, "{faults}");
        let Fault { problem, hint, .. } = &faults.0[0];
        assert_eq!(problem, "there is no configuration file");
        assert!(hint.as_ref().is_some_and(|hint| hint.contains("AUDITFERRY__SOURCES__")), "{faults}");
    }
}

#[test]
fn a_fault_of_a_configuration_without_a_file_says_that_there_is_none() {
    let absent = Path::new("/nowhere/auditferry.toml");
    let environment = Environment::from([
        ("AUDITFERRY__SOURCES__HUB__TYPE", "hubspot"),
        ("AUDITFERRY__SINKS__OUT__TYPE", "file"),
    ]);
    let faults = load_where(absent, absent, &environment, true).unwrap_err();
    let told: Vec<_> = faults.0.iter().map(|fault| (fault.key.as_str(), fault.origin.as_str())).collect();
    assert_eq!(
        told,
        [
            ("sources.hub", "the environment variable AUDITFERRY__SOURCES__HUB__TYPE"),
            ("sinks.out.path", "the environment variable AUDITFERRY__SINKS__OUT__TYPE"),
        ],
        "{faults}"
    );
}
