mod refusals;

use super::*;
use crate::provider::testing::{event, id, query, range, record, stream, survive_anything};

fn hubspot() -> HubSpot {
    HubSpot::new(
        "https://api.hubapi.com".parse().unwrap(),
        "2026-09",
        Mirrored { login: true, security: true },
    )
}

fn url(name: &str, query: &Query) -> String {
    hubspot().page_request(stream(&hubspot(), name), query).url.to_string()
}

fn read(name: &str, body: &str) -> Result<Page, Unreadable> {
    hubspot().read_page(stream(&hubspot(), name), &query(200), &Bytes::from(body.to_owned()))
}

#[test]
fn each_stream_has_its_path_in_every_api_version() {
    assert_eq!(
        url("login", &query(200)),
        "https://api.hubapi.com/account-info/2026-09/activity/login?limit=200"
    );
    for (base, version, expected) in [
        (
            "https://api.hubapi.com",
            "v3",
            "https://api.hubapi.com/account-info/v3/activity/audit-logs?limit=200",
        ),
        (
            "http://127.0.0.1:8080/hubspot/",
            "2026-03",
            "http://127.0.0.1:8080/hubspot/account-info/2026-03/activity/audit-logs?limit=200",
        ),
        ("http://localhost/a/b", "v3", "http://localhost/a/b/account-info/v3/activity/audit-logs?limit=200"),
    ] {
        let hubspot = HubSpot::new(base.parse().unwrap(), version, Mirrored::default());
        let request = hubspot.page_request(stream(&hubspot, "audit_logs"), &query(200));
        assert_eq!(request.url.as_str(), expected);
        assert_eq!(request.headers, [("accept".to_owned(), "application/json".to_owned())]);
    }
    assert_eq!(
        hubspot().account_request().url.as_str(),
        "https://api.hubapi.com/account-info/2026-09/details"
    );
}

#[test]
fn a_filter_reaches_a_unit_beyond_both_ends() {
    let closed = range("2026-09-01T00:00:00Z", Some("2026-09-02T00:00:00.1234Z"));
    let with = |range, unit| Query { range, unit, ..query(100) };
    assert_eq!(
        url("audit_logs", &with(closed, Unit::Primary)),
        "https://api.hubapi.com/account-info/2026-09/activity/audit-logs?\
         occurredAfter=2026-08-31T23%3A59%3A59.999Z&occurredBefore=2026-09-02T00%3A00%3A00.125Z&limit=100"
    );
    assert_eq!(
        url("security", &with(closed, Unit::Primary)),
        "https://api.hubapi.com/account-info/2026-09/activity/security?\
         fromTimestamp=1788220799999&toTimestamp=1788307200125&limit=100"
    );
    assert_eq!(
        url("security", &with(closed, Unit::Alternative)),
        "https://api.hubapi.com/account-info/2026-09/activity/security?\
         fromTimestamp=1788220799&toTimestamp=1788307202&limit=100"
    );
    assert_eq!(
        url("security", &with(range("2026-09-01T00:00:00Z", None), Unit::Primary)),
        "https://api.hubapi.com/account-info/2026-09/activity/security?fromTimestamp=1788220799999&limit=100"
    );
    assert_eq!(
        url("login", &with(closed, Unit::Primary)),
        "https://api.hubapi.com/account-info/2026-09/activity/login?limit=100"
    );
}

#[test]
fn the_ends_of_time_are_no_trouble() {
    let all = TimeRange { from: Timestamp::MIN, to: Some(Timestamp::MAX) };
    for name in ["audit_logs", "security"] {
        for unit in [Unit::Primary, Unit::Alternative] {
            assert!(url(name, &Query { range: Some(all), unit, ..query(1) }).contains("limit=1"));
        }
    }
}

