//! TLS: whom we trust, and who we are.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion};
use sha2::{Digest, Sha256};

use super::*;

/// Certificates for a test, in files.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    directory: tempfile::TempDir,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        // Two authorities of one name would be told apart by their signatures alone.
        params.distinguished_name.push(DnType::CommonName, format!("authority {}", fastrand::u64(..)));
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let authority = Self { issuer, directory: tempfile::tempdir().unwrap() };
        std::fs::write(authority.file("ca.pem"), authority.issuer.pem()).unwrap();
        authority
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A certificate for this name and its key, as `role.pem` and `role.key`.
    fn issue(&self, role: &str, name: &str, last_year: i32) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_after = date_time_ymd(last_year, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        std::fs::write(self.file(&format!("{role}.pem")), certificate.pem()).unwrap();
        std::fs::write(self.file(&format!("{role}.key")), key.serialize_pem()).unwrap();
    }

    fn server(&self, wants_client: bool, version: &'static SupportedProtocolVersion) -> Arc<ServerConfig> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[version])
            .unwrap();
        let certificate = |name| CertificateDer::from_pem_file(self.file(name)).unwrap();
        let builder = if wants_client {
            let mut roots = RootCertStore::empty();
            roots.add(certificate("ca.pem")).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        } else {
            builder.with_no_client_auth()
        };
        let key = PrivateKeyDer::from_pem_file(self.file("server.key")).unwrap();
        Arc::new(builder.with_single_cert(vec![certificate("server.pem")], key).unwrap())
    }
}

/// What a receiver has read, and its connections, which stay open: it would go on reading.
type Reading = (String, Vec<StreamOwned<ServerConnection, TcpStream>>);

/// Reads `length` bytes from each of several connections, as far as one comes to that.
fn receiver(
    listener: TcpListener,
    server: Arc<ServerConfig>,
    lengths: &'static [usize],
) -> JoinHandle<Reading> {
    played(move || {
        let (mut all, mut open) = (String::new(), Vec::new());
        for length in lengths {
            let session = ServerConnection::new(Arc::clone(&server)).unwrap();
            let mut stream = StreamOwned::new(session, accepted(&listener));
            let mut bytes = vec![0; *length];
            if stream.read_exact(&mut bytes).is_ok() {
                all.push_str(std::str::from_utf8(&bytes).unwrap());
            }
            open.push(stream);
        }
        (all, open)
    })
}

/// The listener's name has another address too, where nobody listens.
fn secured(config: &SyslogConfig, ca_file: &Path) -> SyslogConfig {
    let mut config = config.clone();
    config.address.transport = SyslogTransport::Tls;
    config.address.host = "localhost".to_owned();
    config.tls.ca_file = Some(ca_file.to_owned());
    config
}

async fn held(config: &SyslogConfig) -> String {
    let outcome = Stream::new(config).unwrap().deliver(&batch(&["one"])).await;
    let Outcome::Held { reason } = outcome else { panic!("not held: {outcome:?}") };
    reason
}

#[tokio::test]
async fn batches_go_over_tls_to_a_receiver_that_the_authority_vouches_for() {
    let authority = Authority::new();
    authority.issue("server", "localhost", 2100);
    for version in [&TLS12, &TLS13] {
        let (listener, config) = listener();
        let server = authority.server(false, version);
        let first = receiver(listener.try_clone().unwrap(), Arc::clone(&server), &[1, 10]);
        let stream = Stream::new(&secured(&config, &authority.file("ca.pem"))).unwrap();
        let probe = stream.probe().await;
        assert!(matches!(&probe, Probe::Passed(found) if found.contains("with TLS")), "{probe:?}");
        for message in ["one", "two"] {
            assert_eq!(stream.deliver(&batch(&[message])).await, Outcome::Accepted);
        }
        let (one_and_two, open) = first.join().unwrap();
        drop(open);
        let second = receiver(listener, server, &[5]);
        assert_eq!(stream.deliver(&batch(&["six"])).await, Outcome::Accepted, "after the receiver's end");
        assert_eq!(one_and_two + &second.join().unwrap().0, "3 one3 two3 six");
    }
}

