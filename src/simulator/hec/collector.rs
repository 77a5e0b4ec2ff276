//! What a collector takes, refuses and acknowledges.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::super::faults::Trigger;
use super::super::receiver::Receiver;
use super::super::request::Answer;
use super::NumberBase;
use super::codes::{body_of, coded, status_of};

/// Channels that are remembered; Splunk takes a million.
const MOST_CHANNELS: usize = 10_000;

/// What a proxy may answer instead of the collector.
const PAGE: &str = "<html><body>The proxy is well.</body></html>";

/// What a collector remembers.
#[derive(Debug, Default)]
pub(crate) struct Hec {
    requests: u64,
    ack_requests: u64,
    channels: HashMap<String, HecChannel>,
}

#[derive(Debug, Default)]
struct HecChannel {
    next: u64,
    /// When each is acknowledged; never where there is no time.
    pending: BTreeMap<u64, Option<Instant>>,
}

/// A request to a collector.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HecRequest<'a> {
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its query.
    pub query: &'a str,
    /// Its body, uncompressed.
    pub body: &'a str,
}

/// An event in its envelope.
#[derive(Deserialize)]
struct Enveloped<'a> {
    #[serde(borrow, default)]
    event: Option<&'a RawValue>,
    #[serde(default)]
    fields: Option<Value>,
}

impl Receiver {
    /// Takes the events of a body as the collector would, up to the first bad one.
    pub(crate) fn collect(&mut self, request: HecRequest<'_>, rng: &mut fastrand::Rng) -> Answer {
        let answer = self.collected(request, rng).unwrap_or_else(coded);
        self.refused += u64::from(answer.status != 200);
        let retry_after = self.faults.retry_after.filter(|_| matches!(answer.status, 429 | 503));
        let answer = self.with_session(answer);
        match retry_after {
            Some(seconds) => answer.with("retry-after", seconds),
            None => answer,
        }
    }

    fn collected(&mut self, request: HecRequest<'_>, rng: &mut fastrand::Rng) -> Result<Answer, u8> {
        self.hec.requests += 1;
        let number = self.hec.requests;
        self.check_token(request)?;
        let hec = &mut self.faults.hec;
        if hec.page.strikes(number, rng) {
            return Ok(Answer::html(200, PAGE));
        }
        if request.body.len() > hec.max_content_length {
            return Ok(Answer::html(413, "<html><body>Content-Length is too large</body></html>"));
        }
        let struck = strikes(&mut hec.codes, number, rng);
        if let Some(code) = struck.filter(|code| !matches!(code, 0 | 24 | 25)) {
            return Err(code);
        }
        if request.body.trim_ascii().is_empty() {
            return Err(5);
        }
        let channel = if hec.acknowledgements { Some(channel_of(request)?) } else { None };
        if let Some((index, code)) = self.take_enveloped(request.body) {
            return Ok(self.bad_event(index, code));
        }
        let mut body = body_of(struck.unwrap_or(0));
        if let Some(channel) = channel
            && let Some(id) = self.acknowledge_later(channel, number, rng)
        {
            body["ackId"] = id.into();
        }
        Ok(Answer::json(200, body.to_string()))
    }

    /// Takes events up to the first bad one, whose index and code it gives; behind it only when told so.
    fn take_enveloped(&mut self, text: &str) -> Option<(usize, u8)> {
        let mut bad = None;
        let events = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
        for (index, envelope) in events.enumerate() {
            let taken = envelope.map_err(|_| 6).and_then(|envelope| self.take_one(envelope.get()));
            if let Err(code) = taken {
                bad.get_or_insert((index, code));
                if !self.faults.hec.takes_rest {
                    break;
                }
            }
        }
        bad
    }

    fn take_one(&mut self, envelope: &str) -> Result<(), u8> {
        let Enveloped { event, fields } = serde_json::from_str(envelope).map_err(|_| 6)?;
        let event = event.ok_or(12)?.get();
        if event.trim_matches('"').trim_ascii().is_empty() {
            return Err(13);
        }
        if fields.is_some_and(|fields| !is_flat(&fields)) {
            return Err(15);
        }
        let hec = &self.faults.hec;
        if hec.poison.as_ref().is_some_and(|poison| event.contains(poison.as_str())) {
            return Err(hec.poison_code);
        }
        self.take_event(event).map_err(|_| 6)
    }

    fn bad_event(&self, index: usize, code: u8) -> Answer {
        let mut body = body_of(code);
        match self.faults.hec.number {
            NumberBase::Zero => body["invalid-event-number"] = index.into(),
            NumberBase::One => body["invalid-event-number"] = (index + 1).into(),
            NumberBase::Absent => {}
        }
        Answer::json(status_of(code), body.to_string())
    }

