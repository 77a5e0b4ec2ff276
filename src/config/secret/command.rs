//! A command whose standard output is a secret.

use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use super::LARGEST;

/// Password managers that ask a server answer within a second or two; one that takes longer waits for a person.
const PATIENCE: Duration = Duration::from_secs(10);
/// Of the error output only the first line is shown.
const ERROR_BYTES: u64 = 4 * 1024;
/// How long the first line of the error output may take to come through once the command is over.
const ERROR_WAIT: Duration = Duration::from_millis(500);
/// Between two looks whether a command that has closed its output is over.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Runs the command and gives its standard output.
///
/// # Errors
/// When it can't be started, fails, says too much or takes too long; then it is killed.
pub(super) fn output(command: &[String]) -> Result<Vec<u8>, String> {
    output_within(command, PATIENCE)
}

/// [`output`] with another patience.
pub(super) fn output_within(command: &[String], patience: Duration) -> Result<Vec<u8>, String> {
    let Some((program, arguments)) = command.split_first() else {
        return Err("is missing".to_owned());
    };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("can't be started: {error}"))?;
    let output = collect(&mut child, patience);
    if output.is_err() {
        // Either it is over already, or this ends it; the wait takes it off the process table.
        let _ = child.kill();
        let _ = child.wait();
    }
    output
}

fn collect(child: &mut Child, patience: Duration) -> Result<Vec<u8>, String> {
    let deadline = Instant::now() + patience;
    // One more than the largest with its line break, so that `check` sees that it is too large.
    let output = child.stdout.take().map(|pipe| read_aside(pipe, LARGEST + 3));
    let errors = child.stderr.take().map(|pipe| read_aside(pipe, ERROR_BYTES));
    let late = || format!("took longer than {} s and was ended", patience.as_secs());
    let left = deadline.saturating_duration_since(Instant::now());
    let output = output.and_then(|output| output.recv_timeout(left).ok()).ok_or_else(late)?;
    if output.len() as u64 > LARGEST + 2 {
        return Err("says more than 64 KiB".to_owned());
    }
    let status = wait_until(child, deadline)?.ok_or_else(late)?;
    if status.success() {
        return Ok(output);
    }
    let errors = errors.and_then(|errors| errors.recv_timeout(ERROR_WAIT).ok()).unwrap_or_default();
    let errors = String::from_utf8_lossy(&errors);
    let first = errors.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it says nothing more");
    let first: String = first.chars().filter(|c| !c.is_control()).collect();
    Err(format!("failed ({status}): {first}"))
}

/// Reads a pipe's first bytes on a thread of its own, and throws the rest away so that the writer never waits.
/// The thread ends with the pipe; it is not joined, as a grandchild could hold the pipe open.
fn read_aside(mut pipe: impl Read + Send + 'static, most: u64) -> Receiver<Vec<u8>> {
    let (give, take) = mpsc::sync_channel(1);
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read before an error is all there is.
        let _ = pipe.by_ref().take(most).read_to_end(&mut bytes);
        let _ = give.send(bytes);
        let _ = std::io::copy(&mut pipe, &mut std::io::sink());
    });
    take
}

fn wait_until(child: &mut Child, deadline: Instant) -> Result<Option<ExitStatus>, String> {
    loop {
        match child.try_wait().map_err(|error| format!("can't be waited for: {error}"))? {
            None if Instant::now() < deadline => std::thread::sleep(LOOK_EVERY),
            ended => return Ok(ended),
        }
    }
}
