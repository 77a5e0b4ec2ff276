use std::sync::Arc;

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::config::{Compression, HttpTransport, Secret};
use crate::event::{EventId, StoredEvent, StreamName};
use crate::simulator::{ReceiverStats, Simulator, SimulatorOptions};
use crate::sink::{Suspects, Verdict};

/// A collector behind real HTTP.
struct Splunk {
    simulator: Simulator,
    endpoint: Url,
    _serving: JoinSet<()>,
}

impl Splunk {
    async fn start(switches: &Value) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}/receiver/siem", listener.local_addr().unwrap()).parse().unwrap();
        let simulator =
            Simulator::new(&SimulatorOptions { events: 0, rate: 0.0, ..SimulatorOptions::default() });
        let mut serving = JoinSet::new();
        let served = simulator.clone();
        serving.spawn(async move { served.serve(listener, CancellationToken::new()).await.unwrap() });
        let splunk = Self { simulator, endpoint, _serving: serving };
        splunk.switch(switches);
        splunk
    }

    fn switch(&self, switches: &Value) {
        self.simulator.patch_receiver_faults("siem", &json!({ "hec": switches })).unwrap();
    }

    fn sink(&self, acknowledgements: bool) -> SplunkHecSink {
        SplunkHecSink::new(
            "splunk",
            &SplunkHecConfig {
                endpoint: self.endpoint.clone(),
                token: Secret::Plain("t".to_owned().into()),
                index: None,
                sourcetype: None,
                acknowledgements,
                transport: HttpTransport {
                    compression: Compression::Gzip,
                    timeout: Duration::from_secs(20),
                    tls: crate::tls::Options::default(),
                    max_in_flight: 4,
                },
            },
        )
        .unwrap()
    }

    fn stats(&self) -> ReceiverStats {
        self.simulator.receiver_stats("siem")
    }
}

/// Events with these numbers, in their envelopes.
fn batch(numbers: std::ops::Range<u8>) -> Batch {
    let mut batch = Batch::default();
    for number in numbers {
        let id = EventId::from_bytes([number; 16]);
        let stream = Arc::new(StreamName { source: "crm".to_owned(), stream: "login".to_owned() });
        let (position, sequence) = (i64::from(number), i64::from(number) + 1);
        let event = StoredEvent { position, stream, sequence, id, core: "".into(), original: "".into() };
        let line =
            json!({"event": {"event": {"id": id, "sequence": sequence}, "text": format!("event {number}.")}});
        batch.push(Arc::new(event), line.to_string().as_bytes());
    }
    batch
}

fn reason(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Held { reason } | Outcome::Retry { reason, .. } | Outcome::Refused { reason, .. } => reason,
        Outcome::Accepted | Outcome::Each(_) => "",
    }
}

#[test]
fn the_collectors_address_is_found_however_it_was_copied() {
    for (endpoint, found) in [
        ("https://splunk:8088", "https://splunk:8088/services/collector"),
        ("https://splunk:8088/", "https://splunk:8088/services/collector"),
        ("https://splunk:8088/services/collector", "https://splunk:8088/services/collector"),
        ("https://splunk:8088/services/collector/", "https://splunk:8088/services/collector"),
        ("https://splunk:8088/services/collector/event", "https://splunk:8088/services/collector"),
        ("https://splunk:8088/services/collector/event/1.0", "https://splunk:8088/services/collector"),
        ("https://splunk:8088/services/collector/raw", "https://splunk:8088/services/collector"),
        ("https://lb/splunk/", "https://lb/splunk/services/collector"),
        ("https://lb/splunk/services/collector/event?x=1", "https://lb/splunk/services/collector"),
        ("https://lb/event", "https://lb/event/services/collector"),
    ] {
        assert_eq!(base(&endpoint.parse().unwrap()).as_str(), found, "{endpoint}");
    }
}

#[tokio::test]
async fn a_batch_is_taken_whole_and_compressed() {
    let splunk = Splunk::start(&json!({"token": "t"})).await;
    assert_eq!(splunk.sink(false).deliver(&batch(0..5)).await, Outcome::Accepted);
    assert_eq!((splunk.stats().unique, splunk.stats().requests), (5, 1));
}

