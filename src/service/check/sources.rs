//! Asking a source: one request for the account and one page of one row for each stream, no more, since the
//! daemon lives on the same budget.

use std::time::Duration;

use jiff::SignedDuration;

use super::{Aspect, Finding, SourceFindings};
use crate::collect::caller::{NOTABLE_SKEW, another_account, unnamed_account};
use crate::collect::{Probe, ProbeError};
use crate::config::{Config, Source, show_duration};
use crate::event::Account;
use crate::http;
use crate::provider::StreamSpec;
use crate::service::account;
use crate::store::SourceSnapshot;

/// The smallest page.
const ONE_ROW: u32 = 1;

/// Asks a source.
pub(super) async fn check_source(config: &Config, source: &Source) -> SourceFindings {
    let mut findings = SourceFindings::default();
    let specs = account::specs(source);
    let horizon = |spec: &StreamSpec| spec.horizon.unwrap_or(source.polling.horizon);
    findings.horizons = specs.iter().map(|spec| (spec.name, horizon(spec))).collect();
    let (mut probe, known) = match account::probe(config, source).await {
        Ok(made) => made,
        Err(reason) => {
            findings.add(Aspect::Credential, Finding::Unproved(reason));
            return findings;
        }
    };
    let mut asked = Asked { account: probe.account().await, pages: Vec::new() };
    if !asked.account.as_ref().is_err_and(ProbeError::is_final) {
        asked.pages = read_pages(&mut probe, &specs).await;
    }
    asked.tell(source, &known, &probe, &mut findings);
    findings
}

