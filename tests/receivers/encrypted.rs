//! The same over TLS: the receiver is verified by its authority or by its certificate's fingerprint, and gets a
//! client certificate where it wants one.

use serde_json::Value;

use crate::certificates::{Certificates, ClientCertificate, SERVER_NAME};
use crate::nasty::Nasty;
use crate::rig::{Simulator, named};
use crate::rsyslog::{self, Input, Library};
use crate::sending::{arrive_whole_and_once, place, quoted};
use crate::syslog_ng::{self, Driver};

const FEW: Nasty = Nasty { count: 500, long: true };

/// The receiver is known by its authority and its name.
fn by_authority(certificates: &Certificates) -> String {
    let ca = quoted(certificates.path("ca.pem").display());
    format!("tls.ca_file = {ca}\ntls.server_name = \"{SERVER_NAME}\"\n")
}

/// The receiver is known by its certificate.
fn by_fingerprint(certificates: &Certificates) -> String {
    format!("tls.fingerprints = [\"{}\"]\n", certificates.server_fingerprint)
}

/// The daemon shows a certificate.
fn with_client(certificates: &Certificates) -> String {
    let [cert, key] = ["client.pem", "client.key"].map(|name| quoted(certificates.path(name).display()));
    format!("tls.cert_file = {cert}\ntls.key_file = {key}\n")
}

#[test]
fn rsyslog_with_gnutls_gets_nasty_events() {
    let certificates = Certificates::new();
    let input = Input::TcpTls(Library::GnuTls, &certificates, ClientCertificate::NotAsked);
    let Some(receiver) = rsyslog::start(input) else { return };
    arrive_whole_and_once(receiver, "tls", &by_authority(&certificates), FEW);
}

#[test]
fn rsyslog_with_openssl_gets_nasty_events() {
    let certificates = Certificates::new();
    let input = Input::TcpTls(Library::OpenSsl, &certificates, ClientCertificate::NotAsked);
    let Some(receiver) = rsyslog::start(input) else { return };
    arrive_whole_and_once(receiver, "tls", &by_authority(&certificates), FEW);
}

#[test]
fn rsyslog_is_known_by_its_fingerprint() {
    let certificates = Certificates::new();
    let input = Input::TcpTls(Library::OpenSsl, &certificates, ClientCertificate::NotAsked);
    let Some(receiver) = rsyslog::start(input) else { return };
    arrive_whole_and_once(receiver, "tls", &by_fingerprint(&certificates), FEW);
}

#[test]
fn rsyslog_that_wants_a_client_certificate_gets_nasty_events_in_lines() {
    let certificates = Certificates::new();
    let input = Input::TcpTls(Library::GnuTls, &certificates, ClientCertificate::Required);
    let Some(receiver) = rsyslog::start(input) else { return };
    let sink = by_authority(&certificates) + &with_client(&certificates) + "framing = \"newline\"\n";
    arrive_whole_and_once(receiver, "tls", &sink, FEW);
}

#[test]
fn rsyslog_gets_nasty_events_over_relp() {
    let certificates = Certificates::new();
    // With GnuTLS imrelp wants a client certificate as soon as it has one itself.
    let input = Input::RelpTls(Library::OpenSsl, &certificates, ClientCertificate::NotAsked);
    let Some(receiver) = rsyslog::start(input) else { return };
    arrive_whole_and_once(receiver, "relps", &by_fingerprint(&certificates), FEW);
}

#[test]
fn rsyslog_that_wants_a_client_certificate_gets_nasty_events_over_relp() {
    let certificates = Certificates::new();
    let input = Input::RelpTls(Library::GnuTls, &certificates, ClientCertificate::Required);
    let Some(receiver) = rsyslog::start(input) else { return };
    let sink = by_authority(&certificates) + &with_client(&certificates);
    arrive_whole_and_once(receiver, "relps", &sink, FEW);
}

#[test]
fn syslog_ng_gets_nasty_events() {
    let certificates = Certificates::new();
    let tls = (&certificates, ClientCertificate::NotAsked);
    let Some(receiver) = syslog_ng::start(Driver::Syslog, Some(tls)) else { return };
    arrive_whole_and_once(receiver, "tls", &by_fingerprint(&certificates), FEW);
}

#[test]
fn syslog_ng_that_wants_a_client_certificate_gets_nasty_events_in_lines() {
    let certificates = Certificates::new();
    let tls = (&certificates, ClientCertificate::Required);
    let Some(receiver) = syslog_ng::start(Driver::Network, Some(tls)) else { return };
    let sink = by_authority(&certificates) + &with_client(&certificates) + "framing = \"newline\"\n";
    arrive_whole_and_once(receiver, "tls", &sink, FEW);
}

/// A sink that may not trust its receiver, or is not trusted, sends nothing and says why.
#[track_caller]
fn is_held(input: Input<'_>, scheme: &str, sink: &str, reason: &[&str]) {
    let Some(mut receiver) = rsyslog::start(input) else { return };
    let simulator = Simulator::start(&["--events", "20", "--rate", "0"]);
    let place = place(&simulator, scheme, &receiver, sink);
    let ended = place.run(&["run", "--once", "--timeout", "5s"]);
    assert_ne!(ended.code, Some(0), "{}", ended.stderr);
    let status: Value = place.status();
    let error = named(&status, "sinks", "receiver").to_string() + &ended.stderr;
    assert!(reason.iter().any(|reason| error.contains(reason)), "{error}");
    receiver.stop();
    assert!(!receiver.file().exists(), "nothing was sent");
}

#[test]
fn a_receiver_with_another_name_gets_nothing() {
    let certificates = Certificates::new();
    let input = Input::TcpTls(Library::OpenSsl, &certificates, ClientCertificate::NotAsked);
    let ca = quoted(certificates.path("ca.pem").display());
    is_held(input, "tls", &format!("tls.ca_file = {ca}\n"), &["127.0.0.1"]);
}

#[test]
fn a_receiver_of_another_authority_gets_nothing() {
    let (certificates, others) = (Certificates::new(), Certificates::new());
    let input = Input::RelpTls(Library::OpenSsl, &certificates, ClientCertificate::NotAsked);
    is_held(input, "relps", &by_authority(&others), &["issuer", "authority"]);
}

#[test]
fn without_the_client_certificate_that_the_receiver_wants_the_sink_is_held() {
    let certificates = Certificates::new();
    let input = Input::TcpTls(Library::OpenSsl, &certificates, ClientCertificate::Required);
    is_held(input, "tls", &by_authority(&certificates), &["certificate"]);
}
