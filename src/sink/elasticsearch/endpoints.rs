//! The nodes of a cluster: one is asked, and another when it is not there.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;
use url::Url;

use crate::config::ElasticsearchConfig;
use crate::http;
use crate::sink::Outcome;
use crate::sink::peer::Peer;

/// All endpoints, in the order of the configuration.
#[derive(Debug)]
pub(super) struct Endpoints {
    /// At least one.
    first: Endpoint,
    others: Vec<Endpoint>,
    /// The sink's name, for the log.
    sink: String,
    /// The one that answered last.
    current: AtomicUsize,
    /// Of a request. A delivery that has taken so long asks no further endpoint.
    timeout: Duration,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Endpoint {
    base: Url,
    /// For the log: without path or query.
    pub(super) host: String,
    pub(super) peer: Peer,
}

/// Whether this status says that the node is not there: the word of a gateway, or of a node without its
/// cluster. Another may be.
pub(super) fn is_absence(status: u16) -> bool {
    matches!(status, 502..=504)
}

impl Endpoints {
    /// Reads the certificate files: blocks.
    ///
    /// # Errors
    /// [`http::Error::Setup`] when they can't be used, or there is no endpoint.
    pub(super) fn new(sink: &str, config: &ElasticsearchConfig) -> Result<Self, http::Error> {
        let made = |base: &Url| {
            let authorization = config.authorization.clone();
            let peer = Peer::new(base, &config.transport, authorization, Vec::new())?;
            Ok(Endpoint { base: base.clone(), host: host_of(base), peer })
        };
        let Some((first, others)) = config.endpoints.split_first() else {
            return Err(http::Error::Setup("no endpoint is configured".to_owned()));
        };
        Ok(Self {
            sink: sink.to_owned(),
            first: made(first)?,
            others: others.iter().map(made).collect::<Result<_, http::Error>>()?,
            current: AtomicUsize::new(0),
            timeout: config.transport.timeout,
        })
    }

    /// All of them, the configuration's first one first.
    pub(super) fn all(&self) -> impl Iterator<Item = &Endpoint> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// The one that is asked first.
    pub(super) fn current(&self) -> &Endpoint {
        self.at(self.current.load(Ordering::Relaxed))
    }

    /// Begins a delivery.
    pub(super) fn round(&self) -> Round<'_> {
        let start = self.current.load(Ordering::Relaxed);
        Round { endpoints: self, start, asked: 0, began: Instant::now(), failures: Vec::new() }
    }

    fn len(&self) -> usize {
        self.others.len() + 1
    }

    /// Counted round and round.
    fn at(&self, index: usize) -> &Endpoint {
        match index % self.len() {
            0 => &self.first,
            index => self.others.get(index - 1).unwrap_or(&self.first),
        }
    }

    fn change_to(&self, index: usize, reason: &str) {
        let index = index % self.len();
        let before = self.current.swap(index, Ordering::Relaxed);
        if before != index {
            let (from, to) = (&self.at(before).host, &self.at(index).host);
            let sink = &self.sink;
            tracing::warn!(
                code = "endpoint-changed",
                sink,
                from,
                to,
                reason,
                "Elasticsearch: from one endpoint to the next"
            );
        }
    }
}

impl Endpoint {
    /// An address below the endpoint's path; what the configuration has in its query stays.
    pub(super) fn url(&self, path: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }
}

/// The endpoints that one delivery asks: each at most once, the one that answered last first.
pub(super) struct Round<'a> {
    endpoints: &'a Endpoints,
    start: usize,
    asked: usize,
    began: Instant,
    /// What the asked ones said, or why they did not.
    failures: Vec<Outcome>,
}

impl<'a> Round<'a> {
    /// The next one to ask; none when all were asked, or when one has kept us waiting for the whole time-out:
    /// then the worker comes back, and the next one is asked first.
    pub(super) fn next(&mut self) -> Option<&'a Endpoint> {
        let is_over = self.asked == self.endpoints.len()
            || (self.asked > 0 && self.began.elapsed() >= self.endpoints.timeout);
        if is_over {
            return None;
        }
        self.asked += 1;
        Some(self.endpoints.at(self.start + self.asked - 1))
    }

    /// The one just asked is not there.
    pub(super) fn failed(&mut self, outcome: Outcome) {
        self.failures.push(outcome);
    }

    /// The one just asked has answered: it is asked first from now on.
    pub(super) fn answered(self) {
        // Another delivery may have found the first one gone meanwhile, and is believed.
        if !self.failures.is_empty() {
            let (_, reason) = self.summary();
            self.endpoints.change_to(self.start + self.asked - 1, &reason);
        }
    }

    /// None has answered.
    pub(super) fn end(self) -> Outcome {
        let (after, reason) = self.summary();
        self.endpoints.change_to(self.start + self.asked, &reason);
        // What somebody has to mend is said first.
        match self.failures.iter().any(|failure| matches!(failure, Outcome::Held { .. })) {
            true => Outcome::Held { reason },
            false => Outcome::Retry { after, reason },
        }
    }

    fn summary(&self) -> (Option<Duration>, String) {
        let mut longest = None;
        let mut reasons = Vec::new();
        for failure in &self.failures {
            if let Outcome::Retry { after, .. } = failure {
                longest = longest.max(*after);
            }
            if let Outcome::Retry { reason, .. } | Outcome::Held { reason } = failure {
                reasons.push(reason.as_str());
            }
        }
        (longest, reasons.join("; "))
    }
}

fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port_or_known_default().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Compression, Flavor, HttpTransport};

    fn endpoints(count: usize) -> Endpoints {
        let address = |index| format!("http://node{index}.invalid:9200/prefix/").parse().unwrap();
        Endpoints::new(
            "elastic",
            &ElasticsearchConfig {
                endpoints: (0..count).map(address).collect(),
                authorization: None,
                namespace: "default".to_owned(),
                flavor: Flavor::Elasticsearch,
                transport: HttpTransport {
                    compression: Compression::None,
                    timeout: Duration::from_secs(30),
                    tls: crate::tls::Options::default(),
                    max_in_flight: 1,
                },
            },
        )
        .unwrap()
    }

    fn retry(after: Option<u64>, reason: &str) -> Outcome {
        Outcome::Retry { after: after.map(Duration::from_secs), reason: reason.to_owned() }
    }

    #[test]
    fn an_address_keeps_the_endpoints_path_and_query() {
        let mut endpoint = endpoints(1).first;
        for (base, expected) in [
            ("https://es.example", "https://es.example/_bulk?a=1%2C2"),
            ("https://es.example/", "https://es.example/_bulk?a=1%2C2"),
            ("https://es.example:9243/es/x", "https://es.example:9243/es/x/_bulk?a=1%2C2"),
            ("https://es.example/es/?pipeline=p", "https://es.example/es/_bulk?pipeline=p&a=1%2C2"),
        ] {
            endpoint.base = base.parse().unwrap();
            assert_eq!(endpoint.url(&["_bulk"], &[("a", "1,2")]).as_str(), expected);
        }
        endpoint.base = "https://es.example/es".parse().unwrap();
        assert_eq!(endpoint.url(&[""], &[]).as_str(), "https://es.example/es/");
    }

    #[tokio::test(start_paused = true)]
    async fn the_one_that_answers_is_stayed_with() {
        let endpoints = endpoints(3);
        let mut round = endpoints.round();
        assert_eq!(round.next().unwrap().host, "node0.invalid:9200");
        round.failed(retry(None, "gone"));
        assert_eq!(round.next().unwrap().host, "node1.invalid:9200");
        round.answered();
        assert_eq!(endpoints.current().host, "node1.invalid:9200");
        let mut round = endpoints.round();
        assert_eq!(round.next().unwrap().host, "node1.invalid:9200");
        round.answered();
        assert_eq!(endpoints.current().host, "node1.invalid:9200");
    }

    #[tokio::test(start_paused = true)]
    async fn of_two_deliveries_at_once_the_one_that_found_a_node_gone_decides() {
        let endpoints = endpoints(2);
        let (mut slow, mut quick) = (endpoints.round(), endpoints.round());
        slow.next().unwrap();
        quick.next().unwrap();
        quick.failed(retry(None, "gone"));
        quick.next().unwrap();
        quick.answered();
        slow.answered();
        assert_eq!(endpoints.current().host, "node1.invalid:9200");
    }

    #[tokio::test(start_paused = true)]
    async fn each_is_asked_once_and_the_longest_wait_counts() {
        let endpoints = endpoints(2);
        let mut round = endpoints.round();
        round.next().unwrap();
        round.failed(retry(Some(9), "HTTP 503"));
        round.next().unwrap();
        round.failed(retry(None, "can't connect"));
        assert!(round.next().is_none());
        assert_eq!(round.end(), retry(Some(9), "HTTP 503; can't connect"));
        assert_eq!(endpoints.current().host, "node0.invalid:9200");
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_to_be_mended_holds_when_no_other_endpoint_takes_over() {
        let endpoints = endpoints(2);
        let mut round = endpoints.round();
        round.next().unwrap();
        round.failed(Outcome::Held { reason: "its certificate has expired".to_owned() });
        round.next().unwrap();
        round.failed(retry(None, "can't connect"));
        let reason = "its certificate has expired; can't connect".to_owned();
        assert_eq!(round.end(), Outcome::Held { reason });
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_time_out_the_next_one_waits_for_the_next_attempt() {
        let endpoints = endpoints(2);
        let mut round = endpoints.round();
        round.next().unwrap();
        tokio::time::advance(Duration::from_secs(30)).await;
        round.failed(retry(None, "no answer"));
        assert!(round.next().is_none());
        assert_eq!(round.end(), retry(None, "no answer"));
        assert_eq!(endpoints.current().host, "node1.invalid:9200");
    }
}
