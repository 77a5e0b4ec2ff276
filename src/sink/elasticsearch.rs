//! Elasticsearch and OpenSearch: `_bulk` into data streams.

use futures_util::future::BoxFuture;

use super::{Batch, Outcome, Probe, Sink};
use crate::config::ElasticsearchConfig;
use crate::http;

/// Elasticsearch and OpenSearch: `_bulk` into data streams.
#[derive(Debug)]
pub struct ElasticsearchSink;

impl ElasticsearchSink {
    /// A sink with this configuration. Reads the certificate files: blocks.
    ///
    /// # Errors
    /// [`http::Error::Setup`] when they can't be used.
    pub fn new(_config: &ElasticsearchConfig) -> Result<Self, http::Error> {
        Ok(Self)
    }
}

impl Sink for ElasticsearchSink {
    fn deliver<'a>(&'a self, _batch: &'a Batch) -> BoxFuture<'a, Outcome> {
        Box::pin(async { Outcome::Held { reason: "under construction".to_owned() } })
    }

    fn probe(&self) -> BoxFuture<'_, Probe> {
        Box::pin(async { Probe::Failed("under construction".to_owned()) })
    }
}
