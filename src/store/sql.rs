//! How our words stand in columns.

use jiff::Timestamp;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};

use super::FilterHabit;

/// The `known.time` of an event without a time: behind every time, where no pruning reaches.
pub(super) const UNDATED: i64 = i64::MAX;

/// Whole milliseconds since 1970, rounded down, so that an instant is never stored later than it was.
pub(super) fn millis(time: Timestamp) -> i64 {
    let whole = time.as_millisecond();
    if time.subsec_nanosecond() % 1_000_000 < 0 { whole - 1 } else { whole }
}

/// The `known.time` of an event.
pub(super) fn known_time(time: Option<Timestamp>) -> i64 {
    time.map_or(UNDATED, millis)
}

/// A time as its column has it.
pub(super) struct Millis(pub(super) Timestamp);

impl ToSql for Millis {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(millis(self.0).into())
    }
}

impl FromSql for Millis {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let number = value.as_i64()?;
        Timestamp::from_millisecond(number).map(Self).map_err(|_| FromSqlError::OutOfRange(number))
    }
}

/// The optional time in a column.
pub(super) fn optional_time(row: &rusqlite::Row<'_>, column: &str) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<Millis>>(column)?.map(|millis| millis.0))
}

impl ToSql for FilterHabit {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Primary => "primary",
            Self::Alternative => "alternative",
            Self::Unfiltered => "unfiltered",
        }
        .into())
    }
}

impl FromSql for FilterHabit {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_str()? {
            "primary" => Ok(Self::Primary),
            "alternative" => Ok(Self::Alternative),
            "unfiltered" => Ok(Self::Unfiltered),
            other => Err(FromSqlError::Other(format!("unknown filter {other:?}").into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_rounded_down_before_and_after_1970() {
        for (nanosecond, expected) in
            [(1_999_999, 1), (1_000_000, 1), (0, 0), (-1, -1), (-1_000_000, -1), (-1_000_001, -2)]
        {
            let time = Timestamp::from_nanosecond(nanosecond).unwrap();
            assert_eq!(millis(time), expected, "{nanosecond} ns");
        }
    }
}
