//! `auditferry status --watch`: the status again and again, until somebody stops it.

use std::io::{self, IsTerminal};
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::{Output, look, text};
use crate::cli::ask::print;
use crate::config::Config;
use crate::observe::Status;
use crate::service::Stop;

/// <https://invisible-island.net/xterm/ctlseqs/ctlseqs.html>: the cursor hidden and shown, the screen redrawn from its
/// upper left corner, what is left of a line and of the screen cleared.
const HIDE: &str = "\x1b[?25l";
const SHOW: &str = "\x1b[?25h";
const HOME: &str = "\x1b[H";
const CLEAR_LINE: &str = "\x1b[K";
const CLEAR_REST: &str = "\x1b[J";

/// Shows the status every `interval` until `stop`, or until nobody reads it any more.
///
/// # Errors
/// When it can't be read, or can't be written.
pub(in crate::cli) async fn run(
    config: &Config,
    output: Output,
    every: Duration,
    stop: Stop,
) -> anyhow::Result<()> {
    let redraw = output == Output::Text && io::stdout().is_terminal();
    if redraw {
        print(HIDE)?;
    }
    let shown = stop.run_until_cancelled(Box::pin(show_each(config, output, every, redraw))).await;
    if redraw {
        print(SHOW)?;
    }
    // Told to stop is how it ends well.
    shown.unwrap_or(Ok(()))
}

async fn show_each(config: &Config, output: Output, every: Duration, redraw: bool) -> anyhow::Result<()> {
    let mut tick = interval(every);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if !print(&shown(&look(config).await?, output, redraw)?)? {
            return Ok(());
        }
    }
}

/// One status among many: a line of JSON, a paragraph, or a screen.
fn shown(status: &Status, output: Output, redraw: bool) -> serde_json::Result<String> {
    Ok(match output {
        Output::Json => serde_json::to_string(status)? + "\n",
        Output::Text if redraw => {
            let lines =
                text::show(status).lines().map(|line| format!("{line}{CLEAR_LINE}\n")).collect::<String>();
            format!("{HOME}{lines}{CLEAR_REST}")
        }
        Output::Text => format!("{}  {}\n", status.at.strftime("%FT%TZ"), text::show(status)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::assemble;
    use crate::observe::samples::{about, now, well};

    #[test]
    fn only_a_terminal_gets_escape_codes() {
        let status = assemble(&well(), &about(), None, now());
        let screen = shown(&status, Output::Text, true).unwrap();
        assert!(screen.starts_with(HOME) && screen.ends_with(CLEAR_REST), "{screen:?}");
        assert!(screen.lines().count() > 5 && !screen.contains("hubspot/login\n"), "{screen:?}");
        let paragraph = shown(&status, Output::Text, false).unwrap();
        assert!(!paragraph.contains('\x1b') && paragraph.ends_with("\n\n"), "{paragraph:?}");
        let line = shown(&status, Output::Json, false).unwrap();
        assert_eq!(line.matches('\n').count(), 1);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&line).unwrap()["running"], false);
    }
}
