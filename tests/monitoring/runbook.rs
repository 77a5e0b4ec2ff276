//! The runbook: a section for everything that an alert, the status page or the log can send somebody to.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// What alerts tell of besides the problems of the status.
const FURTHER: [&str; 4] = ["gap", "horizon-low", "clock-skew", "restarting"];
/// What the log says at level error, and where the runbook says more of it.
pub(crate) const IN_THE_LOG: &str = "Errors in the log";
/// What commands end with, and what stands as a reason in the status.
pub(crate) const OF_COMMANDS: &str = "Errors of commands";
/// Sections that are not about one problem.
const GENERAL: [&str; 3] = ["First look", IN_THE_LOG, OF_COMMANDS];
/// What every other section answers, in this order.
const PARTS: [&str; 5] = ["**Means.**", "**At stake.**", "**Look.**", "**Mend", "**Well again.**"];

pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// `StreamHeld` as `stream-held`.
fn kebab_case(name: &str) -> String {
    let mut word = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !word.is_empty() {
            word.push('-');
        }
        word.push(letter.to_ascii_lowercase());
    }
    word
}

/// The variants of `ProblemCode`, as the source has them: one that is added must not be forgotten here.
fn problems() -> BTreeSet<String> {
    let source = read("src/observe/status.rs");
    let (_, body) = source.split_once("pub enum ProblemCode {").unwrap();
    let (body, _) = body.split_once("\n}").unwrap();
    let names = body.lines().filter_map(|line| line.trim().strip_suffix(','));
    names.filter(|name| name.chars().all(char::is_alphanumeric)).map(kebab_case).collect()
}

/// Heading and text of each section.
pub(crate) fn sections(runbook: &str) -> Vec<(&str, &str)> {
    runbook.split("\n## ").skip(1).map(|section| section.split_once('\n').unwrap()).collect()
}

/// What stands between `before` and the next `after`, everywhere.
fn between<'a>(text: &'a str, before: &'a str, after: char) -> impl Iterator<Item = &'a str> {
    text.split(before).skip(1).filter_map(move |rest| Some(rest.split_once(after)?.0))
}

#[test]
fn every_problem_has_a_section_and_every_section_a_problem() {
    let mut expected = problems();
    assert!(expected.len() >= 9 && expected.contains("spool-nearly-full"), "{expected:?}");
    expected.extend(FURTHER.map(str::to_owned));
    let runbook = read("docs/runbook.md");
    let headings: Vec<_> = sections(&runbook).into_iter().map(|(heading, _)| heading.to_owned()).collect();
    let codes: BTreeSet<_> =
        headings.iter().filter(|heading| !GENERAL.contains(&heading.as_str())).cloned().collect();
    assert_eq!(codes, expected);
    assert_eq!(headings.len(), codes.len() + GENERAL.len(), "a section stands there twice");
}

#[test]
fn every_section_says_what_it_means_what_is_at_stake_and_how_it_is_mended() {
    let runbook = read("docs/runbook.md");
    for (heading, text) in sections(&runbook).into_iter().filter(|(heading, _)| !GENERAL.contains(heading)) {
        let places: Vec<_> =
            PARTS.iter().map(|part| text.find(part).unwrap_or_else(|| panic!("{heading}: {part}"))).collect();
        assert!(places.is_sorted(), "{heading}: {places:?}");
    }
}

#[test]
fn every_link_within_the_pages_has_its_heading() {
    let (runbook, logs) = (read("docs/runbook.md"), read("docs/logs.md"));
    let headings: BTreeSet<_> = sections(&runbook).into_iter().map(|(heading, _)| heading).collect();
    let links = between(&runbook, "](#", ')').chain(between(&logs, "](runbook.md#", ')'));
    let lost: Vec<_> = links.filter(|link| !headings.contains(link)).collect();
    assert_eq!(lost, Vec::<&str>::new());
}

#[test]
fn every_word_of_the_log_that_it_tells_to_look_for_is_one() {
    let (runbook, logs) = (read("docs/runbook.md"), read("docs/logs.md"));
    let codes: BTreeSet<_> = between(&logs, "\n| `", '`').collect();
    let is_code = |word: &&str| {
        word.contains('-')
            && !word.starts_with('-')
            && word.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-')
    };
    let unknown: Vec<_> =
        runbook.split('`').skip(1).step_by(2).filter(is_code).filter(|word| !codes.contains(word)).collect();
    assert_eq!(unknown, Vec::<&str>::new());
}
