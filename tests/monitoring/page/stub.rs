//! The real page files and headers of the program's own server, beside a status that a test makes: for states
//! that no daemon comes to in a test's time.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use auditferry::observe::{Pulse, Server};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

/// A server on loopback until the tests end.
pub(crate) struct Stub {
    address: SocketAddr,
    says: Arc<Mutex<Says>>,
}

/// What `/api/status` answers.
#[derive(Clone, Default)]
struct Says {
    code: u16,
    body: String,
    /// Without this token it is 401.
    token: Option<String>,
    /// So often it was asked.
    asked: u64,
}

impl Stub {
    /// Serves this status.
    pub(crate) fn new(status: &Value) -> Self {
        let files = files();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stub = Self { address: listener.local_addr().unwrap(), says: Arc::default() };
        stub.say(200, &status.to_string());
        let says = Arc::clone(&stub.says);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let says = Arc::clone(&says);
                // A browser that gives up is no failure.
                thread::spawn(move || answer(stream?, files, &says));
            }
        });
        stub
    }

    /// The page's address.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Answers this from now on.
    pub(crate) fn say(&self, code: u16, body: &str) {
        let mut says = self.says.lock().unwrap();
        says.code = code;
        body.clone_into(&mut says.body);
    }

    /// Asks for this token from now on.
    pub(crate) fn demand(&self, token: &str) {
        self.says.lock().unwrap().token = Some(token.to_owned());
    }

    /// How often it was asked for the status.
    pub(crate) fn asked(&self) -> u64 {
        self.says.lock().unwrap().asked
    }
}

/// Where the program's own server serves the page's files.
fn files() -> SocketAddr {
    let (send, receive) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let server = Server::bind("127.0.0.1:0".parse().unwrap()).unwrap();
            send.send(server.address()).unwrap();
            let none = || std::future::ready(Err("only files are asked of this one".to_owned()));
            let (_pulse, alive) = tokio::sync::watch::channel(Pulse::beat());
            server.serve(none, alive, CancellationToken::new()).await.unwrap();
        });
    });
    receive.recv().unwrap()
}

fn answer(mut browser: TcpStream, files: SocketAddr, says: &Mutex<Says>) -> std::io::Result<()> {
    let mut request = Vec::new();
    let mut part = [0; 4096];
    while !request.ends_with(b"\r\n\r\n") {
        match browser.read(&mut part)? {
            0 => return Ok(()),
            read => request.extend_from_slice(&part[..read]),
        }
    }
    let head = String::from_utf8_lossy(&request).into_owned();
    if !head.starts_with("GET /api/status ") {
        let mut server = TcpStream::connect(files)?;
        server.write_all(&request)?;
        std::io::copy(&mut server, &mut browser)?;
        return Ok(());
    }
    let Says { code, body, .. } = {
        let mut says = says.lock().unwrap();
        says.asked += 1;
        let sent = head.lines().find_map(|line| line.strip_prefix("Authorization: Bearer "));
        match &says.token {
            Some(token) if sent != Some(token) => Says { code: 401, ..Says::default() },
            _ => says.clone(),
        }
    };
    let length = body.len();
    write!(
        browser,
        "HTTP/1.1 {code} -\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}
