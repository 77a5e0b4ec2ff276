//! Connecting to a receiver over TCP, and over TLS where the address says so.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use rustls::ProtocolVersion;
use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::asked::Witness;
pub(super) use super::connection::Connection;
use super::resolve::{host, resolve};
use crate::config::{SyslogAddress, SyslogTransport};
use crate::http::Error;
use crate::sink::Outcome;
use crate::sink::peer::verdict;
use crate::tls;

/// A connection that has nothing to say is asked whether it still stands after so long, …
const KEEPALIVE_TIME: Duration = Duration::from_secs(30);
/// … then this often, …
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
/// … and given up after so many questions.
const KEEPALIVE_RETRIES: u32 = 3;

/// An address that does not answer leaves this much at least to each of those behind it.
const LEAST_SHARE: Duration = Duration::from_secs(2);

/// How long a receiver has to take or refuse our certificate, which TLS 1.3 lets it do when the handshake is
/// over for us. Nearly all say so at once, by a session ticket; what says nothing costs this once a connection.
const REFUSAL_WAIT: Duration = Duration::from_secs(1);

/// Makes connections to one receiver.
pub(super) struct Dialer {
    address: SyslogAddress,
    timeout: Duration,
    security: Option<Security>,
}

/// TLS for every connection of a dialer.
struct Security {
    options: tls::Options,
    /// Gone after a fault: the next connection makes a new one, which reads the certificates again.
    connector: Mutex<Option<Connector>>,
}

#[derive(Clone)]
struct Connector {
    tls: TlsConnector,
    witness: Arc<Witness>,
}

impl Dialer {
    /// Connections to this address; connecting, and the handshake after it, may take `timeout` each. Reads the
    /// certificate files when the transport is TLS: blocks.
    ///
    /// # Errors
    /// When they can't be used.
    pub(super) fn new(
        address: &SyslogAddress,
        timeout: Duration,
        tls: &tls::Options,
    ) -> Result<Self, tls::SetupError> {
        let security = match address.transport {
            SyslogTransport::Tls | SyslogTransport::RelpTls => {
                Some(Security { connector: Mutex::new(Some(connector(tls)?)), options: tls.clone() })
            }
            SyslogTransport::Udp | SyslogTransport::Tcp | SyslogTransport::Relp => None,
        };
        Ok(Self { address: address.clone(), timeout, security })
    }

    /// A new connection: every address of the name in turn, then TLS.
    ///
    /// # Errors
    /// What to make of a batch: [`Outcome::Held`] where there is no trust between the two, else
    /// [`Outcome::Retry`].
    pub(super) async fn dial(&self) -> Result<Connection, Outcome> {
        let stream = self.connect().await.map_err(|error| verdict::of_error(&error))?;
        match &self.security {
            None => Ok(Connection::Plain(stream)),
            Some(security) => self.secure(security, stream).await,
        }
    }

    /// What to make of a batch whose connection broke like this.
    pub(super) async fn outcome_of(&self, error: &io::Error) -> Outcome {
        let fault = self.security.as_ref().and_then(|security| Some((security, tls::fault_in(error)?)));
        let host = self.host();
        verdict::of_error(&match fault {
            Some((security, fault)) => {
                *security.connector.lock().await = None;
                Error::Tls { host, fault }
            }
            None => Error::Broken { host, reason: error.to_string() },
        })
    }

    /// Host and port, for messages.
    pub(super) fn host(&self) -> String {
        host(&self.address)
    }

