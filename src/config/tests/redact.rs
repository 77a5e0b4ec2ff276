//! What a sink is told to take out of events.

use super::*;
use crate::event::{SensitiveField, Treatment};

const KEY: &str = "redact_key = \"0123456789abcdef\"";

fn redaction(lines: &str) -> Option<Redaction> {
    redaction_in(lines, &environment())
}

fn redaction_in(lines: &str, environment: &Environment) -> Option<Redaction> {
    let config = Config::from_text_with(&with("out", lines), "a.toml", environment);
    config.unwrap_or_else(|faults| panic!("{faults}")).sinks[0].redaction.clone()
}

#[test]
fn fields_are_named_as_one_word_or_as_tables() {
    let rules = [
        (SensitiveField::UserEmail, Treatment::Hash),
        (SensitiveField::SourceIp, Treatment::Mask),
        (SensitiveField::ObjectId, Treatment::Drop),
    ];
    for lines in [
        "redact = { \"auditferry.object.id\" = \"drop\", \"user.email\" = \"hash\", \"source.ip\" = \"mask\" }",
        "redact = { auditferry.object.id = \"drop\", user.email = \"hash\", source = { ip = \"mask\" } }",
        "redact.auditferry.\"object.id\" = \"drop\"\nredact.user.email = \"hash\"\nredact.\"source.ip\" = \"mask\"",
        "[sinks.out.redact]\n\"auditferry.object.id\" = \"drop\"\nuser.email = \"hash\"\nsource.ip = \"mask\"",
    ] {
        let read = redaction(&format!("{KEY}\n{lines}")).unwrap();
        assert_eq!(read.rules, rules, "{lines}");
        assert!(read.key.is_some());
    }
    for field in SensitiveField::ALL {
        let read = redaction(&format!("redact = {{ \"{}\" = \"mask\" }}", field.name()));
        assert_eq!(read, Some(Redaction { rules: vec![(*field, Treatment::Mask)], key: None }));
    }
    assert_eq!(redaction(""), None);
}

#[test]
fn the_environment_overrides_a_field() {
    let environment = Environment::from([
        ("TOKEN", "secret"),
        ("AUDITFERRY__SINKS__OUT__REDACT__USER__EMAIL", "drop"),
        ("AUDITFERRY__SINKS__OUT__REDACT__USER_AGENT", "mask"),
    ]);
    let read = redaction_in("redact = { \"user.email\" = \"mask\", message = \"drop\" }", &environment);
    let rules = [
        (SensitiveField::UserEmail, Treatment::Drop),
        (SensitiveField::UserAgent, Treatment::Mask),
        (SensitiveField::Message, Treatment::Drop),
    ];
    assert_eq!(read.unwrap().rules, rules);
}

#[test]
fn with_redaction_the_record_never_goes_along() {
    let config = sound(&with("out", "redact = { message = \"drop\" }"));
    assert!(!config.sinks[0].include_original);
    sound(&with("out", "redact = { message = \"drop\" }\ninclude_original = false"));
}

#[test]
fn a_bad_redaction_is_told() {
    let treatments = "known: `hash`, `drop`, `mask`";
    let expected = "expected a table of fields, each \"hash\", \"drop\" or \"mask\", such as { \"user.email\" = \"hash\" }";
    let make = "make one with `openssl rand -hex 32`, and keep it: with another key every hash is another";
    for (lines, fault) in [
        (
            "redact = { \"user.emial\" = \"drop\" }",
            "redact.user.emial: is no field that can be redacted | did you mean `user.email`?".to_owned(),
        ),
        (
            "redact = { user.target.email = \"drop\" }",
            "redact.user.target.email: is no field that can be redacted | did you mean `user.email`?".to_owned(),
        ),
        (
            "redact = { \"source.address\" = \"drop\" }",
            "redact.source.address: is no field that can be redacted | did you mean `source.ip`?".to_owned(),
        ),
        (
            "redact = { \"user.email\" = \"remove\" }",
            format!("redact.user.email: `remove` is not known | {treatments}"),
        ),
        (
            "redact = { \"user.email\" = true }",
            format!("redact.user.email: wrong type: this is true or false | {expected}"),
        ),
        ("redact = \"user.email\"", format!("redact: wrong type: this is text | {expected}")),
        ("redact = {}", format!("redact: is empty, so nothing would be redacted | {expected}")),
        (
            "redact = { \"user.email\" = \"drop\", user.email = \"drop\" }",
            "redact.user.email: is set twice | once as one name, once as a table".to_owned(),
        ),
        (
            "redact = { \"user.email\" = \"hash\" }",
            format!("redact_key: is missing: `redact` has hashes, which need a key | expected a secret; {make}"),
        ),
        (
            "redact = { \"user.email\" = \"hash\" }\nredact_key = \"0123456789abcde\"",
            format!("redact_key: has 15 bytes, and 16 are needed | {make}"),
        ),
        (
            "redact = { \"user.email\" = \"hash\" }\nredact_key = { env = \"NOPE\" }",
            "redact_key: the environment variable NOPE is not set".to_owned(),
        ),
        (
            "redact = { \"user.email\" = \"mask\" }\nredact_key = \"0123456789abcdef\"",
            "redact_key: does nothing, as nothing is hashed | leave it out, or set a field of `redact` to \"hash\""
                .to_owned(),
        ),
        (
            KEY,
            "redact_key: does nothing, as nothing is hashed | leave it out, or set a field of `redact` to \"hash\""
                .to_owned(),
        ),
        (
            "redact = { message = \"drop\" }\nformat = \"raw\"",
            "format: contradicts `redact`: raw is the provider's record, which holds all that is to go | use \"ecs\", \
             or leave `redact` out"
                .to_owned(),
        ),
        (
            "redact = { message = \"drop\" }\ninclude_original = true",
            "include_original: contradicts `redact`: the provider's record holds all that is to go | leave it out: \
             with `redact` the record never goes along"
                .to_owned(),
        ),
    ] {
        assert_eq!(only_fault(&with("out", lines)), format!("sinks.out.{fault}"), "{lines}");
    }
}

#[test]
fn the_key_is_never_shown() {
    let config = sound(&with("out", &format!("redact = {{ message = \"hash\" }}\n{KEY}")));
    assert!(!format!("{config:?}").contains("0123456789abcdef"));
    assert!(config.warnings[0].starts_with("sinks.out.redact_key: "), "{:?}", config.warnings);
}