#[tokio::test]
async fn every_code_of_a_real_exchange_has_its_verdict_and_none_loses_events() {
    let splunk = Splunk::start(&json!({})).await;
    let sink = splunk.sink(false);
    for code in 0..=28 {
        splunk.switch(&json!({"codes": {code.to_string(): {"next": 1}}}));
        let outcome = sink.deliver(&batch(code..code + 1)).await;
        let is_there = splunk.stats().unique;
        let expected = match code {
            0 | 24 | 25 => matches!(outcome, Outcome::Accepted),
            1..=5 | 7 | 10 | 11 | 14 | 16 | 17 | 21 | 22 | 28 => matches!(outcome, Outcome::Held { .. }),
            6 | 12 | 13 | 15 => matches!(outcome, Outcome::Refused { suspects: None, .. }),
            _ => matches!(outcome, Outcome::Retry { .. }),
        };
        assert!(expected, "{code}: {outcome:?}");
        assert!(outcome != Outcome::Accepted || is_there > 0);
    }
    assert_eq!(splunk.stats().unique, 3, "0, 24 and 25");
}

#[tokio::test]
async fn a_nearly_full_queue_makes_the_next_batch_wait() {
    let splunk = Splunk::start(&json!({"codes": {"24": {"next": 1}}})).await;
    let sink = splunk.sink(false);
    assert_eq!(sink.deliver(&batch(0..1)).await, Outcome::Accepted);
    let begun = Instant::now();
    assert_eq!(sink.deliver(&batch(1..2)).await, Outcome::Accepted);
    assert!(begun.elapsed() > NEAR_LIMIT_REST / 2);
}

#[tokio::test]
async fn a_bad_event_is_suspected_where_the_collector_says() {
    let splunk = Splunk::start(&json!({"poison": "event 3.", "number": "one"})).await;
    let outcome = splunk.sink(false).deliver(&batch(0..8)).await;
    let Outcome::Refused { suspects, .. } = &outcome else { panic!("{outcome:?}") };
    assert_eq!(*suspects, Some(Suspects { accepted: 3, alone: 3..5 }));
    assert_eq!(splunk.stats().unique, 3, "what counts as accepted is there");
    splunk.switch(&json!({"number": "zero", "acknowledgements": true}));
    let outcome = splunk.sink(true).deliver(&batch(0..8)).await;
    let Outcome::Refused { suspects, .. } = &outcome else { panic!("{outcome:?}") };
    assert_eq!(*suspects, Some(Suspects { accepted: 0, alone: 2..4 }));
}

#[tokio::test]
async fn a_page_of_a_proxy_is_no_acceptance() {
    let splunk = Splunk::start(&json!({"page": {"next": 1}})).await;
    let outcome = splunk.sink(false).deliver(&batch(0..1)).await;
    assert!(matches!(&outcome, Outcome::Held { .. }), "{outcome:?}");
    assert!(reason(&outcome).contains("not the answer of an HTTP Event Collector"), "{outcome:?}");
    assert_eq!(splunk.stats().unique, 0);
}

#[tokio::test]
async fn a_request_that_is_too_large_blames_no_event() {
    let splunk = Splunk::start(&json!({"max_content_length": 500})).await;
    let sink = splunk.sink(false);
    let outcome = sink.deliver(&batch(0..20)).await;
    assert!(matches!(outcome, Outcome::Refused { suspects: None, .. }), "{outcome:?}");
    assert_eq!(sink.deliver(&batch(0..2)).await, Outcome::Accepted);
    assert_eq!(splunk.stats().unique, 2);
}

#[tokio::test]
async fn a_collector_that_names_a_time_is_given_it() {
    let splunk = Splunk::start(&json!({"codes": {"26": {"next": 1}}})).await;
    splunk.simulator.patch_receiver_faults("siem", &json!({"retry_after": 9})).unwrap();
    let outcome = splunk.sink(false).deliver(&batch(0..1)).await;
    let after = Some(Duration::from_secs(9));
    assert!(matches!(outcome, Outcome::Retry { after: asked, .. } if asked == after), "{outcome:?}");
}

