//! Backfills and reconciles for people.

use jiff::Timestamp;

use crate::cli::check::columns;
use crate::observe::human;
use crate::service::command::job::{Begun, Day, Outcome, Progress};

/// What is about to be read, and what is remarkable about it.
pub(super) fn begun(begun: &Begun) -> String {
    let Begun { stream, from, to, done, goes_on_since, remark } = begun;
    let mut text = String::new();
    if let Some(remark) = remark {
        text += &format!("{stream}: {remark}\n");
    }
    if let Some(since) = goes_on_since {
        text += &format!(
            "{stream}: goes on at {} with what was begun at {} and interrupted ({} to {})\n",
            instant(*done),
            instant(*since),
            instant(*from),
            instant(*to)
        );
    }
    text
}

/// What a stream came to.
pub(super) fn ended(progress: &Progress) -> String {
    let Progress { stream, shown, found, .. } = progress;
    format!("{stream}: {} events at the provider, {} new\n", human::count(*shown), human::count(*found))
}

/// A table of days; none where there are none.
pub(super) fn days(days: &[Day]) -> String {
    if days.is_empty() {
        return String::new();
    }
    let rows = days.iter().map(|day| {
        let sinks = day.sinks.iter().map(|(name, sink)| format!("{name} {}", human::count(sink.delivered)));
        [
            day.day.clone(),
            human::count(day.provider),
            human::count(day.collected),
            human::count(day.found),
            sinks.collect::<Vec<_>>().join(", "),
            verdict_of(day),
        ]
    });
    let head =
        [days[0].stream.as_str(), "provider has", "had been collected", "found now", "delivered", "verdict"];
    columns(head, rows.collect())
}

fn verdict_of(day: &Day) -> String {
    let mut faults = Vec::new();
    if day.found > 0 {
        faults.push(format!("{} had been missed", human::count(day.found)));
    }
    if day.not_shown > 0 {
        faults.push(format!("{} the provider does not show", human::count(day.not_shown)));
    }
    if day.doubtful {
        faults.push("equal rows that can't be counted".to_owned());
    }
    for (name, sink) in &day.sinks {
        if sink.missing > 0 {
            faults.push(format!("{name} lacks {}", human::count(sink.missing)));
        }
    }
    let mut remarks = Vec::new();
    for (name, sink) in &day.sinks {
        if sink.dead_letters > 0 {
            remarks.push(format!("{name}: {} dead letters", human::count(sink.dead_letters)));
        }
        if sink.before_sink > 0 {
            remarks.push(format!("{name}: {} from before it was there", human::count(sink.before_sink)));
        }
    }
    let verdict = if day.agrees { "agrees".to_owned() } else { faults.join(", ") };
    if remarks.is_empty() { verdict } else { format!("{verdict} ({})", remarks.join(", ")) }
}

/// The whole in a sentence.
pub(super) fn verdict(outcome: Outcome) -> String {
    let Outcome { found, days_apart, .. } = outcome;
    match (days_apart, found) {
        (0, _) => "every day agrees\n".to_owned(),
        (1, 0) => "1 day does not agree\n".to_owned(),
        (days, 0) => format!("{} do not agree\n", of_days(days)),
        (days, found) => format!(
            "{} did not agree: {} events had been missed and are collected now. Run it again to see that \
             they agree\n",
            of_days(days),
            human::count(found)
        ),
    }
}

fn of_days(days: u64) -> String {
    if days == 1 { "1 day".to_owned() } else { format!("{} days", human::count(days)) }
}

fn instant(time: Timestamp) -> String {
    time.strftime("%FT%TZ").to_string()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::service::command::job::SinkDay;

    #[test]
    fn each_day_says_why_it_does_not_agree() {
        let sink = SinkDay { delivered: 1_200, before_sink: 0, dead_letters: 0, missing: 0 };
        let sound = Day {
            stream: "crm/login".to_owned(),
            day: "2026-01-01".to_owned(),
            provider: 1_200,
            collected: 1_200,
            found: 0,
            not_shown: 0,
            doubtful: false,
            sinks: BTreeMap::from([("archive".to_owned(), sink), ("siem".to_owned(), sink)]),
            agrees: true,
        };
        let mut apart =
            Day { found: 3, not_shown: 2, agrees: false, day: "2026-01-02".to_owned(), ..sound.clone() };
        apart
            .sinks
            .insert("siem".to_owned(), SinkDay { missing: 4, dead_letters: 1, before_sink: 7, ..sink });
        let table = days(&[sound, apart]);
        let lines: Vec<_> = table.lines().collect();
        assert!(lines[1].starts_with("crm/login   provider has  had been collected  found now"), "{table}");
        assert!(lines[2].ends_with("archive 1,200, siem 1,200  agrees"), "{table}");
        let expected = "3 had been missed, 2 the provider does not show, siem lacks 4 \
             (siem: 1 dead letters, siem: 7 from before it was there)";
        assert!(lines[3].ends_with(expected), "{table}");
        assert_eq!(days(&[]), "");
    }

    #[test]
    fn the_whole_is_said_in_a_sentence() {
        let outcome = |days_apart, found| verdict(Outcome { shown: 9, found, days_apart });
        assert_eq!(outcome(0, 0), "every day agrees\n");
        assert_eq!(outcome(1, 0), "1 day does not agree\n");
        assert!(outcome(2, 37).starts_with("2 days did not agree: 37 events had been missed"));
    }
}
