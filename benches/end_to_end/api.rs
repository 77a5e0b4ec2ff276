//! The stand-in for the provider: HubSpot's audit logs with as many events as are wanted, from memory.

use std::io::Write;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use crate::arguments::Arguments;
use crate::peer::{nanoseconds_now, say};
use crate::serve::{self, Serve};

/// The age of the newest event: beyond any doubt about whose clock is right.
const NEWEST: i64 = 600_000;
const DAY: u64 = 86_400_000;

/// Serves until the standard input ends.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let log = Arc::new(Log::new(arguments.events, arguments.days));
    serve::until_end(&log, Duration::from_millis(arguments.delay_ms))?;
    say(&json!({
        "requests": log.requests.load(Ordering::Relaxed),
        "first": log.first.load(Ordering::Relaxed),
    }));
    Ok(())
}

/// Events of about 600 bytes in order of time, evenly spread.
struct Log {
    /// All of them, separated by commas, and where each begins.
    text: Vec<u8>,
    starts: Vec<usize>,
    /// Milliseconds since 1970 of the first, and between two.
    oldest: i64,
    step: i64,
    requests: AtomicU64,
    first: AtomicU64,
}

impl Log {
    fn new(events: u64, days: u64) -> Self {
        let step = i64::try_from((days * DAY / events.max(1)).max(1)).unwrap_or(1);
        let span = step * i64::try_from(events).unwrap_or(0);
        let oldest = Timestamp::now().as_millisecond() - NEWEST - span;
        let mut log = Self {
            text: Vec::with_capacity(usize::try_from(events * 620).unwrap_or(0)),
            starts: Vec::new(),
            oldest,
            step,
            requests: AtomicU64::new(0),
            first: AtomicU64::new(0),
        };
        let mut time = oldest;
        for number in 0..events {
            log.starts.push(log.text.len());
            let when = Timestamp::from_millisecond(time).unwrap_or_default();
            write_event(&mut log.text, number, when);
            log.text.push(b',');
            time += step;
        }
        log.starts.push(log.text.len());
        log
    }

    /// The first event that is not older than this.
    fn from(&self, time: i64) -> usize {
        let steps = (time - self.oldest + self.step - 1).div_euclid(self.step);
        usize::try_from(steps).unwrap_or(0).min(self.len())
    }

    fn len(&self) -> usize {
        self.starts.len() - 1
    }

    fn page(&self, events: Range<usize>, more: bool, answer: &mut Vec<u8>) {
        answer.extend_from_slice(b"{\"results\":[");
        if !events.is_empty() {
            answer.extend_from_slice(&self.text[self.starts[events.start]..self.starts[events.end] - 1]);
        }
        answer.push(b']');
        if more {
            // Writing into memory can't fail.
            let _ = write!(answer, ",\"paging\":{{\"next\":{{\"after\":\"{}\"}}}}", events.end);
        }
        answer.push(b'}');
    }
}

impl Serve for Log {
    fn answer(&self, target: &str, _body: &[u8], answer: &mut Vec<u8>) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let _ = self.first.compare_exchange(0, nanoseconds_now(), Ordering::Relaxed, Ordering::Relaxed);
        let (mut from, mut to, mut limit) = (0, self.len(), 100);
        let query = target.split_once('?').map_or("", |(_, query)| query);
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let time = || value.to_uppercase().parse::<Timestamp>().map_or(0, Timestamp::as_millisecond);
            match &*name {
                "occurredafter" => from = from.max(self.from(time())),
                "occurredbefore" => to = to.min(self.from(time() + 1)),
                "after" => from = from.max(value.parse().unwrap_or(0)),
                "limit" => limit = value.parse().unwrap_or(limit).min(200),
                _ => {}
            }
        }
        let end = (from + limit).min(to).max(from);
        self.page(from..end, end < to, answer);
    }
}

/// One record. Its number is what the receiver tells it by: `evt-` and ten digits.
fn write_event(to: &mut Vec<u8>, number: u64, when: Timestamp) {
    const KINDS: [(&str, &str, &str); 5] = [
        ("SECURITY_ACTIVITY", "API_KEY", "PERFORM"),
        ("CRM_OBJECT", "CONTACT_PROPERTY_VALUE", "UPDATE"),
        ("PROPERTY", "PROPERTY_DEFINITION", "CREATE"),
        ("ACCOUNT_SETTINGS", "USER_PERMISSIONS", "UPDATE"),
        ("EXPORT", "LIST_EXPORT", "PERFORM"),
    ];
    // Digits that look random and are the same in every run.
    let noise = number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let more = noise.rotate_left(29).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let (category, sub_category, action) = KINDS[usize::try_from(number % 5).unwrap_or(0)];
    // Writing into memory can't fail.
    let _ = write!(
        to,
        "{{\"id\":\"evt-{number:010}\",\"category\":\"{category}\",\"subCategory\":\"{sub_category}\",\
         \"action\":\"{action}\",\"targetObjectId\":\"{}\",\"occurredAt\":\"{when:.3}\",\
         \"actingUser\":{{\"userId\":{},\"userEmail\":\"user{:04}@customer-{:03}.example.com\"}},\
         \"details\":{{\"ipAddress\":\"203.0.{}.{}\",\"countryCode\":\"NL\",\"regionCode\":\"nh\",\
         \"userAgent\":\"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
         Chrome/131.0.0.0 Safari/537.36\",\"portalId\":{},\"sessionId\":\"{noise:016x}{more:016x}\",\
         \"note\":\"r\\u00e9sum\\u00e9 \\\"quoted\\\" path C:\\\\\\\\x\"}}}}",
        noise >> 8,
        10_000_000 + noise % 89_999_999,
        noise % 10_000,
        more % 1_000,
        noise % 256,
        more % 256,
        1_000_000 + more % 8_999_999,
    );
}
