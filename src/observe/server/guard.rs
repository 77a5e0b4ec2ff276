//! Who is answered: `server.token`, and names that point to loopback from elsewhere.

use std::net::IpAddr;
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Json, Response};
use secrecy::ExposeSecret as _;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;

use super::Shared;
use crate::config::Secret;

/// A reading of the token serves this long, so a new one at its source holds soon, and its source (a file, a vault's
/// client) is not read for each request.
const READING_LASTS: Duration = Duration::from_secs(15);

/// Guards what holds data. At least 16 bytes by the configuration, so guesses need no brake.
#[derive(Debug)]
pub(super) struct Guard {
    /// `None` lets everybody through.
    token: watch::Receiver<Option<Secret>>,
    last: Mutex<Option<Reading>>,
}

/// The token as it was read last.
#[derive(Debug)]
struct Reading {
    of: Secret,
    /// Of equal length for all tokens, so that a comparison tells nothing of it. `None` before the first good one.
    digest: Option<[u8; 32]>,
    at: Instant,
    /// Whether its source could not be read then: said once, not at every look.
    is_stale: bool,
}

impl Guard {
    pub(super) fn new(token: watch::Receiver<Option<Secret>>) -> Self {
        Self { token, last: Mutex::new(None) }
    }

    /// Whether the request carries the token, where there is one (RFC 6750, section 2.1). While its source can't be read, the last
    /// one holds: whoever is to mend that needs to see.
    pub(super) async fn admits(&self, headers: &HeaderMap) -> bool {
        let Some(token) = self.token.borrow().clone() else { return true };
        let Some(offered) = bearer(headers) else { return false };
        let mut last = self.last.lock().await;
        let reading = match last.take().filter(|reading| reading.of == token) {
            Some(reading) if reading.at.elapsed() < READING_LASTS => reading,
            older => read(token, older).await,
        };
        let digest = last.insert(reading).digest;
        digest.is_some_and(|digest| verify_slices_are_equal(&digest, &Sha256::digest(offered)).is_ok())
    }
}

async fn read(of: Secret, older: Option<Reading>) -> Reading {
    let read = of.read_async().await;
    let at = Instant::now();
    let was_stale = older.as_ref().is_some_and(|older| older.is_stale);
    match read {
        Ok(token) => {
            Reading { of, digest: Some(Sha256::digest(token.expose_secret()).into()), at, is_stale: false }
        }
        Err(error) => {
            if !was_stale {
                tracing::warn!(
                    code = "server-token-unreadable",
                    %error,
                    "server.token can't be read again; the one that was read before holds"
                );
            }
            Reading { of, digest: older.and_then(|older| older.digest), at, is_stale: true }
        }
    }
}

/// What stands behind `Authorization: Bearer`.
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, token) = value.split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then_some(token.trim_ascii())
}

/// Lets through who has the token, where there is one.
pub(super) async fn with_token(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    if shared.guard.admits(request.headers()).await {
        return next.run(request).await;
    }
    // RFC 6750, section 3.1: no error code for who did not know that a token is needed.
    let challenge = match request.headers().contains_key(header::AUTHORIZATION) {
        true => "Bearer realm=\"auditferry\", error=\"invalid_token\"",
        false => "Bearer realm=\"auditferry\"",
    };
    let error =
        json!({ "error": "this needs `Authorization: Bearer` with the token that server.token names" });
    (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge)], Json(error)).into_response()
}

/// Whether the request is addressed to loopback. A foreign page whose name an attacker lets point to 127.0.0.1
/// (DNS rebinding) sends that name. Old probes (HTTP/1.0) send none, browsers always do.
pub(super) fn names_loopback(request: &Request) -> bool {
    let Some(host) = request.headers().get(header::HOST) else { return true };
    let Ok(host) = host.to_str() else { return false };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}
