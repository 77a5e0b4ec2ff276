//! The keys of `[sources.NAME]`.

use super::{
    ANY_DURATION, Family, Key, Kind, MILLISECOND, SECOND, Shape, at_least, needed, optional, preset,
};

/// `[sources]`.
pub(super) const SOURCES: Family = Family {
    one: "source",
    types: &[("hubspot", &HUBSPOT), ("brevo", &BREVO)],
    later: &[],
    example: "[sources.hubspot] with type = \"hubspot\" and token = { env = \"HUBSPOT_TOKEN\" }",
};

/// More than any provider grants.
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
        "The provider's id of the account, a part of every event.id. \"\" asks the provider.",
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
            Kind::Choice { words: &["tag", "drop"], refused: &[] },
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
const OAUTH: Shape = Shape::of(&[&[
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
