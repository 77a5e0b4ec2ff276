//! The content in `deploy/elastic`. No cluster can be asked here: the events are held against the templates by
//! [`mapping`], and what dashboards and queries name against the fields that there are, by [`content`].

mod content;
mod dashboards;
mod mapping;
mod saved_objects;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use auditferry::encode::{BulkEnvelope, Encoder, Envelope, Format};
use serde_json::{Value, json};

use crate::golden::{self, Case};
use content::saved;
use mapping::{faults, fields, leaves};

/// `auditferry.*` and the providers' records are what ECS does not have.
const OWN: [&str; 3] = ["auditferry", "hubspot", "brevo"];

/// Fields of the event that no example has: providers do not tell them, or seldom.
const RARE: [&str; 5] =
    ["organization.name", "user.name", "user.target.domain", "user.target.email", "user.target.name"];

fn path(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("deploy/elastic").join(file)
}

fn text(file: &str) -> String {
    fs::read_to_string(path(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn read(file: &str) -> Value {
    serde_json::from_str(&text(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn elasticsearch() -> Value {
    read("elasticsearch/component-template.json")["template"]["mappings"]["properties"].take()
}

fn opensearch() -> Value {
    read("opensearch/index-template.json")["template"]["mappings"]["properties"].take()
}

/// What a cluster gets of a case: the data stream's name, and the document with `event.original`.
fn sent(case: &Case) -> (String, Value) {
    let format = Format::ecs(true, "default", &golden::observer());
    let mut out = Vec::new();
    Encoder::new(format, Envelope::Bulk(BulkEnvelope::new("default"))).encode(&case.event, &mut out);
    let mut lines =
        out.split(|&byte| byte == b'\n').map(|line| serde_json::from_slice::<Value>(line).unwrap());
    let (action, document) = (lines.next().unwrap(), lines.next().unwrap());
    (action["create"]["_index"].as_str().unwrap().to_owned(), document)
}

/// The types of ECS 9.4 (<https://github.com/elastic/ecs>, generated/csv/fields.csv) of the fields that we use.
fn ecs_types() -> BTreeMap<&'static str, &'static str> {
    include_str!("elastic/ecs_fields.txt").lines().map(|line| line.split_once(' ').unwrap()).collect()
}

fn is_own(field: &str) -> bool {
    OWN.contains(&field.split('.').next().unwrap_or_default())
}

/// The members of a document that ECS does not have and [`OWN`] does not cover.
fn outside_of_ecs(document: &Value) -> Vec<String> {
    let types = ecs_types();
    let names = leaves(document).into_keys();
    names.filter(|field| !types.contains_key(field.as_str()) && !is_own(field)).collect()
}

/// Where these mappings differ from the types of ECS, after what OpenSearch has in their place.
fn differences_from_ecs(properties: &Value) -> Vec<String> {
    let types = ecs_types();
    let wanted = |field: &str| match types.get(field).copied() {
        Some("match_only_text") => Some("text"),
        Some("constant_keyword") => Some("keyword"),
        other => other,
    };
    let mapped = fields(properties).into_iter().filter(|(field, _)| !is_own(field));
    let differing = mapped.filter(|(field, mapping)| mapping["type"].as_str() != wanted(field));
    differing.map(|(field, mapping)| format!("{field}: {mapping}, not {:?}", wanted(&field))).collect()
}

/// `logs-hubspot.*-*` takes `logs-hubspot.login-default`.
fn takes(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|name| {
            (0..=name.len()).any(|at| name.get(at..).is_some_and(|name| takes(rest, name)))
        }),
    }
}

fn patterns(of: &Value) -> BTreeSet<String> {
    of.as_array().unwrap().iter().map(|pattern| pattern.as_str().unwrap().to_owned()).collect()
}

/// Why a template would not make exactly the data streams that the program writes; empty is good.
fn template_faults(template: &Value, written: &BTreeSet<String>) -> Vec<String> {
    let patterns = patterns(&template["index_patterns"]);
    let is_taken = |name: &str| patterns.iter().any(|pattern| takes(pattern, name));
    let others =
        ["logs-nginx.access-default", "logs-hubspot-default", "logs-hubspots.x-default", "hubspot.login"];
    let missed = written.iter().filter(|name| !is_taken(name)).map(|name| format!("misses {name}"));
    let more = others.iter().filter(|name| is_taken(name)).map(|name| format!("takes {name}"));
    let mut faults: Vec<_> = missed.chain(more).collect();
    // Above the templates of Elastic's integrations.
    if template["priority"].as_u64() <= Some(500) {
        faults.push("has a priority that others have".to_owned());
    }
    if template["data_stream"] != json!({}) {
        faults.push("makes no data streams".to_owned());
    }
    faults
}

#[test]
fn the_templates_take_the_data_streams_that_the_program_writes_and_no_others() {
    let written: BTreeSet<String> = golden::cases().iter().map(|case| sent(case).0).collect();
    assert_eq!(written.len(), 5, "{written:?}");
    let good = read("elasticsearch/index-template.json");
    for template in [&good, &read("opensearch/index-template.json")] {
        assert_eq!(template_faults(template, &written), Vec::<String>::new());
    }
    let patterns_of = |of: &Value| patterns(&of["index_patterns"]);
    let policy = read("opensearch/ism-policy.json");
    assert_eq!(patterns_of(&policy["policy"]["ism_template"][0]), patterns_of(&good));
    let objects = saved("kibana/dashboards.ndjson");
    let view = objects.iter().find(|object| object["type"] == "index-pattern").unwrap();
    let viewed = view["attributes"]["title"].as_str().unwrap().split(',').map(str::to_owned);
    assert_eq!(viewed.collect::<BTreeSet<_>>(), patterns_of(&good));

    for (member, bad) in [
        ("index_patterns", json!(["logs-hubspot.*-*", "logs-auditferry.*-*"])),
        (
            "index_patterns",
            json!(["logs-hubspot.*-*", "logs-brevo.*-*", "logs-auditferry.*-*", "logs-nginx.*-*"]),
        ),
        ("priority", json!(500)),
        ("data_stream", Value::Null),
    ] {
        let mut template = good.clone();
        template[member] = bad;
        assert_eq!(template_faults(&template, &written).len(), 1, "{template}");
    }
}

/// What the index template needs and this readme does not load.
fn not_loaded(template: &Value, readme: &str) -> Vec<String> {
    let optional = patterns(&template["ignore_missing_component_templates"]);
    let of_elastic = ["logs@mappings", "logs@settings", "ecs@mappings"];
    let needed = patterns(&template["composed_of"]).into_iter();
    let needed = needed.filter(|name| !optional.contains(name) && !of_elastic.contains(&name.as_str()));
    let pipeline = template["template"]["settings"]["index"]["final_pipeline"].as_str();
    let requests = needed.map(|name| format!("/_component_template/{name}\""));
    let requests = requests.chain(pipeline.map(|name| format!("/_ingest/pipeline/{name}\"")));
    requests.filter(|request| !readme.contains(request)).collect()
}

#[test]
fn the_readme_loads_what_the_index_template_names() {
    let (template, readme) = (read("elasticsearch/index-template.json"), text("README.md"));
    assert_eq!(not_loaded(&template, &readme), Vec::<String>::new());
    let composed = patterns(&template["composed_of"]);
    for name in ["logs@mappings", "logs@settings", "ecs@mappings", "auditferry@mappings"] {
        assert!(composed.contains(name), "{name}");
    }
    assert_eq!(read("elasticsearch/ingest-pipeline.json")["processors"][0]["set"]["field"], "event.ingested");
    assert_eq!(not_loaded(&template, &readme.replace("auditferry@", "auditfery@")).len(), 2);
}

/// The files that a readme's requests send.
fn loaded(readme: &str) -> BTreeSet<String> {
    let words = readme.split('@').skip(1).filter_map(|rest| rest.split_whitespace().next());
    words.filter(|word| word.contains('/')).map(str::to_owned).collect()
}

#[test]
fn the_readme_loads_every_file_and_no_other() {
    let mut there = BTreeSet::new();
    for folder in ["elasticsearch", "kibana", "opensearch"] {
        for entry in fs::read_dir(path(folder)).unwrap() {
            there.insert(format!("{folder}/{}", entry.unwrap().file_name().to_string_lossy()));
        }
    }
    let readme = text("README.md");
    assert_eq!(loaded(&readme), there);
    for file in there.iter().filter(|file| file.ends_with(".json")) {
        assert!(read(file).is_object(), "{file}");
    }
    assert_ne!(loaded(&readme.replace("role.json", "roles.json")), there);
}

#[test]
fn the_api_key_may_do_what_the_sink_asks_for_and_no_more() {
    let role = read("elasticsearch/api-key.json")["role_descriptors"]["writer"].take();
    assert_eq!(role["indices"][0]["privileges"], json!(["create_doc", "auto_configure"]));
    assert_eq!(role["cluster"], json!(["monitor"]));
    assert!(takes(role["indices"][0]["names"][0].as_str().unwrap(), "logs-hubspot.login-default"));
}

#[test]
fn every_example_fits_the_template_for_opensearch() {
    let properties = opensearch();
    let mut unseen: BTreeSet<String> = fields(&properties).into_keys().collect();
    unseen.retain(|field| !RARE.contains(&field.as_str()));
    for case in golden::cases() {
        let document = sent(&case).1;
        let found = faults(&properties, &document);
        assert!(found.is_empty(), "{}/{}: {found:#?}", case.dataset, case.name);
        unseen.retain(|field| document.pointer(&format!("/{}", field.replace('.', "/"))).is_none());
    }
    assert!(unseen.is_empty(), "mapped, and in no example: {unseen:?}");
}

#[test]
fn every_example_fits_the_template_for_elasticsearch() {
    let own = elasticsearch();
    for case in golden::cases() {
        let (_, document) = sent(&case);
        let unknown = outside_of_ecs(&document);
        assert!(unknown.is_empty(), "{}/{}: not in ECS: {unknown:?}", case.dataset, case.name);
        let members = document.as_object().unwrap().iter().filter(|(name, _)| OWN.contains(&name.as_str()));
        let found = faults(&own, &members.map(|(name, value)| (name.clone(), value.clone())).collect());
        assert!(found.is_empty(), "{}/{}: {found:#?}", case.dataset, case.name);
    }
}

#[test]
fn the_types_are_those_of_ecs() {
    let properties = opensearch();
    assert_eq!(differences_from_ecs(&properties), Vec::<String>::new());
    assert_eq!(properties["auditferry"], elasticsearch()["auditferry"]);
    for properties in [properties, elasticsearch()] {
        let original = &properties["event"]["properties"]["original"];
        assert_eq!(original, &json!({"type": "keyword", "index": false, "doc_values": false}));
    }
}

#[test]
fn a_record_of_any_shape_is_taken() {
    let deep = (0..90).fold(json!(1), |inner, _| json!({ "a": inner }));
    let long = "x".repeat(100_000);
    for record in [
        json!({"a": 1, "b": {"a": "x"}}),
        json!({"a": {"c": [1, {"d": null}, "e"]}}),
        deep,
        json!({"a": long}),
    ] {
        for properties in [elasticsearch(), opensearch()] {
            let found = faults(&properties, &json!({"hubspot": record, "brevo": record}));
            assert!(found.is_empty(), "{found:?}");
        }
    }
}

#[test]
fn the_checker_finds_what_a_cluster_would_refuse() {
    let good = golden::cases().into_iter().find(|case| case.name == "login-success").unwrap();
    let good = sent(&good).1;
    let properties = opensearch();
    for (pointer, bad) in [
        ("/source/ip", json!("123.45.678.90")),
        ("/related/ip/0", json!("x")),
        ("/@timestamp", json!("yesterday")),
        ("/event/severity", json!(4.7)),
        ("/event/sequence", json!("42nd")),
        ("/user/email", json!({"address": "a@b"})),
        ("/user", json!("pat")),
        ("/auditferry/new", json!("a field that nobody mapped")),
        ("/hubspots", json!({})),
    ] {
        let mut document = good.clone();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        match document.pointer_mut(parent).unwrap() {
            Value::Array(values) => values[0] = bad,
            parent => parent[name] = bad,
        }
        assert_eq!(
            faults(&properties, &document).len(),
            1,
            "{pointer}: {:?}",
            faults(&properties, &document)
        );
    }
    let flattened = elasticsearch();
    let deep = (0..101).fold(json!(1), |inner, _| json!({ "a": inner }));
    for record in [json!("text"), json!({"a\0b": 1}), json!({"a".repeat(40_000): 1}), deep] {
        assert_eq!(faults(&flattened, &json!({ "brevo": record })).len(), 1);
    }
    let mut unlimited = flattened.clone();
    unlimited["brevo"].as_object_mut().unwrap().remove("ignore_above");
    assert_eq!(faults(&unlimited, &json!({"brevo": {"a": "x".repeat(100_000)}})).len(), 1);

    assert_eq!(
        outside_of_ecs(&json!({"user": {"id": "1", "nick": "p"}, "auditferry": {"x": 1}})),
        ["user.nick"]
    );
    let mut wrong = properties;
    wrong["source"]["properties"]["ip"] = json!({"type": "keyword"});
    wrong["user"]["properties"]["nick"] = json!({"type": "keyword"});
    assert_eq!(differences_from_ecs(&wrong).len(), 2);
}
