use super::*;

#[test]
fn every_hubspot_log_is_complete_over_its_pages() {
    let still = Still::new(quiet(3_000));
    for (path, stream) in [(AUDIT, Stream::AuditLogs), (LOGIN, Stream::Login), (SECURITY, Stream::Security)] {
        let rows = still.walk(&format!("{path}?limit=37"));
        assert_eq!(sorted(&rows), sorted(&still.truth(stream)));
    }
}

#[test]
fn audit_logs_come_oldest_first_and_the_others_newest_first() {
    let still = Still::new(quiet(1_000));
    let times = |path: &str, field: &str| -> Vec<String> {
        still.walk(&format!("{path}?limit=50")).iter().map(|row| row[field].to_string()).collect()
    };
    assert!(times(AUDIT, "occurredAt").is_sorted());
    assert!(times(LOGIN, "loginAt").iter().rev().is_sorted());
    assert!(times(SECURITY, "createdAt").iter().rev().is_sorted());
}

#[test]
fn pages_are_stable_while_events_arrive() {
    let still = Still::new(quiet(2_000));
    still.change(|faults| faults.arrivals_per_page = 3);
    let before = still.truth(Stream::Login);
    let rows = still.walk(&format!("{LOGIN}?limit=20"));
    // Newest first: what arrives during the walk is in front of it, so the walk shows the old state.
    assert_eq!(sorted(&rows), sorted(&before));
    assert!(still.truth(Stream::Login).len() > before.len());
}

#[test]
fn brevo_offsets_shift_while_events_arrive() {
    let still = Still::new(quiet(0));
    still.simulator.append(Stream::Activities, 30);
    still.pass(1);
    still.change(|faults| faults.arrivals_per_page = 1);
    let first = still.rows(&format!("{BREVO}?limit=10"));
    still.pass(1);
    let second = still.rows(&format!("{BREVO}?limit=10&offset=10"));
    assert_eq!(first.last(), second.first());
}

#[test]
fn the_last_page_has_no_paging() {
    let still = Still::new(quiet(0));
    still.simulator.append(Stream::Security, 200);
    let page = body(&still.ask(&format!("{SECURITY}?limit=200")));
    assert_eq!(page["results"].as_array().unwrap().len(), 200);
    assert!(page.get("paging").is_none());
    let page = body(&still.ask(&format!("{SECURITY}?limit=199")));
    assert!(page["paging"]["next"]["link"].as_str().unwrap().starts_with("https://api.hubapi.com/"));
}

#[test]
fn a_page_can_end_between_events_of_one_instant() {
    let still = Still::new(quiet(0));
    still.change(|faults| faults.shared_ids = 0.0);
    still.simulator.append(Stream::AuditLogs, 5);
    let rows = still.walk(&format!("{AUDIT}?limit=2"));
    assert_eq!(sorted(&rows), sorted(&still.truth(Stream::AuditLogs)));
    assert_eq!(rows[1]["occurredAt"], rows[2]["occurredAt"]);
}

