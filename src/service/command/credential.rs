//! A refresh token that the provider has handed out to a command, to be kept by who holds the state directory.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Done;
use crate::service::ServiceError;
use crate::store::{RotatedCredential, Store};

/// What is to be kept.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Request {
    source: String,
    replaces: [u8; 32],
    secret: String,
}

impl Request {
    pub(crate) fn new(source: &str, kept: &RotatedCredential) -> Self {
        Self { source: source.to_owned(), replaces: kept.replaces, secret: kept.secret.clone() }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("source", &self.source).finish_non_exhaustive()
    }
}

pub(super) async fn execute(store: &Store, request: Request) -> Result<Done, ServiceError> {
    let Request { source, replaces, secret } = request;
    store.keep_credential(&source, RotatedCredential { replaces, secret }).await?;
    Ok(Done::Shown)
}

#[cfg(test)]
mod tests {
    use super::super::tests::refused;
    use super::*;

    #[tokio::test]
    async fn what_is_handed_over_is_what_the_daemon_reads_at_its_next_renewal() {
        let directory = tempfile::tempdir().unwrap();
        let store = refused(directory.path(), 1).await;
        let kept = RotatedCredential { replaces: [7; 32], secret: "the-next-one".to_owned() };
        let request = Request::new("hub", &kept);
        assert!(!format!("{request:?}").contains("the-next-one"), "requests are logged");
        let line = serde_json::to_string(&request).unwrap();
        execute(&store, serde_json::from_str(&line).unwrap()).await.unwrap();
        assert_eq!(store.rotated_credential("hub").await.unwrap(), Some(kept.clone()));
        let read = Store::read_source(directory.path(), "hub").unwrap();
        assert_eq!((read.rotated, read.account), (Some(kept), None), "and whoever looks from outside");
        store.close().await.unwrap();
    }
}
