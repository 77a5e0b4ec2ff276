//! The keys of the sinks that speak HTTP.

use super::super::{Key, Kind, MILLISECOND, Shape, at_least, needed, optional, preset};
use super::{DELIVERY, JSON_FORMAT, TLS};

/// What all of them have.
const TRANSPORT: &[Key] = &[
    preset(
        "compression",
        Kind::Choice {
            words: &["gzip", "none"],
            refused: &[("zstd", "is not in this version of auditferry")],
        },
        "gzip",
        "How request bodies are compressed.",
    ),
    preset(
        "timeout",
        at_least(MILLISECOND, "a request takes some time"),
        "30s",
        "How long a request may take.",
    ),
    preset(
        "allow_plaintext",
        Kind::Switch,
        "false",
        "Whether endpoint may be http:// to another host. Events and credential then travel readable.",
    ),
    optional("tls", Kind::Table(&TLS), "How the receiver is verified, and who we are."),
];

const MAX_IN_FLIGHT: Kind = Kind::Count { least: 1, most: 16 };

/// Batches on their way at a time.
const IN_FLIGHT: &[Key] = &[preset(
    "max_in_flight",
    MAX_IN_FLIGHT,
    "1",
    "Batches on their way at a time; a crash repeats as many at most.",
)];

/// `[sinks.NAME]`, `type = "http"`.
pub(super) const HTTP: Shape = Shape::of(&[
    &[
        needed("endpoint", Kind::Url, "Where batches are posted."),
        preset(
            "encoding",
            Kind::Choice { words: &["ndjson", "json_array"], refused: &[] },
            "ndjson",
            "How a batch is written: one JSON object a line, or one array.",
        ),
        optional("token", Kind::Secret, "A bearer token."),
        optional("headers", Kind::Headers, "More request headers: texts, or secrets."),
        optional(
            "signing_secret",
            Kind::Secret,
            "Signs requests as Standard Webhooks: \"whsec_…\"; several with spaces between while they are rotated.",
        ),
        optional("success_statuses", Kind::Statuses, "The statuses that mean accepted, if not any 2xx."),
    ],
    IN_FLIGHT,
    TRANSPORT,
    JSON_FORMAT,
    DELIVERY,
]);

/// `[sinks.NAME]`, `type = "splunk_hec"`.
pub(super) const SPLUNK_HEC: Shape = Shape::of(&[
    &[
        needed("endpoint", Kind::Url, "The HTTP Event Collector, such as https://splunk.example.com:8088."),
        needed("token", Kind::Secret, "Its token."),
        optional("index", Kind::Text, "The index, if not the token's own."),
        optional("sourcetype", Kind::Text, "One sourcetype for all, if not hubspot:audit_logs and so on."),
        preset(
            "acknowledgements",
            Kind::Switch,
            "false",
            "Whether an event counts as accepted only when the indexers have acknowledged it (useACK on the token).",
        ),
        optional(
            "max_in_flight",
            MAX_IN_FLIGHT,
            "Batches on their way at a time, 1 or with acknowledgements 8; a crash repeats as many at most.",
        ),
    ],
    TRANSPORT,
    JSON_FORMAT,
    DELIVERY,
]);

/// `[sinks.NAME]`, `type = "elasticsearch"`.
pub(super) const ELASTICSEARCH: Shape = Shape::of(&[
    &[
        needed("endpoint", Kind::Urls, "The cluster; of several addresses the next is tried when one fails."),
        optional("api_key", Kind::Secret, "An API key in its encoded form."),
        optional("username", Kind::Text, "Instead of api_key, together with password."),
        optional("password", Kind::Secret, "Together with username."),
        preset("namespace", Kind::Text, "default", "The last part of logs-<dataset>-<namespace>."),
        preset(
            "flavor",
            Kind::Choice { words: &["elasticsearch", "opensearch"], refused: &[] },
            "elasticsearch",
            "Which of the two it is.",
        ),
    ],
    IN_FLIGHT,
    TRANSPORT,
    JSON_FORMAT,
    DELIVERY,
]);
