//! Every key of the file, once: its name, what it holds, its default and what it means.
//!
//! Reading ([`super::table`]), the JSON Schema ([`super::schema`]) and the test that the example names every
//! key all follow from these tables.

use std::time::Duration;

use super::unit;

/// One key.
#[derive(Debug)]
pub(super) struct Key {
    /// As it is written.
    pub(super) name: &'static str,
    /// What it holds.
    pub(super) kind: Kind,
    /// What happens when it is not set.
    pub(super) absent: Absent,
    /// What it means, for an editor.
    pub(super) about: &'static str,
}

/// What happens when a key is not set.
#[derive(Debug, Clone, Copy)]
pub(super) enum Absent {
    /// That is a fault.
    Fault,
    /// The program does without.
    Without,
    /// It is read as if the environment had set it to this.
    Default(&'static str),
}

/// What a key holds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// Any text.
    Text,
    /// Text, or a whole number that stands for its digits.
    Account,
    /// A file or directory.
    Path,
    /// IP address and port; empty is off.
    Listen,
    /// Yes or no.
    Switch,
    /// A whole number within bounds.
    Count { least: u64, most: u64 },
    /// A number of bytes.
    Size { least: u64 },
    /// A span of time; `least` explains itself by the words after it.
    Duration { least: Duration, why: &'static str },
    /// A span of time before the first poll, or a point in time.
    Start,
    /// An absolute http or https URL.
    Url,
    /// One of these words; `later` are known but not in this version.
    Choice { words: &'static [&'static str], later: &'static [&'static str] },
    /// `v3` or a year and month.
    Version,
    /// Several of these words.
    Words(&'static [&'static str]),
    /// Any texts.
    Texts,
    /// A secret in any of its forms.
    Secret,
    /// Texts or secrets under any names.
    Headers,
    /// A table with keys of its own.
    Table(&'static Shape),
    /// Tables under names of the user's, each with a `type`.
    Family(&'static Family),
}

/// The keys of a table.
#[derive(Debug)]
pub(super) struct Shape {
    /// In the order of the example.
    pub(super) keys: &'static [&'static [Key]],
    /// Keys that one may well expect here, and why they are not: the problem and the hint.
    pub(super) refused: &'static [(&'static str, &'static str, &'static str)],
}

impl Shape {
    const fn of(keys: &'static [&'static [Key]]) -> Self {
        Self { keys, refused: &[] }
    }

    /// Its keys.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'static Key> {
        self.keys.iter().flat_map(|keys| keys.iter())
    }
}

/// Tables of one trade, told apart by `type`.
#[derive(Debug)]
pub(super) struct Family {
    /// `source` or `sink`.
    pub(super) one: &'static str,
    /// The types there are, and their keys besides `type`.
    pub(super) types: &'static [(&'static str, &'static Shape)],
    /// Types that are known but not in this version, and what to do meanwhile.
    pub(super) later: &'static [(&'static str, &'static str)],
    /// How to add one.
    pub(super) example: &'static str,
}

const fn needed(name: &'static str, kind: Kind, about: &'static str) -> Key {
    Key { name, kind, absent: Absent::Fault, about }
}

const fn optional(name: &'static str, kind: Kind, about: &'static str) -> Key {
    Key { name, kind, absent: Absent::Without, about }
}

const fn preset(name: &'static str, kind: Kind, default: &'static str, about: &'static str) -> Key {
    Key { name, kind, absent: Absent::Default(default), about }
}

const fn at_least(least: Duration, why: &'static str) -> Kind {
    Kind::Duration { least, why }
}

const ANY_DURATION: Kind = at_least(Duration::ZERO, "");
const SECOND: Duration = Duration::from_secs(1);
const MILLISECOND: Duration = Duration::from_millis(1);

/// The whole file.
pub(super) const FILE: Shape = Shape::of(&[&[
    preset(
        "state_dir",
        Kind::Path,
        "/var/lib/auditferry",
        "Where cursors and undelivered events live. One process at a time.",
    ),
    optional("spool", Kind::Table(&SPOOL), "The store of events between collection and delivery."),
    optional("server", Kind::Table(&SERVER), "The status page and the endpoints for monitoring."),
    needed(
        "sources",
        Kind::Family(&SOURCES),
        "The accounts to collect from, each under a name of yours: [a-z][a-z0-9_]*.",
    ),
    needed("sinks", Kind::Family(&SINKS), "Where events go, each under a name of yours: [a-z][a-z0-9_]*."),
]]);

