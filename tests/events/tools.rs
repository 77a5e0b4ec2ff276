//! The programs and Python packages that check our formats and content from outside. A test that needs one says
//! so and passes where it is missing; with `AUDITFERRY_TOOLS=required`, as in `.ci/run`, that is a failure.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A program on the `PATH`, or nothing where it is missing; `package` is Debian's.
pub(crate) fn program(name: &str, package: &str) -> Option<PathBuf> {
    on_path(name).or_else(|| missing("AUDITFERRY_TOOLS", &format!("{name} (Debian's package {package})")))
}

/// A program on the `PATH`.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// `AUDITFERRY_PYTHON`, else the one in `target/python`.
pub(crate) fn interpreter() -> PathBuf {
    let own = || Path::new(env!("CARGO_MANIFEST_DIR")).join("target/python/bin/python3");
    env::var_os("AUDITFERRY_PYTHON").map_or_else(own, PathBuf::from)
}

/// The [`interpreter`] if it can import these modules, or nothing. The packages are those of
/// `tests/requirements.txt`.
pub(crate) fn python(modules: &[&str]) -> Option<Command> {
    let python = interpreter();
    let imports: Vec<String> = modules.iter().map(|module| format!("import {module}")).collect();
    let has_all = Command::new(&python)
        .args(["-c", &imports.join("\n")])
        .output()
        .is_ok_and(|output| output.status.success());
    if has_all {
        return Some(Command::new(python));
    }
    let how = "python3 -m venv target/python && target/python/bin/pip install -r tests/requirements.txt";
    missing("AUDITFERRY_TOOLS", &format!("{} with {} ({how})", python.display(), modules.join(", ")))
}

/// Says that a test is skipped for want of this, or fails where the variable says that it is required.
pub(crate) fn missing<T>(variable: &str, what: &str) -> Option<T> {
    let is_required = env::var(variable).is_ok_and(|value| value == "required");
    assert!(!is_required, "{what} is missing, and {variable}=required");
    println!("skipped: {what} is missing");
    None
}
