//! Sinks: where events go. Each knows what its peer's answers mean and gives a verdict; the worker in
//! [`crate::deliver`] acts on it.

mod elasticsearch;
mod file;
mod http;
mod peer;
mod splunk_hec;
mod stdout;
mod syslog;

pub use elasticsearch::ElasticsearchSink;
pub use file::FileSink;
pub use http::HttpSink;
pub use splunk_hec::SplunkHecSink;
pub use stdout::StdoutSink;
pub use syslog::SyslogSink;

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use secrecy::ExposeSecret as _;

use crate::config::{self, SinkKind};
use crate::encode::{
    BulkEnvelope, Encoder, Envelope, Format, HecEnvelope, Observer, OcsfVersion, Redaction, SyslogEnvelope,
};
use crate::event::StoredEvent;

/// `data_stream.namespace` where the configuration has none.
pub(crate) const NAMESPACE: &str = "default";

/// A sink can't be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// One that speaks HTTP.
    #[error(transparent)]
    Http(#[from] crate::http::Error),
    /// One that speaks TLS itself.
    #[error(transparent)]
    Tls(#[from] crate::tls::SetupError),
    /// One that gets redacted events.
    #[error("redact_key: {0}")]
    RedactKey(#[from] config::SecretError),
}

/// The sink of this configuration. Reads certificate files: blocks.
///
/// # Errors
/// When a certificate file can't be used.
pub fn build(config: &config::Sink) -> Result<Arc<dyn Sink>, SetupError> {
    let name = &config.name;
    Ok(match &config.kind {
        SinkKind::Stdout => Arc::new(StdoutSink),
        SinkKind::File { path, rotate_size, rotate_keep } => {
            Arc::new(FileSink::new(path.clone(), *rotate_size, *rotate_keep))
        }
        SinkKind::Http(http) => Arc::new(HttpSink::new(http)?),
        SinkKind::SplunkHec(hec) => Arc::new(SplunkHecSink::new(name, hec)?),
        SinkKind::Elasticsearch(elasticsearch) => Arc::new(ElasticsearchSink::new(name, elasticsearch)?),
        SinkKind::Syslog(syslog) => Arc::new(SyslogSink::new(name, syslog)?),
    })
}

/// The encoder of the sink of this configuration. Reads the key of its redaction: blocks.
///
/// # Errors
/// When the key can't be read.
pub fn encoder(config: &config::Sink, observer: &Observer) -> Result<Encoder, SetupError> {
    let namespace = match &config.kind {
        SinkKind::Elasticsearch(elasticsearch) => &elasticsearch.namespace,
        _ => NAMESPACE,
    };
    let format = format(config.format, (config.include_original, namespace), observer);
    let envelope = match &config.kind {
        SinkKind::Stdout | SinkKind::File { .. } | SinkKind::Http(_) => Envelope::Line,
        SinkKind::SplunkHec(hec) => {
            let (index, sourcetype) = (hec.index.as_deref(), hec.sourcetype.as_deref());
            Envelope::Hec(HecEnvelope::new(index, sourcetype, observer))
        }
        SinkKind::Elasticsearch(_) => Envelope::Bulk(BulkEnvelope::new(namespace)),
        SinkKind::Syslog(syslog) => Envelope::Syslog(SyslogEnvelope::new(&syslog::header(syslog), observer)),
    };
    let encoder = Encoder::new(format, envelope);
    Ok(match &config.redaction {
        Some(config::Redaction { rules, key }) => {
            let key = key.as_ref().map(config::Secret::read).transpose()?;
            let key = key.as_ref().map(|key| key.expose_secret().as_bytes());
            encoder.redacted(Redaction::new(rules.clone(), key))
        }
        None => encoder,
    })
}

/// The format of this name, with the provider's record or without, for this `data_stream.namespace`.
pub(crate) fn format(
    format: config::Format,
    (include_original, namespace): (bool, &str),
    observer: &Observer,
) -> Format {
    match format {
        config::Format::Ecs => Format::ecs(include_original, namespace, observer),
        config::Format::Ocsf(version) => {
            let version = match version {
                config::OcsfVersion::V1_3 => OcsfVersion::V1_3,
                config::OcsfVersion::V1_9 => OcsfVersion::V1_9,
            };
            Format::ocsf(version, include_original, observer)
        }
        config::Format::Cef => Format::cef(include_original, observer),
        config::Format::Leef => Format::leef(include_original, observer),
        config::Format::Raw => Format::raw(),
    }
}

/// Delivers batches to one receiver.
pub trait Sink: Send + Sync + 'static {
    /// Sends the batch once and says what became of its events. Retrying is the worker's business. Several may
    /// be under way at a time, as many as [`Sink::max_in_flight`] says.
    fn deliver<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Outcome>;

    /// How many batches may be on their way at a time. More than one is repeated after a kill, then.
    fn max_in_flight(&self) -> usize {
        1
    }

    /// Whether the secrets that it uses have changed at their source since the last delivery; asked once a
    /// second while the sink is held.
    fn credential_changed(&self) -> BoxFuture<'_, bool> {
        Box::pin(async { false })
    }

    /// Asks the receiver whether it would take events from us, without leaving one behind: for `check`.
    fn probe(&self) -> BoxFuture<'_, Probe>;
}

