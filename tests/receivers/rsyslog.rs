//! rsyslog.

use std::fs;
use std::path::Path;

use crate::certificates::{CLIENT_NAME, Certificates, ClientCertificate};
use crate::receiver::{Launch, Receiver, Socket, free_port, is_installed};

const PROGRAM: &str = "/usr/sbin/rsyslogd";
/// What the packages rsyslog, rsyslog-relp, rsyslog-gnutls and rsyslog-openssl bring.
const MODULES: [&str; 4] = ["imtcp", "imrelp", "lmnsd_gtls", "lmnsd_ossl"];

/// The library that TLS is done with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Library {
    GnuTls,
    OpenSsl,
}

/// What it listens to.
#[derive(Clone, Copy)]
pub(crate) enum Input<'a> {
    Udp,
    Tcp,
    TcpTls(Library, &'a Certificates, ClientCertificate),
    Relp,
    RelpTls(Library, &'a Certificates, ClientCertificate),
}

/// A running one; `None` where it is not installed.
#[track_caller]
pub(crate) fn start(input: Input<'_>) -> Option<Receiver> {
    if !is_installed("rsyslog", missing()) {
        return None;
    }
    let directory = tempfile::tempdir().unwrap();
    let port = free_port();
    fs::write(directory.path().join("rsyslog.conf"), configuration(directory.path(), port, input)).unwrap();
    let socket = if matches!(input, Input::Udp) { Socket::Udp } else { Socket::Tcp };
    Some(Receiver::start(Launch {
        program: Path::new(PROGRAM),
        arguments: ["-n", "-f", "rsyslog.conf", "-i", "rsyslogd.pid", "-C"].map(str::to_owned).into(),
        library_path: None,
        socket,
        port,
        directory,
    }))
}

fn missing() -> Option<&'static str> {
    let has = |module: &&str| {
        let file = format!("{module}.so");
        ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib"]
            .iter()
            .any(|folder| Path::new(folder).join("rsyslog").join(&file).exists())
    };
    if !Path::new(PROGRAM).exists() {
        return Some(PROGRAM);
    }
    MODULES.into_iter().find(|module| !has(module))
}

/// The configuration that docs/sinks/receivers.md shows, with MSG alone in the file. The queue is on disk alone,
/// so that it is the disk's promise that is tested.
fn configuration(directory: &Path, port: u16, input: Input<'_>) -> String {
    let directory = directory.display();
    let (modules, input) = listener(port, input);
    let file = Receiver::FILE;
    format!(
        r#"global(workDirectory="{directory}" maxMessageSize="1m" net.enableDNS="off"
       parser.escapeControlCharactersOnReceive="off")
{modules}
template(name="message" type="string" string="%msg%\n")
ruleset(name="audit" queue.type="Disk" queue.fileName="audit" queue.maxDiskSpace="1g"
        queue.checkpointInterval="1" queue.saveOnShutdown="on" queue.timeoutShutdown="10000") {{
    action(type="omfile" file="{directory}/{file}" template="message")
}}
{input}
"#
    )
}

/// The modules and the `input` statement.
fn listener(port: u16, input: Input<'_>) -> (String, String) {
    let socket = format!(r#"address="127.0.0.1" port="{port}" ruleset="audit""#);
    // Of a message longer than this imtcp believes no length, whatever maxMessageSize says.
    let tcp = r#"load="imtcp" maxFrameSize="2000000" "#;
    match input {
        Input::Udp => {
            (r#"module(load="imudp")"#.to_owned(), format!(r#"input(type="imudp" {socket} rcvbufSize="4m")"#))
        }
        Input::Tcp => (format!("module({tcp})"), format!(r#"input(type="imtcp" {socket})"#)),
        Input::TcpTls(library, certificates, client) => {
            let driver = match library {
                Library::GnuTls => "gtls",
                Library::OpenSsl => "ossl",
            };
            let mode = match client {
                ClientCertificate::NotAsked => r#"StreamDriver.AuthMode="anon""#.to_owned(),
                ClientCertificate::Required => {
                    format!(r#"StreamDriver.AuthMode="x509/name" PermittedPeer=["{CLIENT_NAME}"]"#)
                }
            };
            let [ca, cert, key] = files(certificates);
            let files = format!(
                r#"global(DefaultNetstreamDriverCAFile="{ca}" DefaultNetstreamDriverCertFile="{cert}"
       DefaultNetstreamDriverKeyFile="{key}")"#
            );
            let module = format!(r#"module({tcp}StreamDriver.Name="{driver}" StreamDriver.Mode="1" {mode})"#);
            (format!("{files}\n{module}"), format!(r#"input(type="imtcp" {socket})"#))
        }
        Input::Relp => (
            r#"module(load="imrelp")"#.to_owned(),
            format!(r#"input(type="imrelp" {socket} maxDataSize="1m")"#),
        ),
        Input::RelpTls(library, certificates, client) => {
            let library = match library {
                Library::GnuTls => "gnutls",
                Library::OpenSsl => "openssl",
            };
            let mode = match client {
                ClientCertificate::NotAsked => String::new(),
                ClientCertificate::Required => {
                    format!(r#" tls.authMode="name" tls.permittedPeer=["{CLIENT_NAME}"]"#)
                }
            };
            let [ca, cert, key] = files(certificates);
            let input = format!(
                r#"input(type="imrelp" {socket} maxDataSize="1m" tls="on" tls.caCert="{ca}" tls.myCert="{cert}"
      tls.myPrivKey="{key}"{mode})"#
            );
            (format!(r#"module(load="imrelp" tls.tlslib="{library}")"#), input)
        }
    }
}

/// Authority, certificate, key.
fn files(certificates: &Certificates) -> [String; 3] {
    ["ca.pem", "server.pem", "server.key"].map(|name| certificates.path(name).display().to_string())
}
