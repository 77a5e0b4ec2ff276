//! Every key of the file, once: its name, what it holds, its default and what it means.
//!
//! Reading ([`super::table`]), the JSON Schema ([`super::schema`]) and the test that the example names every
//! key all follow from these tables.

mod sink;
mod source;

use std::time::Duration;

use sink::SINKS;
use source::SOURCES;

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
    /// A number of bytes within bounds.
    Size { least: u64, most: u64 },
    /// A span of time; `least` explains itself by the words after it.
    Duration { least: Duration, why: &'static str },
    /// A span of time before the first poll, or a point in time.
    Start,
    /// An absolute http or https URL.
    Url,
    /// One of them, or a list.
    Urls,
    /// HTTP statuses of success.
    Statuses,
    /// One of these words; of the refused ones it is known why they are not.
    Choice { words: &'static [&'static str], refused: &'static [(&'static str, &'static str)] },
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
    /// What is done to which fields of an event.
    Redactions,
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
/// The largest whole number of TOML and of SQLite.
const ANY_SIZE: u64 = i64::MAX.unsigned_abs();
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
        Kind::Size { least: 1 << 20, most: ANY_SIZE },
        "2GiB",
        "Room for undelivered events. When full, polling pauses; nothing is dropped. At least 1MiB.",
    ),
    preset("retention", ANY_DURATION, "7d", "How long delivered events stay for replay."),
]]);

/// `[server]`.
pub(super) const SERVER: Shape = Shape::of(&[&[
    preset(
        "listen",
        Kind::Listen,
        "127.0.0.1:9464",
        "IP address and port of the status page, /healthz, /readyz, /metrics and /api/status; \"\" is off.",
    ),
    optional(
        "token",
        Kind::Secret,
        "Shows status and metrics only to who sends it as a bearer token. At least 16 bytes.",
    ),
]]);

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
            Self::Urls => "a URL such as \"https://es.example.com:9200\", or a list of them".to_owned(),
            Self::Statuses => "a list of statuses from 200 to 299 such as [200, 202]".to_owned(),
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
            Self::Redactions => {
                "a table of fields, each \"hash\", \"drop\" or \"mask\", such as { \"user.email\" = \"hash\" }"
                    .to_owned()
            }
            Self::Table(_) | Self::Family(_) => "a table".to_owned(),
        }
    }
}
