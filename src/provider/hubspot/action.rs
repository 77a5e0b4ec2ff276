//! The types of HubSpot's security history, which audit logs of category `CRITICAL_ACTION` carry as their
//! subCategory, and what they are in ECS. HubSpot's OpenAPI (August 2026) names 151 and adds some every few
//! months; what is not here has no category until somebody has looked at it.

use crate::event::Outcome;
use crate::provider::map::Class;

/// Whether `objectId` is a user.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Affected {
    /// The id of the user to whom it was done.
    User,
    /// Something else, or not documented.
    #[default]
    Other,
}

/// What is known of a type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) class: Class,
    pub(super) affected: Affected,
    /// Only where the type says it: HubSpot has no field for it.
    pub(super) outcome: Option<Outcome>,
}

type Types = &'static [&'static str];

fn user(types: Types) -> Known {
    Known { affected: Affected::User, ..iam(types) }
}

fn iam(types: Types) -> Known {
    of(&["iam"], types)
}

fn database(types: Types) -> Known {
    of(&["database"], types)
}

fn configuration(types: Types) -> Known {
    of(&["configuration"], types)
}

fn authentication(outcome: Outcome) -> Known {
    Known { outcome: Some(outcome), ..of(&["authentication"], &["info"]) }
}

fn of(category: Types, types: Types) -> Known {
    Known { class: Class { category, types }, ..Known::default() }
}

