//! How far a long command is: a bar with an estimate on a terminal, a line of the log now and then otherwise.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Between two lines of the log.
const LINE: Duration = Duration::from_secs(30);
/// Steps of a bar: finer than any terminal shows.
const STEPS: u64 = 10_000;

/// What is shown of something that takes long.
pub(super) struct Gauge {
    is_terminal: bool,
    /// From the beginning of a subject on, on a terminal.
    bar: Option<ProgressBar>,
    logged: Option<Instant>,
}

/// How far it is.
pub(super) struct Mark<'a> {
    /// What it is about: a stream, a sink.
    pub(super) subject: &'a str,
    /// From nothing to one.
    pub(super) fraction: f64,
    /// In figures.
    pub(super) figures: String,
    /// What it waits for, if it does.
    pub(super) waits_for: Option<&'a str>,
}

impl Gauge {
    /// On standard error, where the log goes too.
    pub(super) fn new() -> Self {
        Self { is_terminal: io::stderr().is_terminal(), bar: None, logged: None }
    }

    /// A subject begins here.
    pub(super) fn begin(&mut self, mark: &Mark<'_>) {
        self.logged = None;
        self.bar = self.is_terminal.then(bar);
        self.show(mark);
        // What was done before tells nothing about its pace.
        self.bar.iter().for_each(ProgressBar::reset_eta);
    }

    /// Shows how far it is.
    pub(super) fn show(&mut self, mark: &Mark<'_>) {
        // Between nothing and STEPS.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        let step = (mark.fraction.clamp(0.0, 1.0) * STEPS as f64) as u64;
        if let Some(bar) = &self.bar {
            bar.set_position(step);
            bar.set_prefix(mark.subject.to_owned());
            let left = match mark.waits_for {
                Some(what) => format!("waits for {what}"),
                None if bar.position() == 0 || bar.eta().is_zero() => String::new(),
                None => format!("{} left", crate::observe::human::duration(bar.eta().as_secs())),
            };
            bar.set_message(format!("{}  {left}", mark.figures));
        } else if self.logged.is_none_or(|logged| logged.elapsed() >= LINE) {
            self.logged = Some(Instant::now());
            tracing::info!(
                code = "progress",
                subject = mark.subject,
                percent = step * 100 / STEPS,
                figures = mark.figures,
                waits_for = mark.waits_for,
                "under way"
            );
        }
    }

    /// Takes the bar away, so that something can be printed.
    pub(super) fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(STEPS), ProgressDrawTarget::stderr());
    // A template of ours has no faults.
    let style = ProgressStyle::with_template("{prefix} [{bar:30}] {percent:>3}%  {msg}");
    style.map_or_else(|_| bar.clone(), |style| bar.clone().with_style(style.progress_chars("=> ")))
}

impl Drop for Gauge {
    fn drop(&mut self) {
        self.clear();
    }
}
