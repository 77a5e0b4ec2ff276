//! The layers of the configuration, the file and above it the environment, merged into one table whose values
//! still know where they were set.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::ops::Range;

use config::{Source, Value, ValueKind};
use toml::de::{DeTable, DeValue};

use super::fault::{Fault, Faults};

/// What the environment variables that set a key begin with; levels are parted by two underscores.
const PREFIX: &str = "AUDITFERRY__";
/// How the TOML parser calls a name that is set twice.
const DUPLICATE: &str = "duplicate key";
/// What the `config` crate calls the place of a value from the environment.
pub(super) const ENVIRONMENT: &str = "the environment";

/// Environment variables, of the process or of a test.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The process's own. What is not Unicode becomes `U+FFFD`, which no key takes.
    pub fn process() -> Self {
        let unicode = |text: OsString| text.to_string_lossy().into_owned();
        Self(std::env::vars_os().map(|(name, value)| (unicode(name), unicode(value))).collect())
    }

    /// A variable's value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Whether it names at least a source and a sink: then it may be the whole configuration.
    pub(super) fn sets_sources_and_sinks(&self) -> bool {
        let set = |family: &str| {
            let mut keys = self.0.keys().filter_map(|name| name.strip_prefix(PREFIX));
            keys.any(|key| key.to_lowercase().starts_with(family))
        };
        set("sources__") && set("sinks__")
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(variables: [(&str, &str); N]) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}

/// Names only: values may be secrets.
impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// The merged layers.
#[derive(Debug)]
pub(super) struct Layers {
    /// Everything that was set.
    pub(super) root: Value,
    /// What is wrong with the layers themselves, without making the rest unreadable.
    pub(super) faults: Vec<Fault>,
    /// Which variable set which key path.
    variables: BTreeMap<String, String>,
    /// The file's name for people.
    label: String,
}

impl Layers {
    /// Merges a file's text and the environment.
    ///
    /// # Errors
    /// When the text is not TOML: then nothing else can be said of it.
    pub(super) fn merge(text: &str, label: &str, environment: &Environment) -> Result<Self, Faults> {
        let (mut root, mut faults) = parse(text, label)?;
        let variables = key_paths(environment, &mut faults);
        let set: HashMap<_, _> = variables
            .values()
            .filter_map(|name| Some((name.clone(), environment.get(name)?.to_owned())))
            .collect();
        // No `try_parsing`: it would turn the token 00123 into 123. Who wants a number reads the text.
        let environment = config::Environment::with_prefix("AUDITFERRY")
            .prefix_separator("__")
            .separator("__")
            .source(Some(set));
        // Merged into the file's own table, not by a builder: that would read the file's `"a.b"` as a path and
        // forget the lines of tables.
        environment.collect_to(&mut root).map_err(|error| {
            let problem = format!("the environment can't be merged into the file: {error}");
            Faults(vec![Fault { key: String::new(), origin: label.to_owned(), problem, hint: None }])
        })?;
        Ok(Self { root, faults, variables, label: label.to_owned() })
    }

    /// Where a value was set, for people.
    pub(super) fn origin(&self, path: &str, value: &Value) -> String {
        match value.origin() {
            Some(place) if place != ENVIRONMENT => place.to_owned(),
            _ if path.is_empty() => self.label.clone(),
            _ => self.variable(path).map_or_else(
                || self.label.clone(),
                |variable| format!("the environment variable {variable}"),
            ),
        }
    }

    /// The variable that set a key, or one below it.
    fn variable(&self, path: &str) -> Option<&str> {
        let below = format!("{path}.");
        let at_or_below = |set: &str| set == path || set.starts_with(&below);
        self.variables.iter().find(|(set, _)| at_or_below(set)).map(|(_, variable)| variable.as_str())
    }
}

/// Whether a value came as the text of an environment variable.
pub(super) fn from_environment(value: &Value) -> bool {
    value.origin() == Some(ENVIRONMENT)
}

