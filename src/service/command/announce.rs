//! Whoever changes the state is told of, before it is changed.

use jiff::Timestamp;

use crate::event::OwnEvent;
use crate::service::ServiceError;
use crate::store::Store;

/// Tells the log and the SIEM what `command` is about to change, and by whom. Before it is changed: a change that
/// nobody hears of would be the worse mistake.
pub(super) async fn announce(
    store: &Store,
    command: &str,
    change: String,
    uid: u32,
) -> Result<(), ServiceError> {
    tracing::info!(code = "state-changed", command, uid, "{change}");
    let event = OwnEvent::StateChanged { command: command.to_owned(), change, uid };
    Ok(store.record(&event, Timestamp::now()).await?)
}
