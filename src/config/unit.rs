//! Durations, sizes and times as people write them.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::fault::Problem;

/// How a duration is written, for the errors.
pub(super) const DURATION: &str = "a duration such as \"30s\", \"5m\", \"1h30m\" or \"90d\"";
/// How a size is written, for the errors.
pub(super) const SIZE: &str = "a size such as \"64MiB\", \"1GB\" or a number of bytes";
/// How a time is written, for the errors.
pub(super) const TIME: &str = "a time such as \"2026-01-31T12:00:00Z\" or \"2026-01-31\"";

/// A century: longer is a slip of the pen, and it keeps every later sum of times within range.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);

/// Reads `30s`, `1h30m`, `1h 30m`.
pub(super) fn duration(text: &str) -> Result<Duration, Problem> {
    let wrong = |why: &str| Problem::new(format!("`{text}` {why}")).hint(format!("expected {DURATION}"));
    if text.trim_start().starts_with('-') {
        return Err(wrong("is negative"));
    }
    let mut rest = text.trim();
    let mut total = Duration::ZERO;
    if rest.is_empty() {
        return Err(wrong("is not a duration"));
    }
    while !rest.is_empty() {
        let (number, after) = split(rest, |c| c.is_ascii_digit());
        let (unit, after) = split(after, |c| c.is_ascii_alphabetic());
        rest = after.trim_start();
        let millis = match unit {
            _ if number.is_empty() => return Err(wrong("is not a duration")),
            "" if rest.is_empty() => return Err(wrong("has no unit")),
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 7 * 86_400_000,
            _ => return Err(wrong("is not a duration")),
        };
        total = number
            .parse::<u64>()
            .ok()
            .and_then(|number| number.checked_mul(millis))
            .and_then(|millis| total.checked_add(Duration::from_millis(millis)))
            .filter(|total| *total <= LONGEST)
            .ok_or_else(|| wrong("is longer than a century"))?;
    }
    Ok(total)
}

/// Reads `64MiB`, `1GB`, `1048576`.
pub(super) fn size(text: &str) -> Result<u64, Problem> {
    let wrong = |why: &str| Problem::new(format!("`{text}` {why}")).hint(format!("expected {SIZE}"));
    let (number, unit) = split(text.trim(), |c| c.is_ascii_digit());
    let unit = unit.trim_start().to_ascii_lowercase();
    let bytes: u64 = match unit.as_str() {
        _ if text.trim_start().starts_with('-') => return Err(wrong("is negative")),
        _ if number.is_empty() => return Err(wrong("is not a size")),
        "" | "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        _ => return Err(wrong("is not a size")),
    };
    number.parse().ok().and_then(|number: u64| number.checked_mul(bytes)).ok_or_else(|| wrong("is too large"))
}

/// Reads an RFC 3339 time, or a date, which means its beginning in UTC.
pub(super) fn time(text: &str) -> Result<Timestamp, Problem> {
    let wrong = |why: &str| Problem::new(format!("`{text}` {why}")).hint(format!("expected {TIME}"));
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    if text.len() > "2026-01-31".len() && text.parse::<jiff::civil::DateTime>().is_ok() {
        return Err(wrong("says no time zone"));
    }
    let date: Date = text.parse().map_err(|_| wrong("is not a time"))?;
    date.to_zoned(TimeZone::UTC).map(|start| start.timestamp()).map_err(|_| wrong("is out of range"))
}

/// A duration as [`duration`] reads it, in the largest units that fit.
pub(crate) fn show(duration: Duration) -> String {
    let mut millis = duration.as_millis();
    let mut text = String::new();
    for (unit, length) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)] {
        if millis >= length {
            text += &format!("{}{unit}", millis / length);
            millis %= length;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

fn split(text: &str, take: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !take(c)).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_read_as_people_write_it() {
        for (text, millis) in [
            ("30s", 30_000),
            ("250ms", 250),
            ("5m", 300_000),
            ("1h30m", 5_400_000),
            ("1h 30m", 5_400_000),
            ("90d", 7_776_000_000),
            ("2w", 1_209_600_000),
            ("0s", 0),
        ] {
            assert_eq!(duration(text).unwrap(), Duration::from_millis(millis), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused_with_the_reason() {
        for (text, why) in [
            ("", "is not a duration"),
            ("soon", "is not a duration"),
            ("5", "has no unit"),
            ("1h30", "has no unit"),
            ("1.5h", "is not a duration"),
            ("5 m", "is not a duration"),
            ("5min", "is not a duration"),
            ("-5m", "is negative"),
            ("99999999999999999999s", "is longer than a century"),
            ("36501d", "is longer than a century"),
        ] {
            assert_eq!(duration(text).unwrap_err().what, format!("`{text}` {why}"));
        }
    }

    #[test]
    fn a_shown_duration_reads_back() {
        for text in ["0s", "250ms", "1m", "1h30m", "90d", "1d2h3m4s5ms"] {
            assert_eq!(show(duration(text).unwrap()), text);
        }
    }

    #[test]
    fn a_size_is_read_as_people_write_it() {
        for (text, bytes) in [
            ("64MiB", 64 << 20),
            ("1GB", 1_000_000_000),
            ("500KiB", 512_000),
            ("500 kib", 512_000),
            ("1048576", 1 << 20),
            ("12B", 12),
            ("0", 0),
        ] {
            assert_eq!(size(text).unwrap(), bytes, "{text}");
        }
        for (text, why) in [
            ("", "is not a size"),
            ("MiB", "is not a size"),
            ("1.5GiB", "is not a size"),
            ("64M", "is not a size"),
            ("-1MB", "is negative"),
            ("99999999999TiB", "is too large"),
        ] {
            assert_eq!(size(text).unwrap_err().what, format!("`{text}` {why}"));
        }
    }

    #[test]
    fn a_date_means_its_beginning_in_utc() {
        assert_eq!(time("2026-01-31").unwrap(), "2026-01-31T00:00:00Z".parse().unwrap());
        assert_eq!(time("2026-01-31T02:00:00+02:00").unwrap(), "2026-01-31T00:00:00Z".parse().unwrap());
        assert_eq!(time("2026-01-31T02:00:00").unwrap_err().what, "`2026-01-31T02:00:00` says no time zone");
        assert_eq!(time("2026-02-31").unwrap_err().what, "`2026-02-31` is not a time");
        assert_eq!(time("yesterday").unwrap_err().what, "`yesterday` is not a time");
    }
}
