use clap::CommandFactory;

use super::*;

/// The words of a command line, up to what the shell does with its output.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut depth, mut quoted) = (Vec::new(), String::new(), 0, false);
    for letter in line.chars() {
        match letter {
            '\'' => {
                quoted = !quoted;
                continue;
            }
            '(' if !quoted => depth += 1,
            ')' if !quoted && depth == 0 => break,
            ')' if !quoted => depth -= 1,
            '|' | '>' if !quoted && depth == 0 => break,
            ' ' if !quoted && depth == 0 => {
                words.push(std::mem::take(&mut word));
                continue;
            }
            _ => {}
        }
        word.push(letter);
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

/// The examples of a command, each from its first word on.
fn examples(command: &clap::Command) -> Vec<String> {
    let notes = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let Some((_, examples)) = notes.split_once("Examples:\n") else { return Vec::new() };
    let (examples, _) = examples.split_once("\n\n").unwrap_or((examples, ""));
    let lines = examples.lines().filter_map(|line| Some(&line[line.find("auditferry ")?..]));
    lines.map(str::to_owned).collect()
}

/// This command and those below it, with their names.
fn all<'a>(command: &'a clap::Command, place: &str, found: &mut Vec<(String, &'a clap::Command)>) {
    let name = format!("{place}{} ", command.get_name());
    command.get_subcommands().for_each(|below| all(below, &name, found));
    found.push((name, command));
}

#[test]
fn every_command_has_examples_of_itself_that_it_understands() {
    let (program, mut commands) = (Cli::command(), Vec::new());
    all(&program, "", &mut commands);
    assert!(commands.len() > 20, "{commands:?}");
    for (name, command) in commands {
        let examples = examples(command);
        assert!(!examples.is_empty() || command.has_subcommands(), "{name} has no example");
        for example in examples {
            let words = words(&example);
            assert!(Cli::try_parse_from(&words).is_ok(), "{name}: {example}: {words:?}");
            let is_of_it = name.split_whitespace().all(|part| words.iter().any(|word| word == part));
            assert!(is_of_it, "{name}: {example}");
        }
    }
}

#[test]
fn what_every_command_has_stands_last_in_its_help() {
    let mut program = Cli::command();
    program.build();
    let backfill = program.find_subcommand_mut("backfill").unwrap();
    let help = backfill.render_long_help().to_string();
    let places: Vec<_> = ["--from", "--to", "--output", "--config", "--log-format", "--log-level", "--help"]
        .map(|option| help.find(&format!("{option} ")).or_else(|| help.find(option)).unwrap())
        .to_vec();
    assert!(places.is_sorted(), "{help}");
}

#[test]
fn words_end_where_the_shell_takes_over() {
    assert_eq!(
        words("auditferry a 'b c' --d $(e f).g | jq '.'"),
        ["auditferry", "a", "b c", "--d", "$(e f).g"]
    );
    assert_eq!(words("auditferry a bash)"), ["auditferry", "a", "bash"]);
}
