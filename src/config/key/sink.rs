//! The keys of `[sinks.NAME]`.

mod http;
mod syslog;

use super::{ANY_DURATION, ANY_SIZE, Family, Key, Kind, Shape, needed, optional, preset};

/// `[sinks]`.
pub(super) const SINKS: Family = Family {
    one: "sink",
    types: &[
        ("stdout", &STDOUT),
        ("file", &FILE_SINK),
        ("splunk_hec", &http::SPLUNK_HEC),
        ("elasticsearch", &http::ELASTICSEARCH),
        ("syslog", &syslog::SYSLOG),
        ("http", &http::HTTP),
    ],
    later: &[],
    example: "[sinks.stdout] with type = \"stdout\"",
};

/// What any sink has.
const DELIVERY: &[Key] = &[
    preset("sources", Kind::Texts, "*", "The sources whose events it gets, by name; \"*\" is all."),
    preset(
        "ocsf_version",
        Kind::Choice { words: &["1.3", "1.9"], refused: &[] },
        "1.3",
        "Which version of the Open Cybersecurity Schema Framework format = \"ocsf\" writes.",
    ),
    preset(
        "include_original",
        Kind::Switch,
        "true",
        "Whether the provider's record goes along in event.original.",
    ),
    optional(
        "redact",
        Kind::Redactions,
        "Fields that it must not learn: \"hash\", \"drop\" or \"mask\" each. The provider's record goes, too.",
    ),
    optional(
        "redact_key",
        Kind::Secret,
        "The key of the hashes, at least 16 bytes; the same key gives the same hashes.",
    ),
    optional("batch", Kind::Table(&BATCH), "When a batch is sent: as soon as one of these is reached."),
];

/// `format` of what takes JSON.
const JSON_FORMAT: &[Key] = &[preset(
    "format",
    Kind::Choice {
        words: &["ecs", "ocsf", "raw"],
        refused: &[("cef", "is for syslog sinks alone"), ("leef", "is for syslog sinks alone")],
    },
    "ecs",
    FORMAT,
)];

/// `format` of a syslog sink.
const TEXT_FORMAT: &[Key] = &[preset(
    "format",
    Kind::Choice { words: &["ecs", "ocsf", "cef", "leef", "raw"], refused: &[] },
    "ecs",
    FORMAT,
)];

const FORMAT: &str = "Elastic Common Schema, Open Cybersecurity Schema Framework, ArcSight's Common Event Format, \
                      QRadar's Log Event Extended Format, or the provider's record with the event's identity.";

/// `batch`. A batch is in memory, twice while it is encoded: the upper bounds keep that within 150 MB or so.
const BATCH: Shape = Shape::of(&[&[
    preset("max_events", Kind::Count { least: 1, most: 100_000 }, "500", "Events a batch at most."),
    preset(
        "max_bytes",
        Kind::Size { least: 1 << 10, most: 64 << 20 },
        "1MiB",
        "Bytes a batch at most, before compression; a larger event goes alone. From 1KiB to 64MiB.",
    ),
    preset("max_wait", ANY_DURATION, "1s", "How long the first event waits for others."),
]]);

/// `[sinks.NAME]`, `type = "stdout"`.
const STDOUT: Shape = Shape::of(&[JSON_FORMAT, DELIVERY]);

/// `[sinks.NAME]`, `type = "file"`.
const FILE_SINK: Shape = Shape::of(&[
    &[
        needed("path", Kind::Path, "JSON lines are appended here."),
        preset(
            "rotate_size",
            Kind::Size { least: 0, most: ANY_SIZE },
            "0",
            "A file this large is set aside; 0 is never.",
        ),
        preset(
            "rotate_keep",
            Kind::Count { least: 1, most: 10_000 },
            "10",
            "How many set-aside files stay; older ones are removed.",
        ),
    ],
    JSON_FORMAT,
    DELIVERY,
]);

/// `tls`.
const TLS: Shape = Shape::of(&[&[
    optional("ca_file", Kind::Path, "Authorities to trust instead of the platform's, PEM."),
    optional("cert_file", Kind::Path, "Client certificate chain, PEM. Together with key_file."),
    optional("key_file", Kind::Path, "Its private key, PEM. Together with cert_file."),
    optional(
        "server_name",
        Kind::Text,
        "The name that the receiver's certificate has, if not the address's.",
    ),
    optional(
        "fingerprints",
        Kind::Texts,
        "Certificates to trust by their fingerprint alone: \"sha-256:…\" or \"sha-1:…\" (RFC 5425 section 4.2.2).",
    ),
]]);