/// `[spool]`.
pub(super) const SPOOL: Shape = Shape::of(&[&[
    preset(
        "max_size",
        Kind::Size { least: 1 << 20 },
        "2GiB",
        "Room for undelivered events. When full, polling pauses; nothing is dropped. At least 1MiB.",
    ),
    preset("retention", ANY_DURATION, "7d", "How long delivered events stay for replay."),
]]);

/// `[server]`.
pub(super) const SERVER: Shape = Shape::of(&[&[preset(
    "listen",
    Kind::Listen,
    "127.0.0.1:9464",
    "IP address and port of the status page, /healthz, /readyz, /metrics and /api/status. \"\" turns it off. There is no login: keep it on loopback.",
)]]);

/// `[sources]`.
pub(super) const SOURCES: Family = Family {
    one: "source",
    types: &[("hubspot", &HUBSPOT), ("brevo", &BREVO)],
    later: &[],
    example: "[sources.hubspot] with type = \"hubspot\" and token = { env = \"HUBSPOT_TOKEN\" }",
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

const BUDGET: Kind = Kind::Count { least: 1, most: u32::MAX as u64 };

/// How often and how far any source is read, besides what differs between providers.
const POLLING: &[Key] = &[
    preset("start", Kind::Start, "90d", "How far back the first poll reaches: a duration or a time."),
    preset(
        "reconcile_interval",
        ANY_DURATION,
        "24h",
        "Between two deeper walks, which catch what came later than the lookback. \"0s\" is never.",
    ),
    preset(
        "reconcile_depth",
        at_least(MILLISECOND, "a walk of no depth finds nothing; reconcile_interval = \"0s\" turns it off"),
        "7d",
        "How far back a deeper walk reaches.",
    ),
    preset(
        "account_id",
        Kind::Account,
        "",
        "The provider's id of the account, a part of every event.id. \"\" asks the provider; set it only where the provider will not say.",
    ),
    preset(
        "allow_plaintext",
        Kind::Switch,
        "false",
        "Whether base_url may be http:// to another host. The credential then travels readable.",
    ),
];

const POLL_INTERVAL: Kind = at_least(SECOND, "polling more often only wastes the request budget");

/// `[sources.NAME]`, `type = "hubspot"`.
const HUBSPOT: Shape = Shape::of(&[
    &[
        optional(
            "token",
            Kind::Secret,
            "A private app's access token or a service key. Either this or oauth.",
        ),
        optional("oauth", Kind::Table(&OAUTH), "An OAuth app's grant. Either this or token."),
        preset("base_url", Kind::Url, "https://api.hubapi.com", "Where HubSpot answers."),
        preset(
            "api_version",
            Kind::Version,
            "2026-09",
            "The version in every path: \"v3\", \"2025-09\", \"2026-03\", \"2026-09\".",
        ),
        preset(
            "mirrored",
            Kind::Choice { words: &["tag", "drop"], later: &[] },
            "tag",
            "Audit log events that login or security carry in full: deliver them tagged, or leave them out.",
        ),
        preset(
            "horizon",
            at_least(MILLISECOND, "a provider that remembers nothing has nothing to collect"),
            "365d",
            "How far back HubSpot remembers audit_logs and security. (login: 90 days, not settable.)",
        ),
        preset(
            "streams",
            Kind::Words(&["audit_logs", "login", "security"]),
            "audit_logs,login,security",
            "The logs to collect.",
        ),
        preset("poll_interval", POLL_INTERVAL, "1m", "Between two polls of a stream."),
        preset(
            "lookback",
            ANY_DURATION,
            "1h",
            "How far behind its cursor each poll reads again, for late events.",
        ),
        preset("requests_per_10s", BUDGET, "50", "Its share of HubSpot's request limit."),
    ],
    POLLING,
]);

/// `oauth`.
pub(super) const OAUTH: Shape = Shape::of(&[&[
    needed("client_id", Kind::Text, "The app's client id. Not a secret."),
    needed("client_secret", Kind::Secret, "The app's client secret."),
    needed("refresh_token", Kind::Secret, "The account's grant to the app."),
]]);

/// `[sources.NAME]`, `type = "brevo"`.
const BREVO: Shape = Shape {
    keys: &[
        &[
            needed("api_key", Kind::Secret, "An API key of the account."),
            preset("base_url", Kind::Url, "https://api.brevo.com", "Where Brevo answers."),
            preset("poll_interval", POLL_INTERVAL, "5m", "Between two polls."),
            preset(
                "lookback",
                ANY_DURATION,
                "24h",
                "How far behind its cursor each poll reads again, for late events.",
            ),
            preset("requests_per_hour", BUDGET, "80", "Its share of Brevo's request limit."),
        ],
        POLLING,
    ],
    refused: &[
        ("horizon", "Brevo keeps 12 months, which no key changes", "leave it out"),
        ("streams", "a Brevo account has one stream, `activities`", "leave it out"),
    ],
};

/// What any sink has.
const DELIVERY: &[Key] = &[
    preset("sources", Kind::Texts, "*", "The sources whose events it gets, by name; \"*\" is all."),
    preset(
        "format",
        Kind::Choice { words: &["ecs", "raw"], later: &["ocsf", "cef", "leef"] },
        "ecs",
        "How an event is written: Elastic Common Schema, or the provider's record with the event's identity in front.",
    ),
    preset(
        "include_original",
        Kind::Switch,
        "true",
        "Whether the provider's record goes along in event.original.",
    ),
    optional("batch", Kind::Table(&BATCH), "When a batch is sent: as soon as one of these is reached."),
];

/// `batch`. A hundred thousand events are some 100 MB of memory per sink.
pub(super) const BATCH: Shape = Shape::of(&[&[
    preset("max_events", Kind::Count { least: 1, most: 100_000 }, "500", "Events a batch at most."),
    preset(
        "max_bytes",
        Kind::Size { least: 1 << 10 },
        "1MiB",
        "Bytes a batch at most, before compression; a larger event goes alone. At least 1KiB.",
    ),
    preset("max_wait", ANY_DURATION, "1s", "How long the first event waits for others."),
]]);

/// `[sinks.NAME]`, `type = "stdout"`.
const STDOUT: Shape = Shape::of(&[DELIVERY]);

/// `[sinks.NAME]`, `type = "file"`.
const FILE_SINK: Shape = Shape::of(&[
    &[
        needed("path", Kind::Path, "JSON lines are appended here."),
        preset("rotate_size", Kind::Size { least: 0 }, "0", "A file this large is set aside; 0 is never."),
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
pub(super) const TLS: Shape = Shape {
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

/// The forms of a secret that is a table.
pub(super) const SECRET: Shape = Shape::of(&[&[
    optional("env", Kind::Text, "The name of an environment variable."),
    optional("file", Kind::Path, "A file that holds nothing else."),
    optional("credential", Kind::Text, "The name of a systemd credential (LoadCredential=)."),
    optional("command", Kind::Texts, "A program and its arguments; its standard output is the secret."),
]]);

impl Kind {
    /// What it looks like, for the errors.
    pub(super) fn expected(&self) -> String {
        match self {
            Self::Text | Self::Path => "text in quotes".to_owned(),
            Self::Account => "the account's id, as text or number".to_owned(),
            Self::Listen => {
                "an IP address and a port such as \"127.0.0.1:9464\", or \"\" for none".to_owned()
            }
            Self::Switch => "true or false".to_owned(),
            Self::Count { least, most } => format!("a whole number from {least} to {most}"),
            Self::Size { .. } => unit::SIZE.to_owned(),
            Self::Duration { .. } => unit::DURATION.to_owned(),
            Self::Start => format!("{}, or {}", unit::DURATION, unit::TIME),
            Self::Url => "a URL such as \"https://siem.example.com/events\"".to_owned(),
            Self::Choice { words, .. } => format!("one of {}", super::fault::list(words)),
            Self::Version => "`v3` or a year and month such as `2026-09`".to_owned(),
            Self::Words(words) => format!("a list out of {}", super::fault::list(words)),
            Self::Texts => "a list of texts such as [\"a\", \"b\"]".to_owned(),
            Self::Secret => {
                "a secret: { env = \"NAME\" }, { file = \"PATH\" }, { credential = \"NAME\" } or \
                             { command = [\"prog\", \"arg\"] }"
                    .to_owned()
            }
            Self::Headers => "a table such as { X-Tenant = \"a\" }".to_owned(),
            Self::Table(_) | Self::Family(_) => "a table".to_owned(),
        }
    }
}
