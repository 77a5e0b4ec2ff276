//! The command line: one file per command, and the only place that prints.
//!
//! Logs go to stderr, data to stdout. Exit codes: 0 done, 1 failed while working, 2 bad command line or
//! configuration (nothing was touched), 3 another process holds the state directory.

mod ask;
mod check;
mod config;
mod dead_letters;
mod demo;
mod generate;
mod health;
mod job;
mod log;
mod preview;
mod progress;
mod replay;
mod run;
mod simulate;
mod state;
mod status;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;

use crate::config::{Config, Environment, Faults, locate};
use crate::service::{Reload, ServiceError, SignalThread, Stop};
use crate::store::StoreError;

use status::Output;

/// A bad command line or configuration.
const EXIT_CONFIGURATION: u8 = 2;
/// Another process holds the state directory.
const EXIT_HELD: u8 = 3;
/// Two are enough for what is mostly waiting; more would only cost memory.
const ASYNC_THREADS: usize = 2;
/// Files, secrets and name look-ups; each keeps memory of its own.
const BLOCKING_THREADS: usize = 8;
/// In the help, what every command has stands behind what this one has.
const LAST: usize = 900;

/// Carries HubSpot and Brevo audit events to a SIEM: nothing lost, nothing doubled.
#[derive(Debug, Parser)]
#[command(name = "auditferry", version, about, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = "Examples:\n  \
    auditferry demo\n  \
    auditferry config example > auditferry.toml\n  \
    auditferry --config auditferry.toml check\n  \
    auditferry --config auditferry.toml run\n\n\
    Exit codes:\n  \
    0  done\n  \
    1  failed while working\n  \
    2  bad command line or configuration; nothing was touched\n  \
    3  another process holds the state directory\n\n\
    Files:\n  \
    /etc/auditferry/auditferry.toml  the configuration\n  \
    /var/lib/auditferry              the state directory")]
struct Cli {
    /// The configuration file [default: $AUDITFERRY_CONFIG, else /etc/auditferry/auditferry.toml]
    #[arg(long, global = true, value_name = "PATH", display_order = LAST)]
    config: Option<PathBuf>,
    /// How log lines are written to stderr [default: text on a terminal, json otherwise]
    #[arg(long, global = true, value_enum, value_name = "FORMAT", display_order = LAST)]
    log_format: Option<LogFormat>,
    /// What is logged: error, warn, info, debug, trace, or a filter such as `auditferry::collect=debug`
    #[arg(long, global = true, value_name = "LEVEL", default_value = "info", display_order = LAST)]
    log_level: String,
    #[command(subcommand)]
    command: Command,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Poll every source and deliver to every sink, until SIGTERM or SIGINT; SIGHUP reloads the configuration
    #[command(after_help = run::EXAMPLES)]
    Run(RunArgs),
    /// Validate the configuration, and ask every source and sink whether it would do its part
    #[command(after_help = check::EXAMPLES)]
    Check(CheckArgs),
    /// Fetch one page of a source and print its events; nothing is collected
    #[command(after_help = preview::EXAMPLES)]
    Preview(preview::PreviewArgs),
    /// Show how far every stream and sink is, with the daemon running or stopped
    #[command(after_help = status::EXAMPLES)]
    Status(StatusArgs),
    /// Ask the running daemon whether it is alive or ready: exit 0, or 1 with the reasons
    #[command(after_help = health::EXAMPLES)]
    Health(HealthArgs),
    /// Collect a past range of a source, beside live polling
    #[command(after_help = job::BACKFILL_EXAMPLES)]
    Backfill(job::BackfillArgs),
    /// Compare a source with what was collected, day by day, and collect what was missed
    #[command(after_help = job::RECONCILE_EXAMPLES)]
    Reconcile(job::ReconcileArgs),
    /// Deliver what the spool still has to one sink again
    #[command(after_help = replay::EXAMPLES)]
    Replay(replay::ReplayArgs),
    /// Look at the events that a sink refused for good, send them again or drop them
    #[command(subcommand)]
    DeadLetters(dead_letters::Command),
    /// Look at the state of streams and sinks, have a part read again, carry the state to another place
    #[command(subcommand)]
    State(state::Command),
    /// Print an example or the JSON Schema of the configuration file
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Serve a stand-in for the HubSpot and Brevo endpoints on loopback
    #[command(after_help = simulate::EXAMPLES)]
    Simulate(Box<simulate::SimulateArgs>),
    /// Show it all at work: stand-in providers, a temporary state directory, events on stdout
    #[command(after_help = demo::EXAMPLES)]
    Demo(DemoArgs),
    /// Print completions for a shell, or write the manual pages
    #[command(subcommand)]
    Generate(generate::Command),
}

