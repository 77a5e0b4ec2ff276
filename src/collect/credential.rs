//! What a source proves itself with: a token that is sent as it is, or an OAuth grant that is exchanged for
//! access tokens of half an hour (HubSpot, `POST /oauth/2026-03/token`).

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokio::time::Instant;
use url::Url;

use super::fetch::Line;
use crate::config::Secret;
use crate::exchange::{Method, Request};
use crate::http;
use crate::store::{RotatedCredential, Store};

/// An access token is renewed this long before it ends, so that no request is sent with one that just did.
const SLACK: Duration = Duration::from_secs(60);
/// Where an answer does not say how long its token lives (the documented life is 30 minutes).
const SHORT_LIFE: u64 = 300;

/// Between two looks at the source of a refused secret: a file is cheap to read, a command may ask a vault.
const FILE_LOOK: Duration = Duration::from_millis(900);
const COMMAND_LOOK: Duration = Duration::from_secs(15);

/// What a source proves itself with.
#[derive(Debug, Clone)]
pub enum Credential {
    /// Sent as it is.
    Static(Secret),
    /// Exchanged for access tokens.
    OAuth {
        /// Where tokens are issued.
        token_url: Url,
        /// Public.
        client_id: String,
        /// The app's secret.
        client_secret: Secret,
        /// The account's grant.
        refresh_token: Secret,
    },
}

/// Where a refresh token is kept that has taken the place of the configured one.
pub trait Grants: Send + Sync {
    /// The one that is kept for this source.
    fn rotated<'a>(&'a self, source: &'a str) -> BoxFuture<'a, Option<RotatedCredential>>;

    /// Keeps one; what it fails with is said.
    fn keep<'a>(
        &'a self,
        source: &'a str,
        credential: RotatedCredential,
    ) -> BoxFuture<'a, Result<(), String>>;
}

impl Grants for Store {
    fn rotated<'a>(&'a self, source: &'a str) -> BoxFuture<'a, Option<RotatedCredential>> {
        Box::pin(async { self.rotated_credential(source).await.ok().flatten() })
    }

    fn keep<'a>(
        &'a self,
        source: &'a str,
        credential: RotatedCredential,
    ) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            self.keep_credential(source, credential).await.map_err(|failure| failure.to_string())
        })
    }
}

/// The credential in use.
struct Current {
    token: SecretString,
    /// Of the configured secret that it comes from.
    origin: [u8; 32],
    expires: Option<Instant>,
}

/// Keeps the credential in use and renews it. Behind the caller's lock: one renewal at a time serves all
/// streams.
pub(super) struct Wallet {
    source: String,
    credential: Credential,
    current: Option<Current>,
    /// Digest of the configured secret that was read last, accepted or not.
    used: Option<[u8; 32]>,
    /// When the secret's source was looked at while the provider refused.
    looked: Option<Instant>,
}

impl std::fmt::Debug for Wallet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wallet").field("source", &self.source).finish_non_exhaustive()
    }
}

/// Why there is no credential.
#[derive(Debug)]
pub(super) enum NoCredential {
    /// It can't be read or is refused: hold.
    Refused(String),
    /// There is no answer: try again.
    Unreached(http::Error),
    /// The token endpoint does not answer as it should: try again.
    Unavailable(String),
}

/// The grant's answer (`oauth_279897_2026-03.json`).
#[derive(Deserialize)]
struct Granted {
    access_token: SecretString,
    expires_in: Option<u64>,
    refresh_token: Option<SecretString>,
}

impl Wallet {
    pub(super) fn new(source: String, credential: Credential) -> Self {
        Self { source, credential, current: None, used: None, looked: None }
    }

    /// The token to send, with the digest of the secret that it comes from.
    pub(super) async fn token(
        &mut self,
        line: Line<'_>,
        grants: &dyn Grants,
    ) -> Result<(SecretString, [u8; 32]), NoCredential> {
        let current = match self.current.take() {
            Some(current) if current.expires.is_none_or(|expires| Instant::now() < expires) => current,
            _ => self.obtain(line, grants).await?,
        };
        let result = (current.token.clone(), current.origin);
        self.current = Some(current);
        Ok(result)
    }

    /// The provider refused `token`. True when it is worth trying again at once: the secret has changed at its
    /// source, another stream has renewed the token, or there is a fresh access token to be had.
    pub(super) async fn refused(&mut self, token: &SecretString) -> bool {
        let renewed = |current: &Current| current.token.expose_secret() != token.expose_secret();
        if self.current.as_ref().is_none_or(renewed) {
            return true;
        }
        if matches!(self.credential, Credential::OAuth { .. }) {
            self.current = None;
            return true;
        }
        self.forget_if_changed().await
    }

