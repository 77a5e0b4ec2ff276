//! What the collector says without being given an event.

use bytes::Bytes;

use super::acks::{self, reason_of};
use super::channel::Channel;
use super::reply::{self, Answer, Meaning};
use super::{Collector, Line};
use crate::clock::Clock;
use crate::exchange::{Method, Reply, Request};
use crate::sink::{Outcome, Probe};

/// Asks for its health, then whether it knows the token, then, when wanted, whether the token has
/// acknowledgements.
pub(super) async fn probe(collector: &Collector, by_ack: bool) -> Probe {
    match ask(collector, by_ack).await {
        Ok((found, true)) => Probe::Passed(found),
        Ok((found, false)) => Probe::OnlyByEvent(found),
        Err(outcome) => Probe::Failed(reason_of(outcome)),
    }
}

/// What was found, and whether it proves that events would be taken.
async fn ask(collector: &Collector, by_ack: bool) -> Result<(String, bool), Outcome> {
    let mut found = vec![health(collector, by_ack).await?];
    let channel = Channel::new().map_err(|error| Outcome::Held { reason: error.to_string() })?;
    let mut line = Line { collector, channel };
    let is_known = is_token_known(&line).await?;
    found.push(if is_known { "it knows the token" } else { "only an event proves the token" });
    if by_ack {
        acks::are_enabled(&mut line).await?;
        found.push("nothing speaks against acknowledgements");
    }
    Ok((found.join("; "), is_known))
}

/// The health endpoint answers without a token, so it says nothing about ours.
async fn health(collector: &Collector, by_ack: bool) -> Result<&'static str, Outcome> {
    let mut url = collector.at("/health");
    if by_ack {
        url.set_query(Some("ack=true"));
    }
    let reply = collector.peer.send(Request::get(url)).await?;
    match Answer::read(&reply) {
        Some(answer) if answer.code == reply::HEALTHY && reply.status == 200 => {
            return Ok("the collector is healthy");
        }
        Some(Answer { code: 18..=20, .. }) => {
            let reason = format!("it is up, but cannot take events now: {}", reason_of(refusal(&reply)));
            return Err(Outcome::Held { reason });
        }
        // Not every relative of the collector has it: what follows tells more.
        None if matches!(reply.status, 404 | 405) => return Ok("it has no health endpoint"),
        _ => {}
    }
    Err(refusal(&reply))
}

/// A request without events: a token that is known gets as far as "No data", another does not.
async fn is_token_known(line: &Line<'_>) -> Result<bool, Outcome> {
    let url = line.collector.at("/event");
    let headers = line.channel.headers();
    let request = Request { method: Method::Post, url, headers, body: Bytes::new() };
    let reply = line.collector.peer.send(request).await?;
    match Answer::read(&reply).map(|answer| (answer.code, reply::meaning(answer.code))) {
        Some((reply::NO_DATA, _)) => Ok(true),
        Some((_, Some(Meaning::Hold(_)))) => Err(refusal(&reply)),
        // A proxy in front, or no collector at all.
        None if reply.status >= 300 && !matches!(reply.status, 400 | 411) => Err(refusal(&reply)),
        _ => Ok(false),
    }
}

fn refusal(reply: &Reply) -> Outcome {
    reply::taken(reply, 0, true, Clock::System.now()).err().unwrap_or(Outcome::Held {
        reason: "this is not what a health endpoint answers: check endpoint".to_owned(),
    })
}