#[derive(Debug, Args)]
struct RunArgs {
    /// One complete poll of every stream; exit when every sink has accepted every event
    #[arg(long)]
    once: bool,
    /// With --once: give up after this long, and say what is left
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = duration, requires = "once")]
    timeout: Duration,
}

#[derive(Debug, Args)]
struct CheckArgs {
    /// Read the file, the environment and the secrets, and ask nobody
    #[arg(long)]
    offline: bool,
    /// Give every sink one test event too: some can say in no other way whether they take events
    #[arg(long, conflicts_with = "offline")]
    send_test: bool,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

#[derive(Debug, Args)]
struct StatusArgs {
    /// Show it again and again, so often, until Ctrl-C [default: 2s]
    #[arg(long, value_name = "INTERVAL", num_args = 0..=1, default_missing_value = "2s", value_parser = interval)]
    watch: Option<Duration>,
    /// How to print it; with --watch, json is one object a line
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

#[derive(Debug, Args)]
struct HealthArgs {
    /// Ask whether everything is collected and delivered in time, as `/readyz` tells
    #[arg(long)]
    ready: bool,
}

#[derive(Debug, Args)]
struct DemoArgs {
    /// Stop by itself after this long
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    duration: Option<Duration>,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// A commented example with every key
    #[command(after_help = "Examples:\n  auditferry config example > auditferry.toml")]
    Example,
    /// The JSON Schema, for editors
    #[command(after_help = "Examples:\n  auditferry config schema > auditferry.schema.json")]
    Schema,
}

fn duration(text: &str) -> Result<Duration, String> {
    crate::config::duration(text)
}

/// A duration between two looks.
fn interval(text: &str) -> Result<Duration, String> {
    let interval = duration(text)?;
    if interval.is_zero() { Err("must be longer than nothing".to_owned()) } else { Ok(interval) }
}

/// A time on the command line: RFC 3339, a date (its beginning in UTC), or a duration, which is so long ago.
fn time(text: &str) -> Result<Timestamp, String> {
    crate::config::time(text, Timestamp::now())
}

/// A time on the command line that is told from others by its words.
#[derive(Debug, Clone)]
struct Moment {
    /// As it was written.
    text: String,
    time: Timestamp,
}

impl Moment {
    fn read(text: &str) -> Result<Self, String> {
        Ok(Self { text: text.to_owned(), time: time(text)? })
    }
}

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    // clap exits with 2 on a bad command line, as the contract wants.
    let cli = Cli::parse();
    if let Err(reason) = log::start(cli.log_format, &cli.log_level) {
        return fail(EXIT_CONFIGURATION, &format!("--log-level {}: {reason}", cli.log_level));
    }
    let path = locate(cli.config, &Environment::process());
    let load = || Config::load(&path);
    let result = match cli.command {
        Command::Run(args) => load().map_err(Failure::from).and_then(|config| {
            let ended = if args.once {
                block_on(|stop| run::once(config, args.timeout, stop))
            } else {
                let reload = Reload::default();
                block_on_reloading(Some(reload.clone()), |stop| {
                    run::daemon(config, path.clone(), reload, stop)
                })
            };
            ended.inspect_err(Failure::log)
        }),
        Command::Check(args) => check(&path, &args),
        Command::Preview(args) => {
            let config = Config::load_without_secrets(&path);
            config.map_err(Failure::from).and_then(|config| block_on(|stop| preview::run(config, args, stop)))
        }
        Command::Status(args) => {
            let config = Config::load_without_secrets(&path);
            config.map_err(Failure::from).and_then(|config| match args.watch {
                None => block_on(|_| status::run(&config, args.output)),
                Some(interval) => {
                    block_on(|stop| async { status::watch::run(&config, args.output, interval, stop).await })
                }
            })
        }
        Command::Health(args) => {
            let config = Config::load_without_secrets(&path);
            config.map_err(Failure::from).and_then(|config| health(&config, &args))
        }
        Command::Backfill(args) => job(&path, args.into()),
        Command::Reconcile(args) => job(&path, args.into()),
        Command::Replay(args) => {
            let config = Config::load_without_secrets(&path);
            config.map_err(Failure::from).and_then(|config| {
                block_on(|stop| async { Box::pin(replay::run(&config, &path, args, stop)).await })
            })
        }
        Command::DeadLetters(command) => {
            let config = Config::load_without_secrets(&path);
            config.map_err(Failure::from).and_then(|config| {
                block_on(|stop| async move { dead_letters::run(&config, command, stop).await })
            })
        }
        Command::State(command) => {
            let config = Config::load_without_secrets(&path);
            config
                .map_err(Failure::from)
                .and_then(|config| block_on(|stop| async move { state::run(&config, command, stop).await }))
        }
        Command::Config(ConfigCommand::Example) => done(config::example()),
        Command::Config(ConfigCommand::Schema) => done(config::schema()),
        Command::Simulate(args) => block_on(|stop| simulate::run(*args, stop)),
        Command::Demo(args) => block_on(|stop| demo::run(args.duration, stop)),
        Command::Generate(command) => {
            generate::run(command).map(|()| ExitCode::SUCCESS).map_err(Failure::from)
        }
    };
    result.unwrap_or_else(|failure| failure.report())
}

fn health(config: &Config, args: &HealthArgs) -> Result<ExitCode, Failure> {
    let mut is_well = false;
    let answer = &mut is_well;
    block_on(|_| async move {
        *answer = health::run(config, args.ready).await?;
        Ok(())
    })?;
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn job(path: &Path, job: job::Job) -> Result<ExitCode, Failure> {
    let config = Config::load_without_secrets(path)?;
    let mut agrees = false;
    let answer = &mut agrees;
    block_on(|stop| async {
        *answer = Box::pin(job::run(&config, path, job, stop)).await?;
        Ok(())
    })?;
    Ok(if agrees { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn check(path: &Path, args: &CheckArgs) -> Result<ExitCode, Failure> {
    let checked = Config::load(path);
    let mut findings = None;
    if let (Ok(config), false) = (&checked, args.offline) {
        let answer = &mut findings;
        block_on(|stop| async move {
            let asked = stop.run_until_cancelled(crate::service::check(config, args.send_test)).await;
            *answer = Some(asked.ok_or_else(|| anyhow::anyhow!("interrupted"))?);
            Ok(())
        })?;
    }
    Ok(check::print(path, &checked, findings.as_ref(), args.output == Output::Json)?)
}

fn done(result: std::io::Result<()>) -> Result<ExitCode, Failure> {
    result.map(|()| ExitCode::SUCCESS).map_err(Failure::from)
}

/// Runs a command on the runtime, with the signals that stop it.
fn block_on<F>(command: impl FnOnce(Stop) -> F) -> Result<ExitCode, Failure>
where
    F: Future<Output = anyhow::Result<()>>,
{
    block_on_reloading(None, command)
}

/// The same, with what SIGHUP tells.
fn block_on_reloading<F>(reload: Option<Reload>, command: impl FnOnce(Stop) -> F) -> Result<ExitCode, Failure>
where
    F: Future<Output = anyhow::Result<()>>,
{
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(ASYNC_THREADS)
        .max_blocking_threads(BLOCKING_THREADS)
        .enable_all()
        .build()?;
    let stop = Stop::new();
    let signals = SignalThread::start(stop.clone(), reload)?;
    let outcome = runtime.block_on(command(stop));
    drop(signals);
    // A hung name look-up must not keep the process.
    runtime.shutdown_timeout(Duration::from_secs(1));
    Ok(outcome.map(|()| ExitCode::SUCCESS)?)
}

/// Why a command failed.
enum Failure {
    Configuration(Faults),
    Work(anyhow::Error),
}

impl From<Faults> for Failure {
    fn from(faults: Faults) -> Self {
        Self::Configuration(faults)
    }
}

impl From<std::io::Error> for Failure {
    fn from(failure: std::io::Error) -> Self {
        Self::Work(failure.into())
    }
}

impl From<anyhow::Error> for Failure {
    fn from(failure: anyhow::Error) -> Self {
        Self::Work(failure)
    }
}

impl Failure {
    /// For whoever watches the log of the daemon: what [`Failure::report`] prints is for people.
    fn log(&self) {
        if let Self::Work(failure) = self {
            tracing::error!(code = "failed", error = %format_args!("{failure:#}"), "auditferry ends with an error");
        }
    }

    fn report(&self) -> ExitCode {
        match self {
            Self::Configuration(faults) => fail(EXIT_CONFIGURATION, &faults.to_string()),
            Self::Work(failure) => fail(exit_code(failure), &format!("{failure:#}")),
        }
    }
}

/// A command line that is understood but can't be obeyed: nothing was touched.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Usage(&'static str);

fn exit_code(failure: &anyhow::Error) -> u8 {
    if failure.is::<Usage>() || failure.is::<Faults>() || failure.is::<preview::UnknownName>() {
        return EXIT_CONFIGURATION;
    }
    let held = failure.chain().any(|cause| {
        let store = cause.downcast_ref::<StoreError>().or(match cause.downcast_ref::<ServiceError>() {
            Some(ServiceError::Store(store)) => Some(store),
            _ => None,
        });
        matches!(store, Some(StoreError::Locked { .. }))
    });
    if held { EXIT_HELD } else { 1 }
}

fn fail(code: u8, message: &str) -> ExitCode {
    use std::io::Write;
    // When even stderr is gone, the exit code still tells.
    let _ = writeln!(std::io::stderr().lock(), "auditferry: {message}");
    ExitCode::from(code)
}

#[cfg(test)]
mod tests;
