//! Brevo's limits: months, days and requests.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::rig::{BREVO, Place, Settings, Simulator};

/// Days that one query may reach over, of those the design asks for.
const WINDOW_DAYS: i64 = 28;
const PAGE_ROWS: u64 = 100;

/// Collects twelve months with so many events, and says how many queries it took and how many are the least.
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
    // A window is at most so long, and a page holds at most so many rows: both must be walked through. A window
    // with a whole number of full pages needs one more to see its end, which only the provider could save.
    let windows = 366_u64.div_ceil(WINDOW_DAYS.unsigned_abs());
    let least = windows.max(events.div_ceil(PAGE_ROWS));
    (queries.len() as u64, least)
}

fn today() -> Date {
    Timestamp::now().to_zoned(TimeZone::UTC).date()
}

#[test]
fn twelve_months_cost_at_most_a_quarter_more_than_the_least_possible() {
    for events in [0, 300, 40_000] {
        let (asked, least) = twelve_months(events);
        println!("{events} events: {asked} queries, at least {least}");
        assert!(asked * 4 <= least * 5, "{events} events: {asked} queries, at least {least} are needed");
    }
}
