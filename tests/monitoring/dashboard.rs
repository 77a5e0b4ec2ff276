//! The Grafana dashboard: made of the table in `dashboard/panels.rs`, written anew with `AUDITFERRY_GOLDEN=write`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::exposed::Exposed;
use crate::promtool;

mod grafana;
mod panels;

/// What Grafana puts for its own variable, near enough.
const RATE_INTERVAL: (&str, &str) = ("$__rate_interval", "5m");
/// The variables, as they stand in the queries.
const CHOSEN: [&str; 4] = [r#""$instance""#, r#""$source""#, r#""$stream""#, r#""$sink""#];
/// Grafana's names of the units that are used.
const UNITS: [&str; 6] = ["none", "short", "s", "bytes", "cpm", "percentunit"];

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/grafana/dashboard.json")
}

pub(crate) fn dashboard() -> Value {
    serde_json::from_str(&fs::read_to_string(file()).unwrap()).unwrap()
}

/// Every panel, headings aside.
fn pictures(dashboard: &Value) -> Vec<&Value> {
    let panels = dashboard["panels"].as_array().unwrap();
    panels.iter().filter(|panel| panel["type"] != "row").collect()
}

/// Expression and legend of every query, with the panel's title.
pub(crate) fn queries(dashboard: &Value) -> Vec<(&str, &str, &str)> {
    let queries = pictures(dashboard).into_iter().flat_map(|panel| {
        let targets = panel["targets"].as_array().unwrap();
        targets
            .iter()
            .map(|target| (text(&panel["title"]), text(&target["expr"]), text(&target["legendFormat"])))
    });
    queries.collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

#[test]
fn the_file_is_what_the_table_says() {
    let written = format!("{}\n", serde_json::to_string_pretty(&grafana::dashboard()).unwrap());
    if std::env::var("AUDITFERRY_GOLDEN").is_ok_and(|value| value == "write") {
        fs::write(file(), &written).unwrap();
    }
    let is_same = fs::read_to_string(file()).unwrap() == written;
    assert!(is_same, "the table has changed: AUDITFERRY_GOLDEN=write cargo test --test monitoring dashboard");
}

#[test]
fn every_panel_says_what_it_shows_and_in_which_unit() {
    let dashboard = dashboard();
    let mut titles = BTreeSet::new();
    for panel in pictures(&dashboard) {
        let title = text(&panel["title"]);
        assert!(text(&panel["description"]).ends_with('.'), "{title}");
        assert!(UNITS.contains(&text(&panel["fieldConfig"]["defaults"]["unit"])), "{title}");
        assert!(titles.insert((title, panel["type"].to_string())), "{title} is there twice");
    }
    for (title, expression, legend) in queries(&dashboard) {
        assert!(!expression.is_empty() && !legend.is_empty(), "{title}");
    }
}

#[test]
fn no_two_panels_have_one_id_or_cover_each_other() {
    let dashboard = dashboard();
    let (mut ids, mut cells) = (BTreeSet::new(), BTreeSet::new());
    for panel in dashboard["panels"].as_array().unwrap() {
        let title = text(&panel["title"]);
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{title}");
        let place = |side: &str| panel["gridPos"][side].as_u64().unwrap();
        let (x, y, width, height) = (place("x"), place("y"), place("w"), place("h"));
        assert!(width > 0 && height > 0 && x + width <= 24, "{title} is no panel of 24 columns");
        for cell in (x..x + width).flat_map(|x| (y..y + height).map(move |y| (x, y))) {
            assert!(cells.insert(cell), "{title} covers another panel at {cell:?}");
        }
    }
}

/// So that it works after an import and where Grafana reads it from a directory.
#[test]
fn every_query_goes_to_the_server_that_is_chosen_on_the_page() {
    fn sources<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("datasource"));
                members.values().for_each(|member| sources(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| sources(item, found)),
            _ => {}
        }
    }
    let dashboard = dashboard();
    let mut found = Vec::new();
    sources(&dashboard, &mut found);
    assert!(found.iter().all(|source| source["uid"] == "${datasource}" && source["type"] == "prometheus"));
    let panels = pictures(&dashboard).len();
    let choices = dashboard["templating"]["list"].as_array().unwrap();
    // Of each panel, of each of its queries, and of each choice but the server itself.
    assert_eq!(found.len(), panels + queries(&dashboard).len() + choices.len() - 1);
    assert!(choices.iter().any(|choice| choice["type"] == "datasource" && choice["name"] == "datasource"));
}

#[test]
fn the_queries_name_only_metrics_labels_and_variables_that_there_are() {
    let (exposed, dashboard) = (Exposed::read(), dashboard());
    let choices = dashboard["templating"]["list"].as_array().unwrap();
    let choices: BTreeSet<&str> = choices.iter().map(|choice| text(&choice["name"])).collect();
    let check = |what: &str, expression: &str| {
        assert_eq!(exposed.faults(expression), Vec::<String>::new(), "{what}");
        for variable in expression.replace(RATE_INTERVAL.0, RATE_INTERVAL.1).split('$').skip(1) {
            let end = variable.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(variable.len());
            assert!(choices.contains(&variable[..end]), "{what}: there is no variable {}", &variable[..end]);
        }
    };
    for (title, expression, legend) in queries(&dashboard) {
        check(title, expression);
        let labels = exposed.labels_of(expression);
        for label in legend.split("{{").skip(1).map(|rest| rest.split_once("}}").unwrap().0) {
            assert!(labels.contains(label), "{title}: there is no label {label}");
        }
    }
    for choice in dashboard["templating"]["list"].as_array().unwrap() {
        if let Some(values) = choice["definition"].as_str() {
            let values =
                values.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')')).unwrap();
            let (expression, label) = values.rsplit_once(", ").unwrap();
            check(values, expression);
            assert!(exposed.labels_of(expression).contains(label), "{values}");
        }
    }
}

/// The queries as rules, with everything chosen. The label `query` tells them apart.
pub(crate) fn rules() -> String {
    let mut rules = String::from("groups:\n  - name: dashboard\n    rules:\n");
    for (at, (_, expression, _)) in queries(&dashboard()).into_iter().enumerate() {
        let expression = expression.replace(RATE_INTERVAL.0, RATE_INTERVAL.1);
        assert!(!expression.contains("$__"), "{expression}");
        let expression = CHOSEN.iter().fold(expression, |text, choice| text.replace(choice, "\".*\""));
        writeln!(rules, "      - record: dashboard:query").unwrap();
        writeln!(rules, "        expr: '{expression}'\n        labels: {{query: '{at}'}}").unwrap();
    }
    rules
}

/// Needs promtool.
#[test]
fn prometheus_understands_every_query() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("dashboard.yml");
    fs::write(&path, rules()).unwrap();
    let Some(said) = promtool::approved(&["check", "rules"], &path) else { return };
    assert!(said.contains(&format!("SUCCESS: {} rules found", queries(&dashboard()).len())), "{said}");
}
