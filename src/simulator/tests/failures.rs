use std::collections::BTreeMap;

use super::*;

fn once() -> Trigger {
    Trigger { next: 1, ..Trigger::default() }
}

#[test]
fn a_wrong_token_and_a_revoked_one_are_refused_with_401() {
    let still = Still::new(quiet(10));
    let status = |headers: &[(&str, &str)], target: &str| match still.fate(target, headers) {
        Fate::Answered(answer) => answer.status,
        other => panic!("{other:?}"),
    };
    assert_eq!(status(&[], AUDIT), 401);
    assert_eq!(status(&[("authorization", "Bearer no")], AUDIT), 401);
    assert_eq!(status(&[("user-agent", "x"), ("api-key", "no")], BREVO), 401);
    assert_eq!(status(&[("api-key", "xkeysib-simulated")], BREVO), 403);
    still.change(|faults| {
        faults.revoked_token.insert(Product::Brevo);
    });
    assert_eq!(still.ask(BREVO).status, 401);
    assert_eq!(still.ask(AUDIT).status, 200);
    still.change(|faults| (faults.revoked_token, faults.unknown_address) = (Default::default(), true));
    assert!(still.ask(BREVO).body.contains("unrecognised IP address"));
}

#[test]
fn a_missing_plan_or_scope_is_refused_as_each_product_does() {
    let still = Still::new(quiet(10));
    still.change(|faults| faults.missing_plan.extend([Product::Hubspot, Product::Brevo]));
    assert_eq!(still.ask(AUDIT).status, 403);
    assert_eq!(still.ask(LOGIN).status, 200);
    let brevo = still.ask(BREVO);
    assert_eq!(brevo.status, 400);
    assert!(brevo.body.contains("Upgrade to Enterprise plan"));
    assert_eq!(body(&still.ask("/v3/account"))["enterprise"], false);
    still.change(|faults| faults.missing_scope = true);
    let login = still.ask(LOGIN);
    assert_eq!(login.status, 403);
    assert!(login.body.contains("MISSING_SCOPES") && login.body.contains("account-info.security.read"));
    let error: Value = serde_json::from_str(&login.body).unwrap();
    assert!(error["correlationId"].is_string());
}

#[test]
fn accounts_are_named_unless_that_is_refused() {
    let still = Still::new(quiet(10));
    assert_eq!(body(&still.ask("/account-info/v3/details"))["portalId"], people::PORTAL_ID);
    assert_eq!(body(&still.ask("/v3/account"))["organization_id"], people::ORGANIZATION_ID);
    still.change(|faults| faults.details_refused = true);
    assert_eq!(still.ask("/account-info/v3/details").status, 403);
    assert_eq!(still.ask("/v3/account").status, 403);
}

#[test]
fn a_limit_that_is_reached_is_answered_with_429_until_its_window_ends() {
    let still = Still::new(quiet(10));
    still.change(|faults| (faults.hubspot_per_10s, faults.brevo_per_hour) = (1, 1));
    assert_eq!(header(&still.ask(LOGIN), "x-hubspot-ratelimit-remaining"), Some("0"));
    assert_eq!(still.ask(LOGIN).status, 429);
    assert_eq!(still.ask(BREVO).status, 200);
    still.pass(10_000);
    assert_eq!(still.ask(LOGIN).status, 200);
    let refused = still.ask(BREVO);
    assert_eq!((refused.status, header(&refused, "x-sib-ratelimit-reset")), (429, Some("3590")));
}

#[test]
fn a_429_comes_with_headers_or_without() {
    let still = Still::new(quiet(10));
    still.change(|faults| {
        faults.wait_seconds = 7;
        faults.rate_limited.next = 2;
    });
    assert_eq!(header(&still.ask(LOGIN), "retry-after"), Some("7"));
    assert_eq!(header(&still.ask(BREVO), "x-sib-ratelimit-reset"), Some("7"));
    still.change(|faults| faults.rate_limited_bare = once());
    let bare = still.ask(LOGIN);
    assert_eq!((bare.status, bare.headers.len()), (429, 0));
    assert_eq!(still.ask(LOGIN).status, 200);
}

