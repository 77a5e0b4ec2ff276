//! The HTTP server: products, control and receivers behind one address.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, DefaultBodyLimit, Path, RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use tokio_util::sync::CancellationToken;

use super::control::{self, json, ndjson, refused, streams_of};
use super::endpoint::Endpoint;
use super::receiver::{Reception, decode};
use super::request::{Answer, Asked, Fate};
use super::wire::{Cutter, Loopback};
use super::{SharedReceiver, Simulator, SimulatorError, bulk, hec};

/// Bodies of product requests are empty or a small form.
const MOST_FORM: usize = 64 << 10;
/// Bodies that a receiver takes; batches are a few MiB.
const MOST_BATCH: usize = 256 << 20;

/// What every request needs.
#[derive(Debug, Clone)]
pub(crate) struct Serving {
    pub(crate) simulator: Simulator,
    pub(crate) stop: CancellationToken,
}

/// Serves until told to stop.
pub(crate) async fn serve(
    simulator: Simulator,
    listener: tokio::net::TcpListener,
    stop: CancellationToken,
) -> Result<(), SimulatorError> {
    let address = listener.local_addr().map_err(SimulatorError::Io)?;
    if !address.ip().is_loopback() {
        return Err(SimulatorError::NotLoopback(address));
    }
    let routes = control::routes()
        .merge(bulk::routes())
        .merge(hec::routes())
        .route("/receiver/{name}", post(receive).delete(forget))
        .route("/receiver/{name}/stats", get(stats))
        .route("/receiver/{name}/events", get(events))
        .route("/receiver/{name}/compare", get(compare))
        .route("/receiver/{name}/faults", put(change_faults))
        .fallback(product)
        .layer(DefaultBodyLimit::max(MOST_BATCH))
        .with_state(Serving { simulator, stop: stop.clone() });
    let service = Router::into_make_service_with_connect_info::<Cutter>(routes);
    axum::serve(Loopback(listener), service)
        .with_graceful_shutdown(async move { stop.cancelled().await })
        .await
        .map_err(SimulatorError::Io)
}

async fn product(
    State(serving): State<Serving>,
    ConnectInfo(cutter): ConnectInfo<Cutter>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    let Some(endpoint) = Endpoint::at(path) else {
        return (StatusCode::NOT_FOUND, format!("the simulator has nothing at {path}\n")).into_response();
    };
    let Ok(body) = axum::body::to_bytes(body, MOST_FORM).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let asked = Asked {
        endpoint,
        post: head.method == Method::POST,
        path: path.to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body,
    };
    let (fate, provider_ms) = {
        let mut world = serving.simulator.world();
        (world.answer(&asked), world.provider_ms())
    };
    match fate {
        Fate::Answered(answer) => respond(answer, provider_ms),
        Fate::Truncated(answer) => {
            let half = answer.body.len() / 2;
            let response = respond(answer, provider_ms);
            cutter.end_after(head_size(&response) + half);
            response
        }
        Fate::Reset => reset(&cutter),
        Fate::Hang => hang(&serving.stop).await,
    }
}