/// What a type is; nothing for one without a fitting category (sequences, templates, purchases) and for one
/// that is not known.
pub(super) fn classify(kind: &str) -> Known {
    match kind {
        // Users.
        "ADD_USER" => user(&["user", "creation"]),
        "REMOVE_USER" => user(&["user", "deletion"]),
        "ADD_TWO_FACTOR_AUTHENTICATION"
        | "CHANGE_PASSWORD"
        | "DEACTIVATE_USER"
        | "PASSKEY_ADDED"
        | "PASSKEY_DELETED"
        | "REACTIVATE_USER"
        | "REMOVE_TWO_FACTOR_AUTHENTICATION" => user(&["user", "change"]),
        // Who may administer.
        "ADD_ADMIN_PERMISSIONS" | "ADD_ADMIN_USER" | "REMOVE_ADMIN_PERMISSIONS" | "REMOVE_ADMIN_USER" => {
            user(&["admin", "user", "change"])
        }
        "IMPERSONATE_USER" | "MANUAL_PASSWORD_RESET_EMAIL_SEND" | "MANUAL_REGISTRATION_EMAIL_SEND" => {
            user(&["user", "info"])
        }
        // The object is not the user who joined: that is the actor.
        "JOINED_PORTAL_VIA_DOMAIN_BASED_INVITE" => iam(&["user", "creation"]),
        "BULK_EMAIL_DOMAIN_CHANGE" => iam(&["user", "change"]),
        // Teams; whether the object is the team or its member is not documented.
        "TEAM_ADDED" => iam(&["group", "creation"]),
        "TEAM_DELETED" => iam(&["group", "deletion"]),
        "TEAM_USER_ADDED" | "TEAM_USER_DELETED" => iam(&["user", "change"]),
        // Credentials of programs, single sign-on and invitations.
        "ADD_SINGLE_SIGN_ON"
        | "DOMAIN_BASED_INVITE_CREATED"
        | "HAPIKEY_CREATE"
        | "PERSONAL_ACCESS_KEY_CREATE"
        | "PRIVATE_APP_ACCESS_TOKEN_CREATE"
        | "SERVICE_KEY_CREATE"
        | "SMTP_TOKEN_CREATED" => iam(&["admin", "creation"]),
        "DOMAIN_BASED_INVITE_REMOVED"
        | "HAPIKEY_DEACTIVATE"
        | "PERSONAL_ACCESS_KEY_DEACTIVATE"
        | "PRIVATE_APP_ACCESS_TOKEN_DEACTIVATE"
        | "REMOVE_SINGLE_SIGN_ON"
        | "SERVICE_KEY_DEACTIVATE"
        | "SMTP_TOKEN_DELETED" => iam(&["admin", "deletion"]),
        "HAPIKEY_VIEW"
        | "PERSONAL_ACCESS_KEY_VIEW"
        | "PRIVATE_APP_ACCESS_TOKEN_VIEW"
        | "PRIVATE_APP_CLIENT_SECRET_VIEW"
        | "PUBLIC_APP_CLIENT_SECRET_VIEW"
        | "SERVICE_KEY_REVEAL"
        | "SMTP_TOKEN_RETRIEVED" => iam(&["admin", "info"]),
        "PERSONAL_ACCESS_KEY_ROTATE"
        | "PRIVATE_APP_ACCESS_TOKEN_ROTATE"
        | "PRIVATE_APP_CLIENT_SECRET_WRITE"
        | "PRIVATE_APP_SCOPE_GROUPS_UPDATE"
        | "PUBLIC_APP_CLIENT_SECRET_WRITE"
        | "REQUIRE_SINGLE_SIGN_ON"
        | "SERVICE_KEY_AUTO_ROTATE"
        | "SERVICE_KEY_PERMISSIONS_UPDATE"
        | "SERVICE_KEY_ROTATE"
        | "SERVICE_KEY_ROTATION_SCHEDULE_REMOVED"
        | "SERVICE_KEY_ROTATION_SCHEDULE_SET"
        | "SERVICE_KEY_ROTATION_SCHEDULE_UPDATED"
        | "SMTP_TOKEN_PASSWORD_RESET"
        | "UNREQUIRE_SINGLE_SIGN_ON" => iam(&["admin", "change"]),
        // A protected page asked for the second factor.
        "TWO_FACTOR_PROTECTED_ENDPOINT_BLOCKED" => authentication(Outcome::Failure),
        "TWO_FACTOR_PROTECTED_ENDPOINT_SUCCEEDED" => authentication(Outcome::Success),
        // Records that leave, come in or change in bulk.
        "CONTACT_DATA_EXPORT"
        | "DATA_BACKUP_CREATED"
        | "DATA_BACKUP_DOWNLOADED"
        | "EXPORT"
        | "EXPORT_DOWNLOAD"
        | "EXPORT_USERS"
        | "FORM_SUBMISSIONS_EXPORT" => database(&["access"]),
        "DATA_ACCESS_REQUEST_SUBMITTED" | "EXPORT_APPROVAL" => database(&["info"]),
        "DATASET_SYNC"
        | "DATA_RESTORE_COMPLETED"
        | "GDPR_DELETE"
        | "IMPORT"
        | "MERGE_REVERT"
        | "PROPERTY_HISTORY_REVISION"
        | "UNIFIED_RESTORE_UNDO_EXECUTION" => database(&["change"]),
        // Settings of the account.
        "ADD_WEBHOOK_IN_WORKFLOW"
        | "DATA_BACKUP_SCHEDULE_CREATED"
        | "DATA_SHARING_CONNECTION_ADDED"
        | "INSTALL_INTEGRATION"
        | "MULTI_ACCOUNT_REPORTING_CONNECTION_ADDED"
        | "MULTI_ACCOUNT_WORKFLOWS_CONNECTION_ADDED"
        | "NEVER_LOG_FOR_PORTAL_ADDITION"
        | "NEVER_LOG_FOR_USER_ADDITION"
        | "PAYMENT_ACCOUNT_CREATION"
        | "SANDBOX_CREATION"
        | "SECRET_ADDED_TO_SERVERLESS_FUNCTION"
        | "WEBHOOK_SUBSCRIPTION_CREATE" => configuration(&["creation"]),
        "ALLOWED_LOGIN_METHODS_DELETE"
        | "DATA_BACKUP_SCHEDULE_DELETED"
        | "DATA_SHARING_CONNECTION_REMOVED"
        | "MULTI_ACCOUNT_REPORTING_CONNECTION_REMOVED"
        | "MULTI_ACCOUNT_WORKFLOWS_CONNECTION_REMOVED"
        | "NEVER_LOG_FOR_PORTAL_DELETION"
        | "NEVER_LOG_FOR_USER_DELETION"
        | "SANDBOX_DELETION"
        | "UNINSTALL_INTEGRATION" => configuration(&["deletion"]),
        "BOTS_WEBHOOK_VIEWED" => configuration(&["info"]),
        "ACCOUNT_ADDED_TO_MULTI_ACCOUNT_ORGANIZATION"
        | "ACCOUNT_REMOVED_FROM_MULTI_ACCOUNT_ORGANIZATION"
        | "ALLOWED_GEOLOCATIONS_DISABLED"
        | "ALLOWED_GEOLOCATIONS_ENABLED"
        | "ALLOWED_LOGIN_METHODS_UPDATE"
        | "ATTACHMENT_LOGGING_DISABLED"
        | "ATTACHMENT_LOGGING_ENABLED"
        | "AUTOMATED_INACTIVE_USER_DEACTIVATION_DISABLED"
        | "AUTOMATED_INACTIVE_USER_DEACTIVATION_ENABLED"
        | "BOTS_WEBHOOK_POST"
        | "BOTS_WEBHOOK_UPDATE"
        | "CHANGE_AD_EVENT_CONSENT_SETTING"
        | "CHANGE_AD_EVENT_DATA_SHARING_SETTING"
        | "CONTACT_OWNER_AUTO_ASSIGN_DISABLED"
        | "CONTACT_OWNER_AUTO_ASSIGN_ENABLED"
        | "DATA_BACKUP_SCHEDULE_UPDATED"
        | "DOMAIN_BASED_INVITES_DISABLED"
        | "DOMAIN_BASED_INVITES_ENABLED"
        | "EMAIL_LOGGING_SYNC_SET_ALL"
        | "EMAIL_LOGGING_SYNC_SET_CONTACTS"
        | "EMAIL_LOGGING_SYNC_SET_REPLIES"
        | "EMAIL_TRACKING_DISABLED"
        | "EMAIL_TRACKING_ENABLED"
        | "GDPR_TOGGLE_DISABLED"
        | "GDPR_TOGGLE_ENABLED"
        | "HUBSPOT_EMPLOYEE_ACCESS_DISABLED"
        | "HUBSPOT_EMPLOYEE_ACCESS_ENABLED"
        | "IP_RESTRICTIONS_DISABLED"
        | "IP_RESTRICTIONS_ENABLED"
        | "LEGAL_BASIS_REQUIREMENT_DISABLED"
        | "LEGAL_BASIS_REQUIREMENT_ENABLED"
        | "MARKETING_CONTACTS_APP_SETTINGS_DISABLED"
        | "MARKETING_CONTACTS_APP_SETTINGS_ENABLED"
        | "MODIFY_WEBHOOK_IN_WORKFLOW"
        | "PAYMENT_ACCOUNT_INFO_UPDATE"
        | "PAYMENT_BANK_ACCOUNT_CHANGE"
        | "PRODUCTION_DEPLOYMENT"
        | "SANDBOX_SYNC"
        | "SANDBOX_SYNC_TO_PRODUCTION"
        | "SENSITIVE_DATA_DISABLED"
        | "SENSITIVE_DATA_ENABLED"
        | "WEBHOOK_SETTINGS_UPDATE"
        | "WEBHOOK_SUBSCRIPTION_UPDATE" => configuration(&["change"]),
        _ => Known::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every type in the table above, read from this file so that none can be left out.
    fn table() -> impl Iterator<Item = &'static str> {
        let words = include_str!("action.rs").split('"').skip(1).step_by(2);
        words.filter(|word| {
            word.len() > 3 && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
        })
    }

    #[test]
    fn every_type_has_a_category_and_the_types_that_ecs_expects_with_it() {
        for kind in table() {
            let class = classify(kind).class;
            let [category] = class.category else { panic!("{kind}") };
            let expected: Types = match *category {
                "authentication" => &["info"],
                "iam" => &["admin", "change", "creation", "deletion", "group", "info", "user"],
                "configuration" => &["change", "creation", "deletion", "info"],
                "database" => &["access", "change", "info"],
                other => panic!("{kind}: {other}"),
            };
            assert!(
                !class.types.is_empty() && class.types.iter().all(|word| expected.contains(word)),
                "{kind}"
            );
            if *category == "iam" {
                assert!(class.types.len() > 1, "{kind}: ECS wants a verb, and whom it concerns");
            }
        }
        // HubSpot's 151 without the eleven that have no category.
        assert_eq!(table().count(), 140);
    }

    #[test]
    fn what_detection_rules_look_for_is_there() {
        let of = |kind| (classify(kind).class.category[0], classify(kind).affected);
        assert_eq!(of("ADD_ADMIN_USER"), ("iam", Affected::User));
        assert_eq!(of("REMOVE_TWO_FACTOR_AUTHENTICATION"), ("iam", Affected::User));
        assert_eq!(of("PRIVATE_APP_ACCESS_TOKEN_CREATE"), ("iam", Affected::Other));
        assert_eq!(of("CONTACT_DATA_EXPORT"), ("database", Affected::Other));
        assert_eq!(of("IP_RESTRICTIONS_DISABLED"), ("configuration", Affected::Other));
        assert_eq!(classify("TWO_FACTOR_PROTECTED_ENDPOINT_BLOCKED").outcome, Some(Outcome::Failure));
        assert_eq!(classify("NEXT_YEARS_TYPE"), Known::default());
    }
}
