//! Who is trusted, and what is said when there is no trust: against a real TLS server.

pub(super) mod server;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rcgen::{BasicConstraints, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use rustls::SupportedProtocolVersion;

use self::server::{Authority, Certified, Files, Server, certificate_for, private};
use super::*;
use crate::tls::{Fault, Fingerprint, Options};

const VERSIONS: [&SupportedProtocolVersion; 2] = [&rustls::version::TLS12, &rustls::version::TLS13];

async fn ask(server: Server<'_>, tls: Options) -> Result<Option<String>, Fault> {
    let (url, server) = server.start();
    let options = ClientOptions { tls, timeout: Duration::from_secs(20), ..ClientOptions::for_peer(&url) };
    let outcome = Client::new(&options).unwrap().send(Request::get(url)).await;
    let asked_for = server.join().unwrap();
    match outcome {
        Ok(reply) => {
            assert_eq!(reply.status, 204);
            Ok(asked_for.unwrap())
        }
        Err(Error::Tls { fault, .. }) => {
            assert_eq!(asked_for, None, "nothing was sent");
            Err(fault)
        }
        Err(error) => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn a_certificate_of_a_trusted_authority_is_trusted() {
    let (authority, files) = (Authority::new("good"), Files::new());
    let server = authority.issue(&certificate_for("localhost"));
    for version in VERSIONS {
        let outcome = ask(Server::new(&server).speaking(version), files.trusting(&authority)).await;
        assert_eq!(outcome, Ok(Some("localhost".to_owned())));
    }
}

#[tokio::test]
async fn an_authority_that_is_not_trusted_is_an_unknown_issuer() {
    let (authority, other, files) = (Authority::new("good"), Authority::new("other"), Files::new());
    let server = other.issue(&certificate_for("localhost"));
    let outcome = ask(Server::new(&server), files.trusting(&authority)).await;
    assert_eq!(outcome, Err(Fault::UnknownIssuer));
    let outcome = ask(Server::new(&server), Options::default()).await;
    assert_eq!(outcome, Err(Fault::UnknownIssuer), "the platform's authorities");
}

#[tokio::test]
async fn an_expired_and_a_future_certificate_say_since_when() {
    let (authority, files) = (Authority::new("good"), Files::new());
    let mut params = certificate_for("localhost");
    params.not_after = rcgen::date_time_ymd(2020, 2, 3);
    let outcome = ask(Server::new(&authority.issue(&params)), files.trusting(&authority)).await;
    assert_eq!(outcome, Err(Fault::Expired(Some("2020-02-03T00:00:00Z".parse().unwrap()))));

    params.not_before = rcgen::date_time_ymd(3020, 2, 3);
    params.not_after = rcgen::date_time_ymd(3021, 2, 3);
    let outcome = ask(Server::new(&authority.issue(&params)), files.trusting(&authority)).await;
    assert_eq!(outcome, Err(Fault::NotYetValid(Some("3020-02-03T00:00:00Z".parse().unwrap()))));
}

#[tokio::test]
async fn a_certificate_for_another_name_says_which_unless_that_name_is_expected() {
    let (authority, files) = (Authority::new("good"), Files::new());
    let server = authority.issue(&certificate_for("siem.example"));
    let outcome = ask(Server::new(&server), files.trusting(&authority)).await;
    let presented = vec!["siem.example".to_owned()];
    assert_eq!(outcome, Err(Fault::WrongName { expected: "localhost".to_owned(), presented }));

    for version in VERSIONS {
        let named = Options { server_name: Some("siem.example".to_owned()), ..files.trusting(&authority) };
        let outcome = ask(Server::new(&server).speaking(version), named).await;
        assert_eq!(outcome, Ok(Some("localhost".to_owned())), "the server is asked for by its host");
    }

    let named = Options { server_name: Some("other.example".to_owned()), ..files.trusting(&authority) };
    let outcome = ask(Server::new(&server), named).await;
    assert!(matches!(outcome, Err(Fault::WrongName { expected, .. }) if expected == "other.example"));
}

#[tokio::test]
async fn a_certificate_for_clients_only_is_not_a_servers() {
    let (authority, files) = (Authority::new("good"), Files::new());
    let mut params = certificate_for("localhost");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let server = authority.issue(&params);
    let outcome = ask(Server::new(&server), files.trusting(&authority)).await;
    assert_eq!(outcome, Err(Fault::WrongPurpose));
}

#[tokio::test]
async fn a_certificate_is_known_by_its_fingerprint_whatever_else_it_says() {
    let mut params = certificate_for("siem.example");
    params.not_after = rcgen::date_time_ymd(2020, 2, 3);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let server = Certified { certificate: params.self_signed(&key).unwrap(), key };
    let known = Fingerprint::sha256_of(server.certificate.der());
    let other = Fingerprint::sha256_of(b"another");
    for version in VERSIONS {
        let pinned = Options { fingerprints: vec![other, known], ..Options::default() };
        let outcome = ask(Server::new(&server).speaking(version), pinned).await;
        assert_eq!(outcome, Ok(Some("localhost".to_owned())));
    }
    let outcome =
        ask(Server::new(&server), Options { fingerprints: vec![other], ..Options::default() }).await;
    assert_eq!(outcome, Err(Fault::UnknownFingerprint(known)), "what the operator has to compare");
}

#[tokio::test]
async fn a_certificate_marked_as_an_authority_is_not_a_servers_even_when_it_is_trusted() {
    let mut params = certificate_for("localhost");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let (server, files) = (Certified { certificate: params.self_signed(&key).unwrap(), key }, Files::new());
    let ca_file = files.write("ca.pem", &server.certificate.pem());
    let outcome = ask(Server::new(&server), Options { ca_file, ..Options::default() }).await;
    assert_eq!(outcome, Err(Fault::IsAuthority), "as openssl req -x509 makes them");
}

#[tokio::test]
async fn a_trusted_authority_does_not_make_up_for_a_wrong_fingerprint() {
    let (authority, files) = (Authority::new("good"), Files::new());
    let server = authority.issue(&certificate_for("localhost"));
    let fingerprints = vec![Fingerprint::sha256_of(b"another")];
    let outcome = ask(Server::new(&server), Options { fingerprints, ..files.trusting(&authority) }).await;
    assert!(matches!(outcome, Err(Fault::UnknownFingerprint(_))), "{outcome:?}");
}

#[tokio::test]
async fn a_copy_of_a_known_certificate_is_worth_nothing_without_its_key() {
    let authority = Authority::new("good");
    let known = authority.issue(&certificate_for("localhost"));
    let fingerprints = vec![Fingerprint::sha256_of(known.certificate.der())];
    let pinned = Options { fingerprints, ..Options::default() };
    for version in VERSIONS {
        let impostor = Server { key: private(&KeyPair::generate().unwrap()), ..Server::new(&known) };
        let outcome = ask(impostor.speaking(version), pinned.clone()).await;
        assert_eq!(outcome, Err(Fault::BadSignature));
    }
}

#[tokio::test]
async fn a_server_that_wants_a_client_certificate_gets_it() {
    let (authority, files) = (Authority::new("good"), Files::new());
    let server = authority.issue(&certificate_for("localhost"));
    let client = authority.issue(&certificate_for("auditferry"));
    for version in VERSIONS {
        let server = Server::new(&server).speaking(version).for_clients_of(&authority);
        let outcome = ask(server, files.being(&client, files.trusting(&authority))).await;
        assert!(outcome.is_ok(), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_server_that_wants_another_client_certificate_or_any_says_so() {
    let (authority, other, files) = (Authority::new("good"), Authority::new("other"), Files::new());
    let server = authority.issue(&certificate_for("localhost"));
    let wanting = || Server::new(&server).for_clients_of(&authority);
    let outcome = ask(wanting(), files.trusting(&authority)).await;
    assert_eq!(outcome, Err(Fault::WantsCertificate));
    let outcome = ask(wanting().speaking(&rustls::version::TLS12), files.trusting(&authority)).await;
    let fault = outcome.unwrap_err();
    assert!(fault.to_string().contains("tls.key_file"), "{fault:?}");

    let mut params = certificate_for("auditferry");
    let stranger = other.issue(&params);
    params.not_after = rcgen::date_time_ymd(2020, 2, 3);
    let expired = authority.issue(&params);
    for version in VERSIONS {
        let with_stranger = files.being(&stranger, files.trusting(&authority));
        let outcome = ask(wanting().speaking(version), with_stranger).await;
        assert_eq!(outcome, Err(Fault::RefusesCertificate("from an authority that it does not trust")));
        let with_expired = files.being(&expired, files.trusting(&authority));
        let outcome = ask(wanting().speaking(version), with_expired).await;
        assert_eq!(outcome, Err(Fault::RefusesCertificate("expired")));
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", BASE64_STANDARD.encode(der))
}

#[test]
fn a_key_may_be_pkcs8_pkcs1_or_sec1() {
    let files = Files::new();
    for (algorithm, label, header) in [
        // What stands before the inner key in PKCS#8 (RFC 5958 section 2) has the same length for keys of a kind.
        (&rcgen::PKCS_RSA_SHA256, "RSA PRIVATE KEY", 26),
        (&rcgen::PKCS_ECDSA_P256_SHA256, "EC PRIVATE KEY", 29),
    ] {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let certificate = certificate_for("auditferry").self_signed(&key).unwrap();
        let client = Certified { certificate, key };
        let mut tls = files.being(&client, Options::default());
        crate::tls::client_config(&tls).unwrap();
        tls.key_file = files.write("inner.pem", &pem(label, &client.key.serialize_der()[header..]));
        crate::tls::client_config(&tls).unwrap();
    }
}

#[test]
fn a_client_certificate_that_cannot_be_used_names_the_file_and_why() {
    let (authority, files) = (Authority::new("good"), Files::new());
    let client = authority.issue(&certificate_for("auditferry"));
    let good = files.being(&client, Options::default());
    let written = std::cell::Cell::new(0);
    let with_key = |text: &str| {
        written.set(written.get() + 1);
        Options { key_file: files.write(&format!("{}-bad.pem", written.get()), text), ..good.clone() }
    };
    let other = KeyPair::generate().unwrap().serialize_pem();
    let encrypted = pem("ENCRYPTED PRIVATE KEY", b"secret");
    let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n\
               c2VjcmV0\n-----END RSA PRIVATE KEY-----\n";
    let cut = &client.key.serialize_pem()[..100];
    for (options, words) in [
        (with_key(&other), "bad.pem does not belong to the first certificate in "),
        (with_key(&encrypted), "bad.pem is encrypted"),
        (with_key(old), "bad.pem is encrypted"),
        (with_key("\n"), "bad.pem is empty"),
        (with_key(&client.certificate.pem()), "bad.pem holds no private key"),
        (with_key(cut), "the key in "),
        (with_key(&pem("PRIVATE KEY", b"rubbish")), "bad.pem is damaged"),
        (Options { key_file: Some("/nonexistent".into()), ..good.clone() }, "read the key in /nonexistent"),
        (Options { key_file: None, ..good.clone() }, "tls.cert_file needs tls.key_file"),
        (Options { cert_file: None, ..good.clone() }, "tls.key_file needs tls.cert_file"),
        (Options { cert_file: files.write("none.pem", ""), ..good.clone() }, "none.pem holds no certificate"),
        (Options { ca_file: files.write("ca.pem", "x"), ..good.clone() }, "ca.pem holds no certificate"),
        (Options { server_name: Some("not a name".to_owned()), ..good.clone() }, "\"not a name\""),
    ] {
        let error = crate::tls::client_config(&options).unwrap_err().to_string();
        assert!(error.contains(words), "{error}, not {words}");
        assert!(!error.contains("c2VjcmV0") && !error.contains("secret"), "{error}");
    }
}