#[tokio::test]
async fn several_batches_are_acknowledged_at_once() {
    let splunk = Splunk::start(&json!({"acknowledgements": true, "token": "t"})).await;
    let sink = splunk.sink(true);
    let batches: Vec<Batch> = (0..4).map(|number| batch(number..number + 1)).collect();
    for _ in 0..2 {
        let outcomes = futures_util::future::join_all(batches.iter().map(|batch| sink.deliver(batch))).await;
        assert_eq!(outcomes, vec![Outcome::Accepted; 4]);
    }
    assert_eq!((splunk.stats().unique, splunk.stats().events), (4, 8));
}

#[tokio::test]
async fn a_delivery_that_is_dropped_harms_no_later_one() {
    let splunk = Splunk::start(&json!({"acknowledgements": true, "ack_after_ms": 500})).await;
    let sink = splunk.sink(true);
    let dropped = batch(0..1);
    let delivery = tokio::time::timeout(Duration::from_millis(300), sink.deliver(&dropped)).await;
    assert!(delivery.is_err(), "it waits for its acknowledgement");
    assert_eq!(sink.deliver(&batch(1..2)).await, Outcome::Accepted);
}

#[tokio::test]
async fn a_token_without_acknowledgements_holds_before_an_event_is_sent() {
    let splunk = Splunk::start(&json!({})).await;
    let sink = splunk.sink(true);
    for _ in 0..2 {
        let outcome = sink.deliver(&batch(0..1)).await;
        assert!(matches!(&outcome, Outcome::Held { reason } if reason.contains("useACK")), "{outcome:?}");
    }
    assert_eq!(splunk.stats().events, 0, "what is not confirmed would be sent again");
    splunk.switch(&json!({"acknowledgements": true, "ack_id_missing": {"next": 1}}));
    let outcome = sink.deliver(&batch(0..1)).await;
    assert!(
        matches!(&outcome, Outcome::Held { reason } if reason.contains("without an ackId")),
        "{outcome:?}"
    );
    assert_eq!(sink.deliver(&batch(0..1)).await, Outcome::Accepted);
}

#[tokio::test]
async fn a_busy_server_has_what_it_took_before() {
    // The simulated one answers so without a number, which leaves all to be sent again.
    let splunk = Splunk::start(&json!({"codes": {"9": {"next": 1}}})).await;
    let outcome = splunk.sink(false).deliver(&batch(0..4)).await;
    assert!(matches!(outcome, Outcome::Retry { .. }), "{outcome:?}");
    splunk.switch(&json!({"poison": "event 3.", "poison_code": 9}));
    let outcome = splunk.sink(false).deliver(&batch(0..6)).await;
    let Outcome::Each(verdicts) = &outcome else { panic!("{outcome:?}") };
    let accepted = verdicts.iter().filter(|verdict| **verdict == Verdict::Accepted).count();
    assert_eq!((accepted, verdicts.len(), splunk.stats().unique), (2, 6, 3));
}

#[tokio::test]
async fn a_probe_says_what_is_proved_and_leaves_no_event() {
    for by_ack in [false, true] {
        let splunk = Splunk::start(&json!({"token": "t", "acknowledgements": by_ack})).await;
        let sink = splunk.sink(by_ack);
        let found = sink.probe().await;
        assert!(matches!(&found, Probe::Passed(found) if found.contains("knows the token")), "{found:?}");
        for (switches, why) in [
            (json!({"token": "other"}), "code 4"),
            (json!({"token": "t", "codes": {"1": {"next": 1}}}), "enable the token"),
            (json!({"health": 18}), "it is up, but cannot take events"),
            (json!({"health": 20}), "it is up, but cannot take events"),
            (json!({"health": 22}), "enable the token"),
        ] {
            splunk.switch(&switches);
            let found = sink.probe().await;
            assert!(matches!(&found, Probe::Failed(found) if found.contains(why)), "{why}: {found:?}");
        }
        splunk.switch(&json!({"health": 17, "page": {"next": 1}}));
        let found = sink.probe().await;
        assert!(matches!(&found, Probe::OnlyByEvent(_)), "{found:?}");
        assert_eq!(splunk.stats().events, 0);
    }
    let splunk = Splunk::start(&json!({})).await;
    let found = splunk.sink(true).probe().await;
    assert!(matches!(&found, Probe::Failed(why) if why.contains("useACK")), "{found:?}");
}
