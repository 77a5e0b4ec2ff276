//! Over real connections: what cannot be seen in values alone.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::*;

const PATIENCE: Duration = Duration::from_secs(10);

struct Served {
    simulator: Simulator,
    address: SocketAddr,
    stop: CancellationToken,
    tasks: JoinSet<Result<(), SimulatorError>>,
}

impl Served {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        let simulator = Simulator::new(&quiet(400));
        let mut tasks = JoinSet::new();
        tasks.spawn(simulator.clone().serve(listener, stop.clone()));
        Self { simulator, address, stop, tasks }
    }

    /// Sends a request on a connection of its own and reads to the end, whatever that is.
    async fn exchange(&self, head: &str, body: &[u8]) -> std::io::Result<String> {
        let head = format!(
            "{head} HTTP/1.1\r\nhost: simulator\r\nconnection: close\r\nauthorization: Bearer pat-na1-simulated"
        );
        self.exchange_raw(&head, body).await
    }

    /// The same with all headers but the length.
    async fn exchange_raw(&self, head: &str, body: &[u8]) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(self.address).await?;
        let request = format!("{head}\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all(&[request.as_bytes(), body].concat()).await?;
        let mut answer = Vec::new();
        tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("an answer in time")?;
        Ok(String::from_utf8(answer).unwrap())
    }

    async fn put(&self, path: &str, json: &str) {
        let answer = self.exchange(&format!("PUT {path}"), json.as_bytes()).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
    }

    async fn post(&self, body: &[u8]) -> std::io::Result<String> {
        self.exchange("POST /receiver/siem", body).await
    }

    async fn end(mut self) {
        self.stop.cancel();
        let ended = tokio::time::timeout(PATIENCE, self.tasks.join_next()).await.expect("an end in time");
        ended.unwrap().unwrap().unwrap();
    }
}

/// What a sink would send for a record.
fn delivered(id: u64, stream: Stream, original: &str) -> String {
    let dataset = stream.name();
    let event = serde_json::json!({
        "event": {"id": format!("{id:032x}"), "original": original, "dataset": dataset, "sequence": id + 1},
        "auditferry": {"source": "hs", "stream": dataset},
    });
    format!("{event}\n")
}

/// Everything that happened, as a sink would send it.
fn all(simulator: &Simulator) -> Vec<String> {
    let records = Stream::ALL
        .into_iter()
        .flat_map(|stream| simulator.truth(stream).into_iter().map(move |record| (stream, record)));
    (0..).zip(records).map(|(id, (stream, record))| delivered(id, stream, &record)).collect()
}

