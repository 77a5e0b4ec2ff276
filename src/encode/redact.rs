//! Redaction: what a sink must not learn is taken out of an event before a format writes it.
//!
//! Fields are named, but values are what is taken out: wherever in the event one stands, as a field of its own,
//! in a list or within a text. The provider's record goes as a whole, since nobody can say what all is in it.

mod replace;
mod values;

use std::net::IpAddr;
use std::sync::Arc;

use aws_lc_rs::hmac;

use self::values::Values;
use crate::event::{
    Activity, AuditFerry, Error, Event, EventFields, Geo, OWN_SOURCE, Object, OperatingSystem, Origin,
    SensitiveField, StoredEvent, Treatment, User, UserAgent,
};

/// Takes the place of what others have said, which may quote anything.
const WITHHELD: &str = "withheld: this sink gets redacted events";

/// What is done to which fields of every event.
#[derive(Clone)]
pub struct Redaction {
    rules: Vec<(SensitiveField, Treatment)>,
    key: Option<hmac::Key>,
}

impl Redaction {
    /// A redaction by these rules. `key` is that of the hashes; without one, what is to be hashed is left out.
    pub fn new(rules: Vec<(SensitiveField, Treatment)>, key: Option<&[u8]>) -> Self {
        Self { rules, key: key.map(|key| hmac::Key::new(hmac::HMAC_SHA256, key)) }
    }

    /// The event without what the rules name and without its record. Its id, sequence and time stay.
    pub(super) fn apply(&self, stored: &StoredEvent) -> StoredEvent {
        let mut event = stored.event();
        withhold(&mut event, stored);
        self.redact(&mut event);
        StoredEvent {
            position: stored.position,
            stream: Arc::clone(&stored.stream),
            sequence: stored.sequence,
            id: stored.id,
            core: event.to_core().into(),
            original: Box::default(),
        }
    }

    fn redact(&self, event: &mut Event) {
        let values = self.values(event);
        self.redact_origin(event, &values);
        edit_user(&mut event.user, &values);
        if let Some(account) = &mut event.organization {
            let mut id = Some(std::mem::take(&mut account.id));
            values.edit(&mut id);
            account.id = id.unwrap_or_default();
            values.edit(&mut account.name);
        }
        event.organization.take_if(|account| account.id.is_empty() && account.name.is_none());
        values.edit_list(&mut event.related.user);
        values.edit_ips(&mut event.related.ip);
        values.edit(&mut event.message);

        let is_known = event.auditferry.activity != Activity::Unknown;
        let AuditFerry { object, details, .. } = &mut event.auditferry;
        if let Some(object) = object {
            values.edit(&mut object.id);
            object.kind = object.kind.take().map(|kind| values.in_vocabulary(&kind, is_known).into());
        }
        object.take_if(|object| *object == Object::default());
        details.values_mut().for_each(|detail| values.edit_json(detail));
        let EventFields { action, code, reason, .. } = &mut event.event;
        *action = values.in_vocabulary(action, is_known);
        *code = code.take().map(|code| values.in_vocabulary(&code, is_known));
        values.edit(reason);
    }

    /// From where and with what.
    fn redact_origin(&self, event: &mut Event, values: &Values) {
        if let Some(Origin { address, ip, geo }) = &mut event.source {
            values.edit(address);
            *ip = ip.take().and_then(|ip| values.ip(ip));
            for part in geo.iter_mut().flat_map(places) {
                self.edit_part(SensitiveField::SourceGeo, part, values);
            }
            geo.take_if(|geo| *geo == Geo::default());
        }
        event.source.take_if(|source| *source == Origin::default());
        if self.treatment(SensitiveField::UserAgent) == Some(Treatment::Drop) {
            event.user_agent = None;
        }
        if let Some(agent) = &mut event.user_agent {
            let mut original = Some(std::mem::take(&mut agent.original));
            self.edit_part(SensitiveField::UserAgent, &mut original, values);
            agent.original = original.unwrap_or_default();
            for part in programs(agent) {
                self.edit_part(SensitiveField::UserAgent, part, values);
            }
        }
    }

    /// A part of a group of fields: by the group's own rule if it has one.
    fn edit_part(&self, group: SensitiveField, part: &mut Option<String>, values: &Values) {
        match self.treatment(group) {
            Some(treatment) => *part = part.take().and_then(|text| self.replacement(treatment, &text)),
            None => values.edit(part),
        }
    }

    fn treatment(&self, field: SensitiveField) -> Option<Treatment> {
        self.rules.iter().find(|(known, _)| *known == field).map(|(_, treatment)| *treatment)
    }

    /// What takes the value's place.
    fn replacement(&self, treatment: Treatment, value: &str) -> Option<String> {
        match treatment {
            Treatment::Drop => None,
            Treatment::Hash => self.key.as_ref().map(|key| replace::hash(key, value)),
            Treatment::Mask => Some(replace::mask(value)),
        }
    }

    /// The values of this event that are to be taken out.
    fn values(&self, event: &Event) -> Values {
        let mut values = Values::default();
        for &(field, treatment) in &self.rules {
            let texts = texts(field, event);
            for &text in &texts {
                // An address that is more than an IP address, such as one with a port, goes as its IP address.
                let model =
                    if field == SensitiveField::SourceIp { texts.first().unwrap_or(&text) } else { text };
                values.add(text, treatment, self.replacement(treatment, model));
            }
        }
        // Providers name people in other places, too: an invited address as the object, a second one in a reason.
        for word in mentions(event) {
            for &(field, treatment) in &self.rules {
                if let Some(text) = as_value_of(field, word) {
                    values.add(text, treatment, self.replacement(treatment, text));
                }
            }
        }
        values.finish()
    }
}

