//! What is wrong with the trust between two parties, in words for people.

use std::error::Error as StdError;
use std::io;

use jiff::Timestamp;
use rustls::pki_types::{ServerName, UnixTime};
use rustls::{AlertDescription, CertificateError, Error as RustlsError, InvalidMessage, OtherError};

use super::Fingerprint;
use super::verifier::UnknownFingerprint;

/// Names of a certificate that are shown; some have a hundred.
const SHOWN_NAMES: usize = 10;

/// What is wrong with the trust between the two. "It" is the peer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// By our clock.
    #[error("its certificate has expired{}, or this machine's clock is wrong", since(.0.as_ref()))]
    Expired(Option<Timestamp>),
    /// By our clock.
    #[error("its certificate is not valid yet{}, or this machine's clock is wrong", from(.0.as_ref()))]
    NotYetValid(Option<Timestamp>),
    /// The certificate is for others.
    #[error(
        "its certificate is {}; check the address, or set tls.server_name",
        for_names(expected, presented)
    )]
    WrongName {
        /// What we asked for; empty where it is not known.
        expected: String,
        /// What the certificate has, at most ten.
        presented: Vec<String>,
    },
    /// Self-signed, or an authority of the house.
    #[error(
        "its certificate comes from an authority that is not trusted here; name that authority in tls.ca_file"
    )]
    UnknownIssuer,
    /// By an authority that shares its name, and not its key, with one that is trusted; or somebody shows a
    /// certificate whose key he does not have.
    #[error(
        "a signature does not fit: its certificate is not signed by the authority that it names (another one may have \
         the same name: put the right one into tls.ca_file), or the server does not have its certificate's key"
    )]
    BadSignature,
    /// `openssl req -x509` makes such certificates. No authority may vouch for itself as a server.
    #[error(
        "its certificate is marked as an authority's own (CA:TRUE), which does not count as a server's, \
         even where tls.ca_file names it; give the server a certificate without that mark, or trust this one by tls.fingerprints"
    )]
    IsAuthority,
    /// None of `tls.fingerprints` is this one.
    #[error("its certificate is none of tls.fingerprints; compare its own with the server's: {0}")]
    UnknownFingerprint(Fingerprint),
    /// By its issuer.
    #[error("its certificate has been revoked")]
    Revoked,
    /// Made for another use than a server's.
    #[error("its certificate is not made for servers (extended key usage)")]
    WrongPurpose,
    /// TLS 1.3 has a word for it.
    #[error("it wants a client certificate: set tls.cert_file and tls.key_file")]
    WantsCertificate,
    /// The one that we showed, or that we showed none: in TLS 1.2 the words are the same.
    #[error(
        "it refuses our client certificate ({0}); check tls.cert_file, or set it together with tls.key_file"
    )]
    RefusesCertificate(&'static str),
    /// Something else about us.
    #[error(
        "it refuses us ({0}): it may want a client certificate (tls.cert_file and tls.key_file), or have no \
         version or cipher of TLS in common with us"
    )]
    RefusedByPeer(String),
    /// Plain HTTP, plain syslog.
    #[error("it does not speak TLS at this address; check the port and the scheme")]
    NoTls,
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
        RustlsError::InvalidCertificate(fault) => name_certificate_fault(fault, error),
        RustlsError::AlertReceived(alert) => name_alert(*alert),
        RustlsError::InvalidMessage(InvalidMessage::InvalidContentType) => Fault::NoTls,
        _ => Fault::Other(error.to_string()),
    }
}

fn name_certificate_fault(fault: &CertificateError, error: &RustlsError) -> Fault {
    match fault {
        CertificateError::Expired => Fault::Expired(None),
        CertificateError::ExpiredContext { not_after, .. } => Fault::Expired(timestamp(*not_after)),
        CertificateError::NotValidYet => Fault::NotYetValid(None),
        CertificateError::NotValidYetContext { not_before, .. } => Fault::NotYetValid(timestamp(*not_before)),
        CertificateError::NotValidForName => {
            Fault::WrongName { expected: String::new(), presented: Vec::new() }
        }
        CertificateError::NotValidForNameContext { expected, presented } => Fault::WrongName {
            expected: text_of(expected),
            presented: presented.iter().take(SHOWN_NAMES).map(|name| bare(name)).collect(),
        },
        CertificateError::UnknownIssuer => Fault::UnknownIssuer,
        CertificateError::BadSignature => Fault::BadSignature,
        CertificateError::Revoked => Fault::Revoked,
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            Fault::WrongPurpose
        }
        CertificateError::Other(other) => name_other(other),
        _ => Fault::Other(error.to_string()),
    }
}

fn name_other(OtherError(other): &OtherError) -> Fault {
    if let Some(UnknownFingerprint(fingerprint)) = other.downcast_ref() {
        return Fault::UnknownFingerprint(*fingerprint);
    }
    // Types of crates below rustls that are not ours to name: they are known by what they print.
    match other.to_string().as_str() {
        "CaUsedAsEndEntity" => Fault::IsAuthority,
        "certificate had invalid extensions" => Fault::WrongPurpose,
        text => Fault::Other(text.to_owned()),
    }
}

