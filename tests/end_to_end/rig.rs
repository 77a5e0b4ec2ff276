//! What the tests drive the program with: its own binary as simulator and as daemon, and HTTP.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use auditferry::simulator::{Comparison, ReceiverStats};
use serde_json::{Value, json};

/// The binary under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_auditferry");
/// What waits for the program waits this long at most: it finds the machine busy with other tests.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
/// Between two looks at a value.
const LOOK: Duration = Duration::from_millis(25);
/// The bearer token that the simulated HubSpot takes.
pub(crate) const HUBSPOT_TOKEN: &str = "pat-na1-simulated";

/// Looks at a value until there is one.
#[track_caller]
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = look() {
            return value;
        }
        assert!(Instant::now() < end, "waited {PATIENCE:?} for {what}");
        std::thread::sleep(LOOK);
    }
}

/// One exchange with a server on loopback: status and body. None while nobody answers.
pub(crate) fn exchange(address: &str, method: &str, path: &str, body: &str) -> Option<(u16, String)> {
    let mut connection = TcpStream::connect(address).ok()?;
    connection.set_read_timeout(Some(PATIENCE)).ok()?;
    let length = body.len();
    write!(
        connection,
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .ok()?;
    let mut connection = BufReader::new(connection);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        (connection.read_line(&mut head).ok()? > 0).then_some(())?;
    }
    let head = head.to_ascii_lowercase();
    assert!(!head.contains("transfer-encoding"), "no chunks are expected here: {head}");
    // Not every server closes the connection.
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = String::new();
    connection.take(length.unwrap_or(u64::MAX)).read_to_string(&mut body).ok()?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body))
}

/// The simulator in a process of its own.
pub(crate) struct Simulator {
    child: Child,
    /// Held, so that its writes do not fail.
    _stdout: ChildStdout,
    /// `127.0.0.1:port`.
    pub(crate) address: String,
    /// The same for syslog messages over TCP and UDP, and over RELP; empty without `--syslog` or `--relp`.
    pub(crate) syslog: String,
    pub(crate) relp: String,
}

