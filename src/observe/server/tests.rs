use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::super::samples::{about, live, now, troubled, well};
use super::super::{Status, assemble};
use super::*;

fn status(snapshot: &crate::store::Snapshot) -> Status {
    assemble(snapshot, &about(), Some(&live(snapshot)), now())
}

/// What a test asks of a served status; the server stops with it.
struct Served {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
    pulse: watch::Sender<Pulse>,
    stop: CancellationToken,
}

/// Runs `test` beside a server that says `reading`, and sees the server stop after it.
async fn beside<T: AsyncFnOnce(&Served)>(reading: Result<Status, String>, test: T) {
    guarded(None, reading, test).await;
}

/// The same with a token.
async fn guarded<T: AsyncFnOnce(&Served)>(token: Option<Secret>, reading: Result<Status, String>, test: T) {
    let server = Server::bind("127.0.0.1:0".parse().unwrap()).unwrap().guarded_by(watch::channel(token).1);
    let served = Served {
        address: server.address(),
        asked: Arc::new(AtomicUsize::new(0)),
        pulse: watch::Sender::new(Pulse::beat()),
        stop: CancellationToken::new(),
    };
    let asked = Arc::clone(&served.asked);
    let source = move || {
        asked.fetch_add(1, Ordering::Relaxed);
        std::future::ready(reading.clone())
    };
    let serving = server.serve(source, served.pulse.subscribe(), served.stop.clone());
    let (outcome, ()) = tokio::join!(serving, async {
        test(&served).await;
        served.stop.cancel();
    });
    outcome.unwrap();
}

impl Served {
    async fn exchange(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut reply = String::new();
        // Ends because the server closes.
        stream.read_to_string(&mut reply).await.unwrap();
        reply
    }

