//! What Brevo's answers other than 200 mean. One status has several meanings, which only the message tells
//! apart; `code` is an open string, whatever the specification lists.

use std::borrow::Cow;
use std::time::Duration;

use jiff::Timestamp;

use crate::exchange::Reply;
use crate::provider::fields::Fields;
use crate::provider::refusal::{Words, wait};
use crate::provider::{Refusal, StreamSpec, page};

/// The budget is an hour's, so that no reset can be further away.
const WINDOW_SECONDS: u64 = 3_600;

pub(super) fn read(stream: Option<&StreamSpec>, reply: &Reply, now: Timestamp) -> Refusal {
    let text = page::text(&reply.body);
    let fields = Fields::read(&text).ok();
    let said = |name: &str| fields.as_ref().and_then(|fields| fields.filled(name)).map(Cow::into_owned);
    let id = reply.headers.get("sib-request-id");
    let words = Words {
        peer: "Brevo",
        message: said("message").or_else(|| said("code")),
        reference: id.map(|id| format!("request id {id}")),
    };
    let message = words.message.as_deref().unwrap_or_default().to_lowercase();
    let forbidden =
        |stream_only, advice| Refusal::Forbidden { stream_only, reason: words.reason(reply, advice) };
    match reply.status {
        401 if is_about_address(&message) => forbidden(
            false,
            "add this machine's address to the Authorized IPs of the Brevo account (Security), or turn the blocking off",
        ),
        401 => Refusal::Credential {
            reason: words.reason(
                reply,
                "check that the API key (xkeysib-…, not an SMTP key) is complete and was not deleted",
            ),
        },
        400 | 402 | 403 if message.contains("enterprise") || message.contains("plan not eligible") => {
            forbidden(stream.is_some(), "the user activity log needs Brevo's Enterprise plan")
        }
        402 => forbidden(false, "see what Brevo says of the account's subscription"),
        403 if words.message.is_some() => forbidden(
            stream.is_some(),
            "the key's account may not read this; use a key of the account itself and check its plan",
        ),
        404 | 410 => forbidden(stream.is_some(), "check base_url"),
        429 => Refusal::RateLimited {
            wait: wait(reply, now).or_else(|| reset(reply)),
            reason: words.reason(reply, ""),
        },
        _ => words
            .common(reply, now)
            .unwrap_or_else(|| Refusal::BadRequest { reason: words.reason(reply, "") }),
    }
}

/// Whether a 401 refuses the sender's address, not its key. The words vary; the spelling was British so far.
fn is_about_address(message: &str) -> bool {
    [
        "unrecognised ip",
        "unrecognized ip",
        "authorised_ip",
        "authorized_ip",
        "ip not authori",
        "ip address",
        "not verified",
    ]
    .iter()
    .any(|words| message.contains(words))
}

/// `x-sib-ratelimit-reset`: seconds from now (<https://developers.brevo.com/docs/limit-headers>).
fn reset(reply: &Reply) -> Option<Duration> {
    let seconds = reply.headers.number("x-sib-ratelimit-reset")?;
    Some(Duration::from_secs(seconds.clamp(1, WINDOW_SECONDS)))
}