impl Simulator {
    /// Starts one with these arguments. Its seed is random, and printed.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let seed = fastrand::u64(..1_000_000).to_string();
        println!("simulator --seed {seed} {}", arguments.join(" "));
        let mut child = Command::new(PROGRAM)
            .args(["--log-level", "warn", "simulate", "--listen", "127.0.0.1:0", "--seed", &seed])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let lines: Vec<String> =
            (&mut stdout).lines().map(Result::unwrap).take_while(|line| !line.is_empty()).collect();
        let after = |start: &str| lines.iter().find_map(|line| line.strip_prefix(start));
        let address = after("simulator listening on http://").unwrap().to_owned();
        let syslog = after("syslog listening on tcp://").and_then(|rest| rest.split(' ').next());
        let syslog = syslog.unwrap_or_default().to_owned();
        let relp = after("relp listening on relp://").unwrap_or_default().to_owned();
        Self { child, _stdout: stdout.into_inner(), address, syslog, relp }
    }

    /// Asks it something that it must answer with success.
    #[track_caller]
    pub(crate) fn ask(&self, method: &str, path: &str, body: &Value) -> String {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (status, answer) = exchange(&self.address, method, path, &body).unwrap();
        assert!((200..300).contains(&status), "{method} {path} {body}: {status} {answer}");
        answer
    }

    /// Changes fault switches.
    #[track_caller]
    pub(crate) fn faults(&self, patch: &Value) {
        self.ask("PUT", "/simulator/faults", patch);
    }

    /// Changes the receiver's switches.
    #[track_caller]
    pub(crate) fn receiver_faults(&self, patch: &Value) {
        self.ask("PUT", "/receiver/main/faults", patch);
    }

    /// Adds events.
    #[track_caller]
    pub(crate) fn plant(&self, events: &Value) {
        self.ask("POST", "/simulator/events", events);
    }

    /// Adds one ordinary event to each of the streams now.
    #[track_caller]
    pub(crate) fn plant_everywhere(&self, count: u32) {
        let planted: Vec<_> = STREAMS.iter().map(|name| json!({"stream": name, "count": count})).collect();
        self.plant(&planted.into());
    }

    /// Another rate of live events.
    #[track_caller]
    pub(crate) fn rate(&self, per_second: f64) {
        self.ask("PUT", "/simulator/rate", &json!({ "per_second": per_second }));
    }

    /// What the receiver has against what happened.
    #[track_caller]
    pub(crate) fn compare(&self) -> Comparison {
        self.compare_of(&STREAMS)
    }

    /// The same for some of the streams.
    #[track_caller]
    pub(crate) fn compare_of(&self, streams: &[&str]) -> Comparison {
        self.compare_at("main", streams)
    }

    /// The same for another receiver.
    #[track_caller]
    pub(crate) fn compare_at(&self, receiver: &str, streams: &[&str]) -> Comparison {
        let query: Vec<_> = streams.iter().map(|stream| format!("stream={stream}")).collect();
        let path = format!("/receiver/{receiver}/compare?{}", query.join("&"));
        serde_json::from_str(&self.ask("GET", &path, &Value::Null)).unwrap()
    }

    /// What the receiver has counted.
    #[track_caller]
    pub(crate) fn stats(&self) -> ReceiverStats {
        serde_json::from_str(&self.ask("GET", "/receiver/main/stats", &Value::Null)).unwrap()
    }

    /// Every event that the receiver has.
    #[track_caller]
    pub(crate) fn received(&self) -> Vec<Value> {
        let lines = self.ask("GET", "/receiver/main/events", &Value::Null);
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The queries that were sent to an endpoint, with the answers' statuses.
    #[track_caller]
    pub(crate) fn queries(&self, endpoint: &str) -> Vec<(String, u64)> {
        let requests: Value =
            serde_json::from_str(&self.ask("GET", "/simulator/requests", &Value::Null)).unwrap();
        let log = requests["log"].as_array().unwrap().iter().filter(|one| one["endpoint"] == endpoint);
        log.map(|one| (one["query"].as_str().unwrap().to_owned(), one["status"].as_u64().unwrap())).collect()
    }

    /// Waits until every event that happened has arrived once.
    #[track_caller]
    pub(crate) fn wait_complete(&self) {
        let end = Instant::now() + PATIENCE;
        loop {
            let comparison = self.compare();
            if comparison.missing == 0 {
                self.assert_exactly_once();
                return;
            }
            assert!(Instant::now() < end, "after {PATIENCE:?}: {comparison:#?}");
            std::thread::sleep(LOOK * 4);
        }
    }

    /// Everything that happened was received, under one id; sequences have no hole.
    #[track_caller]
    pub(crate) fn assert_exactly_once(&self) {
        self.assert_exactly_once_of(&STREAMS);
    }

    /// The same for some of the streams.
    #[track_caller]
    pub(crate) fn assert_exactly_once_of(&self, streams: &[&str]) {
        let comparison = self.compare_of(streams);
        let Comparison { expected, received, missing, doubled, unexpected, .. } = comparison;
        assert_eq!((missing, doubled, unexpected), (0, 0, 0), "{comparison:#?}");
        assert_eq!(expected, received);
        let stats = self.stats();
        assert_eq!(stats.conflicting, 0, "one event.id stands for two events: {stats:#?}");
        for (stream, sequence) in &stats.sequences {
            assert_eq!((sequence.first, sequence.holes), (1, 0), "{stream}: {stats:#?}");
        }
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// `event.dataset` of the providers' streams.
pub(crate) const STREAMS: [&str; 4] =
    ["hubspot.audit_logs", "hubspot.login", "hubspot.security", "brevo.activities"];
/// Those of HubSpot.
pub(crate) const HUBSPOT: &[&str] = &["hubspot.audit_logs", "hubspot.login", "hubspot.security"];
/// That of Brevo.
pub(crate) const BREVO: &[&str] = &["brevo.activities"];

/// A configuration file; what is not set is as good for a test.
#[derive(Clone, Copy)]
pub(crate) struct Settings<'a> {
    pub(crate) hubspot: bool,
    pub(crate) brevo: bool,
    pub(crate) poll_interval: &'a str,
    pub(crate) lookback: &'a str,
    pub(crate) start: &'a str,
    /// A secret in TOML.
    pub(crate) hubspot_token: &'a str,
    pub(crate) requests_per_10s: u32,
    /// More lines of `[sources.hubspot]`.
    pub(crate) hubspot_more: &'a str,
    /// In bytes, or with a unit.
    pub(crate) spool: &'a str,
    /// Of the sink.
    pub(crate) max_events: usize,
    /// More lines of the sink.
    pub(crate) sink_more: &'a str,
}

impl Default for Settings<'_> {
    fn default() -> Self {
        Self {
            hubspot: true,
            brevo: true,
            poll_interval: "1s",
            lookback: "10m",
            start: "91d",
            hubspot_token: r#""pat-na1-simulated""#,
            requests_per_10s: 1_000_000,
            hubspot_more: "",
            spool: "2GiB",
            max_events: 500,
            sink_more: "",
        }
    }
}

