//! What is wrong with the trust between two parties, in words for people.

use std::error::Error as StdError;
use std::io;

use rustls::{CertificateError, Error as RustlsError};

/// What is wrong with the trust between the two.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
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

/// The TLS fault in a chain of causes.
pub fn fault_in(error: &(dyn StdError + 'static)) -> Option<Fault> {
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

fn name_fault(error: &RustlsError) -> Fault {
    match error {
        RustlsError::InvalidCertificate(fault) => match fault {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Fault::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Fault::NotYetValid,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Fault::WrongName
            }
            CertificateError::UnknownIssuer => Fault::UnknownIssuer,
            _ => Fault::Other(error.to_string()),
        },
        RustlsError::AlertReceived(alert) => Fault::RefusedByPeer(format!("{alert:?}")),
        _ => Fault::Other(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_certificate_fault_has_its_name() {
        let named = |fault| name_fault(&RustlsError::InvalidCertificate(fault));
        assert_eq!(named(CertificateError::Expired), Fault::Expired);
        assert_eq!(named(CertificateError::NotValidYet), Fault::NotYetValid);
        assert_eq!(named(CertificateError::NotValidForName), Fault::WrongName);
        assert_eq!(named(CertificateError::UnknownIssuer), Fault::UnknownIssuer);
        assert!(matches!(named(CertificateError::Revoked), Fault::Other(_)));
    }

    #[test]
    fn a_fault_in_is_found_inside_an_io_error() {
        let inner = RustlsError::InvalidCertificate(CertificateError::UnknownIssuer);
        let outer = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, inner));
        assert_eq!(fault_in(&outer), Some(Fault::UnknownIssuer));
        assert_eq!(fault_in(&io::Error::other("plain")), None);
    }
}
