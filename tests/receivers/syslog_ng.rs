//! syslog-ng.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::certificates::{Certificates, ClientCertificate};
use crate::receiver::{Launch, Receiver, Socket, free_port, is_installed};

/// Where its package is unpacked; unset, it is looked for where it would be installed.
const DIRECTORY: &str = "AUDITFERRY_SYSLOG_NG";

/// The source driver: they differ in their framing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Driver {
    /// `network()`: a message ends with a line feed.
    Network,
    /// `syslog()`: octet counting.
    Syslog,
}

/// A running one; `None` where it is not installed.
#[track_caller]
pub(crate) fn start(driver: Driver, tls: Option<(&Certificates, ClientCertificate)>) -> Option<Receiver> {
    let root = env::var_os(DIRECTORY).map_or_else(|| PathBuf::from("/"), PathBuf::from);
    let program = root.join("usr/sbin/syslog-ng");
    let libraries = root.join("usr/lib/syslog-ng");
    let missing = format!("{} (see {DIRECTORY})", program.display());
    if !is_installed("syslog-ng", (!program.exists()).then_some(missing.as_str())) {
        return None;
    }
    let version = version_in(&libraries);
    let directory = tempfile::tempdir().unwrap();
    let port = free_port();
    let text = configuration(&version, directory.path(), port, driver, tls);
    fs::write(directory.path().join("syslog-ng.conf"), text).unwrap();
    let modules = libraries.join(version);
    let mut arguments = vec!["--foreground".to_owned(), "--no-caps".to_owned()];
    arguments.push(format!("--module-path={}", modules.display()));
    // Without them it uses the system's, where only root may write.
    let files = [
        ("cfgfile", "syslog-ng.conf"),
        ("persist-file", "persist"),
        ("pidfile", "pid"),
        ("control", "control"),
    ];
    for (option, name) in files {
        arguments.push(format!("--{option}={}", directory.path().join(name).display()));
    }
    Some(Receiver::start(Launch {
        program: &program,
        arguments,
        library_path: Some(libraries),
        socket: Socket::Tcp,
        port,
        directory,
    }))
}

/// Its modules lie in a directory with its version, which a configuration has to begin with.
#[track_caller]
fn version_in(libraries: &Path) -> String {
    let names =
        fs::read_dir(libraries).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with(|first: char| first.is_ascii_digit())).max().expect("its modules")
}

/// The configuration that docs/sinks/receivers.md shows, with MSG alone in the file.
fn configuration(
    version: &str,
    directory: &Path,
    port: u16,
    driver: Driver,
    tls: Option<(&Certificates, ClientCertificate)>,
) -> String {
    let (driver, parsing) = match driver {
        Driver::Network => ("network", " flags(syslog-protocol)"),
        Driver::Syslog => ("syslog", ""),
    };
    let transport = match tls {
        None => "transport(\"tcp\")".to_owned(),
        Some((certificates, client)) => {
            let file = |name: &str| certificates.path(name).display().to_string();
            let (key, cert, ca) = (file("server.key"), file("server.pem"), file("ca.pem"));
            let verify = match client {
                ClientCertificate::NotAsked => "optional-untrusted",
                ClientCertificate::Required => "required-trusted",
            };
            format!(
                "transport(\"tls\")\n        tls(key-file(\"{key}\") cert-file(\"{cert}\") ca-file(\"{ca}\") \
                 peer-verify({verify}))"
            )
        }
    };
    let file = directory.join(Receiver::FILE).display().to_string();
    format!(
        r#"@version: {version}
options {{ log-msg-size(1048576); keep-hostname(yes); use-dns(no); dns-cache(no); stats-freq(0); }};
source auditferry {{
    {driver}(ip("127.0.0.1") port({port}) {transport}{parsing});
}};
destination audit {{ file("{file}" template("$MSG\n")); }};
log {{ source(auditferry); destination(audit); flags(flow-control); }};
"#
    )
}
