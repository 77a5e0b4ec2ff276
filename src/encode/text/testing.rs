//! Events for the tests of both formats.

use std::sync::Arc;

use crate::event::{
    Account, Activity, Event, EventId, Geo, Object, Origin, Outcome, Severity, StoredEvent, StreamName, User,
    UserAgent,
};

const ID: EventId = EventId::from_bytes([0xab; 16]);

fn stream() -> StreamName {
    StreamName { source: "crm".to_owned(), stream: "security".to_owned() }
}

/// An event that says whatever an event can say.
pub(in crate::encode) fn full_event() -> Event {
    let text = |text: &str| Some(text.to_owned());
    let at = |text: &str| text.parse().unwrap();
    let (happened, collected) = (at("2024-09-10T12:26:58.098Z"), at("2024-09-10T12:28:20Z"));
    let mut event = Event::new(ID, &stream(), Activity::UserDisabled, happened, collected);
    event.message = text("Deactivate user 70769658 by david@creativelabs.example");
    event.auditferry.object = Some(Object { kind: Some("user".into()), id: text("70769658") });
    event.organization = Some(Account { id: "148911045".to_owned(), name: text("Creative Labs") });
    let target = User { id: text("70769658"), name: text("Eve"), ..User::default() };
    event.user = Some(User {
        id: text("70700783"),
        email: text("david@creativelabs.example"),
        name: text("David"),
        domain: text("creativelabs.example"),
        target: Some(Box::new(target)),
    });
    event.source = Some(Origin {
        address: text("203.0.113.7"),
        ip: text("203.0.113.7"),
        geo: Some(Geo {
            name: text("mumbai, india"),
            country_name: text("india"),
            country_iso_code: text("IN"),
            region_iso_code: text("IN-MH"),
        }),
    });
    event.user_agent = Some(UserAgent { original: "Mozilla/5.0 (X11)".to_owned(), ..UserAgent::default() });
    event.event.outcome = Some(Outcome::Failure);
    event.event.severity = Severity::Medium;
    event.event.action = "deactivate-user".to_owned();
    event.event.code = text("DEACTIVATE_USER");
    event.event.reason = text("not allowed");
    event.event.dataset = "hubspot.security".into();
    event.event.module = "hubspot".into();
    event.event.provider = "security".into();
    event
}

/// The same as the store keeps it.
pub(in crate::encode) fn stored(event: &Event, original: &str) -> StoredEvent {
    StoredEvent {
        position: 5,
        stream: Arc::new(stream()),
        sequence: 42,
        id: ID,
        core: event.to_core().into(),
        original: original.into(),
    }
}

/// A text made of what ends, splits or escapes something in one of the formats.
pub(in crate::encode) fn nasty(random: &mut fastrand::Rng) -> String {
    const PARTS: [&str; 22] = [
        "=",
        "\\",
        "\\\\",
        "\\=",
        "\\n",
        "|",
        "\\|",
        "^",
        " ",
        "  ",
        "\t",
        "\n",
        "\r\n",
        "\0",
        "\u{7f}",
        "\u{85}",
        "\u{2028}",
        "\"",
        "\u{1f980}",
        " cn1=7",
        "^eventId=7",
        "CEF:0|",
    ];
    (0..random.usize(..10)).map(|_| PARTS[random.usize(..PARTS.len())]).collect()
}
