//! That the add-on's files fit together, and the program: names, words, fields, versions.

use std::collections::BTreeSet;

use auditferry::event::Activity;

use super::addon::{Addon, SOURCE, received};
use super::conf::{conf, folder, text};
use super::pipeline::{Names, follow, split};
use super::search::Search;
use crate::golden::{FORMATS, cases};

/// Sourcetypes of the HTTP Event Collector, one of each dataset, and that of lines.
const SOURCETYPES: [&str; 6] = [
    "auditferry:json",
    "auditferry:service",
    "brevo:activities",
    "hubspot:audit_logs",
    "hubspot:login",
    "hubspot:security",
];

/// Values of `action` in the data model Change (Splunk_SA_CIM 4.20).
const ACTIONS: [&str; 10] = [
    "acl_modified",
    "cleared",
    "created",
    "deleted",
    "modified",
    "read",
    "restarted",
    "started",
    "stopped",
    "updated",
];

/// Every search of the add-on by a name: those of alerts and of dashboards.
fn searches() -> Vec<(String, String)> {
    let saved = conf("savedsearches.conf").into_iter().map(|(name, stanza)| (name, stanza["search"].clone()));
    let mut searches: Vec<_> = saved.collect();
    for view in views() {
        let text = text(&format!("default/data/ui/views/{view}.xml"));
        for query in text.split("<query>").skip(1) {
            let query = query.split("</query>").next().unwrap();
            let plain = query.replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&");
            searches.push((view.clone(), plain));
        }
    }
    searches
}

