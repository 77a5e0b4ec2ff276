//! The classes of OCSF that are used here, and what each activity is there
//! (<https://schema.ocsf.io/1.3.0/classes>, <https://schema.ocsf.io/1.9.0/classes>).

use super::OcsfVersion;
use crate::event::Activity as A;

/// A class of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// What no other class is for, or holds too little for.
    BaseEvent,
    /// 1.3 only: 1.9 deprecates it.
    AccountChange,
    Authentication,
    EntityManagement,
    /// 1.3 only: 1.9 deprecates it.
    UserAccess,
    GroupManagement,
    /// New in 1.9.
    UserManagement,
    WebResources,
    ApplicationLifecycle,
    ApiActivity,
}

impl Class {
    /// `class_uid` and `class_name`.
    fn entry(self) -> (u32, &'static str) {
        match self {
            Self::BaseEvent => (0, "Base Event"),
            Self::AccountChange => (3001, "Account Change"),
            Self::Authentication => (3002, "Authentication"),
            Self::EntityManagement => (3004, "Entity Management"),
            Self::UserAccess => (3005, "User Access Management"),
            Self::GroupManagement => (3006, "Group Management"),
            Self::UserManagement => (3007, "User Management"),
            Self::WebResources => (6001, "Web Resources Activity"),
            Self::ApplicationLifecycle => (6002, "Application Lifecycle"),
            Self::ApiActivity => (6003, "API Activity"),
        }
    }

    /// `class_uid`.
    pub(super) fn uid(self) -> u32 {
        self.entry().0
    }

    /// `class_name`.
    pub(super) fn name(self) -> &'static str {
        self.entry().1
    }

    /// `category_uid` and `category_name`.
    pub(super) fn category(self) -> (u32, &'static str) {
        match self.uid() / 1000 {
            3 => (3, "Identity & Access Management"),
            6 => (6, "Application Activity"),
            _ => (0, "Uncategorized"),
        }
    }

    /// Whether it has `src_endpoint` and `http_request`.
    pub(super) fn has_source(self) -> bool {
        !matches!(self, Self::BaseEvent | Self::ApplicationLifecycle)
    }

    /// Whether it has `actor`.
    pub(super) fn has_actor(self, version: OcsfVersion) -> bool {
        self != Self::BaseEvent || version == OcsfVersion::V1_9
    }
}

/// `activity_id` of what a class has no activity for; the provider's word is its name then.
pub(super) const OTHER: u32 = 99;

/// An activity of a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) class: Class,
    /// `activity_id`.
    pub(super) id: u32,
    /// Its name in the schema.
    pub(super) name: &'static str,
}

const fn entry(class: Class, id: u32, name: &'static str) -> Entry {
    Entry { class, id, name }
}

pub(super) const fn other(class: Class) -> Entry {
    entry(class, OTHER, "Other")
}

const fn both(class: Class, id: u32, name: &'static str) -> (Entry, Entry) {
    (entry(class, id, name), entry(class, id, name))
}

const fn both_other(class: Class) -> (Entry, Entry) {
    (other(class), other(class))
}

