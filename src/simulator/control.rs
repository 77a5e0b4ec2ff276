//! What a test in another process can change and ask: `/simulator/…`.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Simulator;
use super::endpoint::Stream;
use super::faults::patched;
use super::serve::Serving;

/// Events to be added to a stream.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Planted {
    /// Where.
    pub stream: Stream,
    /// How many; all at the same time.
    #[serde(default = "one")]
    pub count: u32,
    /// When they happened; now where it is absent.
    #[serde(default)]
    pub time: Option<Timestamp>,
    /// From when on they are shown; at once where it is absent.
    #[serde(default)]
    pub visible_at: Option<Timestamp>,
    /// How they resemble each other.
    #[serde(default)]
    pub like: Likeness,
    /// A record to serve as it stands, instead of ordinary ones.
    #[serde(default)]
    pub record: Option<Box<RawValue>>,
}

/// How planted events resemble each other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Likeness {
    /// Each is of its own.
    #[default]
    Different,
    /// All are equal: for Brevo.
    Equal,
    /// Two and two have one id and different sub-categories: for HubSpot's audit logs.
    SharedId,
}

fn one() -> u32 {
    1
}

/// A change of the rate of live events.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rate {
    /// Events a second.
    per_second: f64,
}

/// The routes below `/simulator`.
pub(crate) fn routes() -> Router<Serving> {
    Router::new()
        .route("/simulator/faults", get(faults).put(change_faults))
        .route("/simulator/events", post(plant))
        .route("/simulator/truth", get(truth))
        .route("/simulator/requests", get(requests))
        .route("/simulator/credentials", put(change_credentials))
        .route("/simulator/rate", get(rate).put(change_rate))
        .route("/simulator/pause", post(pause))
}

/// 400 with what is wrong.
pub(crate) fn refused(error: impl std::fmt::Display) -> Response {
    (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response()
}

/// 200 with JSON.
pub(crate) fn json(value: &impl Serialize) -> Response {
    axum::Json(value).into_response()
}

/// 200 with a line of JSON for each item.
pub(crate) fn ndjson(lines: String) -> Response {
    ([("content-type", "application/x-ndjson")], lines).into_response()
}

async fn faults(State(serving): State<Serving>) -> Response {
    json(&serving.simulator.faults())
}

async fn change_faults(State(serving): State<Serving>, body: Bytes) -> Response {
    let patch: serde_json::Value = match serde_json::from_slice(&body) {
        Ok(patch) => patch,
        Err(error) => return refused(error),
    };
    match serving.simulator.patch_faults(&patch) {
        Ok(faults) => json(&faults),
        Err(error) => refused(error),
    }
}

async fn plant(State(serving): State<Serving>, body: Bytes) -> Response {
    let planted = if body.trim_ascii_start().starts_with(b"[") {
        serde_json::from_slice::<Vec<Planted>>(&body)
    } else {
        serde_json::from_slice(&body).map(|one| vec![one])
    };
    match planted {
        Ok(planted) => {
            serving.simulator.plant(&planted);
            json(&serde_json::json!({"requests": planted.len()}))
        }
        Err(error) => refused(error),
    }
}

async fn truth(State(serving): State<Serving>, RawQuery(query): RawQuery) -> Response {
    let streams = match streams_of(query.as_deref()) {
        Ok(streams) => streams,
        Err(error) => return refused(error),
    };
    let simulator = serving.simulator;
    // A million records take seconds.
    let written = tokio::task::spawn_blocking(move || write_truth(&simulator, &streams)).await;
    written.map_or_else(refused, ndjson)
}

fn write_truth(simulator: &Simulator, streams: &[Stream]) -> String {
    let mut lines = String::new();
    for stream in streams {
        simulator.each_visible(*stream, |record| {
            for part in [r#"{"stream":""#, stream.name(), r#"","record":"#, record, "}\n"] {
                lines.push_str(part);
            }
        });
    }
    lines
}

/// The streams that a query names in `stream` (which may repeat); all where it names none.
pub(crate) fn streams_of(query: Option<&str>) -> Result<Vec<Stream>, String> {
    let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let names = pairs.filter(|(name, _)| name == "stream");
    let streams: Result<Vec<Stream>, String> =
        names.map(|(_, name)| Stream::named(&name).ok_or(format!("there is no stream {name}"))).collect();
    let streams = streams?;
    Ok(if streams.is_empty() { Stream::ALL.to_vec() } else { streams })
}

async fn requests(State(serving): State<Serving>) -> Response {
    json(&serving.simulator.requests())
}

async fn change_credentials(State(serving): State<Serving>, body: Bytes) -> Response {
    let patch: serde_json::Value = match serde_json::from_slice(&body) {
        Ok(patch) => patch,
        Err(error) => return refused(error),
    };
    let mut world = serving.simulator.world();
    match patched(&world.credentials, &patch) {
        Ok(credentials) => {
            world.credentials = credentials;
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => refused(error),
    }
}

async fn rate(State(serving): State<Serving>) -> Response {
    json(&Rate { per_second: serving.simulator.world().arrivals.rate() })
}

async fn change_rate(State(serving): State<Serving>, body: Bytes) -> Response {
    match serde_json::from_slice::<Rate>(&body) {
        Ok(rate) => {
            serving.simulator.set_rate(rate.per_second);
            json(&rate)
        }
        Err(error) => refused(error),
    }
}

async fn pause(State(serving): State<Serving>) -> Response {
    serving.simulator.set_rate(0.0);
    StatusCode::NO_CONTENT.into_response()
}
