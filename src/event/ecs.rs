//! The event in the words of the Elastic Common Schema 9.4.0
//! (<https://www.elastic.co/guide/en/ecs/current/ecs-field-reference.html>).

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Activity, EventId, Severity, StreamName};

/// `ecs.version` of every event.
pub const ECS_VERSION: &str = "9.4.0";
/// Bytes that most cores fit in, and the allocator's fast path too.
const USUAL_CORE: usize = 1000;

/// One of this program's own words, which need no copy; owned only when an event is read back.
pub type Word = Cow<'static, str>;

/// One event, without what only the store knows (`event.sequence`), what the encoder adds from the record
/// (`event.original`, the provider's own fields) and what is the same in every event (`ecs`, `observer`,
/// `data_stream`). Its JSON is an ECS object; encoders for other formats read it back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When it happened.
    #[serde(rename = "@timestamp", with = "millis")]
    pub timestamp: Timestamp,
    /// One line for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Where it was collected.
    pub auditferry: AuditFerry,
    /// The provider's account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<Account>,
    /// Who did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<User>,
    /// From where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Origin>,
    /// With what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<UserAgent>,
    /// Everything to pivot on.
    #[serde(default, skip_serializing_if = "Related::is_empty")]
    pub related: Related,
    /// Why the record could not be mapped (`event.kind` = `pipeline_error`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    /// Markers such as `mirrored`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// What happened. The last member: the encoder writes the rest of `event` behind it.
    pub event: EventFields,
}

impl Event {
    /// An event that says what and where it is, and nothing more.
    pub fn new(
        id: EventId,
        stream: &StreamName,
        activity: Activity,
        timestamp: Timestamp,
        created: Timestamp,
    ) -> Self {
        let mut event = Self {
            timestamp,
            message: None,
            auditferry: AuditFerry {
                source: stream.source.clone(),
                stream: stream.stream.clone().into(),
                activity: Activity::Unknown,
                object: None,
                details: serde_json::Map::new(),
            },
            organization: None,
            user: None,
            source: None,
            user_agent: None,
            related: Related::default(),
            error: None,
            tags: Vec::new(),
            event: EventFields {
                id,
                kind: Kind::Event,
                category: Vec::new(),
                types: Vec::new(),
                outcome: None,
                severity: Severity::Informational,
                action: "unknown".to_owned(),
                code: None,
                reason: None,
                dataset: Word::Borrowed(""),
                module: Word::Borrowed(""),
                provider: Word::Borrowed(""),
                created,
            },
        };
        event.set_activity(activity);
        event
    }

    /// Says what was done, with the categories and types that follow from it.
    pub fn set_activity(&mut self, activity: Activity) {
        let class = activity.ecs();
        let words = |list: &[&'static str]| list.iter().map(|word| Word::from(*word)).collect();
        self.auditferry.activity = activity;
        self.event.category = words(class.category);
        self.event.types = words(class.types);
    }

    /// Its JSON text: an object whose last member is `event`, itself an object. [`crate::encode`] counts on
    /// that and adds members at the end of both.
    pub fn to_core(&self) -> String {
        // Written with room to grow, kept without: many wait in memory at once.
        let mut json = Vec::with_capacity(USUAL_CORE);
        // Serialising into memory fails only for map keys that are not strings; there are none here.
        let _ = serde_json::to_writer(&mut json, self);
        std::str::from_utf8(&json).unwrap_or_default().to_owned()
    }
}

/// `auditferry.*`: where the event was collected, and the details of the daemon's own events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditFerry {
    /// The source's name in the configuration.
    pub source: String,
    /// The stream of that source.
    pub stream: Word,
    /// What was done, in one vocabulary for all providers.
    #[serde(default)]
    pub activity: Activity,
    /// What it was done to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<Object>,
    /// What one of the daemon's own events tells, by name.
    #[serde(flatten)]
    pub details: serde_json::Map<String, serde_json::Value>,
}

/// `auditferry.object.*`: what something was done to, where the provider tells.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// What it is, lower case with hyphens: `user`, `contact`, `landing-page`, `private-app-token`.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<Word>,
    /// The provider's id or name of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// `organization.*`: the provider's account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// HubSpot portal id, Brevo organization id; empty, and not in the JSON, only where it is kept from a sink.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// Its name, where the provider tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// `user.*`: the actor, and in `target` whom the action was done to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The provider's id of the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// E-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// What people call the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Domain of the e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// The affected user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Box<User>>,
}

/// `source.*`: the address that the action came from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The address as the provider wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The same, only when it parses as an IP address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// Where it is, by the provider's word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub geo: Option<Geo>,
}

/// `source.geo.*`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Geo {
    /// The provider's text, such as `new jersey, united states`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The country in words, where the provider's text has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country_name: Option<String>,
    /// ISO 3166-1 alpha-2, upper case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country_iso_code: Option<String>,
    /// ISO 3166-2, upper case, with the country in front.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region_iso_code: Option<String>,
}

/// `user_agent.*`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserAgent {
    /// As the provider wrote it.
    pub original: String,
    /// The browser's name, such as `Chrome`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The browser's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What the browser runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os: Option<OperatingSystem>,
    /// What that runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Device>,
}

/// `user_agent.os.*`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatingSystem {
    /// Such as `Windows 10`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Such as `10.15.7`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// `user_agent.device.*`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// What sort of device it is, such as `smartphone`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// `related.*`: every user and address that the event names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Related {
    /// Ids, e-mail addresses and names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub user: Vec<String>,
    /// IP addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ip: Vec<String>,
}

impl Related {
    /// Whether it names nothing.
    pub fn is_empty(&self) -> bool {
        self.user.is_empty() && self.ip.is_empty()
    }
}

/// `error.*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Error {
    /// What could not be read.
    pub message: String,
}

/// `event.kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Something that happened.
    Event,
    /// A state that is told again and again, such as a heartbeat.
    State,
    /// A record that could not be mapped.
    PipelineError,
}

/// `event.outcome`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It worked.
    Success,
    /// It did not.
    Failure,
    /// The provider does not say.
    Unknown,
}

/// `event.*`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventFields {
    /// The same for the same event for ever.
    pub id: EventId,
    /// What sort of information this is.
    pub kind: Kind,
    /// From the allowed values of ECS alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub category: Vec<Word>,
    /// From the allowed values of ECS alone.
    #[serde(default, rename = "type", skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<Word>,
    /// Whether it worked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// How much it deserves to be looked at.
    #[serde(default)]
    pub severity: Severity,
    /// What was done, in the provider's words, lower case with hyphens.
    pub action: String,
    /// The provider's own code of the action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Why it had this outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// `hubspot.login` and so on.
    pub dataset: Word,
    /// `hubspot`, `brevo`, `auditferry`.
    pub module: Word,
    /// The stream at the provider.
    pub provider: Word,
    /// When it was collected.
    #[serde(with = "millis")]
    pub created: Timestamp,
}

/// Instants as RFC 3339 text in UTC with milliseconds.
mod millis {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(instant: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{instant:.3}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
