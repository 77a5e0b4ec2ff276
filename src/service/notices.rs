//! What happens inside becomes events of the daemon's own, so that the SIEM sees it too.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::roster::Roll;
use crate::clock::Clock;
use crate::collect::caller::Hold;
use crate::collect::schedule::StreamStatus;
use crate::deliver::Notice;
use crate::event::{OwnEvent, StreamName};
use crate::store::{Cursor, SpoolLevel, Store, StreamState};

/// Between two heartbeats of a stream (contract).
const HEARTBEAT: Duration = Duration::from_secs(15 * 60);

/// Turns notices of the sinks and the level of the spool into events.
pub(super) struct Notices {
    pub(super) store: Store,
    pub(super) clock: Clock,
    pub(super) incoming: mpsc::Receiver<Notice>,
    pub(super) level: watch::Receiver<SpoolLevel>,
}

impl Notices {
    /// Until `stop`; what waits then is still recorded.
    pub(super) async fn keep(mut self, stop: CancellationToken) {
        let mut was_full = self.level.borrow_and_update().full;
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                notice = self.incoming.recv() => match notice {
                    Some(notice) => record(&self.store, &self.clock, &event_of(notice)).await,
                    // All sinks have ended: only the level is left to watch.
                    None => stop.cancelled().await,
                },
                changed = self.level.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    let full = self.level.borrow_and_update().full;
                    if full != was_full {
                        was_full = full;
                        self.level_changed(full).await;
                    }
                }
            }
        }
        while let Ok(notice) = self.incoming.try_recv() {
            record(&self.store, &self.clock, &event_of(notice)).await;
        }
    }

    async fn level_changed(&self, full: bool) {
        let event = if full {
            tracing::error!(
                code = "spool-full",
                "polling pauses: the spool is full; see which sink does not take its events"
            );
            OwnEvent::PollingPaused
        } else {
            tracing::info!(code = "spool-recovered", "polling resumes: the spool has room again");
            OwnEvent::PollingResumed
        };
        record(&self.store, &self.clock, &event).await;
    }
}

fn event_of(notice: Notice) -> OwnEvent {
    match notice {
        Notice::Held { sink, reason } => OwnEvent::SinkHeld { sink, reason },
        Notice::Recovered { sink } => OwnEvent::SinkRecovered { sink },
        Notice::DeadLettered { sink, event, reason } => {
            OwnEvent::EventDeadLettered { sink, event_id: event.to_string(), reason }
        }
    }
}

/// Watches the credential of one source.
pub(super) async fn credentials(
    store: Store,
    clock: Clock,
    source: String,
    mut hold: watch::Receiver<Option<Hold>>,
) {
    let mut held = false;
    // Ends only with the caller, which outlives this task.
    while hold.changed().await.is_ok() {
        let reason = hold.borrow_and_update().as_ref().map(|hold| hold.reason.clone());
        if reason.is_some() == held {
            continue;
        }
        held = reason.is_some();
        let source = source.clone();
        let event = match reason {
            Some(reason) => OwnEvent::CredentialRefused { source, reason },
            None => OwnEvent::CredentialAccepted { source },
        };
        record(&store, &clock, &event).await;
    }
}

/// Tells of every stream, again and again, that it is still there.
pub(super) async fn heartbeats(store: Store, roll: Roll, clock: Clock) {
    let mut beat = tokio::time::interval(HEARTBEAT);
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    // The first tick is at once, before the first poll: it would have nothing to tell.
    beat.tick().await;
    loop {
        beat.tick().await;
        let roster = Arc::clone(&roll.borrow());
        for StreamStatus { name: stream, last_success, .. } in roster.streams() {
            let StreamState { cursor, sequence: last_sequence, .. } = match store.stream(&stream).await {
                Ok(state) => state,
                Err(error) => {
                    let StreamName { source, stream } = &stream;
                    tracing::warn!(code = "heartbeat-failed", source, stream, %error, "no heartbeat: the store can't say how far this stream is");
                    continue;
                }
            };
            let Cursor { high_water: newest, complete_to, .. } = cursor;
            let beat = OwnEvent::Heartbeat { stream, newest, last_success, complete_to, last_sequence };
            record(&store, &clock, &beat).await;
        }
    }
}

/// Commits one of the daemon's own events. One that can't be kept is in the log at least.
pub(super) async fn record(store: &Store, clock: &Clock, event: &OwnEvent) {
    let now: Timestamp = clock.now();
    if let Err(error) = store.record(event, now).await {
        tracing::warn!(code = "record-failed", action = event.action(), %error, "could not record an event of our own");
    }
}
