//! The caller of one account: every request of its streams goes through here. It waits for the budget, puts
//! the credential in, tries again what fails in passing, and closes the [gate](Hold) when it is refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret;
use tokio::sync::{Mutex, watch};

use super::credential::{Credential, NoCredential, Wallet};
use super::fetch::{Fetch, FetchError, Line};
use super::gate::Gate;
pub use super::gate::Hold;
use crate::backoff::Backoff;
use crate::budget::{Budget, Priority};
use crate::clock::Clock;
use crate::event::Account;
use crate::exchange::{Reply, Request};
use crate::http::Client;
use crate::meter::AccountMeter;
use crate::provider::{Provider, Refusal, StreamSpec};
use crate::store::Store;

/// Tries of one request before the poll gives up; it is repeated a little later anyway.
const TRIES: u32 = 6;
/// The failure in a row that is told: one alone is everyday life.
const TOLD: u32 = 2;
/// Between two tries: the documented lock of a 423 is 2 s, gateways want "a few seconds".
const FIRST_DELAY: Duration = Duration::from_secs(1);
const LONGEST_DELAY: Duration = Duration::from_secs(30);
/// Where a 429 does not say how long: HubSpot's window.
const RATE_WINDOW: Duration = Duration::from_secs(10);
/// A clock further apart than this is worth a warning.
pub const NOTABLE_SKEW: SignedDuration = SignedDuration::from_secs(60);

/// What a caller is made of.
pub struct CallerOptions {
    /// The source's name in the configuration.
    pub source: String,
    /// The account that the configuration names, if it does.
    pub account_id: Option<String>,
    /// Whom to ask.
    pub provider: Arc<dyn Provider>,
    /// With what.
    pub credential: Credential,
    /// How often.
    pub budget: Budget,
    /// Over which connections.
    pub client: Client,
    /// Where the account is kept.
    pub store: Store,
    /// For what is compared with the provider's clock.
    pub clock: Clock,
    /// Where requests are counted.
    pub meter: AccountMeter,
}

/// Calls one account; cheap to clone.
#[derive(Clone)]
pub struct Caller {
    shared: Arc<Shared>,
    priority: Priority,
}

struct Shared {
    options: CallerOptions,
    /// One renewal at a time; held over the token endpoint's answer on purpose.
    wallet: Mutex<Wallet>,
    gate: Gate,
    /// The account, with the digest of the secret that proved it.
    account: Mutex<Option<([u8; 32], Arc<Account>)>>,
    /// Provider's clock minus ours, in seconds.
    skew: AtomicI64,
    credential_changes: AtomicU64,
}

impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Caller").field("source", &self.shared.options.source).finish_non_exhaustive()
    }
}

impl Caller {
    /// A caller that has not called yet.
    pub fn new(options: CallerOptions) -> Self {
        let gate = Gate::new(options.source.clone());
        let wallet = Mutex::new(Wallet::new(options.source.clone(), options.credential.clone()));
        let shared = Shared {
            options,
            wallet,
            gate,
            account: Mutex::new(None),
            skew: AtomicI64::new(0),
            credential_changes: AtomicU64::new(0),
        };
        Self { shared: Arc::new(shared), priority: Priority::Live }
    }

    /// The same, living on the requests that live polling leaves.
    #[must_use]
    pub fn spare(&self) -> Self {
        Self { priority: Priority::Spare, ..self.clone() }
    }

    /// Whether and why the account is held.
    pub fn hold(&self) -> watch::Receiver<Option<Hold>> {
        self.shared.gate.watch()
    }

    /// Counts the changes of the secret that were noticed.
    pub fn credential_changes(&self) -> u64 {
        self.shared.credential_changes.load(Ordering::Relaxed)
    }

    /// Looks whether the secret has changed at its source since it was used last; then the next request is a
    /// try with the new one.
    pub async fn recheck_credential(&self) {
        if self.shared.wallet.lock().await.look_for_another().await {
            self.shared.credential_changes.fetch_add(1, Ordering::Relaxed);
            self.shared.gate.try_now();
        }
    }

