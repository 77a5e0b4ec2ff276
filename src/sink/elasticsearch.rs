//! Elasticsearch and OpenSearch: `_bulk` into data streams.
//!
//! Every event is a `create` under its own id, so a batch whose answer was lost is sent again and adds
//! nothing: what is there already is answered with 409. Each item of the answer has a verdict of its own
//! (`verdict`); an answer that does not account for every event (`reply`) is no answer.

mod endpoints;
mod failure_store;
mod parameters;
mod probe;
mod reply;
mod verdict;

use std::borrow::Cow;

use futures_util::future::BoxFuture;

use self::endpoints::{Endpoint, Endpoints};
use self::failure_store::FailureStore;
use self::parameters::Parameters;
use self::reply::BulkReply;
use super::{Batch, Outcome, Probe, Sink, Verdict};
use crate::config::{ElasticsearchConfig, Flavor};
use crate::exchange::Reply;
use crate::http;

/// Writes batches into the data streams `logs-<dataset>-<namespace>`. Accepted is what the answer's item says
/// is written, or was there before.
#[derive(Debug)]
pub struct ElasticsearchSink {
    name: String,
    endpoints: Endpoints,
    parameters: Parameters,
    failure_store: FailureStore,
    flavor: Flavor,
    namespace: String,
    max_in_flight: usize,
}

impl ElasticsearchSink {
    /// A sink of this name with this configuration. Reads the certificate files: blocks.
    ///
    /// # Errors
    /// [`http::Error::Setup`] when they can't be used.
    pub fn new(name: &str, config: &ElasticsearchConfig) -> Result<Self, http::Error> {
        Ok(Self {
            name: name.to_owned(),
            endpoints: Endpoints::new(name, config)?,
            parameters: Parameters::new(name, config.flavor),
            failure_store: FailureStore::default(),
            flavor: config.flavor,
            namespace: config.namespace.clone(),
            max_in_flight: config.transport.max_in_flight,
        })
    }

    async fn send(&self, batch: &Batch) -> Outcome {
        let mut round = self.endpoints.round();
        while let Some(endpoint) = round.next() {
            match self.post(endpoint, batch).await {
                Ok(reply) if endpoints::is_absence(reply.status) => {
                    round.failed(endpoint.peer.verdict_of(&reply));
                }
                Ok(reply) => {
                    round.answered();
                    return self.outcome(endpoint, &reply, batch);
                }
                // A certificate of one node may be wrong, too.
                Err(outcome) => round.failed(outcome),
            }
        }
        round.end()
    }

    /// Posts the batch to one endpoint; again when it does not know a parameter, without that one.
    async fn post(&self, endpoint: &Endpoint, batch: &Batch) -> Result<Reply, Outcome> {
        loop {
            let query = self.parameters.query();
            let url = endpoint.url(&["_bulk"], &query);
            let headers = vec![("content-type".to_owned(), "application/x-ndjson".to_owned())];
            let reply = endpoint.peer.post(url, headers, Cow::Borrowed(&batch.lines)).await?;
            // Each turn leaves one more away, so this ends.
            if !self.parameters.forget_unknown(&query, &reply) {
                return Ok(reply);
            }
        }
    }

    fn outcome(&self, endpoint: &Endpoint, reply: &Reply, batch: &Batch) -> Outcome {
        if !(200..300).contains(&reply.status) {
            return verdict::of_request(reply, || endpoint.peer.verdict_of(reply));
        }
        let items = match BulkReply::read(&reply.body, batch.len()) {
            Ok(answer) => answer.items,
            Err(fault) => return fault.into(),
        };
        let diverted = items.iter().filter(|item| item.is_diverted()).count();
        self.failure_store.count(diverted, &self.name, &endpoint.host);
        let verdicts: Vec<Verdict> = items.iter().map(verdict::of_item).collect();
        if verdicts.iter().all(|verdict| *verdict == Verdict::Accepted) {
            return Outcome::Accepted;
        }
        Outcome::Each(verdicts)
    }
}

impl Sink for ElasticsearchSink {
    fn deliver<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Outcome> {
        Box::pin(self.send(batch))
    }

    fn max_in_flight(&self) -> usize {
        self.max_in_flight
    }

    fn credential_changed(&self) -> BoxFuture<'_, bool> {
        // The others are sent the new one when they are asked again: they have refused none.
        Box::pin(self.endpoints.current().peer.credential_changed())
    }

    fn probe(&self) -> BoxFuture<'_, Probe> {
        Box::pin(self.ask())
    }
}

#[cfg(test)]
mod tests;
