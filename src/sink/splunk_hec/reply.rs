//! What the collector's answers mean: one row for every code.

use jiff::Timestamp;
use serde_json::Value;

use crate::exchange::Reply;
use crate::sink::peer::verdict;
use crate::sink::{Outcome, Suspects, Verdict};

/// Answers of the collector have a few dozen bytes; those about acknowledgements a few hundred.
const LONGEST_ANSWER: usize = 64 * 1024;

/// What to do where a token has no acknowledgements.
pub(super) const TURN_ACKS_ON: &str = "turn on \"Enable indexer acknowledgement\" (useACK = true) for the token, or set acknowledgements = false";

/// What a code means for a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The collector has the events; with a queue near its limit, when it says so.
    Taken { near_limit: bool },
    /// Somebody has to mend something first: what.
    Hold(&'static str),
    /// It passes.
    Wait,
    /// It passes, and `invalid-event-number` says where processing stopped.
    WaitFrom,
    /// One of the events is bad, and `invalid-event-number` says about where.
    BadEvent,
}

/// Code 17, from the health endpoint.
pub(super) const HEALTHY: u64 = 17;
/// Code 5: a request without events got past everything that is looked at before.
pub(super) const NO_DATA: u64 = 5;
/// Code 14.
pub(super) const ACKS_DISABLED: u64 = 14;

/// Splunk's table, "Possible error codes" of the HTTP Event Collector; beside each code the status and the text
/// that come with it. 5, 10, 11, 16 can't come from requests as they are sent here; a proxy that takes out
/// bodies or headers brings them up, and then no event is to blame.
pub(super) fn meaning(code: u64) -> Option<Meaning> {
    const PROXY: &str = "something between here and Splunk changes the request: check endpoint and proxies";
    const TOKEN: &str = "check token";
    Some(match code {
        // 200 Success.
        0 => Meaning::Taken { near_limit: false },
        // 403 Token disabled.
        1 => Meaning::Hold("enable the token in Splunk, or set another"),
        // 401 Token is required; 401 Invalid authorization; 403 Invalid token.
        2..=4 => Meaning::Hold(TOKEN),
        // 400 No data.
        NO_DATA => Meaning::Hold(PROXY),
        // 400 Invalid data format.
        6 => Meaning::BadEvent,
        // 400 Incorrect index.
        7 => Meaning::Hold("check index: it must exist and be among the token's allowed indexes"),
        // 500 Internal server error.
        8 => Meaning::Wait,
        // 503 Server is busy.
        9 => Meaning::WaitFrom,
        // 400 Data channel is missing; 400 Invalid data channel.
        10 | 11 => Meaning::Hold(PROXY),
        // 400 Event field is required; 400 Event field cannot be blank.
        12 | 13 => Meaning::BadEvent,
        // 400 ACK is disabled.
        ACKS_DISABLED => Meaning::Hold(TURN_ACKS_ON),
        // 400 Error in handling indexed fields.
        15 => Meaning::BadEvent,
        // 400 Query string authorization is not enabled.
        16 => Meaning::Hold("take the token out of endpoint: it goes into a header"),
        // 200 HEC is healthy: not what events are answered with.
        HEALTHY => Meaning::Hold("this is the answer of the health endpoint: check endpoint"),
        // 503 HEC is unhealthy: queues are full; ack service unavailable; both.
        18..=20 => Meaning::Wait,
        // 400 Invalid token; 400 Token disabled: from the health endpoint.
        21 => Meaning::Hold(TOKEN),
        22 => Meaning::Hold("enable the token in Splunk, or set another"),
        // 503 Server is shutting down.
        23 => Meaning::Wait,
        // 200 HEC queue, 200 HEC ACK is approaching its capacity limit: the events are taken.
        24 | 25 => Meaning::Taken { near_limit: true },
        // 429 HEC queue, 429 HEC ACK channel is at capacity.
        26 | 27 => Meaning::Wait,
        _ => return None,
    })
}

/// A body of the collector: `{"text":"Success","code":0}` and what may stand beside them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) code: u64,
    text: String,
    invalid_event_number: Option<usize>,
    ack_id: Option<u64>,
}

impl Answer {
    /// `None` when the body is not the collector's: a page of a proxy, another program's JSON.
    pub(super) fn read(reply: &Reply) -> Option<Self> {
        let body = object(reply)?;
        let number = body.get("invalid-event-number").and_then(Value::as_u64);
        Some(Self {
            code: body.get("code")?.as_u64()?,
            text: body.get("text")?.as_str()?.to_owned(),
            invalid_event_number: number.and_then(|number| usize::try_from(number).ok()),
            ack_id: body.get("ackId").and_then(Value::as_u64),
        })
    }