    /// The `ackId` of a batch that was taken just now.
    fn acknowledge_later(&mut self, guid: String, number: u64, rng: &mut fastrand::Rng) -> Option<u64> {
        let hec = &mut self.faults.hec;
        if hec.ack_id_missing.strikes(number, rng) {
            return None;
        }
        let delay = Duration::from_millis(hec.ack_after_ms);
        let at = (!hec.ack_never.strikes(number, rng)).then(|| Instant::now() + delay);
        let channels = &mut self.hec.channels;
        if channels.len() == MOST_CHANNELS && !channels.contains_key(&guid) {
            channels.clear();
        }
        let channel = channels.entry(guid).or_default();
        let id = channel.next;
        channel.next += 1;
        channel.pending.insert(id, at);
        Some(id)
    }

    /// Says which batches are acknowledged; a `true` is said once. `None` is an answer that is lost on its way.
    pub(crate) fn acknowledge(&mut self, request: HecRequest<'_>, rng: &mut fastrand::Rng) -> Option<Answer> {
        self.hec.ack_requests += 1;
        let number = self.hec.ack_requests;
        let answer = self.acknowledged(request, number, rng).unwrap_or_else(coded);
        let is_true = answer.body.contains("true");
        let hec = &mut self.faults.hec;
        if hec.ack_answer_lost.strikes(number, rng) || (is_true && hec.ack_true_lost.strikes(number, rng)) {
            return None;
        }
        Some(self.with_session(answer))
    }

    fn acknowledged(
        &mut self,
        request: HecRequest<'_>,
        number: u64,
        rng: &mut fastrand::Rng,
    ) -> Result<Answer, u8> {
        #[derive(Deserialize)]
        struct Asked {
            acks: Vec<u64>,
        }
        self.check_token(request)?;
        let hec = &mut self.faults.hec;
        if !hec.acknowledgements {
            return Err(14);
        }
        if hec.ack_page.strikes(number, rng) {
            return Ok(Answer::html(200, PAGE));
        }
        if let Some(code) = strikes(&mut hec.ack_codes, number, rng) {
            return Err(code);
        }
        let guid = channel_of(request)?;
        let asked: Asked = serde_json::from_str(request.body).map_err(|_| 6)?;
        let mut channel = self.hec.channels.get_mut(&guid);
        let mut told = serde_json::Map::new();
        for id in asked.acks {
            let is_indexed = channel.as_mut().is_some_and(|channel| channel.tell(id));
            told.insert(id.to_string(), is_indexed.into());
        }
        Ok(Answer::json(200, json!({ "acks": told }).to_string()))
    }

    /// What the health endpoint says; it asks for no token.
    pub(crate) fn health(&self) -> Answer {
        coded(self.faults.hec.health)
    }

    fn check_token(&self, request: HecRequest<'_>) -> Result<(), u8> {
        let given = request.headers.get("authorization").ok_or(2)?;
        let given = given.to_str().ok().and_then(|given| given.strip_prefix("Splunk ")).ok_or(3)?;
        match &self.faults.hec.token {
            Some(token) if token != given => Err(4),
            _ => Ok(()),
        }
    }

    fn with_session(&self, answer: Answer) -> Answer {
        let hec = &self.faults.hec;
        match &hec.cookie {
            Some(cookie) if hec.renews_cookie => {
                answer.with("set-cookie", format!("{cookie}{}", self.hec.requests + self.hec.ack_requests))
            }
            Some(cookie) => answer.with("set-cookie", cookie),
            None => answer,
        }
    }
}

impl HecChannel {
    /// Whether a batch is acknowledged; forgets it then.
    fn tell(&mut self, id: u64) -> bool {
        let is_due = |at: &Option<Instant>| at.is_some_and(|at| at <= Instant::now());
        let is_indexed = self.pending.get(&id).is_some_and(is_due);
        if is_indexed {
            self.pending.remove(&id);
        }
        is_indexed
    }
}

/// Index-time fields are texts and lists of texts.
fn is_flat(fields: &Value) -> bool {
    let is_text = |value: &Value| match value {
        Value::Array(values) => values.iter().all(Value::is_string),
        value => value.is_string(),
    };
    fields.as_object().is_some_and(|fields| fields.values().all(is_text))
}

fn strikes(codes: &mut BTreeMap<u8, Trigger>, number: u64, rng: &mut fastrand::Rng) -> Option<u8> {
    codes.iter_mut().find_map(|(code, trigger)| trigger.strikes(number, rng).then_some(*code))
}

/// The GUID of a request's channel, in its header or its query.
fn channel_of(request: HecRequest<'_>) -> Result<String, u8> {
    let header = request.headers.get("x-splunk-request-channel").and_then(|guid| guid.to_str().ok());
    let in_query = || {
        let mut pairs = url::form_urlencoded::parse(request.query.as_bytes());
        pairs.find(|(name, _)| name == "channel").map(|(_, guid)| guid.into_owned())
    };
    let guid = header.map(str::to_owned).or_else(in_query).ok_or(10)?;
    let is_guid = guid.split('-').map(str::len).eq([8, 4, 4, 4, 12])
        && guid.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
    if is_guid { Ok(guid) } else { Err(11) }
}

#[cfg(test)]
mod tests;
