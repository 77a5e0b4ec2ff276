//! ArcSight's Common Event Format, version 0: `CEF:0|vendor|product|version|class|name|severity|key=value …`.
//! Keys, escapes and lengths are those of the "CEF Implementation Standard" of OpenText's SmartConnectors 25.1.

use std::net::IpAddr;

use super::text::{
    self, VENDOR, breaks, clean, detail_text, header_field, longest, own_key, severity, user_name,
};
use super::{Detail, Observer};
use crate::event::{Event, Origin, StoredEvent, User};

/// Characters of `deviceVersion`, `deviceEventClassId` and `name`. Longer ones are cut; values of the extension
/// are not, because most receivers know no lengths.
const LONGEST_VERSION: usize = 31;
const LONGEST_CLASS: usize = 1_023;
const LONGEST_NAME: usize = 512;

/// Writes events as lines of CEF.
#[derive(Debug, Clone)]
pub struct CefEncoder {
    include_original: bool,
    observer: Observer,
}

impl CefEncoder {
    /// An encoder that writes the provider's record only when `include_original` says so.
    pub fn new(include_original: bool, observer: &Observer) -> Self {
        Self { include_original, observer: observer.clone() }
    }

    /// Appends the event to `out`, without a line feed.
    pub(super) fn encode(&self, event: &StoredEvent, detail: Detail, out: &mut Vec<u8>) {
        let stored = event;
        let event = stored.event();
        self.push_header(&event, out);
        let mut extension = Extension { out, longest: longest(detail), is_first: true };
        extension.put("rt", &event.timestamp.as_millisecond().to_string());
        extension.put("externalId", &stored.id.to_string());
        extension.put("dvchost", &self.observer.hostname);
        push_what(&event, &mut extension);
        if let Some(user) = &event.user {
            push_users(user, &mut extension);
        }
        if let Some(source) = &event.source {
            push_source(source, &mut extension);
        }
        push_details(&event, &mut extension);
        if detail != Detail::Full {
            extension.put("auditferryShortened", "yes");
        } else if self.include_original {
            extension.put("rawEvent", &text::record(&stored.original, breaks));
        }
        extension.custom("cs3", "Source", Some(&stored.stream.source));
        // Last, as spaces at the end of the last value would be lost, and this one has none.
        extension.custom("cn1", "Sequence", Some(&stored.sequence.to_string()));
    }

    fn push_header(&self, event: &Event, out: &mut Vec<u8>) {
        let field = |text: &str, longest| {
            header_field(text, longest, breaks).replace('\\', "\\\\").replace('|', "\\|")
        };
        let action = &event.event.action;
        let header = [
            "CEF:0",
            VENDOR,
            &field(&event.event.module, LONGEST_VERSION),
            &field(&self.observer.version, LONGEST_VERSION),
            &field(action, LONGEST_CLASS),
            &field(&name(action), LONGEST_NAME),
            severity(event.event.severity),
            "",
        ];
        out.extend_from_slice(header.join("|").as_bytes());
    }
}

/// The action for people, the same for each: `add-admin-user` as `Add admin user`.
fn name(action: &str) -> String {
    let words = action.replace('-', " ");
    let mut chars = words.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

fn push_what(event: &Event, to: &mut Extension<'_>) {
    let fields = &event.event;
    to.put("cat", &event.auditferry.activity.name());
    to.put("act", &fields.action);
    to.maybe("outcome", text::outcome(fields));
    to.maybe("reason", fields.reason.as_deref());
    to.maybe("msg", event.message.as_deref());
    to.put("deviceFacility", &fields.dataset);
    let organization = event.organization.as_ref();
    to.maybe("deviceExternalId", organization.map(|organization| organization.id.as_str()));
    to.maybe(
        "auditferryOrganizationName",
        organization.and_then(|organization| organization.name.as_deref()),
    );
    let object = event.auditferry.object.as_ref();
    to.custom("cs1", "Object Type", object.and_then(|object| object.kind.as_deref()));
    to.custom("cs2", "Object ID", object.and_then(|object| object.id.as_deref()));
    to.custom("cs4", "Code", fields.code.as_deref());
    to.custom("deviceCustomDate1", "Collected", Some(&fields.created.as_millisecond().to_string()));
    let agent = event.user_agent.as_ref();
    to.maybe("requestClientApplication", agent.map(|agent| agent.original.as_str()));
}

fn push_users(user: &User, to: &mut Extension<'_>) {
    to.maybe("suser", user_name(user));
    to.maybe("suid", user.id.as_deref());
    // The name besides the address.
    to.maybe("auditferryUserName", user.email.as_ref().and(user.name.as_deref()));
    if let Some(target) = &user.target {
        to.maybe("duser", user_name(target));
        to.maybe("duid", target.id.as_deref());
        to.maybe("auditferryTargetUserName", target.email.as_ref().and(target.name.as_deref()));
    }
}

fn push_source(source: &Origin, to: &mut Extension<'_>) {
    let address = source.ip.as_deref().or(source.address.as_deref());
    match address.map(str::parse) {
        Some(Ok(IpAddr::V4(_))) => to.maybe("src", address),
        // `src` takes IPv4 alone; this is where ArcSight keeps the other.
        Some(Ok(IpAddr::V6(_))) => to.custom("c6a2", "Source IPv6 Address", address),
        _ => to.maybe("shost", address),
    }
    if let Some(geo) = &source.geo {
        to.custom("cs5", "Location", geo.name.as_deref());
        let country = geo.country_iso_code.as_deref().or(geo.country_name.as_deref());
        to.custom("cs6", "Country", country);
        to.maybe("auditferrySourceRegion", geo.region_iso_code.as_deref());
    }
}

fn push_details(event: &Event, to: &mut Extension<'_>) {
    for (name, value) in &event.auditferry.details {
        to.put(&own_key(name), &detail_text(value));
    }
    to.maybe("auditferryError", event.error.as_ref().map(|error| error.message.as_str()));
}

/// The pairs behind the header.
struct Extension<'a> {
    out: &'a mut Vec<u8>,
    /// Characters of a value at most.
    longest: usize,
    is_first: bool,
}

impl Extension<'_> {
    /// Appends ` key=value`. A value that says nothing is left out.
    fn put(&mut self, key: &str, value: &str) {
        // Line breaks have an escape.
        let value = clean(value, self.longest, |char| breaks(char) && !matches!(char, '\n' | '\r'));
        if value.is_empty() {
            return;
        }
        if !self.is_first {
            self.out.push(b' ');
        }
        self.is_first = false;
        self.out.extend_from_slice(key.as_bytes());
        self.out.push(b'=');
        for byte in value.bytes() {
            match byte {
                b'\\' | b'=' => self.out.extend_from_slice(&[b'\\', byte]),
                b'\n' => self.out.extend_from_slice(b"\\n"),
                b'\r' => self.out.extend_from_slice(b"\\r"),
                _ => self.out.push(byte),
            }
        }
    }

    fn maybe(&mut self, key: &str, value: Option<&str>) {
        self.put(key, value.unwrap_or_default());
    }

    /// Appends a field that gets its meaning from its label, with the label.
    fn custom(&mut self, key: &str, label: &str, value: Option<&str>) {
        let end = self.out.len();
        self.maybe(key, value);
        if self.out.len() > end {
            self.put(&format!("{key}Label"), label);
        }
    }
}

#[cfg(test)]
mod tests;
