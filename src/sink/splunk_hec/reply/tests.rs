use std::time::Duration;

use super::*;
use crate::exchange::Headers;

/// Splunk's table: code, status, text, and what becomes of a batch of 500 events.
const CODES: [(u64, u16, &str, &str); 28] = [
    (0, 200, "Success", "accepted"),
    (1, 403, "Token disabled", "held"),
    (2, 401, "Token is required", "held"),
    (3, 401, "Invalid authorization", "held"),
    (4, 403, "Invalid token", "held"),
    (5, 400, "No data", "held"),
    (6, 400, "Invalid data format", "refused"),
    (7, 400, "Incorrect index", "held"),
    (8, 500, "Internal server error", "retry"),
    (9, 503, "Server is busy", "retry"),
    (10, 400, "Data channel is missing", "held"),
    (11, 400, "Invalid data channel", "held"),
    (12, 400, "Event field is required", "refused"),
    (13, 400, "Event field cannot be blank", "refused"),
    (14, 400, "ACK is disabled", "held"),
    (15, 400, "Error in handling indexed fields", "refused"),
    (16, 400, "Query string authorization is not enabled", "held"),
    (17, 200, "HEC is healthy", "held"),
    (18, 503, "HEC is unhealthy, queues are full", "retry"),
    (19, 503, "HEC is unhealthy, ack service unavailable", "retry"),
    (20, 503, "HEC is unhealthy, queues are full, ack service unavailable", "retry"),
    (21, 400, "Invalid token", "held"),
    (22, 400, "Token disabled", "held"),
    (23, 503, "Server is shutting down", "retry"),
    (24, 200, "HEC queue is approaching its capacity limit", "accepted, near its limit"),
    (25, 200, "HEC ACK is approaching its capacity limit", "accepted, near its limit"),
    (26, 429, "HEC queue is at capacity", "retry"),
    (27, 429, "HEC ACK channel is at capacity", "retry"),
];

fn reply(status: u16, body: &str) -> Reply {
    let headers = Headers::new(vec![("retry-after".to_owned(), "7".to_owned())]);
    Reply { status, headers, body: body.to_owned().into(), elapsed: Duration::ZERO }
}

fn coded(status: u16, code: u64, more: &str) -> Reply {
    reply(status, &format!("{{\"text\":\"a text\",\"code\":{code}{more}}}"))
}

fn outcome(reply: &Reply, events: usize, by_ack: bool) -> Result<Taken, Outcome> {
    taken(reply, events, by_ack, Timestamp::UNIX_EPOCH)
}

fn kind(taken: &Result<Taken, Outcome>) -> &'static str {
    match taken {
        Ok(Taken { near_limit: false, .. }) => "accepted",
        Ok(Taken { near_limit: true, .. }) => "accepted, near its limit",
        Err(Outcome::Accepted) => "accepted as an error",
        Err(Outcome::Retry { .. }) => "retry",
        Err(Outcome::Held { .. }) => "held",
        Err(Outcome::Refused { .. }) => "refused",
        Err(Outcome::Each(_)) => "each",
    }
}

#[test]
fn every_code_has_its_verdict_with_and_without_acknowledgements() {
    for (code, status, text, verdict) in CODES {
        for by_ack in [false, true] {
            let reply = reply(status, &format!("{{\"text\":\"{text}\",\"code\":{code}}}"));
            let outcome = outcome(&reply, 500, by_ack);
            assert_eq!(kind(&outcome), verdict, "code {code}: {outcome:?}");
            if let Err(
                Outcome::Held { reason } | Outcome::Refused { reason, .. } | Outcome::Retry { reason, .. },
            ) = outcome
            {
                let said = format!("{text} (code {code}, HTTP {status})");
                assert!(reason.starts_with(&said), "{reason}");
                assert!(verdict != "held" || reason.len() > said.len(), "what to do: {reason}");
            }
        }
    }
}

#[test]
fn a_code_beyond_the_table_goes_by_its_status_and_accepts_nothing() {
    for (status, verdict) in [
        (200, "held"),
        (204, "held"),
        (302, "held"),
        (400, "held"),
        (401, "held"),
        (404, "held"),
        (413, "refused"),
        (422, "held"),
        (429, "retry"),
        (500, "retry"),
        (503, "retry"),
    ] {
        for code in [28, 401, u64::MAX] {
            assert_eq!(kind(&outcome(&coded(status, code, ""), 500, false)), verdict, "{code} with {status}");
        }
        for body in [
            "",
            "OK",
            "<html>a page of a proxy</html>",
            "[]",
            "null",
            "{}",
            "{\"acknowledged\":true}",
            "{\"code\":0}",
            "{\"text\":\"Success\"}",
            "{\"text\":\"Success\",\"code\":\"0\"}",
            "{\"text\":\"Success\",\"code\":-1}",
            "{\"text\":0,\"code\":0}",
            "{\"text\":\"Success\",\"code\":0",
        ] {
            assert_eq!(kind(&outcome(&reply(status, body), 500, false)), verdict, "{body} with {status}");
        }
    }
    let endless = format!("{{\"text\":\"{}\",\"code\":0}}", "x".repeat(LONGEST_ANSWER));
    assert_eq!(kind(&outcome(&reply(200, &endless), 500, false)), "held");
}

