//! TLS for everything that is spoken to: whom to trust, who we are, and what is wrong when there is no trust.

mod fault;

pub use fault::{Fault, fault_in};

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Whom to trust and who we are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Authorities to trust instead of the platform's, PEM.
    pub ca_file: Option<PathBuf>,
    /// Client certificate chain, PEM.
    pub cert_file: Option<PathBuf>,
    /// Its private key, PEM.
    pub key_file: Option<PathBuf>,
    /// The name that the peer's certificate must have, instead of the host's in its address.
    pub server_name: Option<String>,
    /// Certificates to trust by their fingerprint (RFC 5425 section 4.2.2), whoever issued them; empty is none.
    pub fingerprints: Vec<String>,
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
    let verifier = verifier(options, &provider)?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| SetupError(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let (Some(cert_file), Some(key_file)) = (&options.cert_file, &options.key_file) else {
        return Ok(builder.with_no_client_auth());
    };
    let key = PrivateKeyDer::from_pem_file(key_file).map_err(|error| unusable(key_file, &error))?;
    builder.with_client_auth_cert(certificates(cert_file)?, key).map_err(|error| unusable(cert_file, &error))
}

fn verifier(
    options: &Options,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, SetupError> {
    let Some(path) = &options.ca_file else {
        let platform = rustls_platform_verifier::Verifier::new(Arc::clone(provider));
        return Ok(Arc::new(platform.map_err(|error| SetupError(error.to_string()))?));
    };
    let mut roots = rustls::RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| unusable(path, &error))?;
    }
    let provider = Arc::clone(provider);
    let made = rustls::client::WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
    Ok(made.map_err(|error| unusable(path, &error))?)
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
