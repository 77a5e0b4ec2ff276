//! `auditferry backfill` and `auditferry reconcile`: a part of the past is read again, with the daemon running or
//! stopped.

mod text;

use std::path::Path;

use anyhow::bail;
use clap::Args;
use jiff::Timestamp;
use serde_json::json;

use super::Moment;
use super::ask::{ask_working, print};
use super::progress::{Gauge, Mark};
use super::status::Output;
use crate::config::Config;
use crate::observe::human;
use crate::service::Stop;
use crate::service::command::job::{Begun, Day, News, Outcome, Progress, Request};
use crate::service::command::{self, Answer, Done};
use crate::store::JobKind;

pub(super) const BACKFILL_EXAMPLES: &str = "What is known already adds nothing; the live cursor stays where it is, \
    and polling goes first. Interrupted or killed, the same command goes on where it was. It works with the daemon \
    running and stopped.\n\n\
    Examples:\n  \
    auditferry backfill hubspot --from 90d\n  \
    auditferry backfill hubspot audit_logs --from 2026-01-01 --to 2026-03-31";

pub(super) const RECONCILE_EXAMPLES: &str = "Exits with 1 when a day does not agree: when events had been missed, when \
    the provider does not show what was collected, or when a sink lacks some. What had been missed is collected then, \
    so a second run agrees. Interrupted or killed, the same command goes on where it was. It works with the daemon \
    running and stopped.\n\n\
    Examples:\n  \
    auditferry reconcile hubspot --from 7d\n  \
    auditferry reconcile brevo --from 2026-01-01 --output json | jq 'select(.agrees == false)'";

#[derive(Debug, Args)]
pub(super) struct BackfillArgs {
    /// The source, as the configuration names it
    #[arg(value_name = "SOURCE")]
    source: String,
    /// One of its streams; without it all of them
    #[arg(value_name = "STREAM")]
    stream: Option<String>,
    /// From when on: `90d` (ago), `2026-01-31` or `2026-01-31T12:00:00Z`
    #[arg(long, value_name = "TIME", value_parser = Moment::read)]
    from: Moment,
    /// Until when [default: where polling began]
    #[arg(long, value_name = "TIME", value_parser = Moment::read)]
    to: Option<Moment>,
    /// How to print it; json is one object a line
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

#[derive(Debug, Args)]
pub(super) struct ReconcileArgs {
    /// The source, as the configuration names it
    #[arg(value_name = "SOURCE")]
    source: String,
    /// One of its streams; without it all of them
    #[arg(value_name = "STREAM")]
    stream: Option<String>,
    /// From when on: `7d` (ago), `2026-01-31` or `2026-01-31T12:00:00Z` [default: as far back as the provider
    /// remembers]
    #[arg(long, value_name = "TIME", value_parser = Moment::read)]
    from: Option<Moment>,
    /// Until when [default: `lookback` ago; what is younger, polling reads again anyway]
    #[arg(long, value_name = "TIME", value_parser = Moment::read)]
    to: Option<Moment>,
    /// How to print it; json is one object a line
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

/// What is asked for, and how its answers are printed.
pub(super) struct Job {
    kind: JobKind,
    request: Request,
    output: Output,
}

impl From<BackfillArgs> for Job {
    fn from(args: BackfillArgs) -> Self {
        let BackfillArgs { source, stream, from, to, output } = args;
        Self { kind: JobKind::Backfill, request: request(source, stream, (Some(from), to)), output }
    }
}

impl From<ReconcileArgs> for Job {
    fn from(args: ReconcileArgs) -> Self {
        let ReconcileArgs { source, stream, from, to, output } = args;
        Self { kind: JobKind::Reconcile, request: request(source, stream, (from, to)), output }
    }
}

fn request(source: String, stream: Option<String>, (from, to): (Option<Moment>, Option<Moment>)) -> Request {
    let words =
        |word: &str, moment: &Option<Moment>| moment.as_ref().map(|moment| format!("{word} {}", moment.text));
    let asked: Vec<_> = [words("from", &from), words("to", &to)].into_iter().flatten().collect();
    let asked = if asked.is_empty() { "all".to_owned() } else { asked.join(" ") };
    Request { source, stream, from: from.map(|from| from.time), to: to.map(|to| to.time), asked }
}

/// Runs one of the commands; false when a reconcile has found days that do not agree.
///
/// # Errors
/// When the state directory can't be used, the configuration has faults and no daemon runs, or what the command itself
/// fails with.
pub(super) async fn run(config: &Config, path: &Path, job: Job, stop: Stop) -> anyhow::Result<bool> {
    let Job { kind, request, output } = job;
    let request = match kind {
        JobKind::Backfill => command::Request::Backfill(request),
        JobKind::Reconcile => command::Request::Reconcile(request),
    };
    let mut screen = Screen::new(output);
    let show = |answer| if let Answer::Job(news) = answer { screen.show(news) } else { Ok(()) };
    let Done::Job(outcome) = ask_working(config, path, (request, stop), show).await? else {
        bail!("the daemon's answer is none to this question");
    };
    screen.end(kind, outcome)?;
    Ok(outcome.days_apart == 0)
}

/// What is on the screen.
struct Screen {
    output: Output,
    gauge: Gauge,
    begun: Option<Begun>,
    days: Vec<Day>,
}

impl Screen {
    fn new(output: Output) -> Self {
        Self { output, gauge: Gauge::new(), begun: None, days: Vec::new() }
    }

