//! Which metrics there are, as `docs/metrics.md` lists them: another test holds that page to the program.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::promql;

/// What Prometheus adds to every series.
const OF_THE_TARGET: [&str; 2] = ["instance", "job"];
/// Series that Prometheus itself makes.
const OF_PROMETHEUS: [&str; 1] = ["up"];
/// The series of a histogram.
const OF_A_HISTOGRAM: [&str; 3] = ["_bucket", "_sum", "_count"];

/// A row of a table on the page.
struct Metric {
    is_histogram: bool,
    labels: BTreeSet<String>,
    /// Every word of the row, values of labels among them.
    words: BTreeSet<String>,
}

/// Every metric of the page.
pub(crate) struct Exposed(BTreeMap<String, Metric>);

impl Exposed {
    /// Reads the page.
    pub(crate) fn read() -> Self {
        let page = page("docs/metrics.md");
        let mut metrics = BTreeMap::new();
        for row in page.lines().filter(|line| line.starts_with("| `")) {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            let [_, names, kind, labels, ..] = cells[..] else { panic!("a row without labels: {row}") };
            for name in names.split('`').skip(1).step_by(2) {
                let mut metric = Metric {
                    is_histogram: kind.contains("histogram"),
                    labels: words(labels),
                    words: words(row),
                };
                if metric.labels.contains("code") {
                    metric.words.extend(problem_codes());
                }
                assert!(metrics.insert(name.to_owned(), metric).is_none(), "{name} is listed twice");
            }
        }
        Self(metrics)
    }

    /// What the expression names that there is not.
    pub(crate) fn faults(&self, expression: &str) -> Vec<String> {
        let names = promql::names(expression);
        let mut faults = Vec::new();
        for selector in &names.selectors {
            let name = &selector.metric;
            if OF_PROMETHEUS.contains(&name.as_str()) {
                continue;
            }
            let Some(metric) = self.metric(name) else {
                faults.push(format!("there is no metric {name}"));
                continue;
            };
            for (label, value) in &selector.matchers {
                if !self.labels(name).contains(label.as_str()) {
                    faults.push(format!("{name} has no label {label}"));
                } else if metric.labels.contains(label)
                    && !value.contains('$')
                    && !metric.words.contains(value)
                {
                    faults.push(format!("{label} of {name} is never {value}"));
                }
            }
        }
        let known = self.labels_of(expression);
        faults.extend(
            names
                .labels
                .iter()
                .filter(|label| !known.contains(label.as_str()))
                .map(|label| format!("no metric of `{expression}` has a label {label}")),
        );
        faults
    }

    /// Every label of every metric in the expression.
    pub(crate) fn labels_of(&self, expression: &str) -> BTreeSet<&str> {
        promql::names(expression)
            .selectors
            .iter()
            .flat_map(|selector| self.labels(&selector.metric))
            .collect()
    }

    fn labels(&self, name: &str) -> BTreeSet<&str> {
        let own = self.metric(name).into_iter().flat_map(|metric| metric.labels.iter().map(String::as_str));
        let bucket = name.ends_with("_bucket").then_some("le");
        own.chain(bucket).chain(OF_THE_TARGET).collect()
    }

    fn metric(&self, name: &str) -> Option<&Metric> {
        let base = || OF_A_HISTOGRAM.iter().find_map(|suffix| name.strip_suffix(suffix));
        let of_base = || base().and_then(|base| self.0.get(base)).filter(|metric| metric.is_histogram);
        self.0.get(name).filter(|metric| !metric.is_histogram).or_else(of_base)
    }
}

/// The code of every problem: the sections of the runbook, which another test holds to the program.
pub(crate) fn problem_codes() -> BTreeSet<String> {
    let runbook = page("docs/runbook.md");
    let headings = runbook.lines().filter_map(|line| line.strip_prefix("## "));
    headings.filter(|heading| !heading.contains(' ')).map(|code| code.trim_matches('`').to_owned()).collect()
}

fn page(path: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The words of a text; signs, quotes among them, only part them.
fn words(text: &str) -> BTreeSet<String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    text.split(|c| !is_word(c)).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[test]
fn what_is_not_exposed_is_found() {
    let exposed = Exposed::read();
    let faults = |expression: &str| exposed.faults(expression).join("; ");
    assert_eq!(faults("rate(auditferry_polls_total{outcome=\"failed\"}[5m]) * on (source) up"), "");
    assert_eq!(faults("auditferry_pols_total"), "there is no metric auditferry_pols_total");
    assert_eq!(faults("auditferry_ready{sink=\"$sink\"}"), "auditferry_ready has no label sink");
    assert_eq!(
        faults("auditferry_sink_state{state=\"holding\"}"),
        "state of auditferry_sink_state is never holding"
    );
    assert_eq!(faults("sum by (source) (up)"), "no metric of `sum by (source) (up)` has a label source");
    assert_eq!(faults("auditferry_ready_bucket"), "there is no metric auditferry_ready_bucket");
    assert_eq!(faults("sum by (le) (auditferry_commit_duration_seconds_bucket)"), "");
    assert_ne!(faults("auditferry_commit_duration_seconds"), "", "a histogram has no series of its own name");
}
