use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::super::samples::{about, ago, live, now, troubled, well};
use super::super::status::{ProblemCode, SinkCondition};
use super::super::{Status, assemble};
use super::*;
use crate::event::StreamName;
use crate::meter::DeliveryOutcome;
use crate::store::Snapshot;

const PAGE: &str = include_str!("../../../docs/metrics.md");

fn status(snapshot: &Snapshot) -> Status {
    assemble(snapshot, &about(), Some(&live(snapshot)), now())
}

/// Handles of everything in the sample configuration; nothing has happened.
fn meter() -> Meter {
    let meter = Meter::default();
    for stream in about().streams {
        meter.stream(&stream.name);
        meter.account(&stream.name.source, [stream.name.stream.as_str()]);
    }
    for sink in ["siem", "archive"] {
        meter.sink(sink);
    }
    meter
}

fn scrape(status: Result<Status, String>, meter: Meter, format: Format) -> String {
    Metrics::new(meter).text(&Arc::new(status), format).unwrap()
}

/// The same with every value known.
fn everything(format: Format) -> String {
    let mut status = status(&well());
    for stream in &mut status.streams {
        stream.reconciled = Some(ago(500));
    }
    for sink in &mut status.sinks {
        sink.last_success = Some(ago(5));
    }
    let meter = meter();
    let account = meter.account("brevo", []);
    account.quota_remaining(80);
    account.clock_skew(-2);
    scrape(Ok(status), meter, format)
}

#[track_caller]
fn assert_has(text: &str, series: &[&str]) {
    for series in series {
        assert!(text.lines().any(|line| line == *series), "{series} is missing in\n{text}");
    }
}

/// Of each metric in Prometheus' format: type and labels, without `le`.
fn described(text: &str) -> BTreeMap<String, (String, BTreeSet<String>)> {
    let mut metrics: BTreeMap<String, (String, BTreeSet<String>)> = BTreeMap::new();
    let mut last = String::new();
    for line in text.lines() {
        if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            name.clone_into(&mut last);
            let before = metrics.insert(last.clone(), (kind.to_owned(), BTreeSet::new()));
            assert!(before.is_none(), "{name} is described twice");
        } else if let Some((series, labels)) = line.split_once('{') {
            assert!(series.starts_with(&last), "{series} stands under {last}");
            let names = labels.split("\",").filter_map(|label| label.split_once("=\"")).map(|(name, _)| name);
            metrics.get_mut(&last).unwrap().1.extend(names.filter(|name| *name != "le").map(str::to_owned));
        }
    }
    metrics
}

/// The same, as the page's tables say.
fn documented() -> BTreeMap<String, (String, BTreeSet<String>)> {
    let rows = PAGE.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let labels = cells[2].split(',').map(|label| label.trim_matches([' ', '`']).to_owned());
        let name = cells[0].trim_matches('`').to_owned();
        (name, (cells[1].to_owned(), labels.filter(|label| !label.is_empty()).collect()))
    })
    .collect()
}

#[test]
fn the_page_lists_every_metric_with_its_type_and_labels_and_no_other() {
    let (exposed, documented) = (described(&everything(Format::Prometheus)), documented());
    assert!(documented.len() > 40, "{documented:?}");
    for (name, shape) in &exposed {
        assert_eq!(documented.get(name), Some(shape), "docs/metrics.md, {name}");
    }
    let names = |of: &BTreeMap<String, _>| of.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&documented), names(&exposed));
}

#[test]
fn the_values_are_those_of_the_status() {
    let text = scrape(Ok(status(&troubled())), meter(), Format::Prometheus);
    assert_has(
        &text,
        &[
            "auditferry_ready 0",
            r#"auditferry_problems{code="stream-held"} 1"#,
            r#"auditferry_problems{code="dead-letters"} 1"#,
            r#"auditferry_problems{code="not-running"} 0"#,
            "auditferry_spool_used_bytes 5242880",
            "auditferry_spool_full 0",
            r#"auditferry_events_collected_total{source="hubspot",stream="audit_logs"} 10250"#,
            r#"auditferry_lag_seconds{source="brevo",stream="activities"} 7500"#,
            r#"auditferry_horizon_remaining_seconds{source="hubspot",stream="login"} 7775980"#,
            r#"auditferry_gaps_total{source="hubspot",stream="login"} 1"#,
            r#"auditferry_stream_state{source="brevo",stream="activities",state="held"} 1"#,
            r#"auditferry_stream_state{source="brevo",stream="activities",state="working"} 0"#,
            r#"auditferry_sink_state{sink="siem",state="retrying"} 1"#,
            r#"auditferry_sink_waiting_events{sink="siem"} 4321"#,
            r#"auditferry_sink_oldest_waiting_seconds{sink="siem"} 900"#,
            r#"auditferry_sink_oldest_waiting_seconds{sink="archive"} 0"#,
            r#"auditferry_dead_letters{sink="siem"} 2"#,
        ],
    );
    let newest = format!(
        r#"auditferry_newest_event_timestamp_seconds{{source="brevo",stream="activities"}} {}"#,
        ago(8_000).as_second()
    );
    assert_has(&text, &[&newest]);
}

#[test]
fn each_stream_and_sink_is_in_exactly_one_state() {
    let text = scrape(Ok(status(&troubled())), meter(), Format::Prometheus);
    for (metric, series) in [("auditferry_stream_state{", 4 * 4), ("auditferry_sink_state{", 2 * 3)] {
        let lines: Vec<&str> = text.lines().filter(|line| line.starts_with(metric)).collect();
        let subjects: BTreeSet<_> = lines.iter().filter_map(|line| line.split(",state=").next()).collect();
        assert_eq!(lines.len(), series);
        assert_eq!(lines.iter().filter(|line| line.ends_with(" 1")).count(), subjects.len(), "{lines:#?}");
    }
}