fn views() -> Vec<String> {
    let files = std::fs::read_dir(folder().join("default/data/ui/views")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    names.map(|name| name.strip_suffix(".xml").unwrap().to_owned()).collect()
}

/// With the macros' definitions in their places.
fn expanded(search: &str) -> String {
    let macros = conf("macros.conf");
    let mut parts = search.split('`');
    let mut text = parts.next().unwrap().to_owned();
    while let (Some(name), rest) = (parts.next(), parts.next()) {
        text.push_str(&macros.get(name).unwrap_or_else(|| panic!("no macro is called {name}"))["definition"]);
        text.push_str(rest.unwrap());
    }
    text
}

#[test]
fn every_search_finds_an_example_and_names_only_fields_that_are_there() {
    let addon = Addon::read();
    let cases = cases();
    let events: Vec<_> = cases
        .iter()
        .map(|case| {
            let mut fields = addon.fields(case);
            fields.insert("index".to_owned(), vec!["main".to_owned()]);
            fields
        })
        .collect();
    let mut names: Names = events.iter().flat_map(|fields| fields.keys().cloned()).collect();
    names.extend(addon.names().cloned());
    names.extend(["_time", "_indextime"].map(str::to_owned));
    let searches = searches();
    assert!(searches.len() > 30, "{}", searches.len());
    for (name, search) in searches {
        let expanded = expanded(&search);
        let (filter, commands) = split(&expanded);
        let filter = Search::parse(&filter).unwrap_or_else(|fault| panic!("{name}: {fault}: {search}"));
        for field in filter.fields() {
            assert!(names.contains(field), "{name}: no field is called {field}: {search}");
        }
        assert!(events.iter().any(|fields| filter.finds(fields)), "{name} finds no example: {search}");
        let mut here = names.clone();
        for command in commands {
            follow(&command, &mut here).unwrap_or_else(|fault| panic!("{name}: {fault}: {search}"));
        }
        for part in search.split("sourcetype=\"").skip(1) {
            let sourcetype = part.split('"').next().unwrap();
            assert!(SOURCETYPES.contains(&sourcetype), "{name}: {sourcetype}");
        }
    }
}

#[test]
fn calculated_fields_read_only_what_an_event_may_have() {
    let mut names: BTreeSet<_> = cases().iter().flat_map(|case| received(case).into_keys()).collect();
    // No example has them: a name, which no provider gives today, and an `objectId` that is an e-mail address.
    names.extend(["user.name", "user.target.name", "user.target.email"].map(str::to_owned));
    let activities: Vec<_> = Activity::ALL.iter().map(|activity| activity.name()).collect();
    let others = ["success", "unknown", "event", "auditferry", "email-domain"];
    for (name, eval) in Addon::read().evals() {
        for field in eval.fields() {
            assert!(names.contains(field), "EVAL-{name}: no event has {field}");
        }
        for text in eval.texts() {
            let is_known = activities.iter().any(|activity| activity == text) || others.contains(&text);
            assert!(is_known, "EVAL-{name}: {text}");
        }
    }
}

#[test]
fn the_lookup_has_every_activity_and_words_of_the_model() {
    let addon = Addon::read();
    let words: Vec<_> = addon.rows().iter().map(|row| row["activity"].clone()).collect();
    let activities: Vec<_> = Activity::ALL.iter().map(|activity| activity.name()).collect();
    assert_eq!(words, activities);
    for row in addon.rows() {
        let (model, rest) = (row["cim_model"].as_str(), ["action", "change_type", "object_category"]);
        match model {
            "account" | "change" | "audit" => {
                assert!(ACTIONS.contains(&row["action"].as_str()), "{row:?}");
                assert!(rest.iter().all(|column| !row[*column].is_empty()), "{row:?}");
            }
            // Of an authentication, the action is what came of it: a calculated field.
            "authentication" | "" => assert!(rest.iter().all(|column| row[*column].is_empty()), "{row:?}"),
            _ => panic!("{row:?}"),
        }
    }
}

#[test]
fn what_a_file_refers_to_is_there() {
    let (props, eventtypes) = (conf("props.conf"), conf("eventtypes.conf"));
    for stanza in conf("tags.conf").keys() {
        let eventtype = stanza.strip_prefix("eventtype=").unwrap_or_else(|| panic!("{stanza}"));
        assert!(eventtypes.contains_key(eventtype), "{eventtype}");
    }
    let transforms = conf("transforms.conf");
    let mut used: BTreeSet<&str> = BTreeSet::new();
    for settings in props.values() {
        for (key, value) in settings {
            match key.split('-').next() {
                Some("TRANSFORMS") => used.extend(value.split(", ")),
                Some("LOOKUP") => used.extend(value.split(' ').next()),
                _ => {}
            }
        }
    }
    assert_eq!(used, transforms.keys().map(String::as_str).collect(), "of props.conf, of transforms.conf");
    let stanzas: BTreeSet<_> = props.keys().map(String::as_str).collect();
    assert_eq!(stanzas, SOURCETYPES.into_iter().chain(["auditferry:ocsf", SOURCE]).collect());

    let nav = text("default/data/ui/nav/default.xml");
    for view in views() {
        assert!(nav.contains(&format!("<view name=\"{view}\"")), "{view} is not in the navigation");
    }
    for part in nav.split("<view name=\"").skip(1) {
        let view = part.split('"').next().unwrap();
        let is_splunks = ["search", "alerts", "reports"].contains(&view);
        assert!(is_splunks || views().iter().any(|own| own == view), "{view}");
    }
}

#[test]
fn every_dataset_has_a_sourcetype_and_every_sourcetype_the_same_reading() {
    let sent: BTreeSet<_> =
        cases().iter().flat_map(|case| received(case).remove("sourcetype").unwrap()).collect();
    let mut known: BTreeSet<_> = SOURCETYPES.map(str::to_owned).into();
    known.remove("auditferry:json");
    assert_eq!(sent, known);

    let props = conf("props.conf");
    let reading = |name: &str| {
        let mut stanza = props[name].clone();
        stanza.retain(|key, _| key != "description" && key != "TRANSFORMS-auditferry");
        stanza
    };
    for name in SOURCETYPES {
        assert_eq!(reading(name), reading("auditferry:json"), "{name}");
    }
    // Its time has another name, and comes with the envelope.
    let mut untimed = reading("auditferry:json");
    untimed.retain(|key, _| !key.starts_with("TIME") && key != "TZ" && key != "MAX_TIMESTAMP_LOOKAHEAD");
    assert_eq!(reading("auditferry:ocsf"), untimed);
    assert_eq!(reading("hubspot:login")["KV_MODE"], "json");
}

/// What the regular expressions of transforms.conf and TIME_PREFIX find in a line: the text between these.
#[test]
fn a_line_says_its_sourcetype_source_and_time_where_the_add_on_looks_for_them() {
    let transforms = conf("transforms.conf");
    assert_eq!(transforms["auditferry_sourcetype"]["REGEX"], r#""dataset":"(\w+)\.(\w+)""#);
    assert_eq!(transforms["auditferry_source"]["REGEX"], r#""auditferry":\{"source":"([^"]+)""#);
    assert_eq!(conf("props.conf")["auditferry:json"]["TIME_PREFIX"], r#""@timestamp":""#);
    for case in cases() {
        let line = case.line((FORMATS[0].format)());
        let behind =
            |beginning: &str| line.split(beginning).nth(1).unwrap().split('"').next().unwrap().to_owned();
        let fields = received(&case);
        assert_eq!([behind("\"dataset\":\"").replace('.', ":")], fields["sourcetype"][..], "{line}");
        let source = behind("\"auditferry\":{\"source\":\"");
        assert_eq!([format!("auditferry:{source}")], fields["source"][..], "{line}");
        let time = behind("\"@timestamp\":\"");
        assert_eq!(vec![time.clone()], fields["@timestamp"], "{line}");
        assert_eq!((time.len(), time.ends_with('Z')), (24, true), "TIME_FORMAT: {time}");
    }
}

#[test]
fn nothing_runs_until_somebody_enables_it() {
    for (name, stanza) in conf("savedsearches.conf") {
        assert_eq!(stanza["disabled"], "1", "{name}");
        assert!(name.starts_with("auditferry - "), "{name}");
        for key in ["description", "cron_schedule", "dispatch.earliest_time", "alert.severity"] {
            assert!(stanza.contains_key(key), "{name} has no {key}");
        }
        if let Some(fields) = stanza.get("alert.suppress.fields") {
            for field in fields.split(',') {
                assert!(stanza["search"].contains(&format!(" {field}")), "{name}: {field}");
            }
        }
    }
}

#[test]
fn the_add_on_has_the_programs_version() {
    let (version, app) = (env!("CARGO_PKG_VERSION"), conf("app.conf"));
    assert_eq!(
        (&app["launcher"]["version"], &app["id"]["version"]),
        (&version.to_owned(), &version.to_owned())
    );
    let manifest: serde_json::Value = serde_json::from_str(&text("app.manifest")).unwrap();
    assert_eq!(manifest["info"]["id"]["version"], version);
    assert_eq!(manifest["info"]["id"]["name"], app["id"]["name"].as_str());
}
