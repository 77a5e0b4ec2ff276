//! Secrets: where they come from, read anew when asked, never shown.

use std::path::PathBuf;

use secrecy::SecretString;

/// Where a secret comes from.
#[derive(Clone)]
pub enum Secret {
    /// `"…"` in the file.
    Plain(SecretString),
    /// `{ env = "NAME" }`.
    Env(String),
    /// `{ file = "PATH" }`.
    File(PathBuf),
    /// `{ credential = "NAME" }`, in systemd's `$CREDENTIALS_DIRECTORY`.
    Credential(String),
    /// `{ command = ["prog", "arg"] }`: its standard output.
    Command(Vec<String>),
}

impl Secret {
    /// Reads the secret from where it comes from: may block (file, command); call it off the async threads.
    ///
    /// # Errors
    /// When it can't be read or is empty.
    pub fn read(&self) -> Result<SecretString, SecretError> {
        unimplemented!()
    }
}

/// Why a secret could not be read; names its place, never its text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SecretError(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl PartialEq for Secret {
    fn eq(&self, _other: &Self) -> bool {
        unimplemented!()
    }
}
