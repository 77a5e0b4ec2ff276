//! A TLS server that can be as wrong as a test wants it.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{RootCertStore, ServerConfig, ServerConnection, SupportedProtocolVersion};
use url::Url;

use crate::tls::Options;

/// An authority of a test.
pub(in crate::http::tests) struct Authority {
    pub(in crate::http::tests) issuer: Issuer<'static, KeyPair>,
    pub(in crate::http::tests) certificate: rcgen::Certificate,
}

impl Authority {
    pub(in crate::http::tests) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    pub(in crate::http::tests) fn issue(&self, params: &CertificateParams) -> Certified {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Certified { certificate, key }
    }

    fn roots(&self) -> Arc<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.der().clone()).unwrap();
        Arc::new(roots)
    }
}

/// A certificate and its key.
pub(in crate::http::tests) struct Certified {
    pub(in crate::http::tests) certificate: rcgen::Certificate,
    pub(in crate::http::tests) key: KeyPair,
}

pub(in crate::http::tests) fn certificate_for(name: &str) -> CertificateParams {
    CertificateParams::new(vec![name.to_owned()]).unwrap()
}

/// What one server shows and wants.
pub(in crate::http::tests) struct Server<'a> {
    pub(in crate::http::tests) certificate: CertificateDer<'static>,
    pub(in crate::http::tests) key: PrivateKeyDer<'static>,
    pub(in crate::http::tests) clients_of: Option<&'a Authority>,
    pub(in crate::http::tests) version: &'static SupportedProtocolVersion,
}

impl<'a> Server<'a> {
    pub(in crate::http::tests) fn new(certified: &Certified) -> Self {
        Self {
            certificate: certified.certificate.der().clone(),
            key: private(&certified.key),
            clients_of: None,
            version: &rustls::version::TLS13,
        }
    }

    pub(in crate::http::tests) fn speaking(self, version: &'static SupportedProtocolVersion) -> Self {
        Self { version, ..self }
    }

    pub(in crate::http::tests) fn for_clients_of(self, authority: &'a Authority) -> Self {
        Self { clients_of: Some(authority), ..self }
    }

    /// Answers one connection. Gives back the name that was asked for, once there is trust.
    pub(in crate::http::tests) fn start(self) -> (Url, JoinHandle<Option<Option<String>>>) {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[self.version])
            .unwrap();
        let builder = match self.clients_of {
            None => builder.with_no_client_auth(),
            Some(authority) => builder.with_client_cert_verifier(
                WebPkiClientVerifier::builder_with_provider(authority.roots(), provider).build().unwrap(),
            ),
        };
        // Not with_single_cert, which would notice a key that is another's.
        let key = aws_lc_rs::sign::any_supported_type(&self.key).unwrap();
        let certified = CertifiedKey::new(vec![self.certificate], key);
        let config = Arc::new(builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(certified))));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port()).parse().unwrap();
        let server = std::thread::spawn(move || answer(&listener.accept().unwrap().0, config));
        (url, server)
    }
}

pub(in crate::http::tests) fn private(key: &KeyPair) -> PrivateKeyDer<'static> {
    PrivatePkcs8KeyDer::from(key.serialize_der()).into()
}

fn answer(mut stream: &TcpStream, config: Arc<ServerConfig>) -> Option<Option<String>> {
    let mut connection = ServerConnection::new(config).unwrap();
    while connection.is_handshaking() {
        if connection.complete_io(&mut stream).is_err() {
            // The alert goes out, and what the client has sent already is read: else it would see a reset.
            while connection.wants_write() && connection.write_tls(&mut stream).is_ok() {}
            let _ = stream.shutdown(Shutdown::Write);
            let _ = stream.read_to_end(&mut Vec::new());
            return None;
        }
    }
    let mut session = rustls::Stream::new(&mut connection, &mut stream);
    let mut asked = Vec::new();
    while !asked.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        session.read_exact(&mut byte).ok()?;
        asked.push(byte[0]);
    }
    session.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").unwrap();
    connection.send_close_notify();
    let _ = connection.write_tls(&mut stream);
    Some(connection.server_name().map(str::to_owned))
}

/// The files of a test.
pub(in crate::http::tests) struct Files(tempfile::TempDir);

impl Files {
    pub(in crate::http::tests) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(in crate::http::tests) fn write(&self, name: &str, text: &str) -> Option<PathBuf> {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        Some(path)
    }

    pub(in crate::http::tests) fn trusting(&self, authority: &Authority) -> Options {
        Options { ca_file: self.write("ca.pem", &authority.certificate.pem()), ..Options::default() }
    }

    pub(in crate::http::tests) fn being(&self, certified: &Certified, options: Options) -> Options {
        Options {
            cert_file: self.write("cert.pem", &certified.certificate.pem()),
            key_file: self.write("key.pem", &certified.key.serialize_pem()),
            ..options
        }
    }
}
