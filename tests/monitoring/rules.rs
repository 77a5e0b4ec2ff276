//! The alert rules.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::exposed::{self, Exposed};
use crate::promtool;

mod alert;

use alert::Alert;

/// What a page that is down can't show: the steps stand in the alert itself.
const WITHOUT_PAGE: [&str; 2] = ["AuditferryNotRunning", "AuditferryNotScraped"];

const TESTS: [&str; 2] = ["deploy/prometheus/alerts_test.yml", "deploy/prometheus/alerts_gap_test.yml"];

fn at(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn text(path: &str) -> String {
    fs::read_to_string(at(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn alerts() -> Vec<Alert> {
    alert::read(&text("deploy/prometheus/alerts.yml"))
}

/// Needs promtool.
#[test]
fn prometheus_takes_the_rules_and_the_scrape_configuration() {
    let Some(said) = promtool::approved(&["check", "rules"], &at("deploy/prometheus/alerts.yml")) else {
        return;
    };
    // So that the tests below have read all of them.
    let count = alerts().len();
    assert!(said.contains(&format!("SUCCESS: {count} rules found")), "{count} were read here; {said}");
    // The token file that it names is not here.
    let _ = promtool::approved(&["check", "config", "--syntax-only"], &at("deploy/prometheus/scrape.yml"));
}

/// Needs promtool.
#[test]
fn each_alert_fires_on_its_fault_and_none_on_a_day_like_any_other() {
    for tests in TESTS {
        let _ = promtool::approved(&["test", "rules"], &at(tests));
    }
}

#[test]
fn each_alert_has_a_test_in_which_it_fires() {
    let tests = TESTS.map(text).concat();
    for alert in alerts() {
        let fires = format!("alertname: {}\n        exp_alerts:\n          - exp_labels:", alert.name);
        assert!(tests.contains(&fires), "{} fires in no test", alert.name);
    }
}

#[test]
fn the_rules_name_only_metrics_and_labels_that_are_exposed() {
    let exposed = Exposed::read();
    for alert in alerts() {
        assert_eq!(exposed.faults(&alert.expression), Vec::<String>::new(), "{}", alert.name);
        let labels = exposed.labels_of(&alert.expression);
        let texts = alert.annotations.values();
        for used in texts.flat_map(|text| text.split("$labels.").skip(1)) {
            let end = used.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(used.len());
            assert!(labels.contains(&used[..end]), "{} has no label {}", alert.name, &used[..end]);
        }
    }
}

#[test]
fn each_alert_says_how_bad_it_is_and_what_is_wrong_and_stands_in_the_readme() {
    let readme = text("deploy/prometheus/README.md");
    let mut names = BTreeSet::new();
    for Alert { name, severity, annotations, .. } in alerts() {
        assert!(name.starts_with("Auditferry"), "{name}");
        assert!(["warning", "critical"].contains(&severity.as_str()), "{name}: {severity}");
        for annotation in ["summary", "description"] {
            assert!(
                annotations.get(annotation).is_some_and(|text| !text.is_empty()),
                "{name}: no {annotation}"
            );
        }
        let row = format!("| `{name}` | {severity} |");
        assert!(readme.contains(&row), "README.md has no row `{row}`");
        assert!(names.insert(name.clone()), "{name} is there twice");
    }
}

#[test]
fn each_alert_leads_to_a_section_of_the_runbook_and_each_problem_has_an_alert() {
    let mut led_to = BTreeSet::from(["not-running".to_owned()]);
    for Alert { name, annotations, .. } in alerts() {
        if WITHOUT_PAGE.contains(&name.as_str()) {
            let says = annotations["description"].contains("docs/runbook.md, not-running");
            assert!(says, "{name} does not say where to read on");
            continue;
        }
        let code = annotations["runbook_url"].strip_prefix("http://{{ $labels.instance }}/runbook#");
        led_to.insert(code.unwrap_or_else(|| panic!("{name} does not lead to the runbook")).to_owned());
    }
    assert_eq!(
        led_to,
        exposed::problem_codes(),
        "left: where alerts lead; right: the sections of docs/runbook.md"
    );
}
