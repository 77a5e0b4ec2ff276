//! From a provider's pages to a receiver's answers: the real program between a stand-in API and a counting
//! HTTP receiver, each a process of its own, the state directory on disk.
//!
//! `cargo bench --bench end_to_end -- [--runs 5] [--events 100000] [--days 30] [--delay-ms 0] [--idle-s 3]
//! [--program PATH]`
//!
//! `--days` is the time that the events are spread over, and so how many windows the program asks for;
//! `--delay-ms` is added to every answer of the API and of the receiver, and shows what overlaps. A run in which
//! an event is lost or comes twice fails. `--program` measures another build of the program.

#![allow(clippy::print_stdout, reason = "the figures are what a benchmark is for")]

mod api;
mod arguments;
mod daemon;
mod figures;
mod peer;
mod serve;
mod sink;

use std::path::Path;
use std::time::Duration;

use anyhow::ensure;

use arguments::{Arguments, Role};
use daemon::Daemon;
use figures::{Figures, Summary};
use peer::{Peer, nanoseconds_now};

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse(std::env::args().skip(1))?;
    match arguments.role {
        Role::Bench => bench(&arguments),
        Role::Api => api::run(&arguments),
        Role::Sink => sink::run(&arguments),
    }
}

fn bench(arguments: &Arguments) -> anyhow::Result<()> {
    println!(
        "{} events over {} days, {} ms added to every answer; state in {}",
        arguments.events,
        arguments.days,
        arguments.delay_ms,
        env!("CARGO_TARGET_TMPDIR")
    );
    let mut summary = Summary::new(arguments);
    for _ in 0..arguments.runs {
        let figures = run(arguments)?;
        println!("{figures}");
        summary.add(figures);
    }
    println!("{summary}");
    println!("{}", summary.to_json());
    Ok(())
}

fn run(arguments: &Arguments) -> anyhow::Result<Figures> {
    let state = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let api = Peer::start(Role::Api, arguments)?;
    let mut sink = Peer::start(Role::Sink, arguments)?;
    let config = daemon::config(state.path(), api.port, sink.port, arguments.days);

    let started = nanoseconds_now();
    let mut daemon = Daemon::start(&arguments.program, state.path(), &config)?;
    let complete = sink.wait_for("complete", || daemon.is_alive())?;
    let at_the_end = daemon.usage()?;
    std::thread::sleep(Duration::from_secs(arguments.idle_s));
    let idle = daemon.usage()?;
    daemon.stop()?;

    let asked = api.finish()?;
    let received = sink.finish()?;
    ensure!(received["distinct"] == arguments.events, "lost: the receiver has {received}");
    ensure!(received["repeated"] == 0, "doubled: the receiver has {received}");
    let seconds_since = |then: u64| Duration::from_nanos(complete.saturating_sub(then)).as_secs_f64();
    Ok(Figures {
        seconds: seconds_since(started),
        steady_seconds: seconds_since(asked["first"].as_u64().unwrap_or(started)),
        events: arguments.events,
        cpu_seconds: at_the_end.cpu_seconds,
        peak_mib: at_the_end.peak_mib,
        idle_mib: idle.resident_mib,
        written_mb: at_the_end.written_mb,
        state_mb: megabytes_in(&state.path().join("state"))?,
        api_requests: asked["requests"].as_u64().unwrap_or(0),
        sink_requests: received["requests"].as_u64().unwrap_or(0),
        threads: at_the_end.threads,
    })
}

/// What the state directory takes on disk when the program has stopped.
fn megabytes_in(directory: &Path) -> anyhow::Result<f64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(directory)? {
        bytes += entry?.metadata()?.len();
    }
    Ok(figures::millions(bytes))
}
