//! The daemon's own events (dataset `auditferry.service`), so that silence at the SIEM never has two meanings.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{Activity, Event, IdentityFields, IdentityScope, Kind, NewEvent, Outcome, Severity, StreamName};

/// `auditferry.source` of the daemon's own events.
pub const OWN_SOURCE: &str = "auditferry";
/// `auditferry.stream` of the daemon's own events.
pub const OWN_STREAM: &str = "service";

/// Something that the daemon tells of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnEvent {
    /// It began to work.
    Started,
    /// It was told to stop.
    Stopped,
    /// A provider refuses a source's credential.
    CredentialRefused {
        /// The source.
        source: String,
        /// What to do.
        reason: String,
    },
    /// A provider accepts it again.
    CredentialAccepted {
        /// The source.
        source: String,
    },
    /// A part of the past can't be collected any more.
    Gap {
        /// The stream.
        stream: StreamName,
        /// From here.
        from: Timestamp,
        /// To here.
        to: Timestamp,
    },
    /// The spool is full.
    PollingPaused,
    /// It has room again.
    PollingResumed,
    /// A receiver refuses us.
    SinkHeld {
        /// The sink.
        sink: String,
        /// What to do.
        reason: String,
    },
    /// It accepts again.
    SinkRecovered {
        /// The sink.
        sink: String,
    },
    /// A receiver refused an event for good.
    EventDeadLettered {
        /// The sink.
        sink: String,
        /// `event.id`.
        event_id: String,
        /// In the receiver's words.
        reason: String,
    },
    /// Somebody tries whether events arrive; never stored.
    Test,
    /// It works with another configuration from now on.
    ConfigurationReloaded {
        /// What is different, by the names of keys, sources and sinks.
        change: String,
    },
    /// It was told to read its configuration again, and goes on with the one that it has.
    ConfigurationRejected {
        /// What is wrong with the other one.
        reason: String,
    },
    /// Somebody has changed the state with a command.
    StateChanged {
        /// The command, such as `dead-letters drop`.
        command: String,
        /// What it does, for people.
        change: String,
        /// The number of the user who gave it.
        uid: u32,
    },
    /// A stream is still there.
    Heartbeat {
        /// The stream.
        stream: StreamName,
        /// Newest event collected.
        newest: Option<Timestamp>,
        /// Start of the last complete poll.
        last_success: Option<Timestamp>,
        /// The provider was read completely up to this instant.
        complete_to: Option<Timestamp>,
        /// The highest `event.sequence` given so far; zero before the first event.
        last_sequence: i64,
    },
}

impl OwnEvent {
    /// The stream of the daemon's own events.
    pub fn stream() -> StreamName {
        StreamName { source: OWN_SOURCE.to_owned(), stream: OWN_STREAM.to_owned() }
    }

    /// As an event that happened at `now`.
    pub fn to_event(&self, now: Timestamp) -> NewEvent {
        let details = self.details(now);
        let mut fields = IdentityFields::new();
        fields.push(Some(self.action()));
        match self {
            // Told once for each beginning, however often it is found again.
            Self::Gap { stream, from, .. } => {
                for field in [&stream.source, &stream.stream, &from.to_string()] {
                    fields.push(Some(field));
                }
            }
            _ => {
                fields.push(Some(&now.to_string()));
                fields.push(Some(&Value::Object(details.clone()).to_string()));
            }
        }
        let id = IdentityScope::new(OWN_SOURCE, "", OWN_STREAM).id(&fields, None);
        let activity = match self {
            Self::Started => Activity::ServiceStarted,
            Self::Stopped => Activity::ServiceStopped,
            _ => Activity::ServiceState,
        };
        let mut event = Event::new(id, &Self::stream(), activity, now, now);
        event.message = Some(self.message());
        event.auditferry.details = details;
        event.event.kind = if matches!(self, Self::Heartbeat { .. }) { Kind::State } else { Kind::Event };
        event.event.outcome = self.outcome();
        event.event.severity = self.severity();
        event.event.reason = self.reason();
        event.event.action = self.action().to_owned();
        event.event.dataset = "auditferry.service".into();
        event.event.module = OWN_SOURCE.into();
        event.event.provider = OWN_STREAM.into();
        NewEvent { id, time: Some(now), core: event.to_core(), original: String::new() }
    }

