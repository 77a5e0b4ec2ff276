//! `[sinks.NAME]`: from a read table to a checked sink.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use url::Url;

use super::fault::Problem;
use super::plaintext::refuse_plaintext;
use super::secret::Secret;
use super::table::{Named, Table};
use super::{BatchLimits, Compression, Format, HttpEncoding, HttpSinkConfig, HttpTransport, Sink, SinkKind};
use crate::tls;

/// Bytes of a certificate file at most: a bundle of every public authority is a quarter of this.
const LARGEST_PEM: u64 = 1024 * 1024;

/// Reads the sinks; `source_names` are the names that they may refer to.
pub(super) fn read_all(named: Vec<Named<'_>>, source_names: &[String]) -> Vec<Sink> {
    // What two sinks would fight over, and who has it.
    let mut taken = BTreeMap::<String, String>::new();
    let mut sinks = Vec::new();
    for Named { name, r#type, mut table } in named {
        let kind = read_kind(r#type, &mut table);
        let wanted = match &kind {
            Some(SinkKind::Stdout) => Some(("type", "standard output".to_owned())),
            Some(SinkKind::File { path, .. }) => Some(("path", format!("the file {}", path.display()))),
            _ => None,
        };
        if let Some((key, wanted)) = wanted {
            match taken.get(&wanted) {
                Some(other) => {
                    table.fault(key, Problem::new(format!("{wanted} is already that of sinks.{other}")));
                }
                None => _ = taken.insert(wanted, name.clone()),
            }
        }
        sinks.extend(read(name, kind, table, source_names));
    }
    sinks
}

fn read(name: String, kind: Option<SinkKind>, mut table: Table<'_>, source_names: &[String]) -> Option<Sink> {
    let sources = sources(&mut table, source_names);
    let format = match table.choice("format") {
        "raw" => Format::Raw,
        _ => Format::Ecs,
    };
    let include_original = table.switch("include_original");
    let mut batch = table.table("batch");
    let limits = BatchLimits {
        max_events: usize::try_from(batch.count("max_events")).unwrap_or(usize::MAX),
        max_bytes: usize::try_from(batch.size("max_bytes")).unwrap_or(usize::MAX),
        max_wait: batch.duration("max_wait"),
    };
    batch.finish();
    table.finish();
    Some(Sink { name, sources, format, include_original, batch: limits, kind: kind? })
}

fn read_kind(r#type: &str, table: &mut Table<'_>) -> Option<SinkKind> {
    match r#type {
        "stdout" => Some(SinkKind::Stdout),
        "file" => {
            let path = table.path("path");
            let (rotate_size, rotate_keep) = (table.size("rotate_size"), table.count("rotate_keep"));
            path.map(|path| SinkKind::File { path, rotate_size, rotate_keep })
        }
        "http" => http(table).map(|http| SinkKind::Http(Box::new(http))),
        other => {
            debug_assert!(false, "the sink type {other} is listed, but not read");
            None
        }
    }
}

/// Empty means all.
fn sources(table: &mut Table<'_>, known: &[String]) -> Vec<String> {
    let Some(mut sources) = table.texts("sources") else { return Vec::new() };
    if sources.is_empty() {
        table.fault(
            "sources",
            Problem::new("is empty, so this sink would get nothing").hint("[\"*\"] is all"),
        );
    }
    for source in sources.iter().filter(|source| *source != "*" && !known.contains(source)) {
        let problem = Problem::new(format!("there is no source `{source}`"));
        table.fault("sources", problem.suggest(source, known.iter().map(String::as_str)));
    }
    if sources.iter().any(|source| source == "*") {
        return Vec::new();
    }
    sources.sort();
    sources.dedup();
    sources
}

fn http(table: &mut Table<'_>) -> Option<HttpSinkConfig> {
    let endpoint = table.url("endpoint");
    refuse_plaintext(table, "endpoint", endpoint.as_ref());
    let encoding = match table.choice("encoding") {
        "json_array" => HttpEncoding::JsonArray,
        _ => HttpEncoding::Ndjson,
    };
    let compression = match table.choice("compression") {
        "none" => Compression::None,
        _ => Compression::Gzip,
    };
    let token = table.secret("token");
    let headers = headers(table);
    let timeout = table.duration("timeout");
    let tls = tls_options(table, endpoint.as_ref());
    let transport = HttpTransport { compression, timeout, tls, max_in_flight: 1 };
    Some(HttpSinkConfig {
        endpoint: endpoint?,
        encoding,
        headers,
        token,
        signing_secret: None,
        success_statuses: Vec::new(),
        transport,
    })
}

/// Headers that the sink itself writes, by RFC 9110 and RFC 9112 or because a second one would contradict it.
const OWN_HEADERS: [&str; 7] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "idempotency-key",
    "transfer-encoding",
];

fn headers(table: &mut Table<'_>) -> Vec<(String, Secret)> {
    let headers = table.headers("headers", |name| {
        let name = name.to_ascii_lowercase();
        ["authorization", "token", "key", "secret", "cookie"].iter().any(|word| name.contains(word))
    });
    for (name, _) in &headers {
        let own = name.to_ascii_lowercase();
        let problem = if !is_token(name) {
            Problem::new("is not the name of a header: letters, digits and `-`")
        } else if OWN_HEADERS.contains(&own.as_str()) {
            Problem::new("is written by auditferry itself").hint("leave it out")
        } else if own == "authorization" && table.has("token") {
            Problem::new("contradicts `token`, which writes this header").hint("keep one of the two")
        } else {
            continue;
        };
        table.fault(&format!("headers.{name}"), problem);
    }
    headers
}

/// RFC 9110, section 5.6.2.
fn is_token(name: &str) -> bool {
    let character = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    !name.is_empty() && name.chars().all(character)
}

fn tls_options(table: &mut Table<'_>, endpoint: Option<&Url>) -> tls::Options {
    let Some(mut table) = table.optional_table("tls") else { return tls::Options::default() };
    if endpoint.is_some_and(|endpoint| endpoint.scheme() == "http") {
        table.fault(
            "",
            Problem::new("does nothing, as `endpoint` is plain http").hint("leave it out, or use https"),
        );
    }
    let read = tls::Options {
        ca_file: pem(&mut table, "ca_file"),
        cert_file: pem(&mut table, "cert_file"),
        key_file: pem(&mut table, "key_file"),
        ..tls::Options::default()
    };
    for (one, other) in [("cert_file", "key_file"), ("key_file", "cert_file")] {
        if table.has(one) && !table.has(other) {
            table.fault(one, Problem::new(format!("needs `{other}`")).hint("set both or none"));
        }
    }
    table.finish();
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
