//! A proxy that the environment names. The environment belongs to the process, so each test asks from a process
//! of its own: this test binary once more.

use std::process::Command;

use super::trust::server::{Authority, Files, Server, certificate_for};
use super::*;

/// Set in the process that asks.
const ASKED: &str = "AUDITFERRY_TEST_ASKED";
const CA_FILE: &str = "AUDITFERRY_TEST_CA_FILE";

/// Runs the test of this name again, with these variables more; it must pass.
#[track_caller]
fn again(test: &str, variables: &[(&str, &str)]) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "--nocapture", &format!("http::tests::proxy::{test}")]);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    let ended = command.envs(variables.iter().copied()).output().unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success() && said.contains("1 passed"), "{said}");
}

async fn ask(url: Url) -> Reply {
    let ca_file = std::env::var_os(CA_FILE).map(Into::into);
    let tls = tls::Options { ca_file, ..tls::Options::default() };
    let options = ClientOptions { tls, ..client(&url) };
    Client::new(&options).unwrap().send(Request::get(url)).await.unwrap()
}

/// Takes one connection, and what is asked of it to this port, whatever it asks for; gives back its first head.
fn proxy_to(port: u16) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://user:secret@{}", listener.local_addr().unwrap());
    let proxy = std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let head = read_head(&mut client);
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
        let server = TcpStream::connect(("127.0.0.1", port)).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| std::io::copy(&mut &client, &mut &server));
            let _ = std::io::copy(&mut &server, &mut &client);
            let _ = client.shutdown(std::net::Shutdown::Both);
        });
        head
    });
    (address, proxy)
}

#[tokio::test]
async fn a_receiver_elsewhere_is_asked_through_the_proxy_and_verified_all_the_same() {
    if let Ok(url) = std::env::var(ASKED) {
        assert_eq!(ask(url.parse().unwrap()).await.status, 204);
        return;
    }
    let (authority, files) = (Authority::new("good"), Files::new());
    let certificate = authority.issue(&certificate_for("siem.example"));
    let ca_file = files.trusting(&authority).ca_file.unwrap();
    let (url, server) = Server::new(&certificate).start();
    let (address, proxy) = proxy_to(url.port().unwrap());
    again(
        "a_receiver_elsewhere_is_asked_through_the_proxy_and_verified_all_the_same",
        &[
            (ASKED, "https://siem.example/services"),
            (CA_FILE, ca_file.to_str().unwrap()),
            ("HTTPS_PROXY", &address),
        ],
    );
    let head = proxy.join().unwrap().to_lowercase();
    assert!(head.starts_with("connect siem.example:443 http/1.1\r\n"), "{head}");
    assert!(head.contains("proxy-authorization: basic dxnlcjpzzwnyzxq="), "{head}");
    assert_eq!(server.join().unwrap(), Some(Some("siem.example".to_owned())));
}

#[tokio::test]
async fn no_proxy_stands_between_us_and_our_own_machine() {
    if let Ok(url) = std::env::var(ASKED) {
        assert_eq!(ask(url.parse().unwrap()).await.status, 204);
        return;
    }
    let (url, server) = serve(reply("204 No Content", b""));
    again(
        "no_proxy_stands_between_us_and_our_own_machine",
        &[(ASKED, url.as_str()), ("HTTP_PROXY", "http://127.0.0.1:1"), ("ALL_PROXY", "http://127.0.0.1:1")],
    );
    assert!(server.join().unwrap().starts_with("GET /path"));
}