#[test]
fn a_cursor_is_sent_back_as_it_came() {
    let next = Query { at: PageToken::After("NTI1Cg==&x=ü".into()), ..query(200) };
    let request = hubspot().page_request(stream(&hubspot(), "login"), &next);
    assert_eq!(request.url.query_pairs().find(|(name, _)| name == "after").unwrap().1, "NTI1Cg==&x=ü");
}

#[test]
fn the_token_is_in_one_header_alone() {
    let mut request = hubspot().account_request();
    hubspot().authorize(&mut request, "old");
    hubspot().authorize(&mut request, "pat-na1-x");
    let tokens: Vec<_> = request.headers.iter().filter(|(name, _)| name == "authorization").collect();
    assert_eq!(tokens, [&("authorization".to_owned(), "Bearer pat-na1-x".to_owned())]);
    assert!(!request.url.as_str().contains("pat-na1"));
}

#[test]
fn the_portal_id_is_the_account() {
    for body in [r#"{"portalId":1234567,"timeZone":"US/Eastern"}"#, r#"{"portalId":"1234567"}"#] {
        assert_eq!(hubspot().read_account(body.as_bytes()).unwrap().id, "1234567");
    }
    for body in ["{}", r#"{"portalId":null}"#, r#"{"portalId":""}"#, "[]", "<html>", ""] {
        assert!(hubspot().read_account(body.as_bytes()).is_err(), "{body}");
    }
}

