//! The same over TLS: the receiver is verified by its authority or by its certificate's fingerprint, and gets a
//! client certificate where it wants one.

use serde_json::json;

use crate::certificates::{Certificates, ClientCertificate, SERVER_NAME};
use crate::nasty::Nasty;
use crate::receiver::Receiver;
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

/// A sink that may not trust its receiver, or is not trusted, delivers nothing. Its status, in which the
/// reason stands.
#[track_caller]
fn delivers_nothing(mut receiver: Receiver, scheme: &str, sink: &str) -> String {
    let simulator = Simulator::start(&["--events", "20", "--rate", "0"]);
    let place = place(&simulator, scheme, &receiver, sink);
    let ended = place.run(&["run", "--once", "--timeout", "5s"]);
    assert_ne!(ended.code, Some(0), "{}", ended.stderr);
    receiver.stop();
    assert!(!receiver.file().exists(), "nothing was taken");
    let status = place.status();
    let sink = named(&status, "sinks", "receiver");
    assert_eq!((&sink["delivered"], &sink["dead_letters"]), (&json!(0), &json!(0)), "{sink}");
    println!("{sink}");
    sink.to_string()
}

#[test]
fn a_receiver_with_another_name_gets_nothing() {
    let certificates = Certificates::new();
    let input = Input::TcpTls(Library::OpenSsl, &certificates, ClientCertificate::NotAsked);
    let Some(receiver) = rsyslog::start(input) else { return };
    let ca = quoted(certificates.path("ca.pem").display());
    let reason = delivers_nothing(receiver, "tls", &format!("tls.ca_file = {ca}\n"));
    assert!(reason.contains("name") && reason.contains("held"), "{reason}");
}

#[test]
fn a_receiver_of_another_authority_gets_nothing() {
    let (certificates, others) = (Certificates::new(), Certificates::new());
    let input = Input::RelpTls(Library::OpenSsl, &certificates, ClientCertificate::NotAsked);
    let Some(receiver) = rsyslog::start(input) else { return };
    let reason = delivers_nothing(receiver, "relps", &by_authority(&others));
    assert!(reason.contains("authority") && reason.contains("held"), "{reason}");
}

#[test]
fn a_receiver_with_another_fingerprint_gets_nothing() {
    let (certificates, others) = (Certificates::new(), Certificates::new());
    let input = Input::TcpTls(Library::GnuTls, &certificates, ClientCertificate::NotAsked);
    let Some(receiver) = rsyslog::start(input) else { return };
    let reason = delivers_nothing(receiver, "tls", &by_fingerprint(&others));
    assert!(reason.contains("fingerprint") && reason.contains("held"), "{reason}");
}

#[test]
fn without_the_client_certificate_that_the_receiver_wants_the_sink_is_held() {
    let certificates = Certificates::new();
    let input = Input::TcpTls(Library::OpenSsl, &certificates, ClientCertificate::Required);
    let Some(receiver) = rsyslog::start(input) else { return };
    let reason = delivers_nothing(receiver, "tls", &by_authority(&certificates));
    assert!(reason.contains("client certificate") && reason.contains("held"), "{reason}");
}

#[test]
fn a_receiver_that_breaks_off_without_a_word_for_want_of_a_certificate_got_nothing() {
    let certificates = Certificates::new();
    for relp in [false, true] {
        // GnuTLS ends its part of the handshake well, and only then looks for the certificate.
        let input = match relp {
            false => Input::TcpTls(Library::GnuTls, &certificates, ClientCertificate::Required),
            true => Input::RelpTls(Library::GnuTls, &certificates, ClientCertificate::Required),
        };
        let Some(receiver) = rsyslog::start(input) else { return };
        delivers_nothing(receiver, if relp { "relps" } else { "tls" }, &by_authority(&certificates));
    }
}
