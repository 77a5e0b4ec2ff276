//! Certificates known by their digest (RFC 5425 section 4.2.2).

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256};

/// The digest of a certificate in DER. Written `sha-256:AB:CD:…` or `sha-1:AB:CD:…`; read in either case, with
/// or without the colons between the bytes and the hyphen in the name.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fingerprint {
    /// What RFC 5425 demands; only for peers that can't say another.
    Sha1([u8; 20]),
    /// What to use.
    Sha256([u8; 32]),
}

/// Why a text is not a fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FingerprintError {
    /// No digest that is known here.
    #[error("a fingerprint starts with \"sha-256:\" or \"sha-1:\"")]
    Algorithm,
    /// Something between the colons is no byte.
    #[error("{0:?} is not a byte as two hexadecimal digits")]
    Digit(String),
    /// Cut off, or of another digest.
    #[error("a {algorithm} fingerprint has {expected} bytes, this one has {found}")]
    Length {
        /// As written.
        algorithm: &'static str,
        /// Bytes of such a digest.
        expected: usize,
        /// Bytes there are.
        found: usize,
    },
}

impl Fingerprint {
    /// The SHA-256 of a certificate in DER.
    pub fn sha256_of(certificate: &[u8]) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest::digest(&SHA256, certificate).as_ref());
        Self::Sha256(bytes)
    }

    /// Whether it is that of this certificate.
    pub fn is_of(&self, certificate: &[u8]) -> bool {
        match self {
            Self::Sha1(bytes) => digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, certificate).as_ref() == bytes,
            Self::Sha256(_) => *self == Self::sha256_of(certificate),
        }
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::Sha1(_) => "sha-1",
            Self::Sha256(_) => "sha-256",
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Sha1(bytes) => bytes,
            Self::Sha256(bytes) => bytes,
        }
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let (algorithm, digits) = text.trim().split_once(':').ok_or(FingerprintError::Algorithm)?;
        match algorithm.to_ascii_lowercase().as_str() {
            "sha-1" | "sha1" => sized("sha-1", digits).map(Self::Sha1),
            "sha-256" | "sha256" => sized("sha-256", digits).map(Self::Sha256),
            _ => Err(FingerprintError::Algorithm),
        }
    }
}

fn sized<const N: usize>(algorithm: &'static str, digits: &str) -> Result<[u8; N], FingerprintError> {
    let bytes = bytes_of(digits)?;
    let found = bytes.len();
    bytes.try_into().map_err(|_| FingerprintError::Length { algorithm, expected: N, found })
}

fn bytes_of(digits: &str) -> Result<Vec<u8>, FingerprintError> {
    let mut bytes = Vec::with_capacity(32);
    for group in digits.split(':') {
        let mut rest = group;
        while !rest.is_empty() || group.is_empty() {
            let wrong = || FingerprintError::Digit(rest.chars().take(2).collect());
            let (pair, behind) = rest.split_at_checked(2).ok_or_else(wrong)?;
            // Alone, from_str_radix would take "+1".
            let is_hexadecimal = pair.bytes().all(|digit| digit.is_ascii_hexdigit());
            let byte = u8::from_str_radix(pair, 16).ok().filter(|_| is_hexadecimal);
            bytes.push(byte.ok_or_else(wrong)?);
            rest = behind;
        }
    }
    Ok(bytes)
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.algorithm())?;
        self.bytes().iter().try_for_each(|byte| write!(f, ":{byte:02X}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SHA-256 and SHA-1 of "abc" (FIPS 180-2 appendices A.1 and B.1).
    const SHA256_OF_ABC: &str = "sha-256:BA:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:B0:03:61:A3:96:17:7A:9C:B4:10:FF:61:F2:00:15:AD";
    const SHA1_OF_ABC: &str = "sha-1:A9:99:3E:36:47:06:81:6A:BA:3E:25:71:78:50:C2:6C:9C:D0:D8:9D";

    #[test]
    fn a_fingerprint_is_the_digest_of_the_certificate() {
        for text in [SHA256_OF_ABC, SHA1_OF_ABC] {
            let fingerprint: Fingerprint = text.parse().unwrap();
            assert!(fingerprint.is_of(b"abc"), "{text}");
            assert!(!fingerprint.is_of(b"abd"), "{text}");
            assert_eq!(fingerprint.to_string(), text);
        }
        assert_eq!(Fingerprint::sha256_of(b"abc").to_string(), SHA256_OF_ABC);
    }

    #[test]
    fn case_and_colons_do_not_matter() {
        let known: Fingerprint = SHA256_OF_ABC.parse().unwrap();
        let digits = SHA256_OF_ABC.split_once(':').unwrap().1;
        for text in [
            SHA256_OF_ABC.to_lowercase(),
            SHA256_OF_ABC.to_uppercase(),
            format!("SHA256:{digits}"),
            format!("sha-256:{}", digits.replace(':', "")),
            format!(" {SHA256_OF_ABC}\n"),
        ] {
            assert_eq!(text.parse(), Ok(known), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_fingerprint_is_said() {
        let short = "sha-256:A9:99:3E:36:47:06:81:6A:BA:3E:25:71:78:50:C2:6C:9C:D0:D8:9D";
        for (text, error) in [
            ("", "a fingerprint starts with \"sha-256:\" or \"sha-1:\""),
            ("md5:AA", "a fingerprint starts with \"sha-256:\" or \"sha-1:\""),
            ("BA:78:16", "a fingerprint starts with \"sha-256:\" or \"sha-1:\""),
            (short, "a sha-256 fingerprint has 32 bytes, this one has 20"),
            ("sha-1:", "\"\" is not a byte as two hexadecimal digits"),
            ("sha-1:A9:9", "\"9\" is not a byte as two hexadecimal digits"),
            ("sha-1:A9:99:", "\"\" is not a byte as two hexadecimal digits"),
            ("sha-1:A9 99", "\" 9\" is not a byte as two hexadecimal digits"),
            ("sha-1:+9", "\"+9\" is not a byte as two hexadecimal digits"),
            ("sha-1:Aä", "\"Aä\" is not a byte as two hexadecimal digits"),
        ] {
            assert_eq!(text.parse::<Fingerprint>().unwrap_err().to_string(), error, "{text}");
        }
    }
}
