//! Sources: what is refused, and what is legal.

use super::*;

#[test]
fn generous_bounds_are_legal() {
    let tight = "poll_interval = \"1s\"\nlookback = \"1m\"\nrequests_per_10s = 1_000_000\nstart = \
            \"0s\"\nreconcile_interval = \"0s\"";
    let config = sound(&with("hub", tight).replace(
        "[sources.hub]",
        "[spool]\nmax_size = \"4MiB\"\nretention = \"0s\"\n[server]\nlisten = \"\"\n[sources.hub]",
    ));
    assert_eq!(config.spool.max_size, 4 << 20);
    assert_eq!(config.listen, None);
    assert_eq!(config.sources[1].polling.lookback, Duration::from_secs(60));
    sound(&with(
        "bre",
        "requests_per_hour = 1000000\nlookback = \"0s\"\naccount_id = \"\"\nallow_plaintext = \
            true\nbase_url = \"http://mock.test/api\"",
    ));
}

#[test]
fn what_makes_no_sense_in_a_source_is_told_with_the_reason() {
    each_is_told(&[
        (
            "hub",
            "poll_interval = \"0s\"",
            "sources.hub.poll_interval: 0s is too short: polling more often only wastes the request \
            budget | at least 1s",
        ),
        (
            "hub",
            "poll_interval = 60",
            "sources.hub.poll_interval: wrong type: this is a whole number | expected a duration such \
            as \"30s\", \
             \"5m\", \"1h30m\" or \"90d\"",
        ),
        (
            "hub",
            "horizon = \"30d\"\nlookback = \"31d\"",
            "sources.hub.lookback: 31d reaches beyond the 30d that the provider remembers | there is \
            nothing left to \
             read there: at most 30d",
        ),
        (
            "hub",
            "streams = [\"login\"]\nlookback = \"91d\"",
            "sources.hub.lookback: 91d reaches beyond the 90d that the provider remembers | there is \
            nothing left to \
             read there: at most 90d",
        ),
        (
            "bre",
            "start = \"2999-01-01\"",
            "sources.bre.start: `2999-01-01` is in the future | what happens from now on is collected \
            anyway; \"0s\" \
             starts now",
        ),
        (
            "bre",
            "start = \"long ago\"",
            "sources.bre.start: `long ago` is not a duration | expected a duration such as \"30s\", \
            \"5m\", \"1h30m\" \
             or \"90d\", or a time such as \"2026-01-31T12:00:00Z\" or \"2026-01-31\"",
        ),
        (
            "bre",
            "reconcile_depth = \"0s\"",
            "sources.bre.reconcile_depth: 0s is too short: a walk of no depth finds nothing; \
            reconcile_interval = \
             \"0s\" turns it off | at least 1ms",
        ),
        (
            "bre",
            "requests_per_hour = 0",
            "sources.bre.requests_per_hour: 0 is out of bounds | expected a whole number from 1 to \
            4294967295",
        ),
        (
            "bre",
            "horizon = \"1d\"",
            "sources.bre.horizon: Brevo keeps 12 months, which no key changes | leave it out",
        ),
        (
            "hub",
            "streams = []",
            "sources.hub.streams: is empty, so nothing would be collected | expected a list out of \
            `audit_logs`, `login`, `security`",
        ),
        (
            "hub",
            "streams = [\"logins\"]",
            "sources.hub.streams: `logins` is not known | did you mean `login`?",
        ),
        (
            "hub",
            "streams = [1]",
            "sources.hub.streams: wrong type: this is a whole number | expected a list out of \
            `audit_logs`, `login`, `security`",
        ),
        ("hub", "mirrored = \"keep\"", "sources.hub.mirrored: `keep` is not known | known: `tag`, `drop`"),
        (
            "hub",
            "api_version = \"2026-13\"",
            "sources.hub.api_version: `2026-13` is not a version | expected `v3` or a year and month \
            such as `2026-09`",
        ),
        (
            "hub",
            "\"poll.interval\" = 1",
            "sources.hub.poll.interval: unknown key | did you mean `poll_interval`?",
        ),
        (
            "hub",
            "oauth = { client_id = \"a\", client_secret = { env = \"TOKEN\" }, refresh_token = { env = \
            \"TOKEN\" } }",
            "sources.hub.oauth: contradicts `token` | keep one of the two",
        ),
    ]);
}

#[test]
fn a_source_without_its_type_or_credential_is_told() {
    for (from, to, fault) in [
        ("type = \"hubspot\"\n", "", "sources.hub.type: is missing | expected one of `hubspot`, `brevo`"),
        (
            "\"hubspot\"",
            "\"hubspott\"",
            "sources.hub.type: `hubspott` is not a type of source | did you mean `hubspot`?",
        ),
        (
            "\"hubspot\"",
            "7",
            "sources.hub.type: wrong type: this is a whole number | expected text in quotes",
        ),
        (
            "token = { env = \"TOKEN\" }",
            "",
            "sources.hub: there is no credential | add token = { env = \"HUBSPOT_TOKEN\" }, or oauth",
        ),
        (
            "[sources.hub]",
            "[sources.auditferry]",
            "sources.auditferry: the name `auditferry` is taken by the daemon's own events | choose another",
        ),
        (
            "[sources.hub]",
            "[sources.9]",
            "sources.9: `9` is not a name: small letters, digits and `_`, a letter first",
        ),
        (
            "[sources.hub]",
            "[sources.My-Hub]",
            "sources.My-Hub: `My-Hub` is not a name: small letters, digits and `_`, a letter first | \
            for example `my_hub`",
        ),
    ] {
        assert_eq!(only_fault(&SOUND.replace(from, to)), fault);
    }
}

#[test]
fn plain_http_is_legal_on_loopback() {
    for host in ["127.0.0.1", "127.9.9.9:80", "[::1]:1", "[::ffff:127.0.0.1]", "localhost", "LOCALHOST:8080"]
    {
        let config = sound(&with("hub", &format!("base_url = \"http://{host}/prefix/\"")));
        assert_eq!(config.warnings, Vec::<String>::new(), "{host}");
        assert_eq!(config.sources[1].base_url.path(), "/prefix/");
    }
    for host in ["localhost.example.com", "128.0.0.1", "[::2]", "0.0.0.0"] {
        assert!(only_fault(&with("hub", &format!("base_url = \"http://{host}\""))).contains("plain http to"));
    }
}

#[test]
fn a_start_beyond_the_horizon_begins_at_the_horizon() {
    for start in ["\"400d\"", "2020-01-01"] {
        let config = sound(&with("bre", &format!("start = {start}")));
        assert_eq!(config.sources[0].polling.start, Start::Ago(Duration::from_secs(365 * 86_400)));
    }
    let config = sound(&with("hub", "horizon = \"2d\""));
    assert_eq!(config.warnings, Vec::<String>::new(), "nobody set start");
    assert_eq!(config.sources[1].polling.start, Start::Ago(Duration::from_secs(2 * 86_400)));
    assert_eq!(config.sources[1].polling.reconcile_depth, Duration::from_secs(2 * 86_400));
}

#[test]
fn an_account_id_may_be_a_number() {
    let config = sound(&with("hub", "account_id = 12345678"));
    assert_eq!(config.sources[1].account_id.as_deref(), Some("12345678"));
}
