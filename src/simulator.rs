//! A stand-in for the HubSpot and Brevo endpoints, with receivers for what is collected from them: behind
//! `demo`, `simulate` and the end-to-end tests.
//!
//! It is a reading of the providers' documentation of its own and shares no code with the program's
//! providers. Everything that happened is decided by a seed and the clock; what can go wrong is decided by
//! [`Faults`], which can be changed while it runs, over HTTP too (`/simulator/…`, `/receiver/{name}/…`).

mod actions;
mod arrivals;
mod brevo;
mod bulk;
mod compare;
mod control;
mod endpoint;
mod faults;
mod hec;
mod history;
mod hubspot;
mod people;
mod receiver;
mod render;
mod request;
mod serve;
mod signature;
mod stories;
mod syslog;
mod timeline;
mod wire;
mod world;

pub use bulk::BulkFaults;
pub use compare::{Comparison, Example};
pub use control::{Likeness, Planted};
pub use endpoint::{Endpoint, Product, Stream};
pub use faults::{Faults, Late, Order, Trigger};
pub use hec::{HecFaults, NumberBase};
pub use receiver::{ReceiverFaults, ReceiverStats, Sequence};
pub use request::{Logged, Requests};
pub use syslog::{SyslogFaults, SyslogListener};
pub use world::Credentials;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use receiver::Receiver;
use world::World;

/// Receivers come into being when they are first named; a client that invents names stops here.
const MOST_RECEIVERS: usize = 64;

/// What is simulated.
#[derive(Debug, Clone)]
pub struct SimulatorOptions {
    /// The same seed, options and clock give the same events.
    pub seed: u64,
    /// Events that happened before the start, over all streams.
    pub events: usize,
    /// How far back they reach.
    pub span: Duration,
    /// Events a second from the start on, over all streams.
    pub rate: f64,
    /// Parts of [`Stream::ALL`] in all events, in any unit. Audit logs hold a copy of every login and
    /// security action, as long as there is room in their part.
    pub shares: [f64; 4],
    /// What the products take for valid.
    pub credentials: Credentials,
    /// What goes wrong.
    pub faults: Faults,
    /// What time it is.
    pub clock: Clock,
}

impl Default for SimulatorOptions {
    fn default() -> Self {
        Self {
            seed: 1,
            events: 5_000,
            span: Duration::from_secs(90 * 24 * 60 * 60),
            rate: 2.0,
            shares: [0.55, 0.15, 0.05, 0.25],
            credentials: Credentials::default(),
            faults: Faults::default(),
            clock: Clock::System,
        }
    }
}

/// Why a simulator does not serve.
#[derive(Debug, thiserror::Error)]
pub enum SimulatorError {
    /// Its credentials are public, so it must not be reachable from outside.
    #[error("the simulator listens on loopback only, not on {0}; use 127.0.0.1 or [::1]")]
    NotLoopback(SocketAddr),
    /// The listener broke.
    #[error("the simulator's listener failed")]
    Io(#[source] std::io::Error),
}

/// The simulated products and the receivers. Clones are handles of the same ones.
#[derive(Debug, Clone)]
pub struct Simulator(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Held for the microseconds of one page; never across an await.
    world: Mutex<World>,
    receivers: Mutex<HashMap<String, SharedReceiver>>,
}

/// One receiver, apart from the others and from the products.
#[derive(Debug, Clone, Default)]
struct SharedReceiver(Arc<Mutex<Receiver>>);

impl SharedReceiver {
    fn lock(&self) -> MutexGuard<'_, Receiver> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Simulator {
    /// Writes the history; a million events take about a second.
    pub fn new(options: &SimulatorOptions) -> Self {
        let world = Mutex::new(World::new(options));
        Self(Arc::new(Shared { world, receivers: Mutex::default() }))
    }

    /// A new simulator, served until told to stop.
    ///
    /// # Errors
    /// [`SimulatorError`].
    pub async fn start(
        listener: TcpListener,
        options: SimulatorOptions,
        stop: CancellationToken,
    ) -> Result<(), SimulatorError> {
        Self::new(&options).serve(listener, stop).await
    }

