//! What HubSpot's answers other than 200 mean
//! (<https://developers.hubspot.com/docs/api-reference/error-handling>: all members of an error are optional).

use std::borrow::Cow;
use std::time::Duration;

use jiff::Timestamp;

use crate::exchange::Reply;
use crate::provider::fields::Fields;
use crate::provider::refusal::{Words, wait};
use crate::provider::{Refusal, StreamSpec, page};

/// The one scope that all three logs need.
const SCOPE: &str = "account-info.security.read";

/// The account's zone, at whose midnight the day's quota begins anew, is not known here; an hour costs 24
/// requests a day at most.
const DAILY_WAIT: Duration = Duration::from_secs(3_600);

/// "423 Locked": the lock lasts two seconds.
const LOCK: Duration = Duration::from_secs(2);

pub(super) fn read(stream: Option<&StreamSpec>, reply: &Reply, now: Timestamp) -> Refusal {
    let text = page::text(&reply.body);
    let fields = Fields::read(&text).ok();
    let said = |name: &str| fields.as_ref().and_then(|fields| fields.filled(name)).map(Cow::into_owned);
    let id =
        said("correlationId").or_else(|| reply.headers.get("x-hubspot-correlation-id").map(str::to_owned));
    let words = Words {
        peer: "HubSpot",
        // An error without a message is HubSpot's own still.
        message: said("message").or_else(|| said("category")).or_else(|| said("errorType")),
        reference: id.map(|id| format!("correlation id {id}")),
    };
    match (reply.status, &fields) {
        (401, _) => Refusal::Credential {
            reason: words
                .reason(reply, "check that the token is complete, has not expired and was not revoked"),
        },
        (403, Some(fields)) => forbidden(stream, reply, &words, fields),
        (402, _) => Refusal::Forbidden {
            stream_only: stream.is_some(),
            reason: words.reason(reply, "the account's subscription does not cover this"),
        },
        (404 | 410, _) => Refusal::Forbidden {
            stream_only: stream.is_some(),
            reason: words.reason(reply, &not_there(stream)),
        },
        (423, _) => Refusal::Retry {
            after: Some(wait(reply, now).unwrap_or(LOCK).max(LOCK)),
            reason: words.reason(reply, ""),
        },
        (429, _) => Refusal::RateLimited {
            wait: wait(reply, now).or_else(|| window_wait(reply, said("policyName"), said("message"))),
            reason: words.reason(reply, ""),
        },
        // "Migration in Progress", for up to a day; `Retry-After` says how long.
        (477, _) => Refusal::Retry { after: wait(reply, now), reason: words.reason(reply, "") },
        _ => words
            .common(reply, now)
            .unwrap_or_else(|| Refusal::BadRequest { reason: words.reason(reply, "") }),
    }
}

/// A 403 in HubSpot's words: a scope, the user behind the app, or, on audit logs alone, the plan.
fn forbidden(stream: Option<&StreamSpec>, reply: &Reply, words: &Words, fields: &Fields<'_>) -> Refusal {
    let body = page::text(&reply.body);
    let plan_gated = stream.is_some_and(|stream| stream.plan_gated);
    let missing_scope = fields.text("category").is_some_and(|category| category == "MISSING_SCOPES")
        || body.contains("requiredScopes")
        || body.contains("requiredGranularScopes");
    // HubSpot puts a plan that lacks a feature as a scope that no app of the account can have.
    let another_scope = fields.json("errors").is_some_and(|errors| {
        (errors.contains("requiredScopes") || errors.contains("requiredGranularScopes"))
            && !errors.contains(SCOPE)
    });
    if missing_scope && !(plan_gated && another_scope) {
        let advice = format!("grant the scope {SCOPE} to the app or service key, then renew its token");
        return Refusal::Forbidden { stream_only: false, reason: words.reason(reply, &advice) };
    }
    if body.contains("USER_DOES_NOT_HAVE_PERMISSIONS") {
        let advice =
            "the user who created the app has lost the right to it; rotate its token as a super admin";
        return Refusal::Forbidden { stream_only: false, reason: words.reason(reply, advice) };
    }
    let advice = if plan_gated {
        "audit_logs needs HubSpot Enterprise; without it, take audit_logs out of streams".to_owned()
    } else {
        format!("check that the token may read account information ({SCOPE})")
    };
    Refusal::Forbidden { stream_only: plan_gated, reason: words.reason(reply, &advice) }
}

fn not_there(stream: Option<&StreamSpec>) -> String {
    let mut advice = "check base_url and api_version".to_owned();
    if stream.is_some_and(|stream| stream.plan_gated) {
        advice.insert_str(
            0,
            "audit_logs needs HubSpot Enterprise; without it, take audit_logs out of streams; else ",
        );
    }
    advice
}

/// How long a limit lasts that comes without `Retry-After`, which HubSpot documents for 477 alone.
fn window_wait(reply: &Reply, policy: Option<String>, message: Option<String>) -> Option<Duration> {
    // "You have reached your daily limit." names the policy even where `policyName` is absent.
    let policy = policy.or(message).unwrap_or_default().to_ascii_uppercase();
    let day_is_over = reply.headers.number("x-hubspot-ratelimit-daily-remaining") == Some(0);
    if policy.contains("DAILY") || day_is_over {
        return Some(DAILY_WAIT);
    }
    let window = reply.headers.number("x-hubspot-ratelimit-interval-milliseconds");
    if let Some(window) = window.filter(|window| *window > 0) {
        return Some(Duration::from_millis(window).min(DAILY_WAIT));
    }
    if policy.contains("TEN_SECONDLY") {
        return Some(Duration::from_secs(10));
    }
    policy.contains("SECONDLY").then_some(Duration::from_secs(1))
}
