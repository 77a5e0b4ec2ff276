//! Every error that the program can print is found in the runbook: what is logged at level error, what a command ends
//! with, and what stands as a reason in the status.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use crate::logs::{files_below, logged, quoted, root};
use crate::runbook::{IN_THE_LOG, OF_COMMANDS, read, sections};

/// Before the text of an error, wherever it is defined.
const DEFINED: [&str; 1] = ["#[error("];
/// Before the text of an error that is made on the spot,
const MADE: [&str; 8] =
    ["bail!(", "anyhow!(", "Command(", "refused(", "interrupted(", "Failed(", ".context(", "with_context(||"];
/// in these places: what commands end with.
const COMMANDS: [&str; 4] = ["src/cli", "src/service/command", "src/service/control", "src/store"];
/// The stand-ins, for people who try it.
const STAND_INS: [&str; 3] = ["src/simulator", "src/cli/simulate.rs", "src/cli/demo.rs"];

/// What the source is made of, without its tests.
fn sources() -> Vec<(String, String)> {
    let mut files: Vec<PathBuf> = Vec::new();
    files_below(&root().join("src"), &mut files);
    let name = |file: &PathBuf| file.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
    let is_ours = |name: &String| {
        !name.contains("tests") && !STAND_INS.iter().any(|stand_in| name.starts_with(stand_in))
    };
    let text = |name: String| {
        let text = fs::read_to_string(root().join(&name)).unwrap();
        let without_tests = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned();
        (name, without_tests)
    };
    files.iter().map(name).filter(is_ours).map(text).collect()
}

/// The literal that begins behind a quote.
fn literal(text: &str) -> String {
    let (mut read, mut letters) = (String::new(), text.chars().peekable());
    while let Some(letter) = letters.next() {
        match letter {
            '"' => return read,
            '\\' => match letters.next().unwrap() {
                '\n' => while letters.next_if(|letter| letter.is_whitespace()).is_some() {},
                'n' => read.push('\n'),
                escaped => read.push(escaped),
            },
            _ => read.push(letter),
        }
    }
    panic!("a literal without its end: {text:.80}");
}

/// The literals that follow `opener`, at once or as the text of a `format!`.
fn literals_after(source: &str, opener: &str) -> Vec<String> {
    let starts = source.split(opener).skip(1).map(str::trim_start);
    let starts = starts.map(|rest| rest.strip_prefix("format!(").unwrap_or(rest).trim_start());
    starts.filter_map(|rest| rest.strip_prefix('"')).map(literal).collect()
}

/// The first words of an error that are always the same; none where it says only what another one says.
fn fixed_words(text: &str) -> Option<String> {
    let (mut fixed, mut depth) = (String::new(), 0);
    for letter in text.chars() {
        match letter {
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                fixed.push('\n');
            }
            '`' => {}
            _ if depth == 0 => fixed.push(letter),
            _ => {}
        }
    }
    let pieces: Vec<&str> = fixed.split(['\n', ';', ':', '(', ',', '"']).map(str::trim).collect();
    let words =
        |piece: &str| piece.split_whitespace().filter(|word| word.contains(char::is_alphabetic)).count();
    let several = pieces.iter().find(|piece| words(piece) >= 2);
    several.or_else(|| pieces.iter().find(|piece| piece.len() >= 6)).map(|piece| (*piece).to_owned())
}

/// Every error of the source by its fixed words, with where it stands.
fn errors() -> BTreeMap<String, String> {
    let mut errors = BTreeMap::new();
    for (name, text) in sources() {
        let made = COMMANDS.iter().any(|place| name.starts_with(place));
        let openers = DEFINED.iter().chain(MADE.iter().filter(|_| made));
        for text in openers.flat_map(|opener| literals_after(&text, opener)) {
            if let Some(words) = fixed_words(&text) {
                errors.insert(words, name.clone());
            }
        }
    }
    errors
}

