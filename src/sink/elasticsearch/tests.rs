//! Against the simulator's receiver, over real connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::*;
use crate::config::{Compression, HttpAuthorization, HttpTransport, Secret};
use crate::encode::{BulkEnvelope, Encoder, Envelope, Format, Observer};
use crate::event::{EventId, StoredEvent, StreamName};
use crate::simulator::{ReceiverStats, Simulator, SimulatorOptions};

struct Cluster {
    simulator: Simulator,
    address: SocketAddr,
    /// Ends with the test.
    _serving: JoinSet<()>,
}

impl Cluster {
    async fn start() -> Self {
        let simulator =
            Simulator::new(&SimulatorOptions { events: 0, rate: 0.0, ..SimulatorOptions::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut serving = JoinSet::new();
        let served = simulator.clone().serve(listener, CancellationToken::new());
        serving.spawn(async { served.await.unwrap() });
        Self { simulator, address, _serving: serving }
    }

    fn url(&self, name: &str) -> Url {
        format!("http://{}/receiver/{name}", self.address).parse().unwrap()
    }

    fn sink(&self) -> ElasticsearchSink {
        sink(&config(vec![self.url("main")]))
    }

    fn change(&self, name: &str, faults: &Value) {
        self.simulator.patch_receiver_faults(name, faults).unwrap();
    }

    fn stats(&self) -> ReceiverStats {
        self.simulator.receiver_stats("main")
    }
}

fn config(endpoints: Vec<Url>) -> ElasticsearchConfig {
    ElasticsearchConfig {
        endpoints,
        authorization: None,
        namespace: "default".to_owned(),
        flavor: Flavor::Elasticsearch,
        transport: HttpTransport {
            compression: Compression::Gzip,
            timeout: Duration::from_secs(20),
            tls: crate::tls::Options::default(),
            max_in_flight: 1,
        },
    }
}

fn sink(config: &ElasticsearchConfig) -> ElasticsearchSink {
    ElasticsearchSink::new("elastic", config).unwrap()
}

fn ecs() -> Format {
    let observer = Observer { hostname: "h".to_owned(), version: "0".to_owned() };
    Format::ecs(true, "default", &observer)
}

/// Events with these records, encoded as the worker does it.
fn batch(format: Format, records: &[&str]) -> Batch {
    let mut encoder = Encoder::new(format, Envelope::Bulk(BulkEnvelope::new("default")));
    let mut batch = Batch::default();
    for (number, record) in (1u8..).zip(records) {
        let id = EventId::from_bytes([number; 16]);
        let core = json!({"@timestamp": "2026-01-02T03:04:05.678Z", "event": {"id": id, "dataset": "hubspot.login"}});
        let event = StoredEvent {
            position: i64::from(number),
            stream: Arc::new(StreamName { source: "crm".to_owned(), stream: "login".to_owned() }),
            sequence: i64::from(number),
            id,
            core: core.to_string().into(),
            original: (*record).into(),
        };
        let start = batch.lines.len();
        encoder.encode(&event, &mut batch.lines);
        batch.push_written(Arc::new(event), start);
    }
    batch
}

fn three() -> Batch {
    batch(ecs(), &[r#"{"a":1}"#, r#"{"a":2}"#, r#"{"a":3}"#])
}

fn held(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Held { reason } => reason,
        other => panic!("not held: {other:?}"),
    }
}

fn retried(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Retry { reason, .. } => reason,
        other => panic!("not to be tried again: {other:?}"),
    }
}

#[tokio::test]
async fn events_are_written_once_however_often_they_are_sent() {
    let cluster = Cluster::start().await;
    let sink = cluster.sink();
    assert_eq!(sink.deliver(&three()).await, Outcome::Accepted);
    assert_eq!(sink.deliver(&three()).await, Outcome::Accepted, "all of them are there already");
    let stats = cluster.stats();
    assert_eq!((stats.unique, stats.repeated, stats.conflicting), (3, 0, 0));
    assert_eq!((stats.items[&201], stats.items[&409]), (3, 3));
    assert_eq!(stats.by_dataset["hubspot.login"], 3);
}

#[tokio::test]
async fn raw_records_are_written_too() {
    let cluster = Cluster::start().await;
    let records = [r#"{"id":1}"#, "[1]", "", r#"{"@timestamp":"2020-01-01T00:00:00Z"}"#];
    let outcome = cluster.sink().deliver(&batch(Format::raw(), &records)).await;
    assert_eq!(outcome, Outcome::Accepted);
    assert_eq!(cluster.stats().unique, 4);
}

#[tokio::test]
async fn each_item_has_its_own_verdict() {
    let cluster = Cluster::start().await;
    let sink = cluster.sink();
    cluster.change("main", &json!({"poison": "\"a\":2"}));
    let Outcome::Each(verdicts) = sink.deliver(&three()).await else { panic!("not each") };
    let [Verdict::Accepted, Verdict::Refused(reason), Verdict::Accepted] = &verdicts[..] else {
        panic!("{verdicts:?}")
    };
    assert!(reason.contains("document_parsing_exception") && reason.contains("refuses"), "{reason}");

    cluster.change("main", &json!({"poison": null, "bulk": {"items": {"429": {"next": 1}}}}));
    let Outcome::Each(verdicts) = sink.deliver(&three()).await else { panic!("not each") };
    assert!(
        matches!(&verdicts[..], [Verdict::Retry(_), Verdict::Accepted, Verdict::Accepted]),
        "{verdicts:?}"
    );

    cluster.change("main", &json!({"bulk": {"missing_privileges": ["create_doc"]}}));
    let Outcome::Each(verdicts) = sink.deliver(&three()).await else { panic!("not each") };
    assert!(
        verdicts
            .iter()
            .all(|verdict| matches!(verdict, Verdict::Held(reason) if reason.contains("create_doc"))),
        "{verdicts:?}"
    );
}

#[tokio::test]
async fn what_goes_to_the_failure_store_is_accepted_and_told() {
    let cluster = Cluster::start().await;
    let sink = cluster.sink();
    assert_eq!(sink.deliver(&batch(ecs(), &["{}"])).await, Outcome::Accepted);
    assert_eq!(sink.failure_store.due(1), Some(1), "nothing has been told yet");
    let sink = cluster.sink();
    cluster.change("main", &json!({"bulk": {"failure_store": {"every": 2}}}));
    assert_eq!(sink.deliver(&three()).await, Outcome::Accepted);
    assert_eq!(sink.failure_store.due(1), None, "it has just been told");
}

#[tokio::test]
async fn an_older_version_is_found_out_and_asked_for_what_it_knows() {
    let cluster = Cluster::start().await;
    let unknown = ["include_source_on_error", "require_data_stream"];
    cluster.change("main", &json!({"bulk": {"unknown_parameters": unknown}}));
    let sink = cluster.sink();
    assert_eq!(sink.deliver(&three()).await, Outcome::Accepted);
    assert_eq!(cluster.stats().requests, 3, "one for each parameter that it does not know");
    assert_eq!(sink.deliver(&three()).await, Outcome::Accepted);
    assert_eq!(cluster.stats().requests, 4, "it is remembered");

    cluster.change("main", &json!({"bulk": {"unknown_parameters": ["filter_path"]}}));
    let outcome = sink.deliver(&three()).await;
    assert!(held(&outcome).contains("unrecognized parameter"), "and nothing else is: {outcome:?}");
}

#[tokio::test]
async fn opensearch_is_not_asked_for_what_it_does_not_know() {
    let cluster = Cluster::start().await;
    cluster.change("main", &json!({"bulk": {"opensearch": true}}));
    let flavor = Flavor::OpenSearch;
    let sink = sink(&ElasticsearchConfig { flavor, ..config(vec![cluster.url("main")]) });
    assert_eq!(sink.deliver(&three()).await, Outcome::Accepted);
    assert_eq!(cluster.stats().requests, 1);
}

#[tokio::test]
async fn no_answer_counts_as_success_but_one_that_accounts_for_every_event() {
    let cluster = Cluster::start().await;
    let sink = cluster.sink();
    for damage in ["item_left_out", "cut_answer"] {
        cluster.change("main", &json!({"bulk": {damage: {"next": 1}}}));
        let outcome = sink.deliver(&three()).await;
        assert!(retried(&outcome).contains("every event"), "{damage}: {outcome:?}");
        assert_eq!(sink.deliver(&three()).await, Outcome::Accepted);
    }
    cluster.change("main", &json!({"reset_after": {"next": 1}}));
    retried(&sink.deliver(&three()).await);
    assert_eq!(sink.deliver(&three()).await, Outcome::Accepted);
    cluster.change("main", &json!({"bulk": {"gateway_page": {"next": 1}}}));
    let outcome = sink.deliver(&three()).await;
    assert!(held(&outcome).contains("Sign in"), "{outcome:?}");
    let stats = cluster.stats();
    assert_eq!((stats.unique, stats.repeated, stats.items[&201]), (3, 0, 3));
}

#[tokio::test]
async fn an_address_without_bulk_is_no_elasticsearch() {
    let cluster = Cluster::start().await;
    let nowhere = format!("http://{}/nowhere", cluster.address).parse().unwrap();
    let outcome = sink(&config(vec![nowhere])).deliver(&three()).await;
    assert!(held(&outcome).contains("not the address of Elasticsearch"), "{outcome:?}");
}

#[tokio::test]
async fn a_request_that_is_refused_as_a_whole_costs_no_event() {
    let cluster = Cluster::start().await;
    let sink = cluster.sink();
    for status in ["400", "401", "403", "404", "405", "415", "422"] {
        cluster.change("main", &json!({"statuses": {status: {"next": 1}}}));
        let outcome = sink.deliver(&three()).await;
        assert!(held(&outcome).contains(status), "{outcome:?}");
    }
    cluster.change("main", &json!({"statuses": {"413": {"next": 1}}}));
    let outcome = sink.deliver(&three()).await;
    assert!(matches!(outcome, Outcome::Refused { suspects: None, .. }), "{outcome:?}");
    for status in ["429", "500", "502", "503", "504"] {
        cluster.change("main", &json!({"statuses": {status: {"next": 1}}, "retry_after": 7}));
        let outcome = sink.deliver(&three()).await;
        assert!(
            matches!(outcome, Outcome::Retry { after: Some(after), .. } if after == Duration::from_secs(7)),
            "{status}: {outcome:?}"
        );
    }
    assert_eq!(sink.deliver(&three()).await, Outcome::Accepted);
}

/// An address where nobody listens.
async fn dead() -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap()
}

#[tokio::test]
async fn another_endpoint_is_asked_when_one_is_not_there() {
    let cluster = Cluster::start().await;
    cluster.change("bad", &json!({"statuses": {"503": {"share": 1}}}));
    for absent in [dead().await, cluster.url("bad")] {
        let sink = sink(&config(vec![absent, cluster.url("main")]));
        assert_eq!(sink.deliver(&three()).await, Outcome::Accepted);
        assert_eq!(sink.endpoints.current().host, cluster.address.to_string());
        assert_eq!(sink.deliver(&three()).await, Outcome::Accepted);
    }
    assert_eq!(cluster.simulator.receiver_stats("bad").requests, 1, "it is not asked again");
    assert_eq!(cluster.stats().unique, 3);

    let outcome = sink(&config(vec![dead().await, cluster.url("bad")])).deliver(&three()).await;
    let reason = retried(&outcome);
    assert!(reason.contains("can't connect") && reason.contains("503"), "{reason}");
}

#[tokio::test]
async fn a_refused_credential_asks_no_other_endpoint() {
    let cluster = Cluster::start().await;
    cluster.change("locked", &json!({"token": "key"}));
    let sink = sink(&config(vec![cluster.url("locked"), cluster.url("main")]));
    held(&sink.deliver(&three()).await);
    held(&sink.deliver(&three()).await);
    assert_eq!(cluster.stats().requests, 0);
}

#[tokio::test]
async fn an_endpoint_that_hangs_is_left_at_the_next_attempt() {
    let cluster = Cluster::start().await;
    cluster.change("hung", &json!({"hang": {"share": 1}}));
    let mut config = config(vec![cluster.url("hung"), cluster.url("main")]);
    config.transport.timeout = Duration::from_millis(300);
    let sink = sink(&config);
    assert!(retried(&sink.deliver(&three()).await).contains("no answer"));
    assert_eq!(cluster.stats().requests, 0);
    assert_eq!(sink.deliver(&three()).await, Outcome::Accepted);
}

#[tokio::test]
async fn a_changed_credential_is_sent_and_its_change_is_seen() {
    let cluster = Cluster::start().await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("key");
    std::fs::write(&file, "old\n").unwrap();
    cluster.change("main", &json!({"token": "new"}));
    let authorization = Some(HttpAuthorization::ApiKey(Secret::File(file.clone())));
    let sink = sink(&ElasticsearchConfig { authorization, ..config(vec![cluster.url("main")]) });
    assert!(held(&sink.deliver(&three()).await).contains("api_key"));
    assert!(!sink.credential_changed().await);
    std::fs::write(&file, "new\n").unwrap();
    assert_eq!(sink.deliver(&three()).await, Outcome::Accepted, "it was read again");
}

async fn probed(cluster: &Cluster, flavor: Flavor, faults: &Value) -> Probe {
    cluster.change("main", faults);
    sink(&ElasticsearchConfig { flavor, ..config(vec![cluster.url("main")]) }).probe().await
}

#[tokio::test]
async fn a_probe_tells_version_and_privileges_and_leaves_nothing_behind() {
    use Flavor::{Elasticsearch, OpenSearch};
    let cluster = Cluster::start().await;
    for (kind, flavor, faults, words) in [
        ("passed", Elasticsearch, json!({}), &["Elasticsearch 9.1.0", "may write to logs-*-default"][..]),
        (
            "failed",
            Elasticsearch,
            json!({"bulk": {"missing_privileges": ["auto_configure"]}}),
            &["lacks auto_configure on"],
        ),
        (
            "failed",
            Elasticsearch,
            json!({"bulk": {"missing_privileges": ["create_doc", "auto_configure"]}}),
            &["create_doc and auto_configure"],
        ),
        (
            "passed",
            Elasticsearch,
            json!({"bulk": {"missing_privileges": ["monitor"]}}),
            &["does not tell", "may write"],
        ),
        (
            "byevent",
            Elasticsearch,
            json!({"bulk": {"missing_privileges": [], "without_security": true}}),
            &["could not be asked", "no handler"],
        ),
        ("failed", Elasticsearch, json!({"bulk": {"opensearch": true}}), &["flavor = \"opensearch\""]),
        (
            "byevent",
            OpenSearch,
            json!({}),
            &["OpenSearch 9.1.0", "user forwarder with the roles auditferry_writer"],
        ),
        ("failed", OpenSearch, json!({"bulk": {"opensearch": false}}), &["flavor = \"elasticsearch\""]),
        ("failed", Elasticsearch, json!({"token": "key"}), &["the credential is refused"]),
    ] {
        let (found, said) = match probed(&cluster, flavor, &faults).await {
            Probe::Passed(said) => ("passed", said),
            Probe::Failed(said) => ("failed", said),
            Probe::OnlyByEvent(said) => ("byevent", said),
        };
        assert_eq!(found, kind, "{faults}: {said}");
        assert!(words.iter().all(|words| said.contains(words)), "{faults}: {said}");
    }
    let stats = cluster.stats();
    assert_eq!((stats.events, stats.requests), (0, 0));
}

#[tokio::test]
async fn a_probe_names_the_endpoints_that_are_not_there() {
    let cluster = Cluster::start().await;
    let dead = dead().await;
    let Probe::Passed(said) = sink(&config(vec![dead.clone(), cluster.url("main")])).probe().await else {
        panic!("one is there")
    };
    assert!(said.contains("can't connect") && said.contains("Elasticsearch 9.1.0"), "{said}");
    let nowhere = format!("http://{}/", cluster.address).parse().unwrap();
    let Probe::Failed(said) = sink(&config(vec![dead, nowhere])).probe().await else { panic!("none is") };
    assert!(said.contains("can't connect") && said.contains("404"), "{said}");
}
