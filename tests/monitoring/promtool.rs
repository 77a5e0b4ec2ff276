//! Prometheus and its own tool, which checks rules and expressions. Debian has both in the package prometheus.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::tools;

/// promtool, or nothing where it is missing: `AUDITFERRY_PROMTOOL`, else the one on the `PATH`.
fn promtool() -> Option<PathBuf> {
    let own = env::var_os("AUDITFERRY_PROMTOOL").map(PathBuf::from);
    own.or_else(|| tools::program("promtool", "prometheus"))
}

/// The server, which stands beside promtool; nothing where that is missing.
pub(crate) fn server() -> Option<Command> {
    Some(Command::new(promtool()?.with_file_name("prometheus")))
}

/// What promtool says of the file; nothing where it is missing. Panics when it finds a fault.
pub(crate) fn approved(arguments: &[&str], file: &Path) -> Option<String> {
    let promtool = promtool()?;
    let output = Command::new(&promtool)
        .args(arguments)
        .arg(file)
        .output()
        .unwrap_or_else(|error| panic!("{} can't be run: {error}", promtool.display()));
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(output.status.success(), "promtool {arguments:?} {}:\n{said}", file.display());
    Some(said)
}

/// The series that a server gives for an expression, one a line; nothing while it does not answer.
pub(crate) fn series(server: &str, expression: &str) -> Option<String> {
    let output = Command::new(promtool()?).args(["query", "instant", server, expression]).output().unwrap();
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
