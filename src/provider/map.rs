//! From a record to the words of ECS: what all providers' events have in common.

mod line;
mod origin;
mod user_agent;

use std::borrow::Cow;

use super::fields::Fields;
use super::{About, Record, StreamSpec};
use crate::event::{Activity, Error, Event, Kind, Object, Outcome, Severity, StreamName, User, Word};

pub(super) use line::{deed_line, kebab, login_line, spelled};
pub(super) use origin::{geo, origin};
pub(super) use user_agent::user_agent;

/// What was done, as far as the provider's fields say it.
#[derive(Debug, Default)]
pub(super) struct Deed {
    pub(super) activity: Activity,
    /// In the provider's words.
    pub(super) action: Option<String>,
    /// The provider's own code.
    pub(super) code: Option<String>,
    /// What it was done to.
    pub(super) object: Option<Object>,
    pub(super) outcome: Option<Outcome>,
    pub(super) severity: Severity,
    /// Why it failed.
    pub(super) reason: Option<String>,
}

/// An event that says when and where, not yet what. `log` is the stream's name at the provider, `time_field`
/// the member that says when.
pub(super) fn begin(
    (module, log): (&'static str, &'static str),
    stream: &StreamSpec,
    record: &Record,
    about: &About<'_>,
) -> Event {
    let name = StreamName { source: about.source.to_owned(), stream: stream.name.to_owned() };
    let time = record.time.unwrap_or(about.collected);
    let mut event = Event::new(about.id, &name, Activity::Unknown, time, about.collected);
    event.organization = Some(about.account.clone());
    event.event.dataset = stream.dataset.into();
    event.event.module = module.into();
    event.event.provider = log.into();
    event
}

/// Says that the record could not be mapped, or not wholly.
fn fail(event: &mut Event, why: impl Into<String>) {
    event.event.kind = Kind::PipelineError;
    event.error = Some(Error { message: why.into() });
}

/// Says that nothing of the record could be mapped.
pub(super) fn unreadable(mut event: Event) -> Event {
    fail(&mut event, "the record is not a JSON object");
    finish(&mut event, "Unreadable record");
    event
}

/// Why a record has no time, when it has none.
pub(super) fn check_time(event: &mut Event, fields: &Fields<'_>, time_field: &str, record: &Record) {
    if record.time.is_none() {
        fail(
            event,
            match fields.json(time_field) {
                None => format!("the record has no `{time_field}`, so @timestamp is the time of collection"),
                Some(_) => format!(
                    "`{time_field}` of the record is no time that can be read, so @timestamp is the time of collection"
                ),
            },
        );
    }
}

/// Puts in what was done.
pub(super) fn tell(event: &mut Event, deed: Deed) {
    event.set_activity(deed.activity);
    event.auditferry.object = deed.object;
    let fields = &mut event.event;
    (fields.outcome, fields.severity, fields.reason) = (deed.outcome, deed.severity, deed.reason);
    fields.code = deed.code;
    if let Some(action) = deed.action.map(|action| kebab(&action)).filter(|action| !action.is_empty()) {
        fields.action = action;
    }
}

/// What something was done to, when anything is known of it.
pub(super) fn object(kind: Option<Word>, id: Option<&str>) -> Option<Object> {
    let kind = kind.filter(|kind| !kind.is_empty());
    (kind.is_some() || id.is_some()).then(|| Object { kind, id: id.map(str::to_owned) })
}

/// The severity of what the provider's own words do not weigh.
pub(super) fn severity(activity: Activity, outcome: Option<Outcome>) -> Severity {
    match activity {
        Activity::Login if outcome == Some(Outcome::Failure) => Severity::Low,
        Activity::Impersonation | Activity::AccessPolicyDisabled => Severity::High,
        Activity::MfaFactorRemoved
        | Activity::PrivilegesGranted
        | Activity::UserEnabled
        | Activity::CredentialCreated
        | Activity::CredentialViewed
        | Activity::IntegrationInstalled
        | Activity::DataExported => Severity::Medium,
        Activity::UserCreated
        | Activity::UserInvited
        | Activity::UserDeleted
        | Activity::UserDisabled
        | Activity::PasswordChanged
        | Activity::PasswordReset
        | Activity::MfaFactorAdded
        | Activity::PrivilegesRevoked
        | Activity::GroupCreated
        | Activity::GroupDeleted
        | Activity::GroupMemberAdded
        | Activity::GroupMemberRemoved
        | Activity::CredentialChanged
        | Activity::CredentialDeleted
        | Activity::AccessPolicyEnabled
        | Activity::AccessPolicyChanged
        | Activity::IntegrationRemoved => Severity::Low,
        _ => Severity::Informational,
    }
}

/// A user by id, e-mail address or both.
pub(super) fn user(id: Option<Cow<'_, str>>, email: Option<Cow<'_, str>>) -> Option<User> {
    if id.is_none() && email.is_none() {
        return None;
    }
    let email = email.map(Cow::into_owned);
    let domain = email.as_deref().and_then(domain_of);
    Some(User { id: id.map(Cow::into_owned), email, name: None, domain, target: None })
}

fn domain_of(email: &str) -> Option<String> {
    let (_, domain) = email.rsplit_once('@')?;
    Some(domain.to_lowercase()).filter(|domain| !domain.is_empty())
}

/// The last step: names everybody and every address under `related`, and writes the line for people.
/// `what` is its beginning, such as `Add user 7654`.
pub(super) fn finish(event: &mut Event, what: &str) {
    let Event { user, source, related, .. } = event;
    let mut next = user.as_ref();
    while let Some(user) = next {
        for name in [&user.id, &user.email, &user.name].into_iter().flatten() {
            if !related.user.contains(name) {
                related.user.push(name.clone());
            }
        }
        next = user.target.as_deref();
    }
    related.ip.extend(source.as_ref().and_then(|source| source.ip.clone()));

    let mut line = String::with_capacity(what.len() + 80);
    line::push_words(&mut line, what);
    if let Some(source) = source {
        if let Some(address) = &source.address {
            line.push_str(" from ");
            line::push_words(&mut line, address);
        }
        if let Some(place) = source.geo.as_ref().and_then(|geo| geo.name.as_deref()) {
            line.push_str(" (");
            line::push_words(&mut line, place);
            line.push(')');
        }
    }
    event.message = Some(line);
}
