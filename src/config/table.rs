//! Reads one table of the file key by key, notes each fault and goes on.

mod redact;
mod scalar;
mod secret;

use std::cell::RefCell;

use config::{Map, Value, ValueKind};
use jiff::Timestamp;

use super::fault::{Fault, Problem, list};
use super::key::{self, Absent, Family, Key, Kind, Shape};
use super::layer::{Environment, Layers};
use scalar::text;

/// One reading of the configuration: what it looks at and what it finds.
pub(super) struct Review {
    /// File and environment.
    pub(super) layers: Layers,
    /// For secrets.
    pub(super) environment: Environment,
    /// Whether secrets and the files of `tls` are read too.
    pub(super) read_secrets: bool,
    /// The time now.
    pub(super) now: Timestamp,
    /// What is wrong so far.
    pub(super) faults: RefCell<Vec<Fault>>,
    /// What is legal but unwise so far.
    pub(super) warnings: RefCell<Vec<String>>,
}

impl Review {
    /// Notes what is legal but unwise.
    pub(super) fn warn(&self, warning: String) {
        self.warnings.borrow_mut().push(warning);
    }
}

/// A table being read. After the last key call [`Table::finish`], which reports what nobody asked for.
///
/// A method gives the default (or nothing) for a key that is at fault: the fault is noted, so the
/// configuration will not be used, but the checks that follow still find what else is wrong.
pub(super) struct Table<'a> {
    /// The reading that this is part of.
    pub(super) review: &'a Review,
    /// The table's own key path.
    pub(super) path: String,
    shape: &'static Shape,
    values: Map<String, Value>,
    origin: String,
    asked: Vec<&'static str>,
}

/// A table of a family, with its name and what its `type` stands for.
pub(super) struct Named<'a> {
    pub(super) name: String,
    pub(super) r#type: &'static str,
    pub(super) table: Table<'a>,
}

impl<'a> Table<'a> {
    /// The whole file.
    pub(super) fn root(review: &'a Review) -> Self {
        let root = review.layers.root.clone();
        Self::new(review, String::new(), &key::FILE, &root)
    }

    fn new(review: &'a Review, path: String, shape: &'static Shape, value: &Value) -> Self {
        let origin = review.layers.origin(&path, value);
        let mut table = Self { review, path, shape, values: Map::new(), origin, asked: Vec::new() };
        match &value.kind {
            ValueKind::Table(values) => table.values.clone_from(values),
            other => table.fault("", wrong_type(other, "a table")),
        }
        table
    }

    /// Whether the file or the environment sets a key.
    pub(super) fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// The key path of one of its keys.
    pub(super) fn path_of(&self, name: &str) -> String {
        match (self.path.as_str(), name) {
            ("", name) => name.to_owned(),
            (path, "") => path.to_owned(),
            (path, name) => format!("{path}.{name}"),
        }
    }

    /// Notes a fault of a key, or of the table itself (`""`).
    pub(super) fn fault(&self, name: &str, problem: Problem) {
        let key = self.path_of(name);
        // A name with a dot means a value inside one of the table's own.
        let own = name.split('.').next().and_then(|own| self.values.get(own));
        let origin = match self.values.get(name).or(own) {
            Some(value) => self.review.layers.origin(&key, value),
            None => self.origin.clone(),
        };
        self.review.faults.borrow_mut().push(Fault {
            key,
            origin,
            problem: problem.what,
            hint: problem.hint,
        });
    }

    /// Reports the keys that nobody asked for.
    pub(super) fn finish(self) {
        debug_assert!(
            self.shape.keys().all(|key| self.asked.contains(&key.name)),
            "a key of {} is listed, but not read",
            self.path
        );
        let mut unknown: Vec<_> =
            self.values.keys().filter(|name| !self.asked.contains(&name.as_str())).collect();
        unknown.sort();
        for name in unknown {
            let refused = self.shape.refused.iter().find(|(refused, ..)| refused == name);
            self.fault(
                name,
                match refused {
                    Some((_, problem, hint)) => Problem::new(*problem).hint(*hint),
                    None => Problem::new("unknown key").suggest(name, self.shape.keys().map(|key| key.name)),
                },
            );
        }
    }

    /// Reads a key: its value, its default, or nothing.
    fn read<T>(
        &mut self,
        name: &'static str,
        parse: impl Fn(&Kind, &Value) -> Result<T, Problem>,
    ) -> Option<T> {
        let key = self.key(name)?;
        if let Some(value) = self.values.get(name) {
            match parse(&key.kind, value) {
                Ok(value) => return Some(value),
                Err(problem) => self.fault(name, problem),
            }
        } else if matches!(key.absent, Absent::Fault) {
            self.fault(name, Problem::new("is missing").hint(format!("expected {}", key.kind.expected())));
        }
        match key.absent {
            Absent::Default(text) => parse(&key.kind, &preset(text)).ok(),
            Absent::Fault | Absent::Without => None,
        }
    }

