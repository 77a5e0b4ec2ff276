//! What a cluster would say to a document: the part of the rules of Elasticsearch's and OpenSearch's mappings
//! that our templates use.

use std::collections::BTreeMap;
use std::net::IpAddr;

use jiff::Timestamp;
use serde_json::{Map, Value};

/// Bytes of a term that Lucene indexes; a document with a longer one is refused.
const LONGEST_TERM: usize = 32_766;
/// `depth_limit` of a flattened field where the mapping has none.
const USUAL_DEPTH: u64 = 20;

/// What of this document a mapping with these `properties` refuses or does not know; empty is good.
/// `ignore_malformed` saves nothing here: our values are to be right.
pub(super) fn faults(properties: &Value, document: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    object(properties, document, "", &mut faults);
    faults
}

/// Every field of these `properties` by its full name, with its mapping. An object whose members are not
/// mapped, such as a flattened one, counts as a field.
pub(super) fn fields(properties: &Value) -> BTreeMap<String, &Value> {
    let mut fields = BTreeMap::new();
    collect(properties, "", &mut fields);
    fields
}

fn collect<'a>(properties: &'a Value, path: &str, fields: &mut BTreeMap<String, &'a Value>) {
    for (name, mapping) in properties.as_object().unwrap() {
        let path = join(path, name);
        match mapping.get("properties") {
            Some(inner) => collect(inner, &path, fields),
            None => drop(fields.insert(path, mapping)),
        }
    }
}

/// Every member of a document that is no object, by its full name.
pub(super) fn leaves(document: &Value) -> BTreeMap<String, &Value> {
    fn walk<'a>(value: &'a Value, path: &str, leaves: &mut BTreeMap<String, &'a Value>) {
        match value {
            Value::Object(members) => {
                members.iter().for_each(|(name, value)| walk(value, &join(path, name), leaves));
            }
            _ => drop(leaves.insert(path.to_owned(), value)),
        }
    }
    let mut leaves = BTreeMap::new();
    walk(document, "", &mut leaves);
    leaves
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn object(properties: &Value, value: &Value, path: &str, faults: &mut Vec<String>) {
    let Value::Object(members) = value else {
        faults.push(format!("{path} is an object in the mapping, and {value} in the event"));
        return;
    };
    for (name, value) in members.iter().filter(|(_, value)| !value.is_null()) {
        let path = join(path, name);
        match properties.get(name) {
            Some(mapping) => field(mapping, value, &path, faults),
            None => faults.push(format!("{path} has no mapping")),
        }
    }
}

fn field(mapping: &Value, value: &Value, path: &str, faults: &mut Vec<String>) {
    if mapping.get("enabled") == Some(&Value::Bool(false)) {
        return;
    }
    let each = match value {
        Value::Array(values) => values.as_slice(),
        value => std::slice::from_ref(value),
    };
    for value in each {
        if let Some(properties) = mapping.get("properties") {
            object(properties, value, path, faults);
        } else if let Err(why) = accepts(mapping, value) {
            faults.push(format!("{path}: {why}: {value}"));
        }
    }
}

fn accepts(mapping: &Value, value: &Value) -> Result<(), &'static str> {
    let is_scalar = !value.is_object() && !value.is_array();
    let accepted = |accepts: bool, why| if accepts { Ok(()) } else { Err(why) };
    match mapping["type"].as_str().unwrap_or_default() {
        "keyword" => {
            let is_term = mapping["index"] != false && mapping.get("ignore_above").is_none();
            let is_short = value.as_str().is_none_or(|text| text.len() <= LONGEST_TERM);
            accepted(is_scalar, "not a single value")?;
            accepted(is_short || !is_term, "longer than a term")
        }
        "text" => accepted(is_scalar, "not a single value"),
        "long" => accepted(value.is_i64(), "not a whole number"),
        "date" => accepted(parses::<Timestamp>(value), "not a date"),
        "ip" => accepted(parses::<IpAddr>(value), "not an IP address"),
        "flattened" => match value {
            Value::Object(members) => flattened(mapping, members, "", 1),
            _ => Err("not an object"),
        },
        _ => Err("a type that this test does not know"),
    }
}

fn parses<T: std::str::FromStr>(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.parse::<T>().is_ok())
}

/// A flattened field takes whatever JSON there is, but for depth, `\0` in a name, and long terms.
fn flattened(
    mapping: &Value,
    members: &Map<String, Value>,
    path: &str,
    depth: u64,
) -> Result<(), &'static str> {
    if depth > mapping["depth_limit"].as_u64().unwrap_or(USUAL_DEPTH) {
        return Err("deeper than depth_limit");
    }
    members.iter().try_for_each(|(name, value)| {
        let key = join(path, name);
        if key.contains('\0') { Err("a name with \\0") } else { entry(mapping, value, &key, depth) }
    })
}

fn entry(mapping: &Value, value: &Value, key: &str, depth: u64) -> Result<(), &'static str> {
    match value {
        Value::Object(members) => flattened(mapping, members, key, depth + 1),
        Value::Array(values) => values.iter().try_for_each(|value| entry(mapping, value, key, depth)),
        Value::Null => Ok(()),
        scalar => {
            let text = scalar.as_str().map_or_else(|| scalar.to_string(), str::to_owned);
            let limit = mapping["ignore_above"].as_u64().unwrap_or(u64::MAX);
            let is_ignored = u64::try_from(text.encode_utf16().count()).unwrap() > limit;
            // Name and value are one term, with a byte between them.
            let is_term = key.len() + 1 + text.len() <= LONGEST_TERM;
            if is_ignored || is_term { Ok(()) } else { Err("longer than a term") }
        }
    }
}
