//! QRadar's Log Event Extended Format, version 2.0: `LEEF:2.0|vendor|product|version|event|^|key=value^…`.
//! Keys and lengths are those of IBM's "QRadar LEEF Guide".

use std::net::IpAddr;

use super::text::{
    self, VENDOR, breaks, clean, detail_text, header_field, longest, own_key, severity, user_name,
};
use super::{Detail, Observer};
use crate::event::{Event, Origin, StoredEvent, User};

/// Between pairs. Not the tab of LEEF 1.0: relays such as rsyslog rewrite control characters. Written as itself,
/// because SC4S does not understand `x5E`.
const DELIMITER: char = '^';
/// Of the header. SC4S looks for the pairs behind the last one.
const PIPE: char = '|';

/// Characters of EventID and of names at most.
const LONGEST: usize = 255;

/// `devTimeFormat`: of the patterns in IBM's guide the one that says the zone; SC4S knows it, too.
const TIME_FORMAT: &str = "MMM dd yyyy HH:mm:ss.SSS z";
/// The same for [`jiff`].
const TIME: &str = "%b %d %Y %H:%M:%S.%3f GMT";

/// Writes events as lines of LEEF.
#[derive(Debug, Clone)]
pub struct LeefEncoder {
    include_original: bool,
    observer: Observer,
}

impl LeefEncoder {
    /// An encoder that writes the provider's record only when `include_original` says so.
    pub fn new(include_original: bool, observer: &Observer) -> Self {
        Self { include_original, observer: observer.clone() }
    }

    /// Appends the event to `out`, without a line feed.
    pub(super) fn encode(&self, event: &StoredEvent, detail: Detail, out: &mut Vec<u8>) {
        let stored = event;
        let event = stored.event();
        self.push_header(&event, out);
        let mut to = Attributes { out, longest: longest(detail) };
        to.put("eventId", &stored.id.to_string());
        to.put("sequence", &stored.sequence.to_string());
        to.put("dataset", &event.event.dataset);
        to.put("source", &stored.stream.source);
        to.put("stream", &stored.stream.stream);
        to.put("collectorHost", &self.observer.hostname);
        push_what(&event, &mut to);
        if let Some(user) = &event.user {
            push_users(user, &mut to);
        }
        if let Some(source) = &event.source {
            push_source(source, &mut to);
        }
        for (name, value) in &event.auditferry.details {
            to.put(&own_key(name), &detail_text(value));
        }
        if detail != Detail::Full {
            to.put("shortened", "yes");
        } else if self.include_original {
            to.put("original", &text::record(&stored.original, is_refused));
        }
    }

    fn push_header(&self, event: &Event, out: &mut Vec<u8>) {
        let field = |text: &str| header_field(text, LONGEST, is_refused);
        let header = [
            "LEEF:2.0",
            VENDOR,
            &field(&event.event.module),
            &field(&self.observer.version),
            &field(&event.event.action),
        ];
        out.extend_from_slice(header.join("|").as_bytes());
        // The first pair, which needs no delimiter in front.
        let first = format!("|{DELIMITER}|cat={}", event.auditferry.activity.name());
        out.extend_from_slice(first.as_bytes());
    }
}

fn is_refused(char: char) -> bool {
    breaks(char) || matches!(char, DELIMITER | PIPE)
}

fn push_what(event: &Event, to: &mut Attributes<'_>) {
    let fields = &event.event;
    to.put("devTime", &event.timestamp.strftime(TIME).to_string());
    to.put("devTimeFormat", TIME_FORMAT);
    to.put("sev", severity(fields.severity));
    to.maybe("outcome", text::outcome(fields));
    to.maybe("reason", fields.reason.as_deref());
    to.maybe("message", event.message.as_deref());
    to.maybe("code", fields.code.as_deref());
    to.put("collected", &fields.created.strftime(TIME).to_string());
    let organization = event.organization.as_ref();
    to.maybe("organizationId", organization.map(|organization| organization.id.as_str()));
    to.maybe("organizationName", organization.and_then(|organization| organization.name.as_deref()));
    let object = event.auditferry.object.as_ref();
    to.maybe("objectType", object.and_then(|object| object.kind.as_deref()));
    to.maybe("objectId", object.and_then(|object| object.id.as_deref()));
    to.maybe("userAgent", event.user_agent.as_ref().map(|agent| agent.original.as_str()));
    to.maybe("error", event.error.as_ref().map(|error| error.message.as_str()));
}

fn push_users(user: &User, to: &mut Attributes<'_>) {
    to.name("usrName", user_name(user).or(user.id.as_deref()));
    to.maybe("userId", user.id.as_deref());
    to.maybe("userFullName", user.email.as_ref().and(user.name.as_deref()));
    to.maybe("domain", user.domain.as_deref());
    if let Some(target) = &user.target {
        to.name("accountName", user_name(target).or(target.id.as_deref()));
        to.maybe("accountId", target.id.as_deref());
        to.maybe("accountFullName", target.email.as_ref().and(target.name.as_deref()));
    }
}

fn push_source(source: &Origin, to: &mut Attributes<'_>) {
    let address = source.ip.as_deref().or(source.address.as_deref());
    let is_ip = address.is_some_and(|address| address.parse::<IpAddr>().is_ok());
    to.maybe(if is_ip { "src" } else { "sourceAddress" }, address);
    if let Some(geo) = &source.geo {
        to.maybe("location", geo.name.as_deref());
        to.maybe("country", geo.country_iso_code.as_deref().or(geo.country_name.as_deref()));
        to.maybe("region", geo.region_iso_code.as_deref());
    }
}

/// The pairs behind the header and the first of them.
struct Attributes<'a> {
    out: &'a mut Vec<u8>,
    /// Characters of a value at most.
    longest: usize,
}

impl Attributes<'_> {
    /// Appends `^key=value`. A value that says nothing is left out.
    fn put(&mut self, key: &str, value: &str) {
        let value = clean(value, self.longest, is_refused);
        if !value.is_empty() {
            self.out.extend_from_slice(format!("{DELIMITER}{key}={value}").as_bytes());
        }
    }

    fn maybe(&mut self, key: &str, value: Option<&str>) {
        self.put(key, value.unwrap_or_default());
    }

    /// A name, which QRadar takes up to a length.
    fn name(&mut self, key: &str, value: Option<&str>) {
        self.put(key, &clean(value.unwrap_or_default(), LONGEST, is_refused));
    }
}

#[cfg(test)]
mod tests;
