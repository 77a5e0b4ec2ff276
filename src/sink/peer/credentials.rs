//! The secrets of requests, in headers and for signatures: read once, and again when the receiver refuses them.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

use super::signature::Signer;
use crate::config::{HttpAuthorization, Secret, SecretError};

/// Between two looks at the sources of the secrets while the sink is held.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// The same where a look runs a program, such as a vault's client.
const COMMAND_INTERVAL: Duration = Duration::from_secs(15);

/// Header names in lower case, and their values.
type SecretHeaders = Vec<(String, SecretString)>;

/// Where the secrets come from.
#[derive(Debug, Clone)]
struct Sources {
    authorization: Option<HttpAuthorization>,
    headers: Vec<(String, Secret)>,
    signing: Option<Secret>,
}

/// The secrets as they were read.
#[derive(Debug)]
struct Secrets {
    headers: SecretHeaders,
    signing: Option<SecretString>,
}

#[derive(Debug)]
pub(super) struct Credentials {
    sources: Sources,
    /// As last read; kept after a refusal to see whether the source has changed.
    current: Option<Secrets>,
    /// Read at the next use.
    is_stale: bool,
    looked: Option<Instant>,
}

impl Credentials {
    pub(super) fn new(authorization: Option<HttpAuthorization>, headers: Vec<(String, Secret)>) -> Self {
        let sources = Sources { authorization, headers, signing: None };
        Self { sources, current: None, is_stale: true, looked: None }
    }

    /// The same with a secret for signatures.
    pub(super) fn signing(mut self, secret: Option<Secret>) -> Self {
        self.sources.signing = secret;
        self
    }

    /// The headers to send, in plain text.
    pub(super) async fn headers(&mut self) -> Result<Vec<(String, String)>, SecretError> {
        let headers = self.current().await?.iter().flat_map(|current| &current.headers);
        Ok(headers.map(|(name, value)| (name.clone(), value.expose_secret().to_owned())).collect())
    }

    /// The keys to sign with, if any.
    pub(super) async fn signer(&mut self) -> Result<Option<Signer>, SecretError> {
        let signing = self.current().await?.as_ref().and_then(|current| current.signing.as_ref());
        signing.map(|secret| Signer::new(secret.expose_secret())).transpose()
    }

    async fn current(&mut self) -> Result<&Option<Secrets>, SecretError> {
        if self.is_stale {
            self.current = Some(self.read().await?);
            self.is_stale = false;
        }
        Ok(&self.current)
    }

    /// The receiver refuses them.
    pub(super) fn distrust(&mut self) {
        self.is_stale = true;
    }

    /// Whether their sources hold something else than what was sent last.
    pub(super) async fn changed(&mut self) -> bool {
        let interval = if self.runs_commands() { COMMAND_INTERVAL } else { LOOK_INTERVAL };
        if self.looked.is_some_and(|looked| looked.elapsed() < interval) {
            return false;
        }
        self.looked = Some(Instant::now());
        let Ok(now) = self.read().await else { return false };
        let has_changed = !self.current.as_ref().is_some_and(|current| is_same(current, &now));
        self.is_stale |= has_changed;
        has_changed
    }

    fn runs_commands(&self) -> bool {
        let Sources { authorization, headers, signing } = &self.sources;
        let headers = headers.iter().map(|(_, secret)| secret);
        let authorization = authorization.as_ref().map(secret_of);
        authorization
            .into_iter()
            .chain(headers)
            .chain(signing)
            .any(|secret| matches!(secret, Secret::Command(_)))
    }

    async fn read(&self) -> Result<Secrets, SecretError> {
        let sources = self.sources.clone();
        tokio::task::spawn_blocking(move || {
            let signing = sources.signing.as_ref().map(Secret::read).transpose()?;
            Ok(Secrets { headers: read_headers(&sources)?, signing })
        })
        .await
        .unwrap_or_else(|error| Err(SecretError(format!("reading the secrets broke off: {error}"))))
    }
}

fn secret_of(authorization: &HttpAuthorization) -> &Secret {
    match authorization {
        HttpAuthorization::Bearer(secret)
        | HttpAuthorization::Basic { password: secret, .. }
        | HttpAuthorization::ApiKey(secret)
        | HttpAuthorization::Splunk(secret) => secret,
    }
}

/// Reads files and runs programs: blocks.
fn read_headers(Sources { authorization, headers, .. }: &Sources) -> Result<SecretHeaders, SecretError> {
    let mut read = SecretHeaders::with_capacity(headers.len() + 1);
    if let Some(authorization) = authorization {
        let secret = secret_of(authorization).read()?;
        let secret = secret.expose_secret();
        let value = match authorization {
            HttpAuthorization::Bearer(_) => format!("Bearer {secret}"),
            HttpAuthorization::Basic { username, .. } => {
                format!("Basic {}", BASE64_STANDARD.encode(format!("{username}:{secret}")))
            }
            HttpAuthorization::ApiKey(_) => format!("ApiKey {secret}"),
            HttpAuthorization::Splunk(_) => format!("Splunk {secret}"),
        };
        read.push(("authorization".to_owned(), value.into()));
    }
    for (name, secret) in headers {
        read.push((name.to_ascii_lowercase(), secret.read()?));
    }
    Ok(read)
}

fn is_same(left: &Secrets, right: &Secrets) -> bool {
    let signing =
        [&left.signing, &right.signing].map(|secret| secret.as_ref().map(ExposeSecret::expose_secret));
    signing[0] == signing[1]
        && left.headers.len() == right.headers.len()
        && left.headers.iter().zip(&right.headers).all(|((left_name, left), (right_name, right))| {
            left_name == right_name && left.expose_secret() == right.expose_secret()
        })
}