fn section<'a>(runbook: &'a str, heading: &str) -> &'a str {
    sections(runbook).into_iter().find(|(found, _)| *found == heading).unwrap().1
}

/// The first cells of the rows of all tables.
fn first_cells(section: &str) -> Vec<&str> {
    let rows = section.lines().filter_map(|line| line.strip_prefix("| "));
    rows.map(|row| row.split(" | ").next().unwrap()).collect()
}

#[test]
fn every_code_of_level_error_is_in_the_runbook() {
    let codes: BTreeSet<String> = logged()
        .0
        .into_iter()
        .filter(|(_, line)| line.levels.contains("error"))
        .map(|(code, _)| code)
        .collect();
    assert!(codes.len() > 8 && codes.contains("configuration-rejected"), "{codes:?}");
    let runbook = read("docs/runbook.md");
    let explained: BTreeSet<String> =
        first_cells(section(&runbook, IN_THE_LOG)).into_iter().flat_map(quoted).collect();
    assert_eq!(codes, explained, "docs/runbook.md, {IN_THE_LOG}: a row for each code of level error");
}

#[test]
fn every_error_that_a_command_ends_with_and_every_reason_is_in_the_runbook() {
    let errors = errors();
    for known in ["another auditferry holds", "interrupted", "there is no sink", "can't connect to"] {
        assert!(errors.contains_key(known), "the reader of the sources has lost its way: {errors:#?}");
    }
    let runbook = read("docs/runbook.md");
    let explained: Vec<String> =
        first_cells(section(&runbook, OF_COMMANDS)).into_iter().flat_map(quoted).collect();
    let is_said_by = |words: &String, said: &str| said.contains(words.as_str());
    let missing: Vec<_> = errors
        .iter()
        .filter(|(words, _)| !explained.iter().any(|said| is_said_by(words, said)))
        .map(|(words, place)| format!("{place}: {words}"))
        .collect();
    assert!(missing.is_empty(), "docs/runbook.md, {OF_COMMANDS}: say what these mean: {missing:#?}");
    let gone: Vec<_> = explained
        .iter()
        .filter(|said| said.contains(' ') && !errors.keys().any(|words| is_said_by(words, said)))
        .collect();
    assert!(gone.is_empty(), "docs/runbook.md explains what is not in the source: {gone:#?}");
}

#[test]
fn every_exit_code_is_in_the_runbook() {
    let source = read("src/cli.rs");
    let codes = source.split("\nconst EXIT_").skip(1).map(|rest| {
        let (_, number) = rest.split_once(": u8 = ").unwrap();
        number.split_once(';').unwrap().0.to_owned()
    });
    let codes: BTreeSet<String> = codes.chain(["0".to_owned(), "1".to_owned()]).collect();
    assert!(codes.len() >= 4, "{codes:?}");
    let runbook = read("docs/runbook.md");
    for heading in ["not-running", OF_COMMANDS] {
        let cells = first_cells(section(&runbook, heading));
        let missing: Vec<_> = codes.iter().filter(|code| !cells.contains(&code.as_str())).collect();
        assert!(missing.is_empty(), "docs/runbook.md, {heading}: {missing:?}");
    }
}

#[test]
fn the_reader_of_errors_sees_what_it_should() {
    let source = "#[error(\"no \\\"a\\\" at {b:?}: {c}\")]\n#[error(\n    \"one \\\n     line\"\n)]\n#[error(transparent)]";
    assert_eq!(literals_after(source, "#[error("), ["no \"a\" at {b:?}: {c}", "one line"]);
    assert_eq!(literals_after("bail!(format!( \"x y\"))", "bail!("), ["x y"]);
    assert_eq!(fixed_words("{path} is damaged: {reason}; restore it").unwrap(), "is damaged");
    assert_eq!(fixed_words("redact_key: {0}").unwrap(), "redact_key");
    assert_eq!(fixed_words("{found}; `auditferry x` says").unwrap(), "auditferry x says");
    assert_eq!(fixed_words("{place}: {reason}"), None);
}
