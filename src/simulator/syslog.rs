//! Receivers of syslog messages: over TCP and UDP on one port, and over RELP. The events in them go where those
//! of the HTTP receivers go, so that they are counted and compared in the same way.

mod message;
mod relp;
mod stream;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::serve::Listener;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use serde::{Deserialize, Serialize};
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio_util::sync::CancellationToken;

pub(crate) use self::message::text_of;
use super::faults::Trigger;
use super::{Simulator, SimulatorError};

/// Bytes of a message at most, so that a client can't fill the memory.
const MOST_MESSAGE: usize = 1 << 20;
/// Connections to a listener at a time; more wait until one is closed.
const MOST_CONNECTIONS: usize = 64;
/// Bytes that the system keeps of datagrams which are not read yet, as far as it allows.
const DATAGRAMS_KEPT: usize = 4 << 20;
/// How often a free port of TCP is tried to be had for UDP, too.
const PORTS_TRIED: usize = 16;
/// Between two looks at whether a blocked receiver may go on.
const LOOK: Duration = Duration::from_millis(10);

/// How a receiver treats syslog messages, besides `slow_ms` and `poison` (RELP answers 500 to such a message).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SyslogFaults {
    /// Connections stay and nothing is read from them, as long as it is set.
    pub stop_reading: bool,
    /// The message is taken and its connection reset: over RELP its answer is lost, and those before it that
    /// are not on their way; over TCP everything that is not read yet.
    pub reset: Trigger,
    /// Longer messages are cut to so many bytes, and RELP answers 200 all the same, as rsyslog does; zero is
    /// never.
    pub cut_at: usize,
    /// RELP: 500 is answered and the message not taken.
    pub refuse: Trigger,
    /// RELP: the message is taken and never answered.
    pub silent: Trigger,
    /// RELP: the message is taken, and the connection ends in the middle of the answer.
    pub half_answer: Trigger,
    /// RELP: instead of taking the message the receiver ends the session, with `serverclose`. Over TCP the
    /// connection is reset.
    pub serverclose: Trigger,
    /// RELP: `open` is answered without the command `syslog`.
    pub without_syslog: bool,
    /// RELP: `open` is answered with 500.
    pub refuse_open: bool,
}

/// What becomes of a message and its connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Treatment {
    /// It is taken, and answered where there are answers.
    Taken,
    /// It is not taken: why.
    Refused(String),
    /// It is taken without an answer.
    Silent,
    /// It is taken, half an answer is sent, and the connection ends.
    HalfAnswer,
    /// It is taken and the connection is reset.
    Reset,
    /// It is not taken and the session ends.
    Serverclose,
}

/// The sockets of a syslog receiver, both on one port.
#[derive(Debug)]
pub struct SyslogListener {
    tcp: TcpListener,
    udp: UdpSocket,
}

impl SyslogListener {
    /// Listens there; port 0 takes one that is free for both.
    ///
    /// # Errors
    /// When the address can't be had.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let mut tries = if address.port() == 0 { PORTS_TRIED } else { 1 };
        loop {
            tries -= 1;
            let tcp = TcpListener::bind(address).await?;
            match UdpSocket::bind(tcp.local_addr()?).await {
                Err(error) if tries == 0 => return Err(error),
                Err(_) => {}
                Ok(udp) => {
                    // With what the system keeps by itself a burst is lost sooner: no reason to fail.
                    let _ = SockRef::from(&udp).set_recv_buffer_size(DATAGRAMS_KEPT);
                    return Ok(Self { tcp, udp });
                }
            }
        }
    }

    /// Where.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

