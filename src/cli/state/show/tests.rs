use super::*;
use crate::event::{Account, StreamName};
use crate::observe::samples::{about, ago};
use crate::store::Cursor;

fn entry(source: &str, stream: &str) -> StreamEntry {
    StreamEntry {
        name: StreamName { source: source.to_owned(), stream: stream.to_owned() },
        account: None,
        cursor: Cursor::default(),
        filter: FilterHabit::Primary,
        reconciled: None,
        sequence: 0,
        known_ids: 0,
        gaps: Vec::new(),
    }
}

fn sink(name: &str, active: bool, waiting: i64) -> SinkEntry {
    SinkEntry { name: name.to_owned(), active, position: 12_345, delivered: 12_000, waiting }
}

/// A stream with everything, one that was forgotten, one that is no longer configured, and the daemon's own.
fn inventory() -> Inventory {
    let login = StreamEntry {
        account: Some(Account { id: "4711".to_owned(), name: Some("Harborlight".to_owned()) }),
        cursor: Cursor {
            high_water: Some(ago(180)),
            complete_from: Some(ago(86_400)),
            complete_to: Some(ago(20)),
        },
        filter: FilterHabit::Alternative,
        reconciled: Some(ago(7200)),
        sequence: 1800,
        known_ids: MOST_COUNTED,
        gaps: vec![Gap {
            stream: StreamName { source: "hubspot".to_owned(), stream: "login".to_owned() },
            from: ago(90_000),
            to: ago(88_000),
        }],
        ..entry("hubspot", "login")
    };
    let own = StreamEntry { sequence: 9, known_ids: 9, ..entry("auditferry", "service") };
    let gone = StreamEntry {
        cursor: Cursor { complete_to: Some(ago(20)), ..Cursor::default() },
        filter: FilterHabit::Unfiltered,
        ..entry("old", "activities")
    };
    Inventory {
        streams: vec![own, login, entry("hubspot", "security"), gone],
        sinks: vec![
            sink("archive", true, 4321),
            sink("old", false, 0),
            sink("siem", false, 0),
            sink("was", true, 5),
        ],
    }
}

#[test]
fn people_see_a_paragraph_for_each_stream_and_a_table_of_sinks() {
    let text = Shown::new(&inventory(), &about()).text();
    assert_eq!(text, include_str!("show.txt"), "{text}");
}

#[test]
fn scripts_see_the_same() {
    let shown = serde_json::to_value(Shown::new(&inventory(), &about())).unwrap();
    let login = &shown["streams"][1];
    for (key, value) in [
        ("source", "hubspot".into()),
        ("stream", "login".into()),
        ("configured", true.into()),
        ("account_id", "4711".into()),
        ("complete_to", ago(20).to_string().into()),
        ("filter", "in-another-unit".into()),
        ("sequence", 1800.into()),
        ("known_ids", MOST_COUNTED.into()),
        ("more_known_ids", serde_json::Value::from(true)),
    ] {
        assert_eq!(login[key], value, "{key}");
    }
    assert_eq!(login["gaps"][0]["to"], ago(88_000).to_string());
    assert_eq!(shown["streams"][3]["configured"], false);
    assert_eq!(shown["sinks"][3]["active"], true);
    let none = Inventory { sinks: Vec::new(), ..inventory() };
    assert!(serde_json::to_value(Shown::new(&none, &about())).unwrap().get("sinks").is_none());
}