/// What an activity is in this version.
pub(super) fn entry_of(activity: A, version: OcsfVersion) -> Entry {
    use Class::{
        AccountChange, ApiActivity, ApplicationLifecycle, Authentication, EntityManagement, GroupManagement,
        UserAccess, UserManagement, WebResources,
    };
    let (v1_3, v1_9) = match activity {
        A::Login => both(Authentication, 1, "Logon"),
        A::Logout => both(Authentication, 2, "Logoff"),
        A::Authentication => both_other(Authentication),
        A::Impersonation => (other(Authentication), entry(Authentication, 7, "Account Switch")),

        A::UserCreated | A::UserInvited => {
            (entry(AccountChange, 1, "Create"), entry(UserManagement, 1, "Create"))
        }
        A::UserUpdated => (other(AccountChange), entry(UserManagement, 2, "Update")),
        A::UserDeleted => (entry(AccountChange, 6, "Delete"), entry(UserManagement, 3, "Delete")),
        A::UserEnabled => (entry(AccountChange, 2, "Enable"), entry(UserManagement, 4, "Enable")),
        A::UserDisabled => (entry(AccountChange, 5, "Disable"), entry(UserManagement, 5, "Disable")),
        A::PasswordChanged => {
            (entry(AccountChange, 3, "Password Change"), entry(UserManagement, 8, "Password Change"))
        }
        A::PasswordReset => {
            (entry(AccountChange, 4, "Password Reset"), entry(UserManagement, 9, "Password Reset"))
        }
        A::MfaFactorAdded => {
            (entry(AccountChange, 10, "MFA Factor Enable"), entry(UserManagement, 12, "Enable MFA Factors"))
        }
        A::MfaFactorRemoved => {
            (entry(AccountChange, 11, "MFA Factor Disable"), entry(UserManagement, 13, "Disable MFA Factors"))
        }
        A::PrivilegesGranted => {
            (entry(UserAccess, 1, "Assign Privileges"), entry(UserManagement, 14, "Assign Privileges"))
        }
        A::PrivilegesRevoked => {
            (entry(UserAccess, 2, "Revoke Privileges"), entry(UserManagement, 15, "Remove Privileges"))
        }

        // In 1.3 Group Management is for members and privileges: it wants one of the two.
        A::GroupCreated => (entry(EntityManagement, 1, "Create"), entry(GroupManagement, 6, "Create")),
        A::GroupDeleted => (entry(EntityManagement, 4, "Delete"), entry(GroupManagement, 5, "Delete")),
        A::GroupMemberAdded => both(GroupManagement, 3, "Add User"),
        A::GroupMemberRemoved => both(GroupManagement, 4, "Remove User"),

        A::CredentialCreated | A::SettingCreated => both(EntityManagement, 1, "Create"),
        A::CredentialViewed | A::SettingViewed => both(EntityManagement, 2, "Read"),
        A::CredentialChanged | A::AccessPolicyChanged | A::SettingChanged => {
            both(EntityManagement, 3, "Update")
        }
        A::CredentialDeleted | A::SettingDeleted => both(EntityManagement, 4, "Delete"),
        A::AccessPolicyEnabled | A::SettingEnabled => both(EntityManagement, 8, "Enable"),
        A::AccessPolicyDisabled | A::SettingDisabled => both(EntityManagement, 9, "Disable"),

        A::IntegrationInstalled => both(ApplicationLifecycle, 1, "Install"),
        A::IntegrationRemoved => both(ApplicationLifecycle, 2, "Remove"),
        A::ServiceStarted => both(ApplicationLifecycle, 3, "Start"),
        A::ServiceStopped => both(ApplicationLifecycle, 4, "Stop"),
        A::ServiceState => both_other(ApplicationLifecycle),

        A::ObjectCreated => both(WebResources, 1, "Create"),
        A::ObjectViewed => both(WebResources, 2, "Read"),
        A::ObjectUpdated | A::DataChanged => both(WebResources, 3, "Update"),
        A::ObjectDeleted | A::DataDeleted => both(WebResources, 4, "Delete"),
        A::DataImported => both(WebResources, 6, "Import"),
        A::DataExported => both(WebResources, 7, "Export"),
        A::ObjectPublished => both(WebResources, 8, "Share"),
        A::ObjectUnpublished | A::ObjectRestored | A::DataRestored | A::DataRequested => {
            both_other(WebResources)
        }

        A::Mirrored | A::Other | A::Unknown => both_other(ApiActivity),
    };
    match version {
        OcsfVersion::V1_3 => v1_3,
        OcsfVersion::V1_9 => v1_9,
    }
}

/// `entity.type_id` and `entity.type` of an activity of Entity Management, the latter where the event does not
/// say what it was done to.
pub(super) fn entity_type(activity: A) -> (u32, &'static str) {
    match activity {
        A::GroupCreated | A::GroupDeleted => (3, "Group"),
        A::AccessPolicyEnabled | A::AccessPolicyChanged | A::AccessPolicyDisabled => (5, "Policy"),
        A::CredentialCreated | A::CredentialViewed | A::CredentialChanged | A::CredentialDeleted => {
            (OTHER, "credential")
        }
        _ => (OTHER, "setting"),
    }
}
