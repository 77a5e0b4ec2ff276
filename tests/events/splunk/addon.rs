//! The add-on applied to an event as Splunk does it at search time: fields of the JSON, calculated fields, lookup,
//! event types, tags.

use auditferry::encode::{Encoder, Envelope, HecEnvelope};
use serde_json::Value as Json;

use super::conf::{Conf, Stanza, conf, lookup};
use super::eval::{Eval, Fields, Value};
use super::search::Search;
use crate::golden::{Case, FORMATS, observer};

/// The stanza with what the Common Information Model calls it.
pub(super) const SOURCE: &str = "source::auditferry:*";

/// The add-on, read.
pub(super) struct Addon {
    evals: Vec<(String, Eval)>,
    rows: Vec<Stanza>,
    /// The lookup's key, and what it adds where it is not there yet.
    key: String,
    outputs: Vec<String>,
    eventtypes: Vec<(String, Search)>,
    tags: Conf,
}

impl Addon {
    pub(super) fn read() -> Self {
        let props = conf("props.conf").remove(SOURCE).unwrap();
        let evals = props.iter().filter_map(|(key, text)| {
            let name = key.strip_prefix("EVAL-")?.to_owned();
            let eval = Eval::parse(text).unwrap_or_else(|fault| panic!("{key}: {fault}"));
            Some((name, eval))
        });
        let evals = evals.collect();
        let (table, key, outputs) = automatic_lookup(&props);
        let file = conf("transforms.conf")[&table]["filename"].clone();
        let eventtypes = conf("eventtypes.conf").into_iter().map(|(name, stanza)| {
            let search = Search::parse(&stanza["search"]).unwrap_or_else(|fault| panic!("{name}: {fault}"));
            (name, search)
        });
        Self {
            evals,
            rows: lookup(&file),
            key,
            outputs,
            eventtypes: eventtypes.collect(),
            tags: conf("tags.conf"),
        }
    }

    /// Fields that are there in the add-on's searches besides those of the events.
    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.evals.iter().map(|(name, _)| name).chain(&self.outputs)
    }

    pub(super) fn evals(&self) -> &[(String, Eval)] {
        &self.evals
    }

    pub(super) fn rows(&self) -> &[Stanza] {
        &self.rows
    }

    /// The fields of a search's result.
    pub(super) fn fields(&self, case: &Case) -> Fields {
        self.enrich(received(case))
    }

    /// What is added to the fields of the JSON.
    pub(super) fn enrich(&self, mut fields: Fields) -> Fields {
        let calculated: Vec<_> = self.evals.iter().map(|(name, eval)| (name, eval.value(&fields))).collect();
        for (name, value) in calculated {
            match value {
                Value::Text(text) => fields.insert(name.clone(), vec![text]),
                Value::Null => fields.remove(name),
                Value::Bool(_) => panic!("{name} is neither a text nor nothing"),
            };
        }
        let key = fields.get(&self.key).and_then(|values| values.first()).cloned();
        if let Some(row) = self.rows.iter().find(|row| Some(&row[&self.key]) == key.as_ref()) {
            for output in &self.outputs {
                if !row[output].is_empty() {
                    fields.entry(output.clone()).or_insert_with(|| vec![row[output].clone()]);
                }
            }
        }
        let types = self.eventtypes.iter().filter(|(_, search)| search.finds(&fields));
        let types: Vec<_> = types.map(|(name, _)| name.clone()).collect();
        let tags = types.iter().filter_map(|name| self.tags.get(&format!("eventtype={name}")));
        let tags: Vec<_> = tags.flat_map(Stanza::keys).cloned().collect();
        fields.insert("eventtype".to_owned(), types);
        fields.insert("tag".to_owned(), tags);
        fields
    }
}

/// Table, key and outputs of the only automatic lookup, `TABLE KEY OUTPUTNEW FIELD…`.
fn automatic_lookup(props: &Stanza) -> (String, String, Vec<String>) {
    let lookups: Vec<_> = props.iter().filter(|(key, _)| key.starts_with("LOOKUP-")).collect();
    let [(_, text)] = lookups[..] else { panic!("one lookup is known here: {lookups:?}") };
    let mut words = text.split(' ').map(str::to_owned);
    let (table, key) = (words.next().unwrap(), words.next().unwrap());
    assert_eq!(words.next().as_deref(), Some("OUTPUTNEW"), "{text}");
    (table, key, words.collect())
}

/// The fields of an event as the HTTP Event Collector gets it, with `KV_MODE = json`.
pub(super) fn received(case: &Case) -> Fields {
    let envelope = Envelope::Hec(HecEnvelope::new(None, None, &observer()));
    let mut out = Vec::new();
    Encoder::new((FORMATS[0].format)(), envelope).encode(&case.event, &mut out);
    let sent: Json = serde_json::from_slice(&out).unwrap();
    let mut fields = Fields::new();
    flatten("", &sent["event"], &mut fields);
    for name in ["host", "source", "sourcetype"] {
        fields.insert(name.to_owned(), vec![sent[name].as_str().unwrap().to_owned()]);
    }
    fields
}

fn flatten(name: &str, value: &Json, fields: &mut Fields) {
    let text = match value {
        Json::Object(members) => {
            for (member, value) in members {
                let dot = if name.is_empty() { "" } else { "." };
                flatten(&format!("{name}{dot}{member}"), value, fields);
            }
            return;
        }
        Json::Array(items) => {
            for item in items {
                flatten(&format!("{name}{{}}"), item, fields);
            }
            return;
        }
        Json::String(text) => text.clone(),
        other => other.to_string(),
    };
    fields.entry(name.to_owned()).or_default().push(text);
}