pub(crate) fn respond(answer: Answer, provider_ms: i64) -> Response {
    // 477 and 52x are in no registry, but any number of three digits is a status.
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let length = answer.body.len();
    let mut response = (status, Body::from(answer.body)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    headers.insert(header::CONTENT_LENGTH, length.into());
    headers.insert(header::SERVER, HeaderValue::from_static("cloudflare"));
    if let Some(date) = http_date(provider_ms) {
        headers.insert(header::DATE, date);
    }
    for (name, value) in answer.headers {
        if let Ok(value) = value.parse() {
            headers.insert(name, value);
        }
    }
    response
}

fn http_date(ms: i64) -> Option<HeaderValue> {
    let instant = jiff::Timestamp::from_millisecond(ms).ok()?;
    let printer = jiff::fmt::rfc2822::DateTimePrinter::new();
    printer.timestamp_to_rfc9110_string(&instant).ok()?.parse().ok()
}

/// The bytes of the status line and the headers on the wire (RFC 9112 section 2.1).
fn head_size(response: &Response) -> usize {
    let reason = response.status().canonical_reason().map_or(0, str::len);
    let line = "HTTP/1.1 200 \r\n".len() + reason;
    let fields = response.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
    line + fields.sum::<usize>() + 2
}

/// The response is never seen: its first byte breaks the connection.
pub(crate) fn reset(cutter: &Cutter) -> Response {
    cutter.reset();
    StatusCode::OK.into_response()
}

/// Ends when the client has gone (the server drops the request then) or the simulator stops.
async fn hang(stop: &CancellationToken) -> Response {
    stop.cancelled().await;
    StatusCode::SERVICE_UNAVAILABLE.into_response()
}

/// A request whose body may be looked at.
pub(crate) struct Admitted {
    /// Whether its answer is lost.
    pub(crate) lose_answer: bool,
    /// The status of success.
    pub(crate) status: u16,
}

/// Lets the switches have their way with a request before its body is looked at.
///
/// # Errors
/// The answer, when nothing is taken.
pub(crate) async fn admit(
    serving: &Serving,
    receiver: &SharedReceiver,
    headers: &HeaderMap,
    cutter: &Cutter,
) -> Result<Admitted, Response> {
    let (reception, slow_ms, retry_after) = {
        let mut chance = serving.simulator.chance();
        let mut receiver = receiver.lock();
        let reception = receiver.receive(headers, &mut chance);
        (reception, receiver.faults.slow_ms, receiver.faults.retry_after)
    };
    if slow_ms > 0 {
        let rest = tokio::time::sleep(Duration::from_millis(slow_ms));
        serving.stop.run_until_cancelled(rest).await;
    }
    match reception {
        Reception::Take { lose_answer, status } => Ok(Admitted { lose_answer, status }),
        Reception::Hang => Err(hang(&serving.stop).await),
        Reception::Reset => Err(reset(cutter)),
        Reception::Status(status) => Err(refusal(status, retry_after)),
    }
}

async fn receive(
    State(serving): State<Serving>,
    ConnectInfo(cutter): ConnectInfo<Cutter>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(receiver) = serving.simulator.receiver(&name) else {
        return (StatusCode::TOO_MANY_REQUESTS, "too many receivers\n").into_response();
    };
    let Admitted { lose_answer, status: success } = match admit(&serving, &receiver, &headers, &cutter).await
    {
        Ok(admitted) => admitted,
        Err(response) => return response,
    };
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).map(str::to_owned);
    // Unpacking and reading a batch of a MiB takes some milliseconds.
    let taken = tokio::task::spawn_blocking(move || {
        let now = jiff::Timestamp::now().as_second();
        receiver.lock().check_signature(&headers, &body, now)?;
        let text = decode(&body).map_err(|error| (400, error))?;
        receiver.lock().take(&text, key.as_deref())
    })
    .await;
    match taken {
        Ok(Ok(_)) if lose_answer => reset(&cutter),
        Ok(Ok(count)) => {
            let mut response = json(&serde_json::json!({"accepted": count}));
            *response.status_mut() = status_of(success);
            response
        }
        Ok(Err((status, error))) => (status_of(status), format!("{error}\n")).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

fn status_of(number: u16) -> StatusCode {
    StatusCode::from_u16(number).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn refusal(status: u16, retry_after: Option<u64>) -> Response {
    let mut response = (status_of(status), "a simulated refusal\n").into_response();
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

async fn forget(State(serving): State<Serving>, Path(name): Path<String>) -> Response {
    serving.simulator.forget_receiver(&name);
    StatusCode::NO_CONTENT.into_response()
}

async fn stats(State(serving): State<Serving>, Path(name): Path<String>) -> Response {
    let simulator = serving.simulator;
    // A million events are counted.
    let stats = tokio::task::spawn_blocking(move || simulator.receiver_stats(&name)).await;
    stats.map_or_else(refused, |stats| json(&stats))
}

async fn events(State(serving): State<Serving>, Path(name): Path<String>) -> Response {
    let simulator = serving.simulator;
    let written = tokio::task::spawn_blocking(move || {
        let mut lines = String::new();
        if let Some(receiver) = simulator.receiver(&name) {
            receiver.lock().write_events(&mut lines);
        }
        lines
    });
    written.await.map_or_else(refused, ndjson)
}

async fn compare(
    State(serving): State<Serving>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let streams = match streams_of(query.as_deref()) {
        Ok(streams) => streams,
        Err(error) => return refused(error),
    };
    let simulator = serving.simulator;
    let compared = tokio::task::spawn_blocking(move || simulator.compare(&name, &streams)).await;
    compared.map_or_else(refused, |comparison| json(&comparison))
}

async fn change_faults(State(serving): State<Serving>, Path(name): Path<String>, body: Bytes) -> Response {
    let patch: serde_json::Value = match serde_json::from_slice(&body) {
        Ok(patch) => patch,
        Err(error) => return refused(error),
    };
    match serving.simulator.patch_receiver_faults(&name, &patch) {
        Ok(faults) => json(&faults),
        Err(error) => refused(error),
    }
}
