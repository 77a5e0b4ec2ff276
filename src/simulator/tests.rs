//! What the simulator promises to those who test against it.

mod events;
mod failures;
mod queries;
mod receiving;
mod syslog;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use super::request::{Answer, Asked, Fate};
use super::*;

/// 2026-06-15T10:30:00Z, a Monday.
const START_MS: i64 = 1_781_519_400_000;

const AUDIT: &str = "/account-info/2026-09/activity/audit-logs";
const LOGIN: &str = "/account-info/v3/activity/login";
const SECURITY: &str = "/account-info/2026-03/activity/security";
const BREVO: &str = "/v3/organization/activities";

/// A simulator whose clock stands until it is moved.
struct Still {
    simulator: Simulator,
    now_ms: Arc<AtomicI64>,
}

/// A history of this many events, nothing live.
fn quiet(events: usize) -> SimulatorOptions {
    SimulatorOptions { events, rate: 0.0, ..SimulatorOptions::default() }
}

impl Still {
    fn new(options: SimulatorOptions) -> Self {
        let now_ms = Arc::new(AtomicI64::new(START_MS));
        let clock = Clock::Simulated(Arc::clone(&now_ms));
        Self { simulator: Simulator::new(&SimulatorOptions { clock, ..options }), now_ms }
    }

    fn pass(&self, ms: i64) {
        self.now_ms.fetch_add(ms, Ordering::Relaxed);
    }

    fn fate(&self, target: &str, headers: &[(&str, &str)]) -> Fate {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| {
                let name: HeaderName = name.parse().unwrap();
                (name, HeaderValue::from_str(value).unwrap())
            })
            .collect();
        let asked = Asked {
            endpoint: Endpoint::at(path).unwrap(),
            post: false,
            path: path.to_owned(),
            query: query.to_owned(),
            headers,
            body: bytes::Bytes::new(),
        };
        self.simulator.world().answer(&asked)
    }

    /// Asks with good credentials.
    fn ask(&self, target: &str) -> Answer {
        let headers = [
            ("authorization", "Bearer pat-na1-simulated"),
            ("api-key", "xkeysib-simulated"),
            ("user-agent", "test"),
        ];
        match self.fate(target, &headers) {
            Fate::Answered(answer) => answer,
            other => panic!("{target}: {other:?}"),
        }
    }

    /// The rows of one good page.
    fn rows(&self, target: &str) -> Vec<Value> {
        let page = body(&self.ask(target));
        let rows = page.get("results").or(page.get("logs"));
        rows.unwrap_or_else(|| panic!("{page}")).as_array().unwrap().clone()
    }

    /// Walks a HubSpot query to its end.
    fn walk(&self, target: &str) -> Vec<Value> {
        let (mut rows, mut after) = (Vec::new(), String::new());
        loop {
            let page = body(&self.ask(&format!("{target}{after}")));
            rows.extend(page["results"].as_array().unwrap().iter().cloned());
            let Some(cursor) = page["paging"]["next"]["after"].as_str() else { return rows };
            let encoded: String = url::form_urlencoded::byte_serialize(cursor.as_bytes()).collect();
            after = format!("&after={encoded}");
        }
    }

    fn change(&self, change: impl FnOnce(&mut Faults)) {
        let mut faults = self.simulator.faults();
        change(&mut faults);
        self.simulator.set_faults(faults);
    }

    fn truth(&self, stream: Stream) -> Vec<Value> {
        let records = self.simulator.truth(stream);
        records.iter().map(|record| serde_json::from_str(record).unwrap()).collect()
    }
}

fn body(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
}

/// The same records, whatever their order.
fn sorted(rows: &[Value]) -> Vec<String> {
    let mut texts: Vec<String> = rows.iter().map(Value::to_string).collect();
    texts.sort_unstable();
    texts
}
