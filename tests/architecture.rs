//! Who may use whom: the table of the design, held.
//!
//! Two halves meet at the store and nowhere else: `collect` never sees a sink, `deliver` never a provider. A
//! module that needs an arrow that is not here is a sign to stop and think.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A module and what it may use of ours.
struct Layer {
    module: &'static str,
    uses: &'static [&'static str],
}

const fn layer(module: &'static str, uses: &'static [&'static str]) -> Layer {
    Layer { module, uses }
}

/// The table of the design. What goes beyond its first reading has the reason beside it.
const LAYERS: [Layer; 20] = [
    // Words.
    layer("event", &[]),
    layer("exchange", &[]),
    layer("clock", &[]),
    layer("backoff", &[]),
    layer("budget", &[]),
    // Counts and times what the loops do.
    layer("meter", &["event"]),
    // Pure.
    layer("provider", &["event", "exchange"]),
    layer("encode", &["event"]),
    layer("config", &["event", "tls"]),
    // Input and output.
    layer("tls", &[]),
    layer("http", &["exchange", "tls"]),
    layer("store", &["event", "clock", "meter"]),
    // `config`: its own checked settings, and secrets that are read again.
    layer("sink", &["event", "exchange", "clock", "config", "encode", "http", "tls"]),
    // Loops. `config`: secrets that are read again.
    layer(
        "collect",
        &["event", "exchange", "clock", "backoff", "budget", "meter", "config", "provider", "http", "store"],
    ),
    // `config`: the limits of a batch. `encode`: a batch is limited in bytes, so events are encoded as it is made.
    layer("deliver", &["event", "clock", "backoff", "meter", "config", "encode", "sink", "store"]),
    // `collect`, `deliver`: their status values. `config`: a secret that is read again.
    layer("observe", &["event", "clock", "meter", "config", "collect", "deliver", "store"]),
    layer(
        "service",
        &[
            "event", "exchange", "clock", "backoff", "budget", "meter", "provider", "encode", "config",
            "http", "store", "sink", "collect", "deliver", "observe",
        ],
    ),
    // `simulator`: behind `demo` and `simulate`. `store`: `status` beside a stopped daemon, and its errors decide
    // the exit code. `event`: the words.
    layer("cli", &["event", "config", "service", "observe", "store", "simulator"]),
    layer("simulator", &["clock"]),
    layer("main", &["cli"]),
];

/// A name that one module alone may write, and those modules.
struct Kept {
    /// As it stands in the code.
    name: &'static str,
    owners: &'static [&'static str],
    reason: &'static str,
}

const KEPT: [Kept; 14] = [
    Kept { name: "rusqlite", owners: &["store"], reason: "only the store knows SQL" },
    Kept { name: "reqwest", owners: &["http"], reason: "one outgoing HTTP client" },
    Kept {
        name: "prometheus_client",
        owners: &["meter", "observe/metrics"],
        reason: "what is exposed is listed in two places, no more",
    },
    Kept { name: "env::var", owners: &["config"], reason: "the environment is configuration" },
    Kept {
        name: "sd_notify",
        // The crate reads NOTIFY_SOCKET and WATCHDOG_USEC: addresses that systemd hands over, no configuration.
        owners: &["service/manager"],
        reason: "one place speaks to the service manager",
    },
    Kept { name: "println!", owners: &["cli"], reason: "only the command line prints" },
    Kept { name: "print!", owners: &["cli"], reason: "only the command line prints" },
    Kept { name: "stderr()", owners: &["cli"], reason: "only the command line prints" },
    Kept { name: "stdout()", owners: &["cli", "sink/stdout"], reason: "data is printed by its sink" },
    Kept { name: "JoinSet", owners: &["service"], reason: "tasks have one owner" },
    Kept { name: "tokio::spawn(", owners: &[], reason: "a task that nobody awaits dies silently" },
    Kept {
        name: "thread::spawn(",
        // Reads what a command prints, while it is waited for.
        owners: &["config/secret/command"],
        reason: "threads belong to who joins them",
    },
    Kept {
        name: "thread::Builder",
        owners: &["store", "service/signals"],
        reason: "the writer's, the reader's and the signals' threads are joined at the end",
    },
    Kept { name: "process::exit", owners: &[], reason: "it skips what is still to be written" },
];

/// A file of the program with its code alone: no comments, no texts, no tests.
struct Source {
    /// `store/writer`.
    module: String,
    code: String,
}

impl Source {
    fn layer(&self) -> &str {
        self.module.split('/').next().unwrap()
    }

    fn is_within(&self, owner: &str) -> bool {
        self.module == owner || self.module.strip_prefix(owner).is_some_and(|rest| rest.starts_with('/'))
    }
}

