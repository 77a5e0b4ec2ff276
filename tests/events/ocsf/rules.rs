//! The rules of the schema (`ocsf_rules.json`), and what of an event breaks them.

use std::net::IpAddr;

use serde_json::{Map, Value, json};

/// What the schema says, by version.
pub(super) struct Rules(Value);

/// The members of a class or an object.
struct Shape {
    /// Name to type; see `about` in the file.
    attributes: Map<String, Value>,
    /// Name of an id to its values and their names.
    enums: Map<String, Value>,
    at_least_one: Vec<Value>,
}

/// The walk through one event.
struct Walk<'a> {
    /// What this version says of objects.
    objects: &'a Value,
    /// `metadata.profiles`.
    profiles: Vec<&'a str>,
    faults: Vec<String>,
}

impl Rules {
    pub(super) fn new() -> Self {
        Self(serde_json::from_str(include_str!("../ocsf_rules.json")).unwrap())
    }

    /// What of an event breaks the rules of the version that it names.
    pub(super) fn faults(&self, event: &Value) -> Vec<String> {
        let version = event["metadata"]["version"].as_str().unwrap_or_default();
        let Some(rules) = self.0.get(version).filter(|_| version.starts_with('1')) else {
            return vec![format!("metadata.version: {version:?}")];
        };
        let class_uid = &event["class_uid"];
        let Some(class) = rules["classes"].get(class_uid.to_string()) else {
            return vec![format!("class_uid: {version} has no {class_uid}")];
        };
        let mut shape = Shape::new(class);
        for (own, shared) in [(&mut shape.attributes, &rules["base"]), (&mut shape.enums, &rules["enums"])] {
            let mut all = members(shared);
            all.append(own);
            *own = all;
        }
        shape.enums.insert("activity_id".to_owned(), class["activities"].clone());
        let profiles = event["metadata"]["profiles"].as_array().into_iter().flatten();
        let mut walk = Walk {
            objects: &rules["objects"],
            profiles: profiles.filter_map(Value::as_str).collect(),
            faults: Vec::new(),
        };
        walk.object("", event, &shape);
        walk.classification(event, class, &self.0["categories"]);
        walk.observables(event);
        walk.faults
    }
}

fn members(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

impl Shape {
    fn new(entry: &Value) -> Self {
        Self {
            attributes: members(&entry["attributes"]),
            enums: members(&entry["enums"]),
            at_least_one: entry["at_least_one"].as_array().cloned().unwrap_or_default(),
        }
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
            let Some(kind) = shape.attributes.get(name).and_then(Value::as_str) else {
                self.fault(path, name, "is not in the schema");
                continue;
            };
            if kind.ends_with('-') {
                self.fault(path, name, "is deprecated");
            }
            let (kind, profile) = kind.split_once('@').unwrap_or((kind, ""));
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
            if kind.as_str().is_some_and(|kind| kind.contains('!')) && !members.contains_key(name) {
                self.fault(path, name, "is required");
            }
        }
        let any = &shape.at_least_one;
        if !any.is_empty() && !any.iter().any(|name| members.contains_key(name.as_str().unwrap())) {
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
                    self.object(&format!("{path}."), value, &Shape::new(entry));
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
    fn choice(&mut self, path: &str, members: &Map<String, Value>, id: &str, values: &Value) {
        let sibling = if id == "activity_id" { "activity_name" } else { id.trim_end_matches("_id") };
        let text = members.get(sibling);
        let Some(number) = members.get(id) else {
            if text.is_some() {
                self.fault(path, sibling, &format!("stands without {id}"));
            }
            return;
        };
        let Some(name) = values.get(number.to_string()) else {
            return self.fault(path, id, &format!("{number} is none of its values"));
        };
        if *number == json!(99) {
            if text.is_none_or(|text| text == name) {
                self.fault(path, sibling, "has to say which other");
            }
        } else if text.is_some_and(|text| text != name) {
            self.fault(path, sibling, &format!("is not {name}, which {id} {number} is"));
        }
    }

    /// What follows from class and activity.
    fn classification(&mut self, event: &Value, class: &Value, categories: &Value) {
        let uid = event["class_uid"].as_i64().unwrap_or_default();
        let activity = event["activity_id"].as_i64().unwrap_or_default();
        let category = uid / 1000;
        let name = class["name"].as_str().unwrap_or_default();
        let activity_name = class["activities"][activity.to_string()].as_str().unwrap_or_default();
        let expected = json!({
            "class_name": name,
            "category_uid": category,
            "category_name": categories[category.to_string()],
            "type_uid": uid * 100 + activity,
            "type_name": format!("{name}: {activity_name}"),
        });
        for (name, value) in members(&expected) {
            if event[&name] != value {
                self.fault("", &name, &format!("{} should be {value}", event[&name]));
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