impl Settings<'_> {
    fn text(&self, simulator: &str) -> String {
        let Self { poll_interval, lookback, start, spool, max_events, sink_more, .. } = self;
        let polling = format!(
            "base_url = \"http://{simulator}\"\npoll_interval = \"{poll_interval}\"\n\
             lookback = \"{lookback}\"\nstart = \"{start}\"\n"
        );
        let (token, requests, more) = (self.hubspot_token, self.requests_per_10s, self.hubspot_more);
        let hubspot = format!(
            "[sources.hubspot]\ntype = \"hubspot\"\ntoken = {token}\nrequests_per_10s = {requests}\n{polling}{more}\n"
        );
        let brevo = format!(
            "[sources.brevo]\ntype = \"brevo\"\napi_key = \"xkeysib-simulated\"\n\
             requests_per_hour = 100000000\n{polling}\n"
        );
        format!(
            "state_dir = \"state\"\nserver.listen = \"127.0.0.1:0\"\nspool.max_size = \"{spool}\"\n{}{}\
             [sinks.receiver]\ntype = \"http\"\nendpoint = \"http://{simulator}/receiver/main\"\n\
             batch = {{ max_events = {max_events}, max_wait = \"100ms\" }}\n{sink_more}\n",
            if self.hubspot { hubspot.as_str() } else { "" },
            if self.brevo { brevo.as_str() } else { "" },
        )
    }
}

