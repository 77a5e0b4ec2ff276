//! Which part of the past a job reads. Pure arithmetic.

use std::time::Duration;

use jiff::Timestamp;

use super::Request;
use crate::collect::CollectorOptions;
use crate::store::{Cursor, JobKind, day_of, start_of};

/// What is read, and why that is not what was asked for, if it is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    pub(super) remark: Option<String>,
}

/// The range of a job on one stream.
///
/// | | from | to |
/// |---|---|---|
/// | backfill | as asked, within the horizon | as asked, else where live polling has begun |
/// | reconcile | as asked, else the first whole day within the horizon | as asked, else `lookback` before now: what is younger, polling reads again anyway |
pub(super) fn of(
    kind: JobKind,
    request: &Request,
    options: &CollectorOptions,
    cursor: &Cursor,
    now: Timestamp,
) -> Range {
    let ago = |by: Duration| now.checked_sub(by).unwrap_or(Timestamp::MIN);
    let oldest = match kind {
        JobKind::Backfill => ago(options.horizon),
        // A day that the provider is forgetting can't agree.
        JobKind::Reconcile => start_of(day_of(ago(options.horizon)) + 1),
    };
    let from = request.from.unwrap_or(oldest);
    let newest = match kind {
        JobKind::Backfill => cursor.complete_from.unwrap_or(now),
        JobKind::Reconcile => ago(options.lookback),
    };
    let to = request.to.unwrap_or(newest).min(now);
    let remark = if from < oldest {
        Some(format!(
            "the provider remembers {} days and no more (the key horizon): it is read from {oldest:.0} on",
            options.horizon.as_secs() / 86_400
        ))
    } else if from >= to && request.to.is_none() {
        Some(format!("nothing to do: all from {to:.0} on is read by polling"))
    } else if from >= to {
        Some("nothing to do: the range is empty".to_owned())
    } else {
        None
    };
    Range { from: from.max(oldest), to, remark }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::event::StreamName;
    use crate::meter::Meter;
    use crate::meter::StoreMeter;

    const DAY: Duration = Duration::from_secs(86_400);

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn range(kind: JobKind, from: Option<&str>, to: Option<&str>, complete_from: Option<&str>) -> Range {
        let name = StreamName { source: "crm".to_owned(), stream: "login".to_owned() };
        let options = CollectorOptions {
            meter: Meter::new(&StoreMeter::default()).stream(&name),
            name,
            lookback: Duration::from_secs(3_600),
            start: at("2026-05-01T00:00:00Z"),
            horizon: 90 * DAY,
            reconcile_depth: 7 * DAY,
            drop_mirrored: false,
            unmapped: Arc::default(),
        };
        let request = Request {
            source: "crm".to_owned(),
            stream: None,
            from: from.map(at),
            to: to.map(at),
            asked: String::new(),
        };
        let cursor = Cursor { complete_from: complete_from.map(at), ..Cursor::default() };
        of(kind, &request, &options, &cursor, at("2026-06-01T12:00:00Z"))
    }

    #[test]
    fn a_backfill_ends_where_polling_has_begun_and_reaches_no_further_back_than_the_provider_remembers() {
        let backfill = |from, to, complete| range(JobKind::Backfill, Some(from), to, complete);
        let complete = Some("2026-05-01T00:00:00Z");
        let plain = backfill("2026-04-01T00:00:00Z", None, complete);
        let expected =
            Range { from: at("2026-04-01T00:00:00Z"), to: at("2026-05-01T00:00:00Z"), remark: None };
        assert_eq!(plain, expected);
        let asked = backfill("2026-04-01T00:00:00Z", Some("2026-05-20T00:00:00Z"), complete);
        assert_eq!((asked.to, asked.remark), (at("2026-05-20T00:00:00Z"), None));
        let never_polled = backfill("2026-04-01T00:00:00Z", None, None);
        assert_eq!(never_polled.to, at("2026-06-01T12:00:00Z"));
        let far = backfill("2020-01-01T00:00:00Z", None, complete);
        assert_eq!(far.from, at("2026-03-03T12:00:00Z"));
        assert!(far.remark.unwrap().contains("90 days"));
        let nothing = backfill("2026-05-10T00:00:00Z", None, complete);
        assert!(nothing.from >= nothing.to && nothing.remark.unwrap().starts_with("nothing to do"));
        let future = backfill("2026-05-10T00:00:00Z", Some("2027-01-01T00:00:00Z"), complete);
        assert_eq!(future.to, at("2026-06-01T12:00:00Z"));
    }

    #[test]
    fn a_reconcile_takes_whole_days_within_the_horizon_and_leaves_the_lookback_to_polling() {
        let reconcile = |from, to| range(JobKind::Reconcile, from, to, Some("2026-05-01T00:00:00Z"));
        let all = reconcile(None, None);
        assert_eq!((all.from, all.to), (at("2026-03-04T00:00:00Z"), at("2026-06-01T11:00:00Z")));
        assert_eq!(all.remark, None);
        let part = reconcile(Some("2026-05-25T00:00:00Z"), Some("2026-05-26T00:00:00Z"));
        assert_eq!((part.from, part.to), (at("2026-05-25T00:00:00Z"), at("2026-05-26T00:00:00Z")));
        assert!(reconcile(Some("2020-01-01T00:00:00Z"), None).remark.is_some());
    }
}
