//! What refusals of all providers have in common: the text for the operator's log, and the answers that mean
//! the same everywhere.

use std::time::Duration;

use jiff::Timestamp;

use super::Refusal;
use crate::exchange::Reply;

/// Longer words of a provider tell nobody more.
const LONGEST_MESSAGE: usize = 300;

/// The longest wait that is believed: HubSpot's 477 may ask for a day.
const LONGEST_WAIT: Duration = Duration::from_secs(86_400);

/// A peer's refusal in words.
#[derive(Debug)]
pub(super) struct Words {
    /// `HubSpot`, `Brevo`.
    pub(super) peer: &'static str,
    /// What it says, if it speaks JSON.
    pub(super) message: Option<String>,
    /// What its support asks for, such as `correlation id 019c…`.
    pub(super) reference: Option<String>,
}

impl Words {
    /// `HubSpot answered 403: … (correlation id …): what to do`.
    pub(super) fn reason(&self, reply: &Reply, advice: &str) -> String {
        let mut reason = format!("{} answered {}", self.peer, reply.status);
        if let Some(message) = &self.message {
            reason.push_str(": ");
            reason.push_str(&quotable(message));
        }
        if let Some(reference) = &self.reference {
            reason.push_str(&format!(" ({})", bounded(reference)));
        }
        if !advice.is_empty() {
            reason.push_str(": ");
            reason.push_str(advice);
        }
        reason
    }

    /// The answers that mean the same at every provider; `None` for those that do not.
    pub(super) fn common(&self, reply: &Reply, now: Timestamp) -> Option<Refusal> {
        let after = wait(reply, now);
        let refusal = match reply.status {
            300..400 => Refusal::BadRequest {
                reason: self.reason(reply, "redirects are not followed; check base_url"),
            },
            403 if self.message.is_none() => Refusal::Forbidden {
                stream_only: false,
                reason: self.reason(
                    reply,
                    "the answer is not the API's own but of something before it (edge, proxy, firewall); \
                     check that nothing on the way strips the User-Agent or blocks this address",
                ),
            },
            407 => Refusal::Forbidden {
                stream_only: false,
                reason: self.reason(reply, "the proxy wants a credential; check the proxy settings"),
            },
            // Anything below 300 but 200 has no page in it, and is nothing that either provider documents.
            ..300 | 408 | 425 | 500.. => Refusal::Retry { after, reason: self.reason(reply, "") },
            _ => return None,
        };
        Some(refusal)
    }
}

/// `Retry-After`, within a day.
pub(super) fn wait(reply: &Reply, now: Timestamp) -> Option<Duration> {
    reply.headers.retry_after(now).map(|wait| wait.min(LONGEST_WAIT))
}

/// A provider's words, fit for one line of a log: bounded, and without what could be a credential, should it
/// ever repeat one.
fn quotable(message: &str) -> String {
    let belongs_to_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '=' | '+');
    let mut quotable = String::new();
    for piece in message.split_inclusive(|c| !belongs_to_word(c)) {
        let word = piece.trim_end_matches(|c| !belongs_to_word(c));
        quotable.push_str(if is_secret(word) { "[hidden]" } else { word });
        quotable.push_str(&piece[word.len()..]);
    }
    // Cut last: half a credential would not be seen for one.
    bounded(&quotable)
}

fn is_secret(word: &str) -> bool {
    // HubSpot's private apps; Brevo's API and SMTP keys.
    const PREFIXES: [&str; 4] = ["pat-na", "pat-eu", "xkeysib-", "xsmtpsib-"];
    // Shorter than any token, longer than any word.
    const TOKEN: usize = 32;
    let prefixed = PREFIXES.iter().any(|prefix| word.len() > prefix.len() && word.starts_with(prefix));
    prefixed || word.len() >= TOKEN && word.bytes().any(|byte| byte.is_ascii_digit())
}

fn bounded(text: &str) -> String {
    let mut bounded: String =
        text.chars().take(LONGEST_MESSAGE).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(LONGEST_MESSAGE).is_some() {
        bounded.push('…');
    }
    bounded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_bounded_line_without_credentials() {
        let secret = "0123456789abcdef0123456789abcdef";
        let message =
            format!("bad key xkeysib-21881a or {secret},\nsee https://app.brevo.com/security/authorised_ips");
        assert_eq!(
            quotable(&message),
            "bad key [hidden] or [hidden], see https://app.brevo.com/security/authorised_ips"
        );
        assert_eq!(quotable(&"é ".repeat(1000)).chars().count(), LONGEST_MESSAGE + 1);
    }

    #[test]
    fn a_credential_cut_in_two_by_the_bound_is_hidden_still() {
        for at in 0..40 {
            let message = format!("{}{}", "x ".repeat(150 - at), "7".repeat(40));
            assert!(!quotable(&message).contains('7'), "{}", quotable(&message));
        }
    }
}
