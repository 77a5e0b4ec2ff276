//! Asking the sources and sinks of a configuration whether they would do their part, beside a running daemon or
//! without one. It changes nothing, and tries nothing twice.

mod sinks;
mod sources;

use std::time::Duration;

use futures_util::future::{join, join_all};
use jiff::SignedDuration;
use tokio::time::timeout;

use crate::config::Config;
use crate::event::Account;

/// Beyond the time-outs of the sources and sinks themselves.
const LONGEST_CHECK: Duration = Duration::from_secs(90);

/// What came of asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Finding {
    /// It does its part.
    Passed(String),
    /// It does not, why, and what to do.
    Failed(String),
    /// Not known: only an event would tell, or it could not be asked.
    Unproved(String),
}

/// What came of asking all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Findings {
    /// In the order of the configuration.
    pub(crate) sources: Vec<SourceFindings>,
    /// The same.
    pub(crate) sinks: Vec<Finding>,
}

/// What came of asking a source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SourceFindings {
    /// In the order in which they were found; after a failure that prevents them, the rest is not there.
    pub(crate) aspects: Vec<(Aspect, Finding)>,
    /// The account, as the provider names it.
    pub(crate) account: Option<Account>,
    /// The provider's clock minus ours.
    pub(crate) clock_offset: Option<SignedDuration>,
    /// Requests left in the provider's window.
    pub(crate) quota_left: Option<u64>,
    /// How far back the provider remembers each stream.
    pub(crate) horizons: Vec<(&'static str, Duration)>,
}

/// What is asked about a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aspect {
    /// Whether its host's name has an address.
    Name,
    /// Whether the host answers.
    Connection,
    /// Whether its certificate is trusted.
    Tls,
    /// Whether the provider takes the credential.
    Credential,
    /// Whose credential it is.
    Account,
    /// Whether this stream may be read: scope and plan.
    Stream(&'static str),
    /// How far the provider's clock and ours are apart.
    Clock,
    /// Requests left.
    Quota,
}

impl Aspect {
    /// In a word; of a stream its name.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Connection => "connection",
            Self::Tls => "tls",
            Self::Credential => "credential",
            Self::Account => "account",
            Self::Stream(name) => name,
            Self::Clock => "clock",
            Self::Quota => "quota",
        }
    }
}

impl Findings {
    /// Whether anything does not do its part.
    pub(crate) fn has_failed(&self) -> bool {
        let aspects = self.sources.iter().flat_map(|source| &source.aspects).map(|(_, finding)| finding);
        aspects.chain(&self.sinks).any(|finding| matches!(finding, Finding::Failed(_)))
    }
}

/// Asks every source and sink, all at the same time; with `send_test` each sink is given one event too.
pub(crate) async fn check(config: &Config, send_test: bool) -> Findings {
    let late = || Finding::Failed(format!("no answer within {} s", LONGEST_CHECK.as_secs()));
    let sources = config.sources.iter().map(|source| async move {
        let checked = timeout(LONGEST_CHECK, sources::check_source(config, source)).await;
        checked.unwrap_or_else(|_| SourceFindings {
            aspects: vec![(Aspect::Connection, late())],
            ..SourceFindings::default()
        })
    });
    let sinks = config.sinks.iter().map(|sink| async move {
        let checked = timeout(LONGEST_CHECK, sinks::check_sink(sink, send_test)).await;
        checked.unwrap_or_else(|_| late())
    });
    let (sources, sinks) = join(join_all(sources), join_all(sinks)).await;
    Findings { sources, sinks }
}
