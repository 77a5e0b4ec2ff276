//! From the configuration of a source to what collects it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::grants::{self, KeptGrant};
use super::{ServiceError, Tools};
use crate::budget::Budget;
use crate::clock::Clock;
use crate::collect::schedule::{Schedule, StreamStatus};
use crate::collect::{Caller, CallerOptions, Collector, CollectorOptions, Credential, Probe, ProbeOptions};
use crate::config::{Config, HubSpotCredential, Mirrored, Source, SourceKind, Start};
use crate::event::StreamName;
use crate::http::{Client, ClientOptions};
use crate::provider::brevo::Brevo;
use crate::provider::hubspot::{self, HubSpot};
use crate::provider::{Provider, StreamSpec};
use crate::store::{SourceSnapshot, Store};

/// HubSpot's server gives up after 100 s (status 524); waiting longer is of no use.
const REPLY_TIMEOUT: Duration = Duration::from_secs(100);
const HUBSPOT_WINDOW: Duration = Duration::from_secs(10);
const BREVO_WINDOW: Duration = Duration::from_secs(3_600);
/// Tokens of today's form; the older `/oauth/v1/token` ends in February 2027.
const TOKEN_PATH: [&str; 3] = ["oauth", "2026-03", "token"];

/// One account to collect. Whoever works with it beside its source's own tasks stops when `stop` does.
pub(super) struct Account {
    pub(super) source: String,
    pub(super) provider: Arc<dyn Provider>,
    pub(super) caller: Caller,
    pub(super) interval: Duration,
    pub(super) reconcile_interval: Duration,
    pub(super) streams: Vec<Stream>,
    /// Held by a backfill or reconcile.
    pub(super) job: Mutex<()>,
    /// Cancelled when the source ends: with the service, or because another configuration has none or another one.
    pub(super) stop: CancellationToken,
}

/// One of its streams.
pub(super) struct Stream {
    pub(super) spec: &'static StreamSpec,
    pub(super) options: CollectorOptions,
    /// What it is doing.
    pub(super) status: watch::Sender<StreamStatus>,
}

impl Account {
    /// The account of a source; nothing is asked yet.
    ///
    /// # Errors
    /// When there are no certificates to verify the provider with.
    pub(super) async fn new(source: &Source, tools: &Tools) -> Result<Self, ServiceError> {
        let options = ClientOptions { timeout: REPLY_TIMEOUT, ..ClientOptions::for_peer(&source.base_url) };
        // Loading the platform's certificates blocks.
        let client = tokio::task::spawn_blocking(move || Client::new(&options)).await;
        let setup =
            |reason: String| ServiceError::Setup { place: format!("sources.{}", source.name), reason };
        let client = client
            .map_err(|failure| setup(failure.to_string()))?
            .map_err(|failure| setup(failure.to_string()))?;
        Ok(account(source, client, tools))
    }

    /// What polls one of its streams through `caller`, and when.
    pub(super) fn collector(
        &self,
        stream: &Stream,
        caller: &Caller,
        tools: &Tools,
    ) -> (Collector<Caller>, Schedule) {
        let collector = Collector::new(
            stream.options.clone(),
            stream.spec,
            Arc::clone(&self.provider),
            Arc::new(caller.clone()),
            (tools.store.clone(), tools.clock.clone()),
        );
        let schedule = Schedule {
            interval: self.interval,
            reconcile_interval: self.reconcile_interval,
            status: stream.status.clone(),
            meter: stream.options.meter.clone(),
            store: tools.store.clone(),
            clock: tools.clock.clone(),
        };
        (collector, schedule)
    }
}

/// What asks this source without a store. Reads the state directory, where there is one that can be read, and
/// changes nothing in it.
///
/// # Errors
/// When there is no way to ask, and what to do about it.
pub(super) async fn probe(config: &Config, source: &Source) -> Result<(Probe, SourceSnapshot), String> {
    let (directory, kept, name) = (config.state_dir.clone(), source.clone(), source.name.clone());
    let options = ClientOptions::for_peer(&source.base_url);
    // Files and certificates: blocks.
    let made = tokio::task::spawn_blocking(move || {
        let keepable = grants::can_be_kept(&kept, &directory);
        (keepable, Store::read_source(&directory, &name), Client::new(&options))
    });
    let (keepable, known, client) = made.await.map_err(|failure| failure.to_string())?;
    keepable?;
    // Who may not read the state may ask all the same, unless what is needed stands there.
    let known = match (known, &source.kind) {
        (Ok(known), _) => known,
        (Err(failure), SourceKind::HubSpot { credential: HubSpotCredential::OAuth { .. }, .. }) => {
            return Err(format!("not asked: which refresh token is in use is not known: {failure}"));
        }
        (Err(_), _) => SourceSnapshot::default(),
    };
    let (provider, credential, _) = parts(source);
    let probe = Probe::new(ProbeOptions {
        source: source.name.clone(),
        provider,
        credential,
        grants: Box::new(KeptGrant::new(config, &known)),
        client: client.map_err(|failure| failure.to_string())?,
        clock: Clock::System,
    });
    Ok((probe, known))
}

