//! The checked sinks.

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::Secret;
use crate::event::{SensitiveField, Treatment};
use crate::tls;

/// `[sinks.NAME]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Sink {
    /// Its name.
    pub name: String,
    /// The sources whose events it gets; empty means all.
    pub sources: Vec<String>,
    /// How events are written.
    pub format: Format,
    /// Whether the provider's record goes along in `event.original`.
    pub include_original: bool,
    /// What it must not learn.
    pub redaction: Option<Redaction>,
    /// When a batch is sent.
    pub batch: BatchLimits,
    /// What only this type of sink has.
    pub kind: SinkKind,
}

/// `format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Elastic Common Schema.
    Ecs,
    /// Open Cybersecurity Schema Framework.
    Ocsf(OcsfVersion),
    /// ArcSight's Common Event Format; syslog sinks alone.
    Cef,
    /// QRadar's Log Event Extended Format; syslog sinks alone.
    Leef,
    /// The provider's record with the event's identity in front.
    Raw,
}

impl Format {
    /// Its word in the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ecs => "ecs",
            Self::Ocsf(_) => "ocsf",
            Self::Cef => "cef",
            Self::Leef => "leef",
            Self::Raw => "raw",
        }
    }
}

/// `ocsf_version`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OcsfVersion {
    /// 1.3.0, which most consumers read.
    V1_3,
    /// 1.9.0, where User Management replaces Account Change.
    V1_9,
}

/// `redact` and `redact_key`.
#[derive(Debug, Clone, PartialEq)]
pub struct Redaction {
    /// Which fields, and what is done to them; none twice.
    pub rules: Vec<(SensitiveField, Treatment)>,
    /// Of the hashes, where there are any; at least 16 bytes.
    pub key: Option<Secret>,
}

/// `batch`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchLimits {
    /// Events a batch at most.
    pub max_events: usize,
    /// Bytes a batch at most, before compression; a larger event goes alone.
    pub max_bytes: usize,
    /// How long the first event waits for others.
    pub max_wait: Duration,
}

/// What only one type of sink has.
#[derive(Debug, Clone, PartialEq)]
pub enum SinkKind {
    /// `type = "stdout"`.
    Stdout,
    /// `type = "file"`.
    File {
        /// JSON lines are appended here.
        path: PathBuf,
        /// A file this large is set aside; zero is never.
        rotate_size: u64,
        /// How many set-aside files stay.
        rotate_keep: u32,
    },
    /// `type = "http"`.
    Http(Box<HttpSinkConfig>),
    /// `type = "splunk_hec"`.
    SplunkHec(Box<SplunkHecConfig>),
    /// `type = "elasticsearch"`.
    Elasticsearch(Box<ElasticsearchConfig>),
    /// `type = "syslog"`.
    Syslog(Box<SyslogConfig>),
}

impl SinkKind {
    /// Its `type` in the file.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::File { .. } => "file",
            Self::Http(_) => "http",
            Self::SplunkHec(_) => "splunk_hec",
            Self::Elasticsearch(_) => "elasticsearch",
            Self::Syslog(_) => "syslog",
        }
    }
}

/// What every sink that speaks HTTP has.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpTransport {
    /// Whether bodies are compressed.
    pub compression: Compression,
    /// How long a request may take.
    pub timeout: Duration,
    /// How the receiver is verified and who we are.
    pub tls: tls::Options,
    /// Batches on their way at a time.
    pub max_in_flight: usize,
}

/// What stands in `Authorization`.
#[derive(Debug, Clone, PartialEq)]
pub enum HttpAuthorization {
    /// `Bearer …` (RFC 6750).
    Bearer(Secret),
    /// `Basic …` (RFC 7617).
    Basic {
        /// Not secret.
        username: String,
        /// Secret.
        password: Secret,
    },
    /// `ApiKey …`: Elasticsearch's, `base64(id:api_key)`.
    ApiKey(Secret),
    /// `Splunk …`: the token of an HTTP Event Collector.
    Splunk(Secret),
}