/// RFC 8446 section 6.2.
fn name_alert(alert: AlertDescription) -> Fault {
    Fault::RefusesCertificate(match alert {
        AlertDescription::CertificateRequired | AlertDescription::NoCertificate => {
            return Fault::WantsCertificate;
        }
        AlertDescription::CertificateExpired => "expired",
        AlertDescription::CertificateRevoked => "revoked",
        AlertDescription::CertificateUnknown | AlertDescription::BadCertificate => "not acceptable",
        AlertDescription::UnsupportedCertificate => "of a kind that it does not take",
        AlertDescription::UnknownCA => "from an authority that it does not trust",
        AlertDescription::AccessDenied => "valid, but access is denied",
        AlertDescription::DecryptError => "its signature does not hold",
        _ => return Fault::RefusedByPeer(format!("{alert:?}")),
    })
}

fn timestamp(time: UnixTime) -> Option<Timestamp> {
    Timestamp::from_second(i64::try_from(time.as_secs()).ok()?).ok()
}

fn since(time: Option<&Timestamp>) -> String {
    time.map(|time| format!(" on {time}")).unwrap_or_default()
}

fn from(time: Option<&Timestamp>) -> String {
    time.map(|time| format!(" before {time}")).unwrap_or_default()
}

fn for_names(expected: &str, presented: &[String]) -> String {
    let wanted = if expected.is_empty() { String::new() } else { format!(", not for {expected}") };
    match presented {
        [] if expected.is_empty() => "for another name".to_owned(),
        // A name in the subject alone has not counted since RFC 9525 section 2.
        [] => format!("for no name that counts (subjectAltName){wanted}"),
        names => format!("for {}{wanted}", names.join(", ")),
    }
}

fn text_of(name: &ServerName<'_>) -> String {
    name.to_str().into_owned()
}

/// `DnsName("a.example")` and `IpAddress(192.0.2.1)` without what is around; the peer may have written
/// anything into it.
fn bare(name: &str) -> String {
    let inner = ["DnsName(\"", "IpAddress(", "UniformResourceIdentifier(\""]
        .iter()
        .find_map(|start| name.strip_prefix(start))
        .map_or(name, |rest| rest.trim_end_matches(['"', ')']));
    inner.chars().filter(char::is_ascii_graphic).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;

    fn named(fault: CertificateError) -> Fault {
        name_fault(&RustlsError::InvalidCertificate(fault))
    }

    #[test]
    fn every_certificate_fault_has_its_name() {
        let time = UnixTime::since_unix_epoch(Duration::from_secs(86_400));
        let day = "1970-01-02T00:00:00Z";
        let expected = ServerName::try_from("siem.example").unwrap();
        let presented = vec!["DnsName(\"a.example\")".to_owned(), "IpAddress(192.0.2.1)".to_owned()];
        for (fault, words) in [
            (CertificateError::ExpiredContext { time, not_after: time }, format!("has expired on {day},")),
            (CertificateError::NotValidYetContext { time, not_before: time }, format!("yet before {day},")),
            (
                CertificateError::NotValidForNameContext { expected: expected.clone(), presented },
                "is for a.example, 192.0.2.1, not for siem.example;".to_owned(),
            ),
            (
                CertificateError::NotValidForNameContext { expected, presented: Vec::new() },
                "for no name that counts (subjectAltName), not for siem.example;".to_owned(),
            ),
            (CertificateError::Revoked, "has been revoked".to_owned()),
        ] {
            let said = named(fault).to_string();
            assert!(said.contains(&words), "{said}");
        }
        assert_eq!(named(CertificateError::Expired), Fault::Expired(None));
        assert_eq!(named(CertificateError::NotValidYet), Fault::NotYetValid(None));
        assert_eq!(named(CertificateError::UnknownIssuer), Fault::UnknownIssuer);
        assert_eq!(named(CertificateError::InvalidPurpose), Fault::WrongPurpose);
        assert!(named(CertificateError::NotValidForName).to_string().contains("for another name;"));
        assert_eq!(named(CertificateError::BadSignature), Fault::BadSignature);
        assert!(matches!(named(CertificateError::BadEncoding), Fault::Other(_)));
    }

    #[test]
    fn a_fingerprint_that_is_not_known_is_shown() {
        let fingerprint = Fingerprint::sha256_of(b"abc");
        let other = OtherError(Arc::new(UnknownFingerprint(fingerprint)));
        let fault = named(CertificateError::Other(other));
        assert_eq!(fault, Fault::UnknownFingerprint(fingerprint));
        assert!(fault.to_string().ends_with(&fingerprint.to_string()), "{fault}");
    }

    #[test]
    fn a_refusal_of_ours_says_what_is_wrong_with_it() {
        let named = |alert| name_fault(&RustlsError::AlertReceived(alert));
        assert_eq!(named(AlertDescription::CertificateRequired), Fault::WantsCertificate);
        let unknown = named(AlertDescription::UnknownCA).to_string();
        assert!(unknown.contains("(from an authority that it does not trust)"), "{unknown}");
        assert!(matches!(named(AlertDescription::HandshakeFailure), Fault::RefusedByPeer(_)));
    }

    #[test]
    fn what_a_peer_writes_into_its_names_is_harmless() {
        assert_eq!(bare("DnsName(\"a\u{1b}[31m.example\")"), "a[31m.example");
    }

    #[test]
    fn a_fault_in_is_found_inside_an_io_error() {
        let inner = RustlsError::InvalidCertificate(CertificateError::UnknownIssuer);
        let outer = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, inner));
        assert_eq!(fault_in(&outer), Some(Fault::UnknownIssuer));
        assert_eq!(fault_in(&io::Error::other("plain")), None);
    }
}