    /// Serves until told to stop.
    ///
    /// # Errors
    /// [`SimulatorError`].
    pub async fn serve(self, listener: TcpListener, stop: CancellationToken) -> Result<(), SimulatorError> {
        serve::serve(self, listener, stop).await
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.0.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn chance(&self) -> fastrand::Rng {
        self.world().chance.fork()
    }

    /// The fault switches as they stand.
    pub fn faults(&self) -> Faults {
        self.world().faults.clone()
    }

    /// Other fault switches.
    pub fn set_faults(&self, faults: Faults) {
        let mut world = self.world();
        // What is due happens under the old switches.
        world.catch_up();
        world.faults = faults;
    }

    /// Changes the switches that a JSON object names (RFC 7396).
    ///
    /// # Errors
    /// When it names no switch or gives it a wrong value; then nothing changes.
    pub fn patch_faults(&self, patch: &serde_json::Value) -> Result<Faults, serde_json::Error> {
        let mut world = self.world();
        let faults = world.faults.patched(patch)?;
        world.catch_up();
        world.faults = faults.clone();
        Ok(faults)
    }

    /// Other credentials.
    pub fn set_credentials(&self, credentials: Credentials) {
        self.world().credentials = credentials;
    }

    /// Another rate of live events, in events a second; zero pauses.
    pub fn set_rate(&self, per_second: f64) {
        let mut world = self.world();
        let now_ms = world.catch_up();
        world.arrivals.set_rate(per_second, now_ms);
    }

    /// Adds ordinary events to a stream now, shaped by the switches.
    pub fn append(&self, stream: Stream, count: u32) {
        self.world().append(stream, count);
    }

    /// Adds events at given times.
    pub fn plant(&self, planted: &[Planted]) {
        let mut world = self.world();
        let now_ms = world.catch_up();
        for one in planted {
            world.plant(one, now_ms);
        }
    }

    /// What was asked so far.
    pub fn requests(&self) -> Requests {
        self.world().requests.clone()
    }

    /// Every record of a stream that is visible now, once, oldest first.
    pub fn truth(&self, stream: Stream) -> Vec<String> {
        let mut records = Vec::new();
        self.each_visible(stream, |record| records.push(record.to_owned()));
        records
    }

    /// Gives every record that is visible now to `each`; others are served in between.
    fn each_visible(&self, stream: Stream, mut each: impl FnMut(&str)) {
        let now_ms = self.world().catch_up();
        let mut after = None;
        loop {
            after = self.world().truth(stream, now_ms, after, &mut each);
            if after.is_none() {
                return;
            }
        }
    }

    /// The receiver of this name; `None` when there are too many already.
    fn receiver(&self, name: &str) -> Option<SharedReceiver> {
        let mut receivers = self.receivers();
        if !receivers.contains_key(name) && receivers.len() == MOST_RECEIVERS {
            return None;
        }
        Some(receivers.entry(name.to_owned()).or_default().clone())
    }

    fn receivers(&self) -> MutexGuard<'_, HashMap<String, SharedReceiver>> {
        self.0.receivers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets what a receiver was given, and its switches.
    pub fn forget_receiver(&self, name: &str) {
        self.receivers().remove(name);
    }

    /// What a receiver has counted.
    pub fn receiver_stats(&self, name: &str) -> ReceiverStats {
        self.receiver(name).map(|receiver| receiver.lock().stats()).unwrap_or_default()
    }

    /// Changes the switches of a receiver that a JSON object names (RFC 7396).
    ///
    /// # Errors
    /// When it names no switch or gives it a wrong value; then nothing changes.
    pub fn patch_receiver_faults(
        &self,
        name: &str,
        patch: &serde_json::Value,
    ) -> Result<ReceiverFaults, serde_json::Error> {
        let Some(receiver) = self.receiver(name) else { return Ok(ReceiverFaults::default()) };
        let mut receiver = receiver.lock();
        receiver.faults = faults::patched(&receiver.faults, patch)?;
        Ok(receiver.faults.clone())
    }

    /// What a receiver has against what happened in these streams.
    pub fn compare(&self, name: &str, streams: &[Stream]) -> Comparison {
        let Some(receiver) = self.receiver(name) else { return Comparison::default() };
        let receiver = receiver.lock();
        compare::compare(&receiver, streams, &|stream, each| self.each_visible(stream, each))
    }
}

#[cfg(test)]
mod tests;
