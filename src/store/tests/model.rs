//! The store against a plain list: commits, readers of different speed and sources, restarts, crashes.

use super::*;

/// What a sink should have got, and what it has got.
struct Follower {
    registration: SinkRegistration,
    reader: SpoolReader,
    /// Events that it took since its last advance, with those before.
    taken: Vec<(String, i64)>,
    /// How many of `taken` it has accepted.
    accepted: usize,
    last: i64,
    last_accepted: i64,
}

/// The model: every event (source, sequence) in the order of commits.
#[derive(Default)]
struct Model {
    committed: Vec<(String, i64)>,
    sequences: std::collections::HashMap<String, i64>,
    next: u64,
}

impl Model {
    fn for_sink(&self, sink: &SinkRegistration) -> Vec<(String, i64)> {
        let wanted = |source: &String| {
            sink.sources.is_empty() || source == "auditferry" || sink.sources.contains(source)
        };
        self.committed.iter().filter(|(source, _)| wanted(source)).cloned().collect()
    }

    fn add(&mut self, source: &str, count: u64) -> Vec<NewEvent> {
        let page = events(self.next..self.next + count);
        self.next += count;
        for _ in 0..count {
            let sequence = self.sequences.entry(source.to_owned()).or_default();
            *sequence += 1;
            self.committed.push((source.to_owned(), *sequence));
        }
        page
    }
}

impl Follower {
    async fn start(store: &Store, registration: SinkRegistration) -> Self {
        let reader = store.reader(&registration.name).await.unwrap();
        Self { registration, reader, taken: Vec::new(), accepted: 0, last: 0, last_accepted: 0 }
    }

    async fn take(&mut self, most: usize) {
        let got = soon(self.reader.next(most, 1 << 16)).await.unwrap();
        assert!(!got.is_empty() && got.len() <= most);
        for event in got {
            assert!(event.position > self.last, "{} after {}", event.position, self.last);
            self.last = event.position;
            self.taken.push((event.stream.source.clone(), event.sequence));
        }
    }

    async fn accept(&mut self) {
        let count = (self.taken.len() - self.accepted) as u64;
        self.reader.advance(self.last, count, Vec::new()).await.unwrap();
        self.accepted = self.taken.len();
        self.last_accepted = self.last;
    }

    /// After a restart it gets again what it had not accepted.
    async fn restart(&mut self, store: &Store) {
        self.reader = store.reader(&self.registration.name).await.unwrap();
        // It may stand further on: behind events of other sources that are deleted.
        assert!(self.reader.accepted() >= self.last_accepted);
        self.taken.truncate(self.accepted);
        self.last = self.last_accepted;
    }
}

const SOURCES: [&str; 3] = ["hub", "brevo", "auditferry"];

async fn run(seed: u64, retention: Duration) {
    let mut random = fastrand::Rng::with_seed(seed);
    let directory = tempfile::tempdir().unwrap();
    let options = StoreOptions { max_size: 1 << 30, retention };
    let open = || Store::open_for_test(directory.path(), &options, &Faults::default()).unwrap();
    let sinks =
        vec![sink("all", &[]), sink("hub", &["hub"]), sink("both", &["brevo", "hub"]), sink("off", &[])];
    let mut store = open();
    store.register_sinks(sinks.clone()).await.unwrap();
    let mut model = Model::default();
    let mut followers = Vec::new();
    for sink in sinks.iter().cloned() {
        followers.push(Follower::start(&store, sink).await);
    }
    for _ in 0..random.usize(20..60) {
        match random.u8(0..10) {
            0..=4 => {
                let mut pending = Vec::new();
                for _ in 0..random.usize(1..8) {
                    let source = SOURCES[random.usize(0..3)];
                    let stream = store.stream(&name(source, "log")).await.unwrap().id;
                    let mut page = model.add(source, random.u64(0..120));
                    if random.bool() {
                        // What was read before comes again.
                        page.extend(page.clone());
                    }
                    pending.push(store.commit_page(stream, page).await.unwrap());
                }
                for commit in pending {
                    commit.done().await.unwrap();
                }
            }
            5..=8 => {
                for follower in &mut followers {
                    let expected = model.for_sink(&follower.registration).len();
                    let slow = follower.registration.name == "off" && random.u8(0..10) > 0;
                    for _ in 0..random.usize(0..6) {
                        if follower.taken.len() < expected && !slow {
                            follower.take(random.usize(1..300)).await;
                        }
                    }
                    if random.bool() {
                        follower.accept().await;
                    }
                }
            }
            _ => {
                store.close().await.unwrap();
                store = open();
                store.register_sinks(sinks.clone()).await.unwrap();
                for follower in &mut followers {
                    follower.restart(&store).await;
                }
            }
        }
        for follower in &followers {
            let expected = model.for_sink(&follower.registration);
            assert_eq!(
                follower.taken[..],
                expected[..follower.taken.len()],
                "{}",
                follower.registration.name
            );
        }
    }
    for follower in &mut followers {
        let expected = model.for_sink(&follower.registration);
        while follower.taken.len() < expected.len() {
            follower.take(500).await;
        }
        assert_eq!(follower.taken, expected);
        follower.accept().await;
        assert!(follower.reader.end().await.unwrap() <= follower.reader.accepted());
    }
    assert_eq!(store.level().borrow().used, 0);
    store.close().await.unwrap();
}

#[tokio::test]
async fn every_sink_gets_every_event_of_its_sources_once_and_in_order() {
    for seed in 0..24 {
        println!("seed {seed}");
        run(seed, if seed % 2 == 0 { WEEK } else { Duration::ZERO }).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sink_follows_while_pages_are_committed() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let stream = store.stream(&name("hub", "log")).await.unwrap().id;
    store.register_sinks(vec![sink("fast", &[]), sink("slow", &[])]).await.unwrap();
    let total: usize = 40_000;
    let produce = async {
        let mut pending = std::collections::VecDeque::new();
        for page in 0..total as u64 / 200 {
            pending.push_back(store.commit_page(stream, events(page * 200..(page + 1) * 200)).await.unwrap());
            if pending.len() > 5 {
                pending.pop_front().unwrap().done().await.unwrap();
            }
        }
        for commit in pending {
            commit.done().await.unwrap();
        }
    };
    let follow = async |sink: &str, most: usize| {
        let mut reader = store.reader(sink).await.unwrap();
        let mut sequence = 0;
        while sequence < total as i64 {
            for event in soon(reader.next(most, 1 << 20)).await.unwrap() {
                sequence += 1;
                assert_eq!(event.sequence, sequence);
            }
            reader.advance(sequence, most as u64, Vec::new()).await.unwrap();
        }
    };
    tokio::join!(produce, follow("fast", 500), follow("slow", 37));
    assert_eq!(store.level().borrow().used, 0);
    store.close().await.unwrap();
}
