//! As little of HTTP/1.1 as the program needs from a peer, so that the peer is not what is measured.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use memchr::memmem;
use serde_json::json;

use crate::peer::{say, wait_for_end};

/// Answers requests.
pub(crate) trait Serve: Send + Sync + 'static {
    /// Appends the body of the answer to the request for `target` with this body.
    fn answer(&self, target: &str, body: &[u8], answer: &mut Vec<u8>);
}

/// Serves on a free port of loopback, a thread per connection, until the standard input ends. Every answer is
/// held back for `delay`.
pub(crate) fn until_end(service: &Arc<impl Serve>, delay: Duration) -> anyhow::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    say(&json!({ "port": listener.local_addr()?.port() }));
    let service = Arc::clone(service);
    std::thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let service = Arc::clone(&service);
            std::thread::spawn(move || converse(connection, &*service, delay));
        }
    });
    wait_for_end();
    Ok(())
}

fn converse(mut connection: TcpStream, service: &impl Serve, delay: Duration) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let mut request = Vec::with_capacity(1 << 20);
    let (mut answer, mut body) = (Vec::new(), Vec::new());
    let mut piece = [0; 4096];
    loop {
        let end = loop {
            if let Some(end) = memmem::find(&request, b"\r\n\r\n") {
                break end;
            }
            let read = connection.read(&mut piece)?;
            if read == 0 {
                return Ok(());
            }
            request.extend_from_slice(&piece[..read]);
        };
        let head = String::from_utf8_lossy(&request[..end]).to_ascii_lowercase();
        let target = head.split(' ').nth(1).unwrap_or_default();
        let length: usize = head
            .split("\r\n")
            .find_map(|line| line.strip_prefix("content-length:"))
            .and_then(|length| length.trim().parse().ok())
            .unwrap_or(0);
        let start = end + 4;
        let missing = (start + length).saturating_sub(request.len());
        (&mut connection).take(missing as u64).read_to_end(&mut request)?;
        std::thread::sleep(delay);

        body.clear();
        service.answer(target, &request[start..start + length], &mut body);
        answer.clear();
        write!(
            answer,
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        )?;
        answer.extend_from_slice(&body);
        connection.write_all(&answer)?;
        request.drain(..start + length);
    }
}
