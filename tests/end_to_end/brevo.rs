//! Brevo's limits: months, days and requests.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde_json::Value;

use crate::rig::{BREVO, Place, Settings, Simulator};

/// Days that one query may reach over, of those the design asks for.
const WINDOW_DAYS: usize = 28;
const PAGE_ROWS: u64 = 100;

/// Collects twelve months with so many events, and says how many queries it took and how many are needed.
fn twelve_months(events: u64) -> (u64, u64) {
    let count = events.to_string();
    let simulator =
        Simulator::start(&["--events", &count, "--span", "364d", "--rate", "0", "--shares", "0,0,0,1"]);
    let settings = Settings { hubspot: false, start: "365d", lookback: "24h", ..Settings::default() };
    let place = Place::new(&simulator, &settings);
    let today_before = today();
    place.run_once();
    simulator.assert_exactly_once_of(BREVO);

    let queries = simulator.queries("activities");
    let oldest = today_before.saturating_sub(12.months());
    for (query, status) in &queries {
        assert_eq!(*status, 200, "{query}");
        let parameters: BTreeMap<_, _> = url::form_urlencoded::parse(query.as_bytes()).collect();
        let day = |name: &str| parameters[name].parse::<Date>().unwrap();
        let (from, to) = (day("startDate"), day("endDate"));
        assert!(from >= oldest, "{query}: older than twelve months");
        assert!(from <= to && to <= today(), "{query}: in the future");
        assert!(to <= from.saturating_add(1.month()), "{query}: longer than a month");
    }
    (queries.len() as u64, least_queries(&simulator, oldest))
}

/// Queries that a walk of 28 days after 28 days takes when nothing is asked twice: every page until one is not full.
fn least_queries(simulator: &Simulator, oldest: Date) -> u64 {
    let first = oldest.to_zoned(TimeZone::UTC).unwrap().timestamp();
    let mut rows = vec![0; 366_usize.div_ceil(WINDOW_DAYS)];
    let truth = simulator.ask("GET", "/simulator/truth?stream=brevo.activities", &Value::Null);
    for line in truth.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let happened: Timestamp = line["record"]["date"].as_str().unwrap().parse().unwrap();
        let day = usize::try_from(happened.duration_since(first).as_hours() / 24).unwrap();
        rows[day / WINDOW_DAYS] += 1;
    }
    rows.iter().map(|rows| rows / PAGE_ROWS + 1).sum()
}

fn today() -> Date {
    Timestamp::now().to_zoned(TimeZone::UTC).date()
}

#[test]
fn twelve_months_cost_at_most_a_quarter_more_than_the_least_possible() {
    for events in [0, 300, 5_000, 20_000] {
        let (asked, least) = twelve_months(events);
        println!("{events} events: {asked} queries, at least {least}");
        assert!(asked * 4 <= least * 5, "{events} events: {asked} queries, at least {least} are needed");
    }
}
