//! `auditferry check`: what the configuration says, and what is wrong with it or with those it names.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::config::{Config, Faults, Sink, SinkKind, Source, Start, origin, show_duration};
use crate::service::{Finding, Findings, SourceFindings};

pub(super) const EXAMPLES: &str = "It works beside a running daemon and before the first start, and changes nothing. A source \
    costs one request for its account and one for each stream.\n\n\
    Exit codes:\n  \
    0  nothing has failed\n  \
    1  a source or sink would not do its part\n  \
    2  the configuration is not valid\n\n\
    Examples:\n  \
    auditferry check\n  \
    auditferry check --offline\n  \
    auditferry check --output json | jq -r '.sources[] | .name as $name | .checks[]\n      \
    | select(.answer == \"failed\") | \"\\($name) \\(.check): \\(.detail)\"'";

/// The exit code when a source or sink would not do its part.
const FAILED: u8 = 1;
/// The exit code of a bad configuration.
const INVALID: u8 = 2;

/// Prints what was read, and what sources and sinks have said when they were asked. Gives 0, 1 when one of them
/// would not do its part, or 2 when the configuration is not valid: the faults are then on stderr, or with `json` on stdout like
/// everything else.
///
/// # Errors
/// When the output can't be written.
pub(crate) fn print(
    path: &Path,
    checked: &Result<Config, Faults>,
    findings: Option<&Findings>,
    json: bool,
) -> io::Result<ExitCode> {
    match checked {
        outcome if json => writeln!(io::stdout().lock(), "{:#}", as_json(path, outcome, findings))?,
        Ok(config) => io::stdout().lock().write_all(as_text(path, config, findings).as_bytes())?,
        Err(faults) => writeln!(io::stderr().lock(), "{faults}")?,
    }
    let has_failed = findings.is_some_and(Findings::has_failed);
    Ok(match checked {
        Err(_) => INVALID.into(),
        Ok(_) if has_failed => FAILED.into(),
        Ok(_) => ExitCode::SUCCESS,
    })
}

/// A finding as a word and in full.
fn words(finding: &Finding) -> (&'static str, &str) {
    match finding {
        Finding::Passed(found) => ("ok", found),
        Finding::Failed(why) => ("failed", why),
        Finding::Unproved(found) => ("unproved", found),
    }
}

fn as_text(path: &Path, config: &Config, findings: Option<&Findings>) -> String {
    let mut text = format!("{}: configuration is valid\n", origin(path));
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
    if let Some(findings) = findings {
        text += &columns(["name", "check", "answer", "detail"], answers(config, findings));
    }
    if !config.warnings.is_empty() {
        text.push('\n');
    }
    for warning in &config.warnings {
        text += &format!("warning: {warning}\n");
    }
    text
}

/// A row for everything that was found, sources first.
fn answers(config: &Config, findings: &Findings) -> Vec<[String; 4]> {
    let row = |name: &str, check: &str, finding: &Finding| {
        let (word, detail) = words(finding);
        // What a peer says comes from outside: nothing in it may steer the terminal.
        let detail = detail.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
        [name.to_owned(), check.to_owned(), word.to_owned(), detail]
    };
    let sources = config.sources.iter().zip(&findings.sources).flat_map(|(source, found)| {
        found.aspects.iter().map(move |(aspect, finding)| row(&source.name, aspect.word(), finding))
    });
    let sinks = config.sinks.iter().zip(&findings.sinks);
    sources.chain(sinks.map(|(sink, finding)| row(&sink.name, "sink", finding))).collect()
}

fn as_json(path: &Path, outcome: &Result<Config, Faults>, findings: Option<&Findings>) -> Value {
    let config = outcome.as_ref().ok();
    let sources = config.iter().flat_map(|config| &config.sources).enumerate();
    let sources: Vec<_> = sources
        .map(|(index, source)| source_json(source, findings.and_then(|found| found.sources.get(index))))
        .collect();
    let sinks = config.iter().flat_map(|config| &config.sinks).enumerate();
    let sinks: Vec<_> = sinks
        .map(|(index, sink)| sink_json(sink, findings.and_then(|found| found.sinks.get(index))))
        .collect();
    json!({
        "valid": outcome.is_ok(),
        "path": path.display().to_string(),
        "faults": outcome.as_ref().err().map_or(&[][..], |faults| &faults.0),
        "warnings": config.map_or(&[][..], |config| &config.warnings),
        "sources": sources,
        "sinks": sinks,
    })
}

fn source_json(source: &Source, found: Option<&SourceFindings>) -> Value {
    let checks = found.map(|found| {
        let checks = found.aspects.iter().map(|(aspect, finding)| {
            let (answer, detail) = words(finding);
            json!({ "check": aspect.word(), "answer": answer, "detail": detail })
        });
        checks.collect::<Vec<_>>()
    });
    let account = found.and_then(|found| found.account.as_ref());
    let horizons = found.map(|found| {
        let horizons =
            found.horizons.iter().map(|(stream, horizon)| ((*stream).to_owned(), json!(horizon.as_secs())));
        horizons.collect::<serde_json::Map<_, _>>()
    });
    json!({
        "answer": found.map(worst),
        "checks": checks,
        "account": account.map(|account| json!({ "id": account.id, "name": account.name })),
        "clock_offset_s": found.and_then(|found| found.clock_offset).map(|offset| offset.as_secs()),
        "quota_left": found.and_then(|found| found.quota_left),
        "horizon_s": horizons,
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

/// `failed` when anything has, else `unproved` when anything is.
fn worst(found: &SourceFindings) -> &'static str {
    let said: Vec<_> = found.aspects.iter().map(|(_, finding)| words(finding).0).collect();
    ["failed", "unproved"].into_iter().find(|word| said.contains(word)).unwrap_or("ok")
}

fn sink_json(sink: &Sink, finding: Option<&Finding>) -> Value {
    let (answer, detail) = finding.map(words).unzip();
    json!({
        "answer": answer,
        "detail": detail,
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
        SinkKind::Http(http) => without_query(&http.endpoint),
        SinkKind::SplunkHec(hec) => without_query(&hec.endpoint),
        SinkKind::Elasticsearch(elasticsearch) => {
            elasticsearch.endpoints.iter().map(without_query).collect::<Vec<_>>().join(" ")
        }
        SinkKind::Syslog(syslog) => syslog.address.to_string(),
    }
}

fn without_query(url: &url::Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.to_string()
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
