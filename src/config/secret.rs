//! Secrets: where they come from, read anew when asked, never shown.

mod command;

use std::io::Read;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};

use super::layer::Environment;

/// Bytes of a secret at most: far beyond any token or key, far below what would hurt.
const LARGEST: u64 = 64 * 1024;

/// Where a secret comes from.
#[derive(Clone)]
pub enum Secret {
    /// `"…"` in the file.
    Plain(SecretString),
    /// `{ env = "NAME" }`.
    Env(String),
    /// `{ file = "PATH" }`.
    File(PathBuf),
    /// `{ credential = "NAME" }`: `NAME` or `auditferry_NAME` in systemd's `$CREDENTIALS_DIRECTORY`.
    Credential(String),
    /// `{ command = ["prog", "arg"] }`: its standard output.
    Command(Vec<String>),
}

impl Secret {
    /// Reads the secret from where it comes from: may block (file, command); call it off the async threads.
    /// One line break at its end does not belong to it.
    ///
    /// # Errors
    /// When it can't be read, is empty, larger than 64 KiB, or holds anything but visible ASCII and spaces.
    pub fn read(&self) -> Result<SecretString, SecretError> {
        self.read_in(&Environment::process())
    }

    /// Like [`Secret::read`], on a thread where it may block.
    ///
    /// # Errors
    /// Like [`Secret::read`].
    pub async fn read_async(&self) -> Result<SecretString, SecretError> {
        let secret = self.clone();
        let read = tokio::task::spawn_blocking(move || secret.read()).await;
        read.unwrap_or_else(|error| Err(SecretError(format!("{} can't be read: {error}", self.place()))))
    }

    /// Reads the secret with these environment variables instead of the process's.
    pub(super) fn read_in(&self, environment: &Environment) -> Result<SecretString, SecretError> {
        let text = match self {
            Self::Plain(text) => Ok(text.expose_secret().to_owned()),
            Self::Env(name) => {
                environment.get(name).map(str::to_owned).ok_or_else(|| "is not set".to_owned())
            }
            Self::File(path) => read_file(path),
            Self::Credential(name) => match environment.get("CREDENTIALS_DIRECTORY") {
                Some(directory) => read_file(&credential(Path::new(directory), name)),
                None => {
                    Err("can't be read: $CREDENTIALS_DIRECTORY is not set; systemd sets it for a unit with \
                             LoadCredential="
                        .to_owned())
                }
            },
            Self::Command(command) => command::output(command).and_then(utf8),
        };
        let text = text.and_then(|text| check(&text).map(SecretString::from));
        text.map_err(|why| SecretError(format!("{} {why}", self.place())))
    }

    /// Where it comes from, for people.
    fn place(&self) -> String {
        match self {
            Self::Plain(_) => "the secret".to_owned(),
            Self::Env(name) => format!("the environment variable {name}"),
            Self::File(path) => format!("the secret file {}", path.display()),
            Self::Credential(name) => format!("the credential {name}"),
            // Without the arguments, which may be secret themselves.
            Self::Command(command) => ["the command"]
                .into_iter()
                .chain(command.first().map(String::as_str))
                .collect::<Vec<_>>()
                .join(" "),
        }
    }
}

/// The file of a credential. What systemd loads from a directory (`LoadCredential=auditferry:DIRECTORY`) has the
/// name of the setting before its own (systemd.exec(5)), which nobody should have to write.
fn credential(directory: &Path, name: &str) -> PathBuf {
    let own = directory.join(name);
    let loaded = directory.join(format!("auditferry_{name}"));
    if !own.exists() && loaded.exists() { loaded } else { own }
}

/// Cuts one line break at the end and refuses what can't be a secret.
fn check(text: &str) -> Result<String, String> {
    let text = text.strip_suffix('\n').map_or(text, |text| text.strip_suffix('\r').unwrap_or(text));
    if text.is_empty() {
        return Err("is empty".to_owned());
    }
    if text.len() as u64 > LARGEST {
        return Err("is larger than 64 KiB".to_owned());
    }
    // It will stand in a request header: a line break would end it, and beyond ASCII it has no agreed encoding.
    if text.chars().any(char::is_control) {
        return Err("holds a line break or another control character".to_owned());
    }
    if !text.is_ascii() {
        return Err("holds a character beyond ASCII".to_owned());
    }
    Ok(text.to_owned())
}

fn read_file(path: &Path) -> Result<String, String> {
    let unreadable = |error: std::io::Error| format!("can't be read: {error}");
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    // Two more than the largest, for the line break; `check` refuses the rest.
    file.take(LARGEST + 3).read_to_end(&mut bytes).map_err(unreadable)?;
    utf8(bytes)
}

fn utf8(bytes: Vec<u8>) -> Result<String, String> {
    String::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned())
}

/// Why a secret could not be read; names its place, never its text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SecretError(pub String);

/// Shows neither the secret nor the arguments of a command.
impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secret({})", self.place())
    }
}

/// Whether two come from the same place; for one that stands in the file, whether it is the same.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Plain(a), Self::Plain(b)) => a.expose_secret() == b.expose_secret(),
            (Self::Env(a), Self::Env(b)) | (Self::Credential(a), Self::Credential(b)) => a == b,
            (Self::File(a), Self::File(b)) => a == b,
            (Self::Command(a), Self::Command(b)) => a == b,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests;
