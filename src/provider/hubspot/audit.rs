//! What HubSpot's audit logs tell, by rule: no list of their categories, subCategories and actions is published.

use std::borrow::Cow;

use super::Mirrored;
use super::event::{acting_user, critical_action};
use crate::event::Activity::{
    self, Authentication, DataExported, DataImported, Login, Logout, ObjectCreated, ObjectDeleted,
    ObjectPublished, ObjectRestored, ObjectUnpublished, ObjectUpdated, ObjectViewed, SettingChanged,
    SettingCreated, SettingDeleted, SettingDisabled, SettingEnabled, SettingViewed, Unknown,
};
use crate::event::{Event, Outcome, Severity};
use crate::provider::fields::Fields;
use crate::provider::map::{self, Deed};

/// The category that repeats the login history.
const LOGIN: &str = "LOGIN";
/// The category that repeats the security history; its subCategory is a security type.
const CRITICAL_ACTION: &str = "CRITICAL_ACTION";
/// The tag of an event that another collected stream carries in full.
const MIRRORED: &str = "mirrored";

/// Categories and subCategories of what the account is set up with, besides all that end in `SETTINGS`.
const SETTINGS: &[&str] = &["PIPELINE", "DOMAIN", "URL_MAPPING"];

/// Actions, each also with `D` or `ED` at its end, and what they are when done to an object and to a setting.
/// `CREATE`, `UPDATE`, `PUBLISH` and `PERFORM` have been seen; the rest is what HubSpot's other interfaces say.
const VERBS: &[(&[&str], Activity, Activity)] = &[
    (&["CREATE", "CLONE", "ADD"], ObjectCreated, SettingCreated),
    (&["VIEW", "ACCESS"], ObjectViewed, SettingViewed),
    (&["UPDATE", "EDIT", "MERGE", "MOVE", "RENAME", "PERFORM", "ARCHIVE"], ObjectUpdated, SettingChanged),
    (&["DELETE", "REMOVE", "PURGE"], ObjectDeleted, SettingDeleted),
    (&["RESTORE", "UNARCHIVE"], ObjectRestored, SettingChanged),
    (&["PUBLISH"], ObjectPublished, SettingChanged),
    (&["UNPUBLISH"], ObjectUnpublished, SettingChanged),
    (&["ENABLE", "ACTIVATE"], ObjectUpdated, SettingEnabled),
    (&["DISABLE", "DEACTIVATE"], ObjectUpdated, SettingDisabled),
    (&["EXPORT", "DOWNLOAD"], DataExported, DataExported),
    (&["IMPORT"], DataImported, DataImported),
];

/// What a record says of the action.
#[derive(Default)]
struct Row<'a> {
    category: Option<Cow<'a, str>>,
    sub: Option<Cow<'a, str>>,
    action: Option<Cow<'a, str>>,
    object: Option<Cow<'a, str>>,
}

/// Maps one record; gives the beginning of its message.
pub(super) fn tell(event: &mut Event, fields: &Fields<'_>, mirrored: Mirrored) -> String {
    event.user = acting_user(fields);
    let row = Row {
        category: fields.filled("category"),
        sub: fields.filled("subCategory"),
        action: fields.filled("action"),
        object: fields.filled("targetObjectId"),
    };
    let line = match row.category.as_deref() {
        Some(LOGIN) => login(event, row.sub.as_deref()),
        Some(CRITICAL_ACTION) => {
            let kind = row.sub.as_deref().unwrap_or(CRITICAL_ACTION).to_owned();
            critical_action(event, Some(kind), row.object.as_deref())
        }
        _ => change(event, &row),
    };
    event.event.code = joined([row.category.as_deref(), row.sub.as_deref()], "/");
    if is_mirrored(mirrored, fields) {
        event.tags.push(MIRRORED.to_owned());
        // A rule that counts logins must not count this one twice.
        event.set_activity(Activity::Mirrored);
        event.event.severity = Severity::Informational;
    }
    line
}

fn joined(words: [Option<&str>; 2], joint: &str) -> Option<String> {
    let words: Vec<_> = words.into_iter().flatten().collect();
    Some(words.join(joint)).filter(|joined| !joined.is_empty())
}

/// Whether a record is one that a stream collected besides carries in full.
pub(super) fn is_mirrored(mirrored: Mirrored, fields: &Fields<'_>) -> bool {
    match fields.filled("category").as_deref() {
        // The login history holds attempts alone: a logout, say, would be here only.
        Some(LOGIN) => {
            let attempt = fields.filled("subCategory").is_some_and(|sub| login_outcome(&sub).is_some());
            mirrored.login && attempt
        }
        Some(CRITICAL_ACTION) => mirrored.security,
        _ => false,
    }
}

/// `targetObjectId` is left alone: what it names here is not known.
fn login(event: &mut Event, sub: Option<&str>) -> String {
    let outcome = sub.and_then(login_outcome);
    let (activity, outcome) = match sub {
        Some("LOGOUT" | "LOGGED_OUT") => (Logout, None),
        Some(_) if outcome.is_none() => (Authentication, None),
        _ => (Login, Some(outcome.unwrap_or(Outcome::Unknown))),
    };
    let action = Some(sub.unwrap_or(LOGIN).to_owned());
    let severity = map::severity(activity, outcome);
    map::tell(event, Deed { activity, action, outcome, severity, ..Deed::default() });
    match activity {
        Login => map::login_line(event),
        _ => map::deed_line(event, sub.unwrap_or(LOGIN), None),
    }
}

