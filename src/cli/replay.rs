//! `auditferry replay`: what the spool still has is delivered to one sink again, with the daemon running or stopped.

use std::path::Path;

use anyhow::bail;
use clap::Args;

use super::Moment;
use super::ask::{ask_working, print};
use super::progress::{Gauge, Mark};
use super::status::Output;
use crate::config::Config;
use crate::observe::human;
use crate::service::Stop;
use crate::service::command::replay::{Progress, Request};
use crate::service::command::{self, Answer, Done};

pub(super) const EXAMPLES: &str = "Events come under the ids and sequences that they have always had: a receiver that \
    does not go by event.id has them twice. Other sinks get nothing. The spool keeps delivered events for \
    `spool.retention`. Interrupted or killed, the same command goes on where it was. It works with the daemon running \
    and stopped.\n\n\
    Examples:\n  \
    auditferry replay siem --from 2d\n  \
    auditferry replay siem --from 2026-01-31T08:00:00Z --to 2026-01-31T10:00:00Z --source hubspot";

#[derive(Debug, Args)]
pub(super) struct ReplayArgs {
    /// The sink, as the configuration names it
    #[arg(value_name = "SINK")]
    sink: String,
    /// Events that happened from then on: `7d` (ago), `2026-01-31` or `2026-01-31T12:00:00Z`
    #[arg(long, value_name = "TIME", value_parser = Moment::read)]
    from: Moment,
    /// Events that happened before then [default: now]
    #[arg(long, value_name = "TIME", value_parser = Moment::read)]
    to: Option<Moment>,
    /// Only events of this source
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

/// Runs the command.
///
/// # Errors
/// When the state directory can't be used, the configuration has faults and no daemon runs, or what the command itself
/// fails with.
pub(super) async fn run(config: &Config, path: &Path, args: ReplayArgs, stop: Stop) -> anyhow::Result<()> {
    let ReplayArgs { sink, from, to, source, output } = args;
    let words = [
        Some(format!("from {}", from.text)),
        to.as_ref().map(|to| format!("to {}", to.text)),
        source.as_ref().map(|source| format!("of {source}")),
    ];
    let asked = words.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let to = to.map_or_else(jiff::Timestamp::now, |to| to.time);
    let request =
        command::Request::Replay(Request { sink: sink.clone(), from: from.time, to, source, asked });
    let (mut gauge, mut has_begun) = (Gauge::new(), false);
    let show = |answer| {
        if let Answer::Replay(progress) = answer {
            let mark = mark(&sink, &progress);
            if std::mem::replace(&mut has_begun, true) { gauge.show(&mark) } else { gauge.begin(&mark) }
        }
        Ok(())
    };
    let Done::Replay(progress) = ask_working(config, path, (request, stop), show).await? else {
        bail!("the daemon's answer is none to this question");
    };
    drop(gauge);
    let said = match output {
        Output::Json => serde_json::to_string(&progress)? + "\n",
        Output::Text => ended(&sink, &progress, from.time),
    };
    print(&said).map(drop)
}

fn mark<'a>(sink: &'a str, progress: &'a Progress) -> Mark<'a> {
    let Progress { events, accepted, refused, waits_for, .. } = progress;
    // A bar is not that exact.
    #[allow(clippy::cast_precision_loss)]
    let fraction = (accepted + refused) as f64 / (*events).max(1) as f64;
    Mark {
        subject: sink,
        fraction,
        figures: format!("{} of {} events", human::count(accepted + refused), human::count(*events)),
        waits_for: waits_for.as_deref(),
    }
}

fn ended(sink: &str, progress: &Progress, from: jiff::Timestamp) -> String {
    let Progress { events, accepted, refused, retained_from, .. } = progress;
    let mut text = format!(
        "sink {sink} has taken {} of {} events again\n",
        human::count(*accepted),
        human::count(*events)
    );
    if *refused > 0 {
        text +=
            &format!("{} it has refused: `auditferry dead-letters list` shows why\n", human::count(*refused));
    }
    let expired = events.saturating_sub(accepted + refused);
    if expired > 0 {
        text +=
            &format!("{} went out of the spool meanwhile: their retention was over\n", human::count(expired));
    }
    match retained_from {
        Some(retained) if *retained > from => {
            text += &format!(
                "the spool keeps delivered events for spool.retention: it has none that were collected before {}\n",
                retained.strftime("%FT%TZ")
            );
        }
        Some(_) => {}
        None => text += "the spool has no events\n",
    }
    text
}