    /// Looks at the secret's source, not too often; true when there is another secret than the one used last.
    pub(super) async fn look_for_another(&mut self) -> bool {
        let pause = if matches!(self.configured(), Secret::Command(_)) { COMMAND_LOOK } else { FILE_LOOK };
        if self.looked.is_some_and(|looked| looked.elapsed() < pause) {
            return false;
        }
        let changed = self.forget_if_changed().await;
        self.looked = Some(Instant::now());
        changed
    }

    async fn forget_if_changed(&mut self) -> bool {
        let Ok(now) = self.origin().await else { return false };
        let changed = self.used != Some(now);
        if changed {
            self.current = None;
            self.used = Some(now);
        }
        changed
    }

    async fn origin(&self) -> Result<[u8; 32], NoCredential> {
        Ok(digest(&self.read(self.configured()).await?))
    }

    fn configured(&self) -> &Secret {
        match &self.credential {
            Credential::Static(secret) => secret,
            Credential::OAuth { refresh_token, .. } => refresh_token,
        }
    }

    async fn read(&self, secret: &Secret) -> Result<SecretString, NoCredential> {
        let read = secret.read_async().await;
        read.map_err(|failure| NoCredential::Refused(format!("sources.{}: {failure}", self.source)))
    }

    async fn obtain(&mut self, line: Line<'_>, grants: &dyn Grants) -> Result<Current, NoCredential> {
        let configured = self.read(self.configured()).await?;
        let origin = digest(&configured);
        self.used = Some(origin);
        let Credential::OAuth { token_url, client_id, client_secret, .. } = &self.credential else {
            return Ok(Current { token: configured, origin, expires: None });
        };
        let app_secret = self.read(client_secret).await?;
        let rotated = grants.rotated(&self.source).await;
        let rotated =
            rotated.filter(|rotated| rotated.replaces == origin).map(|rotated| rotated.secret.into());
        let grant = rotated.as_ref().unwrap_or(&configured);
        let form = Form { client_id, app_secret: &app_secret, grant };
        let granted = match form.exchange(line, token_url).await {
            // The rotated grant may be dead while the configured one lives again.
            Err(NoCredential::Refused(_)) if rotated.is_some() => {
                Form { grant: &configured, ..form }.exchange(line, token_url).await?
            }
            other => other?,
        };
        if let Some(next) = granted.refresh_token.filter(|next| next.expose_secret() != grant.expose_secret())
        {
            let kept = RotatedCredential { replaces: origin, secret: next.expose_secret().to_owned() };
            // The old grant may be dead now: without the new one on disk, a restart would lose the account.
            grants.keep(&self.source, kept).await.map_err(|failure| {
                NoCredential::Unavailable(format!("keeping the rotated refresh token: {failure}"))
            })?;
        }
        let life = Duration::from_secs(granted.expires_in.unwrap_or(SHORT_LIFE));
        let expires = Instant::now() + life.saturating_sub(SLACK.min(life / 4));
        Ok(Current { token: granted.access_token, origin, expires: Some(expires) })
    }
}

/// The body of a token request.
#[derive(Clone, Copy)]
struct Form<'a> {
    client_id: &'a str,
    app_secret: &'a SecretString,
    grant: &'a SecretString,
}

impl Form<'_> {
    async fn exchange(self, line: Line<'_>, token_url: &Url) -> Result<Granted, NoCredential> {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "refresh_token")
            .append_pair("client_id", self.client_id)
            .append_pair("client_secret", self.app_secret.expose_secret())
            .append_pair("refresh_token", self.grant.expose_secret())
            .finish();
        let request = Request {
            method: Method::Post,
            url: token_url.clone(),
            headers: vec![("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())],
            body: Bytes::from(body),
        };
        let unavailable = |reason: String| NoCredential::Unavailable(format!("the token endpoint: {reason}"));
        let reply = line.send(None, request).await.map_err(NoCredential::Unreached)?;
        match reply.status {
            // The body holds secrets: what is wrong with it is said by place alone.
            200 => serde_json::from_slice(&reply.body).map_err(|failure| {
                unavailable(format!(
                    "its answer can't be read (line {}, column {})",
                    failure.line(),
                    failure.column()
                ))
            }),
            status @ (400 | 401 | 403) => Err(NoCredential::Refused(format!(
                "HubSpot refuses the OAuth grant (status {status}): check client_id and client_secret, or \
                 authorize the app again and put in the new refresh_token"
            ))),
            status => Err(unavailable(format!("status {status}"))),
        }
    }
}

fn digest(secret: &SecretString) -> [u8; 32] {
    Sha256::digest(secret.expose_secret().as_bytes()).into()
}
