//! `auditferry simulate`: the stand-in for HubSpot and Brevo on loopback.

use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::simulator::{Credentials, Faults, Simulator, SimulatorError, SimulatorOptions, SyslogListener};

pub(super) const EXAMPLES: &str = "It prints a configuration for itself, receives events at /receiver/NAME, and counts \
    what has arrived.\n\n\
    Examples:\n  \
    auditferry simulate\n  \
    auditferry simulate --listen 127.0.0.1:0 --events 100000 --span 365d --rate 0\n  \
    auditferry simulate --fault '{\"statuses\":{\"503\":{\"share\":0.1}}}'";

/// Serves a faithful stand-in for the HubSpot and Brevo endpoints on loopback.
#[derive(Debug, clap::Args)]
pub(super) struct SimulateArgs {
    /// Where to listen, loopback only; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8989")]
    pub listen: SocketAddr,
    /// The same seed gives the same people and events
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Events that happened before the start
    #[arg(long, value_name = "N", default_value_t = 5_000)]
    pub events: usize,
    /// How far back they reach: 36h, 90d, 365d
    #[arg(long, value_name = "DURATION", default_value = "90d", value_parser = duration)]
    pub span: Duration,
    /// New events a second
    #[arg(long, value_name = "PER_SECOND", default_value_t = 2.0)]
    pub rate: f64,
    /// Parts of audit_logs, login, security and activities in all events
    #[arg(long, value_name = "PARTS", value_delimiter = ',', default_values_t = [55.0, 15.0, 5.0, 25.0])]
    pub shares: Vec<f64>,
    /// The bearer token that the simulated HubSpot takes
    #[arg(long, value_name = "TOKEN", default_value = "pat-na1-simulated")]
    pub hubspot_token: String,
    /// The API key that the simulated Brevo takes
    #[arg(long, value_name = "KEY", default_value = "xkeysib-simulated")]
    pub brevo_key: String,
    /// Where to receive syslog messages over TCP (either framing) and UDP; loopback only
    #[arg(long, value_name = "ADDR")]
    pub syslog: Option<SocketAddr>,
    /// Where to receive syslog messages over RELP; loopback only
    #[arg(long, value_name = "ADDR")]
    pub relp: Option<SocketAddr>,
    /// The receiver that the events in syslog messages are given to
    #[arg(long, value_name = "NAME", default_value = "syslog")]
    pub syslog_receiver: String,
    /// Fault switches as JSON, such as '{"statuses":{"503":{"share":0.1}}}'; may be repeated
    #[arg(long = "fault", value_name = "JSON")]
    pub faults: Vec<String>,
}

impl SimulateArgs {
    fn options(&self) -> anyhow::Result<SimulatorOptions> {
        let mut faults = Faults::default();
        for text in &self.faults {
            let patch = serde_json::from_str(text).with_context(|| format!("--fault {text}: not JSON"))?;
            faults =
                faults.patched(&patch).with_context(|| format!("--fault {text}: no such switch or value"))?;
        }
        let shares: Result<[f64; 4], _> = self.shares.clone().try_into();
        let shares = shares.ok().filter(valid_shares);
        Ok(SimulatorOptions {
            seed: self.seed,
            events: self.events,
            span: self.span,
            rate: self.rate,
            shares: shares.context("--shares: four numbers, none negative and not all zero")?,
            credentials: Credentials {
                hubspot_tokens: vec![self.hubspot_token.clone()],
                brevo_keys: vec![self.brevo_key.clone()],
                ..Credentials::default()
            },
            faults,
            ..SimulatorOptions::default()
        })
    }

