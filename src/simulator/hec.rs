//! The receiver as an HTTP Event Collector of Splunk: `/receiver/{name}/services/collector…`.
//!
//! A reading of Splunk's documentation of its own: events in envelopes up to the first bad one, a code for
//! everything, and acknowledgements that are told once.

mod codes;
mod collector;
mod faults;

pub(crate) use collector::Hec;
pub use faults::{HecFaults, NumberBase};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{get, post};

use self::collector::HecRequest;
use super::control::refused;
use super::receiver::decode;
use super::request::Answer;
use super::serve::{Serving, admit, reset, respond};
use super::wire::Cutter;

/// The routes below `/receiver/{name}`.
pub(crate) fn routes() -> Router<Serving> {
    Router::new()
        .route("/receiver/{name}/services/collector", post(collect))
        .route("/receiver/{name}/services/collector/event", post(collect))
        .route("/receiver/{name}/services/collector/event/1.0", post(collect))
        .route("/receiver/{name}/services/collector/ack", post(acknowledge))
        .route("/receiver/{name}/services/collector/health", get(health))
        .route("/receiver/{name}/services/collector/health/1.0", get(health))
}

async fn collect(
    State(serving): State<Serving>,
    ConnectInfo(cutter): ConnectInfo<Cutter>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(receiver) = serving.simulator.receiver(&name) else { return refused("too many receivers") };
    let lose_answer = match admit(&serving, &receiver, &headers, &cutter).await {
        Ok(admitted) => admitted.lose_answer,
        Err(response) => return response,
    };
    let mut chance = serving.simulator.chance();
    // Unpacking and reading a batch of a MiB takes some milliseconds.
    let collected = tokio::task::spawn_blocking(move || {
        let body = decode(&body)?;
        let request =
            HecRequest { headers: &headers, query: query.as_deref().unwrap_or_default(), body: &body };
        Ok::<Answer, String>(receiver.lock().collect(request, &mut chance))
    });
    match collected.await {
        Ok(Ok(_)) if lose_answer => reset(&cutter),
        Ok(Ok(answer)) => respond(answer, now_ms()),
        Ok(Err(error)) => refused(error),
        Err(error) => refused(error),
    }
}

async fn acknowledge(
    State(serving): State<Serving>,
    ConnectInfo(cutter): ConnectInfo<Cutter>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: String,
) -> Response {
    let Some(receiver) = serving.simulator.receiver(&name) else { return refused("too many receivers") };
    let mut chance = serving.simulator.chance();
    let request = HecRequest { headers: &headers, query: query.as_deref().unwrap_or_default(), body: &body };
    let answer = receiver.lock().acknowledge(request, &mut chance);
    answer.map_or_else(|| reset(&cutter), |answer| respond(answer, now_ms()))
}

async fn health(State(serving): State<Serving>, Path(name): Path<String>) -> Response {
    let Some(receiver) = serving.simulator.receiver(&name) else { return refused("too many receivers") };
    let answer = receiver.lock().health();
    respond(answer, now_ms())
}

fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
