//! `[sinks.NAME]`: from a read table to a checked sink.

mod http;
mod redact;
mod syslog;
mod tls;

use std::collections::BTreeMap;

use super::fault::Problem;
use super::table::{Named, Table};
use super::{BatchLimits, Format, OcsfVersion, Sink, SinkKind};

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
    let ocsf_version = match table.choice("ocsf_version") {
        "1.9" => OcsfVersion::V1_9,
        _ => OcsfVersion::V1_3,
    };
    let format = match table.choice("format") {
        "ocsf" => Format::Ocsf(ocsf_version),
        "cef" => Format::Cef,
        "leef" => Format::Leef,
        "raw" => Format::Raw,
        _ => Format::Ecs,
    };
    if table.has("ocsf_version") && !matches!(format, Format::Ocsf(_)) {
        let problem = Problem::new(format!("says nothing with format = \"{}\"", format.name()));
        table.fault("ocsf_version", problem.hint("set format = \"ocsf\", or leave it out"));
    }
    let redaction = redact::redaction(&mut table, format);
    let include_original = table.switch("include_original") && redaction.is_none();
    let mut batch = table.table("batch");
    let limits = BatchLimits {
        max_events: usize::try_from(batch.count("max_events")).unwrap_or(usize::MAX),
        max_bytes: usize::try_from(batch.size("max_bytes")).unwrap_or(usize::MAX),
        max_wait: batch.duration("max_wait"),
    };
    batch.finish();
    table.finish();
    Some(Sink { name, sources, format, include_original, redaction, batch: limits, kind: kind? })
}

fn read_kind(r#type: &str, table: &mut Table<'_>) -> Option<SinkKind> {
    match r#type {
        "stdout" => Some(SinkKind::Stdout),
        "file" => {
            let path = table.path("path");
            let (rotate_size, rotate_keep) = (table.size("rotate_size"), table.count("rotate_keep"));
            path.map(|path| SinkKind::File { path, rotate_size, rotate_keep })
        }
        "http" => http::webhook(table).map(|http| SinkKind::Http(Box::new(http))),
        "splunk_hec" => http::splunk_hec(table).map(|hec| SinkKind::SplunkHec(Box::new(hec))),
        "elasticsearch" => http::elasticsearch(table).map(|bulk| SinkKind::Elasticsearch(Box::new(bulk))),
        "syslog" => syslog::syslog(table).map(|syslog| SinkKind::Syslog(Box::new(syslog))),
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
