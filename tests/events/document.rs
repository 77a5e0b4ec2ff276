//! `docs/events.md`, made of the examples, of the tables below and of the comments in the code, so that it can't
//! drift from what the program does. Written anew with `AUDITFERRY_GOLDEN=write`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use auditferry::event::{Activity, Severity};
use serde_json::Value;

use crate::difference::difference;
use crate::golden::{Case, FORMATS, cases};

/// What stands in front of the tables.
const OPENING: &str = include_str!("document/opening.md");
/// The example that is shown whole: dataset and name.
const SHOWN: (&str, &str) = ("hubspot.login", "login-failed");

/// Every field of the events, and what it holds. `*` stands for any member.
const FIELDS: &[(&str, &str)] = &[
    ("@timestamp", "When it happened, in UTC, with milliseconds."),
    ("message", "One line for people."),
    ("tags", "`mirrored`: a copy of what another stream carries in full."),
    (
        "auditferry.source",
        "The name of the source in the configuration; `auditferry` for the daemon's own events.",
    ),
    ("auditferry.stream", "The stream of that source; `service` for the daemon's own events."),
    ("auditferry.activity", "What was done, in one vocabulary for all providers; see below."),
    ("auditferry.object.type", "What it was done to: `user`, `contact`, `private-app-token` …"),
    ("auditferry.object.id", "The provider's id or name of it."),
    ("auditferry.about_source", "Own events: the source that it is about."),
    ("auditferry.about_stream", "Own events: the stream that it is about."),
    ("auditferry.sink", "Own events: the sink that it is about."),
    ("auditferry.reason", "Own events: why, and what to do."),
    ("auditferry.event_id", "`event-dead-lettered`: `event.id` of the event that was refused."),
    ("auditferry.from", "`gap`: its beginning."),
    ("auditferry.to", "`gap`: its end."),
    ("auditferry.newest_event", "`heartbeat`: `@timestamp` of the newest event collected."),
    ("auditferry.last_success", "`heartbeat`: start of the last complete poll."),
    ("auditferry.lag_seconds", "`heartbeat`: how long ago the stream was complete."),
    ("auditferry.last_sequence", "`heartbeat`: the highest `event.sequence` of the stream so far."),
    (
        "auditferry.command",
        "`state-changed`: the command: `backfill`, `replay`, `dead-letters retry`, `dead-letters drop`, `state rewind`, `state forget` or `state import`.",
    ),
    ("auditferry.change", "`state-changed`: what it changes; `configuration-reloaded`: what is different."),
    ("auditferry.uid", "`state-changed`: the number of the user who gave it."),
    ("organization.id", "The provider's account: HubSpot portal id, Brevo organization id."),
    ("user.id", "The actor: the provider's id of the user; at Brevo the e-mail address."),
    ("user.email", "The actor's e-mail address."),
    ("user.domain", "What stands behind its `@`, in lower case."),
    ("user.target.id", "The affected user: the provider's id."),
    ("user.target.email", "The affected user's e-mail address."),
    ("user.target.domain", "What stands behind its `@`, in lower case."),
    ("source.address", "Where the action came from, as the provider wrote it."),
    ("source.ip", "The same, when it is an IP address."),
    ("source.geo.name", "The place, in the provider's words."),
    ("source.geo.country_name", "The country, in the provider's words."),
    ("source.geo.country_iso_code", "ISO 3166-1 alpha-2, upper case."),
    ("source.geo.region_iso_code", "ISO 3166-2, upper case."),
    ("user_agent.original", "The browser, as the provider wrote it."),
    ("user_agent.name", "Its name."),
    ("user_agent.version", "Its version."),
    ("user_agent.os.name", "What it runs on."),
    ("user_agent.os.version", "The version of that."),
    ("user_agent.device.name", "What sort of device that runs on."),
    ("related.user", "Ids and e-mail addresses of everybody in the event."),
    ("related.ip", "Every IP address in the event."),
    ("error.message", "`pipeline_error`: what of the record could not be read."),
    ("event.id", "32 hexadecimal digits, the same for the same event for ever."),
    (
        "event.kind",
        "`event`; `state` for a heartbeat; `pipeline_error` for a record that could not be mapped.",
    ),
    ("event.category", "From the allowed values of ECS; absent where none fits."),
    ("event.type", "From the allowed values of ECS; absent where none fits."),
    ("event.outcome", "`success`, `failure` or `unknown`; absent where the provider tells none."),
    ("event.severity", "How much it deserves to be looked at, by auditferry's judgement; see below."),
    ("event.action", "What was done, in the provider's words, lower case with hyphens."),
    ("event.code", "The provider's own code of it."),
    ("event.reason", "Why it had this outcome, where somebody says so."),
    ("event.dataset", "`hubspot.login` and so on: the sections below."),
    ("event.module", "`hubspot`, `brevo` or `auditferry`."),
    ("event.provider", "The stream, in the provider's words."),
    ("event.created", "When it was collected."),
    ("event.sequence", "Counts 1, 2, 3 … without a hole in each stream of a source."),
    (
        "event.original",
        "The provider's record, byte for byte; not with `include_original = false`, as in these examples.",
    ),
    ("log.flags", "`truncated`: a syslog receiver takes no message as long as the whole event."),
    ("hubspot.*", "The members of HubSpot's record."),
    ("brevo.*", "The members of Brevo's record."),
    ("ecs.version", "9.4.0."),
    ("observer.vendor", "auditferry."),
    ("observer.product", "auditferry."),
    ("observer.type", "forwarder."),
    ("observer.version", "Of this program."),
    ("observer.hostname", "The machine that it runs on."),
    ("data_stream.type", "logs."),
    ("data_stream.dataset", "As `event.dataset`."),
    ("data_stream.namespace", "`namespace` of an `elasticsearch` sink, else `default`."),
];

