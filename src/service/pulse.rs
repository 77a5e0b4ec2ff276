//! The pulse: asks the store again and again whether it answers.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::observe::Pulse;
use crate::store::Store;

/// Between two questions: many within the minute after which the process counts as dead.
const REST: Duration = Duration::from_secs(5);
/// A store that has not answered after this long is asked anew.
const DEADLINE: Duration = Duration::from_secs(10);

/// Keeps `pulse` true, for ever.
pub(super) async fn keep(store: Store, pulse: watch::Sender<Pulse>) {
    let mut is_silent = false;
    loop {
        let fault = match timeout(DEADLINE, store.pulse()).await {
            Ok(Ok(())) => None,
            Ok(Err(failure)) => Some(failure.to_string()),
            Err(_) => Some(format!("no answer within {} s", DEADLINE.as_secs())),
        };
        match fault {
            None => {
                is_silent = false;
                pulse.send_replace(Pulse::beat());
            }
            Some(fault) => {
                if !std::mem::replace(&mut is_silent, true) {
                    tracing::warn!(code = "store-silent", error = fault, "the store does not answer");
                }
                pulse.send_modify(|pulse| pulse.miss(fault));
            }
        }
        sleep(REST).await;
    }
}