impl Simulator {
    /// Gives the events of syslog messages to the receiver of this name, until told to stop. On TCP the first
    /// byte of each message tells its framing (RFC 6587 section 3.4).
    ///
    /// # Errors
    /// [`SimulatorError`].
    pub async fn serve_syslog(
        self,
        listener: SyslogListener,
        receiver: String,
        stop: CancellationToken,
    ) -> Result<(), SimulatorError> {
        let SyslogListener { tcp, udp } = listener;
        on_loopback(&tcp)?;
        let inlet = || Inlet::new(&self, &receiver);
        let streams = accept(tcp, &stop, |connection| stream::serve(connection, inlet()));
        let datagrams = stop.run_until_cancelled(serve_datagrams(&udp, inlet()));
        let ((), received) = tokio::join!(streams, datagrams);
        received.unwrap_or(Ok(())).map_err(SimulatorError::Io)
    }

    /// The same over RELP.
    ///
    /// # Errors
    /// [`SimulatorError`].
    pub async fn serve_relp(
        self,
        listener: TcpListener,
        receiver: String,
        stop: CancellationToken,
    ) -> Result<(), SimulatorError> {
        on_loopback(&listener)?;
        accept(listener, &stop, |connection| relp::serve(connection, Inlet::new(&self, &receiver))).await;
        Ok(())
    }
}

fn on_loopback(listener: &TcpListener) -> Result<(), SimulatorError> {
    let address = listener.local_addr().map_err(SimulatorError::Io)?;
    if address.ip().is_loopback() { Ok(()) } else { Err(SimulatorError::NotLoopback(address)) }
}

/// Serves every connection, all in this task, until told to stop.
async fn accept<F: Future<Output = io::Result<()>>>(
    mut listener: TcpListener,
    stop: &CancellationToken,
    serve: impl Fn(TcpStream) -> F,
) {
    let mut connections = FuturesUnordered::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            // Goes on by itself after an error such as too many open files.
            (connection, _) = Listener::accept(&mut listener), if connections.len() < MOST_CONNECTIONS => {
                // Without it answers are only slower.
                let _ = connection.set_nodelay(true);
                connections.push(serve(connection));
            }
            Some(ended) = connections.next(), if !connections.is_empty() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a syslog connection broke");
                }
            }
        }
    }
}

async fn serve_datagrams(socket: &UdpSocket, mut inlet: Inlet) -> io::Result<()> {
    let mut buffer = vec![0; 1 << 16];
    loop {
        inlet.until_reading().await;
        let (length, _) = socket.recv_from(&mut buffer).await?;
        inlet.take(&buffer[..length]).await;
    }
}

/// The way of one connection's messages to the receiver.
struct Inlet {
    simulator: Simulator,
    receiver: String,
    chance: fastrand::Rng,
}

impl Inlet {
    fn new(simulator: &Simulator, receiver: &str) -> Self {
        let chance = simulator.chance();
        Self { simulator: simulator.clone(), receiver: receiver.to_owned(), chance }
    }

    /// Waits as long as nothing is to be read.
    async fn until_reading(&self) {
        while self.faults().stop_reading {
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The switches as they stand.
    fn faults(&self) -> SyslogFaults {
        let receiver = self.simulator.receiver(&self.receiver);
        receiver.map(|receiver| receiver.lock().faults.syslog.clone()).unwrap_or_default()
    }

    fn is_slow(&self) -> bool {
        self.slowness() > Duration::ZERO
    }

    fn slowness(&self) -> Duration {
        let receiver = self.simulator.receiver(&self.receiver);
        Duration::from_millis(receiver.map(|receiver| receiver.lock().faults.slow_ms).unwrap_or_default())
    }

    /// Gives a message to the receiver, in its time.
    async fn take(&mut self, message: &[u8]) -> Treatment {
        self.until_reading().await;
        let slowness = self.slowness();
        if slowness > Duration::ZERO {
            tokio::time::sleep(slowness).await;
        }
        let Some(receiver) = self.simulator.receiver(&self.receiver) else {
            return Treatment::Refused("there are too many receivers".to_owned());
        };
        let treatment = receiver.lock().take_message(message, &mut self.chance);
        // Thousands may have arrived together.
        tokio::task::yield_now().await;
        treatment
    }
}