#[test]
fn a_status_that_contradicts_its_code_neither_accepts_nor_blames_an_event() {
    for (status, code, verdict) in [
        (500, 0, "retry"),
        (503, 24, "retry"),
        (403, 0, "held"),
        (400, 0, "held"),
        (302, 25, "held"),
        (200, 6, "held"),
        (503, 12, "retry"),
        (200, 9, "retry"),
        (200, 4, "held"),
        (413, 0, "refused"),
        (413, 27, "refused"),
    ] {
        let outcome = outcome(&coded(status, code, ""), 500, false);
        assert_eq!(kind(&outcome), verdict, "code {code} with {status}: {outcome:?}");
    }
}

#[test]
fn what_is_too_large_is_narrowed_down_without_suspects() {
    let refused = outcome(&reply(413, "<html>too large</html>"), 500, false);
    assert!(matches!(refused, Err(Outcome::Refused { suspects: None, .. })), "{refused:?}");
    let refused = outcome(&coded(413, 6, ",\"invalid-event-number\":3"), 500, false);
    assert!(matches!(refused, Err(Outcome::Refused { suspects: None, .. })), "{refused:?}");
}

#[test]
fn a_bad_event_is_looked_for_where_either_reading_of_its_number_has_it() {
    let suspects = |number: u64, events, by_ack| {
        let more = format!(",\"invalid-event-number\":{number}");
        match outcome(&coded(400, 6, &more), events, by_ack) {
            Err(Outcome::Refused { suspects, reason }) => {
                assert!(reason.contains(&format!("invalid-event-number {number}")), "{reason}");
                suspects
            }
            other => panic!("{other:?}"),
        }
    };
    let some = |accepted, alone| Some(Suspects { accepted, alone });
    assert_eq!(suspects(250, 500, false), some(249, 249..251));
    assert_eq!(suspects(0, 500, false), some(0, 0..1));
    assert_eq!(suspects(1, 500, false), some(0, 0..2));
    assert_eq!(suspects(499, 500, false), some(498, 498..500));
    assert_eq!(suspects(500, 500, false), some(499, 499..500), "from one, the last");
    assert_eq!(suspects(501, 500, false), None);
    assert_eq!(suspects(u64::MAX, 500, false), None);
    assert_eq!(suspects(0, 1, false), some(0, 0..1));
    assert_eq!(suspects(250, 500, true), some(0, 249..251), "an error has no ackId");
    for number in ["-1", "\"3\"", "1.5", "null", "[3]"] {
        let refused = outcome(&coded(400, 6, &format!(",\"invalid-event-number\":{number}")), 500, false);
        assert!(matches!(refused, Err(Outcome::Refused { suspects: None, .. })), "{number}: {refused:?}");
    }
}

#[test]
fn what_a_busy_server_took_under_either_reading_is_not_sent_again() {
    let busy = |number: u64, by_ack| {
        outcome(&coded(503, 9, &format!(",\"invalid-event-number\":{number}")), 12, by_ack)
    };
    let Err(Outcome::Each(verdicts)) = busy(10, false) else { panic!("{:?}", busy(10, false)) };
    let accepted: Vec<bool> = verdicts.iter().map(|verdict| *verdict == Verdict::Accepted).collect();
    assert_eq!(accepted, [vec![true; 9], vec![false; 3]].concat());
    assert!(verdicts[9..].iter().all(|verdict| matches!(verdict, Verdict::Retry(_))));
    for number in [0, 1, 13, u64::MAX] {
        assert_eq!(kind(&busy(number, false)), "retry", "{number}");
    }
    assert_eq!(kind(&busy(10, true)), "retry");
}

#[test]
fn a_collector_that_asks_for_time_gets_it() {
    for (code, status) in [(9, 503), (26, 429), (27, 429)] {
        let retry = outcome(&coded(status, code, ""), 500, true);
        let after = Some(Duration::from_secs(7));
        assert!(matches!(&retry, Err(Outcome::Retry { after: asked, .. }) if *asked == after), "{retry:?}");
    }
}

#[test]
fn an_acknowledgement_is_a_true_under_the_right_number_and_nothing_else() {
    assert_eq!(acknowledged(&reply(200, r#"{"acks":{"0":false,"3":true}}"#), 3), Some(true));
    assert_eq!(acknowledged(&reply(200, r#"{"acks":{"0":false,"3":true}}"#), 0), Some(false));
    for (status, body) in [
        (200, r#"{"acks":{"30":true}}"#),
        (200, r#"{"acks":{"3":"true"}}"#),
        (200, r#"{"acks":{"3":1}}"#),
        (200, r#"{"acks":[3]}"#),
        (200, r#"{"acks":true}"#),
        (200, r#"{"text":"Success","code":0,"ackId":3}"#),
        (200, "true"),
        (200, ""),
        (202, r#"{"acks":{"3":true}}"#),
        (400, r#"{"acks":{"3":true}}"#),
        (503, r#"{"acks":{"3":true}}"#),
    ] {
        assert_eq!(acknowledged(&reply(status, body), 3), None, "{status} {body}");
    }
}

#[test]
fn an_ack_id_is_read_from_a_success() {
    let taken = outcome(&coded(200, 0, ",\"ackId\":10"), 500, true);
    assert_eq!(taken, Ok(Taken { ack_id: Some(10), near_limit: false }));
    let taken = outcome(&coded(200, 25, ",\"ackId\":0"), 500, true);
    assert_eq!(taken, Ok(Taken { ack_id: Some(0), near_limit: true }));
}
