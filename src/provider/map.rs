//! From a record to the words of ECS: what all providers' events have in common.

use std::borrow::Cow;
use std::net::IpAddr;

use super::fields::Fields;
use super::{About, Record, StreamSpec};
use crate::event::{
    Activity, Error, Event, Geo, Kind, Object, Origin, Outcome, Severity, StreamName, User, UserAgent, Word,
};

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
pub(super) fn fail(event: &mut Event, why: impl Into<String>) {
    event.event.kind = Kind::PipelineError;
    event.error = Some(Error { message: why.into() });
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

/// Where it came from; `ip` only when the address is one, because a receiver refuses an event whose `ip` is
/// not.
pub(super) fn origin(address: Option<Cow<'_, str>>, geo: Option<Geo>) -> Option<Origin> {
    if address.is_none() && geo.is_none() {
        return None;
    }
    let ip = address.as_deref().and_then(|text| text.parse::<IpAddr>().ok()).map(|ip| ip.to_string());
    Some(Origin { address: address.map(Cow::into_owned), ip, geo })
}

/// A place by the provider's text and codes; codes that cannot be ISO 3166 are left out.
pub(super) fn geo(
    name: Option<Cow<'_, str>>,
    country: Option<Cow<'_, str>>,
    region: Option<Cow<'_, str>>,
) -> Option<Geo> {
    let alphanumeric = |code: &str| code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let country =
        country.filter(|code| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_alphabetic()));
    let country = country.map(|code| code.to_ascii_uppercase());
    let region = region.filter(|code| matches!(code.len(), 1..=3) && alphanumeric(code));
    let region = country.as_ref().zip(region).map(|(country, region)| {
        let mut code = format!("{country}-{region}");
        code.make_ascii_uppercase();
        code
    });
    if name.is_none() && country.is_none() {
        return None;
    }
    Some(Geo {
        name: name.map(Cow::into_owned),
        country_name: None,
        country_iso_code: country,
        region_iso_code: region,
    })
}

/// The browser.
pub(super) fn user_agent(original: Option<Cow<'_, str>>) -> Option<UserAgent> {
    original.map(|original| UserAgent { original: original.into_owned(), ..UserAgent::default() })
}

/// The last step: names everybody and every address under `related`, and writes the line for people.
/// `what` is its beginning, such as `Add user 7654`.
pub(super) fn finish(event: &mut Event, what: &str) {
    let Event { user, source, related, .. } = event;
    let mut next = user.as_ref();
    while let Some(user) = next {
        for name in [&user.id, &user.email].into_iter().flatten() {
            if !related.user.contains(name) {
                related.user.push(name.clone());
            }
        }
        next = user.target.as_deref();
    }
    related.ip.extend(source.as_ref().and_then(|source| source.ip.clone()));

    let mut line = String::with_capacity(what.len() + 80);
    push_words(&mut line, what);
    if let Some(source) = source {
        if let Some(address) = &source.address {
            line.push_str(" from ");
            push_words(&mut line, address);
        }
        if let Some(place) = source.geo.as_ref().and_then(|geo| geo.name.as_deref()) {
            line.push_str(" (");
            push_words(&mut line, place);
            line.push(')');
        }
    }
    event.message = Some(line);
}

/// The best name of the actor.
pub(super) fn actor(event: &Event) -> Option<&str> {
    let user = event.user.as_ref()?;
    user.email.as_deref().or(user.id.as_deref())
}

/// `Login of pat@example.com failed`.
pub(super) fn login_line(event: &Event) -> String {
    let who = actor(event).unwrap_or("an unknown user");
    match event.event.outcome {
        Some(Outcome::Success) => format!("Login of {who} succeeded"),
        Some(Outcome::Failure) => format!("Login of {who} failed"),
        Some(Outcome::Unknown) | None => format!("Login of {who}"),
    }
}

/// `ADD_USER` and `7654` become `Add user 7654 by pat@example.com`.
pub(super) fn deed_line(event: &Event, action: &str, object: Option<&str>) -> String {
    let mut line = lower_case(action, ' ');
    if line.is_empty() {
        line.push_str("unknown action");
    }
    if let Some(first) = line.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    for (joint, name) in [(" ", object), (" by ", actor(event))] {
        if let Some(name) = name {
            line.push_str(joint);
            line.push_str(name);
        }
    }
    line
}

/// `ADD_USER` → `add-user`: lower case, with a hyphen for whatever is neither letter nor digit.
pub(super) fn kebab(words: &str) -> String {
    lower_case(words, '-')
}

/// In lower case, with one `joint` for whatever stands between letters and digits.
fn lower_case(words: &str, joint: char) -> String {
    let mut lower = String::with_capacity(words.len());
    for c in words.chars() {
        if c.is_ascii_alphanumeric() {
            lower.push(c.to_ascii_lowercase());
        } else if c.is_alphanumeric() {
            lower.extend(c.to_lowercase());
        } else if !lower.is_empty() && !lower.ends_with(joint) {
            lower.push(joint);
        }
    }
    lower.truncate(lower.trim_end_matches(joint).len());
    lower
}

/// Adds a provider's words to a line of text that stays one line.
fn push_words(line: &mut String, words: &str) {
    // Nearly always, and many times as fast as char by char.
    if words.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        line.push_str(words);
    } else {
        line.extend(words.chars().map(|c| if c.is_control() { ' ' } else { c }));
    }
}