async fn read_pages(probe: &mut Probe, specs: &[&'static StreamSpec]) -> Vec<(&'static str, PageOutcome)> {
    let mut pages = Vec::with_capacity(specs.len());
    // Events are counted, not shown: whose they are does not matter.
    let nobody = Account { id: String::new(), name: None };
    for spec in specs {
        let read = probe.page(spec, &nobody, ONE_ROW).await.map(|events| events.len());
        let is_final = read.as_ref().is_err_and(ProbeError::is_final);
        pages.push((spec.name, read));
        if is_final {
            break;
        }
    }
    pages
}

/// The rows on the page.
type PageOutcome = Result<usize, ProbeError>;

/// What the requests came to.
struct Asked {
    account: Result<Account, ProbeError>,
    pages: Vec<(&'static str, PageOutcome)>,
}

impl Asked {
    fn tell(&self, source: &Source, known: &SourceSnapshot, probe: &Probe, findings: &mut SourceFindings) {
        let seen = probe.seen();
        if !self.tell_line(source, seen.elapsed, findings) {
            return;
        }
        self.tell_credential(seen.accepted, findings);
        if !matches!(self.account, Err(ProbeError::Credential(_))) {
            findings.add(Aspect::Account, self.judge_account(source, known));
        }
        findings.account = self.account.as_ref().ok().cloned();
        for (stream, page) in &self.pages {
            let horizon =
                findings.horizons.iter().find(|(name, _)| name == stream).map(|(_, horizon)| *horizon);
            findings.add(Aspect::Stream(stream), judge_page(page, horizon.unwrap_or_default()));
        }
        findings.clock_offset = seen.clock_offset;
        findings.quota_left = seen.quota_left;
        if let Some(offset) = seen.clock_offset {
            findings.add(Aspect::Clock, judge_clock(offset));
        }
        if let Some(left) = seen.quota_left {
            findings.add(Aspect::Quota, judge_quota(left));
        }
    }

    fn failures(&self) -> impl Iterator<Item = &ProbeError> {
        self.account
            .as_ref()
            .err()
            .into_iter()
            .chain(self.pages.iter().filter_map(|(_, page)| page.as_ref().err()))
    }

    /// Name, connection and TLS; false when nothing more is known.
    fn tell_line(&self, source: &Source, elapsed: Option<Duration>, findings: &mut SourceFindings) -> bool {
        let unreached = self.failures().find_map(|failure| match failure {
            ProbeError::Unreached(failure) => Some(failure),
            _ => None,
        });
        let host = source.base_url.host_str().unwrap_or_default();
        let step =
            |failure: &http::Error| Finding::Failed(format!("{failure}; {}", next_step(failure, host)));
        if let Some(failure @ http::Error::Resolve { .. }) = unreached {
            findings.add(Aspect::Name, step(failure));
            return false;
        }
        findings.add(Aspect::Name, Finding::Passed(host.to_owned()));
        match unreached {
            Some(failure @ http::Error::Tls { .. }) => {
                findings.add(Aspect::Connection, Finding::Passed("the host answers".to_owned()));
                findings.add(Aspect::Tls, step(failure));
                return false;
            }
            Some(failure) => findings.add(Aspect::Connection, step(failure)),
            None => {
                let after =
                    elapsed.map_or_else(String::new, |after| format!(" after {} ms", after.as_millis()));
                findings.add(Aspect::Connection, Finding::Passed(format!("the host answers{after}")));
            }
        }
        // Where a later request broke, an earlier one may have told more.
        let answered = elapsed.is_some();
        if answered && source.base_url.scheme() == "https" {
            findings.add(Aspect::Tls, Finding::Passed("the certificate is trusted".to_owned()));
        }
        answered || unreached.is_none()
    }

    fn tell_credential(&self, accepted: bool, findings: &mut SourceFindings) {
        let refused = self.failures().find_map(|failure| match failure {
            ProbeError::Credential(reason) => Some(reason.clone()),
            _ => None,
        });
        findings.add(
            Aspect::Credential,
            match refused {
                Some(reason) => Finding::Failed(reason),
                None if accepted => Finding::Passed("the provider takes it".to_owned()),
                None => Finding::Unproved("nothing was answered with success: see below".to_owned()),
            },
        );
    }

    /// As the daemon judges it, and whether the provider agrees with the configuration.
    fn judge_account(&self, source: &Source, known: &SourceSnapshot) -> Finding {
        let name = &source.name;
        let used = match (&source.account_id, &self.account, &known.account) {
            (Some(id), Ok(theirs), _) if *id != theirs.id => {
                return Finding::Failed(format!(
                    "the credential belongs to account {}, but sources.{name}.account_id is {id}: put in a \
                     credential of that account, or correct account_id",
                    theirs.id
                ));
            }
            (Some(id), Err(_), _) => (id, format!("{id}, by the configuration")),
            (_, Ok(theirs), _) => (&theirs.id, show_account(theirs)),
            // What the daemon does when it has known it before.
            (None, Err(_), Some(bound)) => {
                (&bound.id, format!("{}, as collected so far", show_account(bound)))
            }
            (None, Err(failure), None) if self.pages.iter().any(|(_, page)| page.is_ok()) => {
                return Finding::Failed(unnamed_account(name, &failure.to_string()));
            }
            (None, Err(failure), None) => return Finding::Failed(told(failure)),
        };
        match &known.account {
            Some(bound) if bound.id != *used.0 => Finding::Failed(another_account(name, used.0, &bound.id)),
            _ => Finding::Passed(used.1),
        }
    }
}

impl SourceFindings {
    fn add(&mut self, aspect: Aspect, finding: Finding) {
        self.aspects.push((aspect, finding));
    }
}

fn show_account(account: &Account) -> String {
    match &account.name {
        Some(name) => format!("{} ({name})", account.id),
        None => account.id.clone(),
    }
}

fn judge_page(page: &PageOutcome, horizon: Duration) -> Finding {
    let horizon = show_duration(horizon);
    match page {
        Ok(0) => Finding::Passed(format!("may be read, and is empty; the provider remembers {horizon}")),
        Ok(_) => Finding::Passed(format!("may be read; the provider remembers {horizon}")),
        Err(failure) => Finding::Failed(told(failure)),
    }
}

/// A failure with the next step, where the provider's words have none.
fn told(failure: &ProbeError) -> String {
    match failure {
        ProbeError::RateLimited(_) => {
            format!("{failure}; wait, and see who else uses the account's limit up")
        }
        ProbeError::Failed(_) => {
            format!("{failure}; check base_url, and try again: if it lasts, tell the provider")
        }
        ProbeError::Unreached(_) | ProbeError::Credential(_) | ProbeError::Forbidden(_) => {
            failure.to_string()
        }
    }
}

fn judge_clock(offset: SignedDuration) -> Finding {
    let seconds = offset.as_secs();
    let apart = match seconds {
        -1..=1 => "agrees with the provider's".to_owned(),
        2.. => format!("is {seconds} s behind the provider's"),
        _ => format!("is {} s ahead of the provider's", seconds.unsigned_abs()),
    };
    if offset.abs() > NOTABLE_SKEW {
        return Finding::Failed(format!(
            "this machine's clock {apart}: check its time synchronisation (`timedatectl`, `chronyc tracking`)"
        ));
    }
    Finding::Passed(format!("this machine's clock {apart}"))
}

fn judge_quota(left: u64) -> Finding {
    match left {
        0 => Finding::Failed(
            "no request is left in the provider's window: another client uses the account's limit up; lower \
             requests_per_10s or requests_per_hour, or find the other"
                .to_owned(),
        ),
        left => Finding::Passed(format!("{left} requests left in the provider's window")),
    }
}

/// What the runbook says of a stream that fails for this reason.
fn next_step(failure: &http::Error, host: &str) -> String {
    match failure {
        http::Error::Resolve { .. } => format!(
            "check the host in base_url, and this machine's DNS (`getent hosts {host}`); in Kubernetes, the \
             NetworkPolicy's rule for DNS"
        ),
        http::Error::Connect { .. } | http::Error::Timeout { .. } => format!(
            "check base_url, and that a firewall or NetworkPolicy lets this machine reach {host}; only through a \
             proxy, set HTTPS_PROXY for the service"
        ),
        http::Error::Tls { .. } => {
            "a proxy that opens TLS needs its authority installed on this machine, or has to let this host pass"
                .to_owned()
        }
        http::Error::Broken { .. } | http::Error::TooLarge { .. } => {
            format!("check base_url, and what stands between this machine and {host}")
        }
        http::Error::Invalid(_) | http::Error::Setup(_) => {
            "check that the credential is complete and the certificates of this machine are readable".to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has_failed(finding: &Finding) -> bool {
        matches!(finding, Finding::Failed(_))
    }

    #[test]
    fn a_clock_is_wrong_beyond_a_minute_and_it_is_said_in_which_direction() {
        let judged = |seconds| judge_clock(SignedDuration::from_secs(seconds));
        for well in [0, 1, -1, 60, -60] {
            assert!(!has_failed(&judged(well)), "{well} s");
        }
        let said = |seconds| format!("{:?}", judged(seconds));
        assert!(has_failed(&judged(61)) && said(61).contains("is 61 s behind"), "{}", said(61));
        assert!(has_failed(&judged(-3600)) && said(-3600).contains("is 3600 s ahead"), "{}", said(-3600));
    }

    #[test]
    fn an_account_whose_budget_is_used_up_has_failed() {
        assert!(has_failed(&judge_quota(0)) && !has_failed(&judge_quota(1)));
    }

    #[test]
    fn every_way_not_to_be_answered_has_a_next_step() {
        let (host, reason) = ("api.example".to_owned(), "reason".to_owned());
        for failure in [
            http::Error::Resolve { host: host.clone(), reason: reason.clone() },
            http::Error::Connect { host: host.clone(), reason: reason.clone() },
            http::Error::Timeout { host: host.clone(), after: Duration::from_secs(30) },
            http::Error::Broken { host: host.clone(), reason: reason.clone() },
        ] {
            assert!(next_step(&failure, &host).contains("api.example"), "{failure}");
        }
    }
}
