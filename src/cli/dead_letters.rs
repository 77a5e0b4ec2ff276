//! `auditferry dead-letters`: the events that a sink refused for good, with the daemon running or stopped.

mod text;

use std::io::{self, IsTerminal};
use std::num::NonZeroU32;

use anyhow::bail;
use clap::{Args, Subcommand};

use super::ask::{confirm, must_be_able_to_ask, print};
use super::status::{Output, must_be_readable};
use crate::config::Config;
use crate::service::Stop;
use crate::service::command::dead_letters::{Choice, Letter, Request};
use crate::service::command::{self, Answer, By, Done};
use crate::store::LettersBySink;

/// Letters that are asked for at once: bounds the memory, and a pager that waits holds nobody up.
const PAGE: NonZeroU32 = NonZeroU32::new(2_000).unwrap();

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List them, oldest first
    #[command(after_help = "Examples:\n  \
        auditferry dead-letters list\n  \
        auditferry dead-letters list --sink siem --output json | jq -r .reason | sort | uniq -c")]
    List(ListArgs),
    /// Show the reason and the whole event
    #[command(after_help = "Examples:\n  \
        auditferry dead-letters show 3\n  \
        auditferry dead-letters show --output json 3 4 | jq .event.event.original")]
    Show(ShowArgs),
    /// Send them to their sink again, under the same event.id and sequence
    #[command(after_help = "One that is refused again is a dead letter again, with the new reason.\n\n\
        Examples:\n  \
        auditferry dead-letters retry 3 4\n  \
        auditferry dead-letters retry --sink siem")]
    Retry(ChoiceArgs),
    /// Delete them for good: the sink will never have these events
    #[command(after_help = "Examples:\n  \
        auditferry dead-letters drop 3 4\n  \
        auditferry dead-letters drop --sink siem --yes")]
    Drop(DropArgs),
}

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Only those of this sink
    #[arg(long, value_name = "NAME")]
    sink: Option<String>,
    /// How to print it; json is one object a line
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// Their numbers, as `list` shows them
    #[arg(value_name = "ID", required = true)]
    ids: Vec<i64>,
    /// How to print it; json is one object a line
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct ChoiceArgs {
    /// Those with these numbers, as `list` shows them
    #[arg(value_name = "ID")]
    ids: Vec<i64>,
    /// Those of this sink
    #[arg(long, value_name = "NAME")]
    sink: Option<String>,
    /// Those of every sink
    #[arg(long)]
    all: bool,
}

#[derive(Debug, Args)]
pub(super) struct DropArgs {
    #[command(flatten)]
    choice: ChoiceArgs,
    /// Do not ask first
    #[arg(long)]
    yes: bool,
}

impl ChoiceArgs {
    fn choice(self) -> Choice {
        match self.sink {
            Some(sink) => Choice::Sink(sink),
            // The command line is not accepted without one of the three.
            None if self.all => Choice::All,
            None => Choice::Ids(self.ids),
        }
    }
}

/// Runs one of the commands.
///
/// # Errors
/// When there is no state directory, it can't be used, or what the command itself fails with.
pub(super) async fn run(config: &Config, command: Command, stop: Stop) -> anyhow::Result<()> {
    let work = async {
        must_be_readable(&config.state_dir)?;
        match command {
            Command::List(ListArgs { sink, output }) => list(config, sink, output).await,
            Command::Show(ShowArgs { ids, output }) => show(config, &ids, output).await,
            Command::Retry(choice) => retry(config, choice.choice()).await,
            Command::Drop(DropArgs { choice, yes }) => drop_letters(config, choice.choice(), yes).await,
        }
    };
    stop.run_until_cancelled(Box::pin(work)).await.unwrap_or_else(|| bail!("interrupted"))
}

async fn list(config: &Config, sink: Option<String>, output: Output) -> anyhow::Result<()> {
    let mut table = text::Table::new(io::stdout().is_terminal());
    let mut after = 0;
    loop {
        let request = Request::List { sink: sink.clone(), after, most: PAGE };
        let Asked { letters, .. } = ask(config, request).await?;
        let shown = match output {
            Output::Text => table.rows(&letters),
            Output::Json => as_lines(&letters)?,
        };
        if !print(&shown)? {
            return Ok(());
        }
        match letters.last() {
            Some(last) => after = last.id,
            None if after == 0 && output == Output::Text => {
                print(&text::none(sink.as_deref()))?;
                return Ok(());
            }
            None => return Ok(()),
        }
    }
}

async fn show(config: &Config, ids: &[i64], output: Output) -> anyhow::Result<()> {
    for id in ids {
        let Asked { letters, .. } = ask(config, Request::Show { id: *id }).await?;
        let shown = match output {
            Output::Text => letters.iter().map(text::whole).collect(),
            Output::Json => as_lines(&letters)?,
        };
        if !print(&shown)? {
            break;
        }
    }
    Ok(())
}

async fn retry(config: &Config, choice: Choice) -> anyhow::Result<()> {
    let Asked { counts, by, .. } = ask(config, Request::Retry(choice)).await?;
    let mut said = text::retried(&counts, by);
    let is_sink = |name: &str| config.sinks.iter().any(|sink| sink.name == name);
    let idle = counts.iter().filter(|(sink, _)| !is_sink(sink));
    said.extend(idle.map(|(sink, letters)| text::not_configured(sink, *letters)));
    print(&said).map(drop)
}

async fn drop_letters(config: &Config, choice: Choice, yes: bool) -> anyhow::Result<()> {
    must_be_able_to_ask(
        yes,
        "`dead-letters drop` deletes events for good: without a terminal to ask on it needs --yes",
    )?;
    if !yes {
        let Asked { counts, .. } = ask(config, Request::Count(choice.clone())).await?;
        if counts.is_empty() {
            return print(&text::dropped(&counts)).map(drop);
        }
        if !confirm(text::question(&counts)).await? {
            bail!("nothing was dropped");
        }
    }
    let Asked { counts, .. } = ask(config, Request::Drop(choice)).await?;
    print(&text::dropped(&counts)).map(drop)
}

/// What a command came to.
struct Asked {
    letters: Vec<Letter>,
    counts: LettersBySink,
    by: By,
}

/// Has a request executed and gathers its answers, of which there are not many.
async fn ask(config: &Config, request: Request) -> anyhow::Result<Asked> {
    let mut letters = Vec::new();
    let each = |answer| {
        if let Answer::Letter(letter) = answer {
            letters.push(letter);
        }
    };
    let (done, by) = super::ask::ask(config, command::Request::DeadLetters(request), each).await?;
    let counts = if let Done::Letters(counts) = done { counts } else { LettersBySink::new() };
    Ok(Asked { letters, counts, by })
}

fn as_lines(letters: &[Letter]) -> anyhow::Result<String> {
    let mut lines = String::new();
    for letter in letters {
        lines += &serde_json::to_string(letter)?;
        lines.push('\n');
    }
    Ok(lines)
}
