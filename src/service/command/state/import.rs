//! Another state takes the place of the one in the state directory; no daemon runs meanwhile.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::config::Config;
use crate::service::command::announce::announce;
use crate::service::{ServiceError, control, open_in};
use crate::store::{Import, Store, StoreError};

/// Puts an exported state in the place of the configuration's. The one that was there is set aside under another name,
/// which is given back.
///
/// # Errors
/// When another process has the directory, or the file is not a state that can be used; nothing is changed then.
pub(crate) async fn import(config: &Config, file: &Path) -> Result<Option<PathBuf>, ServiceError> {
    let (directory, from) = (config.state_dir.clone(), file.to_owned());
    let import = blocking(move || Import::begin(&directory, &from)).await?;
    // The event is a part of what is put in place: nothing is changed that nobody hears of.
    tell(config, &import, file).await?;
    blocking(move || import.put_in_place(Timestamp::now())).await
}

async fn tell(config: &Config, import: &Import, file: &Path) -> Result<(), ServiceError> {
    let uid = control::own_uid().map_err(|error| ServiceError::Command(error.to_string()))?;
    let store = open_in(import.stage(), config, Store::open).await?;
    let change = format!("State to be replaced by the one that was exported to {}", file.display());
    let told = announce(&store, "state import", change, uid).await;
    let closed = store.close().await;
    told?;
    Ok(closed?)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, ServiceError> {
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.map_err(|failure| StoreError::Failed(failure.to_string()))??)
}