// Ends of paging: HubSpot's own example of a last page has empty strings.
#[test]
fn paging_ends_at_whatever_is_absent_null_or_empty() {
    for paging in [
        "",
        r#","paging":null"#,
        r#","paging":{}"#,
        r#","paging":{"next":null}"#,
        r#","paging":{"next":{}}"#,
        r#","paging":{"next":{"link":"","after":""}}"#,
        r#","paging":{"next":{"after":null}}"#,
        r#","paging":"""#,
    ] {
        assert_eq!(read("login", &format!(r#"{{"results":[]{paging}}}"#)).unwrap().next, None, "{paging}");
    }
    let body = r#"{"paging":{"next":{"after":"NTI1","link":"https://elsewhere.example/?after=NTI1"}},"results":[{}]}"#;
    assert_eq!(read("login", body).unwrap().next, Some(PageToken::After("NTI1".into())));
    assert_eq!(
        read("login", r#"{"results":[],"paging":{"next":{"after":7}}}"#).unwrap().next,
        Some(PageToken::After("7".into()))
    );
}

#[test]
fn a_page_without_results_is_empty() {
    for body in ["{}", r#"{"results":null}"#, r#"{"results":[]}"#, "\u{feff}{\"results\":[]}"] {
        assert!(read("security", body).unwrap().records.is_empty(), "{body}");
    }
}

#[test]
fn what_is_no_page_is_said_to_be_unreadable_without_quoting_it() {
    for (body, what) in [
        ("", "the answer is empty"),
        ("<html>secret</html>", "the answer is not JSON: the fault is at line 1 column 1 of 19 bytes"),
        (r#"{"results":[{"email":"secret"#, "the answer breaks off at line 1 column 28 of 28 bytes"),
        (r#"["secret"]"#, "the answer is JSON, but an array, not an object"),
        (r#"{"results":{"email":"secret"}}"#, "`results` of the answer is an object, not an array"),
        (r#"{"results":"secret"}"#, "`results` of the answer is a string, not an array"),
        (r#"{"status":"error","message":"secret"}"#, "the answer is an error in spite of its status"),
    ] {
        assert_eq!(read("login", body).unwrap_err().what, what);
    }
}

#[test]
fn records_are_kept_byte_for_byte() {
    let row = "{ \"id\" : \"5\",\n \"big\":184467440737095516151, \"id\":\"6\", \"e\":\"\\u00e9\" }";
    assert_eq!(record(&hubspot(), "login", row).text, row);
}

#[test]
fn bytes_that_are_no_text_spoil_one_word_alone() {
    let body = Bytes::from_static(b"{\"results\":[{\"id\":\"1\",\"userAgent\":\"\xff\"},{\"id\":\"2\"}]}");
    let page = hubspot().read_page(stream(&hubspot(), "login"), &query(200), &body).unwrap();
    assert_eq!(page.records.len(), 2);
    assert!(page.records[0].text.contains('\u{fffd}'));
}

/// The example of the API reference, and the same event written differently.
const AUDIT: &str = r#"{"actingUser":{"userEmail":"editor@example.com","userId":2931299},"subCategory":"LOGIN_SUCCEEDED","occurredAt":"2023-11-07T05:31:56Z","targetObjectId":"1","action":"PERFORM","id":"5432653","category":"LOGIN"}"#;

#[test]
fn the_same_event_written_differently_is_the_same_event() {
    let hubspot = hubspot();
    for other in [
        r#"{ "id":"5432653", "category":"LOGIN", "subCategory":"LOGIN_SUCCEEDED", "action":"PERFORM",
             "targetObjectId":"1", "occurredAt":"2023-11-07T05:31:56.000Z",
             "actingUser":{"userId":2931299, "userEmail":"editor@example.com"} }"#,
        r#"{"id":5432653,"category":"LOGIN","subCategory":"LOGIN_SUCCEEDED","action":"PERFORM","targetObjectId":1,
            "occurredAt":"2023-11-07T05:31:56+00:00","actingUser":{"userId":"2931299"},"new":[1]}"#,
        r#"{"id":"1","id":"5432653","category":"LOGIN","subCategory":"LOGIN_SUCCEEDED","action":"PERFORM",
            "targetObjectId":"\u0031","occurredAt":"2023-11-07T11:01:56+05:30","actingUser":{"userId":2931299}}"#,
    ] {
        assert_eq!(id(&hubspot, "audit_logs", AUDIT), id(&hubspot, "audit_logs", other), "{other}");
    }
    assert_eq!(
        id(&hubspot, "audit_logs", r#"{"id":"a","subCategory":null}"#),
        id(&hubspot, "audit_logs", r#"{"id":"a"}"#)
    );
}

#[test]
fn one_audit_log_id_can_be_two_events() {
    let hubspot = hubspot();
    for (from, to) in [
        ("LOGIN_SUCCEEDED", "LOGIN_FAILED"),
        ("\"LOGIN\"", "\"CONTENT\""),
        ("PERFORM", "UPDATE"),
        ("2931299", "2931298"),
        (":56Z", ":56.001Z"),
        ("\"1\"", "\"2\""),
        ("5432653", "5432654"),
    ] {
        assert!(AUDIT.contains(from));
        assert_ne!(id(&hubspot, "audit_logs", AUDIT), id(&hubspot, "audit_logs", &AUDIT.replace(from, to)));
    }
}

#[test]
fn a_login_or_security_event_is_its_id_whatever_is_filled_in_later() {
    let hubspot = hubspot();
    for name in ["login", "security"] {
        let early = r#"{"id":"3959685975","location":null}"#;
        let late = r#"{"location":"delhi, india","id":3959685975,"countryCode":"in"}"#;
        assert_eq!(id(&hubspot, name, early), id(&hubspot, name, late));
        assert_ne!(id(&hubspot, name, early), id(&hubspot, name, r#"{"id":"3959685976"}"#));
    }
}

#[test]
fn a_record_without_an_id_is_told_by_all_that_it_holds() {
    let hubspot = hubspot();
    for name in ["audit_logs", "login", "security"] {
        let one = id(&hubspot, name, r#"{"email":"a@b.c","userId":1}"#);
        assert_eq!(one, id(&hubspot, name, r#"{ "userId": 1, "email": "\u0061@b.c" }"#));
        for other in [
            r#"{"email":"a@b.c","userId":2}"#,
            r#"{"id":null,"email":"a@b.c","userId":1}"#,
            r#"{"id":"record"}"#,
            "7",
            "null",
            r#"["a"]"#,
        ] {
            assert_ne!(one, id(&hubspot, name, other), "{other}");
        }
    }
}

#[test]
fn a_copy_is_mirrored_only_when_its_stream_is_collected() {
    let row = |category: &str, sub: &str| {
        format!(
            r#"{{"id":"1","category":"{category}","subCategory":"{sub}","occurredAt":"2024-09-10T12:12:47Z"}}"#
        )
    };
    let mirrored = |login, security, row: &str| {
        let hubspot = HubSpot::new("http://localhost".parse().unwrap(), "v3", Mirrored { login, security });
        let record = record(&hubspot, "audit_logs", row);
        let mirrored = hubspot.is_mirrored(stream(&hubspot, "audit_logs"), &record);
        let event = event(&hubspot, "audit_logs", &record);
        assert_eq!(event["tags"][0] == "mirrored", mirrored);
        assert!(!hubspot.is_mirrored(stream(&hubspot, "login"), &record));
        (mirrored, event["event"]["category"][0].as_str().map(str::to_owned))
    };
    let login = row("LOGIN", "LOGIN_FAILED");
    assert_eq!(mirrored(true, false, &login), (true, None));
    assert_eq!(mirrored(false, true, &login), (false, Some("authentication".into())));
    let critical = row("CRITICAL_ACTION", "ADD_ADMIN_USER");
    assert_eq!(mirrored(false, true, &critical), (true, None));
    assert_eq!(mirrored(true, false, &critical), (false, Some("iam".into())));
    // The login history has attempts alone, so that this is nowhere else.
    assert_eq!(mirrored(true, true, &row("LOGIN", "LOGOUT")), (false, Some("authentication".into())));
    assert_eq!(mirrored(true, true, &row("CONTENT", "BLOG")), (false, None));
}

#[test]
fn a_record_that_cannot_be_mapped_is_an_event_that_says_so() {
    let hubspot = hubspot();
    for (row, why) in [
        (r#""text""#, "the record is not a JSON object"),
        (r#"{"id":"1"}"#, "the record has no `loginAt`, so @timestamp is the time of collection"),
        (
            r#"{"id":"1","loginAt":"soon"}"#,
            "`loginAt` of the record is no time that can be read, so @timestamp is the time of collection",
        ),
    ] {
        let event = event(&hubspot, "login", &record(&hubspot, "login", row));
        assert_eq!(event["event"]["kind"], "pipeline_error");
        assert_eq!(event["error"]["message"], why);
        assert_eq!(event["@timestamp"], "2026-11-22T10:00:00.123Z");
    }
}

#[test]
fn nothing_in_a_page_makes_it_panic() {
    let fields = [
        "id",
        "occurredAt",
        "loginAt",
        "createdAt",
        "category",
        "subCategory",
        "action",
        "targetObjectId",
        "actingUser",
        "userId",
        "email",
        "loginSucceeded",
        "ipAddress",
        "location",
        "userAgent",
        "countryCode",
        "regionCode",
        "type",
        "objectId",
        "infoUrl",
        "id",
    ];
    survive_anything(&hubspot(), &fields);
}

#[test]
fn a_message_tells_a_pipeline_of_deals_from_a_deal() {
    let hubspot = hubspot();
    let message = |category: &str, object: &str| {
        let row = format!(
            r#"{{"id":"1","category":"{category}","subCategory":"DEAL","action":"DELETE"{object},
                "occurredAt":"2024-09-10T12:12:47Z","actingUser":{{"userId":7}}}}"#
        );
        event(&hubspot, "audit_logs", &record(&hubspot, "audit_logs", &row))["message"].clone()
    };
    let object = r#","targetObjectId":"Sales""#;
    assert_eq!(message("CRM_OBJECT", object), "Delete deal Sales by 7");
    assert_eq!(message("PIPELINE", object), "Delete deal Sales (pipeline) by 7");
    assert_eq!(message("WORKFLOWS", ""), "Delete deal (workflows) by 7");
}
