//! Objects of OCSF, made from the fields of an event. A member that is `null` is not written.

use serde_json::{Value, json};

use super::class::OTHER;
use crate::encode::Observer;
use crate::event::{Event, Geo, Object, Origin, User};

/// What stands where the schema asks for a name or a value that the provider does not tell.
pub(super) const UNKNOWN: &str = "unknown";

/// `user`; `None` without the id or the name that it needs. The name of a user is the e-mail address: with that
/// one logs in.
pub(super) fn user(user: &User) -> Option<Value> {
    let name = user.email.as_ref().or(user.name.as_ref());
    (user.id.is_some() || name.is_some()).then(|| {
        json!({
            "uid": user.id,
            "name": name,
            "full_name": user.name,
            "email_addr": user.email,
            "domain": user.domain,
        })
    })
}

/// The `user` that an event names as the object.
fn user_object(event: &Event) -> Option<Value> {
    let object = event.auditferry.object.as_ref()?;
    let id = object.id.as_ref()?;
    (object.kind.as_deref() == Some("user")).then(|| json!({ "uid": id }))
}

/// Who did it.
pub(super) fn actor(event: &Event) -> Option<Value> {
    event.user.as_ref().and_then(user)
}

/// To whom it was done, where the event says so.
pub(super) fn target(event: &Event) -> Option<Value> {
    let target = event.user.as_ref().and_then(|user| user.target.as_deref());
    target.and_then(user).or_else(|| user_object(event))
}

/// A `user` of whom nothing is known.
pub(super) fn unknown_user() -> Value {
    json!({"name": UNKNOWN, "type_id": 0, "type": "Unknown"})
}

/// `src_endpoint`; `None` without an address.
pub(super) fn endpoint(origin: &Origin) -> Option<Value> {
    let name = if origin.ip.is_none() { origin.address.as_ref() } else { None };
    (origin.ip.is_some() || name.is_some()).then(|| {
        json!({
            "ip": origin.ip,
            "name": name,
            "location": origin.geo.as_ref().and_then(location),
        })
    })
}

/// `location`; `None` without the code of a country or region that it needs.
pub(super) fn location(geo: &Geo) -> Option<Value> {
    (geo.country_iso_code.is_some() || geo.region_iso_code.is_some()).then(|| {
        json!({
            "country": geo.country_iso_code,
            "region": geo.region_iso_code,
            "desc": geo.name,
        })
    })
}

/// Members that say which thing it was: `uid`, else a `name`, for which its kind stands in.
fn named(object: Option<&Object>) -> (Option<&str>, Option<&str>) {
    let uid = object.and_then(|object| object.id.as_deref());
    let kind = object.and_then(|object| object.kind.as_deref());
    (uid, if uid.is_none() { kind.or(Some(UNKNOWN)) } else { None })
}

/// `managed_entity`, of the type of [`super::class::entity_type`].
pub(super) fn entity(event: &Event, (type_id, type_name): (u32, &str)) -> Value {
    let object = event.auditferry.object.as_ref();
    let kind = object.and_then(|object| object.kind.as_deref());
    let (uid, mut name) = named(object);
    let mut type_name = type_name;
    match kind {
        // The type has a name of the schema's: what kind it is would stand nowhere else.
        Some(kind) if type_id != OTHER => name = Some(kind),
        Some(kind) => type_name = kind,
        None => {}
    }
    json!({"type_id": type_id, "type": type_name, "uid": uid, "name": name})
}

/// `web_resource`.
pub(super) fn web_resource(event: &Event) -> Value {
    let object = event.auditferry.object.as_ref();
    let (uid, name) = named(object);
    json!({"type": object.and_then(|object| object.kind.as_deref()), "uid": uid, "name": name})
}

/// `group`. When the event names a user as the object, the group is not known.
pub(super) fn group(event: &Event) -> Value {
    let object = event.auditferry.object.as_ref();
    let object = object.filter(|object| object.kind.as_deref() != Some("user"));
    let (uid, name) = named(object);
    json!({"uid": uid, "name": name, "type": object.and_then(|object| object.kind.as_deref())})
}

/// `product` of what was installed in, or taken out of, the provider's account. Version 1.3 wants a vendor.
pub(super) fn integration(event: &Event) -> Value {
    let (uid, name) = named(event.auditferry.object.as_ref());
    json!({"uid": uid, "name": name, "vendor_name": UNKNOWN})
}

/// `product` that is this program.
pub(super) fn auditferry(observer: &Observer) -> Value {
    json!({"name": "auditferry", "vendor_name": "auditferry", "version": observer.version})
}

/// `logger`: this program on its machine, between the provider and the SIEM. `logged`: milliseconds since 1970.
pub(super) fn logger(observer: &Observer, logged: i64) -> Value {
    json!({
        "name": "auditferry",
        "product": auditferry(observer),
        "device": {"hostname": observer.hostname, "type_id": 0, "type": "Unknown"},
        "logged_time": logged,
    })
}

/// What can be pivoted on: where it may stand in an event (a JSON pointer), and `type_id` and `type` of the
/// `observable`.
const OBSERVABLES: &[(&str, u32, &str)] = &[
    ("/src_endpoint/ip", 2, "IP Address"),
    ("/unmapped/source/ip", 2, "IP Address"),
    ("/actor/user/name", 4, "User Name"),
    ("/user/name", 4, "User Name"),
    ("/users/0/name", 4, "User Name"),
    ("/actor/user/email_addr", 5, "Email Address"),
    ("/user/email_addr", 5, "Email Address"),
    ("/users/0/email_addr", 5, "Email Address"),
    ("/unmapped/user/email", 5, "Email Address"),
    ("/unmapped/user/target/email", 5, "Email Address"),
    ("/http_request/user_agent", 16, "HTTP User-Agent"),
    ("/unmapped/user_agent/original", 16, "HTTP User-Agent"),
];

/// The observables of an event. Their names are paths in it: `actor.user.email_addr`, `users[0].name`.
pub(super) fn observables(event: &Value) -> Vec<Value> {
    let found = OBSERVABLES.iter().filter_map(|&(pointer, type_id, type_name)| {
        let value = event.pointer(pointer)?.as_str().filter(|&value| value != UNKNOWN)?;
        let name = pointer.trim_start_matches('/').replace("/0/", "[0].").replace('/', ".");
        Some(json!({"name": name, "type_id": type_id, "type": type_name, "value": value}))
    });
    found.collect()
}
