use std::time::Duration;

use jiff::Timestamp;

use super::hubspot;
use crate::provider::testing::{at, reply, stream};
use crate::provider::{Provider, Refusal};

fn refused(name: &str, status: u16, headers: &[(&str, &str)], body: &str) -> Refusal {
    let hubspot = hubspot();
    hubspot.read_refusal(
        Some(stream(&hubspot, name)),
        &reply(status, headers, body),
        at("2026-11-22T00:00:00Z"),
    )
}

fn seconds(seconds: u64) -> Option<Duration> {
    Some(Duration::from_secs(seconds))
}

const EXPIRED: &str = r#"{"status":"error","message":"The OAuth token used to make this call expired 0 second(s) ago.","correlationId":"019cd9fe-aaaa","category":"EXPIRED_AUTHENTICATION","context":{"expire time":["2026-03-10T23:04:41.164Z"]}}"#;
const SCOPES: &str = r#"{"status":"error","message":"This app hasn't been granted all required scopes to make this call. Read more about required scopes here: https://developers.hubspot.com/scopes.","correlationId":"1","errors":[{"message":"One or more of the following scopes are required.","context":{"requiredScopes":["SCOPE"]}}],"links":{"scopes":"https://developers.hubspot.com/scopes"},"category":"MISSING_SCOPES"}"#;
const DAILY: &str = r#"{"status":"error","message":"You have reached your daily limit.","errorType":"RATE_LIMIT","correlationId":"c033cdaa-2c40-4a64-ae48-b4cec88dad24","policyName":"DAILY","requestId":"3d3e35b7-0dae-4b9f-a6e3-9c230cbcf8dd"}"#;
const TEN_SECONDLY: &str = r#"{"status":"error","message":"You have reached your ten_secondly_rolling limit.","policyName":"TEN_SECONDLY_ROLLING"}"#;

#[test]
fn a_token_that_is_not_valid_is_a_credential_refused() {
    let Refusal::Credential { reason } = refused("login", 401, &[], EXPIRED) else { panic!() };
    assert_eq!(
        reason,
        "HubSpot answered 401: The OAuth token used to make this call expired 0 second(s) ago. \
         (correlation id 019cd9fe-aaaa): check that the token is complete, has not expired and was not revoked"
    );
    assert!(matches!(refused("login", 401, &[], ""), Refusal::Credential { .. }));
}

#[test]
fn a_missing_scope_holds_the_source_and_is_named() {
    let body = SCOPES.replace("SCOPE\"", "account-info.security.read\"");
    for name in ["audit_logs", "login"] {
        let Refusal::Forbidden { stream_only: false, reason } = refused(name, 403, &[], &body) else {
            panic!()
        };
        assert!(reason.contains("grant the scope account-info.security.read"), "{reason}");
    }
}