    async fn connect(&self) -> Result<TcpStream, Error> {
        let end = Instant::now() + self.timeout;
        let failed = |error: &io::Error| Error::Connect { host: self.host(), reason: error.to_string() };
        let late = || Error::Timeout { host: self.host(), after: self.timeout };

        let addresses = resolve(&self.address, self.timeout).await?;
        let mut last = late();
        for (index, address) in (0..).zip(&addresses) {
            let left = u32::try_from(addresses.len()).unwrap_or(u32::MAX).saturating_sub(index).max(1);
            let share = (end.saturating_duration_since(Instant::now()) / left).max(LEAST_SHARE);
            match timeout(share, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    let prepared = prepare(&stream, self.timeout);
                    return prepared.map(|()| stream).map_err(|error| failed(&error));
                }
                Ok(Err(error)) => last = failed(&error),
                Err(_) => last = late(),
            }
        }
        Err(last)
    }

    async fn secure(&self, security: &Security, stream: TcpStream) -> Result<Connection, Outcome> {
        let connector = security.connector().await?;
        let name = security.options.server_name.as_ref().unwrap_or(&self.address.host);
        let name = ServerName::try_from(name.clone()).map_err(|_| Outcome::Held {
            reason: format!("{name:?} can't be the name in a certificate: check address and tls.server_name"),
        })?;
        connector.witness.take();
        let handshake = async {
            let mut stream = connector.tls.connect(name, stream).await?;
            await_refusal(&mut stream).await?;
            Ok(stream)
        };
        match timeout(self.timeout, handshake).await {
            Ok(Ok(stream)) => Ok(Connection::Tls(Box::new(stream))),
            Ok(Err(error)) if is_end(&error) && connector.witness.take() => {
                *security.connector.lock().await = None;
                let fault = tls::Fault::RefusedByPeer("it asked for a certificate, then ended".to_owned());
                Err(verdict::of_error(&Error::Tls { host: self.host(), fault }))
            }
            Ok(Err(error)) => Err(self.outcome_of(&error).await),
            Err(_) => Err(verdict::of_error(&Error::Timeout { host: self.host(), after: self.timeout })),
        }
    }
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialer").field("host", &self.host()).finish_non_exhaustive()
    }
}

impl Security {
    async fn connector(&self) -> Result<Connector, Outcome> {
        let mut kept = self.connector.lock().await;
        if let Some(connector) = &*kept {
            return Ok(connector.clone());
        }
        let options = self.options.clone();
        let made = tokio::task::spawn_blocking(move || connector(&options)).await;
        let held = |reason: String| Outcome::Held { reason };
        let made = made.map_err(|error| held(error.to_string()))?.map_err(|error| held(error.to_string()))?;
        *kept = Some(made.clone());
        Ok(made)
    }
}

fn connector(options: &tls::Options) -> Result<Connector, tls::SetupError> {
    let mut config = tls::client_config(options)?;
    let witness = Arc::new(Witness::new(Arc::clone(&config.client_auth_cert_resolver)));
    config.client_auth_cert_resolver = Arc::<Witness>::clone(&witness);
    Ok(Connector { tls: TlsConnector::from(Arc::new(config)), witness })
}

/// A dead peer is found within the time-out while something is on its way, and by keepalive while nothing is.
fn prepare(stream: &TcpStream, timeout: Duration) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_TIME)
        .with_interval(KEEPALIVE_INTERVAL)
        .with_retries(KEEPALIVE_RETRIES);
    socket.set_tcp_keepalive(&keepalive)?;
    socket.set_tcp_user_timeout(Some(timeout))
}

/// Whether this is how a connection ends, rather than what TLS says.
fn is_end(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset)
}

/// Waits until the receiver has taken our certificate, or its absence, as far as it can be seen.
async fn await_refusal(stream: &mut TlsStream<TcpStream>) -> io::Result<()> {
    // In TLS 1.2 the server's last word of the handshake comes after our certificate.
    if stream.get_ref().1.protocol_version() != Some(ProtocolVersion::TLSv1_3) {
        return Ok(());
    }
    let word = poll_fn(|context| {
        // Neither syslog nor RELP has the server speak first: what could be read here is nothing that counts.
        let mut byte = [0];
        let mut buffer = ReadBuf::new(&mut byte);
        match Pin::new(&mut *stream).poll_read(context, &mut buffer) {
            Poll::Ready(Ok(())) if buffer.filled().is_empty() => Poll::Ready(Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "it closed the connection right after the handshake",
            ))),
            Poll::Pending if stream.get_ref().1.tls13_tickets_received() == 0 => Poll::Pending,
            Poll::Pending => Poll::Ready(Ok(())),
            Poll::Ready(read) => Poll::Ready(read),
        }
    });
    timeout(REFUSAL_WAIT, word).await.unwrap_or(Ok(()))
}