    /// The account that the credential belongs to: asked once per credential, and the same for ever under one
    /// source name.
    ///
    /// # Errors
    /// [`FetchError::Held`] when the provider does not say and nothing else does, or when it is another one
    /// than before.
    pub async fn account(&self) -> Result<Arc<Account>, FetchError> {
        let mut known = self.shared.account.lock().await;
        let origin = self.token().await?.1;
        if let Some((proven, account)) = &*known
            && *proven == origin
        {
            return Ok(Arc::clone(account));
        }
        let account = Arc::new(self.identify().await?);
        *known = Some((origin, Arc::clone(&account)));
        Ok(account)
    }

    /// A secret that was replaced in the middle of a poll may be another account's: nothing is read with it
    /// before the provider has said whose it is.
    async fn prove(&self, origin: [u8; 32]) -> Result<(), FetchError> {
        let is_proven = matches!(&*self.shared.account.lock().await, Some((proven, _)) if *proven == origin);
        // Boxed, since asking is a call too.
        if is_proven { Ok(()) } else { Box::pin(self.account()).await.map(drop) }
    }

    async fn identify(&self) -> Result<Account, FetchError> {
        let CallerOptions { source, account_id, store, .. } = &self.shared.options;
        let stored =
            |failure: crate::store::StoreError| FetchError::Unavailable { reason: failure.to_string() };
        let account = match account_id {
            Some(id) => Account { id: id.clone(), name: None },
            None => match self.ask_account().await {
                Ok(account) => account,
                Err(FetchError::StreamRefused { reason } | FetchError::BadRequest { reason }) => {
                    let Some(kept) = store.account(source).await.map_err(stored)? else {
                        return Err(self.shared.gate.close(unnamed_account(source, &reason)));
                    };
                    // This was the try that a closed gate allows; the streams have theirs yet to come.
                    self.shared.gate.open();
                    kept
                }
                Err(other) => return Err(other),
            },
        };
        let bound = store.bind_account(source, account.clone()).await.map_err(stored)?;
        if bound.id == account.id {
            return Ok(account);
        }
        Err(self.shared.gate.close(another_account(source, &account.id, &bound.id)))
    }

    async fn ask_account(&self) -> Result<Account, FetchError> {
        let provider = &self.shared.options.provider;
        let reply = self.call(None, provider.account_request()).await?;
        provider
            .read_account(&reply.body)
            .map_err(|unreadable| FetchError::StreamRefused { reason: unreadable.what })
    }

    async fn token(&self) -> Result<(secrecy::SecretString, [u8; 32]), FetchError> {
        let CallerOptions { client, meter, store, .. } = &self.shared.options;
        match self.shared.wallet.lock().await.token(Line { client, meter }, store).await {
            Ok(token) => Ok(token),
            Err(NoCredential::Refused(reason)) => Err(self.shared.gate.close(reason)),
            Err(NoCredential::Unreached(failure)) => {
                Err(FetchError::Unavailable { reason: format!("the token endpoint: {failure}") })
            }
            Err(NoCredential::Unavailable(reason)) => Err(FetchError::Unavailable { reason }),
        }
    }

