//! How a receiver of webhooks checks who sent a request (Standard Webhooks, version 1).

use aws_lc_rs::hmac;
use axum::http::HeaderMap;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// Seconds that a request's time may be off, as the libraries of the specification have it.
const TOLERANCE: u64 = 5 * 60;

/// Checks the signature over the bytes of a body as they came; `now` in seconds since 1970.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn check(secret: &str, headers: &HeaderMap, body: &[u8], now: i64) -> Result<(), String> {
    let header = |name: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.ok_or_else(|| format!("the request has no {name}"))
    };
    let (id, timestamp) = (header("webhook-id")?, header("webhook-timestamp")?);
    let sent: i64 = timestamp.parse().map_err(|_| "webhook-timestamp is no number of seconds".to_owned())?;
    if now.abs_diff(sent) > TOLERANCE {
        return Err(format!("webhook-timestamp is {} s off", now.abs_diff(sent)));
    }
    let key = match secret.strip_prefix("whsec_") {
        Some(text) => BASE64_STANDARD.decode(text).map_err(|error| format!("signing_secret: {error}"))?,
        None => secret.as_bytes().to_vec(),
    };
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let signed = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat();
    let is_good = header("webhook-signature")?.split(' ').any(|one| {
        let tag = one.strip_prefix("v1,").and_then(|text| BASE64_STANDARD.decode(text).ok());
        tag.is_some_and(|tag| hmac::verify(&key, &signed, &tag).is_ok())
    });
    if is_good { Ok(()) } else { Err("webhook-signature is not that of this request".to_owned()) }
}