/// The streams of a source that are collected.
pub(super) fn specs(source: &Source) -> Vec<&'static StreamSpec> {
    let specs = parts(source).0.streams();
    specs.iter().filter(|spec| source.streams.iter().any(|name| name == spec.name)).collect()
}

fn account(source: &Source, client: Client, tools: &Tools) -> Account {
    let (provider, credential, budget) = parts(source);
    let streams = provider
        .streams()
        .iter()
        .filter(|spec| source.streams.iter().any(|name| name == spec.name))
        .map(|spec| stream(source, spec, tools))
        .collect();
    let caller = Caller::new(CallerOptions {
        source: source.name.clone(),
        account_id: source.account_id.clone(),
        provider: Arc::clone(&provider),
        credential,
        budget,
        client,
        store: tools.store.clone(),
        clock: tools.clock.clone(),
        meter: tools.meter.account(&source.name, source.streams.iter().map(String::as_str)),
    });
    Account {
        source: source.name.clone(),
        provider,
        caller,
        interval: source.polling.interval,
        reconcile_interval: source.polling.reconcile_interval,
        streams,
        job: Mutex::new(()),
        stop: CancellationToken::new(),
    }
}

fn parts(source: &Source) -> (Arc<dyn Provider>, Credential, Budget) {
    match &source.kind {
        SourceKind::HubSpot { credential, api_version, requests_per_10s, .. } => {
            let collected = |name: &str| source.streams.iter().any(|stream| stream == name);
            let mirrored = hubspot::Mirrored { login: collected("login"), security: collected("security") };
            let provider = HubSpot::new(source.base_url.clone(), api_version, mirrored);
            let credential = match credential {
                HubSpotCredential::Token(token) => Credential::Static(token.clone()),
                HubSpotCredential::OAuth { client_id, client_secret, refresh_token } => Credential::OAuth {
                    token_url: below(&source.base_url, &TOKEN_PATH),
                    client_id: client_id.clone(),
                    client_secret: client_secret.clone(),
                    refresh_token: refresh_token.clone(),
                },
            };
            (Arc::new(provider), credential, Budget::new(*requests_per_10s, HUBSPOT_WINDOW))
        }
        SourceKind::Brevo { api_key, requests_per_hour } => {
            let provider = Brevo::new(source.base_url.clone());
            let budget = Budget::new(*requests_per_hour, BREVO_WINDOW);
            (Arc::new(provider), Credential::Static(api_key.clone()), budget)
        }
    }
}

fn stream(source: &Source, spec: &'static StreamSpec, tools: &Tools) -> Stream {
    let polling = &source.polling;
    let start = match polling.start {
        Start::Ago(ago) => tools.clock.now().checked_sub(ago).unwrap_or(jiff::Timestamp::MIN),
        Start::At(instant) => instant,
    };
    let name = StreamName { source: source.name.clone(), stream: spec.name.to_owned() };
    let status = watch::Sender::new(StreamStatus::new(name.clone(), polling.interval));
    let options = CollectorOptions {
        meter: tools.meter.stream(&name),
        name,
        lookback: polling.lookback,
        start,
        horizon: spec.horizon.unwrap_or(polling.horizon),
        reconcile_depth: polling.reconcile_depth,
        drop_mirrored: matches!(source.kind, SourceKind::HubSpot { mirrored: Mirrored::Drop, .. }),
        unmapped: Arc::default(),
    };
    Stream { spec, options, status }
}

/// A path below the base URL, whose own path is kept.
fn below(base: &Url, path: &[&str]) -> Url {
    let mut url = base.clone();
    // Only a URL that cannot be a base has no segments; the configuration takes http and https alone.
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    url
}