#[test]
fn what_was_never_polled_has_no_lag_but_all_its_counters() {
    let text = scrape(Ok(status(&Snapshot::default())), meter(), Format::Prometheus);
    assert!(!text.contains("auditferry_lag_seconds{"), "{text}");
    assert!(!text.contains("auditferry_last_success_timestamp_seconds{"), "{text}");
    assert_has(
        &text,
        &[
            r#"auditferry_events_collected_total{source="hubspot",stream="login"} 0"#,
            r#"auditferry_stream_state{source="hubspot",stream="login",state="never-polled"} 1"#,
            r#"auditferry_events_delivered_total{sink="archive"} 0"#,
            r#"auditferry_poll_interval_seconds{source="brevo",stream="activities"} 300"#,
        ],
    );
}

#[test]
fn a_store_that_cannot_be_read_hides_nothing_that_the_process_knows() {
    let meter = meter();
    let login = StreamName { source: "hubspot".to_owned(), stream: "login".to_owned() };
    meter.stream(&login).poll_failed();
    meter.sink("siem").delivered(DeliveryOutcome::Held, 7, Duration::from_millis(20));
    let text = scrape(Err("disk I/O error".to_owned()), meter, Format::OpenMetrics);
    assert_has(
        &text,
        &[
            "auditferry_ready 0",
            r#"auditferry_problems{code="store-failing"} 1"#,
            r#"auditferry_polls_total{source="hubspot",stream="login",outcome="failed"} 1"#,
            r#"auditferry_deliveries_total{sink="siem",outcome="held"} 1"#,
            r#"auditferry_events_retried_total{sink="siem"} 7"#,
            "# EOF",
        ],
    );
    assert!(!text.contains("disk I/O"), "a reason is no label: {text}");
    assert!(!text.contains("auditferry_lag_seconds"), "{text}");
    assert!(text.contains("process_resident_memory_bytes "), "{text}");
}

#[test]
fn the_formats_differ_in_their_descriptions_alone() {
    let (prometheus, open_metrics) = (everything(Format::Prometheus), everything(Format::OpenMetrics));
    let descriptions = |text: &str, name: &str| {
        let starts = ["HELP", "TYPE", "UNIT"].map(|what| format!("# {what} {name}"));
        let of = |line: &&str| starts.iter().any(|start| line.starts_with(start));
        text.lines().filter(of).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        descriptions(&prometheus, "process_cpu_seconds"),
        [
            "# HELP process_cpu_seconds_total CPU time of the process, user and system.",
            "# TYPE process_cpu_seconds_total counter"
        ]
    );
    assert_eq!(
        descriptions(&open_metrics, "process_cpu_seconds"),
        [
            "# HELP process_cpu_seconds CPU time of the process, user and system.",
            "# TYPE process_cpu_seconds counter",
            "# UNIT process_cpu_seconds seconds"
        ]
    );
    assert!(open_metrics.ends_with("\n# EOF\n") && !prometheus.contains("EOF"));
    let series = |text: &str| {
        let names = text.lines().filter(|line| !line.starts_with('#'));
        let names = names.filter_map(|line| line.rsplit_once(' ')).map(|(name, _)| name.to_owned());
        names.collect::<BTreeSet<_>>()
    };
    assert_eq!(series(&prometheus), series(&open_metrics));
    assert!(prometheus.lines().all(|line| line.starts_with("# HELP ")
        || line.starts_with("# TYPE ")
        || line.starts_with("auditferry_")
        || line.starts_with("process_")));
}

#[test]
fn open_metrics_is_for_who_asks_for_it() {
    let prometheus_3 = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
        application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
        text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
    for (accept, format) in [
        ("", Format::Prometheus),
        ("*/*", Format::Prometheus),
        ("text/html,application/xhtml+xml,*/*;q=0.8", Format::Prometheus),
        ("text/plain;version=0.0.4", Format::Prometheus),
        ("application/openmetrics-text", Format::OpenMetrics),
        ("application/openmetrics-text; version=\"1.0.0\"; charset=utf-8", Format::OpenMetrics),
        ("application/openmetrics-text; version=0.0.1", Format::Prometheus),
        ("application/openmetrics-text;q=0", Format::Prometheus),
        ("application/openmetrics-text;q=0.2, text/plain;q=0.9", Format::Prometheus),
        ("application/openmetrics-text;q=nonsense", Format::Prometheus),
        (prometheus_3, Format::OpenMetrics),
    ] {
        assert_eq!(Format::asked([accept].into_iter()), format, "{accept}");
    }
    assert_eq!(Format::asked(["text/html", "application/openmetrics-text"].into_iter()), Format::OpenMetrics);
}

#[test]
fn a_name_can_not_break_out_of_its_label() {
    let mut status = status(&well());
    status.sinks[0].name = "a\"} 1\nb\\".to_owned();
    status.sinks[0].state = SinkCondition::Held;
    let text = scrape(Ok(status), Meter::default(), Format::Prometheus);
    assert_has(&text, &[r#"auditferry_sink_state{sink="a\"} 1\nb\\",state="held"} 1"#]);
}

#[test]
fn every_problem_has_a_series_of_its_own() {
    let text = scrape(Ok(status(&well())), meter(), Format::Prometheus);
    let series: BTreeSet<&str> =
        text.lines().filter(|line| line.starts_with("auditferry_problems{code=\"")).collect();
    assert_eq!(series.len(), ProblemCode::ALL.len(), "{series:?}");
    assert!(series.iter().all(|line| line.ends_with(" 0")), "{series:?}");
    assert_has(&text, &["auditferry_ready 1"]);
}
