//! The one thing a walk needs of the world: an answer to a request.

use std::future::Future;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::exchange::{Reply, Request};
use crate::provider::StreamSpec;

/// Gets the answer to one request, whatever it takes: budget, retries, credential.
pub trait Fetch: Send + Sync {
    /// The reply, with status 200.
    ///
    /// # Errors
    /// See [`FetchError`].
    fn fetch(
        &self,
        stream: &'static StreamSpec,
        request: Request,
    ) -> impl Future<Output = Result<Reply, FetchError>> + Send;

    /// The time by the provider's clock, when ours says `now`.
    fn provider_time(&self, now: Timestamp) -> Timestamp;
}

/// Why there is no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum FetchError {
    /// The provider is not reachable or does not work; it was tried several times.
    #[error("{reason}")]
    Unavailable {
        /// The last failure.
        reason: String,
    },
    /// The provider refuses; nothing is sent before `retry_at`, unless the credential changes.
    #[error("{reason}")]
    Held {
        /// What to do.
        reason: String,
        /// When it is tried again.
        retry_at: Instant,
    },
    /// The provider refuses this stream alone.
    #[error("{reason}")]
    StreamRefused {
        /// What to do.
        reason: String,
    },
    /// The provider takes the request for wrong.
    #[error("{reason}")]
    BadRequest {
        /// In the provider's words.
        reason: String,
    },
}
