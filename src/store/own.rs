//! The daemon's own events go the way of all others.

use jiff::Timestamp;

use super::{Store, StoreError};
use crate::event::OwnEvent;

impl Store {
    /// Commits one of the daemon's own events; on disk when this returns.
    ///
    /// # Errors
    /// When it is not.
    pub async fn record(&self, event: &OwnEvent, now: Timestamp) -> Result<(), StoreError> {
        let stream = self.stream(&OwnEvent::stream()).await?;
        self.commit_page(stream.id, vec![event.to_event(now)]).await?.done().await.map(drop)
    }
}
