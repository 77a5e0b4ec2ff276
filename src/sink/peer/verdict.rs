//! What a receiver's answer means.

use jiff::Timestamp;

use crate::exchange::Reply;
use crate::http::Error;
use crate::sink::Outcome;

/// Characters of a receiver's message that go into logs and dead letters.
const LONGEST_MESSAGE: usize = 300;

/// By status alone (RFC 9110 section 15): the bodies of receivers have nothing in common.
///
/// Only what can be an event's fault is refused: 400, 413, 422. Whatever else the receiver does not like is
/// held until somebody mends it, because no event may go for a fault of the sender.
pub(in crate::sink) fn of_reply(reply: &Reply, now: Timestamp) -> Outcome {
    let remedy = match reply.status {
        200..=299 => return Outcome::Accepted,
        400 | 413 | 422 => return Outcome::Refused { reason: described(reply), suspects: None },
        408 | 425 | 429 | 500..=599 => {
            return Outcome::Retry { after: reply.headers.retry_after(now), reason: described(reply) };
        }
        300..=399 => "redirects are not followed: set endpoint to the final address",
        401 | 403 => "the receiver refuses the credential: check token and headers",
        404 | 410 => "there is no receiver at this address: check endpoint",
        405 => "this address takes no POST: check endpoint",
        407 => "the proxy wants a credential: put it into the proxy's address",
        415 => "the receiver does not take this form: check encoding and compression",
        _ => "the receiver refuses the request: check endpoint, headers and encoding",
    };
    Outcome::Held { reason: format!("{}; {remedy}", described(reply)) }
}

/// No answer: what passes by itself is tried again, what somebody has to mend is held.
pub(in crate::sink) fn of_error(error: &Error) -> Outcome {
    match error {
        Error::Resolve { .. } | Error::Connect { .. } | Error::Timeout { .. } | Error::Broken { .. } => {
            Outcome::Retry { after: None, reason: error.to_string() }
        }
        Error::Tls { .. } | Error::Invalid(_) | Error::Setup(_) => {
            Outcome::Held { reason: error.to_string() }
        }
        Error::TooLarge { .. } => Outcome::Held { reason: format!("{error}; check endpoint") },
    }
}

/// Status and message, for the log.
pub(in crate::sink) fn described(reply: &Reply) -> String {
    let message = message(&reply.body);
    if message.is_empty() {
        format!("HTTP {}", reply.status)
    } else {
        format!("HTTP {}: {message}", reply.status)
    }
}

/// The beginning of a body, on one line and without anything that a terminal would obey.
pub(in crate::sink) fn message(body: &[u8]) -> String {
    // Four bytes a character at most; a character cut in two becomes a mark that is cut off below.
    let start = &body[..body.len().min(4 * (LONGEST_MESSAGE + 1))];
    let text = String::from_utf8_lossy(start);
    let words: String = text.chars().map(|char| if is_obeyed(char) { ' ' } else { char }).collect();
    let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST_MESSAGE) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// Control characters, and those that turn the direction of writing.
fn is_obeyed(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::exchange::Headers;
    use crate::tls::Fault;

    fn reply(status: u16, body: &[u8]) -> Reply {
        let headers = Headers::new(vec![("retry-after".to_owned(), "7".to_owned())]);
        Reply { status, headers, body: bytes::Bytes::copy_from_slice(body), elapsed: Duration::ZERO }
    }

    fn kind(outcome: &Outcome) -> &'static str {
        match outcome {
            Outcome::Accepted => "accepted",
            Outcome::Retry { .. } => "retry",
            Outcome::Held { .. } => "held",
            Outcome::Refused { .. } => "refused",
            Outcome::Each(_) => "each",
        }
    }

    #[test]
    fn every_status_has_its_verdict() {
        for (verdict, statuses) in [
            ("accepted", &[200, 201, 202, 204, 299][..]),
            ("retry", &[408, 425, 429, 500, 501, 502, 503, 504, 521, 599]),
            ("refused", &[400, 413, 422]),
            (
                "held",
                &[301, 302, 307, 308, 304, 401, 402, 403, 404, 405, 407, 409, 410, 411, 415, 418, 431, 451],
            ),
        ] {
            for status in statuses {
                let outcome = of_reply(&reply(*status, b""), Timestamp::UNIX_EPOCH);
                assert_eq!(kind(&outcome), verdict, "{status}");
            }
        }
    }

    #[test]
    fn a_receiver_that_asks_for_time_gets_it() {
        let outcome = of_reply(&reply(429, b"slow down"), Timestamp::UNIX_EPOCH);
        let reason = "HTTP 429: slow down".to_owned();
        assert_eq!(outcome, Outcome::Retry { after: Some(Duration::from_secs(7)), reason });
    }

    #[test]
    fn no_answer_is_waited_for_and_no_trust_is_held() {
        let host = || "h".to_owned();
        let after = Duration::from_secs(1);
        for (verdict, error) in [
            ("retry", Error::Resolve { host: host(), reason: host() }),
            ("retry", Error::Connect { host: host(), reason: host() }),
            ("retry", Error::Timeout { host: host(), after }),
            ("retry", Error::Broken { host: host(), reason: host() }),
            ("held", Error::Tls { host: host(), fault: Fault::Expired(None) }),
            ("held", Error::TooLarge { host: host(), limit: 1 }),
            ("held", Error::Invalid(host())),
            ("held", Error::Setup(host())),
        ] {
            assert_eq!(kind(&of_error(&error)), verdict, "{error}");
        }
    }

    #[test]
    fn a_receivers_message_is_short_and_harmless() {
        assert_eq!(message(b"  two\r\n\x1b[31mlines\x07 "), "two [31mlines");
        assert_eq!(message("a\u{202e}b".as_bytes()), "a b");
        assert_eq!(message(&[0xff, b'a']), "\u{fffd}a");
        let long = message("\u{1f980}".repeat(1_000).as_bytes());
        assert_eq!(long.chars().count(), LONGEST_MESSAGE + 1);
        assert!(long.ends_with("\u{1f980}…"));
    }
}
