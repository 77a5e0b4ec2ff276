//! One random timeline: a provider, a collector, polls, crashes, and the reckoning.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use url::Url;

use super::tally;
use super::world::{DAY, HOUR, MINUTE, Meaning, Oddities, RowOrder, World};
use crate::clock::Clock;
use crate::collect::stream::{Collector, CollectorOptions, PollError, PollReport};
use crate::event::{Account, StoredEvent, StreamName};
use crate::meter::StreamMeter;
use crate::provider::brevo::Brevo;
use crate::provider::hubspot::{HubSpot, Mirrored};
use crate::provider::{Filter, Provider, StreamSpec};
use crate::store::{Faults, SinkRegistration, Store, StoreError, StoreOptions};

/// Which stream is collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    AuditLogs,
    Login,
    Security,
    Activities,
}

/// The real streams, with pages small enough that a few dozen events fill many.
static SMALL_PAGES: [StreamSpec; 4] = [
    small("audit_logs", "hubspot.audit_logs", Filter::Instants { alternative: false }, false),
    small("login", "hubspot.login", Filter::None, false),
    small("security", "hubspot.security", Filter::Instants { alternative: true }, false),
    small("activities", "brevo.activities", Filter::Days { most: 28 }, true),
];

const fn small(name: &'static str, dataset: &'static str, filter: Filter, ordinals: bool) -> StreamSpec {
    StreamSpec { name, dataset, filter, page_limits: &[4], ordinals, horizon: None, plan_gated: false }
}

impl Case {
    fn spec(self) -> &'static StreamSpec {
        &SMALL_PAGES[self as usize]
    }

    fn provider(self) -> Arc<dyn Provider> {
        let base: Url = "http://127.0.0.1:1/".parse().unwrap();
        match self {
            Self::Activities => Arc::new(Brevo::new(base)),
            _ => Arc::new(HubSpot::new(base, "2026-09", Mirrored::default())),
        }
    }

    /// The field that the model marks.
    pub(super) fn mark(self, record: &serde_json::Value) -> String {
        let field = match self {
            Self::AuditLogs => "subCategory",
            Self::Login => "email",
            Self::Security => "objectId",
            Self::Activities => "user_agent",
        };
        record[field].as_str().expect("every record is marked").to_owned()
    }
}

const LOOKBACK: i64 = 6 * HOUR;
pub(super) const BEGIN: i64 = 1_790_000_000_000;

fn oddities(case: Case, random: &mut fastrand::Rng) -> Oddities {
    let orders = [RowOrder::OldestFirst, RowOrder::NewestFirst, RowOrder::NewestFirst, RowOrder::Arbitrary];
    let meanings: &[Meaning] = match case {
        Case::AuditLogs => &[Meaning::Documented, Meaning::Documented, Meaning::Ignored, Meaning::Exclusive],
        Case::Security => &[Meaning::Documented, Meaning::Seconds, Meaning::Ignored, Meaning::Exclusive],
        Case::Login | Case::Activities => &[Meaning::Documented],
    };
    let some = |random: &mut fastrand::Rng, most| if random.bool() { random.u32(..=most) } else { 0 };
    Oddities {
        order: orders[random.usize(..orders.len())],
        meaning: meanings[random.usize(..meanings.len())],
        repeats: some(random, 8),
        truncates: some(random, 5),
        fails: some(random, 5),
        arrivals: some(random, 40),
        latest: if random.u32(..4) == 0 { 5 * DAY } else { LOOKBACK - 20 * MINUTE },
    }
}

/// A machine that the daemon runs on: the state directory outlives it.
pub(super) struct Machine<'a> {
    case: Case,
    directory: &'a std::path::Path,
    world: Arc<World>,
    pub(super) store: Store,
    collector: Collector<World>,
}

impl<'a> Machine<'a> {
    pub(super) async fn boot(
        case: Case,
        directory: &'a std::path::Path,
        world: &Arc<World>,
        crash_after: Option<u32>,
    ) -> Self {
        let options = StoreOptions { max_size: 1 << 30, retention: Duration::from_secs(86_400 * 365) };
        let mut faults = Faults::default();
        faults.crash_after = crash_after;
        let store = Store::open_for_test(directory, &options, &faults).unwrap();
        let clock = Clock::Simulated(Arc::clone(&world.clock));
        let collector = Collector::new(
            CollectorOptions {
                name: StreamName { source: "model".to_owned(), stream: case.spec().name.to_owned() },
                lookback: Duration::from_millis(LOOKBACK.unsigned_abs()),
                start: Timestamp::from_millisecond(BEGIN - 20 * DAY).unwrap(),
                horizon: Duration::from_secs(86_400 * 90),
                reconcile_depth: Duration::from_secs(86_400 * 40),
                drop_mirrored: false,
                unmapped: Arc::default(),
                meter: StreamMeter::default(),
            },
            case.spec(),
            case.provider(),
            Arc::clone(world),
            (store.clone(), clock),
        );
        Self { case, directory, world: Arc::clone(world), store, collector }
    }

    pub(super) async fn poll(&mut self) -> Result<PollReport, PollError> {
        let account = Arc::new(Account { id: "1".to_owned(), name: None });
        self.collector.poll(&account).await
    }

