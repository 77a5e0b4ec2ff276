//! One page on its way into the store: identify, leave out what is known, map, commit.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use jiff::Timestamp;

use super::stream::CollectorOptions;
use super::tally::Tally;
use crate::event::{Account, EventId, IdentityScope, NewEvent};
use crate::provider::{About, Provider, Record, StreamSpec};
use crate::store::{Committed, PendingCommit, Store, StoreError, StreamId};

/// Pages of one walk that wait for the disk: as many as the writer commits together. More would only take
/// memory (measured: no faster with ten).
const PAGES_IN_FLIGHT: usize = 5;

/// Events mapped before other tasks get their turn: at five microseconds each, below half a millisecond.
const MAPPED_AT_ONCE: usize = 64;

/// Takes the pages of one walk to the store.
pub(super) struct Intake<'a> {
    pub(super) store: &'a Store,
    pub(super) provider: &'a Arc<dyn Provider>,
    pub(super) spec: &'static StreamSpec,
    pub(super) options: &'a CollectorOptions,
    pub(super) account: &'a Arc<Account>,
    pub(super) id: StreamId,
    /// Events newer than this cannot be known: asking the store about them would cost time for nothing.
    pub(super) high_water: Option<Timestamp>,
    /// A new event of this time is late: all of it had been read before this turn.
    pub(super) late: Option<Range<Timestamp>>,
    /// Counts what the provider shows.
    pub(super) tally: Option<Tally>,
    scope: IdentityScope,
    /// With how many late events each.
    in_flight: VecDeque<(PendingCommit, u64)>,
    committed: Committed,
}

/// What a page held, before it is on disk.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Taken {
    /// Rows handed to the writer.
    pub(super) offered: u64,
    /// Rows that were known before.
    pub(super) recognised: u64,
}

impl<'a> Intake<'a> {
    pub(super) fn new(
        store: &'a Store,
        provider: &'a Arc<dyn Provider>,
        spec: &'static StreamSpec,
        options: &'a CollectorOptions,
        account: &'a Arc<Account>,
    ) -> Self {
        Self {
            store,
            provider,
            spec,
            options,
            account,
            id: StreamId(0, 0),
            high_water: None,
            late: None,
            tally: None,
            scope: IdentityScope::new(provider.name(), &account.id, spec.name),
            in_flight: VecDeque::with_capacity(PAGES_IN_FLIGHT),
            committed: Committed::default(),
        }
    }

    /// Takes one page; returns when its new events wait for the disk.
    pub(super) async fn take(
        &mut self,
        records: Vec<Record>,
        ordinals: Option<Vec<u32>>,
        collected: Timestamp,
    ) -> Result<Taken, StoreError> {
        let identified = self.identify(records, ordinals);
        let (fresh, recognised) = self.leave_out_known(identified).await?;
        self.options.meter.records_known(recognised);
        let offered = fresh.len() as u64;
        if offered > 0 {
            let late = fresh.iter().filter(|(_, record)| self.is_late(record.time)).count() as u64;
            let events = self.map(fresh, collected).await;
            if self.in_flight.len() >= PAGES_IN_FLIGHT {
                self.land().await?;
            }
            self.in_flight.push_back((self.store.commit_page(self.id, events).await?, late));
        }
        Ok(Taken { offered, recognised })
    }

    /// Waits until everything taken is on disk.
    pub(super) async fn finish(&mut self) -> Result<Committed, StoreError> {
        while !self.in_flight.is_empty() {
            self.land().await?;
        }
        Ok(self.committed)
    }

    async fn land(&mut self) -> Result<(), StoreError> {
        if let Some((pending, late)) = self.in_flight.pop_front() {
            let committed = pending.done().await?;
            // Another walk of the stream may have brought some of them meanwhile.
            self.options.meter.records_new(committed.new, late.min(committed.new));
            self.options.meter.records_known(committed.known);
            self.committed.new += committed.new;
            self.committed.known += committed.known;
        }
        Ok(())
    }

    fn is_late(&self, time: Option<Timestamp>) -> bool {
        self.late.as_ref().zip(time).is_some_and(|(late, time)| late.contains(&time))
    }

    fn identify(&self, records: Vec<Record>, ordinals: Option<Vec<u32>>) -> Vec<(EventId, Record)> {
        let mut ordinals = ordinals.map(Vec::into_iter);
        let mut identified = Vec::with_capacity(records.len());
        for record in records {
            let ordinal = ordinals.as_mut().and_then(Iterator::next);
            if self.options.drop_mirrored && self.provider.is_mirrored(self.spec, &record) {
                continue;
            }
            identified.push((self.scope.id(&record.identity, ordinal), record));
        }
        identified
    }

    async fn leave_out_known(
        &mut self,
        mut identified: Vec<(EventId, Record)>,
    ) -> Result<(Vec<(EventId, Record)>, u64), StoreError> {
        let may_be_known = |record: &Record| record.time.is_none() || record.time <= self.high_water;
        let known = if identified.iter().any(|(_, record)| may_be_known(record)) {
            let keys = identified.iter().map(|(id, record)| (record.time, *id)).collect();
            self.store.known(self.id, keys).await?
        } else {
            Vec::new()
        };
        let mut known = known.into_iter();
        let tally = &mut self.tally;
        let before = identified.len();
        identified.retain(|(id, record)| {
            let is_known = known.next().unwrap_or(false);
            tally.iter_mut().for_each(|tally| tally.count(id, record.time, is_known));
            !is_known
        });
        let recognised = (before - identified.len()) as u64;
        Ok((identified, recognised))
    }

    /// Mapping a page takes a millisecond or so: other tasks get their turn in between. A thread of the blocking
    /// pool for each page would cost more, in memory that each of them keeps.
    async fn map(&self, fresh: Vec<(EventId, Record)>, collected: Timestamp) -> Vec<NewEvent> {
        let mut events = Vec::with_capacity(fresh.len());
        for (id, record) in fresh {
            let about = About { id, source: &self.options.name.source, account: self.account, collected };
            let event = self.provider.event(self.spec, &record, &about);
            self.options.unmapped.note(&event);
            events.push(NewEvent { id, time: record.time, core: event.to_core(), original: record.text });
            if events.len() % MAPPED_AT_ONCE == 0 {
                tokio::task::yield_now().await;
            }
        }
        events
    }
}
