//! `auditferry preview`: the events that a source holds, as a sink would get them; nothing is collected.

mod pretty;

use std::io::{self, IsTerminal, Write};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};

use crate::config::{Config, Environment, Format, OcsfVersion, Source};
use crate::service::{self, Preview, Stop};

pub(super) const EXAMPLES: &str = "It works beside a running daemon and before the first start, and touches no state. \
    Each stream costs one request; where the configuration names no account_id, there is one more for the account.\n\n\
    What stands there is what the provider shows first, which need not be the newest. Everything of it is shown: \
    `redact`, `include_original` and `mirrored` change what a sink gets, not this. event.sequence is 0, since nothing \
    was collected.\n\n\
    On a terminal JSON is laid out and coloured (not with NO_COLOR set); elsewhere it is one object a line.\n\n\
    Examples:\n  \
    auditferry preview hubspot\n  \
    auditferry preview hubspot login --limit 1 --format ocsf\n  \
    auditferry preview brevo --limit 100 | jq -r .event.action | sort | uniq -c";

/// The nearest name is offered when it is at least this much alike.
const ALIKE: f64 = 0.7;

#[derive(Debug, Args)]
pub(super) struct PreviewArgs {
    /// A source of the configuration
    #[arg(value_name = "SOURCE")]
    source: String,
    /// One of its streams [default: every one that is collected]
    #[arg(value_name = "STREAM")]
    stream: Option<String>,
    /// Events of each stream, within one page: HubSpot gives 200 at most, Brevo 100
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=200))]
    limit: u32,
    /// How to write them
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Written::Ecs)]
    format: Written,
}

/// `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Written {
    /// Elastic Common Schema
    Ecs,
    /// Open Cybersecurity Schema Framework 1.3
    Ocsf,
    /// Common Event Format: the text of a syslog message
    Cef,
    /// Log Event Extended Format: the text of a syslog message
    Leef,
    /// The provider's record, with the event's identity in front
    Raw,
}

impl Written {
    fn format(self) -> Format {
        match self {
            Self::Ecs => Format::Ecs,
            Self::Ocsf => Format::Ocsf(OcsfVersion::V1_3),
            Self::Cef => Format::Cef,
            Self::Leef => Format::Leef,
            Self::Raw => Format::Raw,
        }
    }

    fn is_json(self) -> bool {
        !matches!(self, Self::Cef | Self::Leef)
    }
}

/// A name on the command line that the configuration does not have.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct UnknownName(String);

impl UnknownName {
    /// `what` is not there; `known` are the names that are.
    fn new<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str> + Clone) -> Self {
        let alike = |known: &str| strsim::jaro_winkler(known, name);
        let likely = known.clone().filter(|known| alike(known) >= ALIKE);
        let likely = likely.max_by(|one, other| alike(one).total_cmp(&alike(other)));
        let likely = likely.map_or_else(String::new, |name| format!(" (did you mean `{name}`?)"));
        Self(format!("{what}{likely}; known: {}", known.collect::<Vec<_>>().join(", ")))
    }
}

/// Prints a page of each stream that is asked for.
///
/// # Errors
/// When there is no such source or stream, a stream can't be read, or the output can't be written. What could be read
/// is printed all the same.
pub(super) async fn run(config: Config, args: PreviewArgs, stop: Stop) -> anyhow::Result<()> {
    let (source, streams) = find(&config, &args)?;
    let asked = service::preview(&config, (source, &streams), args.limit, args.format.format());
    let Some(preview) = stop.run_until_cancelled(Box::pin(asked)).await else { bail!("interrupted") };
    let preview = preview.map_err(|reason| {
        anyhow::anyhow!("source {}: {reason}; `auditferry check` says what to do", source.name)
    })?;
    print(&preview, args.format)?;
    tell(source, &preview)
}

fn find<'a>(config: &'a Config, args: &PreviewArgs) -> Result<(&'a Source, Vec<String>), UnknownName> {
    let names = config.sources.iter().map(|source| source.name.as_str());
    let source = config.sources.iter().find(|source| source.name == args.source);
    let source = source.ok_or_else(|| {
        UnknownName::new(&format!("there is no source `{}`", args.source), &args.source, names)
    })?;
    match &args.stream {
        None => Ok((source, source.streams.clone())),
        Some(stream) if source.streams.contains(stream) => Ok((source, vec![stream.clone()])),
        Some(stream) => {
            let what = format!("source `{}` collects no stream `{stream}`", source.name);
            Err(UnknownName::new(&what, stream, source.streams.iter().map(String::as_str)))
        }
    }
}

fn print(preview: &Preview, format: Written) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    let on_terminal = stdout.is_terminal();
    // https://no-color.org: set to anything but nothing.
    let coloured = Environment::process().get("NO_COLOR").is_none_or(str::is_empty);
    let lines = preview.streams.iter().filter_map(|(_, lines)| lines.as_ref().ok()).flatten();
    for line in lines {
        let shown = match format {
            _ if !on_terminal => format!("{line}\n"),
            format if format.is_json() => pretty::lay_out(line, coloured),
            _ => pretty::printable(line) + "\n",
        };
        match stdout.write_all(shown.as_bytes()).and_then(|()| stdout.flush()) {
            Ok(()) => {}
            // The reader has seen enough (`| head`).
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            Err(error) => return Err(error).context("can't write to standard output"),
        }
    }
    Ok(())
}

/// What else is to be said, beside the events.
fn tell(source: &Source, preview: &Preview) -> anyhow::Result<()> {
    let mut stderr = io::stderr().lock();
    // When even stderr is gone, the exit code still tells.
    let mut say = |text: &str| drop(writeln!(stderr, "auditferry: {}", pretty::printable(text)));
    if let Err(reason) = &preview.account {
        say(&format!(
            "whose events these are is not known ({reason}): event.id and organization.id are not those that will be \
             collected; set sources.{}.account_id in the configuration",
            source.name
        ));
    }
    let mut failed = Vec::new();
    for (stream, lines) in &preview.streams {
        match lines {
            Ok(lines) if lines.is_empty() => say(&format!("{}/{stream}: there are no events", source.name)),
            Ok(_) => {}
            Err(reason) => failed.push(format!("{}/{stream}: {reason}", source.name)),
        }
    }
    if failed.is_empty() { Ok(()) } else { bail!(failed.join("\n")) }
}

#[cfg(test)]
mod tests;
