//! `tls`: whom to trust and who we are.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::super::fault::Problem;
use super::super::table::Table;
use crate::tls::{Fingerprint, Options};

/// Bytes of a certificate file at most: a bundle of every public authority is a quarter of this.
const LARGEST_PEM: u64 = 1024 * 1024;

/// The table, if there is one; `useless` says why it would do nothing, and what else to do.
pub(super) fn options(table: &mut Table<'_>, useless: Option<&str>) -> Options {
    let Some(mut table) = table.optional_table("tls") else { return Options::default() };
    if let Some((why, instead)) = useless.and_then(|useless| useless.split_once("; ")) {
        let problem = Problem::new(format!("does nothing, as {why}"));
        table.fault("", problem.hint(format!("leave it out, or {instead}")));
    }
    let read = Options {
        ca_file: pem(&mut table, "ca_file"),
        cert_file: pem(&mut table, "cert_file"),
        key_file: pem(&mut table, "key_file"),
        server_name: server_name(&mut table),
        fingerprints: fingerprints(&mut table),
    };
    for (one, other) in [("cert_file", "key_file"), ("key_file", "cert_file")] {
        if table.has(one) && !table.has(other) {
            table.fault(one, Problem::new(format!("needs `{other}`")).hint("set both or none"));
        }
    }
    for name in ["ca_file", "server_name"] {
        if table.has("fingerprints") && table.has(name) {
            let problem = Problem::new("does nothing beside `fingerprints`, which alone decide".to_owned());
            table.fault(name, problem.hint("leave one of the two out"));
        }
    }
    table.finish();
    read
}

fn fingerprints(tls: &mut Table<'_>) -> Vec<Fingerprint> {
    let mut read = Vec::new();
    for text in tls.texts("fingerprints").unwrap_or_default() {
        match text.parse() {
            Ok(fingerprint) => read.push(fingerprint),
            Err(error) => tls.fault("fingerprints", Problem::new(format!("`{text}`: {error}"))),
        }
    }
    read
}

fn pem(tls: &mut Table<'_>, name: &'static str) -> Option<PathBuf> {
    let path = tls.path(name)?;
    if tls.review.read_secrets
        && let Err(why) = check_pem(&path)
    {
        tls.fault(name, Problem::new(format!("{} {why}", path.display())));
    }
    Some(path)
}

fn check_pem(path: &Path) -> Result<(), String> {
    let unreadable = |error: std::io::Error| format!("can't be read: {error}");
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(LARGEST_PEM).read_to_end(&mut bytes))
        .map_err(unreadable)?;
    match String::from_utf8_lossy(&bytes).contains("-----BEGIN ") {
        true => Ok(()),
        false => Err("is not PEM: it has no line `-----BEGIN …-----`".to_owned()),
    }
}

fn server_name(tls: &mut Table<'_>) -> Option<String> {
    let name = tls.text("server_name")?;
    if rustls::pki_types::ServerName::try_from(name.as_str()).is_err() {
        let problem = Problem::new(format!("`{name}` is not the name of a host"));
        tls.fault("server_name", problem.hint("a name or an IP address as it stands in the certificate"));
    }
    Some(name)
}