    pub(super) async fn register_sink(&self) {
        let all = SinkRegistration { name: "all".to_owned(), sources: Vec::new() };
        self.store.register_sinks(vec![all]).await.unwrap();
    }

    async fn reboot(self, crash_after: Option<u32>) -> Self {
        let Self { case, directory, world, store, collector } = self;
        drop(collector);
        // A store that crashed is closed already.
        let _ = store.close().await;
        Self::boot(case, directory, &world, crash_after).await
    }
}

/// Runs one timeline and checks what came of it.
pub(super) fn run(case: Case, seed: u64) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(timeline(case, seed));
}

async fn timeline(case: Case, seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed * 4 + case as u64);
    let oddities = oddities(case, &mut random);
    let world = Arc::new(World::new(case, fastrand::Rng::with_seed(random.u64(..)), oddities, BEGIN));
    for _ in 0..random.u32(0..40) {
        world.happen(BEGIN - random.i64(0..20 * DAY));
    }
    let directory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let crash = |random: &mut fastrand::Rng| random.bool().then(|| random.u32(0..12));
    // The sink is there before the first event, as the service sees to it.
    let machine = Machine::boot(case, directory.path(), &world, None).await;
    machine.register_sink().await;
    let first_crash = crash(&mut random);
    let mut machine = machine.reboot(first_crash).await;

    for _ in 0..random.u32(3..10) {
        if let Err(PollError::Store(StoreError::Closed)) = machine.poll().await {
            let next = crash(&mut random);
            machine = machine.reboot(next).await;
        }
        let rest = [MINUTE, HOUR, 5 * HOUR, 30 * HOUR][random.usize(..4)];
        for _ in 0..random.u32(0..6) {
            world.happen(world.now() + random.i64(0..rest));
        }
        world.advance(rest);
    }

    world.calm_down();
    machine = machine.reboot(None).await;
    for round in 0..2 {
        machine
            .poll()
            .await
            .unwrap_or_else(|failure| panic!("{case:?} {seed}: calm poll {round}: {failure} {oddities:?}"));
        world.advance(26 * HOUR);
    }
    if oddities.order == RowOrder::Arbitrary || oddities.latest > LOOKBACK {
        // What came later than the lookback, or behind a page that happened to be in order.
        let account = Arc::new(Account { id: "1".to_owned(), name: None });
        machine.collector.reconcile(&account).await.unwrap();
    }
    machine.register_sink().await;
    reckon(case, seed, &world, &machine.store, &oddities).await;
}

/// Every event once, under one id, numbered without a hole.
async fn reckon(case: Case, seed: u64, world: &World, store: &Store, oddities: &Oddities) {
    let stored = everything(store).await;
    let all = stored.len();
    let stored: Vec<&StoredEvent> =
        stored.iter().map(|event| &**event).filter(|e| e.stream.source == "model").collect();
    let marks: Vec<String> =
        stored.iter().map(|event| case.mark(&serde_json::from_str(&event.original).unwrap())).collect();
    let truth = world.marks();
    let expected = tally(truth.iter().map(String::as_str));
    let actual = tally(marks.iter().map(String::as_str));
    let wrong: Vec<_> = expected
        .keys()
        .chain(actual.keys())
        .filter(|mark| expected.get(*mark) != actual.get(*mark))
        .map(|mark| (mark, expected.get(mark), actual.get(mark)))
        .collect();
    let told = wrong.iter().map(|(mark, ..)| world.tell(mark)).collect::<Vec<_>>().join("; ");
    assert!(wrong.is_empty(), "{case:?} {seed} {oddities:?}: (event, happened, stored) {wrong:?}; {told}");
    let ids: BTreeSet<_> = stored.iter().map(|event| event.id).collect();
    assert_eq!(ids.len(), stored.len(), "{case:?} {seed}: an id came twice");
    let sequences: Vec<i64> = stored.iter().map(|event| event.sequence).collect();
    let unbroken: Vec<i64> = (1..).take(sequences.len()).collect();
    assert_eq!(sequences, unbroken, "{case:?} {seed}: the sequence has a hole");
    let snapshot = store.snapshot().await.unwrap();
    let stream = snapshot.streams.iter().find(|stream| stream.name.source == "model").unwrap();
    let collected: i64 = stream.collected.iter().map(|one| one.events).sum();
    assert_eq!(collected, stream.events, "{case:?} {seed}: events counted by interval");
    assert_eq!(snapshot.sinks[0].waiting, i64::try_from(all).unwrap(), "{case:?} {seed}: events waiting");
    let begin = Timestamp::from_millisecond(BEGIN - 20 * DAY).unwrap();
    let from = stream.cursor.complete_from;
    assert!(from.is_some_and(|from| from <= begin), "{case:?} {seed}: complete from {from:?}");
}

pub(super) async fn everything(store: &Store) -> Vec<Arc<StoredEvent>> {
    let mut reader = store.reader("all").await.unwrap();
    let end = reader.end().await.unwrap();
    let mut all: Vec<Arc<StoredEvent>> = Vec::new();
    while all.last().map_or(0, |event| event.position) < end {
        all.extend(reader.next(1_000, 1 << 20).await.unwrap());
    }
    all
}
