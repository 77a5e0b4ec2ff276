//! The status in one line, for `systemctl status`.

use super::human;
use super::status::{Status, StreamCondition};

/// What a person wants to know first: the worst problem with its reason, or that there is none; and what waits.
pub fn summary(status: &Status) -> String {
    let waiting = status.sinks.iter().map(|sink| sink.waiting).max().unwrap_or(0);
    let waits = match waiting {
        0 => "all delivered".to_owned(),
        1 => "1 event waits".to_owned(),
        _ => format!("{} events wait", human::count(waiting)),
    };
    let Some(worst) = status.problems.first() else {
        let unread = status.streams.iter().filter(|stream| stream.state == StreamCondition::NeverPolled);
        let first = match unread.count() {
            0 => String::new(),
            unread => format!("{} being read for the first time, ", counted(unread, "stream")),
        };
        let (streams, sinks) = (status.streams.len(), status.sinks.len());
        return format!("{}, {}, {first}{waits}", counted(streams, "stream"), counted(sinks, "sink"));
    };
    let more = match status.problems.len() - 1 {
        0 => String::new(),
        more => format!("; {} more", counted(more, "problem")),
    };
    format!("{}{more}; {waits}", worst.what)
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::super::samples::{about, live, now, troubled, well};
    use super::*;
    use crate::observe::assemble;
    use crate::store::Snapshot;

    fn status(snapshot: &Snapshot) -> Status {
        assemble(snapshot, &about(), Some(&live(snapshot)), now())
    }

    #[test]
    fn what_is_well_is_counted() {
        assert_eq!(summary(&status(&well())), "4 streams, 2 sinks, all delivered");
        let mut first = status(&well());
        first.streams[1].state = StreamCondition::NeverPolled;
        first.sinks[0].waiting = 1_234;
        assert_eq!(
            summary(&first),
            "4 streams, 2 sinks, 1 stream being read for the first time, 1,234 events wait"
        );
    }

    #[test]
    fn the_worst_problem_comes_with_its_reason_and_what_waits() {
        let status = status(&troubled());
        let line = summary(&status);
        let more = status.problems.len() - 1;
        assert!(more > 1 && line.starts_with(&status.problems[0].what), "{line}");
        assert!(line.ends_with(&format!("; {more} problems more; 4,321 events wait")), "{line}");
    }
}
