//! Reads one table of the file key by key, notes each fault and goes on.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use config::{Map, Value, ValueKind};
use jiff::Timestamp;
use url::Url;

use super::fault::{Fault, Problem, list};
use super::key::{self, Absent, Family, Key, Kind, Shape};
use super::layer::{Environment, Layers, from_environment};
use super::secret::Secret;
use super::{Start, unit};

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
        let origin = match self.values.get(name) {
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

    /// Text; empty text is a fault.
    pub(super) fn text(&mut self, name: &'static str) -> Option<String> {
        self.read(name, |kind, value| match text(kind, value)? {
            "" => Err(Problem::new("is empty")),
            text => Ok(text.to_owned()),
        })
    }

    /// Text, or the digits of a whole number; empty is `None`.
    pub(super) fn account(&mut self, name: &'static str) -> Option<String> {
        let account = self.read(name, |kind, value| match &value.kind {
            ValueKind::I128(number) => Ok(number.to_string()),
            _ => text(kind, value).map(|text| text.trim().to_owned()),
        });
        account.filter(|account| !account.is_empty())
    }

    /// A path; a relative one gets a warning, as it depends on where the daemon is started.
    pub(super) fn path(&mut self, name: &'static str) -> Option<PathBuf> {
        let path = self.text(name).map(PathBuf::from)?;
        if path.is_relative() {
            self.review.warn(format!(
                "{}: `{}` is relative to the directory that auditferry is started in",
                self.path_of(name),
                path.display()
            ));
        }
        Some(path)
    }

    /// A socket address; empty is `None`.
    pub(super) fn listen(&mut self, name: &'static str) -> Option<SocketAddr> {
        self.read(name, |kind, value| match text(kind, value)? {
            "" => Ok(None),
            text => match text.parse() {
                Ok(address) => Ok(Some(address)),
                Err(_) => {
                    Err(Problem::new(format!("`{text}` is no address to listen on")).hint(expected(kind)))
                }
            },
        })
        .flatten()
    }

    /// Yes or no.
    pub(super) fn switch(&mut self, name: &'static str) -> bool {
        self.read(name, |kind, value| match &value.kind {
            ValueKind::Boolean(switch) => Ok(*switch),
            ValueKind::String(text) if from_environment(value) => {
                text.parse().map_err(|_| Problem::new(format!("`{text}` is not true or false")))
            }
            other => Err(wrong_type(other, &kind.expected())),
        })
        .unwrap_or_default()
    }

    /// A whole number within its bounds.
    pub(super) fn count(&mut self, name: &'static str) -> u32 {
        self.read(name, |kind, value| {
            let number = match &value.kind {
                ValueKind::I128(number) => *number,
                ValueKind::String(text) if from_environment(value) => text.trim().parse().map_err(|_| {
                    Problem::new(format!("`{text}` is not a whole number")).hint(expected(kind))
                })?,
                other => return Err(wrong_type(other, &kind.expected())),
            };
            let Kind::Count { least, most } = kind else { return Err(Problem::new("is not a count")) };
            let within = (i128::from(*least)..=i128::from(*most)).contains(&number);
            u32::try_from(number)
                .ok()
                .filter(|_| within)
                .ok_or_else(|| Problem::new(format!("{number} is out of bounds")).hint(expected(kind)))
        })
        .unwrap_or_default()
    }

    /// A number of bytes.
    pub(super) fn size(&mut self, name: &'static str) -> u64 {
        self.read(name, |kind, value| {
            let bytes = match &value.kind {
                ValueKind::I128(number) => unit::size(&number.to_string())?,
                _ => unit::size(text(kind, value)?)?,
            };
            match kind {
                Kind::Size { least } if bytes < *least => {
                    Err(Problem::new(format!("{bytes} bytes is too small"))
                        .hint(format!("at least {least} bytes")))
                }
                _ => Ok(bytes),
            }
        })
        .unwrap_or_default()
    }

    /// A span of time.
    pub(super) fn duration(&mut self, name: &'static str) -> Duration {
        self.read(name, |kind, value| {
            let duration = unit::duration(text(kind, value)?)?;
            match kind {
                Kind::Duration { least, why } if duration < *least => {
                    let what = format!("{} is too short: {why}", unit::show(duration));
                    Err(Problem::new(what).hint(format!("at least {}", unit::show(*least))))
                }
                _ => Ok(duration),
            }
        })
        .unwrap_or_default()
    }

    /// A span of time before the first poll, or a time that is over.
    pub(super) fn start(&mut self, name: &'static str) -> Option<Start> {
        let now = self.review.now;
        self.read(name, |kind, value| {
            let text = text(kind, value)?;
            // A time has a dash after its year, a duration none.
            if text.get(1..).is_none_or(|text| !text.contains('-')) {
                return unit::duration(text).map(Start::Ago).map_err(|problem| problem.hint(expected(kind)));
            }
            match unit::time(text)? {
                time if time > now => Err(Problem::new(format!("`{text}` is in the future"))
                    .hint("what happens from now on is collected anyway; \"0s\" starts now")),
                time => Ok(Start::At(time)),
            }
        })
    }

    /// A URL without credentials and fragment.
    pub(super) fn url(&mut self, name: &'static str) -> Option<Url> {
        self.read(name, |kind, value| {
            let text = text(kind, value)?;
            // The text itself is not shown: it may hold a password.
            let wrong = |why: String| Problem::new(why).hint(expected(kind));
            let url = Url::parse(text).map_err(|error| wrong(format!("is not a URL: {error}")))?;
            if !matches!(url.scheme(), "http" | "https") {
                return Err(wrong(format!("`{}:` is neither https nor http", url.scheme())));
            }
            if !url.username().is_empty() || url.password().is_some() {
                return Err(Problem::new("holds a user name or password, which would end up in logs")
                    .hint("use the keys for credentials instead"));
            }
            if url.fragment().is_some() {
                return Err(wrong("has a fragment (`#…`), which is never sent".to_owned()));
            }
            Ok(url)
        })
    }

    /// One of the key's words.
    pub(super) fn choice(&mut self, name: &'static str) -> &'static str {
        self.read(name, |kind, value| {
            let text = text(kind, value)?;
            let Kind::Choice { words, later } = kind else { return Err(Problem::new("is not a choice")) };
            if later.contains(&text) {
                return Err(Problem::new(format!("`{text}` is not in this version of auditferry"))
                    .hint(format!("meanwhile use one of {}", list(words))));
            }
            let word = words.iter().find(|word| **word == text).copied();
            word.ok_or_else(|| {
                Problem::new(format!("`{text}` is not known")).suggest(text, words.iter().copied())
            })
        })
        .unwrap_or_default()
    }

    /// `v3`, or a year and month.
    pub(super) fn version(&mut self, name: &'static str) -> Option<String> {
        self.read(name, |kind, value| {
            let text = text(kind, value)?;
            let month = |(year, month): (&str, &str)| {
                let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
                year.len() == 4 && digits(year) && month.len() == 2 && matches!(month.parse(), Ok(1..=12))
            };
            match text == "v3" || text.split_once('-').is_some_and(month) {
                true => Ok(text.to_owned()),
                false => Err(Problem::new(format!("`{text}` is not a version")).hint(expected(kind))),
            }
        })
    }

    /// A list of texts.
    pub(super) fn texts(&mut self, name: &'static str) -> Option<Vec<String>> {
        self.read(name, texts)
    }

    /// Some of the key's words, in the key's order.
    pub(super) fn words(&mut self, name: &'static str) -> Vec<String> {
        self.read(name, |kind, value| {
            let texts = texts(kind, value)?;
            let Kind::Words(words) = kind else { return Err(Problem::new("is not a list of words")) };
            if texts.is_empty() {
                return Err(Problem::new("is empty, so nothing would be collected").hint(expected(kind)));
            }
            match texts.iter().find(|text| !words.contains(&text.as_str())) {
                Some(text) => {
                    Err(Problem::new(format!("`{text}` is not known")).suggest(text, words.iter().copied()))
                }
                None => Ok(words
                    .iter()
                    .map(|word| (*word).to_owned())
                    .filter(|word| texts.contains(word))
                    .collect()),
            }
        })
        .unwrap_or_default()
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
        let mut names = self.names_in(name);
        if names.is_empty() && !self.values.get(name).is_some_and(|value| !is_table(value)) {
            self.fault(
                name,
                Problem::new(format!("there is no {}", family.one)).hint(format!("add {}", family.example)),
            );
        }
        names.sort();
        names.into_iter().filter_map(|member| self.member(name, family, member)).collect()
    }

    /// The names in a table of tables.
    pub(super) fn names_in(&self, name: &str) -> Vec<String> {
        match self.values.get(name).map(|value| &value.kind) {
            Some(ValueKind::Table(members)) => members.keys().cloned().collect(),
            _ => Vec::new(),
        }
    }

    fn member(&self, group: &'static str, family: &'static Family, name: String) -> Option<Named<'a>> {
        let value = match &self.values.get(group)?.kind {
            ValueKind::Table(members) => members.get(&name)?,
            _ => return None,
        };
        let path = format!("{group}.{name}");
        let mut table = Table::new(self.review, path, &EMPTY, value);
        if let Some(problem) = bad_name(&name, family.one) {
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
                Some(Named { name, r#type, table })
            }
            Err(problem) => {
                table.fault("type", problem);
                None
            }
        }
    }

    /// A secret in any of its forms. It is read once, so that a missing one is found before anything happens.
    pub(super) fn secret(&mut self, name: &'static str) -> Option<Secret> {
        let key = self.key(name)?;
        match self.values.get(name).cloned() {
            Some(value) => self.secret_value(name, &value, true),
            None => {
                if matches!(key.absent, Absent::Fault) {
                    self.fault(name, Problem::new("is missing").hint(expected(&key.kind)));
                }
                None
            }
        }
    }

    /// Header names and their values; `secretive` says which names a plain value deserves a warning for.
    pub(super) fn headers(
        &mut self,
        name: &'static str,
        secretive: impl Fn(&str) -> bool,
    ) -> Vec<(String, Secret)> {
        self.key(name);
        let Some(value) = self.values.get(name).cloned() else { return Vec::new() };
        let ValueKind::Table(values) = value.kind else {
            self.fault(name, wrong_type(&value.kind, &Kind::Headers.expected()));
            return Vec::new();
        };
        let mut values: Vec<_> = values.into_iter().collect();
        values.sort_by(|(a, _), (b, _)| a.cmp(b));
        let read = |(header, value): (String, Value)| {
            let secret = self.secret_value(&format!("{name}.{header}"), &value, secretive(&header))?;
            Some((header, secret))
        };
        values.into_iter().filter_map(read).collect()
    }

    fn secret_value(&self, name: &str, value: &Value, warn_if_plain: bool) -> Option<Secret> {
        let at = |problem| self.fault_at(name, value, problem);
        let secret = match &value.kind {
            ValueKind::String(text) => {
                if warn_if_plain && !from_environment(value) {
                    self.review.warn(format!(
                        "{}: the secret stands in the file for all who can read it; better {{ env = … }}, {{ file = … }}, \
                         {{ credential = … }} or {{ command = … }}",
                        self.path_of(name)
                    ));
                }
                Secret::Plain(text.as_str().into())
            }
            ValueKind::Table(_) => {
                let mut form = Table::new(self.review, self.path_of(name), &key::SECRET, value);
                let forms = [
                    form.text("env").map(Secret::Env),
                    form.path("file").map(Secret::File),
                    form.text("credential").map(Secret::Credential),
                    form.texts("command").map(Secret::Command),
                ];
                let set = form.values.len();
                form.finish();
                let mut forms = forms.into_iter().flatten();
                match (forms.next(), set) {
                    (Some(secret), 1) => secret,
                    // Its one key is at fault itself.
                    (None, 1) => return None,
                    (None, 0) => return at(Problem::new("is empty").hint(expected(&Kind::Secret))),
                    _ => return at(Problem::new("comes from several places").hint(expected(&Kind::Secret))),
                }
            }
            other => return at(wrong_type(other, &Kind::Secret.expected())),
        };
        if self.review.read_secrets
            && let Err(error) = secret.read_in(&self.review.environment)
        {
            return at(Problem::new(error.0));
        }
        Some(secret)
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

/// A default is read as the environment's text would be.
fn preset(text: &str) -> Value {
    Value::new(Some(&super::layer::ENVIRONMENT.to_owned()), ValueKind::String(text.to_owned()))
}

fn expected(kind: &Kind) -> String {
    format!("expected {}", kind.expected())
}

fn is_table(value: &Value) -> bool {
    matches!(value.kind, ValueKind::Table(_))
}

fn text<'v>(kind: &Kind, value: &'v Value) -> Result<&'v str, Problem> {
    match &value.kind {
        ValueKind::String(text) => Ok(text),
        other => Err(wrong_type(other, &kind.expected())),
    }
}

/// An array of texts, or from the environment texts with commas between.
fn texts(kind: &Kind, value: &Value) -> Result<Vec<String>, Problem> {
    match &value.kind {
        ValueKind::String(text) if from_environment(value) => {
            Ok(text.split(',').map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).collect())
        }
        ValueKind::Array(items) => items.iter().map(|item| text(kind, item).map(str::to_owned)).collect(),
        other => Err(wrong_type(other, &kind.expected())),
    }
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
