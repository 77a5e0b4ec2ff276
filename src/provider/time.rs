//! Instants as providers write them.

use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};

/// Reads RFC 3339 in all its shades (any offset, with or without colon or fraction, a blank for the `T`, a
/// leap second, which becomes the second before), a date and time without an offset (taken as UTC, which both
/// providers use), and Unix time in seconds to nanoseconds, told apart by size.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    text.parse().ok().or_else(|| unix(text)).or_else(|| loose(text))
}

/// The UTC day of an instant, `YYYY-MM-DD`.
pub(super) fn utc_day(instant: Timestamp) -> civil::Date {
    TimeZone::UTC.to_datetime(instant).date()
}

fn unix(text: &str) -> Option<Timestamp> {
    // Below, it would be a moment before 1973: rather a year or a date without hyphens.
    const FIRST_SECOND: i64 = 100_000_000;
    const FIRST_MILLISECOND: i64 = 100_000_000_000;
    const FIRST_MICROSECOND: i64 = FIRST_MILLISECOND * 1_000;
    const FIRST_NANOSECOND: i64 = FIRST_MICROSECOND * 1_000;

    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    match whole {
        ..FIRST_SECOND => None,
        FIRST_SECOND..FIRST_MILLISECOND => {
            let nanoseconds = format!("{fraction:0<9.9}").parse().ok()?;
            Timestamp::new(whole, nanoseconds).ok()
        }
        FIRST_MILLISECOND..FIRST_MICROSECOND => Timestamp::from_millisecond(whole).ok(),
        FIRST_MICROSECOND..FIRST_NANOSECOND => Timestamp::from_microsecond(whole).ok(),
        FIRST_NANOSECOND.. => Timestamp::from_nanosecond(whole.into()).ok(),
    }
}

fn loose(text: &str) -> Option<Timestamp> {
    let tight = text.replace(" UTC", "Z").replace(" GMT", "Z").replace(" +", "+").replace(" -", "-");
    if let Ok(instant) = tight.parse() {
        return Some(instant);
    }
    // With an offset that makes no sense it is no UTC time either.
    let has_offset = tight.char_indices().any(|(at, c)| at > 8 && matches!(c, '+' | '-' | 'Z' | 'z'));
    let local: civil::DateTime = if has_offset { return None } else { tight.parse().ok()? };
    TimeZone::UTC.to_timestamp(local).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> Option<String> {
        instant(text).map(|instant| instant.to_string())
    }

    #[test]
    fn one_instant_is_read_from_all_its_spellings() {
        for text in [
            "2023-03-16T11:19:23Z",
            "2023-03-16T16:49:23+05:30",
            "2023-03-16T16:49:23+0530",
            "2023-03-16T11:19:23.000Z",
            "2023-03-16t11:19:23z",
            "2023-03-16 11:19:23Z",
            "2023-03-16 16:49:23 +0530",
            "2023-03-16 11:19:23 UTC",
            "2023-03-16T11:19:23",
            "2023-03-16 11:19:23",
            " 2023-03-16T11:19:23-00:00 ",
            "1678965563",
            "1678965563.0",
            "1678965563000",
            "1678965563000000",
            "1678965563000000000",
        ] {
            assert_eq!(seen(text).as_deref(), Some("2023-03-16T11:19:23Z"), "{text}");
        }
    }

    #[test]
    fn fractions_are_kept() {
        assert_eq!(seen("2025-02-07T20:58:49.529Z").as_deref(), Some("2025-02-07T20:58:49.529Z"));
        assert_eq!(seen("1738961929529").as_deref(), Some("2025-02-07T20:58:49.529Z"));
        assert_eq!(seen("1738961929.529").as_deref(), Some("2025-02-07T20:58:49.529Z"));
    }

    #[test]
    fn a_leap_second_is_an_instant() {
        assert_eq!(seen("2016-12-31T23:59:60Z").as_deref(), Some("2016-12-31T23:59:59Z"));
    }

    #[test]
    fn what_nobody_can_read_is_no_instant() {
        for text in [
            "",
            "yesterday",
            "2023-13-01T00:00:00Z",
            "2023-03-16T25:00:00Z",
            "2023-03-16T11:19:23+99:99",
            "9999-12-31T23:59:59-23:00",
            "99999999999999999999",
            "-1678965563",
            "2023",
            ".5",
            "1e9",
            "null",
        ] {
            assert_eq!(seen(text), None, "{text}");
        }
    }
}