fn login_outcome(sub_category: &str) -> Option<Outcome> {
    match sub_category {
        "LOGIN_SUCCEEDED" => Some(Outcome::Success),
        "LOGIN_FAILED" => Some(Outcome::Failure),
        _ => None,
    }
}

/// A change to what is no security matter.
fn change(event: &mut Event, row: &Row<'_>) -> String {
    let (verb, thing) = (row.action.as_deref(), row.sub.as_deref().or(row.category.as_deref()));
    let activity = row.activity();
    let deed = Deed {
        activity,
        action: joined([thing, verb], "_"),
        object: map::object(thing.map(|thing| map::kebab(thing).into()), row.object.as_deref()),
        severity: map::severity(activity, None),
        ..Deed::default()
    };
    map::tell(event, deed);
    let object = joined([row.object.as_deref(), row.beside().as_deref()], " ");
    map::deed_line(event, &joined([verb, thing], "_").unwrap_or_default(), object.as_deref())
}

impl Row<'_> {
    fn activity(&self) -> Activity {
        let verb = self.action.as_deref().unwrap_or_default();
        let is_verb =
            |known: &&str| verb.strip_prefix(known).is_some_and(|end| matches!(end, "" | "D" | "ED"));
        let Some((_, object, setting)) = VERBS.iter().find(|(verbs, ..)| verbs.iter().any(is_verb)) else {
            return Unknown;
        };
        let is = |wanted: fn(&str) -> bool| {
            [&self.category, &self.sub].into_iter().flatten().any(|name| wanted(name))
        };
        match *object {
            ObjectCreated | ObjectUpdated if is(|name| name == "EXPORT") => DataExported,
            ObjectCreated | ObjectUpdated if is(|name| name == "IMPORT") => DataImported,
            _ if is(|name| SETTINGS.contains(&name) || name.ends_with("SETTINGS")) => *setting,
            object => object,
        }
    }

    /// What tells a pipeline or a workflow of deals from a deal, for the message.
    fn beside(&self) -> Option<String> {
        let category = self.category.as_deref().filter(|_| self.sub.is_some())?;
        let is_plain = matches!(category, "CRM_OBJECT" | "CONTENT");
        (!is_plain).then(|| format!("({})", map::spelled(category)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_follows_from_what_and_to_what() {
        for (category, sub, verb, expected) in [
            ("CRM_OBJECT", "CONTACT", "CREATE", ObjectCreated),
            ("CRM_OBJECT", "CONTACT", "CREATED", ObjectCreated),
            ("CONTENT", "LANDING_PAGE", "CLONE", ObjectCreated),
            ("CONTENT", "LANDING_PAGE", "PUBLISH", ObjectPublished),
            ("CONTENT", "LANDING_PAGE", "PUBLISHED", ObjectPublished),
            ("CONTENT", "LANDING_PAGE", "UNPUBLISH", ObjectUnpublished),
            ("CONTENT", "BLOG_POST", "RESTORE", ObjectRestored),
            ("CONTENT", "FILE", "DELETED", ObjectDeleted),
            ("CONTENT", "FILE", "VIEW", ObjectViewed),
            ("WORKFLOWS", "CONTACT", "PERFORM", ObjectUpdated),
            ("CRM_OBJECT", "CONTACT", "MERGED", ObjectUpdated),
            ("PROPERTY_VALUE", "DEAL", "UPDATE", ObjectUpdated),
            ("CONTENT", "CONTENT_SETTINGS", "UPDATE", SettingChanged),
            ("PIPELINE", "DEAL", "CREATE", SettingCreated),
            ("PIPELINE", "DEAL", "DELETE", SettingDeleted),
            ("PIPELINE", "DEAL", "PUBLISH", SettingChanged),
            ("CRM_OBJECT", "CONTACT", "EXPORT", DataExported),
            ("EXPORT", "CONTACT", "PERFORM", DataExported),
            ("IMPORT", "CONTACT", "CREATE", DataImported),
            ("CRM_OBJECT", "CONTACT", "IMPORTED", DataImported),
            ("CRM_OBJECT", "CONTACT", "TELEPORT", Unknown),
            ("CRM_OBJECT", "CONTACT", "UPDATEDED", Unknown),
            ("CRM_OBJECT", "CONTACT", "", Unknown),
            ("NEXT_YEAR", "", "UPDATE", ObjectUpdated),
        ] {
            let [category, sub, action] = [category, sub, verb].map(|word| Some(Cow::from(word)));
            let row = Row { category, sub, action, object: None };
            assert_eq!(row.activity(), expected, "{:?}/{:?} {verb}", row.category, row.sub);
        }
        let bare = Row { action: Some("DELETE".into()), ..Row::default() };
        assert_eq!(bare.activity(), ObjectDeleted);
    }
}
