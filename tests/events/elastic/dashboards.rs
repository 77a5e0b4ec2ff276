//! The dashboards for Kibana and OpenSearch Dashboards: what they show, as a table. How it is written as saved
//! objects stands in `saved_objects`.

/// A page of panels.
pub(super) struct Dashboard {
    pub(super) title: &'static str,
    pub(super) description: &'static str,
    /// From left to right, from top to bottom.
    pub(super) panels: &'static [Panel],
}

/// Something on a dashboard.
pub(super) struct Panel {
    pub(super) title: &'static str,
    /// Which events, in KQL.
    pub(super) query: &'static str,
    /// In columns, of which a dashboard has 48, and in rows of about 20 pixels.
    pub(super) size: (u32, u32),
    pub(super) shows: Shows,
}

/// What a panel shows of its events.
pub(super) enum Shows {
    /// A text in Markdown, and no event.
    Text(&'static str),
    /// Large numbers.
    Numbers(&'static [Number]),
    /// A number over time, one bar for each value of the field on top of the other.
    Bars(Number, Field),
    /// A number over time, one line for each value of the field.
    Lines(Number, Field),
    /// A row for each combination of values, the first number's largest on top.
    Table(&'static [Field], &'static [Number]),
    /// The events themselves, with these fields; a saved search, to be opened by itself too.
    Events(&'static [&'static str]),
}

/// A field to tell events apart by, and what people call it.
pub(super) struct Field(pub(super) &'static str, pub(super) &'static str);

/// What is said of many events in one number, and what people call it.
pub(super) enum Number {
    /// How many there are.
    Count(&'static str),
    /// How many values the field has.
    Distinct(&'static str, &'static str),
    /// The field's smallest value.
    Least(&'static str, &'static str),
    /// The field's largest value.
    Most(&'static str, &'static str),
}

const FAILED: &str = "auditferry.activity : login and event.outcome : failure";
const SIGN_INS: &str = "auditferry.activity : login";
const SUCCEEDED: &str = "auditferry.activity : login and event.outcome : success";
const WAYS_IN: &str = "auditferry.activity : (access-policy-enabled or access-policy-changed or \
    access-policy-disabled or mfa-factor-added or mfa-factor-removed or impersonation)";
const CREDENTIALS: &str = "auditferry.activity : (credential-created or credential-viewed or credential-changed or \
    credential-deleted or integration-installed or integration-removed)";
const USERS: &str = "auditferry.activity : (user-created or user-invited or user-updated or user-deleted or \
    user-enabled or user-disabled or privileges-granted or privileges-revoked or password-changed or password-reset)";
/// What an administrator does, not what marketing does all day: that is `object-…`.
const ADMINISTRATION: &str = "event.category : (iam or configuration) or auditferry.activity : (data-exported or \
    data-deleted or impersonation)";
const HEARTBEATS: &str = "event.dataset : auditferry.service and event.action : heartbeat";
const COLLECTED: &str = "not event.dataset : auditferry.service";

const fn panel(title: &'static str, query: &'static str, size: (u32, u32), shows: Shows) -> Panel {
    Panel { title, query, size, shows }
}

pub(super) const DASHBOARDS: [Dashboard; 3] = [
    Dashboard {
        title: "auditferry: sign-ins",
        description: "Who signed in to HubSpot and Brevo, from where, and who could not",
        panels: &[
            panel(
                "Sign-ins",
                SIGN_INS,
                (24, 10),
                Shows::Numbers(&[
                    Number::Count("attempts"),
                    Number::Distinct("user.email", "users"),
                    Number::Distinct("source.ip", "addresses"),
                    Number::Distinct("source.geo.country_iso_code", "countries"),
                ]),
            ),
            panel(
                "Sign-ins over time",
                SIGN_INS,
                (24, 10),
                Shows::Bars(Number::Count("attempts"), Field("event.outcome", "outcome")),
            ),
            panel(
                "Failed sign-ins by address",
                FAILED,
                (16, 14),
                Shows::Table(
                    &[Field("source.ip", "address")],
                    &[Number::Distinct("user.email", "users"), Number::Count("failed")],
                ),
            ),
            panel(
                "Failed sign-ins by user",
                FAILED,
                (16, 14),
                Shows::Table(
                    &[Field("user.email", "user")],
                    &[Number::Count("failed"), Number::Distinct("source.ip", "addresses")],
                ),
            ),
            panel(
                "Users by number of countries",
                SUCCEEDED,
                (16, 14),
                Shows::Table(
                    &[Field("user.email", "user")],
                    &[
                        Number::Distinct("source.geo.country_iso_code", "countries"),
                        Number::Distinct("source.ip", "addresses"),
                        Number::Count("succeeded"),
                    ],
                ),
            ),
            panel(
                "Sign-ins by country",
                SIGN_INS,
                (24, 14),
                Shows::Table(
                    &[Field("source.geo.country_iso_code", "country"), Field("event.outcome", "outcome")],
                    &[Number::Count("attempts"), Number::Distinct("user.email", "users")],
                ),
            ),
            panel(
                "Sign-ins by browser",
                SIGN_INS,
                (24, 14),
                Shows::Table(
                    &[Field("user_agent.name", "browser"), Field("user_agent.os.name", "system")],
                    &[Number::Count("attempts"), Number::Distinct("user.email", "users")],
                ),
            ),
            panel(
                "Failed sign-ins",
                FAILED,
                (48, 16),
                Shows::Events(&[
                    "event.dataset",
                    "user.email",
                    "source.address",
                    "source.geo.name",
                    "event.reason",
                    "user_agent.name",
                ]),
            ),
        ],
    },
    Dashboard {
        title: "auditferry: administration",
        description: "What was done to users, to their rights, to keys, to the rules of access, and what was exported",
        panels: &[
            panel(
                "Administration",
                ADMINISTRATION,
                (24, 10),
                Shows::Numbers(&[
                    Number::Count("actions"),
                    Number::Distinct("user.email", "people"),
                    Number::Distinct("event.action", "sorts of action"),
                ]),
            ),
            panel(
                "Administration over time",
                ADMINISTRATION,
                (24, 10),
                Shows::Bars(Number::Count("actions"), Field("auditferry.activity", "activity")),
            ),
            panel(
                "Who does what",
                ADMINISTRATION,
                (24, 14),
                Shows::Table(
                    &[Field("user.email", "by"), Field("auditferry.activity", "activity")],
                    &[Number::Count("actions"), Number::Most("@timestamp", "last")],
                ),
            ),
            panel(
                "Exports and bulk deletions by user",
                "auditferry.activity : (data-exported or data-deleted)",
                (24, 14),
                Shows::Table(
                    &[Field("user.email", "by"), Field("event.action", "action")],
                    &[Number::Count("times"), Number::Most("@timestamp", "last")],
                ),
            ),
            panel(
                "Severe actions",
                "event.severity >= 47 and not event.dataset : auditferry.service",
                (48, 16),
                Shows::Events(&["event.severity", "event.action", "message", "user.email", "source.address"]),
            ),
            panel(
                "Rules of access and second factors",
                WAYS_IN,
                (24, 16),
                Shows::Events(&["event.action", "user.email", "user.target.id", "source.address"]),
            ),
            panel(
                "Credentials and integrations",
                CREDENTIALS,
                (24, 16),
                Shows::Events(&["event.action", "user.email", "auditferry.object.id", "source.address"]),
            ),
            panel(
                "Users and their rights",
                USERS,
                (48, 16),
                Shows::Events(&[
                    "event.action",
                    "user.email",
                    "user.target.id",
                    "user.target.email",
                    "source.address",
                ]),
            ),
        ],
    },
    Dashboard {
        title: "auditferry: forwarder health",
        description: "Whether every stream is collected, nothing is missing, and what the forwarder says of itself",
        panels: &[
            panel(
                "How to read this page",
                "",
                (48, 7),
                Shows::Text(
                    "Each stream has a **heartbeat** every 15 minutes. A stream whose last heartbeat is older has \
                     gone silent: the forwarder is down, or its way to here is cut. **Lag** is how far the collection \
                     is behind the provider.\n\nA **number** is given to each event: 1, 2, 3 … without a hole for each \
                     source and stream. Where `last - first + 1` is more than `events`, some are missing, or they \
                     happened before the span of time that is shown and arrived within it: choose a span that holds \
                     everything before you believe it.",
                ),
            ),
            panel(
                "Streams by last heartbeat",
                HEARTBEATS,
                (48, 12),
                Shows::Table(
                    &[
                        Field("observer.hostname", "forwarder"),
                        Field("auditferry.about_source", "source"),
                        Field("auditferry.about_stream", "stream"),
                    ],
                    &[
                        Number::Most("@timestamp", "last heartbeat"),
                        Number::Most("auditferry.newest_event", "newest event"),
                        Number::Most("auditferry.lag_seconds", "largest lag (s)"),
                        Number::Most("auditferry.last_sequence", "last number given"),
                    ],
                ),
            ),
            panel(
                "Lag over time",
                HEARTBEATS,
                (24, 12),
                Shows::Lines(
                    Number::Most("auditferry.lag_seconds", "lag (s)"),
                    Field("auditferry.about_stream", "stream"),
                ),
            ),
            panel(
                "Events over time",
                COLLECTED,
                (24, 12),
                Shows::Bars(Number::Count("events"), Field("event.dataset", "dataset")),
            ),
            panel(
                "Numbers of events",
                "",
                (24, 12),
                Shows::Table(
                    &[Field("auditferry.source", "source"), Field("auditferry.stream", "stream")],
                    &[
                        Number::Count("events"),
                        Number::Least("event.sequence", "first"),
                        Number::Most("event.sequence", "last"),
                    ],
                ),
            ),
            panel(
                "Events that auditferry did not understand",
                "event.kind : pipeline_error or auditferry.activity : unknown",
                (24, 12),
                Shows::Table(
                    &[Field("event.dataset", "dataset"), Field("event.code", "code")],
                    &[Number::Count("events"), Number::Most("@timestamp", "last")],
                ),
            ),
            panel(
                "What the forwarder says",
                "event.dataset : auditferry.service and not event.action : heartbeat",
                (48, 16),
                Shows::Events(&["event.severity", "event.action", "message", "observer.hostname"]),
            ),
        ],
    },
];
