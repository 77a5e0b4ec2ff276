//! The rules of the schema (`ocsf_rules.json`), and what of an event breaks them.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The whole file.
#[derive(Deserialize)]
pub(super) struct Rules {
    categories: BTreeMap<String, String>,
    versions: BTreeMap<String, Version>,
}

#[derive(Deserialize)]
struct Version {
    /// What every class has.
    base: BTreeMap<String, String>,
    enums: BTreeMap<String, Choices>,
    /// By `class_uid`.
    classes: BTreeMap<String, Shape>,
    objects: BTreeMap<String, Shape>,
}

/// The values of an id, and their names.
type Choices = BTreeMap<String, String>;

/// A class or an object.
#[derive(Deserialize)]
struct Shape {
    /// Of a class.
    #[serde(default)]
    name: String,
    /// Of a class.
    #[serde(default)]
    activities: Choices,
    /// Name to type; see `about` in the file.
    attributes: BTreeMap<String, String>,
    #[serde(default)]
    enums: BTreeMap<String, Choices>,
    #[serde(default)]
    at_least_one: Vec<String>,
}

/// The walk through one event.
struct Walk<'a> {
    objects: &'a BTreeMap<String, Shape>,
    /// `metadata.profiles`.
    profiles: Vec<&'a str>,
    faults: Vec<String>,
}

impl Rules {
    pub(super) fn new() -> Self {
        let mut rules: Self = serde_json::from_str(include_str!("../ocsf_rules.json")).unwrap();
        for version in rules.versions.values_mut() {
            for class in version.classes.values_mut() {
                let own = std::mem::replace(&mut class.attributes, version.base.clone());
                class.attributes.extend(own);
                class.enums.extend(version.enums.clone());
                class.enums.insert("activity_id".to_owned(), class.activities.clone());
            }
        }
        rules
    }

    /// What of an event breaks the rules of the version that it names.
    pub(super) fn faults(&self, event: &Value) -> Vec<String> {
        let version = event["metadata"]["version"].as_str().unwrap_or_default();
        let Some(rules) = self.versions.get(version) else {
            return vec![format!("metadata.version: {version:?}")];
        };
        let class_uid = event["class_uid"].to_string();
        let Some(class) = rules.classes.get(&class_uid) else {
            return vec![format!("class_uid: {version} has no {class_uid}")];
        };
        let profiles = event["metadata"]["profiles"].as_array().into_iter().flatten();
        let mut walk = Walk {
            objects: &rules.objects,
            profiles: profiles.filter_map(Value::as_str).collect(),
            faults: Vec::new(),
        };
        walk.object("", event, class);
        walk.classification(event, class, &self.categories);
        walk.observables(event);
        walk.faults
    }
}

impl Walk<'_> {
    fn fault(&mut self, path: &str, name: &str, what: &str) {
        self.faults.push(format!("{path}{name}: {what}"));
    }

    fn object(&mut self, path: &str, value: &Value, shape: &Shape) {
        let Some(members) = value.as_object() else {
            return self.fault(path, "", "is no object");
        };
        for (name, value) in members {
            let Some(kind) = shape.attributes.get(name) else {
                self.fault(path, name, "is not in the schema");
                continue;
            };
            if kind.ends_with('-') {
                self.fault(path, name, "is deprecated");
            }
            let (kind, profile) = kind.split_once('@').unwrap_or((kind.as_str(), ""));
            if !profile.is_empty() && !self.profiles.contains(&profile) {
                self.fault(path, name, &format!("needs the profile {profile}"));
            }
            let kind = kind.trim_end_matches(['!', '-']);
            match kind.strip_suffix("[]") {
                None => self.value(&format!("{path}{name}"), value, kind),
                Some(kind) => {
                    let Some(items) = value.as_array().filter(|items| !items.is_empty()) else {
                        self.fault(path, name, "is no array with something in it");
                        continue;
                    };
                    for (index, item) in items.iter().enumerate() {
                        self.value(&format!("{path}{name}[{index}]"), item, kind);
                    }
                }
            }
        }
        for (name, kind) in &shape.attributes {
            if kind.contains('!') && !members.contains_key(name) {
                self.fault(path, name, "is required");
            }
        }
        let any = &shape.at_least_one;
        if !any.is_empty() && !any.iter().any(|name| members.contains_key(name)) {
            self.fault(path, "", &format!("needs one of {any:?}"));
        }
        for (name, values) in &shape.enums {
            self.choice(path, members, name, values);
        }
    }

    fn value(&mut self, path: &str, value: &Value, kind: &str) {
        let is_right = match kind {
            "integer_t" | "long_t" | "timestamp_t" | "port_t" => value.is_i64(),
            "boolean_t" => value.is_boolean(),
            "ip_t" => value.as_str().is_some_and(|text| text.parse::<IpAddr>().is_ok()),
            text if text.ends_with("_t") => value.as_str().is_some_and(|text| !text.is_empty()),
            "object" => value.is_object(),
            object => match self.objects.get(object) {
                Some(entry) => {
                    self.object(&format!("{path}."), value, entry);
                    true
                }
                None => return self.fault(path, "", &format!("{object} is not in the rules: add it")),
            },
        };
        if !is_right {
            self.fault(path, "", &format!("{value} is no {kind}"));
        }
    }

    /// An id and the member that names it.
    fn choice(&mut self, path: &str, members: &Map<String, Value>, id: &str, values: &Choices) {
        let sibling = if id == "activity_id" { "activity_name" } else { id.trim_end_matches("_id") };
        let text = members.get(sibling);
        let Some(number) = members.get(id) else {
            if text.is_some() {
                self.fault(path, sibling, &format!("stands without {id}"));
            }
            return;
        };
        let Some(name) = values.get(&number.to_string()) else {
            return self.fault(path, id, &format!("{number} is none of its values"));
        };
        if *number == json!(99) {
            if text.is_none_or(|text| text == name.as_str()) {
                self.fault(path, sibling, "has to say which other");
            }
        } else if text.is_some_and(|text| text != name.as_str()) {
            self.fault(path, sibling, &format!("is not {name}, which {id} {number} is"));
        }
    }

    /// What follows from class and activity.
    fn classification(&mut self, event: &Value, class: &Shape, categories: &BTreeMap<String, String>) {
        let uid = event["class_uid"].as_i64().unwrap_or_default();
        let activity = event["activity_id"].as_i64().unwrap_or_default();
        let (name, category) = (&class.name, uid / 1000);
        let activity_name = class.activities.get(&activity.to_string());
        for (name, value) in [
            ("class_name", json!(name)),
            ("category_uid", json!(category)),
            ("category_name", json!(categories.get(&category.to_string()))),
            ("type_uid", json!(uid * 100 + activity)),
            ("type_name", json!(activity_name.map(|activity| format!("{name}: {activity}")))),
        ] {
            if event[name] != value {
                self.fault("", name, &format!("{} should be {value}", event[name]));
            }
        }
    }

    /// A name is the path of a text in the event, and the value that text.
    fn observables(&mut self, event: &Value) {
        for observable in event["observables"].as_array().into_iter().flatten() {
            let name = observable["name"].as_str().unwrap_or_default();
            let pointer = format!("/{}", name.replace('[', ".").replace(']', "").replace('.', "/"));
            if event.pointer(&pointer).is_none_or(|value| *value != observable["value"]) {
                self.fault("observables", "", &format!("{name} is not {}", observable["value"]));
            }
        }
    }
}