/// Which key path each variable sets. What can't be a path, or sets what another variable sets too, is a fault.
fn key_paths(environment: &Environment, faults: &mut Vec<Fault>) -> BTreeMap<String, String> {
    let mut paths = BTreeMap::<String, String>::new();
    for variable in environment.0.keys() {
        let Some(rest) = variable.strip_prefix(PREFIX) else { continue };
        let path = rest.to_lowercase().replace("__", ".");
        let word =
            |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let parents = path.match_indices('.').map(|(end, _)| &path[..end]);
        let problem = if !path.split('.').all(word) {
            "names no key".to_owned()
        } else if let Some(other) = parents.chain([path.as_str()]).find_map(|path| paths.get(path)) {
            format!("contradicts {other}: both set the same key")
        } else {
            paths.insert(path, variable.clone());
            continue;
        };
        faults.push(Fault {
            key: path,
            origin: format!("the environment variable {variable}"),
            problem,
            hint: Some(
                "levels are parted by two underscores: AUDITFERRY__SOURCES__HUBSPOT__POLL_INTERVAL"
                    .to_owned(),
            ),
        });
    }
    paths
}

/// Parses the file. A key that is set twice is a fault that leaves the rest readable; any other mistake in the
/// syntax does not, and only the first is told, as it makes the parser stumble on.
fn parse(text: &str, label: &str) -> Result<(Value, Vec<Fault>), Faults> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let (twice, unreadable): (Vec<_>, Vec<_>) = errors.iter().partition(|error| error.message() == DUPLICATE);
    let told = twice.into_iter().chain(unreadable.first().copied());
    let faults: Vec<_> = told.map(|error| syntax_fault(text, label, error)).collect();
    if !unreadable.is_empty() {
        return Err(Faults(faults));
    }
    let lines = Lines { text, label };
    Ok((Value::new(Some(&label.to_owned()), lines.table(table.get_ref())), faults))
}

fn syntax_fault(text: &str, label: &str, error: &toml::de::Error) -> Fault {
    let Range { start, end } = error.span().unwrap_or_default();
    let before = text.get(..start).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    let here = text.get(start..end).filter(|here| error.message() == DUPLICATE && !here.is_empty());
    Fault {
        key: String::new(),
        origin: format!("{label}, line {line}, column {column}"),
        problem: here.map_or_else(
            || format!("this is not TOML: {}", error.message()),
            |name| format!("`{name}` is set twice"),
        ),
        hint: here.map(|_| "every name and every key may stand once in its table".to_owned()),
    }
}

/// Turns parsed TOML into values that know their line.
struct Lines<'a> {
    text: &'a str,
    label: &'a str,
}

impl Lines<'_> {
    fn table(&self, table: &DeTable<'_>) -> ValueKind {
        let entry = |(key, value): (&toml::Spanned<_>, &toml::Spanned<_>)| {
            let name: &std::borrow::Cow<'_, str> = key.get_ref();
            let line = self.text.get(..key.span().start).unwrap_or_default().matches('\n').count() + 1;
            let place = format!("{}, line {line}", self.label);
            (name.to_string(), Value::new(Some(&place), self.value(value.get_ref(), &place)))
        };
        ValueKind::Table(table.iter().map(entry).collect())
    }

    fn value(&self, value: &DeValue<'_>, place: &String) -> ValueKind {
        match value {
            DeValue::String(text) => ValueKind::String(text.to_string()),
            // Beyond 128 bits it stays text, which no reader takes for a number.
            DeValue::Integer(number) => i128::from_str_radix(number.as_str(), number.radix())
                .map_or_else(|_| ValueKind::String(number.to_string()), ValueKind::I128),
            DeValue::Float(number) => ValueKind::Float(number.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Boolean(switch) => ValueKind::Boolean(*switch),
            DeValue::Datetime(time) => ValueKind::String(time.to_string()),
            DeValue::Array(items) => ValueKind::Array(
                items.iter().map(|item| Value::new(Some(place), self.value(item.get_ref(), place))).collect(),
            ),
            DeValue::Table(table) => self.table(table),
        }
    }
}
