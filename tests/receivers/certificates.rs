//! An authority with a certificate for the receiver and one for the daemon, as PEM files.

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use sha2::{Digest, Sha256};

/// The name in the receiver's certificate.
pub(crate) const SERVER_NAME: &str = "collector.siem.example";
/// The name in the daemon's certificate.
pub(crate) const CLIENT_NAME: &str = "auditferry.siem.example";

/// The files; they go with it.
pub(crate) struct Certificates {
    directory: tempfile::TempDir,
    /// `sha-256:AB:CD:…` of the receiver's certificate (RFC 5425 section 4.2.2).
    pub(crate) server_fingerprint: String,
}

impl Certificates {
    /// New ones.
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::default();
        // A name of its own: to a name that it knows rustls looks for the key behind it.
        let name = format!("authority {}", fastrand::u64(..));
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        fs::write(directory.path().join("ca.pem"), authority.pem()).unwrap();

        let mut server_fingerprint = "sha-256".to_owned();
        let parts = [
            ("server", SERVER_NAME, ExtendedKeyUsagePurpose::ServerAuth),
            ("client", CLIENT_NAME, ExtendedKeyUsagePurpose::ClientAuth),
        ];
        for (part, name, usage) in parts {
            let mut params = CertificateParams::new([name.to_owned()]).unwrap();
            params.distinguished_name.push(DnType::CommonName, name);
            params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
            params.extended_key_usages = vec![usage];
            let key = KeyPair::generate().unwrap();
            let certificate = params.signed_by(&key, &authority).unwrap();
            fs::write(directory.path().join(format!("{part}.pem")), certificate.pem()).unwrap();
            fs::write(directory.path().join(format!("{part}.key")), key.serialize_pem()).unwrap();
            if part == "server" {
                for byte in Sha256::digest(certificate.der()) {
                    write!(server_fingerprint, ":{byte:02X}").unwrap();
                }
            }
        }
        Self { directory, server_fingerprint }
    }

    /// `ca.pem`, `server.pem`, `server.key`, `client.pem` or `client.key`.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

/// What a receiver asks of the daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClientCertificate {
    NotAsked,
    Required,
}
