//! The other processes of a run. Each tells what happens in lines of JSON on its standard output, and ends when
//! its standard input does.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, SystemTime};

use anyhow::{Context, bail};
use serde_json::Value;

use crate::arguments::{Arguments, Role};

/// A process that serves.
pub(crate) struct Peer {
    /// Where it listens.
    pub(crate) port: u16,
    process: Child,
    lines: Receiver<Value>,
}

impl Peer {
    /// Starts this very program in another role.
    pub(crate) fn start(role: Role, arguments: &Arguments) -> anyhow::Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(arguments.for_peer(role))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = process.stdout.take().context("no standard output")?;
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let _ = serde_json::from_str(&line).map(|line| sender.send(line));
            }
        });
        let mut peer = Self { port: 0, process, lines };
        peer.port = u16::try_from(peer.wait_for("port", || true)?)?;
        Ok(peer)
    }

    /// Waits until it says something by this name, as long as `go_on` says so.
    pub(crate) fn wait_for(&mut self, name: &str, mut go_on: impl FnMut() -> bool) -> anyhow::Result<u64> {
        while go_on() {
            match self.lines.recv_timeout(Duration::from_millis(500)) {
                Ok(line) => {
                    if let Some(value) = line[name].as_u64() {
                        return Ok(value);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => bail!("a peer ended without saying {name}"),
            }
        }
        bail!("the program ended before the receiver had everything")
    }

    /// Ends it; what it says last is what it has counted.
    pub(crate) fn finish(mut self) -> anyhow::Result<Value> {
        drop(self.process.stdin.take());
        self.process.wait()?;
        self.lines.iter().last().context("a peer ended without its counts")
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Says something to the process that measures.
pub(crate) fn say(line: &Value) {
    // Nobody listens any more: then there is nobody to tell.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// Waits for the end of the standard input.
pub(crate) fn wait_for_end() {
    let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
}

/// Nanoseconds since 1970, the same clock in all processes.
pub(crate) fn nanoseconds_now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
