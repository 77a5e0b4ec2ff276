//! What the commands on the state ask and say.

use std::path::Path;

use jiff::Timestamp;

use super::show::instant;
use crate::event::StreamName;
use crate::observe::human;
use crate::service::command::By;
use crate::store::{Importable, StreamEntry};

/// With every export.
pub(super) const SECRET: &str = "The copy is as secret as the state directory: it may hold undelivered events, dead \
    letters and an OAuth grant.\n";

/// When a cursor can't be moved as far back as was asked.
pub(super) fn beyond_horizon(name: &StreamName, oldest: Timestamp) -> String {
    format!(
        "The provider has forgotten what came before {}: {name} is read from there, as far as it still shows it.\n",
        instant(oldest)
    )
}

/// Before `rewind`.
pub(super) fn rewind_question(name: &StreamName, from: Timestamp, to: Timestamp) -> String {
    format!(
        "Move the cursor of {name} back from {} to {}? The next poll reads from there again (and its lookback \
         before it); what is known adds nothing. [y/N] ",
        instant(from),
        instant(to)
    )
}

/// What `rewind` has done.
pub(super) fn rewound(name: &StreamName, from: Timestamp, to: Timestamp, by: By) -> String {
    let when = match by {
        By::Daemon => "the next poll reads from there",
        By::Itself => "it is read from there when the daemon starts (it is not running)",
    };
    format!("cursor of {name} moved back from {} to {}: {when}\n", instant(from), instant(to))
}

/// Before `forget`.
pub(super) fn forget_question(streams: &[StreamEntry], account: bool) -> String {
    let names: Vec<_> = streams.iter().map(|stream| stream.name.to_string()).collect();
    let also = if account {
        " The account of the source is forgotten too, and a credential that its provider has rotated."
    } else {
        ""
    };
    format!(
        "Forget how far {} was read, and which events are known?{also} The next poll collects everything again from \
         `start` on that the provider still shows, and every sink gets it again: under the same event.id, with new \
         sequences. A SIEM that does not deduplicate by event.id has it twice. [y/N] ",
        names.join(", ")
    )
}

/// What `forget` has done.
pub(super) fn forgotten(streams: &[String], is_configured: bool, by: By) -> String {
    let when = match (is_configured, by) {
        (false, _) => "nothing is collected, for it is not in the configuration",
        (true, By::Daemon) => "the next poll collects from `start` again",
        (true, By::Itself) => "it is collected from `start` again when the daemon starts (it is not running)",
    };
    format!("{} forgotten: {when}\n", streams.join(", "))
}

/// What `export` has done.
pub(super) fn exported(file: &Path, bytes: u64) -> String {
    format!("state exported to {} ({})\n", file.display(), human::bytes(bytes))
}

/// Before `import`.
pub(super) fn import_question(file: &Path, directory: &Path, found: &Importable) -> String {
    let plural = |count: i64, what: &str| {
        let count = u64::try_from(count).unwrap_or(0);
        format!("{} {what}{}", human::count(count), if count == 1 { "" } else { "s" })
    };
    let (streams, events) = (plural(found.streams, "stream"), plural(found.events, "event"));
    let (directory, file) = (directory.display(), file.display());
    if found.replaces {
        format!(
            "Replace the state in {directory} by {file} ({streams}, {events})? The one that is there is set aside as \
             auditferry.db.before-TIME in the same directory. What came after the export is collected and delivered \
             again, as far as the provider still has it. [y/N] "
        )
    } else {
        format!("Make {file} ({streams}, {events}) the state in {directory}? There is none yet. [y/N] ")
    }
}

/// What `import` has done.
pub(super) fn imported(file: &Path, aside: Option<&Path>) -> String {
    let before = aside.map_or_else(String::new, |aside| {
        format!("; the one before is {}: delete it when it is of no more use", aside.display())
    });
    format!("state imported from {}{before}\n", file.display())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Cursor, FilterHabit};

    fn entry() -> StreamEntry {
        StreamEntry {
            name: StreamName { source: "hubspot".to_owned(), stream: "login".to_owned() },
            account: None,
            cursor: Cursor::default(),
            filter: FilterHabit::Primary,
            reconciled: None,
            sequence: 7,
            known_ids: 7,
            gaps: Vec::new(),
        }
    }

    #[test]
    fn a_question_says_what_a_yes_would_do() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let rewind = rewind_question(&entry().name, at(86_400), at(60));
        assert!(
            rewind.contains("hubspot/login back from 1970-01-02T00:00:00Z to 1970-01-01T00:01:00Z"),
            "{rewind}"
        );
        let forget = forget_question(&[entry()], false);
        assert!(forget.contains("hubspot/login") && forget.contains("has it twice"), "{forget}");
        assert!(!forget.contains("account") && forget_question(&[entry()], true).contains("account"));
        let found = Importable { version: 4, streams: 1, events: 1234, replaces: true };
        let question = |found: &Importable| import_question(Path::new("a.db"), Path::new("/state"), found);
        let replace = question(&found);
        for words in
            ["Replace the state in /state", "a.db (1 stream, 1,234 events)", "set aside", "delivered again"]
        {
            assert!(replace.contains(words), "{replace}");
        }
        let first = question(&Importable { replaces: false, ..found });
        assert!(first.contains("There is none yet") && !first.contains("aside"), "{first}");
        for question in [rewind, forget, replace, first] {
            assert!(question.ends_with("? [y/N] ") || question.ends_with(". [y/N] "), "{question}");
        }
    }
}
