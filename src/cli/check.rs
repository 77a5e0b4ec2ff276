//! `auditferry check`: what the configuration says and what is wrong with it.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::config::{Config, Faults, Sink, SinkKind, Source, Start, show_duration};

/// The exit code of a bad configuration.
const INVALID: u8 = 2;

/// `check --offline`: reads the file, the environment and the secrets, asks nobody. Gives 0, or 2 when the
/// configuration is not valid: the faults are then on stderr, or with `json` on stdout like everything else.
///
/// # Errors
/// When the output can't be written.
pub(crate) fn offline(path: &Path, json: bool) -> io::Result<ExitCode> {
    let outcome = Config::load(path);
    match &outcome {
        outcome if json => writeln!(io::stdout().lock(), "{:#}", as_json(path, outcome))?,
        Ok(config) => io::stdout().lock().write_all(as_text(path, config).as_bytes())?,
        Err(faults) => writeln!(io::stderr().lock(), "{faults}")?,
    }
    Ok(if outcome.is_ok() { ExitCode::SUCCESS } else { INVALID.into() })
}

fn as_text(path: &Path, config: &Config) -> String {
    let mut text = format!("{}: configuration is valid\n", path.display());
    let sources = config.sources.iter().map(|source| {
        let polling = &source.polling;
        [
            source.name.clone(),
            source.kind.type_name().to_owned(),
            source.streams.join(","),
            show_duration(polling.interval),
            show_duration(polling.lookback),
            show_start(source),
            source.base_url.to_string(),
        ]
    });
    let head = ["source", "type", "streams", "poll", "lookback", "start", "address"];
    text += &columns(head, sources.collect());
    let sinks = config.sinks.iter().map(|sink| {
        let sources = if sink.sources.is_empty() { "all".to_owned() } else { sink.sources.join(",") };
        [
            sink.name.clone(),
            sink.kind.type_name().to_owned(),
            sources,
            sink.format.name().to_owned(),
            target(sink),
        ]
    });
    text += &columns(["sink", "type", "sources", "format", "target"], sinks.collect());
    if !config.warnings.is_empty() {
        text.push('\n');
    }
    for warning in &config.warnings {
        text += &format!("warning: {warning}\n");
    }
    text
}

fn as_json(path: &Path, outcome: &Result<Config, Faults>) -> Value {
    let config = outcome.as_ref().ok();
    let sources: Vec<_> = config.iter().flat_map(|config| &config.sources).map(source_json).collect();
    let sinks: Vec<_> = config.iter().flat_map(|config| &config.sinks).map(sink_json).collect();
    json!({
        "valid": outcome.is_ok(),
        "path": path.display().to_string(),
        "faults": outcome.as_ref().err().map_or(&[][..], |faults| &faults.0),
        "warnings": config.map_or(&[][..], |config| &config.warnings),
        "sources": sources,
        "sinks": sinks,
    })
}

fn source_json(source: &Source) -> Value {
    json!({
        "name": source.name,
        "type": source.kind.type_name(),
        "base_url": source.base_url.as_str(),
        "account_id": source.account_id,
        "streams": source.streams,
        "poll_interval": show_duration(source.polling.interval),
        "lookback": show_duration(source.polling.lookback),
        "start": show_start(source),
    })
}

fn sink_json(sink: &Sink) -> Value {
    json!({
        "name": sink.name,
        "type": sink.kind.type_name(),
        "sources": if sink.sources.is_empty() { json!(["*"]) } else { json!(sink.sources) },
        "format": sink.format.name(),
        "target": target(sink),
    })
}

fn show_start(source: &Source) -> String {
    match source.polling.start {
        Start::Ago(ago) => show_duration(ago),
        Start::At(time) => time.to_string(),
    }
}

/// Where a sink's events go. A query may hold a key, so it is left out.
fn target(sink: &Sink) -> String {
    match &sink.kind {
        SinkKind::Stdout => "standard output".to_owned(),
        SinkKind::File { path, .. } => path.display().to_string(),
        SinkKind::Http(http) => {
            let mut endpoint = http.endpoint.clone();
            endpoint.set_query(None);
            endpoint.to_string()
        }
        SinkKind::SplunkHec(hec) => hec.endpoint.to_string(),
        SinkKind::Elasticsearch(elasticsearch) => {
            elasticsearch.endpoints.iter().map(url::Url::as_str).collect::<Vec<_>>().join(" ")
        }
        SinkKind::Syslog(syslog) => format!("{}:{}", syslog.address.host, syslog.address.port),
    }
}

/// An empty line and a table with its columns under each other.
pub(super) fn columns<const N: usize>(head: [&str; N], rows: Vec<[String; N]>) -> String {
    let rows: Vec<_> = [head.map(str::to_owned)].into_iter().chain(rows).collect();
    let widths = widths(&rows);
    format!("\n{}", rows.iter().map(|row| line(row, widths)).collect::<String>())
}

/// How wide each column must be, in characters.
pub(super) fn widths<const N: usize>(rows: &[[String; N]]) -> [usize; N] {
    std::array::from_fn(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
}

/// A line of a table.
pub(super) fn line<const N: usize>(row: &[String; N], widths: [usize; N]) -> String {
    let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
    format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
}

#[cfg(test)]
mod tests;
