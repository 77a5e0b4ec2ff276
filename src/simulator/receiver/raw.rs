//! Events in the format `raw`.

use std::borrow::Cow;

use serde::Deserialize;

use super::body::{Delivered, DeliveredEvent, DeliveredFrom, read_id};

#[derive(Deserialize)]
struct Raw<'a> {
    #[serde(borrow)]
    auditferry: Identity<'a>,
}

#[derive(Deserialize)]
struct Identity<'a> {
    #[serde(borrow)]
    event_id: Cow<'a, str>,
    #[serde(borrow)]
    source: Cow<'a, str>,
    #[serde(borrow)]
    stream: Cow<'a, str>,
    sequence: i64,
}

/// The event with its id, of a dataset that the receiver knows otherwise. It has no original: the record is
/// there, but not byte for byte.
pub(super) fn read<'a>(text: &'a str, dataset: &'a str) -> Option<(u128, Delivered<'a>)> {
    let Raw { auditferry } = serde_json::from_str(text).ok()?;
    let Identity { event_id: id, source, stream, sequence } = auditferry;
    let number = read_id(&id).ok()?;
    let event = DeliveredEvent { id, original: None, dataset: dataset.into(), sequence };
    Some((number, Delivered { event, auditferry: DeliveredFrom { source, stream } }))
}