    /// A configuration that points the program at the simulator.
    fn configuration(&self, address: SocketAddr) -> String {
        // JSON strings of printable text are TOML basic strings.
        let (token, key) =
            (serde_json::Value::from(&*self.hubspot_token), serde_json::Value::from(&*self.brevo_key));
        format!(
            r#"# Paste this into a file and give it to auditferry with --config.
state_dir = "auditferry-state"

[sources.hubspot]
type = "hubspot"
base_url = "http://{address}"
token = {token}
poll_interval = "5s"

[sources.brevo]
type = "brevo"
base_url = "http://{address}"
api_key = {key}
poll_interval = "5s"
requests_per_hour = 10000

[sinks.receiver]
type = "http"
endpoint = "http://{address}/receiver/main"

# Any receiver (the name behind /receiver/ is yours) speaks Splunk's and Elasticsearch's protocols as well:
# [sinks.splunk]
# type = "splunk_hec"
# endpoint = "http://{address}/receiver/splunk"
# token = "any"
#
# [sinks.elastic]
# type = "elasticsearch"
# endpoint = "http://{address}/receiver/elastic"

# What has arrived:  curl http://{address}/receiver/main/stats
# What is missing:   curl http://{address}/receiver/main/compare
# A fault:           curl -X PUT http://{address}/simulator/faults -d '{{"statuses":{{"503":{{"next":3}}}}}}'
"#
        )
    }
}

fn valid_shares(shares: &[f64; 4]) -> bool {
    shares.iter().all(|share| share.is_finite() && *share >= 0.0) && shares.iter().sum::<f64>() > 0.0
}

/// `90d`, or what jiff reads: `36h`, `1h 30m`.
fn duration(text: &str) -> Result<Duration, String> {
    let days = text.strip_suffix('d').and_then(|days| days.trim().parse::<u64>().ok());
    let duration = match days {
        Some(days) => days.checked_mul(24 * 60 * 60).map(Duration::from_secs),
        None => text.parse::<jiff::SignedDuration>().ok().and_then(|duration| duration.try_into().ok()),
    };
    let longest = Duration::from_secs(10 * 366 * 24 * 60 * 60);
    duration
        .filter(|duration| !duration.is_zero() && *duration <= longest)
        .ok_or_else(|| format!("{text} is no duration up to ten years, such as 36h or 90d"))
}

/// What receives syslog messages besides.
struct SyslogListeners {
    syslog: Option<SyslogListener>,
    relp: Option<TcpListener>,
}

impl SyslogListeners {
    async fn bind(args: &SimulateArgs) -> anyhow::Result<Self> {
        let failed = |address: SocketAddr| format!("cannot listen on {address}");
        let syslog = match args.syslog {
            Some(address) => Some(SyslogListener::bind(address).await.with_context(|| failed(address))?),
            None => None,
        };
        let relp = match args.relp {
            Some(address) => Some(TcpListener::bind(address).await.with_context(|| failed(address))?),
            None => None,
        };
        Ok(Self { syslog, relp })
    }

    /// A line for each, which names its address.
    fn lines(&self) -> std::io::Result<String> {
        let mut lines = String::new();
        if let Some(syslog) = &self.syslog {
            let address = syslog.local_addr()?;
            lines.push_str(&format!("syslog listening on tcp://{address} and udp://{address}\n"));
        }
        if let Some(relp) = &self.relp {
            lines.push_str(&format!("relp listening on relp://{}\n", relp.local_addr()?));
        }
        Ok(lines)
    }

    async fn serve(
        self,
        simulator: &Simulator,
        receiver: String,
        stop: &CancellationToken,
    ) -> Result<(), SimulatorError> {
        let syslog = async {
            match self.syslog {
                Some(syslog) => simulator.clone().serve_syslog(syslog, receiver.clone(), stop.clone()).await,
                None => Ok(()),
            }
        };
        let relp = async {
            match self.relp {
                Some(relp) => simulator.clone().serve_relp(relp, receiver.clone(), stop.clone()).await,
                None => Ok(()),
            }
        };
        tokio::try_join!(syslog, relp).map(|_| ())
    }
}

