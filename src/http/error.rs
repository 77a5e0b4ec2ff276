//! Why there is no answer: the classes on which a caller decides.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use rustls::{CertificateError, Error as RustlsError};

/// Why there is no answer. Names the host only, never a path, a query or a header.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No connection: the name, the network, the port. Nothing was sent.
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
        fault: TlsFault,
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

/// What is wrong with the trust between the two.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsFault {
    /// By our clock.
    #[error("its certificate has expired, or this machine's clock is wrong")]
    Expired,
    /// By our clock.
    #[error("its certificate is not valid yet, or this machine's clock is wrong")]
    NotYetValid,
    /// The certificate is for others.
    #[error("its certificate is for another name; check the address")]
    WrongName,
    /// Self-signed, or an authority of the house.
    #[error(
        "its certificate comes from an authority that this machine does not trust; name it in tls.ca_file"
    )]
    UnknownIssuer,
    /// The peer wants another certificate of ours, or any.
    #[error("it refuses us ({0}); it may want a client certificate: tls.cert_file and tls.key_file")]
    RefusedByPeer(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

impl Error {
    pub(super) fn from_reqwest(error: reqwest::Error, host: String, timeout: Duration) -> Self {
        let error = error.without_url();
        if let Some(fault) = tls_fault(&error) {
            return Self::Tls { host, fault };
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

fn tls_fault(error: &(dyn StdError + 'static)) -> Option<TlsFault> {
    let mut next = Some(error);
    while let Some(cause) = next {
        // An io::Error leaves its own cargo out of source().
        let inner = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let found = cause
            .downcast_ref::<RustlsError>()
            .or_else(|| inner.and_then(|inner| inner.downcast_ref::<RustlsError>()));
        if let Some(fault) = found {
            return Some(name_fault(fault));
        }
        next = match inner {
            Some(inner) => Some(inner),
            None => cause.source(),
        };
    }
    None
}

fn name_fault(error: &RustlsError) -> TlsFault {
    match error {
        RustlsError::InvalidCertificate(fault) => match fault {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => TlsFault::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                TlsFault::NotYetValid
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                TlsFault::WrongName
            }
            CertificateError::UnknownIssuer => TlsFault::UnknownIssuer,
            _ => TlsFault::Other(error.to_string()),
        },
        RustlsError::AlertReceived(alert) => TlsFault::RefusedByPeer(format!("{alert:?}")),
        _ => TlsFault::Other(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_certificate_fault_has_its_name() {
        let named = |fault| name_fault(&RustlsError::InvalidCertificate(fault));
        assert_eq!(named(CertificateError::Expired), TlsFault::Expired);
        assert_eq!(named(CertificateError::NotValidYet), TlsFault::NotYetValid);
        assert_eq!(named(CertificateError::NotValidForName), TlsFault::WrongName);
        assert_eq!(named(CertificateError::UnknownIssuer), TlsFault::UnknownIssuer);
        assert!(matches!(named(CertificateError::Revoked), TlsFault::Other(_)));
    }

    #[test]
    fn a_tls_fault_is_found_inside_an_io_error() {
        let inner = RustlsError::InvalidCertificate(CertificateError::UnknownIssuer);
        let outer = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, inner));
        assert_eq!(tls_fault(&outer), Some(TlsFault::UnknownIssuer));
        assert_eq!(tls_fault(&io::Error::other("plain")), None);
    }
}