    /// One request, until it is answered with 200 or there is no point in trying.
    async fn call(&self, stream: Option<&'static StreamSpec>, request: Request) -> Result<Reply, FetchError> {
        let shared = &*self.shared;
        let CallerOptions { provider, budget, client, clock, source, meter, .. } = &shared.options;
        let name = stream.map(|stream| stream.name);
        let mut backoff = Backoff::new(FIRST_DELAY, LONGEST_DELAY);
        let mut renewed = false;
        loop {
            shared.gate.pass()?;
            let (token, origin) = self.token().await?;
            if stream.is_some() {
                self.prove(origin).await?;
            }
            budget.acquire(self.priority).await;
            let mut attempt = request.clone();
            provider.authorize(&mut attempt, token.expose_secret());
            let refusal = match (Line { client, meter }).send(name, attempt).await {
                Ok(reply) => {
                    self.observe(&reply);
                    if reply.status == 200 {
                        shared.gate.open();
                        return Ok(reply);
                    }
                    provider.read_refusal(stream, &reply, clock.now())
                }
                Err(failure) => Refusal::Retry { after: None, reason: failure.to_string() },
            };
            match refusal {
                Refusal::Retry { after, reason } => {
                    let delay = backoff.next_delay(after);
                    if backoff.failures() >= TRIES {
                        return Err(FetchError::Unavailable { reason });
                    }
                    if backoff.failures() == TOLD {
                        tracing::warn!(code = "provider-unavailable", %source, stream = name, %reason, "the provider does not answer; trying on");
                    } else {
                        tracing::debug!(%source, stream = name, %reason, ?delay, "trying again");
                    }
                    tokio::time::sleep(delay).await;
                }
                Refusal::RateLimited { wait, reason } => {
                    meter.rate_limited();
                    let wait = wait.unwrap_or(RATE_WINDOW) + backoff.next_delay(None);
                    tracing::info!(code = "rate-limited", %source, %reason, wait_s = wait.as_secs(), "rate limited");
                    budget.close_for(wait);
                }
                Refusal::Credential { reason } => {
                    if renewed || !shared.wallet.lock().await.refused(&token).await {
                        return Err(shared.gate.close(reason));
                    }
                    renewed = true;
                    shared.gate.try_now();
                }
                Refusal::Forbidden { stream_only: true, reason } => {
                    // The credential itself is accepted.
                    shared.gate.open();
                    return Err(FetchError::StreamRefused { reason });
                }
                // The account is another permission than the logs: without it, the logs can still be read.
                Refusal::Forbidden { stream_only: false, reason } if stream.is_none() => {
                    return Err(FetchError::StreamRefused { reason });
                }
                Refusal::Forbidden { stream_only: false, reason } => return Err(shared.gate.close(reason)),
                Refusal::BadRequest { reason } => {
                    shared.gate.open();
                    return Err(FetchError::BadRequest { reason });
                }
            }
        }
    }

    /// What any answer tells besides its body: the provider's clock and the budget.
    fn observe(&self, reply: &Reply) {
        let CallerOptions { provider, budget, clock, source, meter, .. } = &self.shared.options;
        if let Some(remaining) = provider.read_quota(&reply.headers).remaining {
            budget.observe_remaining(remaining);
            meter.quota_remaining(remaining);
        }
        let Some(theirs) = reply.headers.date() else { return };
        let skew = theirs.duration_since(clock.now());
        meter.clock_skew(skew.as_secs());
        let before = self.shared.skew.swap(skew.as_secs(), Ordering::Relaxed);
        let notable = |seconds: i64| SignedDuration::from_secs(seconds).abs() > NOTABLE_SKEW;
        if notable(skew.as_secs()) && !notable(before) {
            tracing::warn!(code = "clock-skew", %source, provider_ahead_s = skew.as_secs(),
                "our clock and the provider's are apart: check the time synchronisation of this machine");
        }
    }
}

/// What to do when a source is given the credential of another account than the one that it is bound to.
pub fn another_account(source: &str, theirs: &str, bound: &str) -> String {
    format!(
        "the credential belongs to account {theirs}, but source {source} has collected account {bound}: put back a \
         credential of that account, or give account {theirs} a source with a name of its own"
    )
}

/// What to do when nobody says whose credential it is.
pub fn unnamed_account(source: &str, reason: &str) -> String {
    format!(
        "the provider does not say which account the credential belongs to ({reason}): \
         set sources.{source}.account_id in the configuration"
    )
}

impl Fetch for Caller {
    async fn fetch(&self, stream: &'static StreamSpec, request: Request) -> Result<Reply, FetchError> {
        self.call(Some(stream), request).await
    }

    fn provider_time(&self, now: Timestamp) -> Timestamp {
        let skew = SignedDuration::from_secs(self.shared.skew.load(Ordering::Relaxed));
        // A day apart is a broken clock, and there is no telling whose.
        if skew.abs() > SignedDuration::from_hours(24) {
            now
        } else {
            now.saturating_add(skew).unwrap_or(now)
        }
    }
}
