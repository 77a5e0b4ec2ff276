//! Dashboards and queries: what they refer to is there.

use std::collections::BTreeSet;
use std::fs;
use std::sync::LazyLock;

use serde_json::{Value, json};

use super::mapping::leaves;
use super::saved_objects::{self, Product};
use super::{RARE, path, sent, text, words};
use crate::difference::difference;
use crate::golden::cases;

/// The objects of a file.
pub(super) fn saved(file: &str) -> Vec<Value> {
    text(file).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A text that holds JSON, within a saved object.
fn inner(object: &Value, pointer: &str) -> Value {
    let text = object.pointer(pointer).and_then(Value::as_str);
    text.map_or(Value::Null, |text| serde_json::from_str(text).unwrap())
}

/// References that no object of the file answers, and names that no reference answers.
fn dangling(objects: &[Value]) -> Vec<String> {
    let ids: BTreeSet<_> =
        objects.iter().map(|object| (object["type"].as_str(), object["id"].as_str())).collect();
    assert_eq!(ids.len(), objects.len(), "an id stands twice");
    let mut dangling = Vec::new();
    for object in objects {
        let references = object["references"].as_array().unwrap();
        let unknown = references.iter().filter(|to| !ids.contains(&(to["type"].as_str(), to["id"].as_str())));
        dangling.extend(unknown.map(Value::to_string));
        let source = inner(object, "/attributes/kibanaSavedObjectMeta/searchSourceJSON");
        let panels = inner(object, "/attributes/panelsJSON");
        let panels = panels.as_array().into_iter().flatten().map(|panel| &panel["panelRefName"]);
        let names = panels.chain(source.get("indexRefName"));
        let is_answered = |name: &Value| references.iter().any(|reference| reference["name"] == *name);
        dangling.extend(names.filter(|name| !is_answered(name)).map(Value::to_string));
    }
    dangling
}

/// Every field that a saved object names.
fn named(object: &Value) -> BTreeSet<String> {
    let state = inner(object, "/attributes/visState");
    let aggs = state["aggs"].as_array().into_iter().flatten().map(|agg| &agg["params"]["field"]);
    let columns = object["attributes"]["columns"].as_array().into_iter().flatten();
    let sorted = object["attributes"]["sort"].as_array().into_iter().flatten().map(|sort| &sort[0]);
    let time = object["attributes"].get("timeFieldName");
    let all = aggs.chain(columns).chain(sorted).chain(time).filter_map(Value::as_str);
    all.map(str::to_owned).chain(words::kql_fields(&query(object))).collect()
}

fn query(object: &Value) -> String {
    let source = inner(object, "/attributes/kibanaSavedObjectMeta/searchSourceJSON");
    source["query"]["query"].as_str().unwrap_or_default().to_owned()
}

/// The names that no example has.
fn unknown_fields(names: impl IntoIterator<Item = String>) -> Vec<String> {
    static KNOWN: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
        cases().iter().flat_map(|case| leaves(&sent(case).1).into_keys().collect::<Vec<_>>()).collect()
    });
    names.into_iter().filter(|name| !KNOWN.contains(name) && !RARE.contains(&name.as_str())).collect()
}

#[test]
fn the_dashboards_are_what_the_table_says() {
    let is_writing = std::env::var("AUDITFERRY_GOLDEN").is_ok_and(|value| value == "write");
    for (product, file) in [
        (Product::Kibana, "kibana/dashboards.ndjson"),
        (Product::OpenSearchDashboards, "opensearch/dashboards.ndjson"),
    ] {
        let made = saved_objects::file(product);
        if is_writing {
            fs::write(path(file), &made).unwrap();
        }
        let written = text(file);
        assert!(written == made, "{file}: {}", difference(&written, &made));
    }
}

#[test]
fn the_dashboards_refer_to_what_is_there() {
    let mut objects = saved("kibana/dashboards.ndjson");
    assert_eq!(dangling(&objects), Vec::<String>::new());
    let dashboards = objects.iter().filter(|object| object["type"] == "dashboard").count();
    assert_eq!(dashboards, 3);
    for object in &objects {
        let unknown = unknown_fields(named(object));
        assert!(unknown.is_empty(), "{}: {unknown:?}", object["id"]);
        let wrong = words::wrong_values(&query(object));
        assert!(wrong.is_empty(), "{}: {wrong:?}", object["id"]);
    }

    // Each of these checks finds a fault.
    let is_table =
        |object: &Value| object["attributes"]["visState"].as_str().is_some_and(|s| s.contains("\"table\""));
    let table = objects.iter_mut().find(|object| is_table(object)).unwrap();
    let state = table["attributes"]["visState"].as_str().unwrap().replace("user.email", "user.mail");
    table["attributes"]["visState"] = json!(state);
    assert_eq!(unknown_fields(named(table)), ["user.mail"]);
    table["references"][0]["id"] = json!("elsewhere");
    assert_eq!(dangling(&objects).len(), 1);
    objects.iter_mut().for_each(|object| object["references"] = json!([]));
    assert!(dangling(&objects).len() > 20);
}

#[test]
fn the_queries_name_fields_and_values_that_are_there() {
    let queries = text("queries.md");
    let blocks = |language: &str| -> Vec<String> {
        let fence = format!("```{language}\n");
        let parts = queries.split(&fence).skip(1);
        parts.map(|part| part.split("\n```").next().unwrap().to_owned()).collect()
    };
    let (esql, kql, dsl) = (blocks("esql"), blocks("kql"), blocks("json"));
    assert!(esql.len() >= 8 && kql.len() == 1 && dsl.len() == 1);
    for query in &esql {
        let unknown = unknown_fields(words::esql_fields(query));
        let wrong = words::wrong_values(query);
        assert!(unknown.is_empty() && wrong.is_empty(), "{unknown:?} {wrong:?} in\n{query}");
        assert_eq!(words::misshapen(query), None, "{query}");
    }
    for query in &kql {
        assert_eq!(unknown_fields(words::kql_fields(query)), Vec::<String>::new());
        assert_eq!(words::wrong_values(query), Vec::<String>::new());
    }
    for query in &dsl {
        let query: Value = serde_json::from_str(query).unwrap();
        assert_eq!(unknown_fields(words::dsl_fields(&query)), Vec::<String>::new());
    }
}
