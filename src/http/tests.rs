mod proxy;
mod trust;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

use super::*;

/// Answers one connection with these bytes, then closes it; gives back what was asked.
fn serve(answer: Vec<u8>) -> (Url, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/path?secret=1", listener.local_addr().unwrap()).parse().unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let asked = read_head(&mut stream);
        stream.write_all(&answer).unwrap();
        asked
    });
    (url, server)
}

fn read_head(stream: &mut TcpStream) -> String {
    let mut asked = Vec::new();
    while !asked.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        asked.push(byte[0]);
    }
    String::from_utf8(asked).unwrap()
}

fn client(url: &Url) -> ClientOptions {
    ClientOptions { timeout: Duration::from_secs(20), ..ClientOptions::for_peer(url) }
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn reply(head: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len())
        .into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

#[tokio::test]
async fn any_status_is_an_answer_with_headers_and_body() {
    let (url, server) = serve(reply("477 Migration\r\nRetry-After: 7", b"moving"));
    let request = Request::get(url.clone()).header("authorization", "Bearer hidden");
    let reply = Client::new(&client(&url)).unwrap().send(request).await.unwrap();
    assert_eq!((reply.status, &reply.body[..]), (477, &b"moving"[..]));
    assert_eq!(reply.headers.get("Retry-After"), Some("7"));
    let asked = server.join().unwrap().to_lowercase();
    assert!(asked.contains(&format!("user-agent: {USER_AGENT}")));
    assert!(asked.contains("authorization: bearer hidden"));
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let (url, server) = serve(reply("302 Found\r\nLocation: http://127.0.0.1:1/", b""));
    let reply = Client::new(&client(&url)).unwrap().send(Request::get(url)).await.unwrap();
    assert_eq!(reply.status, 302);
    server.join().unwrap();
}

#[tokio::test]
async fn a_body_is_capped_by_its_decoded_size() {
    let body = gzip(&vec![b' '; 100_000]);
    assert!(body.len() < 1_000);
    let (url, server) = serve(reply("200 OK\r\nContent-Encoding: gzip", &body));
    let options = ClientOptions { max_reply_bytes: 50_000, ..client(&url) };
    let failure = Client::new(&options).unwrap().send(Request::get(url)).await.unwrap_err();
    assert!(matches!(failure, Error::TooLarge { limit: 50_000, .. }), "{failure}");
    server.join().unwrap();
}

#[tokio::test]
async fn a_compressed_body_comes_decoded() {
    let plain: Vec<u8> = (0..200_000u32).flat_map(u32::to_be_bytes).collect();
    let (url, server) = serve(reply("200 OK\r\nContent-Encoding: gzip", &gzip(&plain)));
    let reply = Client::new(&client(&url)).unwrap().send(Request::get(url)).await.unwrap();
    assert!(reply.body == plain);
    server.join().unwrap();
}

#[tokio::test]
async fn a_truncated_answer_is_broken_and_its_message_names_the_host_alone() {
    let (url, server) = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort".to_vec());
    let failure = Client::new(&client(&url)).unwrap().send(Request::get(url.clone())).await.unwrap_err();
    assert!(matches!(failure, Error::Broken { .. }), "{failure:?}");
    assert!(
        failure.to_string().contains(&host_of(&url)) && !failure.to_string().contains("secret"),
        "{failure}"
    );
    server.join().unwrap();
}

#[tokio::test]
async fn a_closed_port_is_a_failed_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url: Url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    let failure = Client::new(&client(&url)).unwrap().send(Request::get(url)).await.unwrap_err();
    let Error::Connect { reason, .. } = &failure else { panic!("{failure:?}") };
    assert_eq!(reason.matches("refused").count(), 1, "{failure}");
}

#[tokio::test]
async fn a_name_without_an_address_is_told_from_a_host_that_does_not_answer() {
    let url: Url = "http://nowhere.invalid/".parse().unwrap();
    let options = ClientOptions { proxied: false, ..client(&url) };
    let failure = Client::new(&options).unwrap().send(Request::get(url)).await.unwrap_err();
    assert!(matches!(&failure, Error::Resolve { host, .. } if host == "nowhere.invalid"), "{failure:?}");
}

#[tokio::test]
async fn a_silent_peer_is_a_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url: Url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let options = ClientOptions { timeout: Duration::from_millis(100), ..client(&url) };
    let failure = Client::new(&options).unwrap().send(Request::get(url)).await.unwrap_err();
    assert!(matches!(failure, Error::Timeout { .. }), "{failure:?}");
}

#[tokio::test]
async fn a_peer_that_speaks_no_tls_is_a_tls_fault() {
    let (url, server) = serve_plain_to_tls();
    let failure = Client::new(&client(&url)).unwrap().send(Request::get(url)).await.unwrap_err();
    assert!(matches!(failure, Error::Tls { fault: tls::Fault::NoTls, .. }), "{failure:?}");
    server.join().unwrap();
}

fn serve_plain_to_tls() -> (Url, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut hello = [0; 512];
        let _ = stream.read(&mut hello).unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    });
    (url, server)
}

#[tokio::test]
async fn a_header_that_http_does_not_allow_is_named_without_its_value() {
    let url: Url = "http://127.0.0.1:1/".parse().unwrap();
    let request = Request::get(url.clone()).header("authorization", "Bearer a\nb");
    let failure = Client::new(&client(&url)).unwrap().send(request).await.unwrap_err();
    assert!(matches!(&failure, Error::Invalid(reason) if reason.contains("authorization")));
    assert!(!failure.to_string().contains("Bearer"));
}

#[test]
fn a_certificate_file_that_is_missing_or_not_pem_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing.pem");
    let options = with_ca_file(missing);
    assert!(Client::new(&options).unwrap_err().to_string().contains("missing.pem"));

    let garbage = directory.path().join("garbage.pem");
    std::fs::write(&garbage, "no certificate").unwrap();
    let options = with_ca_file(garbage);
    assert!(Client::new(&options).unwrap_err().to_string().contains("garbage.pem"));
}

fn with_ca_file(path: std::path::PathBuf) -> ClientOptions {
    let tls = tls::Options { ca_file: Some(path), ..tls::Options::default() };
    ClientOptions { tls, ..ClientOptions::default() }
}

#[test]
fn our_own_machine_is_reached_without_a_proxy() {
    for (url, proxied) in
        [("http://127.0.0.1:80/", false), ("http://[::1]/", false), ("http://localhost/", false)]
            .into_iter()
            .chain([("https://api.example.com/", true), ("http://10.0.0.1/", true)])
    {
        assert_eq!(ClientOptions::for_peer(&url.parse().unwrap()).proxied, proxied, "{url}");
    }
}
