//! Splunk's HTTP Event Collector.

use futures_util::future::BoxFuture;

use super::{Batch, Outcome, Probe, Sink};
use crate::config::SplunkHecConfig;
use crate::http;

/// Splunk's HTTP Event Collector.
#[derive(Debug)]
pub struct SplunkHecSink;

impl SplunkHecSink {
    /// A sink with this configuration. Reads the certificate files: blocks.
    ///
    /// # Errors
    /// [`http::Error::Setup`] when they can't be used.
    pub fn new(_config: &SplunkHecConfig) -> Result<Self, http::Error> {
        Ok(Self)
    }
}

impl Sink for SplunkHecSink {
    fn deliver<'a>(&'a self, _batch: &'a Batch) -> BoxFuture<'a, Outcome> {
        Box::pin(async { Outcome::Held { reason: "under construction".to_owned() } })
    }

    fn probe(&self) -> BoxFuture<'_, Probe> {
        Box::pin(async { Probe::Failed("under construction".to_owned()) })
    }
}
