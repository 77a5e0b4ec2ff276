//! The sinks that speak HTTP.

use url::Url;

use super::super::fault::Problem;
use super::super::plaintext::refuse_plaintext;
use super::super::secret::Secret;
use super::super::table::Table;
use super::super::{
    Compression, ElasticsearchConfig, Flavor, HttpAuthorization, HttpEncoding, HttpSinkConfig, HttpTransport,
    SplunkHecConfig,
};
use super::tls;

/// Batches on their way at a time where each waits for its acknowledgement, which takes an indexer seconds.
const UNACKNOWLEDGED: u32 = 8;

/// `type = "http"`.
pub(super) fn webhook(table: &mut Table<'_>) -> Option<HttpSinkConfig> {
    let endpoint = table.url("endpoint");
    refuse_plaintext(table, "endpoint", endpoint.as_slice());
    let encoding = match table.choice("encoding") {
        "json_array" => HttpEncoding::JsonArray,
        _ => HttpEncoding::Ndjson,
    };
    let token = table.secret("token");
    let signing_secret = table.secret("signing_secret");
    let headers = headers(table);
    let success_statuses = table.statuses("success_statuses").unwrap_or_default();
    let max_in_flight = table.count("max_in_flight");
    let transport = transport(table, endpoint.as_slice(), max_in_flight);
    let endpoint = endpoint?;
    Some(HttpSinkConfig { endpoint, encoding, headers, token, signing_secret, success_statuses, transport })
}

/// `type = "splunk_hec"`.
pub(super) fn splunk_hec(table: &mut Table<'_>) -> Option<SplunkHecConfig> {
    let endpoint = table.url("endpoint");
    refuse_plaintext(table, "endpoint", endpoint.as_slice());
    let token = table.secret("token");
    let (index, sourcetype) = (table.text("index"), table.text("sourcetype"));
    let acknowledgements = table.switch("acknowledgements");
    let max_in_flight = match table.count("max_in_flight") {
        0 if acknowledgements => UNACKNOWLEDGED,
        set => set,
    };
    let transport = transport(table, endpoint.as_slice(), max_in_flight);
    Some(SplunkHecConfig {
        endpoint: endpoint?,
        token: token?,
        index,
        sourcetype,
        acknowledgements,
        transport,
    })
}

/// `type = "elasticsearch"`.
pub(super) fn elasticsearch(table: &mut Table<'_>) -> Option<ElasticsearchConfig> {
    let endpoints = table.urls("endpoint").unwrap_or_default();
    refuse_plaintext(table, "endpoint", &endpoints);
    let authorization = elastic_authorization(table);
    let namespace = namespace(table);
    let flavor = match table.choice("flavor") {
        "opensearch" => Flavor::OpenSearch,
        _ => Flavor::Elasticsearch,
    };
    let max_in_flight = table.count("max_in_flight");
    let transport = transport(table, &endpoints, max_in_flight);
    (!endpoints.is_empty()).then_some(ElasticsearchConfig {
        endpoints,
        authorization,
        namespace,
        flavor,
        transport,
    })
}

fn elastic_authorization(table: &mut Table<'_>) -> Option<HttpAuthorization> {
    let api_key = table.secret("api_key");
    let (username, password) = (table.text("username"), table.secret("password"));
    if table.has("api_key") && (table.has("username") || table.has("password")) {
        let problem = Problem::new("contradicts `username` and `password`").hint("keep one of the two ways");
        table.fault("api_key", problem);
    }
    for (one, other) in [("username", "password"), ("password", "username")] {
        if table.has(one) && !table.has(other) {
            table.fault(one, Problem::new(format!("needs `{other}`")).hint("set both or none"));
        }
    }
    if table.has("username") && username.as_ref().is_some_and(|name| name.contains(':')) {
        table.fault("username", Problem::new("holds a colon, which ends a user name (RFC 7617)"));
    }
    match (api_key, username, password) {
        (Some(api_key), ..) => Some(HttpAuthorization::ApiKey(api_key)),
        (None, Some(username), Some(password)) => Some(HttpAuthorization::Basic { username, password }),
        _ => None,
    }
}

/// By the rules for data streams: ECS, `data_stream.namespace`.
fn namespace(table: &mut Table<'_>) -> String {
    let namespace = table.text("namespace").unwrap_or_default();
    let forbidden = |c: char| c.is_uppercase() || c.is_control() || "\\/*?\"<>| ,#:-".contains(c);
    let problem = if namespace.chars().count() > 100 {
        "is longer than 100 characters"
    } else if namespace.contains(forbidden) {
        "holds a character that the name of a data stream can't have in this place"
    } else {
        return namespace;
    };
    table.fault("namespace", Problem::new(problem).hint("small letters, digits and `_`, such as `default`"));
    namespace
}

fn transport(table: &mut Table<'_>, endpoints: &[Url], max_in_flight: u32) -> HttpTransport {
    let compression = match table.choice("compression") {
        "none" => Compression::None,
        _ => Compression::Gzip,
    };
    let timeout = table.duration("timeout");
    let is_plain = !endpoints.is_empty() && endpoints.iter().all(|endpoint| endpoint.scheme() == "http");
    let tls = tls::options(table, is_plain.then_some("`endpoint` is plain http; use https"));
    HttpTransport {
        compression,
        timeout,
        tls,
        max_in_flight: usize::try_from(max_in_flight).unwrap_or(1).max(1),
    }
}

/// Headers that the sink itself writes, by RFC 9110 and RFC 9112 or because a second one would contradict it.
const OWN_HEADERS: [&str; 7] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "idempotency-key",
    "transfer-encoding",
];

fn headers(table: &mut Table<'_>) -> Vec<(String, Secret)> {
    let headers = table.headers("headers", |name| {
        let name = name.to_ascii_lowercase();
        ["authorization", "token", "key", "secret", "cookie"].iter().any(|word| name.contains(word))
    });
    for (name, _) in &headers {
        let own = name.to_ascii_lowercase();
        let problem = if !is_token(name) {
            Problem::new("is not the name of a header: letters, digits and `-`")
        } else if OWN_HEADERS.contains(&own.as_str()) {
            Problem::new("is written by auditferry itself").hint("leave it out")
        } else if own == "authorization" && table.has("token") {
            Problem::new("contradicts `token`, which writes this header").hint("keep one of the two")
        } else {
            continue;
        };
        table.fault(&format!("headers.{name}"), problem);
    }
    headers
}

/// RFC 9110, section 5.6.2.
fn is_token(name: &str) -> bool {
    let character = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    !name.is_empty() && name.chars().all(character)
}