#[tokio::test]
async fn another_name_is_taken_only_when_the_configuration_says_so() {
    let authority = Authority::new();
    authority.issue("server", "siem.example", 2100);
    let (listener, config) = listener();
    let receiver = receiver(listener, authority.server(false, &TLS13), &[1, 5]);
    let mut config = secured(&config, &authority.file("ca.pem"));
    let reason = held(&config).await;
    assert!(reason.contains("siem.example") && reason.contains("tls.server_name"), "{reason}");

    config.tls.server_name = Some("siem.example".to_owned());
    let stream = Stream::new(&config).unwrap();
    assert_eq!(stream.deliver(&batch(&["one"])).await, Outcome::Accepted);
    assert_eq!(receiver.join().unwrap().0, "3 one");
}

#[tokio::test]
async fn a_certificate_is_trusted_by_its_fingerprint_alone() {
    let authority = Authority::new();
    authority.issue("server", "siem.example", 2100);
    let (listener, config) = listener();
    let receiver = receiver(listener, authority.server(false, &TLS13), &[1, 5]);
    let certificate = CertificateDer::from_pem_file(authority.file("server.pem")).unwrap();
    let digest: [u8; 32] = Sha256::digest(&certificate).into();
    let hex: Vec<String> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    let fingerprint = format!("sha-256:{}", hex.join(":"));
    let mut config = secured(&config, &authority.file("ca.pem"));
    config.tls.ca_file = None;

    let other = fingerprint.replace(&hex[0], if hex[0] == "00" { "01" } else { "00" });
    config.tls.fingerprints = vec![other.parse().unwrap()];
    let reason = held(&config).await;
    assert!(reason.contains("no TLS with localhost"), "{reason}");

    config.tls.fingerprints = vec![fingerprint.parse().unwrap()];
    let stream = Stream::new(&config).unwrap();
    assert_eq!(stream.deliver(&batch(&["one"])).await, Outcome::Accepted);
    assert_eq!(receiver.join().unwrap().0, "3 one");
}

#[tokio::test]
async fn a_certificate_that_has_expired_holds_the_sink_and_a_new_one_frees_it() {
    let authority = Authority::new();
    authority.issue("server", "localhost", 2020);
    let expired = authority.server(false, &TLS13);
    authority.issue("server", "localhost", 2100);
    let renewed = authority.server(false, &TLS13);
    let (listener, config) = listener();
    let second = listener.try_clone().unwrap();
    let first = receiver(listener, expired, &[1]);
    let stream = Stream::new(&secured(&config, &authority.file("ca.pem"))).unwrap();
    let outcome = stream.deliver(&batch(&["one"])).await;
    assert!(matches!(&outcome, Outcome::Held { reason } if reason.contains("expired")), "{outcome:?}");
    assert_eq!(first.join().unwrap().0, "");

    let second = receiver(second, renewed, &[5]);
    assert_eq!(stream.deliver(&batch(&["one"])).await, Outcome::Accepted);
    assert_eq!(second.join().unwrap().0, "3 one");
}

#[tokio::test]
async fn an_authority_that_is_not_trusted_holds_the_sink_until_its_file_is_mended() {
    let (authority, other) = (Authority::new(), Authority::new());
    authority.issue("server", "localhost", 2100);
    let (listener, config) = listener();
    let receiver = receiver(listener, authority.server(false, &TLS13), &[1, 5]);
    let trusted = other.file("ca.pem");
    let stream = Stream::new(&secured(&config, &trusted)).unwrap();
    let outcome = stream.deliver(&batch(&["one"])).await;
    assert!(matches!(&outcome, Outcome::Held { reason } if reason.contains("ca_file")), "{outcome:?}");

    std::fs::copy(authority.file("ca.pem"), &trusted).unwrap();
    assert_eq!(stream.deliver(&batch(&["one"])).await, Outcome::Accepted, "the file is read again");
    assert_eq!(receiver.join().unwrap().0, "3 one");
}