fn planted_at(times: &[&str], stream: &str) -> Still {
    let still = Still::new(quiet(0));
    for time in times {
        let json = format!(r#"{{"stream":"{stream}","time":"{time}"}}"#);
        still.simulator.plant(&[serde_json::from_str(&json).unwrap()]);
    }
    still
}

#[test]
fn the_audit_filter_takes_its_first_instant_in_and_leaves_its_last_out() {
    let times = ["2026-06-01T00:00:00.000Z", "2026-06-01T00:00:00.001Z", "2026-06-01T00:00:01Z"];
    let still = planted_at(&times, "hubspot.audit_logs");
    let count = |query: &str| still.rows(&format!("{AUDIT}?{query}")).len();
    let range = "occurredAfter=2026-06-01T00:00:00.000Z&occurredBefore=2026-06-01T00:00:01Z";
    assert_eq!(count(range), 2);
    still.change(|faults| faults.exclusive_bounds = true);
    assert_eq!(count(range), 1);
    still.change(|faults| {
        faults.filter_ignored.insert(Stream::AuditLogs);
    });
    assert_eq!(count(range), 3);
    assert_eq!(still.ask(&format!("{AUDIT}?occurredAfter=1780272000000")).status, 400);
}

#[test]
fn the_security_filter_takes_milliseconds_or_by_a_switch_seconds() {
    let still = planted_at(&["2026-06-01T00:00:00Z", "2026-06-02T00:00:00Z"], "hubspot.security");
    let from = "2026-06-02T00:00:00Z".parse::<jiff::Timestamp>().unwrap();
    let count = |query: String| still.rows(&format!("{SECURITY}?{query}")).len();
    assert_eq!(count(format!("fromTimestamp={}", from.as_millisecond())), 1);
    assert_eq!(count(format!("toTimestamp={}", from.as_millisecond())), 1);
    assert_eq!(count(format!("fromTimestamp={}", from.as_second())), 2);
    still.change(|faults| faults.filter_in_seconds = true);
    assert_eq!(count(format!("fromTimestamp={}", from.as_millisecond())), 0);
    assert_eq!(count(format!("fromTimestamp={}", from.as_second())), 1);
}

#[test]
fn login_has_no_filter_and_unknown_parameters_have_no_effect() {
    let still = Still::new(quiet(100));
    let all = still.rows(&format!("{LOGIN}?limit=200"));
    assert_eq!(still.rows(&format!("{LOGIN}?limit=200&occurredAfter=2026-06-14T00:00:00Z&x=1")), all);
    let user = all[0]["userId"].as_i64().unwrap();
    let own = still.rows(&format!("{LOGIN}?limit=200&userId={user}"));
    assert!(!own.is_empty() && own.iter().all(|row| row["userId"] == user));
}

#[test]
fn hubspot_takes_at_most_200_rows_and_audit_logs_by_a_switch_100() {
    let still = Still::new(quiet(0));
    assert_eq!(still.ask(&format!("{AUDIT}?limit=200")).status, 200);
    assert_eq!(still.ask(&format!("{AUDIT}?limit=201")).status, 400);
    assert_eq!(still.ask(&format!("{AUDIT}?limit=0")).status, 400);
    still.change(|faults| faults.limit_200_refused = true);
    assert_eq!(still.ask(&format!("{AUDIT}?limit=101")).status, 400);
    assert_eq!(still.ask(&format!("{AUDIT}?limit=100")).status, 200);
    assert_eq!(still.ask(&format!("{LOGIN}?limit=200")).status, 200);
    assert_eq!(still.ask(&format!("{LOGIN}?after=nonsense")).status, 400);
}

#[test]
fn brevo_days_are_whole_utc_days_at_both_ends() {
    let times = [
        "2026-05-31T23:59:59.999Z",
        "2026-06-01T00:00:00Z",
        "2026-06-02T23:59:59.999Z",
        "2026-06-03T00:00:00Z",
    ];
    let still = planted_at(&times, "brevo.activities");
    assert_eq!(still.rows(&format!("{BREVO}?startDate=2026-06-01&endDate=2026-06-02")).len(), 2);
}

#[test]
fn brevo_refuses_what_its_documentation_rules_out() {
    let still = Still::new(quiet(0));
    let code = |query: &str| {
        let answer = still.ask(&format!("{BREVO}?{query}"));
        let code = serde_json::from_str::<Value>(&answer.body).unwrap()["code"].as_str().map(str::to_owned);
        (answer.status, code.unwrap_or_default())
    };
    let refused = |code: &str| (400, code.to_owned());
    assert_eq!(code("startDate=2026-06-01"), refused("missing_parameter"));
    assert_eq!(code("endDate=2026-06-01"), refused("missing_parameter"));
    assert_eq!(code("startDate=2026-05-01&endDate=2026-06-02"), refused("out_of_range"));
    assert_eq!(code("startDate=2026-05-01&endDate=2026-06-01").0, 200);
    assert_eq!(code("startDate=2026-06-15&endDate=2026-06-16"), refused("invalid_parameter"));
    assert_eq!(code("startDate=2025-06-14&endDate=2025-06-15"), refused("out_of_range"));
    assert_eq!(code("startDate=2025-06-15&endDate=2025-06-16").0, 200);
    assert_eq!(code("startDate=2026-06-01T00:00:00Z&endDate=2026-06-02"), refused("invalid_parameter"));
    assert_eq!(code("limit=101"), refused("out_of_range"));
    assert_eq!(code("limit=100").0, 200);
}

#[test]
fn a_skewed_clock_decides_which_day_has_begun_for_brevo() {
    let still = Still::new(quiet(0));
    let today = format!("{BREVO}?startDate=2026-06-15&endDate=2026-06-15");
    assert_eq!(still.ask(&today).status, 200);
    still.change(|faults| faults.date_skew_seconds = -86_400);
    assert_eq!(still.ask(&today).status, 400);
}

#[test]
fn brevo_pages_are_complete_and_end_with_a_short_one() {
    let still = Still::new(quiet(0));
    still.simulator.append(Stream::Activities, 205);
    let page = |offset: usize| still.rows(&format!("{BREVO}?limit=100&offset={offset}"));
    let pages = [page(0), page(100), page(200), page(300)];
    assert_eq!(pages.each_ref().map(Vec::len), [100, 100, 5, 0]);
    assert_eq!(sorted(&pages.concat()), sorted(&still.truth(Stream::Activities)));
}

#[test]
fn hidden_rows_do_not_count_in_offsets() {
    let still = Still::new(quiet(0));
    still.simulator.append(Stream::Activities, 3);
    still.change(|faults| faults.late = Late { share: 1.0, delay_ms: 1_000 });
    still.simulator.append(Stream::Activities, 3);
    assert_eq!(still.rows(&format!("{BREVO}?limit=2&offset=2")).len(), 1);
    still.pass(1_000);
    assert_eq!(still.rows(&format!("{BREVO}?limit=100&offset=2")).len(), 4);
}

#[test]
fn the_order_of_rows_can_be_changed() {
    let still = Still::new(quiet(1_000));
    let times = || -> Vec<String> {
        still.rows(&format!("{LOGIN}?limit=100")).iter().map(|row| row["loginAt"].to_string()).collect()
    };
    let usual = times();
    still.change(|faults| {
        faults.order.insert(Stream::Login, Order::OldestFirst);
    });
    assert!(times().is_sorted());
    still.change(|faults| {
        faults.order.insert(Stream::Login, Order::Shuffled);
    });
    let shuffled = times();
    assert!(!shuffled.is_sorted() && !shuffled.iter().rev().is_sorted());
    assert_eq!(shuffled.iter().max(), usual.iter().max());
    let rows = still.walk(&format!("{LOGIN}?limit=30"));
    assert_eq!(sorted(&rows), sorted(&still.truth(Stream::Login)));
}
