use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use base64::Engine as _;

use super::*;
use crate::config::{Compression, HttpTransport, Secret};
use crate::event::{EventId, StoredEvent, StreamName};

/// A request as a receiver saw it: its head in lower case, its body.
struct Seen {
    head: String,
    body: Vec<u8>,
}

impl Seen {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")))
    }
}

/// Answers one request per connection with these statuses, one after the other.
fn receiver(statuses: &'static [&'static str]) -> (Url, mpsc::Receiver<Seen>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/in", listener.local_addr().unwrap()).parse().unwrap();
    let (seen, requests) = mpsc::channel();
    std::thread::spawn(move || {
        for status in statuses {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream);
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                reader.read_line(&mut head).unwrap();
            }
            let head = head.to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
            let mut body = vec![0; length.parse().unwrap()];
            reader.read_exact(&mut body).unwrap();
            let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            reader.get_mut().write_all(answer.as_bytes()).unwrap();
            seen.send(Seen { head, body }).unwrap();
        }
    });
    (url, requests)
}

fn next(requests: &mpsc::Receiver<Seen>) -> Seen {
    requests.recv_timeout(Duration::from_secs(20)).unwrap()
}

fn config(endpoint: Url) -> HttpSinkConfig {
    HttpSinkConfig {
        endpoint,
        encoding: HttpEncoding::Ndjson,
        headers: Vec::new(),
        token: None,
        signing_secret: None,
        success_statuses: Vec::new(),
        transport: HttpTransport {
            compression: Compression::None,
            timeout: Duration::from_secs(20),
            tls: crate::tls::Options::default(),
            max_in_flight: 1,
        },
    }
}

fn batch(lines: &[&str]) -> Batch {
    let mut batch = Batch::default();
    for (number, line) in (0u8..).zip(lines) {
        let event = StoredEvent {
            position: i64::from(number),
            stream: Arc::new(StreamName { source: "crm".to_owned(), stream: "login".to_owned() }),
            sequence: 1,
            id: EventId::from_bytes([number; 16]),
            core: "".into(),
            original: "".into(),
        };
        batch.push(Arc::new(event), line.as_bytes());
    }
    batch
}

fn unzipped(body: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(body).read_to_end(&mut plain).unwrap();
    plain
}

#[tokio::test]
async fn a_batch_is_posted_as_lines_or_as_an_array() {
    for (encoding, content_type, body) in [
        (HttpEncoding::Ndjson, "application/x-ndjson", "{\"a\":1}\n{\"b\":2}\n"),
        (HttpEncoding::JsonArray, "application/json", "[{\"a\":1},{\"b\":2}]"),
    ] {
        let (url, requests) = receiver(&["200 OK"]);
        let sink = HttpSink::new(&HttpSinkConfig { encoding, ..config(url) }).unwrap();
        assert_eq!(sink.deliver(&batch(&["{\"a\":1}", "{\"b\":2}"])).await, Outcome::Accepted);
        let seen = next(&requests);
        assert!(seen.head.starts_with("post /in http/1.1"));
        assert_eq!(seen.header("content-type"), Some(content_type));
        assert_eq!(String::from_utf8(seen.body).unwrap(), body);
    }
}

#[tokio::test]
async fn a_compressed_batch_says_so_whatever_its_size() {
    let (url, requests) = receiver(&["200 OK", "200 OK"]);
    let mut config = config(url);
    config.transport.compression = Compression::Gzip;
    let sink = HttpSink::new(&config).unwrap();
    let long = format!("\"{}\"", "x".repeat(200_000));
    for batch in [batch(&["{}"]), batch(&[&long])] {
        assert_eq!(sink.deliver(&batch).await, Outcome::Accepted);
        let seen = next(&requests);
        assert_eq!(seen.header("content-encoding"), Some("gzip"));
        assert!(unzipped(&seen.body) == batch.lines);
    }
}

#[tokio::test]
async fn the_same_events_have_the_same_key_and_others_another() {
    let (url, requests) = receiver(&["503 Busy", "200 OK", "200 OK"]);
    let sink = HttpSink::new(&config(url)).unwrap();
    let two = batch(&["{}", "{}"]);
    assert!(matches!(sink.deliver(&two).await, Outcome::Retry { .. }));
    assert_eq!(sink.deliver(&two).await, Outcome::Accepted);
    assert_eq!(sink.deliver(&two.part(0..1)).await, Outcome::Accepted);
    let keys: Vec<String> =
        (0..3).map(|_| next(&requests).header("idempotency-key").unwrap().to_owned()).collect();
    assert_eq!(keys[0].len(), 32);
    assert_eq!(keys[0], keys[1]);
    assert_ne!(keys[1], keys[2]);
}

#[tokio::test]
async fn a_refused_credential_is_read_again_and_its_change_is_seen() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("token");
    std::fs::write(&file, "old\n").unwrap();
    let (url, requests) = receiver(&["401 Unauthorized", "200 OK", "200 OK"]);
    let token = Some(Secret::File(file.clone()));
    let headers = vec![("Content-Type".to_owned(), Secret::Plain("text/json".to_owned().into()))];
    let sink = HttpSink::new(&HttpSinkConfig { token, headers, ..config(url) }).unwrap();

    assert!(matches!(sink.deliver(&batch(&["{}"])).await, Outcome::Held { .. }));
    let seen = next(&requests);
    assert_eq!(seen.header("authorization"), Some("bearer old"));
    assert_eq!(seen.head.matches("content-type").count(), 1, "the operator's header wins: {}", seen.head);

    assert!(!sink.credential_changed().await, "the file is what it was");
    std::fs::write(&file, "new\n").unwrap();
    assert!(!sink.credential_changed().await, "a second look within a second");
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(2)).await;
    tokio::time::resume();
    assert!(sink.credential_changed().await);

    assert_eq!(sink.deliver(&batch(&["{}"])).await, Outcome::Accepted);
    assert_eq!(next(&requests).header("authorization"), Some("bearer new"));
    std::fs::remove_file(&file).unwrap();
    assert_eq!(sink.deliver(&batch(&["{}"])).await, Outcome::Accepted, "it is read again only when refused");
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_holds_the_sink_without_a_request() {
    let token = Some(Secret::File("/nonexistent/token".into()));
    let endpoint = "http://127.0.0.1:1/".parse().unwrap();
    let sink = HttpSink::new(&HttpSinkConfig { token, ..config(endpoint) }).unwrap();
    let outcome = sink.deliver(&batch(&["{}"])).await;
    assert!(
        matches!(&outcome, Outcome::Held { reason } if reason.contains("/nonexistent/token")),
        "{outcome:?}"
    );
    assert!(!sink.credential_changed().await);
}

