//! The codes of an HTTP Event Collector.

use serde_json::{Value, json};

use super::super::request::Answer;

/// Splunk's table: the status and the text of each code.
const CODES: [(u16, &str); 28] = [
    (200, "Success"),
    (403, "Token disabled"),
    (401, "Token is required"),
    (401, "Invalid authorization"),
    (403, "Invalid token"),
    (400, "No data"),
    (400, "Invalid data format"),
    (400, "Incorrect index"),
    (500, "Internal server error"),
    (503, "Server is busy"),
    (400, "Data channel is missing"),
    (400, "Invalid data channel"),
    (400, "Event field is required"),
    (400, "Event field cannot be blank"),
    (400, "ACK is disabled"),
    (400, "Error in handling indexed fields"),
    (400, "Query string authorization is not enabled"),
    (200, "HEC is healthy"),
    (503, "HEC is unhealthy, queues are full"),
    (503, "HEC is unhealthy, ack service unavailable"),
    (503, "HEC is unhealthy, queues are full, ack service unavailable"),
    (400, "Invalid token"),
    (400, "Token disabled"),
    (503, "Server is shutting down"),
    (200, "HEC queue is approaching its capacity limit"),
    (200, "HEC ACK is approaching its capacity limit"),
    (429, "HEC queue is at capacity"),
    (429, "HEC ACK channel is at capacity"),
];

/// The status that comes with a code.
pub(super) fn status_of(code: u8) -> u16 {
    CODES.get(usize::from(code)).map_or(400, |(status, _)| *status)
}

/// The body that comes with a code; more can be added to it.
pub(super) fn body_of(code: u8) -> Value {
    let text = CODES.get(usize::from(code)).map_or("A code from later days", |(_, text)| *text);
    json!({ "text": text, "code": code })
}

/// The answer with a code and nothing else.
pub(super) fn coded(code: u8) -> Answer {
    Answer::json(status_of(code), body_of(code).to_string())
}
