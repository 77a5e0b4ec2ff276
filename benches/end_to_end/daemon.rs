//! The program that is measured, and what the system says of it.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, ensure};

use crate::figures::millions;

/// Clock ticks a second in /proc, on every Linux that there is (`man 5 proc`, `sysconf(_SC_CLK_TCK)`).
const TICKS: f64 = 100.0;

/// A configuration for these peers: what is not said here is as by default. The request limit is out of the way,
/// and the first poll comes soon.
pub(crate) fn config(state: &Path, api: u16, sink: u16, days: u64) -> String {
    format!(
        "state_dir = {:?}

        [server]
        listen = \"127.0.0.1:0\"

        [sources.hubspot]
        type = \"hubspot\"
        token = \"none\"
        account_id = \"1\"
        base_url = \"http://127.0.0.1:{api}\"
        streams = [\"audit_logs\"]
        start = \"{}d\"
        lookback = \"1m\"
        poll_interval = \"1s\"
        requests_per_10s = 10000000

        [sinks.receiver]
        type = \"http\"
        endpoint = \"http://127.0.0.1:{sink}/events\"
        format = \"ecs\"
        include_original = true
        encoding = \"ndjson\"
        compression = \"none\"
        ",
        state.join("state"),
        days + 1,
    )
}

/// A running program; killed when dropped.
pub(crate) struct Daemon(Child);

/// What it has used so far.
pub(crate) struct Usage {
    pub(crate) cpu_seconds: f64,
    pub(crate) peak_mib: f64,
    pub(crate) resident_mib: f64,
    pub(crate) written_mb: f64,
    pub(crate) threads: u64,
}

impl Daemon {
    pub(crate) fn start(program: &Path, directory: &Path, config: &str) -> anyhow::Result<Self> {
        let path = directory.join("auditferry.toml");
        fs::write(&path, config)?;
        let log = File::create(directory.join("log"))?;
        let process = Command::new(program)
            .arg("--config")
            .arg(path)
            .arg("run")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        Ok(Self(process))
    }

    pub(crate) fn is_alive(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }

    pub(crate) fn usage(&self) -> anyhow::Result<Usage> {
        let read = |name: &str| fs::read_to_string(format!("/proc/{}/{name}", self.0.id()));
        let stat = read("stat")?;
        // Behind the program's name, which may hold anything, the 12th and 13th are user and system time.
        let behind_name = stat.rsplit_once(')').context("/proc/PID/stat is cut")?.1;
        let ticks = behind_name.split_whitespace().skip(11).take(2);
        let (status, io) = (read("status")?, read("io")?);
        Ok(Usage {
            cpu_seconds: ticks.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / TICKS,
            peak_mib: kibibytes(&status, "VmHWM:")?,
            resident_mib: kibibytes(&status, "VmRSS:")?,
            written_mb: millions(field(&io, "write_bytes:")?),
            threads: field(&status, "Threads:")?,
        })
    }

    /// Asks it to stop, and waits.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        let asked = Command::new("kill").arg(self.0.id().to_string()).status()?;
        ensure!(asked.success(), "the program can't be told to stop");
        let ended = self.0.wait()?;
        ensure!(ended.success(), "the program ended with {ended}");
        Ok(())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn kibibytes(text: &str, name: &str) -> anyhow::Result<f64> {
    Ok(millions(field(text, name)? * 1_000_000) / 1024.0)
}

/// The number behind a name at the start of a line.
fn field(text: &str, name: &str) -> anyhow::Result<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.with_context(|| format!("there is no {name} in /proc"))
}
