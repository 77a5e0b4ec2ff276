//! The one thing a walk needs of the world, an answer to a request, and the line to the provider that it comes over.

use std::future::Future;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::exchange::{Reply, Request};
use crate::http::{self, Client};
use crate::meter::AccountMeter;
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

/// The line to one account: whatever goes over it is counted.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) client: &'a Client,
    pub(super) meter: &'a AccountMeter,
}

impl Line<'_> {
    /// The answer to a request for this stream, or for none; whatever its status.
    pub(super) async fn send(self, stream: Option<&str>, request: Request) -> Result<Reply, http::Error> {
        let answer = self.client.send(request).await;
        match &answer {
            Ok(reply) => self.meter.answered(stream, reply.status, reply.elapsed),
            Err(_) => self.meter.unanswered(stream),
        }
        answer
    }
}
