//! Our own certificate and its key.

use std::path::Path;

use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::{ExposeSecret, SecretString};

use super::{Options, SetupError, certificates};

/// Who we are.
pub(super) struct Identity<'a> {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
    pub(super) cert_file: &'a Path,
    pub(super) key_file: &'a Path,
}

/// Reads both files; `None` where neither is set.
pub(super) fn read(options: &Options) -> Result<Option<Identity<'_>>, SetupError> {
    let (cert_file, key_file) = match (&options.cert_file, &options.key_file) {
        (Some(cert_file), Some(key_file)) => (cert_file, key_file),
        (None, None) => return Ok(None),
        (Some(_), None) => return Err(SetupError("tls.cert_file needs tls.key_file beside it".to_owned())),
        (None, Some(_)) => return Err(SetupError("tls.key_file needs tls.cert_file beside it".to_owned())),
    };
    let (chain, key) = (certificates(cert_file)?, key(key_file)?);
    Ok(Some(Identity { chain, key, cert_file, key_file }))
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, SetupError> {
    let file = path.display();
    let text = std::fs::read_to_string(path);
    let text: SecretString =
        text.map_err(|error| SetupError(format!("can't read the key in {file}: {error}")))?.into();
    let text = text.expose_secret();
    if text.trim().is_empty() {
        return Err(SetupError(format!("{file} is empty: it must hold the private key in PEM")));
    }
    // "BEGIN ENCRYPTED PRIVATE KEY" (RFC 7468 section 11), "Proc-Type: 4,ENCRYPTED" (RFC 1421 section 4.6.1.1).
    if text.contains("ENCRYPTED") {
        return Err(SetupError(format!(
            "the key in {file} is encrypted; write it without a passphrase, readable to this program only: \
             openssl pkey -in {file} -out NEW_FILE"
        )));
    }
    PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|error| match error {
        PemError::NoItemsFound => SetupError(format!(
            "{file} holds no private key in PEM (\"BEGIN PRIVATE KEY\", \"BEGIN RSA PRIVATE KEY\" or \
             \"BEGIN EC PRIVATE KEY\")"
        )),
        error => SetupError(format!("can't use the key in {file}: {error}")),
    })
}
