//! Syslog over UDP, TCP, TLS and RELP.

mod connection;
mod dial;

use futures_util::future::BoxFuture;

use super::{Batch, Outcome, Probe, Sink};
use crate::config::{SyslogConfig, SyslogProtocol};
use crate::encode::SyslogHeader;
use crate::http;

/// Syslog over UDP, TCP, TLS and RELP.
#[derive(Debug)]
pub struct SyslogSink;

impl SyslogSink {
    /// A sink with this configuration. Reads the certificate files: blocks.
    ///
    /// # Errors
    /// [`http::Error::Setup`] when they can't be used.
    pub fn new(_config: &SyslogConfig) -> Result<Self, http::Error> {
        Ok(Self)
    }
}

impl Sink for SyslogSink {
    fn deliver<'a>(&'a self, _batch: &'a Batch) -> BoxFuture<'a, Outcome> {
        Box::pin(async { Outcome::Held { reason: "under construction".to_owned() } })
    }

    fn probe(&self) -> BoxFuture<'_, Probe> {
        Box::pin(async { Probe::Failed("under construction".to_owned()) })
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