/// What a receiver says without being given an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// It is there and takes events from us, as far as its protocol can say: what was found, for people.
    Passed(String),
    /// It is not, or it does not: why, and what to do.
    Failed(String),
    /// Its protocol has no such question: what was found, and that only an event would tell more.
    OnlyByEvent(String),
}

/// Events in order, each already encoded in the sink's format.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// The events.
    pub events: Vec<Arc<StoredEvent>>,
    /// Their encodings, one after the other, each followed by a line feed.
    pub lines: Vec<u8>,
    /// Where each event's encoding stands in `lines`, without its line feed.
    pub spans: Vec<Range<usize>>,
}

impl Batch {
    /// How many events it holds.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// The encoding of the event at this index, without line feed.
    pub fn line(&self, index: usize) -> &[u8] {
        &self.lines[self.spans[index].clone()]
    }

    /// The events in `range` as a batch of their own.
    #[must_use]
    pub fn part(&self, range: Range<usize>) -> Self {
        let mut part = Self::default();
        for index in range {
            part.push(Arc::clone(&self.events[index]), self.line(index));
        }
        part
    }

    /// Adds an event with its encoding.
    pub fn push(&mut self, event: Arc<StoredEvent>, line: &[u8]) {
        let start = self.lines.len();
        self.lines.extend_from_slice(line);
        self.push_written(event, start);
    }

    /// Adds an event whose encoding is the end of `lines` already, from `start` on.
    pub fn push_written(&mut self, event: Arc<StoredEvent>, start: usize) {
        self.spans.push(start..self.lines.len());
        self.lines.push(b'\n');
        self.events.push(event);
    }
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver has them all, by its strongest sign of success.
    Accepted,
    /// In passing: the same events again, not before `after`.
    Retry {
        /// What the receiver asked for.
        after: Option<Duration>,
        /// For the log.
        reason: String,
    },
    /// The receiver refuses the sender: credential, address, certificate. The same events again, slowly.
    Held {
        /// For the log, with what to do.
        reason: String,
    },
    /// At least one event of the batch is bad.
    Refused {
        /// For the dead letter.
        reason: String,
        /// Where, as far as the receiver says; without it the batch is narrowed down by halving.
        suspects: Option<Suspects>,
    },
    /// A verdict for every event, in order.
    Each(Vec<Verdict>),
}

/// Where in a refused batch the bad event is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspects {
    /// So many events at the start of the batch are accepted.
    pub accepted: usize,
    /// Those in this range are sent one by one. What stands before and behind it, and is not accepted, is sent
    /// again in one piece each.
    pub alone: Range<usize>,
}

/// What became of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The receiver has it.
    Accepted,
    /// The same event again.
    Retry(String),
    /// The receiver refuses the sender for this event: the same event again, slowly.
    Held(String),
    /// This very event is bad.
    Refused(String),
}
