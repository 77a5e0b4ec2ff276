//! Syslog over UDP (RFC 5426): one message a datagram, and nobody tells whether it arrived.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout};

use super::framing::{Refusals, too_long};
use super::resolve::{host, resolve};
use crate::config::{SyslogAddress, SyslogConfig};
use crate::http::Error;
use crate::sink::peer::verdict;
use crate::sink::{Batch, Outcome, Probe, Verdict};

/// Datagrams in a row, and the pause after them: 2,000 a second. A receiver's buffer holds about 70 of them by
/// default, so it may be busy with something else for 30 ms; without pauses one in forty was lost on one machine.
const BURST: usize = 10;
const PAUSE: Duration = Duration::from_millis(5);

/// A refusal of the last datagrams comes back within this.
const SETTLING: Duration = Duration::from_millis(20);

/// The name is looked up again after so long: a receiver that has moved leaves no other sign.
const LOOKUP_INTERVAL: Duration = Duration::from_secs(300);

/// Sends datagrams to one receiver.
#[derive(Debug)]
pub(super) struct Udp {
    address: SyslogAddress,
    max_message_size: usize,
    timeout: Duration,
    /// None before the first batch and after a failure; with the instant of its making.
    kept: Mutex<Option<(UdpSocket, Instant)>>,
}

impl Udp {
    /// Datagrams to the address of this configuration.
    pub(super) fn new(config: &SyslogConfig) -> Self {
        Self {
            address: config.address.clone(),
            max_message_size: config.max_message_size,
            timeout: config.timeout,
            kept: Mutex::default(),
        }
    }

    /// Sends every message. When the receiver's machine says that nobody listens, all of them are sent again:
    /// it does not say which one it means.
    pub(super) async fn deliver(&self, batch: &Batch) -> Outcome {
        let mut kept = self.kept.lock().await;
        let socket = match kept.take() {
            Some((socket, made)) if made.elapsed() < LOOKUP_INTERVAL => (socket, made),
            _ => match self.connect().await {
                Ok(socket) => (socket, Instant::now()),
                Err(error) => return verdict::of_error(&error),
            },
        };
        let outcome = self.send(&socket.0, batch).await;
        let failed = |verdict: &Verdict| matches!(verdict, Verdict::Retry(_));
        if !matches!(&outcome, Outcome::Retry { .. })
            && !matches!(&outcome, Outcome::Each(verdicts) if verdicts.iter().any(failed))
        {
            *kept = Some(socket);
        }
        outcome
    }

    /// Looks the name up: there is no more to ask.
    pub(super) async fn probe(&self) -> Probe {
        match self.connect().await {
            Ok(_) => {
                Probe::OnlyByEvent("the name is known; UDP has no answer, not even to an event".to_owned())
            }
            Err(error) => Probe::Failed(error.to_string()),
        }
    }

    async fn send(&self, socket: &UdpSocket, batch: &Batch) -> Outcome {
        let mut refused = Refusals::default();
        for index in 0..batch.len() {
            if index % BURST == BURST - 1 {
                sleep(PAUSE).await;
            }
            let message = batch.line(index);
            if let Some(reason) = too_long(message, self.max_message_size) {
                refused.push(index, reason);
                continue;
            }
            match self.send_one(socket, message).await {
                Ok(()) => {}
                Err(error) if error.raw_os_error() == Some(libc::EMSGSIZE) => {
                    let size = message.len();
                    refused.push(index, format!("no datagram takes {size} bytes: lower max_message_size"));
                }
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => return self.retry(&error),
                Err(error) => return self.rest(index, refused, &error, batch.len()),
            }
        }
        sleep(SETTLING).await;
        match socket.take_error() {
            Ok(Some(error)) | Err(error) => self.retry(&error),
            Ok(None) => refused.outcome(batch.len()),
        }
    }

    async fn send_one(&self, socket: &UdpSocket, message: &[u8]) -> io::Result<()> {
        match timeout(self.timeout, socket.send(message)).await {
            Ok(sent) => sent.map(drop),
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the network takes no datagram")),
        }
    }

    /// The messages before this one are sent or refused; this one and those behind it are not.
    fn rest(&self, from: usize, refused: Refusals, error: &io::Error, len: usize) -> Outcome {
        let mut verdicts = match refused.outcome(len) {
            Outcome::Each(verdicts) => verdicts,
            _ => vec![Verdict::Accepted; len],
        };
        let reason = self.broken(error).to_string();
        for verdict in verdicts.iter_mut().skip(from) {
            *verdict = Verdict::Retry(reason.clone());
        }
        Outcome::Each(verdicts)
    }

    fn retry(&self, error: &io::Error) -> Outcome {
        verdict::of_error(&self.broken(error))
    }

    fn broken(&self, error: &io::Error) -> Error {
        Error::Connect { host: self.host(), reason: error.to_string() }
    }

    fn host(&self) -> String {
        host(&self.address)
    }

    async fn connect(&self) -> Result<UdpSocket, Error> {
        let mut last = Error::Timeout { host: self.host(), after: self.timeout };
        for address in resolve(&self.address, self.timeout).await? {
            match connected(address).await {
                Ok(socket) => return Ok(socket),
                Err(error) => last = self.broken(&error),
            }
        }
        Err(last)
    }
}

/// A socket that sends to this address only, and is told when its machine refuses.
async fn connected(address: SocketAddr) -> io::Result<UdpSocket> {
    let any = match address {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(address).await?;
    Ok(socket)
}

#[cfg(test)]
mod tests;
