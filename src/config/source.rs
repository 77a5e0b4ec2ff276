//! `[sources.NAME]`: from a read table to a checked source.

use std::time::Duration;

use super::fault::Problem;
use super::plaintext::refuse_plaintext;
use super::table::{Named, Table};
use super::{HubSpotCredential, Mirrored, Polling, Source, SourceKind, Start, unit};

const DAY: Duration = Duration::from_secs(86_400);
/// HubSpot's login history reaches 90 days back (developers.hubspot.com, Account activity API).
const HUBSPOT_LOGIN_HORIZON: Duration = DAY.saturating_mul(90);
/// Brevo's activity log reaches 12 months back (developers.brevo.com, Get user activity logs).
const BREVO_HORIZON: Duration = DAY.saturating_mul(365);
/// The versions that the program was tried against.
const KNOWN_VERSIONS: [&str; 4] = ["v3", "2025-09", "2026-03", "2026-09"];

/// Reads a source; `None` when a fault leaves nothing to build.
pub(super) fn read(named: Named<'_>) -> Option<Source> {
    let Named { name, r#type, mut table } = named;
    let base_url = table.url("base_url");
    if base_url.as_ref().is_some_and(|url| url.query().is_some()) {
        table
            .fault("base_url", Problem::new("has a query (`?…`)").hint("give the part that all paths share"));
    }
    refuse_plaintext(&mut table, "base_url", base_url.as_slice());
    let account_id = table.account("account_id");
    let (kind, streams, horizon) = match r#type {
        "hubspot" => hubspot(&mut table),
        "brevo" => brevo(&mut table),
        other => {
            debug_assert!(false, "the source type {other} is listed, but not read");
            return None;
        }
    };
    // The provider has forgotten everything that lies before this.
    let reach = if streams == ["login"] { HUBSPOT_LOGIN_HORIZON } else { horizon };
    let polling = polling(&mut table, horizon, reach);
    table.finish();
    Some(Source { name, base_url: base_url?, account_id, streams, polling, kind: kind? })
}

fn hubspot(table: &mut Table<'_>) -> (Option<SourceKind>, Vec<String>, Duration) {
    let credential = hubspot_credential(table);
    let api_version = table.version("api_version");
    if let Some(version) = api_version.as_ref().filter(|version| !KNOWN_VERSIONS.contains(&version.as_str()))
    {
        table.review.warn(format!(
            "{}: version {version} is newer or older than any that this auditferry was tried with",
            table.path_of("api_version")
        ));
    }
    let mirrored = match table.choice("mirrored") {
        "drop" => Mirrored::Drop,
        _ => Mirrored::Tag,
    };
    let requests_per_10s = table.count("requests_per_10s");
    let kind = credential.zip(api_version).map(|(credential, api_version)| SourceKind::HubSpot {
        credential,
        api_version,
        mirrored,
        requests_per_10s,
    });
    (kind, table.words("streams"), table.duration("horizon"))
}

fn hubspot_credential(table: &mut Table<'_>) -> Option<HubSpotCredential> {
    let token = table.secret("token");
    let oauth = table.optional_table("oauth").and_then(|mut oauth| {
        let client_id = oauth.text("client_id");
        let client_secret = oauth.secret("client_secret");
        let refresh_token = oauth.secret("refresh_token");
        oauth.finish();
        let (client_secret, refresh_token) = client_secret.zip(refresh_token)?;
        Some(HubSpotCredential::OAuth { client_id: client_id?, client_secret, refresh_token })
    });
    match (table.has("token"), table.has("oauth")) {
        (true, true) => table.fault("oauth", Problem::new("contradicts `token`").hint("keep one of the two")),
        (false, false) => table.fault(
            "",
            Problem::new("there is no credential").hint("add token = { env = \"HUBSPOT_TOKEN\" }, or oauth"),
        ),
        _ => {}
    }
    token.map(HubSpotCredential::Token).or(oauth)
}

fn brevo(table: &mut Table<'_>) -> (Option<SourceKind>, Vec<String>, Duration) {
    let api_key = table.secret("api_key");
    let requests_per_hour = table.count("requests_per_hour");
    let kind = api_key.map(|api_key| SourceKind::Brevo { api_key, requests_per_hour });
    (kind, vec!["activities".to_owned()], BREVO_HORIZON)
}

/// `horizon` is what the source is told, `reach` what its streams have at most.
fn polling(table: &mut Table<'_>, horizon: Duration, reach: Duration) -> Polling {
    let interval = table.duration("poll_interval");
    let lookback = table.duration("lookback");
    for (key, duration, consequence) in [
        ("poll_interval", interval, "events would be forgotten before they are collected"),
        ("lookback", lookback, "there is nothing left to read there"),
    ] {
        if duration > reach {
            let what = format!(
                "{} reaches beyond the {} that the provider remembers",
                unit::show(duration),
                unit::show(reach)
            );
            table
                .fault(key, Problem::new(what).hint(format!("{consequence}: at most {}", unit::show(reach))));
        }
    }
    Polling {
        interval,
        lookback,
        start: start(table, reach),
        reconcile_interval: table.duration("reconcile_interval"),
        reconcile_depth: table.duration("reconcile_depth").min(reach),
        horizon,
    }
}

/// A start that lies before everything the provider remembers is moved to where its memory begins.
fn start(table: &mut Table<'_>, reach: Duration) -> Start {
    let start = table.start("start").unwrap_or(Start::Ago(reach));
    let beyond = match start {
        Start::Ago(ago) => ago > reach,
        Start::At(time) => table.review.now.duration_since(time).unsigned_abs() > reach,
    };
    if !beyond {
        return start;
    }
    if table.has("start") {
        table.review.warn(format!(
            "{}: the provider remembers {}; the first poll reaches no further",
            table.path_of("start"),
            unit::show(reach)
        ));
    }
    Start::Ago(reach)
}
