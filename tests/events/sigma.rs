//! The Sigma rules of `deploy/sigma`, tried with pySigma and SQLite on the events beside them and on every example.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::difference::difference;
use crate::golden::{Case, cases};
use crate::tools::python;

/// The examples that the rules on single events find: a rule and an example on each line.
const FOUND: &str = include_str!("sigma_found.txt");

/// The rules that a target can not say, with the versions of `tests/requirements.txt`; the README tells them.
const REFUSED: [(&str, &[&str]); 3] = [
    ("splunk", &["brevo_email_changed_then_login", "password_guessed", "user_reactivated_then_login"]),
    (
        "esql",
        &[
            "brevo_email_changed_then_login",
            "forwarder_not_started_again",
            "password_guessed",
            "user_reactivated_then_login",
        ],
    ),
    (
        "lucene",
        &[
            "admin_rights_to_oneself",
            "brevo_email_changed_then_login",
            "forwarder_not_started_again",
            "gdpr_delete_burst",
            "impossible_travel",
            "many_failed_logins",
            "mass_export",
            "password_guessed",
            "password_spray",
            "user_reactivated_then_login",
        ],
    ),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/sigma")
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

/// The names of the rules.
fn rules() -> BTreeSet<String> {
    names(&folder().join("rules"))
}

/// The events that a rule shall find (`match`), or shall not (`no-match`).
fn events(rule: &str, kind: &str) -> Vec<Value> {
    let path = folder().join("tests").join(rule).join(format!("{kind}.jsonl"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Whether a rule is about several events together.
fn is_correlation(rule: &str) -> bool {
    let path = folder().join("rules").join(rule).with_extension("yml");
    fs::read_to_string(path).unwrap().contains("\ncorrelation:\n")
}

/// What `sigma_rules.py` answers; nothing where its packages are missing.
fn sigma(command: &str, more: &[&str], input: &Value) -> Option<Value> {
    let mut process =
        python(&["sigma.backends.sqlite", "sigma.backends.splunk", "sigma.backends.elasticsearch"])?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/events/sigma_rules.py");
    process.arg(script).arg(command).arg(folder()).args(more);
    let mut child =
        process.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It reads all before it writes, so that neither waits for the other; one that ends early says why below.
    let _ = child.stdin.take().unwrap().write_all(input.to_string().as_bytes());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

/// Of each run of a rule over events, the numbers of the events that it finds.
fn found(runs: &[(String, Vec<Value>)]) -> Option<Vec<Vec<usize>>> {
    let runs: Vec<Value> =
        runs.iter().map(|(rule, events)| json!({"rule": rule, "events": events})).collect();
    Some(serde_json::from_value(sigma("match", &[], &runs.into())?).unwrap())
}

#[test]
fn every_rule_has_events_to_find_and_events_to_leave() {
    assert_eq!(names(&folder().join("tests")), rules());
    for rule in rules() {
        for kind in ["match", "no-match"] {
            assert!(!events(&rule, kind).is_empty(), "{rule}: {kind}");
        }
    }
}

#[test]
fn rules_find_their_events_and_no_others() {
    let runs: Vec<_> = rules()
        .into_iter()
        .flat_map(|rule| ["match", "no-match"].map(|kind| (rule.clone(), events(&rule, kind))))
        .collect();
    let Some(numbers) = found(&runs) else { return };
    for (pair, numbers) in runs.chunks(2).zip(numbers.chunks(2)) {
        let (rule, wanted) = &pair[0];
        if is_correlation(rule) {
            assert!(!numbers[0].is_empty(), "{rule}: match");
        } else {
            // Each event by itself.
            assert_eq!(numbers[0], (0..wanted.len()).collect::<Vec<_>>(), "{rule}: match");
        }
        assert_eq!(numbers[1], [0; 0], "{rule}: no-match");
    }
}

#[test]
fn pysigma_finds_nothing_wrong_with_the_rules() {
    let Some(check) = sigma("check", &[], &Value::Null) else { return };
    assert_eq!(check["issues"], json!([]));
    let readme = fs::read_to_string(folder().join("README.md")).unwrap();
    assert_eq!(check["rules"].as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>(), rules());
    for (name, rule) in check["rules"].as_object().unwrap() {
        for member in ["id", "title", "description", "status", "level", "falsepositives", "tags"] {
            assert!(!rule[member].is_null(), "{name} has no {member}");
        }
        assert_eq!((&rule["author"], &rule["date"]), (&json!("auditferry"), &json!("2026-11-22")), "{name}");
        assert_eq!(rule["correlation"].is_object(), is_correlation(name), "{name}");
        assert!(is_correlation(name) || rule["fields"].is_array(), "{name} has no fields");
        let row = format!(
            "| `{name}` | {} | {} |",
            rule["level"].as_str().unwrap(),
            rule["title"].as_str().unwrap()
        );
        assert!(readme.contains(&row), "README.md lacks {row}");
    }
}

#[test]
fn rules_find_these_examples_and_no_others() {
    let (names, examples): (Vec<_>, Vec<_>) =
        cases().iter().map(|case| (format!("{}/{}", case.dataset, case.name), case.ecs())).unzip();
    let runs: Vec<_> = rules()
        .into_iter()
        .filter(|rule| !is_correlation(rule))
        .map(|rule| (rule, examples.clone()))
        .collect();
    let Some(numbers) = found(&runs) else { return };
    let mut now = String::new();
    for ((rule, _), numbers) in runs.iter().zip(numbers) {
        for number in numbers {
            let _ = writeln!(now, "{rule} {}", names[number]);
        }
    }
    assert!(now == FOUND, "- is in sigma_found.txt, + is found now:\n{}", difference(FOUND, &now));
}

/// The paths of all values that are no objects, with points, and what kind of value each is.
fn fields(value: &Value, path: &str, into: &mut BTreeSet<String>) {
    let kind = match value {
        Value::Object(members) => {
            for (name, member) in members {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                fields(member, &path, into);
            }
            return;
        }
        Value::Array(_) => "a list",
        Value::String(_) => "a text",
        Value::Number(_) => "a number",
        Value::Bool(_) | Value::Null => "true, false or null",
    };
    into.insert(format!("{path} that is {kind}"));
}

/// What tells one type of event from another.
fn type_of(event: &Value) -> Vec<Value> {
    let is_mirrored = event["auditferry"]["activity"] == "mirrored";
    let of_all = ["/event/dataset", "/event/module", "/event/kind", "/auditferry/activity", "/tags"];
    // There are copies of every type, and examples of two.
    let of_originals = ["/event/action", "/event/code", "/event/outcome", "/auditferry/object/type"];
    let pointers = of_all.into_iter().chain(of_originals.into_iter().filter(|_| !is_mirrored));
    pointers.map(|pointer| event.pointer(pointer).cloned().unwrap_or_default()).collect()
}

#[test]
fn events_to_find_are_such_as_the_program_makes() {
    let examples: Vec<_> = cases().iter().map(Case::ecs).collect();
    let types: BTreeSet<_> = examples.iter().map(|event| format!("{:?}", type_of(event))).collect();
    let mut known: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for event in &examples {
        fields(event, "", known.entry(event["event"]["dataset"].to_string()).or_default());
    }
    let mut wrong = BTreeSet::new();
    for rule in rules() {
        for event in ["match", "no-match"].into_iter().flat_map(|kind| events(&rule, kind)) {
            let kind = format!("{:?}", type_of(&event));
            if !types.contains(&kind) {
                wrong.insert(format!("{rule}: no example is of the type {kind}"));
            }
            let mut own = BTreeSet::new();
            fields(&event, "", &mut own);
            for field in own.difference(&known[&event["event"]["dataset"].to_string()]) {
                wrong.insert(format!("{rule}: no example has {field}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn fields_that_rules_show_and_group_by_are_those_of_examples() {
    let Some(check) = sigma("check", &[], &Value::Null) else { return };
    let mut known = BTreeSet::new();
    for case in cases() {
        fields(&case.ecs(), "", &mut known);
    }
    // The examples leave it out.
    known.insert("event.original that is a text".to_owned());
    let is_known = |name: &str| known.iter().any(|field| field.split(' ').next() == Some(name));
    for (name, rule) in check["rules"].as_object().unwrap() {
        let alias = |field: &str| rule["correlation"]["aliases"].get(field).is_some();
        let shown = rule["fields"].as_array().into_iter().flatten();
        let grouped = rule["correlation"]["group-by"].as_array().into_iter().flatten();
        for field in shown.chain(grouped).map(|field| field.as_str().unwrap()) {
            assert!(is_known(field) || alias(field), "{name}: no example has {field}");
        }
    }
}

#[test]
fn rules_become_queries_of_splunk_and_elasticsearch() {
    for (target, refused) in REFUSED {
        let Some(queries) = sigma("convert", &[target], &Value::Null) else { return };
        let queries = queries.as_object().unwrap();
        assert_eq!(queries.keys().cloned().collect::<BTreeSet<_>>(), rules());
        let without: Vec<_> = queries.iter().filter(|(_, answer)| answer["query"].is_null()).collect();
        assert_eq!(
            without.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
            refused,
            "{target}: {without:?}"
        );
        for (name, answer) in queries {
            let query = answer["query"].as_str().unwrap_or("auditferry");
            assert!(query.contains("auditferry"), "{target}: {name}: {query}");
        }
    }
}
