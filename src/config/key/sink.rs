//! The keys of `[sinks.NAME]`.

use super::{
    ANY_DURATION, ANY_SIZE, Family, Key, Kind, MILLISECOND, Shape, at_least, needed, optional, preset,
};

/// `[sinks]`.
pub(super) const SINKS: Family = Family {
    one: "sink",
    types: &[("stdout", &STDOUT), ("file", &FILE_SINK), ("http", &HTTP)],
    later: &[
        ("splunk_hec", "meanwhile use `http` with a collector in between, or `file` with a forwarder"),
        ("elasticsearch", "meanwhile use `http` to a collector that writes to it, or `file` with a shipper"),
        ("syslog", "meanwhile use `file` with a syslog daemon that reads it, or `http`"),
    ],
    example: "[sinks.stdout] with type = \"stdout\"",
};

/// What any sink has.
const DELIVERY: &[Key] = &[
    preset("sources", Kind::Texts, "*", "The sources whose events it gets, by name; \"*\" is all."),
    preset(
        "format",
        Kind::Choice { words: &["ecs", "raw"], later: &["ocsf", "cef", "leef"] },
        "ecs",
        "Elastic Common Schema, or the provider's record with the event's identity in front.",
    ),
    preset(
        "include_original",
        Kind::Switch,
        "true",
        "Whether the provider's record goes along in event.original.",
    ),
    optional("batch", Kind::Table(&BATCH), "When a batch is sent: as soon as one of these is reached."),
];

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
const STDOUT: Shape = Shape::of(&[DELIVERY]);

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
    DELIVERY,
]);

/// `[sinks.NAME]`, `type = "http"`.
const HTTP: Shape = Shape {
    keys: &[
        &[
            needed("endpoint", Kind::Url, "Where batches are posted."),
            preset(
                "encoding",
                Kind::Choice { words: &["ndjson", "json_array"], later: &[] },
                "ndjson",
                "How a batch is written: one JSON object a line, or one array.",
            ),
            optional("token", Kind::Secret, "A bearer token."),
            optional("headers", Kind::Headers, "More request headers: texts, or secrets."),
            preset(
                "compression",
                Kind::Choice { words: &["gzip", "none"], later: &["zstd"] },
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
                "Whether endpoint may be http:// to another host. Events and token then travel readable.",
            ),
            optional("tls", Kind::Table(&TLS), "How the receiver is verified, and who we are."),
        ],
        DELIVERY,
    ],
    refused: &[(
        "signing_secret",
        "signed requests are not in this version of auditferry",
        "meanwhile use `token`, or client certificates in `tls`",
    )],
};

/// `tls`.
const TLS: Shape = Shape {
    keys: &[&[
        optional("ca_file", Kind::Path, "Authorities to trust instead of the platform's, PEM."),
        optional("cert_file", Kind::Path, "Client certificate chain, PEM. Together with key_file."),
        optional("key_file", Kind::Path, "Its private key, PEM. Together with cert_file."),
    ]],
    refused: &[(
        "server_name",
        "does not apply to an http sink: the receiver is verified by the host name in `endpoint`",
        "put the name of the certificate into `endpoint`",
    )],
};
