//! `auditferry config`: the example and the schema of the configuration file.

use std::io::{self, Write};

use crate::config;

/// `config example`: prints the commented example.
///
/// # Errors
/// When standard output can't be written.
pub(crate) fn example() -> io::Result<()> {
    io::stdout().lock().write_all(config::example().as_bytes())
}

/// `config schema`: prints the JSON Schema.
///
/// # Errors
/// When standard output can't be written.
pub(crate) fn schema() -> io::Result<()> {
    writeln!(io::stdout().lock(), "{:#}", config::schema())
}
