//! Whether a receiver has asked for a certificate of ours: some refuse it, or its absence, without a word.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;

/// Answers with the certificate that there is, if any, and remembers that it was asked.
#[derive(Debug)]
pub(super) struct Witness {
    identity: Arc<dyn ResolvesClientCert>,
    was_asked: AtomicBool,
}

impl Witness {
    /// Stands in front of this one.
    pub(super) fn new(identity: Arc<dyn ResolvesClientCert>) -> Self {
        Self { identity, was_asked: AtomicBool::new(false) }
    }

    /// Whether it was asked since this was called last.
    pub(super) fn take(&self) -> bool {
        self.was_asked.swap(false, Ordering::Relaxed)
    }
}

impl ResolvesClientCert for Witness {
    fn resolve(&self, hints: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.was_asked.store(true, Ordering::Relaxed);
        self.identity.resolve(hints, schemes)
    }

    fn only_raw_public_keys(&self) -> bool {
        self.identity.only_raw_public_keys()
    }

    fn has_certs(&self) -> bool {
        self.identity.has_certs()
    }
}
