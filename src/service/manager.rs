//! The service manager, such as systemd: what it is told, when one has started this process (sd_notify(3)).
//!
//! It hands over where it listens in the environment. That is a part of its protocol and no configuration: nobody
//! sets it by hand, so it does not go through the configuration's layers.

use std::convert::Infallible;
use std::fmt::Write;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::view::View;
use crate::config::Environment;
use crate::observe::{Pulse, summary};

/// Between two looks at the status: a line that changes all the time tells nobody more.
const LOOK: Duration = Duration::from_secs(5);
/// Asked for each time while a start takes long.
const EXTENSION: Duration = Duration::from_secs(30);
/// Between two such requests.
const ASK: Duration = Duration::from_secs(10);
/// No longer than this: what is not opened by then hangs, and a restart may help.
const LONGEST_START: Duration = Duration::from_secs(1_800);
/// Characters of the status line: a few lines of a terminal.
const LONGEST_LINE: usize = 400;

/// The service manager, or nobody.
#[derive(Debug, Clone, Default)]
pub(super) struct Manager {
    is_there: bool,
    /// It kills a process that it has not heard of for this long.
    watchdog: Option<Duration>,
}

impl Manager {
    /// The one that started this process, if one did.
    pub(super) fn of_this_process() -> Self {
        let is_there = Environment::process().get("NOTIFY_SOCKET").is_some();
        Self { is_there, watchdog: sd_notify::watchdog_enabled().filter(|_| is_there) }
    }

    /// Everything is good: configuration, store, sinks and listeners.
    pub(super) async fn ready(&self) {
        self.tell(&[NotifyState::Ready, NotifyState::Watchdog]).await;
    }

    /// The configuration is being read again; [`Manager::ready`] follows in any case.
    pub(super) async fn reloading(&self) {
        let reloading = [Ok(NotifyState::Reloading), NotifyState::monotonic_usec_now()];
        let states: Vec<_> = reloading.into_iter().filter_map(Result::ok).collect();
        self.tell(&states).await;
    }

    /// The service ends.
    pub(super) async fn stopping(&self) {
        let status = NotifyState::Status("stopping: polling ends, deliveries in flight finish");
        self.tell(&[NotifyState::Stopping, status]).await;
    }

    /// A line for people. It may quote what a peer has said: a line break in it would begin a message of its own
    /// to the service manager.
    pub(super) async fn status(&self, line: &str) {
        self.tell(&[NotifyState::Status(&one_line(line))]).await;
    }

    /// Does `work`, and asks for more time as long as that takes.
    pub(super) async fn patiently<T>(&self, work: impl Future<Output = T>) -> T {
        tokio::select! {
            done = work => done,
            never = self.ask_for_time() => match never {},
        }
    }

    async fn ask_for_time(&self) -> Infallible {
        let began = Instant::now();
        let micros = u32::try_from(EXTENSION.as_micros()).unwrap_or(u32::MAX);
        while began.elapsed() < LONGEST_START {
            sleep(ASK).await;
            self.tell(&[
                NotifyState::ExtendTimeoutUsec(micros),
                NotifyState::Status("opening the state directory: after a crash it is checked first"),
            ])
            .await;
        }
        std::future::pending().await
    }

    /// Shows how everything is, behind a configuration that was `rejected`, for ever.
    pub(super) async fn show_status(self, view: Arc<View>, rejected: watch::Receiver<Option<String>>) {
        if !self.is_there {
            return std::future::pending().await;
        }
        let mut shown = String::new();
        loop {
            let status = match view.status().await {
                Ok(status) => summary(&status),
                Err(failure) => format!("the store can't be read: {failure}"),
            };
            let rejection = rejected.borrow().clone();
            let line = rejection.into_iter().chain([status]).collect::<Vec<_>>().join("; ");
            if line != shown {
                self.status(&line).await;
                shown = line;
            }
            sleep(LOOK).await;
        }
    }

    /// Says twice in the watchdog's time that the process works, as long as its store answers; for ever.
    pub(super) async fn feed_watchdog(self, pulse: watch::Receiver<Pulse>) {
        let Some(limit) = self.watchdog else { return std::future::pending().await };
        loop {
            let alive = pulse.borrow().check();
            match alive {
                Ok(()) => self.tell(&[NotifyState::Watchdog]).await,
                Err(why) => {
                    tracing::error!(code = "watchdog-unfed", error = %why, "not alive: the service manager will restart this process");
                }
            }
            sleep(limit / 2).await;
        }
    }

    async fn tell(&self, states: &[NotifyState<'_>]) {
        if !self.is_there {
            return;
        }
        let mut message = String::new();
        for state in states {
            // Writing to a text does not fail.
            let _ = writeln!(message, "{state}");
        }
        // A manager that does not listen blocks.
        let told = tokio::task::spawn_blocking(move || {
            sd_notify::notify(&[NotifyState::Custom(message.trim_end())])
        });
        if let Ok(Err(error)) = told.await {
            tracing::debug!(%error, "the service manager could not be told");
        }
    }
}

/// Without control characters, and cut.
fn one_line(text: &str) -> String {
    let plain = |letter: char| if letter.is_control() { ' ' } else { letter };
    let mut line: String = text.chars().map(plain).take(LONGEST_LINE).collect();
    if text.chars().nth(LONGEST_LINE).is_some() {
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_peer_says_cannot_command_the_service_manager() {
        assert_eq!(one_line("siem is held: no\nSTOPPING=1\u{85}\r\0x"), "siem is held: no STOPPING=1   x");
        assert_eq!(one_line(&"ä".repeat(LONGEST_LINE)), "ä".repeat(LONGEST_LINE));
        assert_eq!(one_line(&"ä".repeat(LONGEST_LINE + 1)), "ä".repeat(LONGEST_LINE) + "…");
    }
}
