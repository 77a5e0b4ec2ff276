//! Brevo's pages: `{"logs": [{action, date, user_email, user_ip, user_agent}]}`.

use std::borrow::Cow;

use jiff::Timestamp;

use crate::event::{Account, IdentityFields};
use crate::provider::fields::Fields;
use crate::provider::{Page, PageToken, Query, Unreadable, page};

/// Reads `/v3/account`.
pub(super) fn account(body: &[u8]) -> Result<Account, Unreadable> {
    let text = page::text(body);
    let account = page::object(&text)?;
    let id = account.filled("organization_id").map(Cow::into_owned);
    let id = id.ok_or_else(|| Unreadable::new("the account has no `organization_id`"))?;
    Ok(Account { id, name: account.filled("companyName").map(Cow::into_owned) })
}

/// Reads one page. There is no total to trust (`count` is in an example alone): a page that is not full is
/// the last.
pub(super) fn read(query: &Query, body: &[u8]) -> Result<Page, Unreadable> {
    let text = page::text(body);
    let object = page::object(&text)?;
    if object.json("logs").is_none() && object.json("message").is_some() {
        return Err(Unreadable::new("the answer is an error in spite of its status"));
    }
    let rows = page::rows(&object, "logs")?;
    let records: Vec<_> = rows
        .iter()
        .map(|row| {
            page::record(row.get(), |fields| {
                let time = fields.instant("date");
                (identity(fields, time), time)
            })
        })
        .collect();
    let read = u64::try_from(records.len()).unwrap_or(u64::MAX);
    let full = read > 0 && read >= u64::from(query.limit);
    let next = full.then(|| PageToken::Offset(super::offset(&query.at).saturating_add(read)));
    Ok(Page { records, next })
}

/// What a row says, without its `count`, whose meaning nobody knows. The collector adds the ordinal.
fn identity(fields: &Fields<'_>, time: Option<Timestamp>) -> Option<IdentityFields> {
    let (action, date) = (fields.text("action"), fields.text("date"));
    if action.is_none() && date.is_none() {
        return None;
    }
    let mut identity = IdentityFields::new();
    identity.push(action.as_deref());
    page::push_instant(&mut identity, date.as_deref(), time);
    for name in ["user_email", "user_ip", "user_agent"] {
        identity.push(fields.text(name).as_deref());
    }
    Some(identity)
}
