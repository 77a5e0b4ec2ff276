//! Splunk's configuration files and lookup tables, as far as the add-on uses them: one setting a line.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Setting → value, of one stanza.
pub(super) type Stanza = BTreeMap<String, String>;
/// Name → stanza, of one file.
pub(super) type Conf = BTreeMap<String, Stanza>;

/// The add-on's directory.
pub(super) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/splunk/TA-auditferry")
}

/// A file of the add-on.
pub(super) fn text(path: &str) -> String {
    fs::read_to_string(folder().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A file in `default/`.
pub(super) fn conf(name: &str) -> Conf {
    parse(&text(&format!("default/{name}"))).unwrap_or_else(|fault| panic!("{name}: {fault}"))
}

/// Settings before the first stanza, settings and stanzas that come twice, and values over several lines are
/// faults: Splunk would take them, and the reader would not see what holds.
pub(super) fn parse(text: &str) -> Result<Conf, String> {
    let mut conf = Conf::new();
    let mut stanza: Option<&mut Stanza> = None;
    for (at, line) in text.lines().enumerate() {
        let fault = |what: &str| Err(format!("line {}: {what}: {line}", at + 1));
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line.ends_with('\\') || line.trim() != line {
            return fault("goes on, or has a blank around");
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            if conf.contains_key(name) {
                return fault("comes twice");
            }
            stanza = Some(conf.entry(name.to_owned()).or_default());
            continue;
        }
        let Some((key, value)) = line.split_once('=') else { return fault("is no setting") };
        let Some(stanza) = &mut stanza else { return fault("stands in no stanza") };
        if stanza.insert(key.trim().to_owned(), value.trim().to_owned()).is_some() {
            return fault("comes twice");
        }
    }
    Ok(conf)
}

/// The rows of a lookup table, each by its columns; no value has a quote or a comma.
pub(super) fn lookup(file: &str) -> Vec<Stanza> {
    let text = text(&format!("lookups/{file}"));
    let mut lines = text.lines();
    let columns: Vec<_> = lines.next().unwrap().split(',').collect();
    let row = |line: &str| {
        let values: Vec<_> = line.split(',').collect();
        assert_eq!(values.len(), columns.len(), "{file}: {line}");
        assert!(!line.contains('"'), "{file}: {line}");
        columns.iter().zip(values).map(|(column, value)| ((*column).to_owned(), value.to_owned())).collect()
    };
    lines.map(row).collect()
}

#[test]
fn a_configuration_file_with_a_fault_is_not_taken() {
    assert_eq!(parse("# a\n[b]\nc = d = e\n").unwrap()["b"]["c"], "d = e");
    for faulty in
        ["c = d\n", "[b]\nc\n", "[b]\nc = d\nc = e\n", "[b]\n[b]\n", "[b]\nc = d \\\n e\n", " [b]\n"]
    {
        assert!(parse(faulty).is_err(), "{faulty}");
    }
}
