//! The receiver as Elasticsearch or OpenSearch: `/receiver/{name}/_bulk` and what a client asks before.
//!
//! A reading of their documentation of its own: data streams that take `create` alone, one document per id,
//! an answer in the order of the request that is cut down by `filter_path`, and refusals in their words.

mod documents;
mod filter;

pub use documents::BulkFaults;
pub(crate) use documents::Index;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::SharedReceiver;
use super::control::refused;
use super::receiver::{Receiver, decode};
use super::serve::{Serving, admit, reset};
use super::wire::Cutter;

/// Parameters that every version knows, of those that make sense here.
const PARAMETERS: [&str; 10] = [
    "filter_path",
    "pipeline",
    "refresh",
    "timeout",
    "wait_for_active_shards",
    "require_alias",
    "routing",
    "pretty",
    "human",
    "error_trace",
];
/// Parameters that Elasticsearch knows and OpenSearch does not.
const ELASTIC_PARAMETERS: [&str; 3] =
    ["require_data_stream", "include_source_on_error", "list_executed_pipelines"];

/// The routes below `/receiver/{name}`.
pub(crate) fn routes() -> Router<Serving> {
    Router::new()
        .route("/receiver/{name}/", get(root))
        .route("/receiver/{name}/_bulk", post(bulk))
        .route("/receiver/{name}/_security/user/_has_privileges", post(privileges))
        .route("/receiver/{name}/_plugins/_security/authinfo", get(account))
}

/// An answer as the product gives it.
type Answer = (u16, Value);

fn respond((status, body): Answer) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, axum::Json(body)).into_response()
}

/// An error of the whole request.
fn error(status: u16, kind: &str, reason: &str) -> Answer {
    let cause = json!({"type": kind, "reason": reason});
    (status, json!({"error": {"root_cause": [cause], "type": kind, "reason": reason}, "status": status}))
}

async fn bulk(
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
    {
        let mut receiver = receiver.lock();
        let number = receiver.requests;
        if receiver.faults.bulk.gateway_page.strikes(number, &mut chance) {
            receiver.refused += 1;
            return ([(header::CONTENT_TYPE, "text/html")], "<html><title>Sign in</title></html>")
                .into_response();
        }
    }
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if !content_type.is_some_and(|kind| kind.starts_with("application/x-ndjson")) {
        return respond(error(
            406,
            "media_type_header_exception",
            "Invalid media-type value on Content-Type",
        ));
    }
    // Unpacking and reading a batch of a MiB takes some milliseconds.
    let answered = tokio::task::spawn_blocking(move || {
        let text = decode(&body).map_err(|reason| error(400, "parse_exception", &reason))?;
        let mut receiver = receiver.lock();
        take(&mut receiver, query.as_deref().unwrap_or_default(), &text, &mut chance)
            .inspect_err(|_| receiver.refused += 1)
    })
    .await;
    match answered {
        Ok(Ok(_)) if lose_answer => reset(&cutter),
        Ok(Ok(body)) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Ok(Err(answer)) => respond(answer),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// Takes the documents of a request and writes the answer's body.
fn take(
    receiver: &mut Receiver,
    query: &str,
    text: &str,
    chance: &mut fastrand::Rng,
) -> Result<String, Answer> {
    let wanted = check_query(&receiver.faults.bulk, query)?;
    if !text.ends_with('\n') {
        let reason = "The bulk request must be terminated by a newline [\\n]";
        return Err(error(400, "illegal_argument_exception", reason));
    }
    let actions =
        documents::read_actions(text).map_err(|reason| error(400, "illegal_argument_exception", &reason))?;
    let mut items: Vec<Value> =
        actions.iter().map(|action| documents::write(receiver, action, chance)).collect();
    let number = receiver.requests;
    let faults = &mut receiver.faults.bulk;
    if faults.item_left_out.strikes(number, chance) {
        items.pop();
    }
    let is_cut = faults.cut_answer.strikes(number, chance);
    let has_errors = items.iter().any(|item| item["create"].get("error").is_some());
    let answer = json!({"took": 1, "errors": has_errors, "items": items});
    let mut body = filter::filtered(&answer, &wanted).to_string();
    if is_cut {
        body.truncate(body.len() / 2);
    }
    Ok(body)
}

/// The value of `filter_path`; empty keeps everything.
fn check_query(faults: &BulkFaults, query: &str) -> Result<String, Answer> {
    let mut wanted = String::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let is_of_the_product = PARAMETERS.contains(&name.as_ref())
            || (!faults.opensearch && ELASTIC_PARAMETERS.contains(&name.as_ref()));
        if !is_of_the_product || faults.unknown_parameters.contains(name.as_ref()) {
            let reason = format!("request [/_bulk] contains unrecognized parameter: [{name}]");
            return Err(error(400, "illegal_argument_exception", &reason));
        }
        if name == "filter_path" {
            wanted = value.into_owned();
        }
    }
    Ok(wanted)
}

/// The receiver of this name, when the request has its credential.
fn authorized(serving: &Serving, name: &str, headers: &HeaderMap) -> Option<SharedReceiver> {
    let receiver = serving.simulator.receiver(name)?;
    let is_authorized = receiver.lock().is_authorized(headers);
    is_authorized.then_some(receiver)
}

fn unauthorized() -> Response {
    respond(error(401, "security_exception", "unable to authenticate with provided credentials"))
}

async fn root(State(serving): State<Serving>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(receiver) = authorized(&serving, &name, &headers) else { return unauthorized() };
    let receiver = receiver.lock();
    let faults = &receiver.faults.bulk;
    if faults.missing_privileges.contains("monitor") {
        let reason = "action [cluster:monitor/main] is unauthorized for this credential";
        return respond(error(403, "security_exception", reason));
    }
    let mut version = json!({"number": faults.version});
    let tagline = if faults.opensearch {
        version["distribution"] = "opensearch".into();
        "The OpenSearch Project: https://opensearch.org/"
    } else {
        version["build_flavor"] = "default".into();
        "You Know, for Search"
    };
    let body = json!({"name": "node-1", "cluster_name": name, "version": version, "tagline": tagline});
    respond((200, body))
}

async fn privileges(
    State(serving): State<Serving>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(receiver) = authorized(&serving, &name, &headers) else { return unauthorized() };
    let receiver = receiver.lock();
    let faults = &receiver.faults.bulk;
    if faults.opensearch || faults.without_security {
        let reason = "no handler found for uri [/_security/user/_has_privileges] and method [POST]";
        return respond((400, json!({ "error": reason })));
    }
    let Ok(text) = decode(&body) else { return refused("not UTF-8") };
    match documents::privileges(faults, &text) {
        Ok(answer) => respond((200, answer)),
        Err(reason) => respond(error(400, "parsing_exception", &reason)),
    }
}

async fn account(State(serving): State<Serving>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(receiver) = authorized(&serving, &name, &headers) else { return unauthorized() };
    if !receiver.lock().faults.bulk.opensearch {
        let reason = "no handler found for uri [/_plugins/_security/authinfo] and method [GET]";
        return respond((400, json!({ "error": reason })));
    }
    respond((200, json!({"user_name": "forwarder", "roles": ["auditferry_writer"], "backend_roles": []})))
}

#[cfg(test)]
mod tests;
