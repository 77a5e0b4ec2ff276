//! Statuses as `/api/status` would tell them, of states that are rare.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const DAY: i64 = 86_400;

/// So many seconds ago.
pub(crate) fn ago(seconds: i64) -> Timestamp {
    Timestamp::now() - SignedDuration::from_secs(seconds)
}

fn stream(source: &str, name: &str, days: i64) -> Value {
    // A working day: nothing at first, then 8 quarters of an hour with 1 to 8 events, then 4 with 20.
    let counts: Vec<u64> =
        (0..96).map(|at| if at >= 92 { 20 } else { u64::saturating_sub(at, 83) }).collect();
    json!({
        "source": source, "stream": name, "state": "working", "reason": null, "last_success": ago(20),
        "last_failure": null, "newest_event": ago(150), "complete_to": ago(20), "lag_seconds": 20,
        "complete_from": ago(90 * DAY), "reconciled": ago(7_000), "events": 10_250,
        "collected": {"interval_seconds": 900, "counts": counts},
        "last_poll": {"read": 240, "new": 12, "known": 228, "pages": 2},
        "unmapped_events": 0, "unreadable_records": 0, "poll_interval_seconds": 60,
        "horizon_seconds": days * DAY, "horizon_remaining_seconds": days * DAY - 20, "gaps": 0,
    })
}

fn sink(name: &str, sources: &[&str]) -> Value {
    json!({
        "name": name, "state": "working", "reason": null, "since": ago(3_600), "sources": sources,
        "last_success": ago(3), "delivered": 12_345, "waiting": 0, "waiting_bytes": 0,
        "oldest_waiting_seconds": null, "dead_letters": 0,
    })
}

fn problem(code: &str, subject: Option<&str>, what: &str) -> Value {
    let advice = "Mend it: see `auditferry status`, then look at the receiver, the network and the disk.";
    json!({"code": code, "subject": subject, "what": what, "since": ago(5_100), "advice": advice})
}

/// Four streams of two sources, two sinks, nothing wrong.
pub(crate) fn well() -> Value {
    json!({
        "version": "0.1.0", "at": ago(0), "started": ago(273_600), "running": true, "state": "working",
        "problems": [],
        "streams": [
            stream("hubspot", "audit_logs", 365), stream("hubspot", "login", 90),
            stream("hubspot", "security", 365), stream("brevo", "activities", 365),
        ],
        "sinks": [sink("splunk", &["*"]), sink("archive", &["hubspot"])],
        "spool": {"used_bytes": 0, "max_bytes": 2_147_483_648_u64, "full": false},
        "store": {"size_bytes": 43_000_000, "failure": null},
        "gaps": [],
    })
}

/// A held stream, a held sink with a backlog, a gap of ten days, dead letters.
pub(crate) fn troubled() -> Value {
    let mut status = well();
    let login = &mut status["streams"][1];
    login["gaps"] = 1.into();
    let activities = &mut status["streams"][3];
    activities["state"] = "held".into();
    activities["reason"] = "HTTP 401: Key not found".into();
    activities["complete_to"] = json!(ago(40 * DAY));
    activities["lag_seconds"] = (40 * DAY).into();
    activities["horizon_remaining_seconds"] = (325 * DAY).into();
    let splunk = &mut status["sinks"][0];
    splunk["state"] = "held".into();
    splunk["reason"] = "HTTP 403: Invalid token (code 4)".into();
    splunk["since"] = json!(ago(5_100));
    splunk["last_success"] = json!(ago(5_105));
    splunk["waiting"] = 4_321.into();
    splunk["waiting_bytes"] = (5 << 20).into();
    splunk["oldest_waiting_seconds"] = 5_100.into();
    splunk["dead_letters"] = 2.into();
    status["spool"]["used_bytes"] = (5 << 20).into();
    status["gaps"] =
        json!([{"source": "hubspot", "stream": "login", "from": ago(70 * DAY), "to": ago(60 * DAY)}]);
    status["state"] = "attention".into();
    status["problems"] = json!([
        problem("dead-letters", Some("splunk"), "splunk has refused 2 events for good"),
        problem("stream-held", Some("brevo/activities"), "brevo/activities is held: HTTP 401: Key not found"),
        problem("sink-held", Some("splunk"), "splunk is held: HTTP 403: Invalid token (code 4)"),
    ]);
    status
}

/// Every kind of problem at once, twelve streams, long names, the largest numbers, and texts that are markup.
pub(crate) fn dreadful() -> Value {
    let mut status = troubled();
    let long = "a_source_with_a_name_that_is_as_long_as_names_get_when_a_company_has_many_of_them";
    let markup = "<img src=x onerror=alert(1)> & `code` that `never ends, and_a_word_that_is_too_long_for_every_screen_that_there_is_0123456789";
    for number in 0..8 {
        let mut stream = stream(long, &format!("{long}_{number}"), 365);
        stream["state"] = ["failing", "held", "never-polled", "working"][number % 4].into();
        stream["reason"] = markup.into();
        for figure in
            ["events", "unmapped_events", "unreadable_records", "lag_seconds", "horizon_remaining_seconds"]
        {
            stream[figure] = u64::MAX.into();
        }
        stream["collected"]["counts"] = json!([u64::MAX, 0, u64::MAX]);
        status["streams"].as_array_mut().unwrap().push(stream);
    }
    let mut sink = sink(&format!("{long}_sink"), &[long, "brevo"]);
    for figure in ["delivered", "waiting", "waiting_bytes", "oldest_waiting_seconds", "dead_letters"] {
        sink[figure] = u64::MAX.into();
    }
    sink["state"] = "retrying".into();
    sink["reason"] = markup.into();
    status["sinks"].as_array_mut().unwrap().push(sink);
    status["spool"] = json!({"used_bytes": u64::MAX, "max_bytes": u64::MAX, "full": true});
    status["store"] = json!({"size_bytes": u64::MAX, "failure": markup});
    let codes = [
        "not-running",
        "stream-failing",
        "stream-late",
        "sink-waiting",
        "spool-nearly-full",
        "store-failing",
        "horizon-low",
        "clock-skew",
        "a-kind-that-this-page-does-not-know",
    ];
    let more = codes.map(|code| problem(code, Some(long), &format!("{long}: {markup}")));
    status["problems"].as_array_mut().unwrap().extend(more);
    for _ in 0..6 {
        let gap = json!({"source": long, "stream": format!("{long}_0"), "from": "2024-01-01T00:00:00Z", "to": ago(DAY)});
        status["gaps"].as_array_mut().unwrap().push(gap);
    }
    status
}

/// All that may be null or empty is, as before the first poll and when a stopped daemon's state is read.
pub(crate) fn unknown() -> Value {
    let mut status = well();
    status["started"] = Value::Null;
    for stream in status["streams"].as_array_mut().unwrap() {
        stream["state"] = "never-polled".into();
        stream["events"] = 0.into();
        stream["collected"]["counts"] = json!([]);
        for field in [
            "last_success",
            "newest_event",
            "complete_to",
            "lag_seconds",
            "complete_from",
            "reconciled",
            "last_poll",
            "unmapped_events",
            "unreadable_records",
            "horizon_remaining_seconds",
        ] {
            stream[field] = Value::Null;
        }
    }
    for sink in status["sinks"].as_array_mut().unwrap() {
        sink["since"] = Value::Null;
        sink["last_success"] = Value::Null;
        sink["sources"] = json!([]);
    }
    status["spool"]["max_bytes"] = 0.into();
    status["store"]["size_bytes"] = 0.into();
    status
}
