//! What a source holds, as its events would look: one page of each stream, and nothing is kept.

use super::{account, observer};
use crate::collect::{Probe, ProbeError};
use crate::config::{Config, Format, Source};
use crate::encode::{Encoder, Envelope};
use crate::event::Account;
use crate::sink;

/// In place of an account that nobody names.
const UNKNOWN: &str = "unknown";

/// What was fetched of a source.
#[derive(Debug, Clone)]
pub(crate) struct Preview {
    /// Whose events they are; why that is not known.
    pub(crate) account: Result<(), String>,
    /// Each stream with its events, or why there are none.
    pub(crate) streams: Vec<(&'static str, Result<Vec<String>, String>)>,
}

/// Fetches one page of each of these streams of a source, at most `limit` events of each, and writes them in this
/// format.
///
/// # Errors
/// When the source can't be asked at all.
pub(crate) async fn preview(
    config: &Config,
    (source, streams): (&Source, &[String]),
    limit: u32,
    format: Format,
) -> Result<Preview, String> {
    let (mut probe, known) = account::probe(config, source).await?;
    let (account, named) = match find_account(&mut probe, source, known.account).await {
        Ok(account) => (account, Ok(())),
        Err(failure) if failure.is_final() => return Err(failure.to_string()),
        Err(failure) => {
            let account = Account { id: UNKNOWN.to_owned(), name: None };
            (account, Err(failure.to_string()))
        }
    };
    let mut preview = Preview { account: named, streams: Vec::with_capacity(streams.len()) };
    let mut encoder =
        Encoder::new(sink::format(format, (true, sink::NAMESPACE), &observer()), Envelope::Line);
    for spec in account::specs(source).into_iter().filter(|spec| streams.iter().any(|name| name == spec.name))
    {
        let page = probe.page(spec, &account, limit).await;
        let is_final = page.as_ref().is_err_and(ProbeError::is_final);
        let lines = page.map_err(|failure| failure.to_string()).map(|events| {
            let write = |event| {
                let mut line = Vec::new();
                encoder.encode(event, &mut line);
                String::from_utf8_lossy(&line).into_owned()
            };
            events.iter().map(write).collect()
        });
        preview.streams.push((spec.name, lines));
        if is_final {
            break;
        }
    }
    Ok(preview)
}

/// As the daemon would know it: by the configuration, by the provider, by what it has collected.
async fn find_account(
    probe: &mut Probe,
    source: &Source,
    bound: Option<Account>,
) -> Result<Account, ProbeError> {
    match &source.account_id {
        Some(id) => Ok(Account { id: id.clone(), name: None }),
        None => match (probe.account().await, bound) {
            (Err(failure), Some(bound)) if !failure.is_final() => Ok(bound),
            (answer, _) => answer,
        },
    }
}
