//! The JSON Schema of the file (draft 2020-12), for editors.

use serde_json::{Map, Value, json};

use super::key::{Absent, FILE, Family, Key, Kind, SECRET, Shape};
use crate::event::{SensitiveField, Treatment};

/// The schema of the whole file, as `auditferry config schema` prints it.
pub(crate) fn schema() -> Value {
    let form = |form: &Key| {
        let properties = json!({ form.name: property(form) });
        json!({
            "type": "object",
            "additionalProperties": false,
            "required": [form.name],
            "properties": properties,
        })
    };
    let plain = json!({ "type": "string", "minLength": 1 });
    let forms: Vec<_> = [plain].into_iter().chain(SECRET.keys().map(form)).collect();
    let mut schema = table(&FILE);
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!("auditferry configuration");
    schema["$defs"] = json!({ "secret": { "description": Kind::Secret.expected(), "oneOf": forms } });
    schema
}

fn table(shape: &Shape) -> Value {
    let properties: Map<_, _> = shape.keys().map(|key| (key.name.to_owned(), property(key))).collect();
    let needed = |key: &&Key| matches!(key.absent, Absent::Fault);
    let required: Vec<_> = shape.keys().filter(needed).map(|key| key.name).collect();
    json!({ "type": "object", "additionalProperties": false, "properties": properties, "required": required })
}

fn property(key: &Key) -> Value {
    let mut schema = kind(&key.kind);
    schema["description"] = json!(key.about);
    if let Absent::Default(text) = key.absent {
        schema["default"] = default(&key.kind, text);
    }
    schema
}

/// A default as the file would have it.
pub(super) fn default(kind: &Kind, text: &str) -> Value {
    match kind {
        Kind::Words(_) | Kind::Texts => text.split(',').collect(),
        Kind::Switch | Kind::Count { .. } => serde_json::from_str(text).unwrap_or(Value::Null),
        _ => json!(text),
    }
}

fn kind(kind: &Kind) -> Value {
    let duration = "^([0-9]+(ms|s|m|h|d|w) *)+$";
    match kind {
        Kind::Text | Kind::Path => json!({ "type": "string", "minLength": 1 }),
        Kind::Listen => json!({ "type": "string" }),
        Kind::Account => json!({ "type": ["string", "integer"] }),
        Kind::Switch => json!({ "type": "boolean" }),
        Kind::Count { least, most } => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Kind::Size { least, most } => json!({
            "type": ["string", "integer"],
            "minimum": least,
            "maximum": most,
            "pattern": "^[0-9]+ *(([kKmMgGtT][iI]?)?[bB])?$",
        }),
        Kind::Duration { .. } => json!({ "type": "string", "pattern": duration }),
        Kind::Start => {
            json!({ "type": "string", "pattern": format!("{duration}|^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}") })
        }
        Kind::Url => json!({ "type": "string", "format": "uri", "pattern": "^https?://" }),
        Kind::Urls => {
            let url = json!({ "type": "string", "format": "uri", "pattern": "^https?://" });
            json!({ "type": ["string", "array"], "pattern": "^https?://", "minItems": 1, "items": url })
        }
        Kind::Statuses => {
            let status = json!({ "type": "integer", "minimum": 200, "maximum": 299 });
            json!({ "type": "array", "items": status })
        }
        Kind::Choice { words, .. } => json!({ "type": "string", "enum": words }),
        Kind::Version => json!({ "type": "string", "pattern": "^(v3|[0-9]{4}-(0[1-9]|1[0-2]))$" }),
        Kind::Words(words) => {
            json!({ "type": "array", "minItems": 1, "items": { "type": "string", "enum": words } })
        }
        Kind::Texts => json!({ "type": "array", "minItems": 1, "items": { "type": "string" } }),
        Kind::Secret => json!({ "$ref": "#/$defs/secret" }),
        Kind::Headers => json!({ "type": "object", "additionalProperties": { "$ref": "#/$defs/secret" } }),
        Kind::Redactions => redactions(),
        Kind::Table(shape) => table(shape),
        Kind::Family(family) => members(family),
    }
}

/// A field may be written as one name, or as tables in tables.
fn redactions() -> Value {
    let treatments: Vec<_> = Treatment::ALL.iter().map(|treatment| treatment.name()).collect();
    let treatment = json!({ "type": "string", "enum": treatments });
    let mut properties = Map::new();
    for field in SensitiveField::ALL {
        properties.insert(field.name().to_owned(), treatment.clone());
        nest(&mut properties, field.name(), &treatment);
    }
    json!({ "type": "object", "additionalProperties": false, "minProperties": 1, "properties": properties })
}

/// Puts a schema in place below the tables that its path names.
fn nest(properties: &mut Map<String, Value>, path: &str, schema: &Value) {
    let Some((first, rest)) = path.split_once('.') else {
        properties.insert(path.to_owned(), schema.clone());
        return;
    };
    let empty = || json!({ "type": "object", "additionalProperties": false, "properties": {} });
    let table = properties.entry(first).or_insert_with(empty);
    if let Some(below) = table["properties"].as_object_mut() {
        nest(below, rest, schema);
    }
}

fn members(family: &Family) -> Value {
    let member = |(name, shape): &(&str, &Shape)| {
        let mut schema = table(shape);
        schema["properties"]["type"] =
            json!({ "const": name, "description": format!("The type of {}.", family.one) });
        if let Some(required) = schema["required"].as_array_mut() {
            required.insert(0, json!("type"));
        }
        schema
    };
    json!({
        "type": "object",
        "minProperties": 1,
        "propertyNames": { "pattern": "^[a-z][a-z0-9_]*$" },
        "additionalProperties": { "oneOf": family.types.iter().map(member).collect::<Vec<_>>() },
    })
}
