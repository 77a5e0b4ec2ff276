//! What was done, in one vocabulary for all providers (`auditferry.activity`). Providers map their own words to
//! it once; every format follows from it: the categories of ECS here, the classes of OCSF and the headers of CEF
//! and LEEF in [`crate::encode`].

use serde::{Deserialize, Serialize};

/// What was done. In JSON in kebab case: `login`, `privileges-granted`, `data-exported`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activity {
    /// An attempt to log in, whatever came of it.
    Login,
    /// The end of a session.
    Logout,
    /// Another matter of proving who one is, such as a second factor that was asked for.
    Authentication,
    /// Somebody acts as another user.
    Impersonation,

    /// A user was added.
    UserCreated,
    /// A user was asked to join.
    UserInvited,
    /// Something about a user was changed.
    UserUpdated,
    /// A user was removed.
    UserDeleted,
    /// A user who was locked out may come in again.
    UserEnabled,
    /// A user was locked out, and still exists.
    UserDisabled,
    /// A password was changed.
    PasswordChanged,
    /// A new password was asked for.
    PasswordReset,
    /// A user has one more way to prove who they are.
    MfaFactorAdded,
    /// A user has one way less to prove who they are.
    MfaFactorRemoved,
    /// A user may do more, such as administer.
    PrivilegesGranted,
    /// A user may do less.
    PrivilegesRevoked,

    /// A group was made.
    GroupCreated,
    /// A group was taken away.
    GroupDeleted,
    /// A user was put into a group.
    GroupMemberAdded,
    /// A user was taken out of a group.
    GroupMemberRemoved,

    /// A key, token or client secret for programs was made.
    CredentialCreated,
    /// One was shown to somebody.
    CredentialViewed,
    /// One was renewed, or may do something else.
    CredentialChanged,
    /// One was taken away.
    CredentialDeleted,

    /// A rule on who may come in, how and from where, was put in force.
    AccessPolicyEnabled,
    /// Such a rule was changed.
    AccessPolicyChanged,
    /// Such a rule is not in force any more.
    AccessPolicyDisabled,

    /// Something that the account is set up with was added.
    SettingCreated,
    /// It was looked at.
    SettingViewed,
    /// It was changed.
    SettingChanged,
    /// It was switched on.
    SettingEnabled,
    /// It was switched off.
    SettingDisabled,
    /// It was taken away.
    SettingDeleted,
    /// Another program was connected with the account.
    IntegrationInstalled,
    /// It was disconnected.
    IntegrationRemoved,

    /// Records left in bulk.
    DataExported,
    /// Records came in bulk.
    DataImported,
    /// Records were changed in bulk.
    DataChanged,
    /// Records were deleted in bulk or for good.
    DataDeleted,
    /// Records were brought back.
    DataRestored,
    /// Records were asked for, or the request was granted.
    DataRequested,

    /// A single object (a contact, a page, a workflow) was made.
    ObjectCreated,
    /// It was looked at.
    ObjectViewed,
    /// It was changed.
    ObjectUpdated,
    /// It was deleted.
    ObjectDeleted,
    /// It was brought back.
    ObjectRestored,
    /// It can be seen by everybody now.
    ObjectPublished,
    /// It can not be seen by everybody any more.
    ObjectUnpublished,

    /// This program started.
    ServiceStarted,
    /// This program was told to stop.
    ServiceStopped,
    /// This program tells how it is.
    ServiceState,

    /// A copy of what another stream carries in full.
    Mirrored,
    /// Known, and none of the above.
    Other,
    /// Not known to this version: the provider's words stand in `event.action` and `event.code`.
    #[default]
    Unknown,
}

/// `event.category` and `event.type`: values and pairs of ECS 9.4 alone
/// (<https://www.elastic.co/docs/reference/ecs/ecs-allowed-values-event-category>).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EcsClass {
    /// Empty where none fits, as ECS wants it.
    pub category: &'static [&'static str],
    /// Each is expected with at least one of the categories.
    pub types: &'static [&'static str],
}

