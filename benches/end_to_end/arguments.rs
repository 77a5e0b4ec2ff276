//! The command line of the benchmark and of its peers.

use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context, bail};

/// What this process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The one that measures.
    Bench,
    /// The stand-in for the provider.
    Api,
    /// The receiver.
    Sink,
}

/// How the benchmark runs.
#[derive(Debug, Clone)]
pub(crate) struct Arguments {
    pub(crate) role: Role,
    pub(crate) runs: u32,
    pub(crate) events: u64,
    /// The time that the events are spread over.
    pub(crate) days: u64,
    /// Added to every answer.
    pub(crate) delay_ms: u64,
    /// Between the last event and the look at an idle program.
    pub(crate) idle_s: u64,
    /// What is measured.
    pub(crate) program: PathBuf,
}

impl Arguments {
    pub(crate) fn parse(words: impl Iterator<Item = String>) -> anyhow::Result<Self> {
        let mut words = words.peekable();
        let mut all = Self {
            role: Role::Bench,
            runs: 5,
            events: 100_000,
            days: 30,
            delay_ms: 0,
            idle_s: 3,
            program: env!("CARGO_BIN_EXE_auditferry").into(),
        };
        let mut measuring = false;
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("{word} wants a value"));
            match word.as_str() {
                // Cargo adds it to `cargo bench`, and to `cargo test` not.
                "--bench" => measuring = true,
                "--role" => {
                    (measuring, all.role) = (true, if value()? == "api" { Role::Api } else { Role::Sink });
                }
                "--runs" => all.runs = number(&value()?)?,
                "--events" => all.events = number(&value()?)?,
                "--days" => all.days = number(&value()?)?,
                "--delay-ms" => all.delay_ms = number(&value()?)?,
                "--program" => all.program = value()?.into(),
                "--idle-s" => all.idle_s = number(&value()?)?,
                other => bail!("unknown argument {other}; see the head of benches/end_to_end/main.rs"),
            }
        }
        if !measuring {
            // As a test, with a program that is not optimised: whether it works at all.
            (all.runs, all.events, all.idle_s) = (1, all.events.min(2_000), 0);
        }
        Ok(all)
    }

    /// The command line of a peer.
    pub(crate) fn for_peer(&self, role: Role) -> Vec<OsString> {
        let role = if role == Role::Api { "api" } else { "sink" };
        let number = |number: u64| number.to_string();
        ["--role", role, "--events", &number(self.events), "--days", &number(self.days)]
            .into_iter()
            .chain(["--delay-ms", &number(self.delay_ms)])
            .map(OsString::from)
            .collect()
    }
}

fn number<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(word: &str) -> anyhow::Result<T> {
    word.parse().with_context(|| format!("{word} is not a number that fits"))
}
