//! The `auditferry` program: see [`auditferry::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    auditferry::cli::main()
}