#[tokio::test]
async fn a_receiver_that_wants_a_client_certificate_holds_a_sink_without_one() {
    let authority = Authority::new();
    authority.issue("server", "localhost", 2100);
    authority.issue("client", "auditferry", 2100);
    for version in [&TLS12, &TLS13] {
        let (listener, config) = listener();
        let receiver = receiver(listener, authority.server(true, version), &[1, 1, 5]);
        let mut config = secured(&config, &authority.file("ca.pem"));
        let reason = held(&config).await;
        assert!(reason.contains("tls.cert_file"), "{reason}");
        let probe = Stream::new(&config).unwrap().probe().await;
        assert!(matches!(&probe, Probe::Failed(reason) if reason.contains("tls.cert_file")), "{probe:?}");

        config.tls.cert_file = Some(authority.file("client.pem"));
        config.tls.key_file = Some(authority.file("client.key"));
        let stream = Stream::new(&config).unwrap();
        assert_eq!(stream.deliver(&batch(&["one"])).await, Outcome::Accepted);
        assert_eq!(receiver.join().unwrap().0, "3 one");
    }
}

#[tokio::test]
async fn a_receiver_that_refuses_a_certificate_without_a_word_holds_the_sink_too() {
    let authority = Authority::new();
    authority.issue("server", "localhost", 2100);
    for (wants_client, is_held) in [(true, true), (false, false)] {
        let (listener, config) = listener();
        let server = authority.server(wants_client, &TLS13);
        let receiver = played(move || {
            let mut session = ServerConnection::new(server).unwrap();
            let mut silent = accepted(&listener);
            // Its part of the handshake, and not a byte behind it.
            while !session.wants_write() {
                session.read_tls(&mut silent).unwrap();
                session.process_new_packets().unwrap();
            }
            while session.wants_write() {
                session.write_tls(&mut silent).unwrap();
            }
            silent.shutdown(Shutdown::Write).unwrap();
            let _ = silent.read_to_end(&mut Vec::new());
        });
        let outcome = Stream::new(&secured(&config, &authority.file("ca.pem")))
            .unwrap()
            .deliver(&batch(&["one"]))
            .await;
        match outcome {
            Outcome::Held { reason } if is_held => assert!(reason.contains("tls.cert_file"), "{reason}"),
            Outcome::Retry { .. } if !is_held => {}
            other => panic!("{wants_client}: {other:?}"),
        }
        receiver.join().unwrap();
    }
}

#[tokio::test]
async fn what_a_receiver_has_not_read_over_tls_is_sent_again() {
    let authority = Authority::new();
    authority.issue("server", "localhost", 2100);
    let server = authority.server(false, &TLS13);
    let (listener, config) = listener();
    let receiver = played(move || {
        let session = ServerConnection::new(Arc::clone(&server)).unwrap();
        let mut unread = StreamOwned::new(session, accepted(&listener));
        while unread.conn.is_handshaking() {
            unread.conn.complete_io(&mut unread.sock).unwrap();
        }
        // The session tickets, by which the other side sees that it is welcome.
        while unread.conn.wants_write() {
            unread.conn.write_tls(&mut unread.sock).unwrap();
        }
        await_bytes(&unread.sock);
        // Says that it ends, before its kernel says that it has not read.
        unread.conn.send_close_notify();
        unread.conn.write_tls(&mut unread.sock).unwrap();
        drop(unread);
        receiver(listener, server, &[5]).join().unwrap()
    });
    let mut stream = Stream::new(&secured(&config, &authority.file("ca.pem"))).unwrap();
    stream.settling = LONG;
    let outcome = stream.deliver(&batch(&["one"])).await;
    assert!(matches!(outcome, Outcome::Retry { .. }), "{outcome:?}");
    stream.settling = SETTLING;
    assert_eq!(stream.deliver(&batch(&["one"])).await, Outcome::Accepted);
    assert_eq!(receiver.join().unwrap().0, "3 one");
}

#[tokio::test]
async fn a_receiver_without_tls_holds_the_sink_and_says_why() {
    let (listener, config) = listener();
    let receiver = played(move || {
        let mut plain = accepted(&listener);
        plain.write_all(b"not TLS at all, by no means\r\n").unwrap();
        // Read to the end, so that nothing breaks off what was said.
        let _ = plain.read_to_end(&mut Vec::new());
    });
    let authority = Authority::new();
    let reason = held(&secured(&config, &authority.file("ca.pem"))).await;
    assert!(reason.contains("no TLS with localhost"), "{reason}");
    receiver.join().unwrap();
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_no_sink() {
    let (_listener, config) = listener();
    let error = Stream::new(&secured(&config, Path::new("/nonexistent/ca.pem"))).unwrap_err();
    assert!(error.to_string().contains("/nonexistent/ca.pem"), "{error}");
}