    /// `event.action`.
    pub fn action(&self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Stopped => "stopped",
            Self::CredentialRefused { .. } => "credential-refused",
            Self::CredentialAccepted { .. } => "credential-accepted",
            Self::Gap { .. } => "gap",
            Self::PollingPaused => "polling-paused",
            Self::PollingResumed => "polling-resumed",
            Self::SinkHeld { .. } => "sink-held",
            Self::SinkRecovered { .. } => "sink-recovered",
            Self::EventDeadLettered { .. } => "event-dead-lettered",
            Self::Test => "test",
            Self::ConfigurationReloaded { .. } => "configuration-reloaded",
            Self::ConfigurationRejected { .. } => "configuration-rejected",
            Self::StateChanged { .. } => "state-changed",
            Self::Heartbeat { .. } => "heartbeat",
        }
    }

    fn outcome(&self) -> Option<Outcome> {
        match self {
            Self::CredentialRefused { .. } | Self::Gap { .. } | Self::SinkHeld { .. } => {
                Some(Outcome::Failure)
            }
            Self::EventDeadLettered { .. } | Self::ConfigurationRejected { .. } => Some(Outcome::Failure),
            Self::CredentialAccepted { .. }
            | Self::SinkRecovered { .. }
            | Self::ConfigurationReloaded { .. } => Some(Outcome::Success),
            _ => None,
        }
    }

    /// What keeps events from coming or arriving is high; what loses some for good, critical.
    fn severity(&self) -> Severity {
        match self {
            Self::Gap { .. } => Severity::Critical,
            Self::CredentialRefused { .. } | Self::SinkHeld { .. } | Self::EventDeadLettered { .. } => {
                Severity::High
            }
            Self::PollingPaused
            | Self::StateChanged { .. }
            | Self::ConfigurationReloaded { .. }
            | Self::ConfigurationRejected { .. } => Severity::Medium,
            Self::Started | Self::Stopped => Severity::Low,
            Self::CredentialAccepted { .. }
            | Self::PollingResumed
            | Self::SinkRecovered { .. }
            | Self::Test
            | Self::Heartbeat { .. } => Severity::Informational,
        }
    }

    /// `event.reason`.
    fn reason(&self) -> Option<String> {
        match self {
            Self::CredentialRefused { reason, .. }
            | Self::SinkHeld { reason, .. }
            | Self::EventDeadLettered { reason, .. }
            | Self::ConfigurationRejected { reason } => Some(reason.clone()),
            _ => None,
        }
    }

    fn message(&self) -> String {
        match self {
            Self::Started => "auditferry started".to_owned(),
            Self::Stopped => "auditferry stopped".to_owned(),
            Self::CredentialRefused { source, reason } => {
                format!("The provider refuses the credential of source {source}: {reason}")
            }
            Self::CredentialAccepted { source } => {
                format!("The provider accepts the credential of source {source}")
            }
            Self::Gap { stream, from, to } => {
                format!("Events of {stream} from {from} to {to} can't be collected any more")
            }
            Self::PollingPaused => "Polling paused: the spool is full".to_owned(),
            Self::PollingResumed => "Polling resumed: the spool has room again".to_owned(),
            Self::SinkHeld { sink, reason } => format!("Sink {sink} is held: {reason}"),
            Self::SinkRecovered { sink } => format!("Sink {sink} delivers again"),
            Self::EventDeadLettered { sink, event_id, reason } => {
                format!("Sink {sink} refused event {event_id} for good: {reason}")
            }
            Self::Test => "A test: what auditferry sends arrives".to_owned(),
            Self::ConfigurationReloaded { change } => {
                format!("auditferry works with another configuration: {change}; nothing else was touched")
            }
            Self::ConfigurationRejected { reason } => {
                format!(
                    "auditferry goes on with the configuration that it has; the other one is rejected: {reason}"
                )
            }
            Self::StateChanged { change, uid, .. } => format!("{change} (by user {uid})"),
            Self::Heartbeat { stream, .. } => format!("{stream} is being collected"),
        }
    }

    /// `auditferry.*` besides source and stream. The stream that an event is about stands under `about`.
    fn details(&self, now: Timestamp) -> Map<String, Value> {
        let about = |stream: &StreamName| {
            vec![
                ("about_source", Value::from(stream.source.as_str())),
                ("about_stream", stream.stream.as_str().into()),
            ]
        };
        let instant = |instant: &Timestamp| Value::from(format!("{instant:.3}"));
        let text = |text: &String| Value::from(text.as_str());
        let pairs: Vec<(&str, Value)> = match self {
            Self::Started | Self::Stopped | Self::PollingPaused | Self::PollingResumed | Self::Test => {
                Vec::new()
            }
            Self::CredentialRefused { source, reason } => {
                vec![("about_source", text(source)), ("reason", text(reason))]
            }
            Self::CredentialAccepted { source } => vec![("about_source", text(source))],
            Self::Gap { stream, from, to } => {
                let mut pairs = about(stream);
                pairs.extend([("from", instant(from)), ("to", instant(to))]);
                pairs
            }
            Self::SinkHeld { sink, reason } => vec![("sink", text(sink)), ("reason", text(reason))],
            Self::SinkRecovered { sink } => vec![("sink", text(sink))],
            Self::EventDeadLettered { sink, event_id, reason } => {
                vec![("sink", text(sink)), ("event_id", text(event_id)), ("reason", text(reason))]
            }
            Self::ConfigurationReloaded { change } => vec![("change", text(change))],
            Self::ConfigurationRejected { reason } => vec![("reason", text(reason))],
            Self::StateChanged { command, change, uid } => {
                // An identifier, so a text, as ECS writes those of users.
                vec![("command", text(command)), ("change", text(change)), ("uid", uid.to_string().into())]
            }
            Self::Heartbeat { stream, newest, last_success, complete_to, last_sequence } => {
                let mut pairs = about(stream);
                pairs.extend(newest.as_ref().map(|newest| ("newest_event", instant(newest))));
                pairs.extend(last_success.as_ref().map(|success| ("last_success", instant(success))));
                // None when the clock was set back meanwhile, as in the status.
                let lag = complete_to.map(|to| now.duration_since(to).as_secs().max(0));
                pairs.extend(lag.map(|seconds| ("lag_seconds", seconds.into())));
                pairs.push(("last_sequence", (*last_sequence).into()));
                pairs
            }
        };
        pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_that_grows_is_told_once() {
        let stream = StreamName { source: "hubspot".to_owned(), stream: "login".to_owned() };
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let from = at("2026-01-01T00:00:00Z");
        let gap = |to| OwnEvent::Gap { stream: stream.clone(), from, to: at(to) };
        let first = gap("2026-02-01T00:00:00Z").to_event(at("2026-05-01T00:00:00Z"));
        let again = gap("2026-02-02T00:00:00Z").to_event(at("2026-05-02T00:00:00Z"));
        assert_eq!(first.id, again.id);
    }

    #[test]
    fn two_of_a_kind_are_two_events() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let first = OwnEvent::PollingPaused.to_event(at("2026-05-01T00:00:00Z"));
        let second = OwnEvent::PollingPaused.to_event(at("2026-05-01T00:00:01Z"));
        assert_ne!(first.id, second.id);
        assert!(first.core.contains(r#""action":"polling-paused""#), "{}", first.core);
    }

    #[test]
    fn a_heartbeat_tells_lag_and_sequence_as_numbers() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let beat = |complete_to: Option<&str>| {
            let stream = StreamName { source: "hubspot".to_owned(), stream: "login".to_owned() };
            let complete_to = complete_to.map(at);
            let own = OwnEvent::Heartbeat {
                stream,
                newest: None,
                last_success: None,
                complete_to,
                last_sequence: 42,
            };
            let core = own.to_event(at("2026-05-01T00:01:00Z")).core;
            serde_json::from_str::<Event>(&core).unwrap().auditferry.details
        };
        let details = beat(Some("2026-05-01T00:00:18.500Z"));
        assert_eq!((&details["lag_seconds"], &details["last_sequence"]), (&41.into(), &42.into()));
        // A clock that was set back, and a stream that was never read to its end.
        assert_eq!(beat(Some("2026-05-01T00:02:00Z"))["lag_seconds"], 0);
        assert_eq!(beat(None).get("lag_seconds"), None);
    }
}
