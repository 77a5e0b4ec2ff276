//! The files that come with the program and the schema, held together by the list of keys.

use super::*;
use crate::config::key::{FILE, Key, Kind, Shape};

/// The example with what is commented out switched on.
fn full_example() -> Value {
    let switched_on = |line: &str| {
        let rest = line.strip_prefix("# ")?;
        let name = rest.split(" = ").next().filter(|name| name.len() < rest.len());
        let is_key = name.is_some_and(|name| name.chars().all(|c| c.is_ascii_lowercase() || c == '_'));
        (is_key || rest.starts_with('[')).then(|| rest.to_owned())
    };
    let text: Vec<_> =
        example().lines().map(|line| switched_on(line).unwrap_or_else(|| line.to_owned())).collect();
    toml::from_str(&text.join("\n")).unwrap()
}

#[test]
fn the_example_loads() {
    let environment = Environment::from([("HUBSPOT_TOKEN", "a"), ("BREVO_API_KEY", "b")]);
    let config = Config::from_text_with(example(), "example", &environment).unwrap_or_else(|f| panic!("{f}"));
    assert_eq!(config.warnings, Vec::<String>::new());
    assert_eq!((config.sources.len(), config.sinks.len()), (2, 1));
}

#[test]
fn the_demo_loads_and_waits_for_nobody() {
    let config = Config::from_text(demo(), "demo").unwrap_or_else(|f| panic!("{f}"));
    assert_eq!(config.sources[0].polling.interval, Duration::from_secs(3));
    assert_eq!(config.sources[1].polling.interval, Duration::from_secs(2));
    assert_eq!(config.sinks[0].batch.max_wait, Duration::from_millis(200));
    assert!(config.sources.iter().all(|source| source.base_url.as_str() == "http://127.0.0.1:1/"));
}

#[test]
fn what_the_packages_install_wants_a_source_and_a_sink_and_is_sound_once_they_are_switched_on() {
    let installed = include_str!("../../../deploy/packages/auditferry.toml");
    let keys: Vec<_> = faults(load(installed)).into_iter().map(|fault| fault.key).collect();
    assert_eq!(keys, ["sources", "sinks"]);
    let switched_on = |line: &str| {
        let rest =
            line.strip_prefix('#').filter(|rest| rest.starts_with(|c: char| c == '[' || c.is_alphabetic()));
        format!("{}\n", rest.unwrap_or(line))
    };
    let text: String = installed.lines().map(switched_on).collect();
    let directory = tempfile::tempdir().unwrap();
    for name in text.split("credential = \"").skip(1).filter_map(|rest| rest.split('"').next()) {
        std::fs::write(directory.path().join(name), "word").unwrap();
    }
    let environment = Environment::from([("CREDENTIALS_DIRECTORY", directory.path().to_str().unwrap())]);
    let config =
        Config::from_text_with(&text, "a.toml", &environment).unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!((config.sources.len(), config.sinks.len(), config.warnings.len()), (2, 3, 0));
}

#[test]
fn the_example_names_every_key_with_its_default() {
    let written = full_example();
    compare(&FILE, "", &[&written], &super::schema());
}

/// Each key stands in one of the tables at least, wherever it stands with the default.
fn compare(shape: &Shape, path: &str, tables: &[&Value], schema: &Value) {
    for key in shape.keys() {
        let path = format!("{path}.{}", key.name);
        let values: Vec<_> = tables.iter().filter_map(|table| table.get(key.name)).collect();
        assert!(!values.is_empty(), "the example does not name {path}");
        let schema = &schema["properties"][key.name];
        match key.kind {
            Kind::Table(shape) => compare(shape, &path, &values, schema),
            Kind::Family(family) => {
                for (index, (name, shape)) in family.types.iter().enumerate() {
                    // What all types share is written out for one of them only.
                    let mut members: Vec<_> = values[0].as_object().unwrap().values().collect();
                    members.sort_by_key(|member| member["type"] != **name);
                    assert_eq!(members[0]["type"], **name, "the example has no {name}");
                    compare(
                        shape,
                        &format!("{path}.{name}"),
                        &members,
                        &schema["additionalProperties"]["oneOf"][index],
                    );
                }
            }
            _ => default_is_written(key, &path, values[0], schema),
        }
    }
}

fn default_is_written(key: &Key, path: &str, value: &Value, schema: &Value) {
    assert_eq!(schema["description"], key.about, "{path}");
    if let Some(default) = schema.get("default") {
        assert_eq!(default, value, "the example has another default for {path}");
    }
}

#[test]
fn the_schema_takes_the_example_and_the_demo() {
    let schema = super::schema();
    assert_eq!(complaint(&schema, &schema, &full_example()), None);
    assert_eq!(complaint(&schema, &schema, &toml::from_str(demo()).unwrap()), None);
}

#[test]
fn the_schema_refuses_what_the_program_refuses() {
    let schema = super::schema();
    for (lines, why) in [
        ("statedir = \"/a\"", "statedir is unknown"),
        ("state_dir = 7", "state_dir: 7 is not of type \"string\""),
        ("[sources.hub]\ntype = \"hubspott\"", "sources: hub: fits none"),
        ("[sources.hub]\ntype = \"hubspot\"\npoll = \"1m\"", "sources: hub: fits none"),
        ("[sources.bre]\ntype = \"brevo\"", "sources: bre: fits none"),
    ] {
        let value = toml::from_str(lines).unwrap();
        let told = complaint(&schema, &schema, &value).unwrap();
        assert!(told == why, "{lines}: {told}");
    }
}

/// What a value has against a schema: the part of JSON Schema that ours uses, but for patterns.
fn complaint(root: &Value, schema: &Value, value: &Value) -> Option<String> {
    if let Some(target) = schema["$ref"].as_str() {
        return complaint(root, root.pointer(target.strip_prefix('#')?)?, value);
    }
    if let Some(one_of) = schema["oneOf"].as_array() {
        let fits = one_of.iter().filter(|schema| complaint(root, schema, value).is_none()).count();
        return (fits != 1)
            .then(|| if fits == 0 { "fits none".to_owned() } else { "fits several".to_owned() });
    }
    if schema.get("const").is_some_and(|only| only != value) {
        return Some(format!("{value} is not {}", schema["const"]));
    }
    let words = schema.get("enum").and_then(Value::as_array);
    if words.is_some_and(|words| !words.contains(value)) {
        return Some(format!("{value} is not one of {}", schema["enum"]));
    }
    let kind = match value {
        Value::String(_) => "string",
        Value::Bool(_) => "boolean",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
        _ => "integer",
    };
    let fits = |wanted: &Value| {
        wanted == kind || wanted.as_array().is_some_and(|kinds| kinds.iter().any(|k| k == kind))
    };
    if schema.get("type").is_some_and(|wanted| !fits(wanted)) {
        return Some(format!("{value} is not of type {}", schema["type"]));
    }
    if let Some(items) = value.as_array() {
        return items.iter().find_map(|item| complaint(root, &schema["items"], item));
    }
    let members = value.as_object()?;
    let below = members.iter().find_map(|(name, value)| {
        let schema = schema["properties"].get(name).unwrap_or(&schema["additionalProperties"]);
        match schema {
            Value::Bool(false) => Some(format!("{name} is unknown")),
            schema => complaint(root, schema, value).map(|why| format!("{name}: {why}")),
        }
    });
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    below.or_else(|| {
        required
            .into_iter()
            .find(|name| !members.contains_key(*name))
            .map(|name| format!("{name} is missing"))
    })
}
