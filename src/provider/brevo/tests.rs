use super::*;
use crate::provider::testing::{at, event, id, query, range, record, reply, stream, survive_anything};

fn brevo() -> Brevo {
    Brevo::new("https://api.brevo.com".parse().unwrap())
}

fn url(brevo: &Brevo, query: &Query) -> String {
    brevo.page_request(stream(brevo, "activities"), query).url.to_string()
}

fn read(query: &Query, body: &str) -> Result<Page, Unreadable> {
    brevo().read_page(stream(&brevo(), "activities"), query, &Bytes::from(body.to_owned()))
}

#[test]
fn a_query_names_both_days_in_utc() {
    let over = |from, to| Query { range: range(from, to), ..query(100) };
    assert_eq!(
        url(&brevo(), &over("2023-01-01T00:00:00Z", Some("2023-01-28T23:59:59.999Z"))),
        "https://api.brevo.com/v3/organization/activities?startDate=2023-01-01&endDate=2023-01-28&limit=100&offset=0"
    );
    assert_eq!(
        url(&brevo(), &over("2023-01-01T01:00:00+05:30", None)),
        "https://api.brevo.com/v3/organization/activities?startDate=2022-12-31&endDate=2022-12-31&limit=100&offset=0"
    );
    let prefixed = Brevo::new("http://127.0.0.1:9000/brevo/".parse().unwrap());
    assert_eq!(
        url(&prefixed, &Query { at: PageToken::Offset(300), ..query(100) }),
        "http://127.0.0.1:9000/brevo/v3/organization/activities?limit=100&offset=300"
    );
    assert_eq!(brevo().account_request().url.as_str(), "https://api.brevo.com/v3/account");
}

#[test]
fn the_key_is_in_its_header_alone() {
    let mut request = brevo().account_request();
    brevo().authorize(&mut request, "xkeysib-x");
    assert_eq!(
        request.headers,
        [("accept".into(), "application/json".into()), ("api-key".into(), "xkeysib-x".into())]
    );
}