#[test]
fn a_plan_without_audit_logs_holds_that_stream_alone() {
    let of_plan = SCOPES.replace("SCOPE\"", "audit-logs-enterprise\"");
    for (status, body) in
        [(403, r#"{"status":"error","message":"no"}"#), (403, &of_plan), (404, ""), (404, "{}")]
    {
        let refusal = refused("audit_logs", status, &[], body);
        let Refusal::Forbidden { stream_only: true, reason } = refusal else { panic!("{refusal:?}") };
        assert!(reason.contains("Enterprise"), "{reason}");
    }
    let Refusal::Forbidden { stream_only: false, reason } = refused("login", 403, &[], r#"{"message":"no"}"#)
    else {
        panic!()
    };
    assert!(!reason.contains("Enterprise"));
}

#[test]
fn an_answer_from_before_the_api_is_not_taken_for_a_plan() {
    let refusal = refused("audit_logs", 403, &[], "<html>error code: 1010</html>");
    let Refusal::Forbidden { stream_only: false, reason } = refusal else { panic!("{refusal:?}") };
    assert!(reason.contains("User-Agent"));
}

#[test]
fn a_user_who_lost_the_right_to_the_app_is_named_as_the_cause() {
    let body = r#"{"result":"USER_DOES_NOT_HAVE_PERMISSIONS"}"#;
    let Refusal::Forbidden { stream_only: false, reason } = refused("login", 403, &[], body) else {
        panic!()
    };
    assert!(reason.contains("rotate its token"));
}

#[test]
fn a_wrong_path_is_a_matter_of_configuration() {
    for status in [404, 410] {
        let Refusal::Forbidden { stream_only: true, reason } = refused("login", status, &[], "") else {
            panic!()
        };
        assert_eq!(reason, format!("HubSpot answered {status}: check base_url and api_version"));
    }
    let hubspot = hubspot();
    let account = hubspot.read_refusal(None, &reply(404, &[], ""), Timestamp::UNIX_EPOCH);
    assert!(matches!(account, Refusal::Forbidden { stream_only: false, .. }));
}

#[test]
fn a_limit_lasts_as_long_as_its_policy() {
    const WINDOW: (&str, &str) = ("X-HubSpot-RateLimit-Interval-Milliseconds", "10000");
    let wait = |headers: &[(&str, &str)], body: &str| match refused("login", 429, headers, body) {
        Refusal::RateLimited { wait, .. } => wait,
        other => panic!("{other:?}"),
    };
    assert_eq!(wait(&[("Retry-After", "7"), WINDOW], DAILY), seconds(7));
    assert_eq!(wait(&[("Retry-After", "Sun, 22 Nov 2026 00:01:00 GMT")], ""), seconds(60));
    assert_eq!(wait(&[("Retry-After", "99999999")], ""), seconds(86_400));
    assert_eq!(wait(&[WINDOW], DAILY), seconds(3_600));
    assert_eq!(wait(&[("X-HubSpot-RateLimit-Daily-Remaining", "0"), WINDOW], ""), seconds(3_600));
    assert_eq!(wait(&[WINDOW], TEN_SECONDLY), seconds(10));
    assert_eq!(
        wait(&[("x-hubspot-ratelimit-interval-milliseconds", "500")], ""),
        Some(Duration::from_millis(500))
    );
    assert_eq!(wait(&[], TEN_SECONDLY), seconds(10));
    assert_eq!(wait(&[], r#"{"policyName":"SECONDLY"}"#), seconds(1));
    assert_eq!(wait(&[], r#"{"category":"RATE_LIMITS"}"#), None);
    assert_eq!(wait(&[], "slow down"), None);
}

#[test]
fn what_passes_is_tried_again() {
    for status in [204, 408, 500, 502, 503, 504, 520, 521, 522, 523, 524, 525, 526] {
        let refusal = refused("login", status, &[("retry-after", "3")], "<html>");
        assert!(matches!(refusal, Refusal::Retry { after, .. } if after == seconds(3)), "{status}");
    }
    let after = |status, headers: &[(&str, &str)]| match refused("login", status, headers, "") {
        Refusal::Retry { after, .. } => after,
        other => panic!("{other:?}"),
    };
    assert_eq!(after(503, &[]), None);
    assert_eq!(after(423, &[]), seconds(2));
    assert_eq!(after(423, &[("retry-after", "1")]), seconds(2));
    assert_eq!(after(477, &[("retry-after", "80000")]), seconds(80_000));
    assert_eq!(after(477, &[("retry-after", "800000")]), seconds(86_400));
}

#[test]
fn a_wrong_request_is_said_in_the_providers_words() {
    let body = r#"{"message":"limit must be at most 100","category":"VALIDATION_ERROR"}"#;
    for status in [400, 405, 409, 414, 422] {
        let Refusal::BadRequest { reason } = refused("audit_logs", status, &[], body) else { panic!() };
        assert_eq!(reason, format!("HubSpot answered {status}: limit must be at most 100"));
    }
    let Refusal::BadRequest { reason } = refused("login", 302, &[], "") else { panic!() };
    assert_eq!(reason, "HubSpot answered 302: redirects are not followed; check base_url");
}

#[test]
fn the_smaller_of_two_quotas_counts() {
    let quota = |headers: &[(&str, &str)]| hubspot().read_quota(&reply(200, headers, "").headers).remaining;
    let window = ("X-HubSpot-RateLimit-Remaining", "187");
    assert_eq!(quota(&[window]), Some(187));
    assert_eq!(quota(&[window, ("X-HubSpot-RateLimit-Daily-Remaining", "12")]), Some(12));
    assert_eq!(quota(&[("X-HubSpot-RateLimit-Remaining", "many")]), None);
}