/// Every file that is not only for tests.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    walk(&root, &mut files);
    let name = |file: &Path| {
        let relative = file.strip_prefix(&root).unwrap().with_extension("");
        relative.to_str().unwrap().to_owned()
    };
    let texts: Vec<(String, String)> =
        files.iter().map(|file| (name(file), code_of(&fs::read_to_string(file).unwrap()))).collect();
    let tests: BTreeSet<String> =
        texts.iter().flat_map(|(module, code)| test_modules(module, code)).collect();
    let is_test = |module: &str| {
        tests.iter().any(|test| {
            module.strip_prefix(test.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    };
    let kept = texts.into_iter().filter(|(module, _)| !is_test(module));
    kept.map(|(module, code)| Source { module, code: without_tests(&code) }).collect()
}

fn walk(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// Without comments. Texts stay: none of them looks like code that matters here, and a test would say so.
fn code_of(text: &str) -> String {
    let lines = text.lines().map(|line| match line.find("//") {
        Some(at) if line[..at].trim().is_empty() => "",
        Some(at) if line[..at].ends_with(' ') => &line[..at],
        _ => line,
    });
    lines.map(|line| format!("{line}\n")).collect()
}

/// The modules that a file declares for tests alone: `#[cfg(test)] mod tests;`.
fn test_modules(module: &str, code: &str) -> Vec<String> {
    let parent = if module == "lib" { String::new() } else { format!("{module}/") };
    let declared = code.split("#[cfg(test)]").skip(1).filter_map(|rest| {
        let declaration = rest.split_once(';')?.0.trim();
        let name = declaration.rsplit_once("mod ")?.1;
        name.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_').then_some(name)
    });
    declared.map(|name| format!("{parent}{name}")).collect()
}

/// Without `#[cfg(test)] mod tests { … }`, which stands at the end of a file.
fn without_tests(code: &str) -> String {
    let mut kept = String::new();
    let mut rest = code;
    while let Some((before, after)) = rest.split_once("#[cfg(test)]\nmod ") {
        kept.push_str(before);
        // A block ends where a line begins with its brace.
        let end =
            if after.split_once([';', '{']).is_some_and(|(name, _)| after.as_bytes()[name.len()] == b'{') {
                after.find("\n}").map_or(after.len(), |at| at + 2)
            } else {
                after.find(';').map_or(after.len(), |at| at + 1)
            };
        rest = &after[end..];
    }
    kept + rest
}

/// The modules of ours that some code names: `crate::store`, `crate::{clock, event::Event}`.
fn used(code: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for prefix in ["crate::", "auditferry::"] {
        for rest in code.split(prefix).skip(1) {
            match rest.strip_prefix('{') {
                Some(group) => names.extend(group_members(group)),
                None => names.extend([first_word(rest)]),
            }
        }
    }
    names
}

fn first_word(text: &str) -> String {
    text.chars().take_while(|letter| letter.is_ascii_lowercase() || *letter == '_').collect()
}

/// The first words of a group's members, nested groups passed over.
fn group_members(group: &str) -> Vec<String> {
    let mut members = Vec::new();
    let (mut depth, mut at_start) = (0, true);
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => at_start = true,
            letter if at_start && letter.is_ascii_lowercase() => {
                members.push(first_word(&group[at..]));
                at_start = false;
            }
            _ => {}
        }
    }
    members
}

#[test]
fn imports_go_one_way() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| source.module != "lib") {
        let Some(layer) = LAYERS.iter().find(|layer| layer.module == source.layer()) else {
            wrong.push(format!("{} is in no layer: give it its place in the table", source.module));
            continue;
        };
        for name in used(&source.code) {
            let is_module = LAYERS.iter().any(|layer| layer.module == name);
            if is_module && name != layer.module && !layer.uses.contains(&name.as_str()) {
                wrong.push(format!("{} uses {name}", source.module));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn every_arrow_of_the_table_is_used_or_words() {
    const WORDS: [&str; 6] = ["event", "exchange", "clock", "backoff", "budget", "meter"];
    let sources = sources();
    let mut idle = Vec::new();
    for layer in &LAYERS {
        let own: Vec<&Source> = sources.iter().filter(|source| source.layer() == layer.module).collect();
        assert!(!own.is_empty(), "there is no module {}", layer.module);
        let names: BTreeSet<String> = own.iter().flat_map(|source| used(&source.code)).collect();
        let unused = layer.uses.iter().filter(|name| !WORDS.contains(name) && !names.contains(**name));
        idle.extend(unused.map(|name| format!("{} does not use {name} any more", layer.module)));
    }
    assert_eq!(idle, Vec::<String>::new(), "take them out of the table");
}

#[test]
fn what_one_module_alone_may_do_no_other_does() {
    let mut wrong = Vec::new();
    for source in &sources() {
        for kept in &KEPT {
            let is_owner = kept.owners.iter().any(|owner| source.is_within(owner));
            if !is_owner && source.code.contains(kept.name) {
                wrong.push(format!("{} names {}: {}", source.module, kept.name, kept.reason));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn the_reader_of_the_sources_sees_what_it_should() {
    let code = code_of(
        "use crate::store::Store; // crate::sink\n// crate::http\nuse crate::{clock, event::{Event, X}, exchange};\n",
    );
    assert_eq!(used(&code).into_iter().collect::<Vec<_>>(), ["clock", "event", "exchange", "store"]);
    let tested = "fn a() {}\n#[cfg(test)]\nmod tests {\n    use crate::sink;\n}\nfn b() {}\n#[cfg(test)]\nmod more;\nfn c() {}\n";
    let rest = without_tests(tested);
    assert!(used(&rest).is_empty() && rest.contains("fn b") && rest.contains("fn c"), "{rest}");
    assert_eq!(test_modules("store/page", tested), ["store/page/more"]);
    let modules: Vec<String> = sources().into_iter().map(|source| source.module).collect();
    assert!(modules.iter().any(|module| module == "store/writer"), "{modules:?}");
    assert!(!modules.iter().any(|module| module.ends_with("/tests")), "{modules:?}");
}