/// A directory with a configuration and its state.
pub(crate) struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    /// A new one, configured against a simulator.
    pub(crate) fn new(simulator: &Simulator, settings: &Settings<'_>) -> Self {
        let place = Self::with_text(&settings.text(&simulator.address));
        place.configure(simulator, settings);
        place
    }

    /// A new one with this configuration.
    pub(crate) fn with_text(text: &str) -> Self {
        let place = Self { directory: tempfile::tempdir().unwrap() };
        fs::write(place.path("auditferry.toml"), text).unwrap();
        place
    }

    /// Changes the configuration.
    pub(crate) fn configure(&self, simulator: &Simulator, settings: &Settings<'_>) {
        fs::write(self.path("auditferry.toml"), settings.text(&simulator.address)).unwrap();
    }

    /// A path in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A command of the program with this configuration, in this directory.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(["--config", "auditferry.toml"]).args(arguments).current_dir(self.directory.path());
        command.env_clear();
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        let output = self.command(arguments).output().unwrap();
        Ended {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// `run --once`, which must succeed.
    #[track_caller]
    pub(crate) fn run_once(&self) -> Ended {
        let ended = self.run(&["run", "--once", "--timeout", "3m"]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        ended
    }

    /// `status --output json`.
    #[track_caller]
    pub(crate) fn status(&self) -> Value {
        let ended = self.run(&["status", "--output", "json"]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        serde_json::from_str(&ended.stdout).unwrap()
    }

    /// Starts the daemon.
    pub(crate) fn daemon(&self) -> Daemon {
        self.daemon_with(&[])
    }

    /// Starts the daemon with these environment variables.
    pub(crate) fn daemon_with(&self, environment: &[(&str, &str)]) -> Daemon {
        let log = self.path("log");
        let file = File::options().create(true).append(true).open(&log).unwrap();
        let from = file.metadata().unwrap().len();
        let child = self
            .command(&["--log-level", "debug", "run"])
            .envs(environment.iter().copied())
            .stdout(Stdio::null())
            .stderr(file)
            .spawn()
            .unwrap();
        Daemon { child, log, from }
    }
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A running daemon; killed when it is dropped.
pub(crate) struct Daemon {
    child: Child,
    log: PathBuf,
    /// Where its part of the log begins.
    from: u64,
}

impl Daemon {
    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        read_from(&self.log, self.from)
    }

    /// Where its status server listens, since the last reload.
    #[track_caller]
    pub(crate) fn server(&self) -> String {
        wait_for("the status server", || {
            let log = self.log();
            let (_, rest) = log.rsplit_once("status page on http://")?;
            Some(rest.split_once('/')?.0.to_owned())
        })
    }

    /// Asks its status server.
    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        let server = self.server();
        wait_for(path, || exchange(&server, "GET", path, ""))
    }

    /// `/api/status`.
    #[track_caller]
    pub(crate) fn status(&self) -> Value {
        serde_json::from_str(&self.get("/api/status").1).unwrap()
    }

    /// Waits for something in the log.
    #[track_caller]
    pub(crate) fn wait_logged(&self, text: &str) {
        wait_for(text, || self.log().contains(text).then_some(()));
    }

    /// Waits for its status to be like that.
    #[track_caller]
    pub(crate) fn wait_status(&self, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        wait_for(what, || Some(self.status()).filter(&is))
    }

    /// Sends it a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        let command = format!("kill -{name} {}", self.id());
        assert!(Command::new("sh").args(["-c", &command]).status().unwrap().success());
    }

    /// Kills it at once, as a power cut would.
    pub(crate) fn kill(mut self) {
        end(&mut self.child);
    }

    /// Whether it is still there.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn ended(&mut self) -> ExitStatus {
        wait_for("the daemon's end", || self.child.try_wait().unwrap())
    }

    /// Stops it as systemd does: it must end well.
    #[track_caller]
    pub(crate) fn stop(mut self) {
        self.signal("TERM");
        let status = self.ended();
        assert!(status.success(), "{status}: {}", self.log());
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let tail: Vec<&str> = log.lines().rev().take(40).collect();
            println!("the daemon's log ends with:");
            tail.iter().rev().for_each(|line| println!("{line}"));
        }
        end(&mut self.child);
    }
}

fn end(child: &mut Child) {
    // It may have ended by itself.
    let _ = child.kill();
    let _ = child.wait();
}

fn read_from(path: &Path, from: u64) -> String {
    let bytes = fs::read(path).unwrap();
    String::from_utf8_lossy(&bytes[usize::try_from(from).unwrap()..]).into_owned()
}

/// The stream or sink of a status with this name.
#[track_caller]
pub(crate) fn named<'a>(status: &'a Value, list: &str, name: &str) -> &'a Value {
    let key = if list == "streams" { "stream" } else { "name" };
    status[list].as_array().unwrap().iter().find(|one| one[key] == name).unwrap()
}