impl Activity {
    /// Every one of them.
    pub const ALL: &[Self] = &[
        Self::Login,
        Self::Logout,
        Self::Authentication,
        Self::Impersonation,
        Self::UserCreated,
        Self::UserInvited,
        Self::UserUpdated,
        Self::UserDeleted,
        Self::UserEnabled,
        Self::UserDisabled,
        Self::PasswordChanged,
        Self::PasswordReset,
        Self::MfaFactorAdded,
        Self::MfaFactorRemoved,
        Self::PrivilegesGranted,
        Self::PrivilegesRevoked,
        Self::GroupCreated,
        Self::GroupDeleted,
        Self::GroupMemberAdded,
        Self::GroupMemberRemoved,
        Self::CredentialCreated,
        Self::CredentialViewed,
        Self::CredentialChanged,
        Self::CredentialDeleted,
        Self::AccessPolicyEnabled,
        Self::AccessPolicyChanged,
        Self::AccessPolicyDisabled,
        Self::SettingCreated,
        Self::SettingViewed,
        Self::SettingChanged,
        Self::SettingEnabled,
        Self::SettingDisabled,
        Self::SettingDeleted,
        Self::IntegrationInstalled,
        Self::IntegrationRemoved,
        Self::DataExported,
        Self::DataImported,
        Self::DataChanged,
        Self::DataDeleted,
        Self::DataRestored,
        Self::DataRequested,
        Self::ObjectCreated,
        Self::ObjectViewed,
        Self::ObjectUpdated,
        Self::ObjectDeleted,
        Self::ObjectRestored,
        Self::ObjectPublished,
        Self::ObjectUnpublished,
        Self::ServiceStarted,
        Self::ServiceStopped,
        Self::ServiceState,
        Self::Mirrored,
        Self::Other,
        Self::Unknown,
    ];

    /// Its categories and types in ECS. Objects of a CRM, pages and the like have no category there.
    pub fn ecs(self) -> EcsClass {
        let (category, types): (&'static [_], &'static [_]) = match self {
            Self::Login => (&["authentication"], &["start"]),
            Self::Logout => (&["authentication"], &["end"]),
            Self::Authentication => (&["authentication"], &["info"]),
            Self::Impersonation => (&["iam"], &["user", "info"]),
            Self::UserCreated | Self::UserInvited => (&["iam"], &["user", "creation"]),
            Self::UserUpdated
            | Self::UserEnabled
            | Self::UserDisabled
            | Self::PasswordChanged
            | Self::PasswordReset
            | Self::MfaFactorAdded
            | Self::MfaFactorRemoved
            | Self::GroupMemberAdded
            | Self::GroupMemberRemoved => (&["iam"], &["user", "change"]),
            Self::UserDeleted => (&["iam"], &["user", "deletion"]),
            Self::PrivilegesGranted | Self::PrivilegesRevoked => (&["iam"], &["admin", "user", "change"]),
            Self::GroupCreated => (&["iam"], &["group", "creation"]),
            Self::GroupDeleted => (&["iam"], &["group", "deletion"]),
            Self::CredentialCreated => (&["iam"], &["admin", "creation"]),
            Self::CredentialViewed => (&["iam"], &["admin", "info"]),
            Self::CredentialChanged => (&["iam"], &["admin", "change"]),
            Self::CredentialDeleted => (&["iam"], &["admin", "deletion"]),
            Self::AccessPolicyEnabled | Self::AccessPolicyChanged | Self::AccessPolicyDisabled => {
                (&["configuration", "iam"], &["admin", "change"])
            }
            Self::SettingCreated | Self::IntegrationInstalled => (&["configuration"], &["creation"]),
            Self::SettingViewed => (&["configuration"], &["access"]),
            Self::SettingChanged | Self::SettingEnabled | Self::SettingDisabled => {
                (&["configuration"], &["change"])
            }
            Self::SettingDeleted | Self::IntegrationRemoved => (&["configuration"], &["deletion"]),
            Self::DataExported => (&["database"], &["access"]),
            Self::DataImported | Self::DataChanged | Self::DataDeleted | Self::DataRestored => {
                (&["database"], &["change"])
            }
            Self::DataRequested => (&["database"], &["info"]),
            Self::ObjectCreated => (&[], &["creation"]),
            Self::ObjectViewed => (&[], &["access"]),
            Self::ObjectUpdated | Self::ObjectRestored | Self::ObjectPublished | Self::ObjectUnpublished => {
                (&[], &["change"])
            }
            Self::ObjectDeleted => (&[], &["deletion"]),
            Self::ServiceStarted | Self::ServiceStopped | Self::ServiceState => (&[], &["info"]),
            Self::Mirrored | Self::Other | Self::Unknown => (&[], &[]),
        };
        EcsClass { category, types }
    }

