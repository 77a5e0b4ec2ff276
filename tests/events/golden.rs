//! The examples in `docs/events/`: one file for each type of event, with the provider's record and what becomes
//! of it in every format. They are the golden files of the mappings and of the encoders.
//!
//! `AUDITFERRY_GOLDEN=write cargo test --test events golden` writes them anew from their records; look at what
//! changed before it is committed. A new example is a new file that holds its title and its record.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use auditferry::encode::{Encoder, Envelope, Format, Observer, OcsfVersion};
use auditferry::event::{
    Account, Event, EventId, IdentityScope, NewEvent, OwnEvent, StoredEvent, StreamName,
};
use auditferry::provider::brevo::Brevo;
use auditferry::provider::hubspot::{HubSpot, Mirrored};
use auditferry::provider::{About, PageToken, Provider, Query, Record, StreamSpec, Unit};
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::Value;

use crate::difference::difference;

/// When the examples' records were collected.
const COLLECTED: &str = "2026-11-22T10:00:00.123Z";
/// `event.sequence` of the examples.
const SEQUENCE: i64 = 42;
/// Examples of this name are mapped as if `audit_logs` alone were collected.
const ALONE: &str = "-alone";

/// An example event.
#[derive(Debug)]
pub(crate) struct Case {
    /// `event.dataset`, and the folder of its file.
    pub(crate) dataset: String,
    /// The name of its file.
    pub(crate) name: String,
    /// The provider's record as it stands in the file; `None` for the daemon's own events.
    pub(crate) record: Option<String>,
    /// The event as the store keeps it.
    pub(crate) event: StoredEvent,
    title: String,
}

/// A format as the examples show it.
pub(crate) struct Shown {
    /// The heading in the file.
    pub(crate) title: &'static str,
    /// How the block is marked.
    pub(crate) language: &'static str,
    /// Made anew, as an encoder may count what it has written.
    pub(crate) format: fn() -> Format,
}

/// Every format, in the order of the files.
pub(crate) const FORMATS: [Shown; 5] = [
    Shown { title: "ECS", language: "json", format: || Format::ecs(false, "default", &observer()) },
    Shown {
        title: "OCSF 1.3",
        language: "json",
        format: || Format::ocsf(OcsfVersion::V1_3, false, &observer()),
    },
    Shown {
        title: "OCSF 1.9",
        language: "json",
        format: || Format::ocsf(OcsfVersion::V1_9, false, &observer()),
    },
    Shown { title: "CEF", language: "text", format: || Format::cef(false, &observer()) },
    Shown { title: "LEEF", language: "text", format: || Format::leef(false, &observer()) },
];

/// Who collects the examples.
pub(crate) fn observer() -> Observer {
    Observer { hostname: "collector-1".to_owned(), version: "0.1.0".to_owned() }
}

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/events")
}