/// A field that no example has, because none is that long.
const NOT_SHOWN: &str = "log.flags";

fn document(cases: &[Case]) -> String {
    let mut text = OPENING.to_owned();
    let shown = cases.iter().find(|case| (case.dataset.as_str(), case.name.as_str()) == SHOWN).unwrap();
    let _ = write!(text, "\nHubSpot's record:\n\n```json\n{}\n```\n", shown.record.as_deref().unwrap());
    for format in &FORMATS {
        let line = shown.line((format.format)());
        let block = match format.language {
            "json" => format!("{:#}", serde_json::from_str::<Value>(&line).unwrap()),
            _ => line,
        };
        let _ = write!(text, "\n{}:\n\n```{}\n{block}\n```\n", format.title, format.language);
    }
    text += "\n## Every field\n\nOf the ECS format. A field that has nothing to say is absent.\n\n";
    text += "| field | what it holds |\n|---|---|\n";
    for (field, meaning) in FIELDS {
        let _ = writeln!(text, "| `{field}` | {meaning} |");
    }
    activities(cases, &mut text);
    text += "\n## Severities\n\n| `event.severity` | OCSF `severity_id` | CEF and LEEF | meaning |\n|---|---|---|---|\n";
    severities(cases, &mut text);
    text += "\n## What becomes of which event\n\nEach line links to an example in every format.\n";
    for (dataset, cases) in by_dataset(cases) {
        let _ = write!(
            text,
            "\n### `{dataset}`\n\n| event | `event.action` | activity | object | outcome | severity |\n|---|---|---|---|---|---|\n"
        );
        for case in cases {
            let event = case.ecs();
            let word = |pointer: &str| {
                event.pointer(pointer).map_or("", |value| value.as_str().unwrap_or_default()).to_owned()
            };
            let _ = writeln!(
                text,
                "| [{}](events/{dataset}/{}.md) | `{}` | {} | {} | {} | {} |",
                case.name,
                case.name,
                word("/event/action"),
                word("/auditferry/activity"),
                word("/auditferry/object/type"),
                word("/event/outcome"),
                event["event"]["severity"],
            );
        }
    }
    text
}

fn by_dataset(cases: &[Case]) -> BTreeMap<&str, Vec<&Case>> {
    let mut folders = BTreeMap::<_, Vec<_>>::new();
    for case in cases {
        folders.entry(case.dataset.as_str()).or_default().push(case);
    }
    folders
}

