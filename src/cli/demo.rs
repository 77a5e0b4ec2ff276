//! `auditferry demo`: stand-in providers, the daemon and a stdout sink in one process, with a temporary state
//! directory: the first thing that a new user runs.

use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;

use crate::config::{self, Config};
use crate::service::{Service, Stop};
use crate::simulator::{Credentials, Simulator, SimulatorOptions};

pub(super) const EXAMPLES: &str = "It needs no configuration and no account, and leaves nothing behind.\n\n\
    Examples:\n  \
    auditferry demo\n  \
    auditferry demo --for 30s | jq -c '[.event.dataset, .event.action]'";

/// A working week: enough to see every stream, little enough to read.
const HISTORY: Duration = Duration::from_secs(7 * 86_400);
const HISTORY_EVENTS: usize = 60;
/// One event every two seconds from then on, so that one can watch them arrive.
const EVENTS_PER_SECOND: f64 = 0.5;

/// Runs until `duration` is over or told to stop.
pub(super) async fn run(duration: Option<Duration>, stop: Stop) -> anyhow::Result<()> {
    let state = tempfile::tempdir().context("making a temporary state directory")?;
    let listener =
        TcpListener::bind("127.0.0.1:0").await.context("listening on loopback for the stand-in providers")?;
    let base_url: url::Url = format!("http://{}/", listener.local_addr()?).parse()?;
    let mut config = Config::from_text(config::demo(), "config/demo.toml")?;
    config.state_dir = state.path().join("state");
    config.warnings.clear();
    config.listen = free_or_any(config.listen).await;
    for source in &mut config.sources {
        source.base_url = base_url.clone();
    }

    let simulator_stop = Stop::new();
    let simulator = Simulator::start(
        listener,
        SimulatorOptions {
            events: HISTORY_EVENTS,
            span: HISTORY,
            rate: EVENTS_PER_SECOND,
            credentials: Credentials {
                hubspot_tokens: vec!["demo".to_owned()],
                brevo_keys: vec!["demo".to_owned()],
                ..Credentials::default()
            },
            ..SimulatorOptions::default()
        },
        simulator_stop.clone(),
    );
    let daemon = async {
        let service = Service::start(config).await?;
        tracing::info!(code = "demo", "demo: stand-in providers, events on stdout; Ctrl-C stops it");
        let until = stop.child_token();
        let ends = async {
            if let Some(duration) = duration {
                tokio::time::sleep(duration).await;
                until.cancel();
            }
            std::future::pending::<()>().await;
        };
        let outcome = tokio::select! {
            outcome = service.run(until.clone()) => outcome,
            () = ends => Ok(()),
        };
        simulator_stop.cancel();
        Ok::<(), anyhow::Error>(outcome?)
    };
    let (served, outcome) = tokio::join!(simulator, daemon);
    served.context("the stand-in providers")?;
    outcome
}

/// The configured address when it is free, else any port: a second demo, or a daemon, may be running.
async fn free_or_any(listen: Option<std::net::SocketAddr>) -> Option<std::net::SocketAddr> {
    let mut address = listen?;
    if TcpListener::bind(address).await.is_err() {
        address.set_port(0);
    }
    Some(address)
}