impl Case {
    /// An event that no file shows.
    pub(crate) fn without_file(dataset: &str, name: &str, record: Option<&str>, event: StoredEvent) -> Self {
        let record = record.map(str::to_owned);
        Self { dataset: dataset.to_owned(), name: name.to_owned(), record, event, title: String::new() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        folder().join(&self.dataset).join(format!("{}.md", self.name))
    }

    /// One line in this format.
    pub(crate) fn line(&self, format: Format) -> String {
        let mut out = Vec::new();
        Encoder::new(format, Envelope::Line).encode(&self.event, &mut out);
        String::from_utf8(out).unwrap()
    }

    /// The ECS event, without `event.original`.
    pub(crate) fn ecs(&self) -> Value {
        json(&self.line((FORMATS[0].format)()))
    }

    /// The whole file.
    fn text(&self) -> String {
        let mut text = format!("# {}\n", self.title);
        if let Some(record) = &self.record {
            let _ = write!(text, "\n## Record\n\n```json\n{record}\n```\n");
        }
        for Shown { title, language, format } in &FORMATS {
            let line = self.line(format());
            let block = if *language == "json" { format!("{:#}", json(&line)) } else { line };
            let _ = write!(text, "\n## {title}\n\n```{language}\n{block}\n```\n");
        }
        text
    }
}

fn json(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

/// Every example, in the order of folders and names.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = own_cases();
    for dataset in names(&folder()) {
        if dataset == "auditferry.service" || dataset.ends_with(".md") {
            continue;
        }
        for file in names(&folder().join(&dataset)) {
            let path = folder().join(&dataset).join(&file);
            let text = fs::read_to_string(&path).unwrap();
            let title = text.lines().next().and_then(|line| line.strip_prefix("# "));
            let record = text.split("```json\n").nth(1).and_then(|rest| rest.split("\n```").next());
            let (Some(title), Some(record)) = (title, record) else {
                panic!("{} needs a title (`# …`) and a record (```json)", path.display());
            };
            let name = file.strip_suffix(".md").unwrap_or_else(|| panic!("{} is no .md", path.display()));
            cases.push(Case {
                event: stored(&dataset, record, !name.ends_with(ALONE)),
                dataset: dataset.clone(),
                name: name.to_owned(),
                record: Some(record.to_owned()),
                title: title.to_owned(),
            });
        }
    }
    cases.sort_by(|a, b| (&a.dataset, &a.name).cmp(&(&b.dataset, &b.name)));
    cases
}

fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// The provider of a dataset, and the stream.
pub(crate) fn provider(dataset: &str, is_mirrored: bool) -> (Box<dyn Provider>, &'static StreamSpec) {
    let base = |url: &str| url.parse().unwrap();
    let provider: Box<dyn Provider> = match dataset.split('.').next() {
        Some("hubspot") => {
            let mirrored = Mirrored { login: is_mirrored, security: is_mirrored };
            Box::new(HubSpot::new(base("https://api.hubapi.com"), "2026-09", mirrored))
        }
        Some("brevo") => Box::new(Brevo::new(base("https://api.brevo.com/v3"))),
        _ => panic!("{dataset} has no provider"),
    };
    let spec = provider.streams().iter().find(|spec| spec.dataset == dataset);
    let spec = spec.unwrap_or_else(|| panic!("no stream has the dataset {dataset}"));
    (provider, spec)
}

/// The only record of a page that holds this text.
fn read(provider: &dyn Provider, spec: &StreamSpec, text: &str) -> Record {
    let member = if provider.name() == "brevo" { "logs" } else { "results" };
    let body = Bytes::from(format!("{{\"{member}\":[{text}]}}"));
    let query = Query { range: None, unit: Unit::Primary, limit: 100, at: PageToken::First };
    let page = provider.read_page(spec, &query, &body).unwrap();
    let [record] = <[Record; 1]>::try_from(page.records).unwrap();
    assert_eq!(record.text, text);
    record
}

/// The event of a record, as the store keeps it.
pub(crate) fn stored(dataset: &str, text: &str, is_mirrored: bool) -> StoredEvent {
    let (provider, spec) = provider(dataset, is_mirrored);
    let record = read(provider.as_ref(), spec, text);
    let account = Account { id: "148911045".to_owned(), name: None };
    let scope = IdentityScope::new(provider.name(), &account.id, spec.name);
    let about = About {
        id: scope.id(&record.identity, spec.ordinals.then_some(1)),
        source: provider.name(),
        account: &account,
        collected: COLLECTED.parse().unwrap(),
    };
    let event: Event = provider.event(spec, &record, &about);
    let stream = StreamName { source: provider.name().to_owned(), stream: spec.name.to_owned() };
    kept(stream, about.id, event.to_core(), record.text)
}

fn kept(stream: StreamName, id: EventId, core: String, original: String) -> StoredEvent {
    StoredEvent {
        position: 1,
        stream: Arc::new(stream),
        sequence: SEQUENCE,
        id,
        core: core.into(),
        original: original.into(),
    }
}

/// One of each of the daemon's own events.
fn own_cases() -> Vec<Case> {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let stream = || StreamName { source: "hubspot".to_owned(), stream: "login".to_owned() };
    let (sink, source) = (|| "splunk".to_owned(), || "hubspot".to_owned());
    let events = [
        OwnEvent::Started,
        OwnEvent::Stopped,
        OwnEvent::CredentialRefused {
            source: source(),
            reason: "401: the token is not valid; make a new one in HubSpot".to_owned(),
        },
        OwnEvent::CredentialAccepted { source: source() },
        OwnEvent::Gap { stream: stream(), from: at("2026-08-01T00:00:00Z"), to: at("2026-08-24T10:00:00Z") },
        OwnEvent::PollingPaused,
        OwnEvent::PollingResumed,
        OwnEvent::SinkHeld { sink: sink(), reason: "403: Invalid token (code 4)".to_owned() },
        OwnEvent::SinkRecovered { sink: sink() },
        OwnEvent::EventDeadLettered {
            sink: sink(),
            event_id: "4f6c2a9e0b7d4c1e8a3f5d6b7c8d9e0f".to_owned(),
            reason: "400: Error in handling indexed fields (code 15)".to_owned(),
        },
        OwnEvent::Test,
        OwnEvent::ConfigurationReloaded { change: "sink archive added, source hubspot changed".to_owned() },
        OwnEvent::ConfigurationRejected {
            reason: "sinks.siem.endpoint: is no URL (in /etc/auditferry/auditferry.toml, line 12)".to_owned(),
        },
        OwnEvent::StateChanged {
            command: "dead-letters drop".to_owned(),
            change: "1 dead letter of splunk was dropped".to_owned(),
            uid: 1000,
        },
        OwnEvent::Heartbeat {
            stream: stream(),
            newest: Some(at("2026-11-22T09:58:13.544Z")),
            last_success: Some(at("2026-11-22T09:59:30Z")),
            complete_to: Some(at("2026-11-22T09:59:30Z")),
            last_sequence: 1_234,
        },
    ];
    let case = |own: &OwnEvent| {
        let NewEvent { id, core, original, .. } = own.to_event(at(COLLECTED));
        Case {
            dataset: "auditferry.service".to_owned(),
            name: own.action().to_owned(),
            record: None,
            event: kept(OwnEvent::stream(), id, core, original),
            title: format!("`auditferry.service`: {}", own.action()),
        }
    };
    events.iter().map(case).collect()
}

#[test]
fn every_example_says_what_the_program_makes_of_its_record() {
    let is_writing = std::env::var("AUDITFERRY_GOLDEN").is_ok_and(|value| value == "write");
    let cases = cases();
    assert!(cases.len() > 1);
    let mut wrong = String::new();
    for case in &cases {
        let (path, text) = (case.path(), case.text());
        if is_writing {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            continue;
        }
        let written = fs::read_to_string(&path).unwrap_or_default();
        if written != text {
            let _ = write!(wrong, "\n{}\n{}", path.display(), difference(&written, &text));
        }
    }
    assert!(
        wrong.is_empty(),
        "lines with - stand in the file, lines with + are what the program makes now:\n{wrong}"
    );
    for file in names(&folder().join("auditferry.service")) {
        let is_made =
            |case: &Case| case.dataset == "auditferry.service" && format!("{}.md", case.name) == file;
        assert!(cases.iter().any(is_made), "no event of the daemon's is called {file}");
    }
}

#[test]
fn every_security_type_of_hubspot_has_an_example() {
    let types = include_str!("security_types.txt").lines();
    for name in types {
        assert!(folder().join("hubspot.security").join(format!("{name}.md")).is_file(), "{name}");
    }
}
