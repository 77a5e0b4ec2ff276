//! The configuration: file and environment, checked as a whole before anything else happens.
//!
//! Raw (what is written) becomes checked (what can't be wrong) in one pass that collects every fault. Only
//! this module reads the environment.

mod delivery;
mod fault;
mod key;
mod layer;
mod load;
mod plaintext;
mod reference;
mod schema;
mod secret;
mod sink;
mod source;
mod table;
mod unit;

pub use delivery::{
    BatchLimits, Compression, ElasticsearchConfig, Flavor, Format, Framing, HttpAuthorization, HttpEncoding,
    HttpSinkConfig, HttpTransport, OcsfVersion, Redaction, Sink, SinkKind, SplunkHecConfig, SyslogAddress,
    SyslogConfig, SyslogProtocol, SyslogTransport,
};
pub use fault::{Fault, Faults};
pub use layer::Environment;
pub use load::{locate, origin};
pub(crate) use reference::{Entry, Fallback, Section, reference};
pub(crate) use schema::schema;
pub use secret::{Secret, SecretError};
pub(crate) use unit::show as show_duration;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use url::Url;

/// The commented example, as `auditferry config example` prints it.
pub(crate) fn example() -> &'static str {
    include_str!("../config/auditferry.toml")
}

/// What `auditferry demo` runs with; it puts its own addresses and state directory in.
pub(crate) fn demo() -> &'static str {
    include_str!("../config/demo.toml")
}

/// Reads a duration such as `30s` or `1h30m`, for the command line.
///
/// # Errors
/// In words for people.
pub(crate) fn duration(text: &str) -> Result<std::time::Duration, String> {
    unit::duration(text).map_err(|problem| problem.what)
}

/// Reads a time for the command line, as `start` is written: RFC 3339, a date, or a duration before `now`.
///
/// # Errors
/// In words for people.
pub(crate) fn time(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    match unit::duration(text) {
        Ok(ago) => Ok(now.checked_sub(ago).unwrap_or(Timestamp::MIN)),
        Err(_) => unit::time(text)
            .map_err(|problem| format!("{}; expected {}, or {}", problem.what, unit::TIME, unit::DURATION)),
    }
}

/// The checked configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Where cursors and undelivered events live.
    pub state_dir: PathBuf,
    /// The spool's bounds.
    pub spool: Spool,
    /// Where the status page, health and API listen; `None` is off.
    pub listen: Option<SocketAddr>,
    /// Whoever asks for the status or the metrics must send it; `None` shows them to everybody.
    pub server_token: Option<Secret>,
    /// The accounts to collect from; at least one.
    pub sources: Vec<Source>,
    /// Where events go; at least one.
    pub sinks: Vec<Sink>,
    /// What is legal but unwise, for the log.
    pub warnings: Vec<String>,
}

/// `[spool]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spool {
    /// Bytes of undelivered events; when full, polling pauses.
    pub max_size: u64,
    /// How long delivered events stay for replay.
    pub retention: Duration,
}

/// `[sources.NAME]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// Where the provider answers.
    pub base_url: Url,
    /// Provider's id of the account; empty is `None`: asked of the provider.
    pub account_id: Option<String>,
    /// The streams to collect, in the provider's order.
    pub streams: Vec<String>,
    /// How often and how far.
    pub polling: Polling,
    /// What only this type of source has.
    pub kind: SourceKind,
}

/// How often and how far a source is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Polling {
    /// Between two polls of a stream.
    pub interval: Duration,
    /// How far behind its cursor each poll reads again.
    pub lookback: Duration,
    /// How far back the first poll reaches.
    pub start: Start,
    /// Between two deeper walks; zero is never.
    pub reconcile_interval: Duration,
    /// How far they reach.
    pub reconcile_depth: Duration,
    /// How far back the provider remembers, for streams where it does not say.
    pub horizon: Duration,
}

/// `start`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// So long before the first poll.
    Ago(Duration),
    /// From this instant on.
    At(Timestamp),
}

/// What only one type of source has.
#[derive(Debug, Clone, PartialEq)]
pub enum SourceKind {
    /// `type = "hubspot"`.
    HubSpot {
        /// How it proves who it is.
        credential: HubSpotCredential,
        /// `v3`, `2025-09`, `2026-03`, `2026-09`: a part of every path.
        api_version: String,
        /// What to do with audit log events that another stream carries in full.
        mirrored: Mirrored,
        /// Its share of HubSpot's limit.
        requests_per_10s: u32,
    },
    /// `type = "brevo"`.
    Brevo {
        /// The API key.
        api_key: Secret,
        /// Its share of Brevo's limit.
        requests_per_hour: u32,
    },
}

impl SourceKind {
    /// Its `type` in the file.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::HubSpot { .. } => "hubspot",
            Self::Brevo { .. } => "brevo",
        }
    }
}

/// How a HubSpot source proves who it is.
#[derive(Debug, Clone, PartialEq)]
pub enum HubSpotCredential {
    /// A private app's token or a service key, sent as it is.
    Token(Secret),
    /// An OAuth app: the refresh token is exchanged for access tokens.
    OAuth {
        /// Public.
        client_id: String,
        /// The app's secret.
        client_secret: Secret,
        /// The account's grant.
        refresh_token: Secret,
    },
}

/// `mirrored`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mirrored {
    /// Deliver them, tagged `mirrored`.
    Tag,
    /// Leave them out.
    Drop,
}

#[cfg(test)]
mod tests;
