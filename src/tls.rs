//! TLS for everything that is spoken to: whom to trust, who we are, and what is wrong when there is no trust.

mod fault;
mod fingerprint;
mod identity;
mod verifier;

pub use fault::{Fault, fault_in};
pub use fingerprint::{Fingerprint, FingerprintError};

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// Whom to trust and who we are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Authorities to trust instead of the platform's, PEM.
    pub ca_file: Option<PathBuf>,
    /// Client certificate chain, PEM, our own certificate first.
    pub cert_file: Option<PathBuf>,
    /// Its private key, PEM: PKCS#8, PKCS#1 or SEC1, not encrypted.
    pub key_file: Option<PathBuf>,
    /// The name or address that the peer's certificate must have, instead of the host in its address. Over
    /// HTTP the name that the peer is asked for (SNI, RFC 6066 section 3) stays the host.
    pub server_name: Option<String>,
    /// The certificates to trust, by their fingerprint (RFC 5425 section 4.2.2); empty is none. Where there is
    /// one, they alone decide: who issued the certificate, for which name and until when does not matter, and
    /// `ca_file` and `server_name` play no part. That the peer holds the certificate's key is proved as always.
    pub fingerprints: Vec<Fingerprint>,
}

/// A certificate file that can't be used, or no authorities on this machine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SetupError(String);

/// What rustls and the HTTP client need. Reads the files and the platform's authorities: blocks, and what they
/// say later needs a new configuration.
///
/// # Errors
/// When a file can't be read or used, or there are no authorities to trust.
pub fn client_config(options: &Options) -> Result<ClientConfig, SetupError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = verifier::build(options, &provider)?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| SetupError(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let Some(identity) = identity::read(options)? else { return Ok(builder.with_no_client_auth()) };
    let (cert_file, key_file) = (identity.cert_file.display(), identity.key_file.display());
    // Told apart from the certificate, which the builder below would not.
    let is_usable = builder.crypto_provider().key_provider.load_private_key(identity.key.clone_key()).is_ok();
    if !is_usable {
        let kinds = "RSA of 2048 bits and more, ECDSA on P-256, P-384 or P-521, or Ed25519";
        return Err(SetupError(format!(
            "the key in {key_file} is damaged, or not of a kind that works: {kinds}"
        )));
    }
    builder.with_client_auth_cert(identity.chain, identity.key).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => SetupError(format!(
            "the key in {key_file} does not belong to the first certificate in {cert_file}"
        )),
        error => SetupError(format!("can't use {cert_file}: {error}")),
    })
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, SetupError> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let read = read.map_err(|error| unusable(path, &error))?;
    if read.is_empty() {
        return Err(SetupError(format!("{} holds no certificate in PEM", path.display())));
    }
    Ok(read)
}

fn unusable(path: &Path, error: &dyn std::error::Error) -> SetupError {
    SetupError(format!("can't use {}: {error}", path.display()))
}
