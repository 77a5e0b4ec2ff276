//! What the tests of all providers share.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::Value;

use super::{About, Page, PageToken, Provider, Query, Record, StreamSpec, TimeRange, Unit};
use crate::event::{Account, EventId, IdentityScope, Kind, Word};
use crate::exchange::{Headers, Reply};

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(super) fn query(limit: u32) -> Query {
    Query { range: None, unit: Unit::Primary, limit, at: PageToken::First }
}

pub(super) fn range(from: &str, to: Option<&str>) -> Option<TimeRange> {
    Some(TimeRange { from: at(from), to: to.map(at) })
}

pub(super) fn stream(provider: &impl Provider, name: &str) -> &'static StreamSpec {
    provider.streams().iter().find(|stream| stream.name == name).unwrap()
}

pub(super) fn reply(status: u16, headers: &[(&str, &str)], body: &str) -> Reply {
    Reply {
        status,
        headers: Headers::new(
            headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
        ),
        body: Bytes::from(body.to_owned()),
        elapsed: Duration::ZERO,
    }
}

/// The only record of a page that holds this row.
pub(super) fn record(provider: &impl Provider, stream_name: &str, row: &str) -> Record {
    let member = if provider.name() == "brevo" { "logs" } else { "results" };
    let body = Bytes::from(format!(r#"{{"{member}":[{row}]}}"#));
    let page = provider.read_page(stream(provider, stream_name), &query(100), &body).unwrap();
    let [record] = <[Record; 1]>::try_from(page.records).unwrap();
    assert_eq!(record.text, row.trim());
    record
}

pub(super) fn id(provider: &impl Provider, stream_name: &str, row: &str) -> EventId {
    let scope = IdentityScope::new(provider.name(), "42", stream_name);
    scope.id(&record(provider, stream_name, row).identity, None)
}

/// The event of a record as JSON.
pub(super) fn event(provider: &impl Provider, stream_name: &str, record: &Record) -> Value {
    let account = Account { id: "42".into(), name: None };
    let about = About {
        id: EventId::from_bytes([0xab; 16]),
        source: "crm",
        account: &account,
        collected: at("2026-11-22T10:00:00.123456Z"),
    };
    let core = provider.event(stream(provider, stream_name), record, &about).to_core();
    serde_json::from_str(&core).unwrap()
}

/// Reads pages of records whose members hold anything, and pages with bytes changed at random: nothing
/// panics, every readable page gives its rows, and every event is a valid one.
pub(super) fn survive_anything(provider: &impl Provider, fields: &[&str]) {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let member = if provider.name() == "brevo" { "logs" } else { "results" };
    for _ in 0..500 {
        let rows: Vec<String> = (0..random.usize(..4)).map(|_| any_row(&mut random, fields)).collect();
        let text = format!(r#"{{"{member}":[{}],"paging":{}}}"#, rows.join(","), any_json(&mut random, 0));
        let mut bytes = text.into_bytes();
        for spec in provider.streams() {
            let page = provider.read_page(spec, &query(2), &Bytes::from(bytes.clone())).unwrap();
            assert_eq!(page.records.len(), rows.len());
            check_events(provider, spec, &page);
        }
        for _ in 0..random.usize(1..4) {
            let at = random.usize(..bytes.len());
            bytes[at] = random.u8(..);
        }
        bytes.truncate(random.usize(bytes.len() / 2..=bytes.len()));
        for spec in provider.streams() {
            if let Ok(page) = provider.read_page(spec, &query(2), &Bytes::from(bytes.clone())) {
                check_events(provider, spec, &page);
            }
            let refused = Reply { body: Bytes::from(bytes.clone()), ..reply(random.u16(100..600), &[], "") };
            provider.read_refusal(Some(spec), &refused, Timestamp::UNIX_EPOCH);
        }
        let _ = provider.read_account(&bytes);
    }
}

fn check_events(provider: &impl Provider, spec: &StreamSpec, page: &Page) {
    let words = |list: &[&'static str]| list.iter().map(|word| Word::from(*word)).collect::<Vec<_>>();
    for record in &page.records {
        provider.is_mirrored(spec, record);
        let account = Account { id: "42".into(), name: None };
        let about = About {
            id: EventId::from_bytes([0; 16]),
            source: "s",
            account: &account,
            collected: Timestamp::UNIX_EPOCH,
        };
        let event = provider.event(spec, record, &about);
        // What ECS allows follows from the activity, and is tested there.
        let class = event.auditferry.activity.ecs();
        assert_eq!(
            (&*event.event.category, &*event.event.types),
            (&*words(class.category), &*words(class.types))
        );
        let ip = event.source.as_ref().and_then(|source| source.ip.as_deref());
        assert!(ip.is_none_or(|ip| ip.parse::<std::net::IpAddr>().is_ok()));
        assert_eq!(event.related.ip, Vec::from_iter(ip));
        assert!(!event.event.action.is_empty() && !event.event.provider.is_empty());
        assert_eq!(event.error.is_some(), event.event.kind == Kind::PipelineError);
        assert_eq!(event.error.is_some(), record.time.is_none());
        let core: crate::event::Event = serde_json::from_str(&event.to_core()).unwrap();
        assert_eq!(core.event.action, event.event.action);
        let message = core.message.unwrap();
        assert!(!message.is_empty() && !message.contains(char::is_control), "{message}");
    }
}

fn any_row(random: &mut fastrand::Rng, fields: &[&str]) -> String {
    if random.u8(..20) == 0 {
        return any_json(random, 0);
    }
    let mut members = Vec::new();
    for field in fields {
        if random.u8(..8) > 0 {
            members.push(format!("{}:{}", Value::from(*field), any_json(random, 0)));
        }
    }
    format!("{{{}}}", members.join(", "))
}

fn any_json(random: &mut fastrand::Rng, depth: usize) -> String {
    const SCALARS: [&str; 32] = [
        "null",
        "true",
        "false",
        "0",
        "-1",
        "1e999",
        "1710000000",
        "1710000000123",
        "184467440737095516151",
        r#""""#,
        r#"" ""#,
        r#""\ud800""#,
        r#""\udc00\ud800 login-\ud83d""#,
        r#""\u0000\n""#,
        r#""\u001b[31m\u0085\u2028\u202e\u007f""#,
        "\"\u{85}\u{2028}\u{202e}\u{7f}\u{feff}\"",
        r#""é@ü""#,
        r#""a@b@example.com""#,
        r#""LOGIN""#,
        r#""CRITICAL_ACTION""#,
        r#""ADD_ADMIN_USER""#,
        r#""DELETED""#,
        r#""CONTENT_SETTINGS""#,
        r#""login-failed""#,
        r#""login-failed-\u0000--wrong""#,
        r#""2025-02-07T14:12:13.544Z""#,
        r#""-009999-01-02T01:59:59Z""#,
        r#""::ffff:1.2.3.4""#,
        r#""[2001:db8::1]:99999""#,
        r#""Mozilla/5.0 (Windows NT 10.0; MSIE 9.0; ""#,
        r#""us""#,
        r#"",,ß,""#,
    ];
    match random.u8(..80) {
        0..8 if depth < 3 => {
            let items: Vec<_> = (0..random.usize(..3)).map(|_| any_json(random, depth + 1)).collect();
            format!("[{}]", items.join(" ,"))
        }
        8..16 if depth < 3 => {
            let names = ["userId", "userEmail", "next", "after", "é"];
            let members: Vec<_> = (0..random.usize(..3))
                .map(|_| format!(r#""{}": {}"#, names[random.usize(..5)], any_json(random, depth + 1)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        16 => {
            let depth = random.usize(1..300);
            format!("{}{}", "[".repeat(depth), "]".repeat(depth))
        }
        17 => {
            let piece = ["a", "é", "\\u0001", "\\\"", "🦀", "a@", "login-", "1.", ",", "AAAA_"];
            format!("\"{}\"", piece[random.usize(..piece.len())].repeat(random.usize(..600)))
        }
        _ => SCALARS[random.usize(..SCALARS.len())].to_owned(),
    }
}