/// Shows no key.
impl std::fmt::Debug for Redaction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redaction").field("rules", &self.rules).finish_non_exhaustive()
    }
}

/// Takes out what others have said: a receiver's or provider's answer, or a reader's complaint, may quote any
/// part of a record, and not only as it stands in a field.
fn withhold(event: &mut Event, stored: &StoredEvent) {
    if let Some(Error { message }) = &mut event.error {
        *message = format!("the record could not be mapped; the reason is {WITHHELD}");
    }
    let Event { message, auditferry, event: EventFields { reason, action, .. }, .. } = event;
    if stored.stream.source == OWN_SOURCE && reason.is_some() {
        *reason = Some(WITHHELD.to_owned());
        *message = Some(format!("{action}; the reason is {WITHHELD}"));
        if let Some(reason) = auditferry.details.get_mut("reason") {
            *reason = WITHHELD.into();
        }
    }
}

fn edit_user(user: &mut Option<User>, values: &Values) {
    if let Some(User { id, email, name, domain, target }) = user {
        [id, email, name, domain].into_iter().for_each(|field| values.edit(field));
        let mut affected = target.take().map(|target| *target);
        edit_user(&mut affected, values);
        *target = affected.map(Box::new);
    }
    user.take_if(|user| *user == User::default());
}

fn places(geo: &mut Geo) -> [&mut Option<String>; 4] {
    let Geo { name, country_name, country_iso_code, region_iso_code } = geo;
    [name, country_name, country_iso_code, region_iso_code]
}

/// What was read out of the original.
fn programs(agent: &mut UserAgent) -> impl Iterator<Item = &mut Option<String>> {
    let UserAgent { name, version, os, device, .. } = agent;
    let os = os.iter_mut().flat_map(|OperatingSystem { name, version }| [name, version]);
    [name, version].into_iter().chain(os).chain(device.iter_mut().map(|device| &mut device.name))
}

/// The texts of a field that are taken out wherever they stand. Of the groups only what names something: a
/// browser's version or a country's code has other senses elsewhere (`10`, `IN`).
fn texts(field: SensitiveField, event: &Event) -> Vec<&str> {
    let users = std::iter::successors(event.user.as_ref(), |user| user.target.as_deref());
    let source = event.source.as_ref();
    let account = event.organization.as_ref();
    let found: Vec<Option<&String>> = match field {
        SensitiveField::UserId => users.map(|user| user.id.as_ref()).collect(),
        SensitiveField::UserEmail => users.map(|user| user.email.as_ref()).collect(),
        SensitiveField::UserName => users.map(|user| user.name.as_ref()).collect(),
        SensitiveField::UserDomain => users.map(|user| user.domain.as_ref()).collect(),
        // The IP address first: it stands for the other.
        SensitiveField::SourceIp => {
            source.map_or_else(Vec::new, |source| vec![source.ip.as_ref(), source.address.as_ref()])
        }
        SensitiveField::SourceGeo => {
            source.and_then(|source| source.geo.as_ref()).map_or_else(Vec::new, |geo| {
                vec![geo.name.as_ref(), geo.country_name.as_ref(), geo.region_iso_code.as_ref()]
            })
        }
        SensitiveField::UserAgent => vec![event.user_agent.as_ref().map(|agent| &agent.original)],
        SensitiveField::OrganizationId => vec![account.map(|account| &account.id)],
        SensitiveField::OrganizationName => vec![account.and_then(|account| account.name.as_ref())],
        SensitiveField::ObjectId => {
            vec![event.auditferry.object.as_ref().and_then(|object| object.id.as_ref())]
        }
        SensitiveField::Message => vec![event.message.as_ref()],
    };
    found.into_iter().flatten().map(String::as_str).collect()
}

/// The words of the texts that a provider may have written anything into.
fn mentions(event: &Event) -> impl Iterator<Item = &str> {
    let Event { message, auditferry, related, event: EventFields { code, reason, .. }, .. } = event;
    let object = auditferry.object.as_ref().and_then(|object| object.id.as_ref());
    let texts = [message.as_ref(), code.as_ref(), reason.as_ref(), object].into_iter().flatten();
    let around = |c: char| c.is_whitespace() || c.is_control() || "\"'`,;|()[]{}<>=/".contains(c);
    texts
        .chain(related.user.iter().chain(&related.ip))
        .flat_map(move |text| text.split(around))
        .map(|word| word.trim_end_matches(['.', ':', '!', '?']))
}

/// What a word that stands anywhere is for this field, if its form tells.
fn as_value_of(field: SensitiveField, word: &str) -> Option<&str> {
    let domain = || {
        let (mailbox, domain) = word.rsplit_once('@')?;
        (!mailbox.is_empty() && domain.contains('.')).then_some(domain)
    };
    match field {
        SensitiveField::UserEmail => domain().map(|_| word),
        SensitiveField::UserDomain => domain(),
        SensitiveField::SourceIp => word.parse::<IpAddr>().ok().map(|_| word),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
