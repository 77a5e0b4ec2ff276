//! The codes of log lines: every line that matters has one, and `docs/logs.md` has them all as they are.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// What a line of the log is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) levels: BTreeSet<String>,
    fields: BTreeSet<String>,
}

pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn files_below(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The arguments of the macro that begins before `text`, without the message and what follows.
fn arguments(text: &str) -> Vec<String> {
    let (mut arguments, mut argument) = (Vec::new(), String::new());
    let (mut depth, mut in_text) = (0, false);
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if in_text => {
                letters.next();
                continue;
            }
            '"' if depth == 0 && !in_text && argument.trim().is_empty() => return arguments,
            '"' => in_text = !in_text,
            _ if in_text => {}
            '(' | '[' | '{' => depth += 1,
            ')' if depth == 0 => return arguments,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                arguments.push(std::mem::take(&mut argument).trim().to_owned());
                continue;
            }
            _ => {}
        }
        argument.push(letter);
    }
    panic!("a macro without its end: {text:.80}");
}

/// The name of a field: `sink`, `%error`, `from = %gap.from`.
fn field_name(argument: &str) -> &str {
    argument.split_once(" = ").map_or_else(|| argument.trim_start_matches(['%', '?']), |(name, _)| name)
}

/// Every line above debug that the program can log, by its code; and those that have none.
pub(crate) fn logged() -> (BTreeMap<String, Line>, Vec<String>) {
    let mut files = Vec::new();
    files_below(&root().join("src"), &mut files);
    let (mut lines, mut nameless): (BTreeMap<String, Line>, _) = (BTreeMap::new(), Vec::new());
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for level in ["error", "warn", "info"] {
            for rest in text.split(&format!("{level}!(")).skip(1) {
                let arguments = arguments(rest);
                let code = arguments.iter().find_map(|argument| argument.strip_prefix("code = \""));
                let Some(code) = code.and_then(|rest| rest.strip_suffix('"')) else {
                    nameless.push(format!("{}: {level}!({:.60}", file.display(), rest.trim_start()));
                    continue;
                };
                let line = lines.entry(code.to_owned()).or_default();
                line.levels.insert(level.to_owned());
                let fields =
                    arguments.iter().map(|argument| field_name(argument)).filter(|name| *name != "code");
                line.fields.extend(fields.map(str::to_owned));
            }
        }
    }
    (lines, nameless)
}

/// The texts in backticks.
pub(crate) fn quoted(text: &str) -> BTreeSet<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// What the page says of each code.
fn documented() -> BTreeMap<String, Line> {
    let page = fs::read_to_string(root().join("docs/logs.md")).unwrap();
    let (_, tables) = page.split_once("\n## Every code\n").unwrap();
    let mut codes = BTreeMap::new();
    for row in tables.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [code, level, meaning, _, fields] = cells[..] else { panic!("five columns, please: {row}") };
        assert!(!meaning.is_empty(), "{row}");
        let line = Line { levels: BTreeSet::from([level.to_owned()]), fields: quoted(fields) };
        let before = codes.insert(code.trim_matches('`').to_owned(), line);
        assert_eq!(before, None, "{code} stands there twice");
    }
    codes
}

#[test]
fn every_line_that_matters_has_a_code() {
    let (lines, nameless) = logged();
    assert!(lines.len() > 40, "the reader of the sources has lost its way: {lines:?}");
    assert_eq!(nameless, Vec::<String>::new(), "give them `code = \"…\"` and a row in docs/logs.md");
}

#[test]
fn codes_are_words_with_hyphens_and_have_one_level_each() {
    for (code, line) in logged().0 {
        let is_word = !code.is_empty() && code.chars().all(|c| c.is_ascii_lowercase() || c == '-');
        assert!(is_word, "{code}");
        assert_eq!(line.levels.len(), 1, "{code} has several levels");
    }
}

#[test]
fn the_page_has_every_code_with_its_level_and_fields() {
    let (lines, documented) = (logged().0, documented());
    for (code, line) in &lines {
        let row =
            documented.get(code).unwrap_or_else(|| panic!("docs/logs.md does not name `{code}`: {line:?}"));
        assert_eq!(row, line, "docs/logs.md says something else of `{code}` than the source");
    }
    let gone: Vec<_> = documented.keys().filter(|code| !lines.contains_key(*code)).collect();
    assert!(gone.is_empty(), "docs/logs.md names what is not in the source: {gone:?}");
}

#[test]
fn a_name_has_one_meaning() {
    // Names that once were used for the same as another.
    const STRAY: [&str; 8] = ["failure", "err", "count", "msg", "event", "name", "found", "level"];
    // The log's own.
    const TAKEN: [&str; 4] = ["timestamp", "message", "target", "span"];
    for (code, line) in logged().0 {
        let wrong: Vec<_> = line
            .fields
            .iter()
            .filter(|name| STRAY.contains(&name.as_str()) || TAKEN.contains(&name.as_str()))
            .collect();
        assert!(wrong.is_empty(), "{code} has {wrong:?}");
    }
}

#[test]
fn the_reader_of_macros_sees_what_it_should() {
    let seen =
        |text| arguments(text).iter().map(|argument| field_name(argument).to_owned()).collect::<Vec<_>>();
    assert_eq!(seen("code = \"a\", %error, \"says, {error}\"); x(y)"), ["code", "error"]);
    assert_eq!(seen("\n code = \"a\",\n n = f(a, \"b)\"),\n sink,\n \"text\"\n)"), ["code", "n", "sink"]);
    assert_eq!(seen("\"nothing else\")"), Vec::<String>::new());
}
