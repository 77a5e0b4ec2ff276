//! Syslog over UDP, TCP, TLS and RELP.

mod asked;
mod connection;
mod dial;
mod framing;
mod outq;
mod relp;
mod resolve;
mod stream;
mod tail;
mod udp;

use futures_util::future::BoxFuture;

use self::relp::Relp;
use self::stream::Stream;
use self::udp::Udp;
use super::{Batch, Outcome, Probe, Sink};
use crate::config::{SyslogConfig, SyslogProtocol, SyslogTransport};
use crate::encode::SyslogHeader;
use crate::tls;

/// Sends syslog messages to one receiver. What "accepted" means depends on the transport: RELP has answers, TCP
/// and TLS have the acknowledgements of the receiver's kernel, UDP has nothing.
#[derive(Debug)]
pub struct SyslogSink(Transport);

#[derive(Debug)]
enum Transport {
    Udp(Udp),
    Stream(Stream),
    Relp(Relp),
}

impl SyslogSink {
    /// A sink of this name with this configuration. Reads the certificate files: blocks.
    ///
    /// # Errors
    /// When they can't be used.
    pub fn new(name: &str, config: &SyslogConfig) -> Result<Self, tls::SetupError> {
        Ok(Self(match config.address.transport {
            SyslogTransport::Udp => Transport::Udp(Udp::new(config)),
            SyslogTransport::Tcp | SyslogTransport::Tls => {
                Transport::Stream(Stream::new(config)?.named(name))
            }
            SyslogTransport::Relp | SyslogTransport::RelpTls => Transport::Relp(Relp::new(config)?),
        }))
    }
}

impl Sink for SyslogSink {
    fn deliver<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Outcome> {
        match &self.0 {
            Transport::Udp(udp) => Box::pin(udp.deliver(batch)),
            Transport::Stream(stream) => Box::pin(stream.deliver(batch)),
            Transport::Relp(relp) => Box::pin(relp.deliver(batch)),
        }
    }

    fn probe(&self) -> BoxFuture<'_, Probe> {
        match &self.0 {
            Transport::Udp(udp) => Box::pin(udp.probe()),
            Transport::Stream(stream) => Box::pin(stream.probe()),
            Transport::Relp(relp) => Box::pin(relp.probe()),
        }
    }
}

/// What the encoder needs to know.
pub(super) fn header(config: &SyslogConfig) -> SyslogHeader {
    SyslogHeader {
        is_rfc5424: config.protocol == SyslogProtocol::Rfc5424,
        facility: config.facility,
        app_name: config.app_name.clone(),
        hostname: config.hostname.clone(),
        max_message_size: config.max_message_size,
    }
}

#[cfg(test)]
mod testing;