#[test]
fn the_organization_is_the_account() {
    let body = br#"{"organization_id":"5f1e","user_id":7,"enterprise":true,"companyName":"Initech","email":"a@b.c"}"#;
    assert_eq!(
        brevo().read_account(body).unwrap(),
        Account { id: "5f1e".into(), name: Some("Initech".into()) }
    );
    assert_eq!(brevo().read_account(br#"{"organization_id":12}"#).unwrap().id, "12");
    for body in ["{}", r#"{"organization_id":null}"#, "<html>"] {
        assert!(brevo().read_account(body.as_bytes()).is_err(), "{body}");
    }
}

#[test]
fn a_full_page_has_one_behind_it_and_a_short_one_has_not() {
    let page = |rows: usize, at| {
        let body = format!(r#"{{"logs":[{}],"count":7}}"#, vec!["{}"; rows].join(","));
        read(&Query { at, ..query(100) }, &body).unwrap().next
    };
    assert_eq!(page(100, PageToken::First), Some(PageToken::Offset(100)));
    assert_eq!(page(100, PageToken::Offset(100)), Some(PageToken::Offset(200)));
    assert_eq!(page(101, PageToken::First), Some(PageToken::Offset(101)));
    assert_eq!(page(99, PageToken::First), None);
    assert_eq!(page(0, PageToken::Offset(100)), None);
    for body in ["{}", r#"{"logs":null}"#, r#"{"logs":[],"count":2}"#] {
        let page = read(&query(100), body).unwrap();
        assert!(page.records.is_empty() && page.next.is_none(), "{body}");
    }
}

#[test]
fn what_is_no_page_is_unreadable() {
    for (body, what) in [
        ("<html>secret", "the answer is not JSON: the fault is at line 1 column 1 of 12 bytes"),
        (r#"{"logs":[{"action""#, "the answer breaks off at line 1 column 18 of 18 bytes"),
        (r#"{"logs":7}"#, "`logs` of the answer is a number, not an array"),
        (r#"{"code":"unauthorized","message":"secret"}"#, "the answer is an error in spite of its status"),
    ] {
        assert_eq!(read(&query(100), body).unwrap_err().what, what);
    }
}

/// The first row of the documented example.
const LOGIN: &str = r#"{"action":"login-success","date":"2023-03-16T16:49:23+05:30","user_email":"test@mycompany.com","user_ip":"192.158.1.34","user_agent":"Mozilla/5.0"}"#;

#[test]
fn a_row_written_differently_is_the_same_row() {
    let brevo = brevo();
    for other in [
        r#"{"user_agent":"Mozilla/5.0","user_ip":"192.158.1.34","user_email":"test@mycompany.com",
            "date":"2023-03-16T11:19:23Z","action":"login-success","count":2,"new":{}}"#,
        r#"{"action":"login-success","date":"2023-03-16T11:19:23.000+0000","user_email":"test@mycompany.com",
            "user_ip":"192.158.1.34","user_agent":"Mozilla\/5.0"}"#,
        r#"{"action":"login-success","date":"2023-03-16 11:19:23","user_email":"test@mycompany.com",
            "user_ip":"192.158.1.34","user_agent":"Mozilla/5.0"}"#,
    ] {
        assert_eq!(id(&brevo, "activities", LOGIN), id(&brevo, "activities", other), "{other}");
    }
    assert_eq!(
        id(&brevo, "activities", r#"{"action":"x","user_ip":null}"#),
        id(&brevo, "activities", r#"{"action":"x"}"#)
    );
}

#[test]
fn rows_that_differ_in_any_word_are_two() {
    let brevo = brevo();
    for (from, to) in
        [("success", "failed"), (":23+", ":24+"), ("test@", "tess@"), (".34", ".35"), ("5.0", "5.1")]
    {
        assert_ne!(id(&brevo, "activities", LOGIN), id(&brevo, "activities", &LOGIN.replacen(from, to, 1)));
    }
    let rows = [r#"{"date":"soon"}"#, r#"{"action":"soon"}"#, r#"{"user_ip":"soon"}"#, "{}", "null", "[]"];
    for (at, one) in rows.iter().enumerate() {
        for other in &rows[at + 1..] {
            assert_ne!(id(&brevo, "activities", one), id(&brevo, "activities", other));
        }
    }
    assert_eq!(
        id(&brevo, "activities", r#"{"user_ip":"1.2.3.4", "x":1}"#),
        id(&brevo, "activities", r#"{"x":1,"user_ip":"1.2.3.4"}"#)
    );
}

#[test]
fn a_row_that_cannot_be_mapped_is_an_event_that_says_so() {
    for (row, why) in [
        ("17", "the record is not a JSON object"),
        (r#"{"action":"x"}"#, "the record has no `date`, so @timestamp is the time of collection"),
        (
            r#"{"action":"x","date":"2023-02-30T00:00:00Z"}"#,
            "`date` of the record is no time that can be read, so @timestamp is the time of collection",
        ),
    ] {
        let event = event(&brevo(), "activities", &record(&brevo(), "activities", row));
        assert_eq!(event["event"]["kind"], "pipeline_error");
        assert_eq!(event["error"]["message"], why);
    }
}

#[test]
fn nothing_in_a_page_makes_it_panic() {
    survive_anything(&brevo(), &["action", "date", "user_email", "user_ip", "user_agent", "count", "action"]);
}

mod refusals {
    use super::*;

    fn refused(status: u16, headers: &[(&str, &str)], body: &str) -> Refusal {
        let brevo = brevo();
        let stream = stream(&brevo, "activities");
        brevo.read_refusal(Some(stream), &reply(status, headers, body), at("2026-11-22T00:00:00Z"))
    }

    #[test]
    fn a_key_that_is_not_valid_is_a_credential_refused() {
        for body in [
            r#"{"message":"authentication not found in headers","code":"unauthorized"}"#,
            r#"{"message":"Key not found","code":"unauthorized"}"#,
            "",
        ] {
            assert!(matches!(refused(401, &[], body), Refusal::Credential { .. }), "{body}");
        }
    }

    #[test]
    fn an_address_that_is_not_authorized_is_named() {
        let body = r#"{"code":"unauthorized","message":"We have detected you are using an unrecognised IP address 37.31.141.48. If you performed this action make sure to add the new IP address in this link: https://app.brevo.com/security/authorised_ips"}"#;
        let refusal = refused(401, &[("sib-request-id", "9f0c")], body);
        let Refusal::Forbidden { stream_only: false, reason } = refusal else { panic!("{refusal:?}") };
        for part in [
            "37.31.141.48",
            "https://app.brevo.com/security/authorised_ips",
            "request id 9f0c",
            "Authorized IPs",
        ] {
            assert!(reason.contains(part), "{reason}");
        }
    }

    #[test]
    fn a_plan_below_enterprise_is_no_wrong_request() {
        for (status, body) in [
            (400, r#"{"code":"bad_request","message":"Upgrade to Enterprise plan"}"#),
            (403, r#"{"message":"plan not eligible for using this"}"#),
        ] {
            let refusal = refused(status, &[], body);
            let Refusal::Forbidden { stream_only: true, reason } = refusal else { panic!("{refusal:?}") };
            assert!(reason.contains("needs Brevo's Enterprise plan"), "{reason}");
        }
    }

    #[test]
    fn what_is_forbidden_is_held() {
        let refusal = refused(403, &[], r#"{"code":"permission_denied","message":"Access forbidden."}"#);
        assert!(matches!(refusal, Refusal::Forbidden { stream_only: true, .. }));
        let refusal = refused(402, &[], r#"{"code":"account_under_validation"}"#);
        let Refusal::Forbidden { stream_only: false, reason } = refusal else { panic!("{refusal:?}") };
        assert!(reason.starts_with("Brevo answered 402: account_under_validation: "), "{reason}");
        let refusal = refused(403, &[], "Error 1010: Access denied");
        let Refusal::Forbidden { stream_only: false, reason } = refusal else { panic!("{refusal:?}") };
        assert!(reason.contains("User-Agent"));
        assert!(matches!(refused(404, &[], ""), Refusal::Forbidden { .. }));
    }

    #[test]
    fn a_limit_lasts_until_the_reset_and_at_most_an_hour() {
        let wait = |headers: &[(&str, &str)]| match refused(429, headers, "<html>") {
            Refusal::RateLimited { wait, .. } => wait.map(|wait| wait.as_secs()),
            other => panic!("{other:?}"),
        };
        assert_eq!(wait(&[("x-sib-ratelimit-reset", "45")]), Some(45));
        assert_eq!(wait(&[("x-sib-ratelimit-reset", "45"), ("retry-after", "90")]), Some(90));
        assert_eq!(wait(&[("x-sib-ratelimit-reset", "0")]), Some(1));
        assert_eq!(wait(&[("x-sib-ratelimit-reset", "1790000000")]), Some(3_600));
        assert_eq!(wait(&[]), None);
    }

    #[test]
    fn what_passes_is_tried_again_and_the_rest_is_wrong() {
        for status in [408, 500, 502, 503, 504, 522] {
            let refusal = refused(status, &[], r#"{"code":"invalid_request","message":"x"}"#);
            assert!(matches!(refusal, Refusal::Retry { after: None, .. }), "{status}");
        }
        for (status, code) in
            [(400, "out_of_range"), (405, "method_not_allowed"), (406, "x"), (422, "x"), (301, "x")]
        {
            let refusal = refused(status, &[], &format!(r#"{{"code":"{code}"}}"#));
            let Refusal::BadRequest { reason } = refusal else { panic!("{refusal:?}") };
            assert!(reason.contains(code), "{reason}");
        }
    }

    #[test]
    fn the_quota_is_what_the_header_says() {
        let quota = |headers: &[(&str, &str)]| brevo().read_quota(&reply(200, headers, "").headers).remaining;
        assert_eq!(quota(&[("x-sib-ratelimit-remaining", "99")]), Some(99));
        assert_eq!(quota(&[]), None);
    }
}
