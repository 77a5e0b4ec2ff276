//! What is wrong with a configuration: every fault at once, each with its key, its place and a way out.

use std::fmt;

use serde::Serialize;

/// Everything that is wrong with a configuration; never empty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Faults(pub Vec<Fault>);

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The key's path, as `sources.hubspot.poll_interval`; empty when the file as a whole is meant.
    pub key: String,
    /// Where the key was set: the file and line, or the environment variable.
    pub origin: String,
    /// What is wrong.
    pub problem: String,
    /// What is expected, or what to do.
    pub hint: Option<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        write!(f, "{}\n    in {}", self.problem, self.origin)?;
        self.hint.iter().try_for_each(|hint| write!(f, "\n    {hint}"))
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => f.write_str("the configuration has a fault")?,
            count => write!(f, "the configuration has {count} faults")?,
        }
        self.0.iter().try_for_each(|fault| write!(f, "\n\n{fault}"))
    }
}

/// A fault whose place is not yet known: what the reading of one value says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    /// What is wrong.
    pub(super) what: String,
    /// What is expected, or what to do.
    pub(super) hint: Option<String>,
}

impl Problem {
    /// A problem that says all by itself.
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), hint: None }
    }

    /// Adds what is expected, or what to do.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the nearest of the known words if one is near, else all of them.
    pub(super) fn suggest<'a>(self, word: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let known: Vec<_> = known.into_iter().collect();
        match nearest(word, &known) {
            Some(near) => self.hint(format!("did you mean `{near}`?")),
            None if known.is_empty() => self,
            None => self.hint(format!("known: {}", list(&known))),
        }
    }
}

/// The known word that was most likely meant.
fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let word = word.to_lowercase().replace('-', "_");
    let near = |known: &&str| strsim::damerau_levenshtein(&word, known);
    // A third of the letters wrong is still a slip; more is another word.
    known.iter().copied().min_by_key(near).filter(|best| near(best) <= 1 + best.len().max(word.len()) / 4)
}

/// Words as a person lists them: `a`, `b`.
pub(super) fn list(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}
