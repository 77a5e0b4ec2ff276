//! Refresh tokens that a provider hands out while a command asks it, beside the daemon or without one.
//!
//! An OAuth grant may be good for one exchange only: the provider then hands out its successor, and whoever
//! loses that has lost the account. So a command exchanges a grant only where the successor can be kept: it
//! reads which one is in use, and gives a new one to the daemon, or keeps it in the state directory itself
//! when none runs.

use std::path::{self, Path};
use std::sync::Mutex;

use futures_util::future::BoxFuture;
use tokio::sync::mpsc;

use super::ServiceError;
use super::command::{self, Answer, Request, credential};
use crate::collect::Grants;
use crate::config::{Config, HubSpotCredential, Source, SourceKind};
use crate::store::{RotatedCredential, SourceSnapshot, Store};

/// The grant of one source, while a command asks its provider.
pub(super) struct KeptGrant {
    config: Config,
    /// Kept once read, and what has taken its place since.
    rotated: Mutex<Option<RotatedCredential>>,
}

impl KeptGrant {
    /// `known` is what the state directory says of the source.
    pub(super) fn new(config: &Config, known: &SourceSnapshot) -> Self {
        Self { config: config.clone(), rotated: Mutex::new(known.rotated.clone()) }
    }

    async fn give(&self, source: &str, kept: RotatedCredential) -> Result<(), String> {
        // Nothing was collected with this configuration yet: the directory is made, as the daemon would.
        if !Store::is_in(&self.config.state_dir) {
            let store =
                super::open(&self.config, Store::open).await.map_err(|failure| failure.to_string())?;
            store.keep_credential(source, kept).await.map_err(|failure| failure.to_string())?;
            return store.close().await.map_err(|failure| failure.to_string());
        }
        let (answers, mut incoming) = mpsc::channel(1);
        let request = Request::KeepCredential(credential::Request::new(source, &kept));
        let given = command::give(&self.config, request, answers);
        let (given, answer) = tokio::join!(given, incoming.recv());
        given.map_err(|failure: ServiceError| failure.to_string())?;
        match answer {
            Some(Answer::Error(reason)) => Err(reason),
            Some(_) => Ok(()),
            None => Err("the daemon has not answered".to_owned()),
        }
    }
}

impl Grants for KeptGrant {
    fn rotated<'a>(&'a self, _source: &'a str) -> BoxFuture<'a, Option<RotatedCredential>> {
        let rotated = self.rotated.lock().ok().and_then(|rotated| rotated.clone());
        Box::pin(async { rotated })
    }

    fn keep<'a>(
        &'a self,
        source: &'a str,
        credential: RotatedCredential,
    ) -> BoxFuture<'a, Result<(), String>> {
        if let Ok(mut rotated) = self.rotated.lock() {
            *rotated = Some(credential.clone());
        }
        Box::pin(self.give(source, credential))
    }
}

/// Whether a new refresh token of this source could be kept; why not, where there is one to lose.
pub(super) fn can_be_kept(source: &Source, state_dir: &Path) -> Result<(), String> {
    if !matches!(&source.kind, SourceKind::HubSpot { credential: HubSpotCredential::OAuth { .. }, .. }) {
        return Ok(());
    }
    let place = path::absolute(state_dir).unwrap_or_else(|_| state_dir.to_owned());
    let existing = place.ancestors().find(|path| path.is_dir()).unwrap_or(&place);
    // A file without a name: nothing of it is left.
    tempfile::tempfile_in(existing).map(drop).map_err(|error| {
        format!(
            "not asked: a new refresh token could not be kept in {} ({error}); give the command as the daemon's \
             user, or with sudo",
            state_dir.display()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(credential: &str) -> Source {
        let text = format!("[sources.crm]\ntype = 'hubspot'\n{credential}\n[sinks.out]\ntype = 'stdout'\n");
        Config::from_text(&text, "test").unwrap().sources.remove(0)
    }

    #[test]
    fn a_grant_is_exchanged_only_where_its_successor_can_be_kept() {
        let oauth = source("oauth = { client_id = 'a', client_secret = 'b', refresh_token = 'c' }");
        let place = tempfile::tempdir().unwrap();
        let state_dir = place.path().join("not").join("made");
        assert_eq!(can_be_kept(&oauth, &state_dir), Ok(()));
        assert_eq!(place.path().read_dir().unwrap().count(), 0, "to look leaves nothing behind");
        // Not even root may write there.
        let nowhere = Path::new("/proc/auditferry");
        let reason = can_be_kept(&oauth, nowhere).unwrap_err();
        assert!(reason.contains("/proc/auditferry") && reason.contains("sudo"), "{reason}");
        assert_eq!(can_be_kept(&source("token = 'a'"), nowhere), Ok(()), "a token has no successor");
    }
}