#[test]
fn every_status_can_be_had() {
    let still = Still::new(quiet(10));
    for status in [500, 502, 503, 504, 521, 522, 523, 524, 423, 477, 408] {
        still.change(|faults| faults.statuses = BTreeMap::from([(status, once())]));
        assert_eq!(still.ask(SECURITY).status, status);
        assert_eq!(still.ask(SECURITY).status, 200);
    }
}

#[test]
fn faults_can_be_kept_to_one_endpoint() {
    let still = Still::new(quiet(10));
    still.change(|faults| {
        faults.only.insert(Endpoint::Login);
        faults.hang = once();
    });
    assert_eq!(still.ask(SECURITY).status, 200);
    let credentials = [("authorization", "Bearer pat-na1-simulated")];
    assert_eq!(still.fate(LOGIN, &credentials), Fate::Hang);
}

#[test]
fn other_accidents_happen_as_often_as_told() {
    let still = Still::new(quiet(10));
    let fate = || still.fate(LOGIN, &[("authorization", "Bearer pat-na1-simulated")]);
    still.change(|faults| faults.reset = once());
    assert_eq!(fate(), Fate::Reset);
    still.change(|faults| faults.truncated = once());
    assert!(matches!(fate(), Fate::Truncated(answer) if answer.status == 200));
    still.change(|faults| faults.not_json = once());
    let html = still.ask(LOGIN);
    assert_eq!((html.status, html.content_type), (200, "text/html; charset=UTF-8"));
    still.change(|faults| faults.no_logs_key = true);
    assert_eq!(still.ask(&format!("{BREVO}?offset=1000")).body, "{}");
}

#[test]
fn the_log_tells_every_request_and_its_answer() {
    let still = Still::new(quiet(10));
    still.ask(&format!("{LOGIN}?limit=5"));
    still.change(|faults| faults.statuses = BTreeMap::from([(503, once())]));
    still.ask(LOGIN);
    let requests = still.simulator.requests();
    assert_eq!(requests.counts, BTreeMap::from([(Endpoint::Login, 2)]));
    let seen: Vec<(&str, u16)> = requests.log.iter().map(|one| (one.query.as_str(), one.status)).collect();
    assert_eq!(seen, [("limit=5", 200), ("", 503)]);
}

fn refresh(still: &Still, form: &str) -> Answer {
    let asked = Asked {
        endpoint: Endpoint::Token,
        post: true,
        path: "/oauth/2026-03/token".to_owned(),
        query: String::new(),
        headers: HeaderMap::new(),
        body: bytes::Bytes::from(form.to_owned()),
    };
    match still.simulator.world().answer(&asked) {
        Fate::Answered(answer) => answer,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_access_token_is_taken_until_it_expires() {
    let still = Still::new(quiet(10));
    let form =
        "grant_type=refresh_token&client_id=simulated-client&client_secret=simulated-secret&refresh_token=";
    let answer = body(&refresh(&still, &format!("{form}simulated-refresh")));
    assert_eq!(answer["expires_in"], 1_800);
    let bearer = format!("Bearer {}", answer["access_token"].as_str().unwrap());
    let ask = || match still.fate(LOGIN, &[("authorization", &bearer)]) {
        Fate::Answered(answer) => answer,
        other => panic!("{other:?}"),
    };
    assert_eq!(ask().status, 200);
    still.pass(1_800_000);
    let expired = ask();
    assert_eq!(expired.status, 401);
    assert!(expired.body.contains("EXPIRED_AUTHENTICATION"));
    assert!(serde_json::from_str::<Value>(&expired.body).is_ok());
    let dead = refresh(&still, &format!("{form}another"));
    assert!(dead.status == 400 && dead.body.contains("BAD_REFRESH_TOKEN"));
}
