//! HubSpot's pages: `{"results": […], "paging": {"next": {"after": "…"}}}`.

use std::borrow::Cow;

use jiff::Timestamp;

use crate::event::{Account, IdentityFields};
use crate::provider::fields::Fields;
use crate::provider::{Page, PageToken, Unreadable, page};

use super::Log;

/// Reads `/account-info/{version}/details`.
pub(super) fn account(body: &[u8]) -> Result<Account, Unreadable> {
    let text = page::text(body);
    let id = page::object(&text)?.filled("portalId").map(Cow::into_owned);
    let id = id.ok_or_else(|| Unreadable::new("the account details have no `portalId`"))?;
    Ok(Account { id, name: None })
}

/// Reads one page.
pub(super) fn read(log: Log, body: &[u8]) -> Result<Page, Unreadable> {
    let text = page::text(body);
    let object = page::object(&text)?;
    if object.json("results").is_none() && object.text("status").is_some_and(|status| status == "error") {
        return Err(Unreadable::new("the answer is an error in spite of its status"));
    }
    let rows = page::rows(&object, "results")?;
    let records = rows
        .iter()
        .map(|row| {
            page::record(row.get(), |fields| {
                let time = fields.instant(log.time_field());
                (identity(log, fields, time), time)
            })
        })
        .collect();
    // Absent, null or empty: HubSpot's own example of a last page has `"after": ""`.
    let after = object.object("paging").and_then(|paging| paging.object("next")?.filled("after"));
    Ok(Page { records, next: after.map(|after| PageToken::After(after.into_owned())) })
}

/// What tells a record from all others. An audit log id alone does not: two events on one object in one
/// millisecond share it (facts seen in recorded events; HubSpot promises nothing).
fn identity(log: Log, fields: &Fields<'_>, time: Option<Timestamp>) -> Option<IdentityFields> {
    let mut identity = IdentityFields::new();
    identity.push(Some(&fields.filled("id")?));
    if log == Log::Audit {
        page::push_instant(&mut identity, fields.text("occurredAt").as_deref(), time);
        for name in ["category", "subCategory", "action", "targetObjectId"] {
            identity.push(fields.text(name).as_deref());
        }
        let user = fields.object("actingUser").and_then(|user| user.text("userId"));
        identity.push(user.as_deref());
    }
    Some(identity)
}
