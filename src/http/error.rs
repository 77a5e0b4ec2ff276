//! Why there is no answer: the classes on which a caller decides.

use std::error::Error as StdError;
use std::time::Duration;

use crate::tls;

/// Why there is no answer. Names the host only, never a path, a query or a header.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The name has no address here. Nothing was sent.
    #[error("can't find {host}: {reason}")]
    Resolve {
        /// Host and port.
        host: String,
        /// The system's words.
        reason: String,
    },
    /// No connection: the network, the port. Nothing was sent.
    #[error("can't connect to {host}: {reason}")]
    Connect {
        /// Host and port.
        host: String,
        /// The system's words.
        reason: String,
    },
    /// No complete answer in time. The request may have been carried out.
    #[error("no answer from {host} within {} s", after.as_secs_f32())]
    Timeout {
        /// Host and port.
        host: String,
        /// The limit.
        after: Duration,
    },
    /// No trust between the two. Nothing was sent.
    #[error("no TLS with {host}: {fault}")]
    Tls {
        /// Host and port.
        host: String,
        /// What is wrong.
        fault: tls::Fault,
    },
    /// The connection broke or the answer is not HTTP. The request may have been carried out.
    #[error("the connection to {host} broke: {reason}")]
    Broken {
        /// Host and port.
        host: String,
        /// The library's words.
        reason: String,
    },
    /// The answer's body exceeds the cap.
    #[error("the answer of {host} is larger than {limit} bytes")]
    TooLarge {
        /// Host and port.
        host: String,
        /// The cap, in decoded bytes.
        limit: usize,
    },
    /// The request can't be written as HTTP: nothing was sent, and the same request never will be.
    #[error("the request can't be sent: {0}")]
    Invalid(String),
    /// The client can't be made: a certificate file, or no authorities on this machine.
    #[error("the HTTP client can't be set up: {0}")]
    Setup(String),
}

impl Error {
    pub(super) fn from_reqwest(error: reqwest::Error, host: String, timeout: Duration) -> Self {
        let error = error.without_url();
        if let Some(fault) = tls::fault_in(&error) {
            return Self::Tls { host, fault };
        }
        if error.is_connect() && is_of_resolver(&error) {
            return Self::Resolve { host, reason: chain(&error) };
        }
        if error.is_connect() {
            return Self::Connect { host, reason: chain(&error) };
        }
        if error.is_timeout() {
            return Self::Timeout { host, after: timeout };
        }
        if error.is_builder() {
            return Self::Invalid(chain(&error));
        }
        Self::Broken { host, reason: chain(&error) }
    }
}

/// Whether the look-up of the name failed: the library tells so in words alone.
fn is_of_resolver(error: &(dyn StdError + 'static)) -> bool {
    let mut next = error.source();
    while let Some(cause) = next {
        if cause.to_string().starts_with("dns error") {
            return true;
        }
        next = cause.source();
    }
    false
}

/// What the chain of causes says, each thing once; the outer layers only say that something failed.
pub(super) fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        next = cause.source();
        if next.is_some() && is_wrapping(&text) {
            continue;
        }
        // Some layers print their cause themselves: the more telling text stays.
        words.retain(|said| !text.contains(said.as_str()));
        if !words.iter().any(|said| said.contains(&text)) {
            words.push(text);
        }
    }
    if words.is_empty() { error.to_string() } else { words.join(": ") }
}

/// Layers of the client that only say which of them it was.
fn is_wrapping(text: &str) -> bool {
    text.starts_with("client error (") || text == "connection error" || text == "error sending request"
}
