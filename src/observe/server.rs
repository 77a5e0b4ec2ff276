//! The status page, health, `/api/status` and `/metrics` over HTTP: read only, for people and probes nearby.

mod guard;

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::connection::BoundedListener;
use super::health::{Reason, reasons};
use super::metrics::{Format, Metrics};
use super::pulse::Pulse;
use super::status::Status;
use super::{page, runbook};
use crate::config::Secret;
use crate::meter::Meter;
use guard::Guard;

/// However many ask, the store is read once in this time.
const FRESH: Duration = Duration::from_secs(1);
/// A store that takes longer than this to answer has failed, as far as a probe is concerned.
const LONGEST_READ: Duration = Duration::from_secs(3);
/// After a stop, answers that are under way get this long.
const DRAIN: Duration = Duration::from_secs(1);

/// Everything comes from here, nothing runs that is not a file of ours, nobody may frame it. `blob:` is for the
/// icons that the page keeps for when the daemon is gone; only its own script can make one.
const SECURITY_HEADERS: [(HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' blob:; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    // One exchange a connection: an idle one would take a place.
    (header::CONNECTION, "close"),
];

type Reading = Arc<Result<Status, String>>;
type Source = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Status, String>> + Send>> + Send + Sync>;

/// The HTTP server, listening.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    meter: Meter,
    guard: Guard,
}

impl Server {
    /// Listens; call it in a runtime. Port 0 takes a free one, see [`Server::address`].
    ///
    /// # Errors
    /// When the address is taken or not ours.
    pub fn bind(listen: SocketAddr) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(listen)?;
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let guard = Guard::new(watch::channel(None).1);
        Ok(Self { address: listener.local_addr()?, listener, meter: Meter::default(), guard })
    }

    /// The same, with what this meter counts under `/metrics`.
    #[must_use]
    pub fn with_meter(self, meter: Meter) -> Self {
        Self { meter, ..self }
    }

    /// Shows what it knows only to who has the token of the moment, where there is one; see `server.token`.
    #[must_use]
    pub fn guarded_by(self, token: watch::Receiver<Option<Secret>>) -> Self {
        Self { guard: Guard::new(token), ..self }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves what `source` says (a status, or why the store can't be read) and the `pulse` until it is stopped.
    ///
    /// # Errors
    /// When the listener fails for good.
    pub async fn serve<F, R>(
        self,
        source: F,
        pulse: watch::Receiver<Pulse>,
        stop: CancellationToken,
    ) -> io::Result<()>
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<Status, String>> + Send + 'static,
    {
        let source: Source = Box::new(move || Box::pin(source()));
        let cached = Cached { source, last: Mutex::new(None) };
        let metrics = Metrics::new(self.meter);
        let routes = routes(Arc::new(Known { cached, metrics, pulse, guard: self.guard }), self.address.ip());
        let serving = axum::serve(BoundedListener::new(self.listener), routes)
            .with_graceful_shutdown(stop.clone().cancelled_owned());
        let drained = async {
            stop.cancelled().await;
            tokio::time::sleep(DRAIN).await;
        };
        tokio::select! {
            served = serving.into_future() => served,
            () = drained => Ok(()),
        }
    }
}

/// The source, asked by one at a time and not again while its answer is fresh.
struct Cached {
    source: Source,
    last: Mutex<Option<(Instant, Reading)>>,
}

impl Cached {
    async fn read(&self) -> Reading {
        let mut last = self.last.lock().await;
        if let Some((at, reading)) = &*last
            && at.elapsed() < FRESH
        {
            return Arc::clone(reading);
        }
        let reading = timeout(LONGEST_READ, (self.source)())
            .await
            .unwrap_or_else(|_| Err(format!("no answer for {} s", LONGEST_READ.as_secs())));
        let reading = Arc::new(reading);
        *last = Some((Instant::now(), Arc::clone(&reading)));
        reading
    }
}

/// What every request may need.
struct Known {
    cached: Cached,
    metrics: Metrics,
    pulse: watch::Receiver<Pulse>,
    guard: Guard,
}

type Shared = Arc<Known>;

fn routes(known: Shared, listening: IpAddr) -> Router {
    // What holds data; the rest is the same for everybody.
    let guarded = Router::new()
        .route("/api/status", get(api_status))
        .route("/metrics", get(scrape))
        .route_layer(middleware::from_fn_with_state(Arc::clone(&known), guard::with_token));
    Router::new()
        .merge(page::routes())
        .route("/runbook", page::asset("text/html; charset=utf-8", runbook::page()))
        .route("/runbook.css", page::asset("text/css; charset=utf-8", runbook::STYLE))
        .route("/healthz", get(|State(known): State<Shared>| async move { healthz(&known.pulse) }))
        .route("/readyz", get(readyz))
        .merge(guarded)
        .fallback(|| async { (StatusCode::NOT_FOUND, "there is nothing here\n") })
        .with_state(known)
        .layer(middleware::from_fn(move |request, next| guarded_by_name(listening, request, next)))
}

/// Whether a restart would help. What only a person can mend is for `/readyz`.
fn healthz(pulse: &watch::Receiver<Pulse>) -> Response {
    match pulse.borrow().check() {
        Ok(()) => "ok\n".into_response(),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response(),
    }
}

async fn readyz(State(known): State<Shared>, headers: HeaderMap) -> Response {
    let reasons = match &*known.cached.read().await {
        Ok(status) => reasons(status),
        Err(failure) => vec![Reason::store_failing(failure)],
    };
    let code = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let mut body = json!({ "ready": reasons.is_empty() });
    // A probe has no token and needs the code alone; the reasons name accounts and receivers.
    if known.guard.admits(&headers).await {
        body["reasons"] = json!(reasons);
    }
    (code, Json(body)).into_response()
}

/// Answered whatever the store does: a scrape that fails hides everything.
async fn scrape(State(known): State<Shared>, headers: HeaderMap) -> Response {
    let accept = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let format = Format::asked(accept);
    match known.metrics.text(&known.cached.read().await, format) {
        Ok(text) => ([(header::CONTENT_TYPE, format.content_type())], text).into_response(),
        Err(fmt::Error) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn api_status(State(known): State<Shared>) -> Response {
    match &*known.cached.read().await {
        Ok(status) => Json(status).into_response(),
        Err(failure) => {
            let error = Reason::store_failing(failure).message;
            (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "error": error }))).into_response()
        }
    }
}

/// Turns strange names away and puts the headers on every answer.
async fn guarded_by_name(listening: IpAddr, request: Request, next: Next) -> Response {
    let mut response = if listening.is_loopback() && !guard::names_loopback(&request) {
        let refusal = "auditferry listens on loopback and answers to localhost, 127.0.0.1 and [::1] alone\n";
        (StatusCode::MISDIRECTED_REQUEST, refusal).into_response()
    } else {
        next.run(request).await
    };
    for (name, value) in SECURITY_HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests;
