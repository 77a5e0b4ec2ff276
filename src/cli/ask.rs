//! What commands on the state have in common: each is executed by the running daemon or, when there is none, here;
//! some ask first.

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use anyhow::{Context, bail};
use tokio::sync::mpsc;

use super::Usage;
use crate::config::Config;
use crate::service::command::{self, Answer, By, Done, Request};
use crate::service::{ServiceError, Stop};

/// Answers between the daemon and the screen.
const ANSWERS: usize = 16;

/// Has a request executed. `each` is given the answers before the last one.
///
/// # Errors
/// When the state directory can't be used, the daemon breaks off, or what the command itself fails with.
pub(super) async fn ask(
    config: &Config,
    request: Request,
    mut each: impl FnMut(Answer),
) -> anyhow::Result<(Done, By)> {
    let (answers, mut incoming) = mpsc::channel(ANSWERS);
    let gather = async {
        let mut outcome = None;
        while let Some(answer) = incoming.recv().await {
            match answer {
                Answer::Done(done) => outcome = Some(Ok(done)),
                Answer::Error(reason) => outcome = Some(Err(ServiceError::Command(reason))),
                other => each(other),
            }
        }
        outcome
    };
    let (given, outcome) = tokio::join!(command::give(config, request, answers), gather);
    let by = given?;
    let done = outcome.context("the command ended without an answer")??;
    Ok((done, by))
}

/// The same for a request that works with sources and sinks and takes long: without a daemon they are started for it,
/// from the whole configuration at `path`.
///
/// # Errors
/// As [`ask`], when that configuration has faults, when `each` fails, and when it is interrupted.
pub(super) async fn ask_working(
    config: &Config,
    path: &Path,
    (request, stop): (Request, Stop),
    mut each: impl FnMut(Answer) -> anyhow::Result<()>,
) -> anyhow::Result<Done> {
    let (answers, mut incoming) = mpsc::channel(ANSWERS);
    let show = async {
        while let Some(answer) = incoming.recv().await {
            match answer {
                Answer::Done(done) => return Ok(done),
                Answer::Error(reason) => bail!(ServiceError::Command(reason)),
                other => each(other)?,
            }
        }
        bail!("the command ended without an answer")
    };
    let given = command::give_working(config, || Config::load(path), request, (answers, stop.clone()));
    let (given, shown) = tokio::join!(given, show);
    if stop.is_cancelled() {
        bail!("interrupted: the same command goes on where it was");
    }
    given??;
    shown
}

/// Whether there is a terminal to ask on; without one a command that wants a yes needs `--yes`, and says so.
///
/// # Errors
/// [`Usage`] with `otherwise` when there is neither.
pub(super) fn must_be_able_to_ask(yes: bool, otherwise: &'static str) -> anyhow::Result<()> {
    let is_terminal = io::stdin().is_terminal() && io::stderr().is_terminal();
    if !yes && !is_terminal {
        bail!(Usage(otherwise));
    }
    Ok(())
}

/// Asks on the terminal; only a plain yes is one.
///
/// # Errors
/// When the terminal can't be used.
pub(super) async fn confirm(question: String) -> anyhow::Result<bool> {
    let asked = move || -> io::Result<bool> {
        io::stderr().lock().write_all(question.as_bytes())?;
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
    };
    // Off this thread, so that a signal is heard meanwhile.
    Ok(tokio::task::spawn_blocking(asked).await??)
}

/// Prints to standard output; false when the reader has seen enough (`| head`).
///
/// # Errors
/// When it can't be written for another reason.
pub(super) fn print(text: &str) -> anyhow::Result<bool> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error).context("can't write to standard output"),
    }
}