    async fn ask(&self, method: &str, path: &str, host: &str) -> (u16, String, String) {
        let reply = self.exchange(&format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
        let (head, body) = reply.split_once("\r\n\r\n").unwrap();
        let code = head.split(' ').nth(1).unwrap().parse().unwrap();
        (code, head.to_ascii_lowercase(), body.to_owned())
    }

    async fn get(&self, path: &str) -> (u16, String, String) {
        self.ask("GET", path, "localhost:9464").await
    }

    /// With this as `Authorization`.
    async fn get_as(&self, authorization: &str, path: &str) -> (u16, String, String) {
        self.ask("GET", path, &format!("localhost\r\nAuthorization: {authorization}")).await
    }
}

#[tokio::test]
async fn every_route_answers_with_its_kind() {
    beside(Ok(status(&well())), async |served| {
        for (path, kind, part) in [
            ("/", "text/html; charset=utf-8", "<title>auditferry</title>"),
            ("/page.css", "text/css; charset=utf-8", "prefers-color-scheme"),
            ("/runbook", "text/html; charset=utf-8", "<h2 id=\"sink-held\">"),
            ("/runbook.css", "text/css; charset=utf-8", ":target"),
            ("/page/main.js", "text/javascript; charset=utf-8", "api/status"),
            ("/page/good.svg", "image/svg+xml", "<svg"),
            ("/healthz", "text/plain; charset=utf-8", "ok"),
            ("/readyz", "application/json", "{\"ready\":true,\"reasons\":[]}"),
            ("/api/status", "application/json", "\"state\":\"working\""),
            ("/metrics", "text/plain; version=0.0.4; charset=utf-8", "\nauditferry_ready 1\n"),
        ] {
            let (code, head, body) = served.get(path).await;
            assert_eq!(code, 200, "{path}");
            assert!(head.contains(&format!("content-type: {kind}")), "{path}: {head}");
            assert!(body.contains(part), "{path}: {body}");
        }
    })
    .await;
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    beside(Ok(status(&well())), async |served| {
        for path in ["/", "/page/main.js", "/runbook", "/healthz", "/readyz", "/api/status", "/nothing"] {
            let (_, head, _) = served.get(path).await;
            for header in [
                "content-security-policy: default-src 'none'; style-src 'self'; script-src 'self';",
                "x-content-type-options: nosniff",
                "cache-control: no-store",
                "referrer-policy: no-referrer",
                "connection: close",
            ] {
                assert!(head.contains(header), "{path}: {header} is missing in {head}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_scraper_gets_the_format_that_it_asks_for() {
    beside(Ok(status(&well())), async |served| {
        let asked =
            "GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept: application/openmetrics-text\r\n\r\n";
        let reply = served.exchange(asked).await;
        assert!(reply.contains("content-type: application/openmetrics-text; version=1.0.0;"), "{reply}");
        assert!(reply.ends_with("\n# EOF\n"), "{reply}");
    })
    .await;
}

#[tokio::test]
async fn only_reading_is_possible() {
    beside(Ok(status(&well())), async |served| {
        for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
            assert_eq!(served.ask(method, "/api/status", "localhost").await.0, 405, "{method}");
        }
        assert_eq!(served.get("/page.html").await.0, 404);
        let (code, head, body) = served.ask("HEAD", "/", "localhost").await;
        assert_eq!((code, body.as_str()), (200, ""));
        let (_, _, page) = served.get("/").await;
        assert!(head.contains(&format!("content-length: {}", page.len())));
    })
    .await;
}

#[tokio::test]
async fn on_loopback_only_loopback_names_are_answered() {
    beside(Ok(status(&well())), async |served| {
        for (host, code) in [
            ("localhost", 200),
            ("LOCALHOST:9464", 200),
            ("127.0.0.1:9464", 200),
            ("[::1]:9464", 200),
            ("[::1]", 200),
            ("attacker.example", 421),
            ("attacker.example:9464", 421),
            ("localhost.attacker.example", 421),
            ("127.0.0.1.attacker.example", 421),
            ("10.0.0.1", 421),
            ("", 421),
        ] {
            let (got, _, body) = served.ask("GET", "/api/status", host).await;
            assert_eq!(got, code, "{host}");
            assert_eq!(body.contains("hubspot"), code == 200, "{host}");
        }
        let old_probe = served.exchange("GET /healthz HTTP/1.0\r\n\r\n").await;
        assert!(old_probe.starts_with("HTTP/1.0 200"), "{old_probe}");
    })
    .await;
}

#[tokio::test]
async fn readiness_is_503_with_the_reasons() {
    beside(Ok(status(&troubled())), async |served| {
        let (code, _, body) = served.get("/readyz").await;
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(code, 503);
        assert_eq!(body["ready"], false);
        assert_eq!(body["reasons"][0]["code"], "stream-held");
        assert_eq!(body["reasons"][0]["subject"], "brevo/activities");
        assert_eq!(body["reasons"][1]["code"], "sink-waiting");
        assert_eq!(served.get("/healthz").await.0, 200);
    })
    .await;
}

#[tokio::test]
async fn a_store_that_fails_is_a_reason_and_the_process_still_works() {
    beside(Err("disk I/O error".to_owned()), async |served| {
        let (code, _, body) = served.get("/readyz").await;
        assert_eq!(code, 503);
        assert!(body.contains("store-failing") && body.contains("disk I/O error"), "{body}");
        let (code, _, body) = served.get("/api/status").await;
        assert_eq!((code, body.as_str()), (503, "{\"error\":\"the store can't be read: disk I/O error\"}"));
        assert_eq!(served.get("/healthz").await.0, 200);
        assert_eq!(served.get("/").await.0, 200);
        let (code, _, body) = served.get("/metrics").await;
        assert_eq!((code, body.contains("\nauditferry_ready 0\n")), (200, true), "{body}");
    })
    .await;
}

const TOKEN: &str = "a token of the tests";

#[tokio::test]
async fn what_holds_data_needs_the_token_where_there_is_one() {
    guarded(Some(Secret::Plain(TOKEN.into())), Ok(status(&troubled())), async |served| {
        let (code, head, body) = served.get("/api/status").await;
        assert_eq!(code, 401);
        assert!(head.contains("www-authenticate: bearer realm=\"auditferry\"\r\n"), "{head}");
        assert!(head.contains("cache-control: no-store") && !body.contains("hubspot"), "{head}{body}");
        for wrong in ["Bearer", "Bearer ", "Bearer x", "Basic YTpi", TOKEN, &format!("Bearer {TOKEN}x")] {
            let (code, head, body) = served.get_as(wrong, "/api/status").await;
            assert_eq!(code, 401, "{wrong}");
            assert!(
                head.contains("error=\"invalid_token\"") && !body.contains("hubspot"),
                "{wrong}: {head}{body}"
            );
            assert_eq!(served.get_as(wrong, "/metrics").await.0, 401);
            assert_eq!(served.get_as(wrong, "/readyz").await.2, "{\"ready\":false}");
        }
        for right in [format!("Bearer {TOKEN}"), format!("bearer  {TOKEN}")] {
            let (code, _, body) = served.get_as(&right, "/api/status").await;
            assert!(code == 200 && body.contains("hubspot"), "{right}: {code} {body}");
            assert_eq!(served.get_as(&right, "/metrics").await.0, 200);
            let (code, _, body) = served.get_as(&right, "/readyz").await;
            assert!(code == 503 && body.contains("brevo/activities"), "{right}: {code} {body}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_holds_no_data_needs_no_token() {
    guarded(Some(Secret::Plain(TOKEN.into())), Ok(status(&troubled())), async |served| {
        for path in ["/", "/page.css", "/page/main.js", "/runbook", "/runbook.css", "/healthz"] {
            assert_eq!(served.get(path).await.0, 200, "{path}");
        }
        let (code, _, body) = served.get("/readyz").await;
        assert_eq!((code, body.as_str()), (503, "{\"ready\":false}"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_new_token_holds_soon_and_an_unreadable_one_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token");
    let (tokens, token) = watch::channel(Some(Secret::File(path.clone())));
    let guard = Guard::new(token);
    let admits = async |offered: &str| {
        let headers = [(header::AUTHORIZATION, format!("Bearer {offered}").parse().unwrap())];
        guard.admits(&HeaderMap::from_iter(headers)).await
    };
    assert!(!admits("").await && !admits("the first").await, "nothing was ever read");
    tokio::time::advance(Duration::from_secs(15)).await;
    std::fs::write(&path, "the first\n").unwrap();
    assert!(admits("the first").await);
    std::fs::write(&path, "the second\n").unwrap();
    assert!(admits("the first").await, "the source is not read for each request");
    tokio::time::advance(Duration::from_secs(15)).await;
    assert!(admits("the second").await && !admits("the first").await);
    std::fs::remove_file(&path).unwrap();
    tokio::time::advance(Duration::from_secs(15)).await;
    assert!(admits("the second").await && !admits("").await);
    // Another one in the configuration holds at once, and so does none.
    tokens.send_replace(Some(Secret::File(directory.path().join("elsewhere"))));
    assert!(!admits("the second").await, "nothing of another secret holds");
    std::fs::write(directory.path().join("another"), "the third").unwrap();
    tokens.send_replace(Some(Secret::File(directory.path().join("another"))));
    assert!(admits("the third").await && !admits("the second").await);
    tokens.send_replace(None);
    assert!(admits("anything").await);
}

#[tokio::test(start_paused = true)]
async fn the_process_is_alive_as_long_as_its_store_answers() {
    let (pulse, alive) = watch::channel(Pulse::beat());
    assert_eq!(healthz(&alive).status(), StatusCode::OK);
    tokio::time::advance(Duration::from_secs(61)).await;
    pulse.send_modify(|pulse| pulse.miss("no answer within 10 s".to_owned()));
    let dead = healthz(&alive);
    assert_eq!(dead.status(), StatusCode::SERVICE_UNAVAILABLE);
    let body = axum::body::to_bytes(dead.into_body(), 1_000).await.unwrap();
    assert_eq!(body, "the store has not answered for 61 s: no answer within 10 s\n");
    pulse.send_replace(Pulse::beat());
    assert_eq!(healthz(&alive).status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn the_store_is_read_once_a_second_however_many_ask() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let source: Source = Box::new(move || {
        counter.fetch_add(1, Ordering::Relaxed);
        Box::pin(std::future::ready(Ok(status(&well()))))
    });
    let cached = Cached { source, last: Mutex::new(None) };
    for _ in 0..3 {
        tokio::join!(cached.read(), cached.read(), cached.read());
    }
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    tokio::time::advance(FRESH).await;
    cached.read().await;
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_has_failed() {
    let cached = Cached { source: Box::new(|| Box::pin(std::future::pending())), last: Mutex::new(None) };
    assert_eq!(*cached.read().await, Err("no answer for 3 s".to_owned()));
}

#[tokio::test]
async fn a_client_that_says_nothing_does_not_keep_it_from_stopping() {
    let server = Server::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let (address, stop) = (server.address(), CancellationToken::new());
    let (_pulse, alive) = watch::channel(Pulse::beat());
    let serving = server.serve(|| std::future::ready(Err("not asked".to_owned())), alive, stop.clone());
    let silent = async {
        let mut silent = TcpStream::connect(address).await.unwrap();
        silent.write_all(b"GET /healthz HTT").await.unwrap();
        stop.cancel();
        silent
    };
    let (served, _silent) = timeout(DRAIN * 5, async { tokio::join!(serving, silent) }).await.unwrap();
    served.unwrap();
}
