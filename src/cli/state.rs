//! `auditferry state`: what is kept of streams and sinks; move a cursor back, forget a stream, carry the state away.

mod show;
mod text;

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::bail;
use clap::{Args, Subcommand};
use jiff::{SignedDuration, Timestamp};

use super::ask::{confirm, must_be_able_to_ask, print};
use super::status::{Output, is_held, must_be_readable};
use super::time;
use crate::config::Config;
use crate::event::StreamName;
use crate::service::command::state::{Outcome, Request, import, unknown};
use crate::service::command::{self, By, Done};
use crate::service::{Stop, about};
use crate::store::{Import, Inventory, Store, StoreError, StreamEntry};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show what is kept of every stream and sink, of those that are no longer configured too
    #[command(after_help = "Examples:\n  \
        auditferry state show\n  \
        auditferry state show hubspot login\n  \
        auditferry state show --output json | jq '.streams[] | {source, stream, complete_to}'")]
    Show(ShowArgs),
    /// Move the cursor of a stream back: the next poll reads from there again, and what is known adds nothing
    #[command(after_help = "Examples:\n  \
        auditferry state rewind hubspot login --to 7d\n  \
        auditferry state rewind brevo activities --to 2026-11-01 --yes")]
    Rewind(RewindArgs),
    /// Forget how far a stream was read and what is known of it: everything is collected and delivered again
    #[command(
        after_help = "The events come again under the same event.id, with new sequences; a SIEM that does not \
        deduplicate by event.id has them twice.\n\n\
        Examples:\n  \
        auditferry state forget hubspot login\n  \
        auditferry state forget old_source --yes"
    )]
    Forget(ForgetArgs),
    /// Write a consistent copy of the state to a file, with the daemon running or stopped
    #[command(
        after_help = "The copy is as secret as the state directory: it holds undelivered events, dead letters \
        and, where a provider has rotated one, an OAuth grant.\n\n\
        Examples:\n  \
        auditferry state export /var/backups/auditferry-$(date +%F).db"
    )]
    Export(ExportArgs),
    /// Put an exported state in the place of this one, which is set aside; the daemon must be stopped
    #[command(after_help = "Examples:\n  \
        auditferry state import /var/backups/auditferry-2026-11-28.db\n  \
        auditferry state import --yes auditferry.db")]
    Import(ImportArgs),
}

#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// Only this source
    #[arg(value_name = "SOURCE")]
    source: Option<String>,
    /// Only this stream of it
    #[arg(value_name = "STREAM")]
    stream: Option<String>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

#[derive(Debug, Args)]
pub(super) struct RewindArgs {
    /// The source
    #[arg(value_name = "SOURCE")]
    source: String,
    /// Its stream
    #[arg(value_name = "STREAM")]
    stream: String,
    /// Where the cursor is to stand: RFC 3339, a date, or a duration ago
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Timestamp,
    /// Do not ask first
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, Args)]
pub(super) struct ForgetArgs {
    /// The source, configured or not
    #[arg(value_name = "SOURCE")]
    source: String,
    /// Its stream; without it every stream of the source and, when it is no longer configured, its account
    #[arg(value_name = "STREAM")]
    stream: Option<String>,
    /// Do not ask first
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// The file, which must not exist
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// What `state export` has written
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Do not ask first
    #[arg(long)]
    yes: bool,
}

/// Runs one of the commands.
///
/// # Errors
/// When there is no state directory, it can't be used, or what the command itself fails with.
pub(super) async fn run(config: &Config, command: Command, stop: Stop) -> anyhow::Result<()> {
    let work = async {
        match command {
            Command::Show(args) => show(config, args).await,
            Command::Rewind(args) => rewind(config, args).await,
            Command::Forget(args) => forget(config, args).await,
            Command::Export(ExportArgs { file }) => export(config, file).await,
            Command::Import(ImportArgs { file, yes }) => import_file(config, file, yes).await,
        }
    };
    stop.run_until_cancelled(Box::pin(work)).await.unwrap_or_else(|| bail!("interrupted"))
}

async fn show(config: &Config, ShowArgs { source, stream, output }: ShowArgs) -> anyhow::Result<()> {
    let mut inventory = inventory(config).await?;
    if let Some(source) = &source {
        inventory.streams = chosen(&inventory, source, stream.as_deref())?;
        inventory.sinks.clear();
    }
    let shown = show::Shown::new(&inventory, &about(config));
    let shown = match output {
        Output::Text => shown.text(),
        Output::Json => serde_json::to_string_pretty(&shown)? + "\n",
    };
    print(&shown).map(drop)
}