fn activities(cases: &[Case], text: &mut String) {
    text.push_str("\n## Activities\n\n`auditferry.activity` says what was done, in the same words whatever the provider. ");
    text.push_str("The categories of ECS and the classes of OCSF follow from it.\n\n");
    text.push_str("| activity | meaning | `event.category` | `event.type` | OCSF 1.3 | OCSF 1.9 |\n|---|---|---|---|---|---|\n");
    let meanings = meanings();
    for activity in Activity::ALL {
        let class = activity.ecs();
        let _ = write!(
            text,
            "| `{}` | {} | {} | {} |",
            activity.name(),
            meanings.get(&format!("{activity:?}")).unwrap(),
            class.category.join(", "),
            class.types.join(", ")
        );
        for ocsf in &FORMATS[1..3] {
            let of_it = cases.iter().filter(|case| case.event.event().auditferry.activity == *activity);
            let classes: BTreeSet<String> = of_it
                .map(|case| {
                    let event: Value = serde_json::from_str(&case.line((ocsf.format)())).unwrap();
                    format!("{} ({})", event["type_name"].as_str().unwrap(), event["type_uid"])
                })
                .collect();
            let _ = write!(text, " {} |", classes.into_iter().collect::<Vec<_>>().join("; "));
        }
        text.push('\n');
    }
}

/// The comments on the variants of [`Activity`].
fn meanings() -> BTreeMap<String, String> {
    let code = include_str!("../../src/event/activity.rs");
    let code = code.split("pub enum Activity {").nth(1).unwrap().split("\n}").next().unwrap();
    let mut meanings = BTreeMap::new();
    let mut comment = Vec::new();
    for line in code.lines().map(str::trim) {
        match line.strip_prefix("/// ") {
            Some(words) => comment.push(words),
            None => {
                if let Some(variant) = line.strip_suffix(',') {
                    meanings.insert(variant.to_owned(), comment.join(" "));
                    comment.clear();
                }
            }
        }
    }
    meanings
}

fn severities(cases: &[Case], text: &mut String) {
    for (severity, meaning) in [
        (Severity::Informational, "Everyday."),
        (Severity::Low, "Worth a count."),
        (Severity::Medium, "Worth a look: security is weaker than before, or much data moved."),
        (Severity::High, "Worth a look at once."),
        (Severity::Critical, "Worth waking somebody."),
    ] {
        let case = cases.iter().find(|case| case.event.event().event.severity == severity).unwrap();
        let ocsf: Value = serde_json::from_str(&case.line((FORMATS[1].format)())).unwrap();
        let cef = case.line((FORMATS[3].format)());
        let cef = cef.split('|').nth(6).unwrap();
        let name = ocsf["severity"].as_str().unwrap();
        let _ = writeln!(
            text,
            "| {} | {} ({name}) | {cef} | {meaning} |",
            severity.number(),
            ocsf["severity_id"]
        );
    }
}

/// The paths of an event's leaves; lists count as leaves.
fn paths(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                paths(value, &path, found);
            }
        }
        _ => _ = found.insert(path.to_owned()),
    }
}

#[test]
fn the_document_is_what_the_examples_make_of_it() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/events.md");
    let text = document(&cases());
    if std::env::var("AUDITFERRY_GOLDEN").is_ok_and(|value| value == "write") {
        fs::write(&path, text).unwrap();
        return;
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == text,
        "lines with - stand in docs/events.md, lines with + are true:\n{}",
        difference(&written, &text)
    );
}

#[test]
fn every_field_of_the_examples_is_told_and_no_other() {
    let mut found = BTreeSet::new();
    for case in &cases() {
        let mut event = case.ecs();
        for provider in ["hubspot", "brevo"] {
            if event.get(provider).is_some() {
                event[provider] = serde_json::json!({"*": 1});
            }
        }
        paths(&event, "", &mut found);
    }
    let told: BTreeSet<String> = FIELDS.iter().map(|(field, _)| (*field).to_owned()).collect();
    let shown: BTreeSet<String> = told.iter().filter(|field| *field != NOT_SHOWN).cloned().collect();
    let untold: Vec<_> = found.difference(&shown).collect();
    let unseen: Vec<_> = shown.difference(&found).collect();
    assert!(
        untold.is_empty() && unseen.is_empty(),
        "not told: {untold:?}; told, but in no example: {unseen:?}"
    );
}

#[test]
fn every_activity_has_an_example() {
    let shown: BTreeSet<String> =
        cases().iter().map(|case| case.event.event().auditferry.activity.name()).collect();
    let missing: Vec<_> =
        Activity::ALL.iter().map(|activity| activity.name()).filter(|name| !shown.contains(name)).collect();
    assert!(missing.is_empty(), "no example of {missing:?}");
}
