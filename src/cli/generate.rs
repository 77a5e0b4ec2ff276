//! `auditferry generate`: what else comes with a program, made from the command line's own definition.

mod man;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{CommandFactory, Subcommand};
use clap_complete::Shell;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print what lets a shell complete the command line
    #[command(after_help = "Examples:\n  \
        source <(auditferry generate completions bash)\n  \
        auditferry generate completions fish > ~/.config/fish/completions/auditferry.fish")]
    Completions {
        /// For which shell
        #[arg(value_enum, value_name = "SHELL")]
        shell: Shell,
    },
    /// Write the manual pages: one of each command, and auditferry.toml(5)
    #[command(after_help = "Examples:\n  \
        auditferry generate man ~/.local/share/man")]
    Man {
        /// Where to; man1 and man5 are made below it
        #[arg(value_name = "DIRECTORY")]
        directory: PathBuf,
    },
}

/// Runs one of the commands.
///
/// # Errors
/// When a file or standard output can't be written.
pub(super) fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut super::Cli::command(), "auditferry", &mut script);
            io::stdout().lock().write_all(&script).context("can't write to standard output")
        }
        Command::Man { directory } => write(&directory),
    }
}

fn write(directory: &Path) -> anyhow::Result<()> {
    for page in man::pages(super::Cli::command())? {
        let section = directory.join(format!("man{}", page.section));
        std::fs::create_dir_all(&section).with_context(|| format!("can't make {}", section.display()))?;
        let file = section.join(format!("{}.{}", page.name, page.section));
        std::fs::write(&file, page.text).with_context(|| format!("can't write {}", file.display()))?;
    }
    Ok(())
}
