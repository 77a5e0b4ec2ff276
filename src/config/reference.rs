//! Every key in words, for the manual page: what the tables of [`super::key`] say, by the place where it is
//! written.

use super::key::{Absent, FILE, Family, Key, Kind, Shape};
use super::schema::default;

/// A table of the file, or a part of one.
#[derive(Debug)]
pub(crate) struct Section {
    /// `[spool]`, or `[sinks.NAME] with type = "syslog"`.
    pub(crate) title: String,
    /// What it is for; of a part of a table nothing.
    pub(crate) about: Option<&'static str>,
    /// Its keys.
    pub(crate) entries: Vec<Entry>,
}

/// A key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// As it is written within its section: `listen`, `batch.max_wait`.
    pub(crate) name: String,
    /// What it holds, in words; of a table nothing.
    pub(crate) holds: Option<String>,
    /// What happens when it is not set.
    pub(crate) absent: Fallback,
    /// What it means: sentences.
    pub(crate) about: &'static str,
}

/// What happens when a key is not set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fallback {
    /// The file is refused.
    Needed,
    /// The program does without.
    Nothing,
    /// This is read, as it would stand in the file.
    Default(String),
}

/// Every section, in the order of the example.
pub(crate) fn reference() -> Vec<Section> {
    let mut sections = Vec::new();
    let mut outermost = Vec::new();
    for key in FILE.keys() {
        match &key.kind {
            Kind::Table(shape) => sections.push(Section {
                title: format!("[{}]", key.name),
                about: Some(key.about),
                entries: entries("", shape),
            }),
            Kind::Family(family) => sections.extend(members(key, family)),
            _ => outermost.push(entry("", key)),
        }
    }
    sections.insert(0, Section { title: "TOP LEVEL".to_owned(), about: None, entries: outermost });
    sections
}

/// What all types of a family have alike, then each type with what it alone has.
fn members(key: &'static Key, family: &Family) -> Vec<Section> {
    let of_types: Vec<(&str, Vec<Entry>)> =
        family.types.iter().map(|(name, shape)| (*name, entries("", shape))).collect();
    let is_common = |entry: &Entry| of_types.iter().all(|(_, entries)| entries.contains(entry));
    let names: Vec<String> = family.types.iter().map(|(name, _)| format!("\"{name}\"")).collect();
    let kind = Entry {
        name: "type".to_owned(),
        holds: Some(names.join(", ")),
        absent: Fallback::Needed,
        about: "Which further keys there are.",
    };
    let first = of_types.first().map_or(&[][..], |(_, entries)| entries);
    let common = [kind].into_iter().chain(first.iter().filter(|entry| is_common(entry)).cloned());
    let title = format!("[{}.NAME]", key.name);
    let whole = Section { title: title.clone(), about: Some(key.about), entries: common.collect() };
    let own = of_types.iter().map(|(name, entries)| Section {
        title: format!("{title} with type = \"{name}\""),
        about: None,
        entries: entries.iter().filter(|entry| !is_common(entry)).cloned().collect(),
    });
    [whole].into_iter().chain(own.filter(|section| !section.entries.is_empty())).collect()
}

/// The keys of a table, those of the tables in it after theirs.
fn entries(prefix: &str, shape: &Shape) -> Vec<Entry> {
    let mut all = Vec::new();
    for key in shape.keys() {
        all.push(entry(prefix, key));
        if let Kind::Table(below) = &key.kind {
            all.extend(entries(&format!("{prefix}{}.", key.name), below));
        }
    }
    all
}

fn entry(prefix: &str, key: &Key) -> Entry {
    let is_table = matches!(key.kind, Kind::Table(_));
    Entry {
        name: format!("{prefix}{}", key.name),
        holds: (!is_table).then(|| key.kind.expected()),
        absent: match key.absent {
            Absent::Fault => Fallback::Needed,
            Absent::Without => Fallback::Nothing,
            // JSON of texts, numbers and lists of them is TOML.
            Absent::Default(text) => Fallback::Default(default(&key.kind, text).to_string()),
        },
        about: key.about,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find<'a>(sections: &'a [Section], title: &str, name: &str) -> Vec<&'a Entry> {
        let within = sections.iter().filter(|section| section.title == title);
        within.flat_map(|section| &section.entries).filter(|entry| entry.name == name).collect()
    }

    #[test]
    fn a_key_of_every_type_stands_once_and_one_of_a_type_with_it() {
        let sections = reference();
        let common = find(&sections, "[sinks.NAME]", "batch.max_wait");
        assert!(matches!(&common[..], [only] if only.absent == Fallback::Default("\"1s\"".to_owned())));
        assert!(find(&sections, "[sinks.NAME] with type = \"http\"", "batch.max_wait").is_empty());
        let own = find(&sections, "[sources.NAME] with type = \"hubspot\"", "streams");
        let streams = Fallback::Default(r#"["audit_logs","login","security"]"#.to_owned());
        assert!(matches!(&own[..], [only] if only.absent == streams));
        assert_eq!(find(&sections, "[server]", "listen").len(), 1);
        assert_eq!(find(&sections, "TOP LEVEL", "state_dir").len(), 1);
    }

    #[test]
    fn every_default_is_toml() {
        for entry in reference().iter().flat_map(|section| &section.entries) {
            if let Fallback::Default(text) = &entry.absent {
                let read: Result<toml::Table, _> = format!("key = {text}").parse();
                assert!(read.is_ok(), "{}: {text}", entry.name);
            }
        }
    }

    #[test]
    fn every_key_of_the_schema_is_in_it() {
        fn names(schema: &serde_json::Value, found: &mut Vec<String>) {
            let fields = schema.as_object().into_iter().flatten();
            for (name, value) in fields {
                if name == "properties" {
                    found.extend(value.as_object().into_iter().flatten().map(|(key, _)| key.clone()));
                }
                names(value, found);
            }
            schema.as_array().into_iter().flatten().for_each(|value| names(value, found));
        }
        let mut schema = crate::config::schema();
        // The forms of a secret are words of `holds`; the fields of an event are no keys.
        schema["$defs"] = serde_json::Value::Null;
        let redacted: Vec<&str> =
            crate::event::SensitiveField::ALL.iter().map(|field| field.name()).collect();
        let mut wanted = Vec::new();
        names(&schema, &mut wanted);
        let sections = reference();
        let is_there = |name: &String| {
            let entries = sections.iter().flat_map(|section| &section.entries);
            let mut keys = entries.map(|entry| entry.name.rsplit('.').next().unwrap_or_default());
            keys.any(|key| key == name)
                || sections.iter().any(|section| section.title.starts_with(&format!("[{name}")))
        };
        let is_field = |name: &String| {
            redacted.iter().any(|field| field == name || field.split('.').any(|part| part == name))
        };
        let missing: Vec<_> = wanted.iter().filter(|name| !is_there(name) && !is_field(name)).collect();
        assert!(missing.is_empty() && wanted.len() > 50, "{missing:?}");
    }
}
