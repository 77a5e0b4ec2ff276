//! The status page, health and `/api/status` over HTTP: read only, for people and probes nearby.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::connection::BoundedListener;
use super::health::{Reason, reasons};
use super::status::Status;

/// However many ask, the store is read once in this time.
const FRESH: Duration = Duration::from_secs(1);
/// A store that takes longer than this to answer has failed, as far as a probe is concerned.
const LONGEST_READ: Duration = Duration::from_secs(3);
/// After a stop, answers that are under way get this long.
const DRAIN: Duration = Duration::from_secs(1);

/// Everything comes from here, nothing runs that is not a file of ours, nobody may frame it.
const SECURITY_HEADERS: [(HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    // One exchange a connection: an idle one would take a place.
    (header::CONNECTION, "close"),
];

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

type Reading = Arc<Result<Status, String>>;
type Source = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Status, String>> + Send>> + Send + Sync>;

/// The HTTP server, listening.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
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
        Ok(Self { address: listener.local_addr()?, listener })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves what `source` says (a status, or why the store can't be read) until it is stopped.
    ///
    /// # Errors
    /// When the listener fails for good.
    pub async fn serve<F, R>(self, source: F, stop: CancellationToken) -> io::Result<()>
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<Status, String>> + Send + 'static,
    {
        let source: Source = Box::new(move || Box::pin(source()));
        let routes = routes(Arc::new(Cached { source, last: Mutex::new(None) }), self.address.ip());
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

fn routes(status: Arc<Cached>, listening: IpAddr) -> Router {
    let asset = |kind: &'static str, text: &'static str| {
        get(move || async move { ([(header::CONTENT_TYPE, kind)], text) })
    };
    Router::new()
        .route("/", asset("text/html; charset=utf-8", PAGE))
        .route("/page.css", asset("text/css; charset=utf-8", STYLE))
        .route("/page.js", asset("text/javascript; charset=utf-8", SCRIPT))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/api/status", get(api_status))
        .fallback(|| async { (StatusCode::NOT_FOUND, "there is nothing here\n") })
        .with_state(status)
        .layer(middleware::from_fn(move |request, next| guard(listening, request, next)))
}

async fn readyz(State(status): State<Arc<Cached>>) -> Response {
    let reasons = match &*status.read().await {
        Ok(status) => reasons(status),
        Err(failure) => vec![Reason::store_failing(failure)],
    };
    let code = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Json(json!({ "ready": reasons.is_empty(), "reasons": reasons }))).into_response()
}

async fn api_status(State(status): State<Arc<Cached>>) -> Response {
    match &*status.read().await {
        Ok(status) => Json(status).into_response(),
        Err(failure) => {
            let error = Reason::store_failing(failure).message;
            (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "error": error }))).into_response()
        }
    }
}

/// Turns strange names away and puts the headers on every answer.
async fn guard(listening: IpAddr, request: Request, next: Next) -> Response {
    let mut response = if listening.is_loopback() && !names_loopback(&request) {
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

/// Whether the request is addressed to loopback. A foreign page whose name an attacker lets point to 127.0.0.1
/// (DNS rebinding) sends that name. Old probes (HTTP/1.0) send none, browsers always do.
fn names_loopback(request: &Request) -> bool {
    let Some(host) = request.headers().get(header::HOST) else { return true };
    let Ok(host) = host.to_str() else { return false };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests;
