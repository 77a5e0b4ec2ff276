//! What a reconcile says of each day: the provider's events against ours, and against those of each sink.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::tz::TimeZone;
use tokio::time::{Instant, sleep};

use super::{Day, SinkDay};
use crate::event::StreamName;
use crate::service::ServiceError;
use crate::store::{JobDay, JobKey, Store, start_of};

/// What was collected just now has this long to arrive.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(200);

/// Every day that the job has seen, oldest first. Waits a while for the sinks to take what was found.
pub(super) async fn all(store: &Store, name: &StreamName, key: JobKey) -> Result<Vec<Day>, ServiceError> {
    let seen = store.job_days(key).await?;
    let mut collected = Vec::with_capacity(seen.len());
    // Counted before the sinks are waited for: what is collected meanwhile may not have arrived.
    for JobDay { day, .. } in &seen {
        let count = store.known_by_day(key.stream, start_of(*day), start_of(day + 1)).await?;
        collected.push(count.first().map_or(0, |(_, events)| *events));
    }
    wait_for_sinks(store, key).await?;
    let sinks = store.sinks_of(key.stream).await?;
    let mut days = Vec::with_capacity(seen.len());
    for (seen, collected) in seen.into_iter().zip(collected) {
        let mut of_sinks = BTreeMap::new();
        for sink in &sinks {
            let has = store.delivered_on(sink, key.stream, seen.day).await?;
            let accounted = has.events + has.before_sink + has.dead_letters;
            let day = SinkDay {
                delivered: has.events,
                before_sink: has.before_sink,
                dead_letters: has.dead_letters,
                missing: collected.saturating_sub(accounted),
            };
            of_sinks.insert(sink.clone(), day);
        }
        days.push(judged(name, seen, of_sinks));
    }
    Ok(days)
}

fn judged(name: &StreamName, seen: JobDay, sinks: BTreeMap<String, SinkDay>) -> Day {
    let JobDay { day, shown, known, collected, found, doubtful } = seen;
    let not_shown = collected.saturating_sub(known);
    let has_all = sinks.values().all(|sink| sink.missing == 0);
    Day {
        stream: name.to_string(),
        day: start_of(day).to_zoned(TimeZone::UTC).date().to_string(),
        provider: shown,
        collected,
        found,
        not_shown,
        doubtful,
        sinks,
        agrees: found == 0 && not_shown == 0 && !doubtful && has_all,
    }
}

/// Until every sink has the stream's events, but for one that takes none.
async fn wait_for_sinks(store: &Store, key: JobKey) -> Result<(), ServiceError> {
    let end = store.end_of(key.stream).await?;
    let deadline = Instant::now() + PATIENCE;
    while store.is_awaited(key.stream, end).await? && Instant::now() < deadline {
        sleep(LOOK).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_agrees_when_nothing_was_missed_all_is_shown_and_every_sink_has_it() {
        let name = StreamName { source: "crm".to_owned(), stream: "login".to_owned() };
        let sound = JobDay { day: 20_454, shown: 10, known: 10, collected: 10, found: 0, doubtful: false };
        let has = |missing| {
            BTreeMap::from([(
                "siem".to_owned(),
                SinkDay { delivered: 10 - missing, before_sink: 0, dead_letters: 0, missing },
            )])
        };
        let day = judged(&name, sound, has(0));
        assert!(day.agrees);
        assert_eq!((day.stream.as_str(), day.day.as_str(), day.not_shown), ("crm/login", "2026-01-01", 0));
        for (seen, missing) in [
            (JobDay { found: 1, shown: 11, ..sound }, 0),
            (JobDay { known: 9, shown: 9, ..sound }, 0),
            (JobDay { doubtful: true, ..sound }, 0),
            (sound, 1),
        ] {
            assert!(!judged(&name, seen, has(missing)).agrees, "{seen:?} {missing}");
        }
        // Live polling may have brought one between the count and the walk.
        assert!(judged(&name, JobDay { known: 11, shown: 11, ..sound }, has(0)).agrees);
    }
}