#[tokio::test]
async fn a_page_is_served_over_http_with_a_date_that_can_be_wrong() {
    let served = Served::start().await;
    served.put("/simulator/faults", r#"{"date_skew_seconds": 315360000}"#).await;
    let answer = served.exchange(&format!("GET {LOGIN}?limit=1"), b"").await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    let year = jiff::Zoned::now().year() + 10;
    let dates: Vec<&str> = answer.lines().filter(|line| line.starts_with("date: ")).collect();
    assert!(
        dates.len() == 1
            && (dates[0].contains(&year.to_string()) || dates[0].contains(&(year - 1).to_string()))
    );
    served.end().await;
}

#[tokio::test]
async fn a_reset_and_a_broken_body_are_real() {
    let served = Served::start().await;
    served.put("/simulator/faults", r#"{"reset": {"next": 1}}"#).await;
    let reset = served.exchange(&format!("GET {LOGIN}"), b"").await.unwrap_err();
    assert_eq!(reset.kind(), std::io::ErrorKind::ConnectionReset);
    served.put("/simulator/faults", r#"{"truncated": {"next": 1}}"#).await;
    let broken = served.exchange(&format!("GET {LOGIN}"), b"").await.unwrap();
    let (head, body) = broken.split_once("\r\n\r\n").unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    // Hyper adds `connection: close` here, which the cut does not count.
    let half = length.parse::<usize>().unwrap() / 2;
    assert!((half - 64..=half).contains(&body.len()), "{} of {length}", body.len());
    served.end().await;
}

#[tokio::test]
async fn a_hanging_request_does_not_keep_the_simulator_from_stopping() {
    let served = Served::start().await;
    served.put("/simulator/faults", r#"{"hang": {"next": 1}}"#).await;
    let mut stream = TcpStream::connect(served.address).await.unwrap();
    stream.write_all(format!("GET {LOGIN} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await.unwrap();
    let asked = async {
        while served.simulator.requests().counts.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, asked).await.unwrap();
    served.end().await;
}

#[tokio::test]
async fn the_simulator_does_not_listen_to_the_world() {
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let refused = Simulator::start(listener, quiet(0), CancellationToken::new()).await;
    assert!(matches!(refused, Err(SimulatorError::NotLoopback(_))));
}

#[tokio::test]
async fn the_control_plants_events_and_tells_the_truth() {
    let served = Served::start().await;
    let body = r#"[{"stream":"brevo.activities","count":2,"like":"equal","time":"2020-01-01T00:00:00Z"}]"#;
    served.exchange("POST /simulator/events", body.as_bytes()).await.unwrap();
    let truth = served.exchange("GET /simulator/truth?stream=brevo.activities", b"").await.unwrap();
    let lines: Vec<&str> = truth.lines().filter(|line| line.starts_with('{')).collect();
    assert_eq!(lines.len(), served.simulator.truth(Stream::Activities).len());
    assert_eq!(lines[0], lines[1]);
    let first: Value = serde_json::from_str(lines[0]).unwrap();
    assert!(first["stream"] == "brevo.activities" && first["record"]["action"].is_string());
    let refused = served.exchange("PUT /simulator/faults", br#"{"no_such":1}"#).await.unwrap();
    assert!(refused.starts_with("HTTP/1.1 400 "));
    served.end().await;
}

#[tokio::test]
async fn a_complete_delivery_compares_equal_plain_in_an_array_and_compressed() {
    let served = Served::start().await;
    let events = all(&served.simulator);
    let (first, rest) = events.split_at(100);
    let (second, third) = rest.split_at(100);
    served.post(first.concat().as_bytes()).await.unwrap();
    served.post(format!("[{}]", second.join(",")).as_bytes()).await.unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, third.concat().as_bytes()).unwrap();
    served.post(&gzip.finish().unwrap()).await.unwrap();
    let compared = served.simulator.compare("siem", &Stream::ALL);
    assert_eq!((compared.expected, compared.received), (400, 400));
    assert_eq!((compared.missing, compared.doubled, compared.unexpected), (0, 0, 0), "{compared:?}");
    served.end().await;
}

#[tokio::test]
async fn a_missing_a_doubled_and_an_unexpected_event_are_found() {
    let served = Served::start().await;
    let mut events = all(&served.simulator);
    let lost = events.remove(0);
    let again = serde_json::from_str::<Value>(&events[0]).unwrap();
    events.push(delivered(1_000, Stream::AuditLogs, again["event"]["original"].as_str().unwrap()));
    events.push(delivered(1_001, Stream::Activities, r#"{"action":"never"}"#));
    served.post(events.concat().as_bytes()).await.unwrap();
    let compared = served.simulator.compare("siem", &Stream::ALL);
    assert_eq!((compared.missing, compared.doubled, compared.unexpected), (1, 1, 1), "{compared:?}");
    let example = compared.examples.iter().find(|example| example.fault == "missing").unwrap();
    let lost: Value = serde_json::from_str(&lost).unwrap();
    assert_eq!(example.record, lost["event"]["original"].as_str().unwrap());
    served.end().await;
}

#[tokio::test]
async fn an_original_may_be_the_same_json_in_another_order_but_not_another_record() {
    let served = Served::start().await;
    let truth = served.simulator.truth(Stream::AuditLogs);
    let turned: Value = serde_json::from_str(&truth[0]).unwrap();
    let turned = serde_json::to_string_pretty(&turned).unwrap();
    served.post(delivered(1, Stream::AuditLogs, &turned).as_bytes()).await.unwrap();
    let compared = served.simulator.compare("siem", &[Stream::AuditLogs]);
    assert_eq!(compared.missing, truth.len() as u64 - 1);
    assert_eq!((compared.doubled, compared.unexpected), (0, 0));
    served.end().await;
}

#[tokio::test]
async fn repeats_conflicts_and_holes_are_counted() {
    let served = Served::start().await;
    let event = |id| delivered(id, Stream::Login, "{}");
    served.post([event(1), event(2), event(5)].concat().as_bytes()).await.unwrap();
    served.post([event(1), event(2), event(3)].concat().as_bytes()).await.unwrap();
    served.post(delivered(3, Stream::Login, r#"{"x":1}"#).as_bytes()).await.unwrap();
    let stats = served.simulator.receiver_stats("siem");
    assert_eq!((stats.requests, stats.events, stats.unique, stats.repeated), (3, 7, 4, 3));
    assert_eq!((stats.max_repeats_in_row, stats.max_repeats, stats.conflicting), (2, 1, 1));
    assert_eq!(stats.sequences["hs/hubspot.login"], Sequence { first: 2, last: 6, holes: 2 });
    served.end().await;
}

#[tokio::test]
async fn a_receiver_refuses_as_told_and_takes_nothing() {
    let served = Served::start().await;
    let good = delivered(1, Stream::Login, "good");
    served.put("/receiver/siem/faults", r#"{"statuses": {"429": {"next": 1}}, "retry_after": 9}"#).await;
    let refused = served.post(good.as_bytes()).await.unwrap();
    assert!(refused.starts_with("HTTP/1.1 429 ") && refused.contains("retry-after: 9\r\n"), "{refused}");
    served.put("/receiver/siem/faults", r#"{"poison": "bad", "poison_status": 422}"#).await;
    let poisoned = format!("{good}{}", delivered(2, Stream::Login, "bad"));
    assert!(served.post(poisoned.as_bytes()).await.unwrap().starts_with("HTTP/1.1 422 "));
    served.put("/receiver/siem/faults", r#"{"reset_before": {"next": 1}}"#).await;
    assert!(served.post(good.as_bytes()).await.is_err());
    served.put("/receiver/siem/faults", r#"{"token": "secret"}"#).await;
    assert!(served.post(good.as_bytes()).await.unwrap().starts_with("HTTP/1.1 401 "));
    served.put("/receiver/siem/faults", r#"{"token": null}"#).await;
    let stats = served.simulator.receiver_stats("siem");
    assert_eq!((stats.requests, stats.refused, stats.unique), (4, 4, 0));
    assert!(served.post(b"{\"event\":{}}").await.unwrap().starts_with("HTTP/1.1 400 "));
    assert!(served.post(good.as_bytes()).await.unwrap().starts_with("HTTP/1.1 200 "));
    served.end().await;
}

/// A request signed as at this time, in seconds since 1970.
fn signed(id: &str, time: i64, secret: &[u8], body: &str) -> String {
    use base64::Engine as _;
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret);
    let tag = aws_lc_rs::hmac::sign(&key, format!("{id}.{time}.{body}").as_bytes());
    let tag = base64::prelude::BASE64_STANDARD.encode(tag);
    format!("webhook-id: {id}\r\nwebhook-timestamp: {time}\r\nwebhook-signature: v1,b3RoZXI= v1,{tag}")
}

#[tokio::test]
async fn a_receiver_of_webhooks_takes_what_is_signed_and_not_old() {
    let served = Served::start().await;
    let body = delivered(1, Stream::Login, "good");
    served
        .put("/receiver/siem/faults", r#"{"signing_secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}"#)
        .await;
    let key = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        .unwrap();
    let now = jiff::Timestamp::now().as_second();
    for (headers, status) in [
        ("x-other: 1".to_owned(), "401"),
        (signed("msg_1", now, b"another key of twenty-four", &body), "401"),
        (signed("msg_1", now - 3_600, &key, &body), "401"),
        (signed("msg_1", now, &key, "another body"), "401"),
        (signed("msg_1", now, &key, &body), "200"),
        (signed("msg_1", now, &key, &body), "200"),
        (signed("msg_2", now, &key, &body), "200"),
    ] {
        let head =
            format!("POST /receiver/siem HTTP/1.1\r\nhost: simulator\r\nconnection: close\r\n{headers}");
        let answer = served.exchange_raw(&head, body.as_bytes()).await.unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{headers}: {answer}");
    }
    let stats = served.simulator.receiver_stats("siem");
    assert_eq!((stats.requests, stats.refused, stats.webhook_ids, stats.unique), (7, 4, 2, 1));
    served.end().await;
}

#[tokio::test]
async fn a_status_of_success_is_answered_after_the_events_were_taken() {
    let served = Served::start().await;
    served.put("/receiver/siem/faults", r#"{"statuses": {"202": {"next": 1}}}"#).await;
    let event = delivered(1, Stream::Login, "{}");
    assert!(served.post(event.as_bytes()).await.unwrap().starts_with("HTTP/1.1 202 "));
    assert!(served.post(event.as_bytes()).await.unwrap().starts_with("HTTP/1.1 200 "));
    let stats = served.simulator.receiver_stats("siem");
    assert_eq!((stats.refused, stats.events), (0, 2));
    served.end().await;
}

#[tokio::test]
async fn a_lost_answer_is_an_answer_lost_after_the_events_were_taken() {
    let served = Served::start().await;
    served.put("/receiver/siem/faults", r#"{"reset_after": {"next": 1}}"#).await;
    let event = delivered(1, Stream::Login, "{}");
    assert!(served.post(event.as_bytes()).await.is_err());
    assert_eq!(served.simulator.receiver_stats("siem").unique, 1);
    served.post(event.as_bytes()).await.unwrap();
    let stats = served.simulator.receiver_stats("siem");
    assert_eq!((stats.unique, stats.repeated, stats.conflicting), (1, 1, 0));
    served.end().await;
}

#[test]
fn a_login_that_was_read_before_its_location_was_known_is_the_same_login() {
    let still = Still::new(quiet(0));
    still.change(|faults| faults.location_after_ms = 1_000);
    still.simulator.append(Stream::Login, 20);
    let early = still.simulator.truth(Stream::Login);
    still.pass(1_000);
    assert_ne!(early, still.simulator.truth(Stream::Login));
    let events: Vec<String> =
        (0..).zip(&early).map(|(id, record)| delivered(id, Stream::Login, record)).collect();
    still.simulator.receiver("siem").unwrap().lock().take(&events.concat(), None).unwrap();
    let compared = still.simulator.compare("siem", &[Stream::Login]);
    assert_eq!((compared.received, compared.missing, compared.unexpected), (20, 0, 0), "{compared:?}");
}
