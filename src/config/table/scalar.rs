//! Single values: text, numbers, sizes, times, URLs and lists of words.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use config::{Value, ValueKind};
use url::Url;

use super::super::fault::{Problem, list};
use super::super::key::Kind;
use super::super::layer::from_environment;
use super::super::{Start, unit};
use super::{Table, wrong_type};

impl Table<'_> {
    /// Text; empty text is a fault.
    pub(in crate::config) fn text(&mut self, name: &'static str) -> Option<String> {
        self.read(name, |kind, value| match text(kind, value)? {
            "" => Err(Problem::new("is empty")),
            text => Ok(text.to_owned()),
        })
    }

    /// Text, or the digits of a whole number; empty is `None`.
    pub(in crate::config) fn account(&mut self, name: &'static str) -> Option<String> {
        let account = self.read(name, |kind, value| match &value.kind {
            ValueKind::I128(number) => Ok(number.to_string()),
            _ => text(kind, value).map(|text| text.trim().to_owned()),
        });
        account.filter(|account| !account.is_empty())
    }

    /// A path; a relative one gets a warning, as it depends on where the daemon is started.
    pub(in crate::config) fn path(&mut self, name: &'static str) -> Option<PathBuf> {
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
    pub(in crate::config) fn listen(&mut self, name: &'static str) -> Option<SocketAddr> {
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
    pub(in crate::config) fn switch(&mut self, name: &'static str) -> bool {
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
    pub(in crate::config) fn count(&mut self, name: &'static str) -> u32 {
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
    pub(in crate::config) fn size(&mut self, name: &'static str) -> u64 {
        self.read(name, |kind, value| {
            let bytes = match &value.kind {
                ValueKind::I128(number) => unit::size(&number.to_string())?,
                _ => unit::size(text(kind, value)?)?,
            };
            match kind {
                Kind::Size { least, .. } if bytes < *least => {
                    Err(Problem::new(format!("{bytes} bytes is too small"))
                        .hint(format!("at least {least} bytes")))
                }
                Kind::Size { most, .. } if bytes > *most => {
                    Err(Problem::new(format!("{bytes} bytes is too large"))
                        .hint(format!("at most {most} bytes")))
                }
                _ => Ok(bytes),
            }
        })
        .unwrap_or_default()
    }

    /// A span of time.
    pub(in crate::config) fn duration(&mut self, name: &'static str) -> Duration {
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
    pub(in crate::config) fn start(&mut self, name: &'static str) -> Option<Start> {
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
    pub(in crate::config) fn url(&mut self, name: &'static str) -> Option<Url> {
        self.read(name, |kind, value| url(kind, text(kind, value)?))
    }

    /// One URL or several; an empty list is a fault.
    pub(in crate::config) fn urls(&mut self, name: &'static str) -> Option<Vec<Url>> {
        self.read(name, |kind, value| {
            let urls = match &value.kind {
                ValueKind::String(text) if !from_environment(value) => vec![url(kind, text)?],
                _ => texts(kind, value)?.iter().map(|text| url(kind, text)).collect::<Result<_, _>>()?,
            };
            if urls.is_empty() { Err(Problem::new("is empty").hint(expected(kind))) } else { Ok(urls) }
        })
    }

    /// Statuses of success.
    pub(in crate::config) fn statuses(&mut self, name: &'static str) -> Option<Vec<u16>> {
        self.read(name, |kind, value| {
            let status = |number: i128| match u16::try_from(number) {
                Ok(status @ 200..=299) => Ok(status),
                _ => Err(Problem::new(format!("{number} is not a status of success")).hint(expected(kind))),
            };
            match &value.kind {
                ValueKind::String(_) if from_environment(value) => {
                    texts(kind, value)?.iter().map(|text| status(text.parse().unwrap_or_default())).collect()
                }
                ValueKind::Array(items) => items
                    .iter()
                    .map(|item| match &item.kind {
                        ValueKind::I128(number) => status(*number),
                        other => Err(wrong_type(other, &kind.expected())),
                    })
                    .collect(),
                other => Err(wrong_type(other, &kind.expected())),
            }
        })
    }

    /// One of the key's words.
    pub(in crate::config) fn choice(&mut self, name: &'static str) -> &'static str {
        self.read(name, |kind, value| {
            let text = text(kind, value)?;
            let Kind::Choice { words, refused } = kind else { return Err(Problem::new("is not a choice")) };
            if let Some((_, why)) = refused.iter().find(|(refused, _)| *refused == text) {
                return Err(
                    Problem::new(format!("`{text}` {why}")).hint(format!("here use one of {}", list(words)))
                );
            }
            let word = words.iter().find(|word| **word == text).copied();
            word.ok_or_else(|| {
                Problem::new(format!("`{text}` is not known")).suggest(text, words.iter().copied())
            })
        })
        .unwrap_or_default()
    }

    /// `v3`, or a year and month.
    pub(in crate::config) fn version(&mut self, name: &'static str) -> Option<String> {
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
    pub(in crate::config) fn texts(&mut self, name: &'static str) -> Option<Vec<String>> {
        self.read(name, texts)
    }

    /// Some of the key's words, in the key's order.
    pub(in crate::config) fn words(&mut self, name: &'static str) -> Vec<String> {
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
}

/// The hint of a value that is not what its key holds.
pub(super) fn expected(kind: &Kind) -> String {
    format!("expected {}", kind.expected())
}

/// The text of a value that should be text.
pub(super) fn text<'v>(kind: &Kind, value: &'v Value) -> Result<&'v str, Problem> {
    match &value.kind {
        ValueKind::String(text) => Ok(text),
        other => Err(wrong_type(other, &kind.expected())),
    }
}

fn url(kind: &Kind, text: &str) -> Result<Url, Problem> {
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