    fn show(&mut self, news: News) -> anyhow::Result<()> {
        match news {
            News::Begun(begun) => self.begin(begun),
            News::Progress(progress) => {
                if let Some(begun) = &self.begun {
                    self.gauge.show(&mark(begun, &progress));
                }
                Ok(())
            }
            News::Day(day) if self.output == Output::Json => self.line(&serde_json::to_string(&day)?),
            News::Day(day) => {
                self.days.push(day);
                Ok(())
            }
            News::Ended(progress) => self.ended(&progress),
        }
    }

    fn begin(&mut self, begun: Begun) -> anyhow::Result<()> {
        self.gauge.clear();
        if self.output == Output::Text {
            self.line(text::begun(&begun).trim_end())?;
        }
        if begun.done < begun.to {
            let Begun { stream, done, .. } = begun.clone();
            let progress = Progress { stream, done, shown: 0, found: 0, waits_for: None };
            self.gauge.begin(&mark(&begun, &progress));
        }
        self.begun = Some(begun);
        Ok(())
    }

    fn ended(&mut self, progress: &Progress) -> anyhow::Result<()> {
        let Progress { stream, done, shown, found, .. } = progress;
        let from = self.begun.as_ref().map(|begun| begun.from);
        let ended = match self.output {
            Output::Json => {
                json!({"stream": stream, "from": from, "to": done, "provider": shown, "found": found})
                    .to_string()
            }
            Output::Text => {
                let days = std::mem::take(&mut self.days);
                format!("{}{}", text::days(&days), text::ended(progress))
            }
        };
        self.line(ended.trim_end())
    }

    fn end(&mut self, kind: JobKind, outcome: Outcome) -> anyhow::Result<()> {
        match (self.output, kind) {
            (Output::Json, _) => self.line(&serde_json::to_string(&outcome)?),
            (Output::Text, JobKind::Reconcile) => self.line(text::verdict(outcome).trim_end()),
            (Output::Text, JobKind::Backfill) => Ok(()),
        }
    }

    fn line(&mut self, text: &str) -> anyhow::Result<()> {
        self.gauge.clear();
        if text.is_empty() || print(&format!("{text}\n"))? {
            Ok(())
        } else {
            bail!("nobody reads the output any more")
        }
    }
}

fn mark<'a>(begun: &'a Begun, progress: &'a Progress) -> Mark<'a> {
    let length = |to: Timestamp| to.duration_since(begun.from).as_secs_f64();
    Mark {
        subject: &begun.stream,
        fraction: length(progress.done) / length(begun.to).max(1.0),
        figures: format!("{} read, {} new", human::count(progress.shown), human::count(progress.found)),
        waits_for: progress.waits_for.as_deref(),
    }
}