/// Serves until told to stop. The first lines on stdout name the addresses, the rest is a configuration.
///
/// # Errors
/// When an argument makes no sense, or the address cannot be listened on.
pub(super) async fn run(args: SimulateArgs, stop: CancellationToken) -> anyhow::Result<()> {
    let options = args.options()?;
    let listener =
        TcpListener::bind(args.listen).await.with_context(|| format!("cannot listen on {}", args.listen))?;
    let address = listener.local_addr().context("the listener has no address")?;
    let listeners = SyslogListeners::bind(&args).await?;
    // A long history takes seconds to write.
    let simulator = tokio::task::spawn_blocking(move || Simulator::new(&options))
        .await
        .context("the history could not be written")?;
    if address.ip().is_loopback() {
        let mut stdout = std::io::stdout().lock();
        let more = listeners.lines().context("a listener has no address")?;
        writeln!(stdout, "simulator listening on http://{address}\n{more}\n{}", args.configuration(address))?;
        stdout.flush()?;
    }
    let syslog = listeners.serve(&simulator, args.syslog_receiver, &stop);
    let http = simulator.clone().serve(listener, stop.clone());
    tokio::try_join!(http, syslog).context("the simulator cannot serve").map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(clap::Parser)]
    struct Command {
        #[command(flatten)]
        args: SimulateArgs,
    }

    fn parse(line: &str) -> SimulateArgs {
        let words = std::iter::once("simulate").chain(line.split(' ').filter(|word| !word.is_empty()));
        <Command as clap::Parser>::try_parse_from(words).unwrap().args
    }

    #[test]
    fn faults_of_several_arguments_are_merged() {
        let args = parse(r#"--fault {"missing_scope":true} --fault {"hang":{"next":2}} --span 365d"#);
        let options = args.options().unwrap();
        assert!(options.faults.missing_scope);
        assert_eq!(options.faults.hang.next, 2);
        assert_eq!(options.span, Duration::from_secs(365 * 86_400));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        assert!(parse(r#"--fault {"no_such":1}"#).options().is_err());
        assert!(parse("--shares 0,0,0,0").options().is_err());
        for text in ["0d", "-1h", "soon", "99999999999999999999d"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_printed_configuration_is_toml_that_names_the_credentials() {
        let args = parse("--hubspot-token one --brevo-key two");
        let text = args.configuration("127.0.0.1:4".parse().unwrap());
        let table: toml::Table = text.parse().unwrap();
        assert_eq!(table["sources"]["hubspot"]["token"].as_str(), Some("one"));
        assert_eq!(table["sources"]["brevo"]["api_key"].as_str(), Some("two"));
        assert_eq!(table["sinks"]["receiver"]["endpoint"].as_str(), Some("http://127.0.0.1:4/receiver/main"));
    }

    #[tokio::test]
    async fn every_syslog_listener_has_a_line_with_its_address() {
        let args = parse("--syslog 127.0.0.1:0 --relp [::1]:0");
        let lines = SyslogListeners::bind(&args).await.unwrap().lines().unwrap();
        let (syslog, relp) = lines.split_once('\n').unwrap();
        assert!(syslog.starts_with("syslog listening on tcp://127.0.0.1:"), "{syslog}");
        assert!(relp.starts_with("relp listening on relp://[::1]:"), "{relp}");
        let none = SyslogListeners::bind(&parse("")).await.unwrap();
        assert_eq!(none.lines().unwrap(), "");
    }

    #[tokio::test]
    async fn an_address_that_others_can_reach_is_refused() {
        for line in [
            "--listen 0.0.0.0:0",
            "--listen 127.0.0.1:0 --syslog 0.0.0.0:0",
            "--listen 127.0.0.1:0 --relp 0.0.0.0:0",
        ] {
            let args = parse(&format!("{line} --events 0"));
            let error = run(args, CancellationToken::new()).await.unwrap_err();
            assert!(format!("{error:#}").contains("loopback only"), "{line}: {error:#}");
        }
    }
}
