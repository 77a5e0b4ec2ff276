//! One look at an account, for `check` and `preview`: whose it is, and one page of a stream. It needs no store,
//! moves no cursor, and tries nothing twice: who looks wants to know how it is now.

use std::sync::Arc;

use jiff::SignedDuration;
use secrecy::{ExposeSecret, SecretString};

use super::copies::Copies;
use super::credential::{Credential, Grants, NoCredential, Wallet};
use super::fetch::Line;
use crate::clock::Clock;
use crate::event::{Account, IdentityScope, StoredEvent, StreamName};
use crate::exchange::{Reply, Request};
use crate::http::{self, Client};
use crate::meter::AccountMeter;
use crate::provider::{About, PageToken, Provider, Query, Refusal, StreamSpec, Unit};

/// Before the first one of a stream, so that it leaves no hole: nothing was collected.
const NO_SEQUENCE: i64 = 0;

/// What a probe is made of.
pub struct ProbeOptions {
    /// The source's name in the configuration.
    pub source: String,
    /// Whom to ask.
    pub provider: Arc<dyn Provider>,
    /// With what.
    pub credential: Credential,
    /// Where a refresh token goes that the provider hands out meanwhile.
    pub grants: Box<dyn Grants>,
    /// Over which connections.
    pub client: Client,
    /// For what is compared with the provider's clock.
    pub clock: Clock,
}

/// Asks one account, one request after the other.
pub struct Probe {
    options: ProbeOptions,
    wallet: Wallet,
    meter: AccountMeter,
    seen: Seen,
}

impl std::fmt::Debug for Probe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Probe").field("source", &self.options.source).finish_non_exhaustive()
    }
}

/// What any answer has told besides its body.
#[derive(Debug, Clone, Copy, Default)]
pub struct Seen {
    /// Whether the provider has taken the credential for valid.
    pub accepted: bool,
    /// The provider's clock minus ours.
    pub clock_offset: Option<SignedDuration>,
    /// Requests left in the provider's window.
    pub quota_left: Option<u64>,
    /// How long the last answer took.
    pub elapsed: Option<std::time::Duration>,
}

/// Why there is nothing to show.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ProbeError {
    /// There is no answer; there will be none to the next request either.
    #[error("{0}")]
    Unreached(http::Error),
    /// The credential can't be read or is refused; the next request would be refused too.
    #[error("{0}")]
    Credential(String),
    /// The credential may not do this: scope, plan, address.
    #[error("{0}")]
    Forbidden(String),
    /// Too many requests from this account: the next one would only be one more.
    #[error("{0}")]
    RateLimited(String),
    /// The answer is none that was asked for, or one for later.
    #[error("{0}")]
    Failed(String),
}

impl ProbeError {
    /// Whether the next request would come to the same.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Unreached(_) | Self::Credential(_) | Self::RateLimited(_))
    }
}

impl Probe {
    /// A probe that has not asked yet.
    pub fn new(options: ProbeOptions) -> Self {
        let wallet = Wallet::new(options.source.clone(), options.credential.clone());
        Self { options, wallet, meter: AccountMeter::default(), seen: Seen::default() }
    }

    /// What the answers so far have told besides their bodies.
    pub fn seen(&self) -> Seen {
        self.seen
    }

    /// The account that the credential belongs to.
    ///
    /// # Errors
    /// See [`ProbeError`].
    pub async fn account(&mut self) -> Result<Account, ProbeError> {
        let provider = Arc::clone(&self.options.provider);
        let reply = self.ask(None, provider.account_request()).await?;
        provider.read_account(&reply.body).map_err(|unreadable| ProbeError::Failed(unreadable.what))
    }

    /// The events on the first page of a stream, at most `limit`, as events of `account`.
    ///
    /// # Errors
    /// See [`ProbeError`].
    pub async fn page(
        &mut self,
        spec: &'static StreamSpec,
        account: &Account,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, ProbeError> {
        let provider = Arc::clone(&self.options.provider);
        let most = spec.page_limits.iter().copied().max().unwrap_or(limit);
        let query =
            Query { range: None, unit: Unit::default(), limit: limit.min(most), at: PageToken::First };
        let reply = self.ask(Some(spec), provider.page_request(spec, &query)).await?;
        let collected = self.options.clock.now();
        let page = provider
            .read_page(spec, &query, &reply.body)
            .map_err(|unreadable| ProbeError::Failed(unreadable.what))?;
        let ordinals = spec.ordinals.then(|| Copies::default().count(0, &page.records));
        let scope = IdentityScope::new(provider.name(), &account.id, spec.name);
        let source = &self.options.source;
        let stream = Arc::new(StreamName { source: source.clone(), stream: spec.name.to_owned() });
        let events = page.records.into_iter().take(limit as usize).enumerate().map(|(index, record)| {
            let ordinal = ordinals.as_ref().and_then(|ordinals| ordinals.get(index).copied());
            let id = scope.id(&record.identity, ordinal);
            let event = provider.event(spec, &record, &About { id, source, account, collected });
            StoredEvent {
                position: 0,
                stream: Arc::clone(&stream),
                sequence: NO_SEQUENCE,
                id,
                core: event.to_core().into(),
                original: record.text.into(),
            }
        });
        Ok(events.collect())
    }

    /// One request, sent once.
    async fn ask(
        &mut self,
        stream: Option<&'static StreamSpec>,
        mut request: Request,
    ) -> Result<Reply, ProbeError> {
        let token = self.token().await?;
        let ProbeOptions { provider, client, clock, .. } = &self.options;
        provider.authorize(&mut request, token.expose_secret());
        let line = Line { client, meter: &self.meter };
        let reply =
            line.send(stream.map(|stream| stream.name), request).await.map_err(ProbeError::Unreached)?;
        let now = clock.now();
        let refusal = (reply.status != 200).then(|| provider.read_refusal(stream, &reply, now));
        let quota = provider.read_quota(&reply.headers).remaining;
        self.seen = Seen {
            accepted: self.seen.accepted || refusal.is_none(),
            clock_offset: reply.headers.date().map(|theirs| theirs.duration_since(now)),
            quota_left: quota.or(self.seen.quota_left),
            elapsed: Some(reply.elapsed),
        };
        match refusal {
            None => Ok(reply),
            Some(Refusal::Credential { reason }) => Err(ProbeError::Credential(reason)),
            Some(Refusal::Forbidden { reason, .. }) => Err(ProbeError::Forbidden(reason)),
            Some(Refusal::RateLimited { reason, .. }) => Err(ProbeError::RateLimited(reason)),
            Some(Refusal::Retry { reason, .. } | Refusal::BadRequest { reason }) => {
                Err(ProbeError::Failed(reason))
            }
        }
    }

    async fn token(&mut self) -> Result<SecretString, ProbeError> {
        let ProbeOptions { client, grants, .. } = &self.options;
        let line = Line { client, meter: &self.meter };
        match self.wallet.token(line, grants.as_ref()).await {
            Ok((token, _)) => Ok(token),
            Err(NoCredential::Refused(reason)) => Err(ProbeError::Credential(reason)),
            Err(NoCredential::Unreached(failure)) => Err(ProbeError::Unreached(failure)),
            Err(NoCredential::Unavailable(reason)) => Err(ProbeError::Failed(reason)),
        }
    }
}
