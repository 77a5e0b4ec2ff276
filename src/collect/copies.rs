//! Equal rows in a log without ids: which are different events, and which is one row seen twice.
//!
//! **A page is one answer**: rows that are equal on one page are different events, without doubt. So the
//! ordinal of a row (1, 2, 3 …) counts equal rows on its page, and re-reading gives the same ordinals.
//! Equal rows on *different* pages are in doubt: rows that arrive meanwhile push others over the page's edge,
//! so that one row shows twice. The walk settles a doubt by reading one page that lies across the place; where
//! that does not tell (equal rows far apart, more of them than fit a page), by walking again: when the same
//! rows come in the same order twice in a row, nothing moved, and every copy is real.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::Timestamp;

use crate::event::IdentityFields;
use crate::provider::Record;

/// What a walk remembers of its rows: 32 bytes each, at most as many as a walk has rows.
#[derive(Debug, Default)]
pub(super) struct Copies {
    rows: HashMap<u64, Seen>,
    /// Over all rows in order: two walks with the same digest saw the same.
    order: DefaultHasher,
}

/// One row and those equal to it.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    /// On all pages together.
    in_walk: u32,
    /// On one page, the most.
    on_one_page: u32,
    /// Offset of the first and the last. A walk ends long before four thousand million rows.
    first: u32,
    last: u32,
    /// Milliseconds since 1970; the smallest number for a row without a time.
    time: i64,
}

/// Equal rows on different pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Doubt {
    /// Offset of the first and the last of them.
    pub(super) first: u64,
    pub(super) last: u64,
    row: u64,
}

impl Copies {
    /// Counts the page that starts at `offset` and gives the ordinals of its rows.
    pub(super) fn count(&mut self, offset: u64, records: &[Record]) -> Vec<u32> {
        let mut on_page: HashMap<u64, u32> = HashMap::with_capacity(records.len());
        let mut ordinals = Vec::with_capacity(records.len());
        let offset = u32::try_from(offset).unwrap_or(u32::MAX);
        for (record, at) in records.iter().zip(offset..) {
            let row = fingerprint(&record.identity);
            row.hash(&mut self.order);
            let copies = on_page.entry(row).or_default();
            *copies += 1;
            ordinals.push(*copies);
            let seen = self.rows.entry(row).or_insert(Seen {
                first: at,
                time: record.time.map_or(i64::MIN, Timestamp::as_millisecond),
                ..Seen::default()
            });
            seen.in_walk += 1;
            seen.on_one_page = seen.on_one_page.max(*copies);
            seen.last = at;
        }
        ordinals
    }

    /// The rows in doubt, in order of their place.
    pub(super) fn doubts(&self) -> Vec<Doubt> {
        let mut doubts: Vec<Doubt> = self
            .rows
            .iter()
            .filter(|(_, seen)| seen.in_walk > seen.on_one_page)
            .map(|(row, seen)| Doubt { first: seen.first.into(), last: seen.last.into(), row: *row })
            .collect();
        doubts.sort_unstable();
        doubts
    }

    /// When the oldest row in doubt happened.
    pub(super) fn oldest_doubt(&self) -> Option<Timestamp> {
        let doubtful = self.rows.values().filter(|seen| seen.in_walk > seen.on_one_page);
        let oldest = doubtful.map(|seen| seen.time).min()?;
        Some(Timestamp::from_millisecond(oldest).unwrap_or(Timestamp::MIN))
    }

    /// Takes a page that was read across the place of a doubt. It settles the doubt when it holds all copies
    /// there can be: as many as the walk counted, or all rows of that instant, the page being in order of
    /// time and reaching beyond them on both sides.
    pub(super) fn settle(&mut self, doubt: Doubt, records: &[Record]) {
        let copies: Vec<&Record> =
            records.iter().filter(|record| fingerprint(&record.identity) == doubt.row).collect();
        let Some(seen) = self.rows.get_mut(&doubt.row) else { return };
        let count = u32::try_from(copies.len()).unwrap_or(u32::MAX);
        seen.on_one_page = seen.on_one_page.max(count);
        let beyond = |record: Option<&Record>| {
            let (Some(row), Some(copy)) = (record, copies.first()) else { return false };
            row.time != copy.time
        };
        let whole = beyond(records.first()) && beyond(records.last()) && in_order_of_time(records);
        if whole || seen.on_one_page >= seen.in_walk {
            seen.in_walk = seen.on_one_page;
        }
    }

    /// Whether rows equal to this one stand on different pages.
    pub(super) fn in_doubt(&self, row: &IdentityFields) -> bool {
        self.rows.get(&fingerprint(row)).is_some_and(|seen| seen.in_walk > seen.on_one_page)
    }

    /// How many rows equal to this one the walk counted.
    pub(super) fn in_walk(&self, row: &IdentityFields) -> u32 {
        self.rows.get(&fingerprint(row)).map_or(1, |seen| seen.in_walk)
    }

    /// Equal for two walks that saw the same rows in the same order.
    pub(super) fn order(&self) -> u64 {
        self.order.finish()
    }
}

/// Whether times only fall or only rise.
fn in_order_of_time(records: &[Record]) -> bool {
    let falling = |pair: &[Record]| pair[0].time >= pair[1].time;
    let rising = |pair: &[Record]| pair[0].time <= pair[1].time;
    records.windows(2).all(falling) || records.windows(2).all(rising)
}

/// 64 bits are enough: two rows that share one by chance cost a page more, no event.
fn fingerprint(identity: &IdentityFields) -> u64 {
    let mut hasher = DefaultHasher::new();
    identity.hash(&mut hasher);
    hasher.finish()
}
