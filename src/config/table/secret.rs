//! Secrets, and headers whose values may be secrets.

use config::{Value, ValueKind};
use secrecy::ExposeSecret as _;

use super::super::fault::Problem;
use super::super::key::{self, Absent, Kind};
use super::super::layer::from_environment;
use super::super::secret::Secret;
use super::scalar::expected;
use super::{Table, wrong_type};

impl Table<'_> {
    /// A secret in any of its forms. It is read once, so that a missing one is found before anything happens.
    pub(in crate::config) fn secret(&mut self, name: &'static str) -> Option<Secret> {
        let key = self.key(name)?;
        match self.values.get(name).cloned() {
            Some(value) => self.secret_value(name, &value, true).map(|(secret, _)| secret),
            None => {
                if matches!(key.absent, Absent::Fault) {
                    self.fault(name, Problem::new("is missing").hint(expected(&key.kind)));
                }
                None
            }
        }
    }

    /// The same for one that must have so many bytes; `remedy` says how to come by it.
    pub(in crate::config) fn secret_of(
        &mut self,
        name: &'static str,
        least: usize,
        remedy: &str,
    ) -> Option<Secret> {
        self.key(name);
        let value = self.values.get(name).cloned()?;
        let (secret, length) = self.secret_value(name, &value, true)?;
        match length.filter(|length| *length < least) {
            Some(length) => {
                let problem = Problem::new(format!("has {length} bytes, and {least} are needed"));
                self.fault_at(name, &value, problem.hint(remedy))
            }
            None => Some(secret),
        }
    }

    /// Header names and their values; `secretive` says which names a plain value deserves a warning for.
    pub(in crate::config) fn headers(
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
            let (secret, _) = self.secret_value(&format!("{name}.{header}"), &value, secretive(&header))?;
            Some((header, secret))
        };
        values.into_iter().filter_map(read).collect()
    }

    /// A secret, and how long it is where secrets are read.
    fn secret_value(
        &self,
        name: &str,
        value: &Value,
        warn_if_plain: bool,
    ) -> Option<(Secret, Option<usize>)> {
        let at = |problem| self.fault_at(name, value, problem);
        let secret = match &value.kind {
            ValueKind::String(text) => {
                if warn_if_plain && !from_environment(value) {
                    self.review.warn(format!(
                        "{}: the secret stands in the file for all who can read it; better {{ env = … \
            }}, {{ file = … }}, \
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
        if !self.review.read_secrets {
            return Some((secret, None));
        }
        match secret.read_in(&self.review.environment) {
            Ok(text) => Some((secret, Some(text.expose_secret().len()))),
            Err(error) => at(Problem::new(error.0)),
        }
    }
}