    /// For logs and dead letters: `Invalid data format (code 6, HTTP 400, invalid-event-number 3)`.
    fn described(&self, status: u16) -> String {
        let Self { code, text, invalid_event_number, .. } = self;
        let text = verdict::message(text.as_bytes());
        let number =
            invalid_event_number.map_or(String::new(), |number| format!(", invalid-event-number {number}"));
        format!("{text} (code {code}, HTTP {status}{number})")
    }
}

/// What `/ack` says about one batch; `None` where it says nothing that can be understood.
pub(super) fn acknowledged(reply: &Reply, ack_id: u64) -> Option<bool> {
    if reply.status != 200 {
        return None;
    }
    object(reply)?.get("acks")?.get(ack_id.to_string())?.as_bool()
}

fn object(reply: &Reply) -> Option<Value> {
    if reply.body.len() > LONGEST_ANSWER {
        return None;
    }
    serde_json::from_slice(&reply.body).ok().filter(Value::is_object)
}

/// The collector has the events of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Taken {
    /// Under which the indexers acknowledge them, where the token has acknowledgements.
    pub(super) ack_id: Option<u64>,
    /// A queue is nearly full.
    pub(super) near_limit: bool,
}

/// What became of a batch of `events` events that were posted. Where `by_ack`, nothing counts before it is
/// acknowledged; an error has no `ackId`, so what was taken before it is sent again.
///
/// # Errors
/// The batch's outcome, when it was not taken as a whole.
pub(super) fn taken(reply: &Reply, events: usize, by_ack: bool, now: Timestamp) -> Result<Taken, Outcome> {
    let Some(answer) = Answer::read(reply) else { return Err(by_status(reply, now)) };
    let is_success = (200..300).contains(&reply.status);
    let Some(meaning) = meaning(answer.code) else { return Err(by_status(reply, now)) };
    let reason = answer.described(reply.status);
    let retry = |reason| Outcome::Retry { after: reply.headers.retry_after(now), reason };
    Err(match meaning {
        // The request as a whole is too large, whatever the code beside it.
        _ if reply.status == 413 => Outcome::Refused { reason, suspects: None },
        Meaning::Taken { near_limit } if is_success => {
            return Ok(Taken { ack_id: answer.ack_id, near_limit });
        }
        // No event may go, or pass for delivered, by an answer that contradicts itself.
        Meaning::Taken { .. } => by_status(reply, now),
        Meaning::BadEvent if !(400..500).contains(&reply.status) => by_status(reply, now),
        Meaning::Hold(remedy) => Outcome::Held { reason: format!("{reason}; {remedy}") },
        Meaning::Wait => retry(reason),
        Meaning::WaitFrom => match answer.invalid_event_number {
            Some(number) if !by_ack => stopped(number, events, reason, retry),
            _ => retry(reason),
        },
        Meaning::BadEvent => {
            let suspects = answer.invalid_event_number.and_then(|number| suspects(number, events, by_ack));
            Outcome::Refused { reason, suspects }
        }
    })
}

/// `invalid-event-number` counts from zero by one report (moby issue 35862) and from one by another
/// (opentelemetry-collector-contrib issue 36113): accepted is what both readings agree on, and both events that
/// can be meant are suspects. A number that fits neither reading says nothing.
fn suspects(number: usize, events: usize, by_ack: bool) -> Option<Suspects> {
    if number > events {
        return None;
    }
    let first = number.saturating_sub(1);
    let accepted = if by_ack { 0 } else { first };
    Some(Suspects { accepted, alone: first..(number + 1).min(events) })
}

/// The collector became busy at this event: under either reading those before the one before it are taken.
fn stopped(number: usize, events: usize, reason: String, retry: impl Fn(String) -> Outcome) -> Outcome {
    let accepted = number.saturating_sub(1);
    if accepted == 0 || number > events {
        return retry(reason);
    }
    let verdict = |index| if index < accepted { Verdict::Accepted } else { Verdict::Retry(reason.clone()) };
    Outcome::Each((0..events).map(verdict).collect())
}

/// What to make of an answer that is not the collector's own, or whose code is unknown. It never accepts: only
/// the collector can. Nor does it blame an event, except that a request can be too large for a proxy as well.
fn by_status(reply: &Reply, now: Timestamp) -> Outcome {
    let described = verdict::described(reply);
    let remedy = match reply.status {
        200..300 => "this is not the answer of an HTTP Event Collector: check endpoint",
        400 | 422 => "the refusal is not the HTTP Event Collector's own: check endpoint and proxies",
        _ => return verdict::of_reply(reply, now),
    };
    Outcome::Held { reason: format!("{described}; {remedy}") }
}

#[cfg(test)]
mod tests;