/// `type = "http"`.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpSinkConfig {
    /// Where batches are posted.
    pub endpoint: Url,
    /// How a batch is written.
    pub encoding: HttpEncoding,
    /// More request headers, name and value.
    pub headers: Vec<(String, Secret)>,
    /// A bearer token.
    pub token: Option<Secret>,
    /// Standard Webhooks: one or, while they are rotated, several `whsec_…` separated by spaces.
    pub signing_secret: Option<Secret>,
    /// Statuses that count as accepted; empty is any 2xx.
    pub success_statuses: Vec<u16>,
    /// Compression, time-outs, TLS.
    pub transport: HttpTransport,
}

/// `type = "splunk_hec"`.
#[derive(Debug, Clone, PartialEq)]
pub struct SplunkHecConfig {
    /// The collector's address, without `/services/collector`.
    pub endpoint: Url,
    /// Of the HTTP Event Collector.
    pub token: Secret,
    /// `None`: the token's default index.
    pub index: Option<String>,
    /// `None`: of the event's dataset, such as `hubspot:audit_logs`.
    pub sourcetype: Option<String>,
    /// Whether an event counts as accepted only when the indexers have acknowledged it.
    pub acknowledgements: bool,
    /// Compression, time-outs, TLS.
    pub transport: HttpTransport,
}

/// `type = "elasticsearch"`.
#[derive(Debug, Clone, PartialEq)]
pub struct ElasticsearchConfig {
    /// At least one; the next one is tried when one does not answer.
    pub endpoints: Vec<Url>,
    /// `None` where the cluster is open or knows us by our certificate.
    pub authorization: Option<HttpAuthorization>,
    /// `data_stream.namespace`: the last part of `logs-<dataset>-<namespace>`.
    pub namespace: String,
    /// Which of the two it is.
    pub flavor: Flavor,
    /// Compression, time-outs, TLS.
    pub transport: HttpTransport,
}

/// `flavor`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavor {
    /// Elasticsearch.
    Elasticsearch,
    /// OpenSearch.
    OpenSearch,
}

/// `type = "syslog"`.
#[derive(Debug, Clone, PartialEq)]
pub struct SyslogConfig {
    /// Where messages go, and how.
    pub address: SyslogAddress,
    /// How messages are told apart on a stream.
    pub framing: Framing,
    /// The header.
    pub protocol: SyslogProtocol,
    /// 0 to 23 (RFC 5424 section 6.2.1).
    pub facility: u8,
    /// APP-NAME or TAG.
    pub app_name: String,
    /// HOSTNAME; `None` is this machine's.
    pub hostname: Option<String>,
    /// Bytes of a message at most, without its frame.
    pub max_message_size: usize,
    /// For connecting, and for every answer or acknowledgement.
    pub timeout: Duration,
    /// How the receiver is verified and who we are.
    pub tls: tls::Options,
}

/// `address`: `udp://host:514`, `tcp://…`, `tls://…`, `relp://…`, `relps://…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyslogAddress {
    /// The scheme.
    pub transport: SyslogTransport,
    /// A name or an address; an IPv6 address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl std::fmt::Display for SyslogAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = match self.transport {
            SyslogTransport::Udp => "udp",
            SyslogTransport::Tcp => "tcp",
            SyslogTransport::Tls => "tls",
            SyslogTransport::Relp => "relp",
            SyslogTransport::RelpTls => "relps",
        };
        match self.host.contains(':') {
            true => write!(f, "{scheme}://[{}]:{}", self.host, self.port),
            false => write!(f, "{scheme}://{}:{}", self.host, self.port),
        }
    }
}

/// How syslog messages travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyslogTransport {
    /// RFC 5426.
    Udp,
    /// RFC 6587.
    Tcp,
    /// RFC 5425.
    Tls,
    /// The Reliable Event Logging Protocol.
    Relp,
    /// The same over TLS.
    RelpTls,
}

/// `framing` (RFC 6587 section 3.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// `MSG-LEN SP MSG`.
    OctetCounting,
    /// `MSG LF`.
    Newline,
}

/// `protocol`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyslogProtocol {
    /// With structured data.
    Rfc5424,
    /// BSD syslog.
    Rfc3164,
}

/// `encoding`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpEncoding {
    /// One JSON object a line.
    Ndjson,
    /// One JSON array a request.
    JsonArray,
}

/// `compression`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// As it is.
    None,
    /// RFC 1952.
    Gzip,
}
