//! `redact`: fields of an event and what is done to them.

use std::collections::BTreeMap;

use config::{Value, ValueKind};

use super::super::fault::Problem;
use super::super::key::Kind;
use super::super::layer::from_environment;
use super::scalar::{expected, text};
use super::{Table, wrong_type};
use crate::event::{SensitiveField, Treatment};

impl Table<'_> {
    /// Fields under their names, which may be written as one (`"user.email"`) or as tables in tables, as the
    /// environment has to. In the order of [`SensitiveField::ALL`].
    pub(in crate::config) fn redactions(&mut self, name: &'static str) -> Vec<(SensitiveField, Treatment)> {
        self.key(name);
        let Some(value) = self.values.get(name).cloned() else { return Vec::new() };
        if !matches!(value.kind, ValueKind::Table(_)) {
            self.fault(name, wrong_type(&value.kind, &Kind::Redactions.expected()));
            return Vec::new();
        }
        let mut leaves = Vec::new();
        leaves_of("", &value, &mut leaves);
        if leaves.is_empty() {
            self.fault(
                name,
                Problem::new("is empty, so nothing would be redacted").hint(expected(&Kind::Redactions)),
            );
        }
        // The environment last, as it wins.
        leaves
            .sort_by(|(a, left), (b, right)| (from_environment(left), a).cmp(&(from_environment(right), b)));
        let mut set = BTreeMap::new();
        for (field, value) in &leaves {
            let path = format!("{name}.{field}");
            let is_set_twice = set
                .insert(field, value)
                .is_some_and(|other| !from_environment(value) && !from_environment(other));
            if is_set_twice {
                self.fault_at::<()>(
                    &path,
                    value,
                    Problem::new("is set twice").hint("once as one name, once as a table"),
                );
            }
        }
        let read = |(field, value): (&String, &Value)| {
            let at = |problem| self.fault_at(&format!("{name}.{field}"), value, problem);
            match (sensitive_field(field), treatment(value)) {
                (Ok(field), Ok(treatment)) => Some((field, treatment)),
                (Err(problem), _) | (_, Err(problem)) => at(problem),
            }
        };
        let mut rules: Vec<_> = set.into_iter().filter_map(|(field, value)| read((field, value))).collect();
        rules.sort_by_key(|(field, _)| SensitiveField::ALL.iter().position(|known| known == field));
        rules
    }
}

/// The values that are no tables, each with its whole name.
fn leaves_of(name: &str, value: &Value, leaves: &mut Vec<(String, Value)>) {
    let ValueKind::Table(members) = &value.kind else {
        leaves.push((name.to_owned(), value.clone()));
        return;
    };
    for (member, value) in members {
        let whole = if name.is_empty() { member.clone() } else { format!("{name}.{member}") };
        leaves_of(&whole, value, leaves);
    }
}

fn sensitive_field(name: &str) -> Result<SensitiveField, Problem> {
    let names = SensitiveField::ALL.iter().map(|field| field.name());
    // What goes with another field is asked for by that field's name.
    let meant = name.replace("user.target.", "user.").replace("source.address", "source.ip");
    let found = SensitiveField::ALL.iter().find(|field| field.name() == name);
    found.copied().ok_or_else(|| Problem::new("is no field that can be redacted").suggest(&meant, names))
}

fn treatment(value: &Value) -> Result<Treatment, Problem> {
    let word = text(&Kind::Redactions, value)?;
    let found = Treatment::ALL.iter().find(|treatment| treatment.name() == word);
    let known = Treatment::ALL.iter().map(|treatment| treatment.name());
    found.copied().ok_or_else(|| Problem::new(format!("`{word}` is not known")).suggest(word, known))
}
