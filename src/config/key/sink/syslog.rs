//! The keys of `type = "syslog"`.

use super::super::{Kind, MILLISECOND, Shape, at_least, needed, optional, preset};
use super::{DELIVERY, TEXT_FORMAT, TLS};

/// `[sinks.NAME]`, `type = "syslog"`.
pub(super) const SYSLOG: Shape = Shape::of(&[
    &[
        needed("address", Kind::Text, "udp://, tcp://, tls://, relp:// or relps://, host and port."),
        preset(
            "framing",
            Kind::Choice { words: &["octet_counting", "newline"], refused: &[] },
            "octet_counting",
            "How messages are told apart over tcp:// and tls:// (RFC 6587).",
        ),
        preset(
            "protocol",
            Kind::Choice { words: &["rfc5424", "rfc3164"], refused: &[] },
            "rfc5424",
            "The header of a message.",
        ),
        preset(
            "facility",
            Kind::Count { least: 0, most: 23 },
            "13",
            "0 to 23; 13 is log audit, 10 security.",
        ),
        preset("app_name", Kind::Text, "auditferry", "APP-NAME, or the tag of RFC 3164."),
        optional("hostname", Kind::Text, "HOSTNAME, if not this machine's."),
        optional(
            "max_message_size",
            Kind::Size { least: 480, most: 16 << 20 },
            "Bytes of a message at most, 8192 or for udp:// 1400; never more than the receiver takes.",
        ),
        preset(
            "timeout",
            at_least(MILLISECOND, "an answer takes some time"),
            "30s",
            "For connecting, and for what the receiver has to answer or acknowledge.",
        ),
        optional("tls", Kind::Table(&TLS), "How the receiver is verified, and who we are."),
    ],
    TEXT_FORMAT,
    DELIVERY,
]);
