#![allow(clippy::unwrap_used, reason = "a test may panic")]

use clap::CommandFactory;

use super::*;
use crate::cli::Cli;

fn page(name: &str) -> String {
    let page = pages(Cli::command()).unwrap().into_iter().find(|page| page.name == name);
    String::from_utf8(page.unwrap_or_else(|| panic!("no page {name}")).text).unwrap()
}

#[test]
fn every_command_has_a_page() {
    fn count(command: &clap::Command) -> usize {
        1 + command.get_subcommands().filter(|command| command.get_name() != "help").map(count).sum::<usize>()
    }
    let names: Vec<String> = pages(Cli::command()).unwrap().into_iter().map(|page| page.name).collect();
    assert_eq!(names.len(), count(&Cli::command()) + 1, "{names:?}");
    for name in ["auditferry", "auditferry-run", "auditferry-dead-letters-list", "auditferry.toml"] {
        assert!(names.iter().any(|page| page == name), "{names:?}");
    }
}

#[test]
fn examples_stay_lines_under_a_heading_of_their_own() {
    let text = page("auditferry-dead-letters-retry");
    assert!(text.contains(".SH EXAMPLES\n.nf\nauditferry dead\\-letters retry 3 4\n"), "{text}");
    assert!(text.contains(".SH NOTES\nOne that is refused again"), "{text}");
}

#[test]
fn the_page_of_the_file_has_every_table_and_the_example() {
    let text = page("auditferry.toml");
    assert!(text.contains(r#".SH "[sources.NAME] with type = \(dqhubspot\(dq""#), "{text}");
    assert!(text.contains("\\fBbatch.max_wait\\fR"), "{text}");
    assert!(text.contains("Default: \"2GiB\""), "{text}");
    assert!(text.lines().count() > config::example().lines().count());
}

#[test]
fn a_footer_has_the_version_and_no_date() {
    for page in pages(Cli::command()).unwrap() {
        let text = String::from_utf8(page.text).unwrap();
        let title = text.lines().find(|line| line.starts_with(".TH ")).unwrap();
        assert!(title.contains(&format!("{} \" \" \"{SOURCE}\"", page.section)), "{title}");
    }
}