#[tokio::test]
async fn a_signature_covers_what_is_sent_and_names_the_same_events_the_same() {
    for compression in [Compression::None, Compression::Gzip] {
        let (url, requests) = receiver(&["503 Busy", "200 OK"]);
        let secret = "twenty-four-bytes-or-more";
        let mut config =
            HttpSinkConfig { signing_secret: Some(Secret::Plain(secret.to_owned().into())), ..config(url) };
        config.transport.compression = compression;
        let sink = HttpSink::new(&config).unwrap();
        let two = batch(&["{}", "{}"]);
        assert!(matches!(sink.deliver(&two).await, Outcome::Retry { .. }));
        assert_eq!(sink.deliver(&two).await, Outcome::Accepted);
        let seen = [next(&requests), next(&requests)];
        assert_eq!(seen[0].header("webhook-id"), seen[1].header("webhook-id"));
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.as_bytes());
        for one in &seen {
            let [id, timestamp] = ["webhook-id", "webhook-timestamp"].map(|name| one.header(name).unwrap());
            assert_eq!(id, format!("msg_{}", one.header("idempotency-key").unwrap()));
            let age = jiff::Timestamp::now().as_second() - timestamp.parse::<i64>().unwrap();
            assert!((0..60).contains(&age), "{age}");
            let signed = [id.as_bytes(), b".", timestamp.as_bytes(), b".", &one.body].concat();
            let signature = base64::prelude::BASE64_STANDARD.encode(aws_lc_rs::hmac::sign(&key, &signed));
            // The receiver of this test writes heads in lower case.
            let expected = format!("v1,{signature}").to_lowercase();
            assert_eq!(one.header("webhook-signature"), Some(expected.as_str()));
        }
    }
}

#[tokio::test]
async fn a_signing_secret_that_cannot_be_used_holds_the_sink_until_it_is_mended() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("secret");
    std::fs::write(&file, "whsec_c2hvcnQ=\n").unwrap();
    let (url, requests) = receiver(&["200 OK", "405 Method Not Allowed"]);
    let signing_secret = Some(Secret::File(file.clone()));
    let sink = HttpSink::new(&HttpSinkConfig { signing_secret, ..config(url) }).unwrap();
    let outcome = sink.deliver(&batch(&["{}"])).await;
    assert!(
        matches!(&outcome, Outcome::Held { reason } if reason.contains("has 5 bytes") && !reason.contains("c2hv")),
        "{outcome:?}"
    );
    assert!(matches!(sink.probe().await, Probe::Failed(reason) if reason.contains("has 5 bytes")));
    std::fs::write(&file, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").unwrap();
    assert!(sink.credential_changed().await);
    assert_eq!(sink.deliver(&batch(&["{}"])).await, Outcome::Accepted);
    assert!(next(&requests).header("webhook-signature").unwrap().starts_with("v1,"));
    assert!(matches!(sink.probe().await, Probe::OnlyByEvent(_)));
}

#[tokio::test]
async fn a_probe_posts_nothing_and_tells_whether_a_server_answers() {
    let (url, requests) = receiver(&["204 No Content", "401 Unauthorized"]);
    let token = Some(Secret::Plain("hunter2".to_owned().into()));
    let sink = HttpSink::new(&HttpSinkConfig { token, ..config(url) }).unwrap();
    let found = sink.probe().await;
    assert!(matches!(&found, Probe::OnlyByEvent(found) if found.contains("HTTP 204")), "{found:?}");
    let question = next(&requests);
    assert!(question.head.starts_with("options /in http/1.1"), "{}", question.head);
    assert_eq!((question.header("authorization"), question.body.len()), (Some("bearer hunter2"), 0));
    assert!(matches!(sink.probe().await, Probe::Failed(why) if why.contains("check token")));
    next(&requests);
    assert!(matches!(sink.probe().await, Probe::Failed(why) if why.contains("can't connect")));
}

#[tokio::test]
async fn another_success_than_those_that_count_holds_the_sink() {
    let (url, requests) = receiver(&["202 Accepted", "200 OK", "503 Busy", "410 Gone"]);
    let sink = HttpSink::new(&HttpSinkConfig { success_statuses: vec![202, 204], ..config(url) }).unwrap();
    assert_eq!(sink.deliver(&batch(&["{}"])).await, Outcome::Accepted);
    let outcome = sink.deliver(&batch(&["{}"])).await;
    let reason = "HTTP 200, which is not among success_statuses".to_owned();
    assert_eq!(outcome, Outcome::Held { reason });
    assert!(matches!(sink.deliver(&batch(&["{}"])).await, Outcome::Retry { .. }));
    assert!(matches!(sink.deliver(&batch(&["{}"])).await, Outcome::Held { .. }));
    (0..4).for_each(|_| drop(next(&requests)));
}
