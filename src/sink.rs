//! Sinks: where events go. Each knows what its peer's answers mean and gives a verdict; the worker in
//! [`crate::deliver`] acts on it.

mod file;
mod http;
mod stdout;

pub use file::FileSink;
pub use http::HttpSink;
pub use stdout::StdoutSink;

use std::future::Future;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::config::{self, Format, SinkKind};
use crate::encode::{Encoder, Observer};
use crate::event::StoredEvent;

/// `data_stream.namespace` where the configuration has none.
const NAMESPACE: &str = "default";

/// The sink of this configuration. Reads certificate files: blocks.
///
/// # Errors
/// [`crate::http::Error::Setup`] when a certificate file can't be used.
pub fn build(config: &config::Sink) -> Result<Box<dyn Sink>, crate::http::Error> {
    Ok(match &config.kind {
        SinkKind::Stdout => Box::new(StdoutSink),
        SinkKind::File { path, rotate_size, rotate_keep } => {
            Box::new(FileSink::new(path.clone(), *rotate_size, *rotate_keep))
        }
        SinkKind::Http(http) => Box::new(HttpSink::new(http)?),
    })
}

/// The encoder of the sink of this configuration.
pub fn encoder(config: &config::Sink, observer: &Observer) -> Encoder {
    match config.format {
        Format::Ecs => Encoder::ecs(config.include_original, NAMESPACE, observer),
        Format::Raw => Encoder::raw(),
    }
}

/// Delivers batches to one receiver.
pub trait Sink: Send + 'static {
    /// Sends the batch once and says what became of its events. Retrying is the worker's business.
    fn deliver<'a>(&'a mut self, batch: &'a Batch) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

    /// Whether the secrets that it uses have changed at their source since the last delivery; asked once a
    /// second while the sink is held.
    fn credential_changed(&mut self) -> Pin<Box<dyn Future<Output = bool> + Send + '_>> {
        Box::pin(async { false })
    }
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
    /// At least one event of the batch is bad, and the receiver does not say which.
    Refused {
        /// For the dead letter.
        reason: String,
    },
    /// A verdict for every event, in order.
    Each(Vec<Verdict>),
}

/// What became of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The receiver has it.
    Accepted,
    /// The same event again.
    Retry(String),
    /// This very event is bad.
    Refused(String),
}
