//! How the peer's certificate is verified.

use std::fmt;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, RootCertStore,
    SignatureScheme,
};

use super::{Fingerprint, Options, SetupError, certificates, unusable};

/// The verifier of these options. Reads files: blocks.
pub(super) fn build(
    options: &Options,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, SetupError> {
    if !options.fingerprints.is_empty() {
        let signatures = provider.signature_verification_algorithms;
        return Ok(Arc::new(Pinned { fingerprints: options.fingerprints.clone(), signatures }));
    }
    let inner = by_authority(options, provider)?;
    let Some(name) = &options.server_name else { return Ok(inner) };
    let name = ServerName::try_from(name.clone()).map_err(|_| {
        SetupError(format!("tls.server_name is neither a host name nor an address: {name:?}"))
    })?;
    Ok(Arc::new(Named { inner, name }))
}

fn by_authority(
    options: &Options,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, SetupError> {
    let Some(path) = &options.ca_file else {
        let platform = rustls_platform_verifier::Verifier::new(Arc::clone(provider));
        return Ok(Arc::new(platform.map_err(|error| {
            SetupError(format!(
                "{error}: install this machine's authorities (the package ca-certificates), or set tls.ca_file"
            ))
        })?));
    };
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| unusable(path, &error))?;
    }
    let provider = Arc::clone(provider);
    let made = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
    Ok(made.map_err(|error| unusable(path, &error))?)
}

/// As the wrapped one, with another name than that of the connection.
#[derive(Debug)]
struct Named {
    inner: Arc<dyn ServerCertVerifier>,
    name: ServerName<'static>,
}

impl ServerCertVerifier for Named {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _host: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.inner.verify_server_cert(end_entity, intermediates, &self.name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }

    fn root_hint_subjects(&self) -> Option<&[DistinguishedName]> {
        self.inner.root_hint_subjects()
    }
}

/// Trusts certificates by their digest, and checks nothing else of them: whoever has written a fingerprint
/// down has looked at the certificate. The signature of the handshake is checked, so a copy of the certificate
/// without its key is worth nothing.
#[derive(Debug)]
struct Pinned {
    fingerprints: Vec<Fingerprint>,
    signatures: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _host: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.fingerprints.iter().any(|fingerprint| fingerprint.is_of(end_entity)) {
            return Ok(ServerCertVerified::assertion());
        }
        let unknown = UnknownFingerprint(Fingerprint::sha256_of(end_entity));
        Err(CertificateError::Other(OtherError(Arc::new(unknown))).into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.signatures)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.signatures)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.signatures.supported_schemes()
    }
}

/// The peer's certificate is none of those that were named.
#[derive(Debug)]
pub(super) struct UnknownFingerprint(pub(super) Fingerprint);

impl fmt::Display for UnknownFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the certificate's fingerprint is {}", self.0)
    }
}

impl std::error::Error for UnknownFingerprint {}
