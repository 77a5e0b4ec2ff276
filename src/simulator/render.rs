//! Events as the products' JSON, written by hand: a page of 200 takes well under a millisecond.

use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::actions::ObjectId;
use super::endpoint::Stream;
use super::people::{PORTAL_ID, Person};
use super::timeline::{Entry, Timeline};

/// The first id of a login; ids rise with the order of creation.
const FIRST_LOGIN_ID: u64 = 4_862_485_159;
/// The first id of a security action.
const FIRST_SECURITY_ID: u64 = 357_371_136;
/// Brevo's examples show dates at this offset.
const INDIA_MINUTES: i64 = 330;

/// What changes how the same event looks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    /// For records that were handed in.
    pub timeline: &'a Timeline,
    /// The time of the query.
    pub now_ms: i64,
    /// Until when after its event a `location` is missing.
    pub location_after_ms: i64,
}

impl View<'_> {
    /// Appends the record of an event.
    pub(crate) fn write(&self, stream: Stream, entry: &Entry, out: &mut String) {
        if let Some(index) = entry.action.given_index() {
            out.push_str(self.timeline.given(index));
            return;
        }
        match stream {
            Stream::AuditLogs => write_audit(entry, out),
            Stream::Login => self.write_login(entry, out),
            Stream::Security => self.write_security(entry, out),
            Stream::Activities => write_activity(entry, out),
        }
    }

    fn located(&self, entry: &Entry) -> bool {
        self.now_ms - entry.time_ms >= self.location_after_ms
    }

    fn write_login(&self, entry: &Entry, out: &mut String) {
        let (person, origin) = (entry.action.person(), entry.action.origin);
        let place = person.place(origin);
        let id = FIRST_LOGIN_ID + entry.serial * 3;
        let _ = write!(out, r#"{{"id":"{id}","loginAt":""#);
        push_time(out, entry.time_ms, 0, true);
        let _ = write!(out, r#"","userId":{},"email":""#, person.user_id());
        push_email(out, person);
        let _ = write!(out, r#"","loginSucceeded":{},"ipAddress":""#, entry.action.succeeded());
        person.write_address(origin, out);
        // One login in ten has no location.
        if self.located(entry) && !entry.action.variant.is_multiple_of(10) {
            let _ = write!(out, r#"","location":"{}"#, place.location);
        }
        let _ = write!(
            out,
            r#"","userAgent":"{}","countryCode":"{}","regionCode":"{}"}}"#,
            person.user_agent(origin),
            place.country,
            place.region
        );
    }

    fn write_security(&self, entry: &Entry, out: &mut String) {
        let action = &entry.action;
        let (person, place) = (action.person(), action.person().place(action.origin));
        let id = FIRST_SECURITY_ID + entry.serial * 3;
        let _ = write!(out, r#"{{"id":"{id}","createdAt":""#);
        push_time(out, entry.time_ms, 0, true);
        let _ = write!(
            out,
            r#"","userId":{},"type":"{}","actingUser":""#,
            person.user_id(),
            action.security_type()
        );
        push_email(out, person);
        out.push_str(r#"","objectId":""#);
        push_object(out, action.object_id(Stream::Security));
        // One action in five is known by its actor alone; the real API then sends nulls.
        if action.variant.is_multiple_of(5) {
            out.push_str(
                r#"","infoUrl":null,"location":null,"ipAddress":null,"countryCode":null,"regionCode":null}"#,
            );
            return;
        }
        let _ = write!(out, r#"","infoUrl":"app.hubspot.com/settings/{PORTAL_ID}/users","location":"#);
        if self.located(entry) {
            let _ = write!(out, r#""{}""#, place.location);
        } else {
            out.push_str("null");
        }
        out.push_str(r#","ipAddress":""#);
        person.write_address(action.origin, out);
        let _ = write!(out, r#"","countryCode":"{}","regionCode":"{}"}}"#, place.country, place.region);
    }
}

fn write_audit(entry: &Entry, out: &mut String) {
    let action = &entry.action;
    let words = action.audit_words();
    let object = action.object_id(Stream::AuditLogs);
    out.push_str(r#"{"id":""#);
    push_audit_id(out, words.category, object, words.action, entry.time_ms);
    let _ = write!(
        out,
        r#"","category":"{}","subCategory":"{}","action":"{}","targetObjectId":""#,
        words.category, words.sub_category, words.action
    );
    push_object(out, object);
    out.push_str(r#"","occurredAt":""#);
    push_time(out, entry.time_ms, 0, true);
    let _ = write!(out, r#"","actingUser":{{"userId":{},"userEmail":""#, action.person().user_id());
    push_email(out, action.person());
    out.push_str(r#""}}"#);
}

fn write_activity(entry: &Entry, out: &mut String) {
    let action = &entry.action;
    let person = action.person();
    // By the second: rows of one second that agree in who and what are equal, as far as anybody can tell.
    let variant = entry.time_ms.unsigned_abs() / 1_000;
    let _ = write!(out, r#"{{"action":"{}","date":""#, action.brevo_action());
    // Both forms of the documentation occur: an offset and `Z`, both without a fraction.
    let offset = if variant.is_multiple_of(2) { INDIA_MINUTES } else { 0 };
    push_time(out, entry.time_ms, offset, false);
    out.push_str(r#"","user_email":""#);
    push_email(out, person);
    out.push_str(r#"","user_ip":""#);
    person.write_address(action.origin, out);
    let _ = write!(out, r#"","user_agent":"{}""#, person.user_agent(action.origin));
    // The documented example has a `count` in one of its rows.
    if variant % 50 == 7 {
        out.push_str(r#","count":2"#);
    }
    out.push('}');
}

/// An id as HubSpot's look: Base64 of a masked text of category, portal, object, action and millisecond.
/// Sub-category and actor are not in it, so two events of one millisecond can share it.
fn push_audit_id(out: &mut String, category: &str, object: ObjectId, action: &str, time_ms: i64) {
    const MASK: &[u8] = b"hidden-in-plain-sight";
    let mut text = String::with_capacity(80);
    let _ = write!(text, "{category}-{PORTAL_ID}-");
    push_object(&mut text, object);
    let _ = write!(text, "-{action}-{time_ms}");
    let masked: Vec<u8> = text.bytes().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
    push_base64(out, &masked);
}

/// Base64 with the standard alphabet and padding (RFC 4648 section 4).
pub(crate) fn push_base64(out: &mut String, bytes: &[u8]) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or_default());
        let group = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let digit = ALPHABET[(group >> (18 - 6 * at) & 63) as usize];
            out.push(if at > chunk.len() { '=' } else { char::from(digit) });
        }
    }
}

fn push_object(out: &mut String, object: ObjectId) {
    match object {
        ObjectId::Number(number) => {
            let _ = write!(out, "{number}");
        }
        ObjectId::Name(name) => out.push_str(name),
    }
}

fn push_email(out: &mut String, person: Person) {
    out.push_str(person.mailbox());
    out.push('@');
    out.push_str(person.domain());
}

/// RFC 3339, so many minutes ahead of UTC; with milliseconds or whole seconds.
pub(crate) fn push_time(out: &mut String, time_ms: i64, ahead_minutes: i64, millis: bool) {
    let shown =
        Timestamp::from_millisecond(time_ms + ahead_minutes * 60_000).unwrap_or(Timestamp::UNIX_EPOCH);
    let civil = TimeZone::UTC.to_datetime(shown);
    let _ = write!(out, "{:04}-{:02}-{:02}T", civil.year(), civil.month(), civil.day());
    let _ = write!(out, "{:02}:{:02}:{:02}", civil.hour(), civil.minute(), civil.second());
    if millis {
        let _ = write!(out, ".{:03}", civil.millisecond());
    }
    if ahead_minutes == 0 {
        out.push('Z');
    } else {
        let sign = if ahead_minutes < 0 { '-' } else { '+' };
        let _ = write!(out, "{sign}{:02}:{:02}", ahead_minutes.abs() / 60, ahead_minutes.abs() % 60);
    }
}