    /// Its word in JSON.
    pub fn name(self) -> String {
        serde_json::to_value(self).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
    }
}

/// `event.severity`: how much an event deserves to be looked at, by this program's judgement: the providers have
/// none. The numbers are those that Elastic's integrations use (21, 47, 73, 99).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Everyday.
    #[default]
    Informational,
    /// Worth a count.
    Low,
    /// Worth a look: security is weaker than before, or much data moved.
    Medium,
    /// Worth a look at once.
    High,
    /// Worth waking somebody.
    Critical,
}

impl Severity {
    /// The number of `event.severity`.
    pub fn number(self) -> u8 {
        match self {
            Self::Informational => 0,
            Self::Low => 21,
            Self::Medium => 47,
            Self::High => 73,
            Self::Critical => 99,
        }
    }
}

impl Serialize for Severity {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u8(self.number())
    }
}

impl<'de> Deserialize<'de> for Severity {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(match u64::deserialize(from)? {
            0..=20 => Self::Informational,
            21..=46 => Self::Low,
            47..=72 => Self::Medium,
            73..=98 => Self::High,
            99.. => Self::Critical,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The types that ECS 9.4 expects with a category.
    fn expected(category: &str) -> &'static [&'static str] {
        match category {
            "authentication" => &["start", "end", "info"],
            "configuration" => &["access", "change", "creation", "deletion", "info"],
            "database" => &["access", "change", "info", "error"],
            "iam" => &["admin", "change", "creation", "deletion", "group", "info", "user"],
            other => panic!("{other} is not used here"),
        }
    }

    #[test]
    fn every_type_is_expected_with_one_of_its_categories() {
        for activity in Activity::ALL {
            let EcsClass { category, types } = activity.ecs();
            for kind in types {
                let fits = category.iter().any(|category| expected(category).contains(kind));
                assert!(fits || category.is_empty(), "{activity:?}: {kind} with {category:?}");
            }
            if category == ["iam"] {
                assert!(types.len() > 1, "{activity:?}: ECS wants a verb, and whom it concerns");
            }
            assert!(category.is_empty() || !types.is_empty(), "{activity:?}");
        }
    }

    #[test]
    fn names_and_numbers_survive_json() {
        for activity in Activity::ALL {
            let json = serde_json::to_string(activity).unwrap();
            assert_eq!(json, format!("\"{}\"", activity.name()));
            assert_eq!(serde_json::from_str::<Activity>(&json).unwrap(), *activity);
        }
        for severity in
            [Severity::Informational, Severity::Low, Severity::Medium, Severity::High, Severity::Critical]
        {
            let json = serde_json::to_string(&severity).unwrap();
            assert_eq!(serde_json::from_str::<Severity>(&json).unwrap(), severity);
        }
    }

    #[test]
    fn the_list_has_every_activity_once() {
        let mut names: Vec<_> = Activity::ALL.iter().map(|activity| activity.name()).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), Activity::ALL.len());
        // The last variant of the declaration: one that the list lacks would have a number beyond its length.
        assert_eq!(Activity::Unknown as usize + 1, Activity::ALL.len());
    }
}
