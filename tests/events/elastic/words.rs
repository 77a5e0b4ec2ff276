//! Which fields and values queries name: as much of KQL, ES|QL and the query DSL as ours use.

use std::collections::BTreeSet;

use auditferry::event::Activity;
use serde_json::Value;

/// Commands of ES|QL that our queries use.
const COMMANDS: [&str; 5] = ["WHERE", "STATS", "EVAL", "SORT", "KEEP"];

/// A word, a quoted text or a sign.
fn tokens(query: &str) -> Vec<&str> {
    let (mut tokens, mut rest) = (Vec::new(), query.trim_start());
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_alphanumeric() || "@._-*".contains(c);
        let end = match first {
            '"' => rest[1..].find('"').map_or(rest.len(), |end| end + 2),
            c if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        tokens.push(&rest[..end]);
        rest = rest[end..].trim_start();
    }
    tokens
}

/// What stands in front of `:` or a comparison.
pub(super) fn kql_fields(query: &str) -> Vec<String> {
    let tokens = tokens(query);
    let pairs = tokens.windows(2).filter(|pair| matches!(pair[1], ":" | ">" | "<"));
    pairs.map(|pair| pair[0].to_owned()).collect()
}

/// Every name with a dot and `@timestamp`, but for the names of data streams.
pub(super) fn esql_fields(query: &str) -> Vec<String> {
    let is_field = |token: &&str| {
        let is_name = token.starts_with(|c: char| c.is_alphabetic() || c == '@');
        is_name && (token.contains('.') || *token == "@timestamp") && !token.starts_with("logs-")
    };
    tokens(query).into_iter().filter(is_field).map(str::to_owned).collect()
}

/// The values of `field` in a query of the DSL, and the names within `term`, `terms` of filters, and `range`.
pub(super) fn dsl_fields(query: &Value) -> Vec<String> {
    let mut found = Vec::new();
    match query {
        Value::Object(members) => {
            for (name, value) in members {
                match (name.as_str(), value) {
                    ("field", Value::String(field)) => found.push(field.clone()),
                    ("term" | "range", Value::Object(fields)) => found.extend(fields.keys().cloned()),
                    _ => {}
                }
                found.extend(dsl_fields(value));
            }
        }
        Value::Array(values) => found.extend(values.iter().flat_map(dsl_fields)),
        _ => {}
    }
    found
}

/// Values that the field before them never has.
pub(super) fn wrong_values(query: &str) -> Vec<String> {
    let activities: BTreeSet<String> = Activity::ALL.iter().map(|activity| activity.name()).collect();
    let lists: [(&str, &[&str]); 5] = [
        ("event.dataset", &["auditferry.service"]),
        ("event.outcome", &["success", "failure", "unknown"]),
        ("event.kind", &["event", "state", "pipeline_error"]),
        ("event.action", &["heartbeat"]),
        ("event.category", &["authentication", "configuration", "iam", "session"]),
    ];
    let mut wrong = Vec::new();
    let tokens = tokens(query);
    for (at, field) in tokens.iter().enumerate() {
        let is_known = |value: &str| match *field {
            "auditferry.activity" => Some(activities.contains(value)),
            field => lists.iter().find(|(name, _)| *name == field).map(|(_, values)| values.contains(&value)),
        };
        // `: value`, `: (value or value)`, `== "value"`
        let signs = tokens[at + 1..].iter().take_while(|token| matches!(**token, ":" | "=" | "(")).count();
        if signs == 0 {
            continue;
        }
        let is_list = tokens[at + signs] == "(";
        let values = tokens[at + 1 + signs..].iter().filter(|token| **token != "or");
        let values = values.take_while(|token| **token != ")").take(if is_list { usize::MAX } else { 1 });
        let values = values.map(|value| value.trim_matches('"'));
        wrong.extend(
            values.filter(|value| is_known(value) == Some(false)).map(|value| format!("{field} {value}")),
        );
    }
    wrong
}

/// What is wrong with the shape of a query in ES|QL: its commands, quotes and brackets.
pub(super) fn misshapen(query: &str) -> Option<String> {
    let mut commands = query.split("\n| ");
    if !commands.next().is_some_and(|from| from.starts_with("FROM logs-")) {
        return Some("does not begin with FROM".to_owned());
    }
    for command in commands {
        let word = command.split_whitespace().next().unwrap_or_default();
        if !COMMANDS.contains(&word) {
            return Some(format!("{word} is no command"));
        }
        let count = |sign: char| command.matches(sign).count();
        if count('(') != count(')') || count('"') % 2 != 0 {
            return Some(format!("brackets or quotes of {word}"));
        }
    }
    None
}

#[test]
fn fields_and_values_are_found_in_queries() {
    let kql = "auditferry.activity : (login or logn) and event.severity >= 47 and not event.kind : stat";
    assert_eq!(kql_fields(kql), ["auditferry.activity", "event.severity", "event.kind"]);
    assert_eq!(wrong_values(kql), ["auditferry.activity logn", "event.kind stat"]);
    let esql = "FROM logs-hubspot.*-*\n| WHERE auditferry.activity == \"logins\" AND @timestamp > NOW() - 1 hour\n\
        | STATS events = COUNT(*) BY user.mail";
    assert_eq!(esql_fields(esql), ["auditferry.activity", "@timestamp", "user.mail"]);
    assert_eq!(wrong_values(esql), ["auditferry.activity logins"]);
    assert_eq!(misshapen(esql), None);
    assert!(misshapen(&esql.replace("STATS", "STATISTICS")).is_some());
    assert!(misshapen(&esql.replace("NOW()", "NOW(")).is_some());
    assert!(misshapen("WHERE x").is_some());
}
