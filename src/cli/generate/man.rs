//! The manual pages: those of the commands from clap's definition, that of the file from its table of keys.

use std::io;

use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, italic, line_break, roman};

use crate::config::{self, Entry, Fallback, Section};

/// A page as roff.
pub(super) struct Page {
    /// `auditferry-dead-letters-list`.
    pub(super) name: String,
    /// 1: commands, 5: files.
    pub(super) section: u8,
    pub(super) text: Vec<u8>,
}

/// What stands in the footer of each page, in the middle of it nothing: a date would differ from build to build.
const SOURCE: &str = concat!("auditferry ", env!("CARGO_PKG_VERSION"));
/// An argument without letters; one without any would be no argument to roff.
const NO_DATE: &str = " ";

/// Every page: the program's, one of each command, and the configuration file's.
///
/// # Errors
/// None that memory does not have.
pub(super) fn pages(program: clap::Command) -> io::Result<Vec<Page>> {
    // Nobody looks for the manual page of `help`.
    let mut program = program.disable_help_subcommand(true);
    program.build();
    let mut pages = Vec::new();
    of_command(&program, &mut pages)?;
    pages.push(of_file()?);
    Ok(pages)
}

fn of_command(command: &clap::Command, pages: &mut Vec<Page>) -> io::Result<()> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
    let notes = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    // The notes are set below, where their lines stay lines; the version stands in the footer.
    let plain = command
        .clone()
        .after_help(None)
        .version(None)
        .subcommand_help_heading("COMMANDS")
        .subcommand_value_name("command");
    let man = Man::new(plain).title(&name).date(NO_DATE).source(SOURCE).manual("User Commands");
    let mut text = Vec::new();
    man.render(&mut text)?;
    let mut rest = Roff::new();
    set_notes(&mut rest, &notes);
    see_also(&mut rest, &name);
    rest.to_writer(&mut text)?;
    pages.push(Page { name, section: 1, text });
    command
        .get_subcommands()
        .filter(|command| !command.is_hide_set())
        .try_for_each(|command| of_command(command, pages))
}

/// Paragraphs, and blocks of lines under a heading: `Examples:` and lines that are indented.
fn set_notes(roff: &mut Roff, notes: &str) {
    let blocks = notes.split("\n\n").filter(|block| !block.trim().is_empty());
    let mut in_notes = false;
    for block in blocks {
        match block.split_once(":\n") {
            Some((heading, lines)) if !heading.contains('\n') => {
                roff.control("SH", [heading.to_uppercase().as_str()]);
                set_lines(roff, lines.lines().map(|line| line.strip_prefix("  ").unwrap_or(line)));
                in_notes = false;
            }
            _ => {
                if in_notes {
                    roff.control("PP", []);
                } else {
                    roff.control("SH", ["NOTES"]);
                }
                roff.text([roman(block)]);
                in_notes = true;
            }
        }
    }
}

/// Lines that stay lines.
fn set_lines<'a>(roff: &mut Roff, lines: impl Iterator<Item = &'a str>) {
    roff.control("nf", []);
    for line in lines {
        roff.text([roman(line)]);
    }
    roff.control("fi", []);
}

fn see_also(roff: &mut Roff, name: &str) {
    roff.control("SH", ["SEE ALSO"]);
    let program = [bold("auditferry"), roman("(1), ")];
    let file = [bold("auditferry.toml"), roman("(5)")];
    let others = if name == "auditferry" { &[][..] } else { &program[..] };
    roff.text([others, &file].concat());
}

fn of_file() -> io::Result<Page> {
    let name = "auditferry.toml".to_owned();
    let mut roff = Roff::new();
    roff.control("TH", [name.as_str(), "5", NO_DATE, SOURCE, "File Formats"]);
    roff.control("SH", ["NAME"]);
    roff.text([roman("auditferry.toml - the configuration of auditferry")]);
    roff.control("SH", ["SYNOPSIS"]);
    roff.text([italic("/etc/auditferry/auditferry.toml")]);
    roff.control("SH", ["DESCRIPTION"]);
    roff.text([
        roman("TOML: tables, keys and values. The commented example below says how values are written. "),
        bold("auditferry check"),
        roman(" tells every fault at once, "),
        bold("auditferry config schema"),
        roman(" prints a JSON Schema for editors."),
    ]);
    config::reference().iter().for_each(|section| set_section(&mut roff, section));
    roff.control("SH", ["EXAMPLE"]);
    set_lines(&mut roff, config::example().lines());
    roff.control("SH", ["SEE ALSO"]);
    roff.text([bold("auditferry"), roman("(1), "), bold("auditferry-check"), roman("(1)")]);
    let mut text = Vec::new();
    roff.to_writer(&mut text)?;
    Ok(Page { name, section: 5, text })
}

fn set_section(roff: &mut Roff, section: &Section) {
    // What roff's quotes would end stands between them otherwise.
    roff.control("SH", [section.title.replace('"', r"\(dq").as_str()]);
    if let Some(about) = section.about {
        roff.text([roman(about)]);
    }
    for entry in &section.entries {
        roff.control("TP", []);
        roff.text([bold(&entry.name)]);
        roff.text(body(entry));
    }
}

/// What it means, and below that what it holds and what is read without it.
fn body(entry: &Entry) -> Vec<Inline> {
    let mut lines = vec![roman(entry.about)];
    let absent = match &entry.absent {
        Fallback::Needed => Some("Needed.".to_owned()),
        Fallback::Nothing => None,
        Fallback::Default(value) => Some(format!("Default: {value}")),
    };
    let holds = entry.holds.as_deref().map(|holds| format!("Value: {holds}."));
    for line in holds.into_iter().chain(absent) {
        lines.extend([line_break(), roman(line)]);
    }
    lines
}

#[cfg(test)]
mod tests;