    /// Looks a key up in the table's list and remembers that it was asked for.
    fn key(&mut self, name: &'static str) -> Option<&'static Key> {
        self.asked.push(name);
        let key = self.shape.keys().find(|key| key.name == name);
        debug_assert!(key.is_some(), "{name} is read, but not a listed key of {}", self.path);
        key
    }

    /// A table below, empty when it is not set.
    pub(super) fn table(&mut self, name: &'static str) -> Table<'a> {
        let shape = match self.key(name) {
            Some(Key { kind: Kind::Table(shape), .. }) => shape,
            _ => &EMPTY,
        };
        let nothing = Value::new(Some(&self.origin), ValueKind::Table(Map::new()));
        Table::new(self.review, self.path_of(name), shape, self.values.get(name).unwrap_or(&nothing))
    }

    /// A table below that may be missing.
    pub(super) fn optional_table(&mut self, name: &'static str) -> Option<Table<'a>> {
        let table = self.table(name);
        self.has(name).then_some(table)
    }

    /// The tables of a family, by name. A table of no known type is a fault and left out.
    pub(super) fn family(&mut self, name: &'static str) -> Vec<Named<'a>> {
        let Some(Key { kind: Kind::Family(family), .. }) = self.key(name) else { return Vec::new() };
        match self.values.get(name).map(|value| &value.kind) {
            None => self.fault(name, none_of(family)),
            Some(ValueKind::Table(members)) if members.is_empty() => self.fault(name, none_of(family)),
            Some(ValueKind::Table(members)) => {
                let mut members: Vec<_> = members.iter().collect();
                members.sort_by_key(|(name, _)| *name);
                let read = |(member, value): (&String, &Value)| self.member(name, family, member, value);
                return members.into_iter().filter_map(read).collect();
            }
            Some(other) => self.fault(name, wrong_type(other, &format!("tables [{name}.NAME]"))),
        }
        Vec::new()
    }

    /// The names in a table of tables.
    pub(super) fn names_in(&self, name: &str) -> Vec<String> {
        match self.values.get(name).map(|value| &value.kind) {
            Some(ValueKind::Table(members)) => members.keys().cloned().collect(),
            _ => Vec::new(),
        }
    }

    fn member(&self, group: &str, family: &'static Family, name: &str, value: &Value) -> Option<Named<'a>> {
        let mut table = Table::new(self.review, format!("{group}.{name}"), &EMPTY, value);
        if let Some(problem) = bad_name(name, family.one) {
            table.fault("", problem);
        }
        if !is_table(value) {
            return None;
        }
        let known: Vec<_> = family.types.iter().map(|(known, _)| *known).collect();
        let given = match table.values.get("type") {
            None => Err(Problem::new("is missing").hint(format!("expected one of {}", list(&known)))),
            Some(value) => text(&Kind::Text, value).map(str::to_owned),
        };
        let found = given.and_then(|given| find_type(family, &given, &known));
        match found {
            Ok((r#type, shape)) => {
                table.shape = shape;
                table.asked.push("type");
                Some(Named { name: name.to_owned(), r#type, table })
            }
            Err(problem) => {
                table.fault("type", problem);
                None
            }
        }
    }

    /// Notes a fault of a value that may stand deeper than this table's own keys.
    fn fault_at<T>(&self, name: &str, value: &Value, problem: Problem) -> Option<T> {
        let key = self.path_of(name);
        let origin = self.review.layers.origin(&key, value);
        self.review.faults.borrow_mut().push(Fault {
            key,
            origin,
            problem: problem.what,
            hint: problem.hint,
        });
        None
    }
}

static EMPTY: Shape = Shape { keys: &[], refused: &[] };

fn none_of(family: &Family) -> Problem {
    Problem::new(format!("there is no {}", family.one)).hint(format!("add {}", family.example))
}

/// A default is read as the environment's text would be.
fn preset(text: &str) -> Value {
    Value::new(Some(&super::layer::ENVIRONMENT.to_owned()), ValueKind::String(text.to_owned()))
}

fn is_table(value: &Value) -> bool {
    matches!(value.kind, ValueKind::Table(_))
}

/// Names the type of what was written, never the value: it may be a secret.
fn wrong_type(value: &ValueKind, expected: &str) -> Problem {
    let what = match value {
        ValueKind::Nil => "nothing",
        ValueKind::Boolean(_) => "true or false",
        ValueKind::I64(_) | ValueKind::I128(_) | ValueKind::U64(_) | ValueKind::U128(_) => "a whole number",
        ValueKind::Float(_) => "a fraction",
        ValueKind::String(_) => "text",
        ValueKind::Table(_) => "a table",
        ValueKind::Array(_) => "a list",
    };
    Problem::new(format!("wrong type: this is {what}")).hint(format!("expected {expected}"))
}

fn find_type(
    family: &'static Family,
    given: &str,
    known: &[&'static str],
) -> Result<(&'static str, &'static Shape), Problem> {
    if let Some((_, meanwhile)) = family.later.iter().find(|(later, _)| *later == given) {
        return Err(Problem::new(format!("`{given}` is not in this version of auditferry")).hint(*meanwhile));
    }
    let found = family.types.iter().find(|(known, _)| *known == given).copied();
    found.ok_or_else(|| {
        Problem::new(format!("`{given}` is not a type of {}", family.one))
            .suggest(given, known.iter().copied())
    })
}

/// Names reach the environment, metrics and file names: so only `[a-z][a-z0-9_]*`.
fn bad_name(name: &str, one: &str) -> Option<Problem> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name == "auditferry" && one == "source" {
        return Some(
            Problem::new("the name `auditferry` is taken by the daemon's own events").hint("choose another"),
        );
    }
    if name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(good) {
        return None;
    }
    let slug: String = name.to_lowercase().chars().map(|c| if good(c) { c } else { '_' }).collect();
    let slug = slug.trim_start_matches(|c: char| !c.is_ascii_lowercase());
    let problem =
        Problem::new(format!("`{name}` is not a name: small letters, digits and `_`, a letter first"));
    Some(if slug.is_empty() { problem } else { problem.hint(format!("for example `{slug}`")) })
}