async fn rewind(config: &Config, args: RewindArgs) -> anyhow::Result<()> {
    let RewindArgs { source, stream, to, yes } = args;
    must_be_able_to_ask(
        yes,
        "`state rewind` has a part of the past read again: without a terminal to ask on it needs --yes",
    )?;
    let name = StreamName { source, stream };
    let inventory = inventory(config).await?;
    let entry = chosen(&inventory, &name.source, Some(&name.stream))?.swap_remove(0);
    let oldest = horizon(config, &name).map(oldest_shown);
    let to = oldest.map_or(to, |oldest| to.max(oldest));
    if oldest == Some(to) {
        io::stderr().lock().write_all(text::beyond_horizon(&name, to).as_bytes())?;
    }
    // What can't be moved is refused below, without a question.
    if let Some(from) = entry.cursor.complete_to.filter(|from| to < *from && !yes)
        && !confirm(text::rewind_question(&name, from, to)).await?
    {
        bail!("nothing was changed");
    }
    let StreamName { source, stream } = name.clone();
    match ask(config, Request::Rewind { source, stream, to }).await? {
        (Outcome::Rewound(from), by) => print(&text::rewound(&name, from, to, by)).map(drop),
        (Outcome::Forgotten(_), _) => bail!("the answer is none to this command"),
    }
}

async fn forget(config: &Config, ForgetArgs { source, stream, yes }: ForgetArgs) -> anyhow::Result<()> {
    must_be_able_to_ask(
        yes,
        "`state forget` has everything collected and delivered again: without a terminal to ask on it needs --yes",
    )?;
    let streams = chosen(&inventory(config).await?, &source, stream.as_deref())?;
    let is_configured = config.sources.iter().any(|configured| configured.name == source);
    let account = stream.is_none() && !is_configured;
    if !yes && !confirm(text::forget_question(&streams, account)).await? {
        bail!("nothing was forgotten");
    }
    match ask(config, Request::Forget { source, stream, account }).await? {
        (Outcome::Forgotten(streams), by) => print(&text::forgotten(&streams, is_configured, by)).map(drop),
        (Outcome::Rewound(_), _) => bail!("the answer is none to this command"),
    }
}

async fn export(config: &Config, file: PathBuf) -> anyhow::Result<()> {
    must_be_readable(&config.state_dir)?;
    let (directory, to) = (config.state_dir.clone(), file.clone());
    let bytes = blocking(move || Store::export(&directory, &to)).await?;
    io::stderr().lock().write_all(text::SECRET.as_bytes())?;
    print(&text::exported(&file, bytes)).map(drop)
}

async fn import_file(config: &Config, file: PathBuf, yes: bool) -> anyhow::Result<()> {
    must_be_able_to_ask(
        yes,
        "`state import` replaces the state: without a terminal to ask on it needs --yes",
    )?;
    if is_held(&config.state_dir) {
        let path = config.state_dir.join("lock").display().to_string();
        return Err(StoreError::Locked { path }.into());
    }
    let (directory, from) = (config.state_dir.clone(), file.clone());
    let found = blocking(move || Import::look(&directory, &from)).await?;
    if !yes && !confirm(text::import_question(&file, &config.state_dir, &found)).await? {
        bail!("nothing was changed");
    }
    let aside = import(config, &file).await?;
    print(&text::imported(&file, aside.as_deref())).map(drop)
}

/// Everything that is kept, read beside the daemon or without one.
async fn inventory(config: &Config) -> anyhow::Result<Inventory> {
    must_be_readable(&config.state_dir)?;
    let directory = config.state_dir.clone();
    Ok(blocking(move || Store::read_inventory(&directory)).await?)
}

/// The streams that are named; there is at least one.
fn chosen(inventory: &Inventory, source: &str, stream: Option<&str>) -> anyhow::Result<Vec<StreamEntry>> {
    let is_chosen = |entry: &&StreamEntry| {
        entry.name.source == source && stream.is_none_or(|stream| entry.name.stream == stream)
    };
    let chosen: Vec<_> = inventory.streams.iter().filter(is_chosen).cloned().collect();
    if chosen.is_empty() {
        let names: Vec<_> = inventory.streams.iter().map(|entry| entry.name.clone()).collect();
        bail!(unknown(source, stream, &names));
    }
    Ok(chosen)
}

/// How far back the provider remembers, where the configuration says it.
fn horizon(config: &Config, name: &StreamName) -> Option<Duration> {
    about(config).streams.into_iter().find(|stream| stream.name == *name).map(|stream| stream.horizon)
}

/// What came before is shown no more. In whole seconds, as a person writes a time.
fn oldest_shown(horizon: Duration) -> Timestamp {
    let horizon = SignedDuration::try_from(horizon).unwrap_or(SignedDuration::MAX);
    let oldest = Timestamp::now().checked_sub(horizon).unwrap_or(Timestamp::MIN);
    Timestamp::from_second(oldest.as_second()).unwrap_or(oldest)
}

/// Has a request executed.
async fn ask(config: &Config, request: Request) -> anyhow::Result<(Outcome, By)> {
    match super::ask::ask(config, command::Request::State(request), drop).await? {
        (Done::State(outcome), by) => Ok((outcome, by)),
        _ => bail!("the daemon's answer is none to this command"),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|failure| StoreError::Failed(failure.to_string()))?
}
