use std::time::Duration;

use super::*;

fn text(meter: &Meter) -> String {
    let mut text = String::new();
    meter.write(&mut text).unwrap();
    text
}

fn crm(stream: &str) -> StreamName {
    StreamName { source: "crm".to_owned(), stream: stream.to_owned() }
}

#[test]
fn a_name_is_taken_apart_as_it_is_scraped() {
    for (scraped, base, unit, is_counter) in [
        ("auditferry_polls_total", "auditferry_polls", None, true),
        ("auditferry_lag_seconds", "auditferry_lag", Some("seconds"), false),
        ("process_cpu_seconds_total", "process_cpu", Some("seconds"), true),
        ("auditferry_store_size_bytes", "auditferry_store_size", Some("bytes"), false),
        ("auditferry_ready", "auditferry_ready", None, false),
    ] {
        let name = MetricName::parse(scraped);
        assert_eq!((name.base, name.is_counter), (base, is_counter), "{scraped}");
        assert_eq!(name.unit.map(|unit| unit.as_str().to_owned()).as_deref(), unit, "{scraped}");
    }
}

#[test]
fn every_series_of_what_is_configured_exists_before_anything_happens() {
    let meter = Meter::default();
    let _handles = (meter.stream(&crm("login")), meter.account("crm", ["login"]), meter.sink("siem"));
    let text = text(&meter);
    for series in [
        r#"auditferry_polls_total{source="crm",stream="login",outcome="complete"} 0"#,
        r#"auditferry_polls_total{source="crm",stream="login",outcome="refused"} 0"#,
        r#"auditferry_poll_duration_seconds_count{source="crm",stream="login"} 0"#,
        r#"auditferry_events_late_total{source="crm",stream="login"} 0"#,
        r#"auditferry_requests_total{source="crm",stream="login",status="200"} 0"#,
        r#"auditferry_requests_total{source="crm",stream="",status="error"} 0"#,
        r#"auditferry_rate_limited_total{source="crm"} 0"#,
        r#"auditferry_deliveries_total{sink="siem",outcome="partly"} 0"#,
        r#"auditferry_delivery_duration_seconds_count{sink="siem"} 0"#,
        "auditferry_commit_duration_seconds_count 0",
        "auditferry_commits_failed_total 0",
    ] {
        assert!(text.lines().any(|line| line == series), "{series} is missing in\n{text}");
    }
    for unknown in ["auditferry_quota_remaining{", "auditferry_clock_skew_seconds{"] {
        assert!(!text.contains(unknown), "nobody has said it yet: {unknown}");
    }
}

#[test]
fn handles_of_one_name_count_in_one_series() {
    let meter = Meter::default();
    let (polling, reconciling) = (meter.stream(&crm("login")), meter.stream(&crm("login")));
    polling.records_new(5, 1);
    reconciling.clone().records_new(2, 2);
    meter.stream(&crm("security")).records_new(100, 0);
    let account = meter.account("crm", ["login"]);
    account.answered(Some("login"), 503, Duration::from_millis(30));
    account.clone().answered(Some("login"), 503, Duration::from_secs(3));
    account.clock_skew(-90);
    let text = text(&meter);
    for series in [
        r#"auditferry_records_new_total{source="crm",stream="login"} 7"#,
        r#"auditferry_events_late_total{source="crm",stream="login"} 3"#,
        r#"auditferry_records_new_total{source="crm",stream="security"} 100"#,
        r#"auditferry_requests_total{source="crm",stream="login",status="503"} 2"#,
        r#"auditferry_request_duration_seconds_bucket{le="0.025",source="crm",stream="login"} 0"#,
        r#"auditferry_request_duration_seconds_bucket{le="0.05",source="crm",stream="login"} 1"#,
        r#"auditferry_request_duration_seconds_bucket{le="+Inf",source="crm",stream="login"} 2"#,
        r#"auditferry_clock_skew_seconds{source="crm"} -90"#,
    ] {
        assert!(text.lines().any(|line| line == series), "{series} is missing in\n{text}");
    }
}

#[test]
fn of_what_is_forgotten_no_series_is_left_and_of_the_others_all() {
    let meter = Meter::default();
    let streams = ["login", "security"];
    let _handles = (streams.map(|stream| meter.stream(&crm(stream))), meter.sink("siem"), meter.sink("file"));
    let account = meter.account("crm", streams);
    account.answered(Some("login"), 418, Duration::ZERO);
    account.answered(None, 503, Duration::ZERO);
    account.quota_remaining(7);
    account.clock_skew(1);
    let _other = meter.account("mail", ["activities"]);
    let before = text(&meter);
    meter.forget_stream(&crm("login"));
    let without_login = text(&meter);
    assert!(!without_login.contains("login"), "{without_login}");
    let others = before.lines().filter(|line| !line.contains("login"));
    assert_eq!(others.count(), without_login.lines().count());
    meter.forget_stream(&crm("security"));
    meter.forget_account("crm");
    meter.forget_sink("siem");
    let left = text(&meter);
    assert!(!left.contains("crm") && !left.contains("siem"), "{left}");
    assert!(
        left.contains(r#"source="mail",stream="activities""#) && left.contains(r#"sink="file""#),
        "{left}"
    );
}

#[test]
fn the_store_counts_before_the_meter_is_made() {
    let store = StoreMeter::default();
    store.committed(Duration::from_millis(2));
    let meter = Meter::new(&store);
    store.commit_failed();
    let text = text(&meter);
    assert!(text.contains("auditferry_commit_duration_seconds_count 1\n"), "{text}");
    assert!(text.contains("auditferry_commits_failed_total 1\n"), "{text}");
}
