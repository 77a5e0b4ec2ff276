use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, mpsc};
use std::time::Duration;

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
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
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
