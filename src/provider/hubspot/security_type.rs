//! The types of HubSpot's security history, which audit logs of category `CRITICAL_ACTION` carry as their
//! subCategory, and what they are in this program's words. HubSpot's OpenAPI (August 2026) names 151 and adds
//! some every few months; one that is not here is unknown until somebody has looked at it.
//!
//! A rule on who may come in is *enabled* when the rule of that name is put in force, even where it lets
//! somebody in who was out before (`HUBSPOT_EMPLOYEE_ACCESS_ENABLED`, `DOMAIN_BASED_INVITES_ENABLED`): whether
//! that is good or bad is said by the severity. It is low when the account is better guarded than before,
//! medium or high when it is worse, and for `ALLOWED_LOGIN_METHODS_UPDATE`, which does not tell the direction,
//! as if it were worse.

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use crate::event::Activity::{self, *};
use crate::event::Outcome;
use crate::event::Severity::{self, High, Informational, Low, Medium};

/// The kind of object whose id is the id of the user to whom it was done.
pub(super) const USER: &str = "user";

/// What is known of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SecurityType {
    /// As HubSpot writes it.
    pub(super) name: &'static str,
    pub(super) activity: Activity,
    /// What `objectId` names, lower case with hyphens; empty where that is anybody's guess.
    pub(super) object: &'static str,
    pub(super) severity: Severity,
    /// Only where the type says it: HubSpot has no field for it.
    pub(super) outcome: Option<Outcome>,
    /// Why it failed, where the type says it.
    pub(super) reason: Option<&'static str>,
}

impl SecurityType {
    /// The type of that name, when it is known.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        TYPES.binary_search_by(|known| known.name.cmp(name)).ok().and_then(|at| TYPES.get(at))
    }

    /// The name as a beginning of a sentence: `SERVICE_KEY_REVEAL` → `SERVICE_KEY_REVEALED`. Names that are a
    /// command (`ADD_USER`) or tell what happened (`PASSKEY_ADDED`) are one already.
    pub(super) fn told(name: &str) -> Cow<'_, str> {
        let ending = ENDINGS.iter().find_map(|(from, to)| Some((name.strip_suffix(from)?, to)));
        // Not within a word: a preview is no view.
        ending
            .filter(|(thing, _)| thing.is_empty() || thing.ends_with('_'))
            .map_or(Cow::Borrowed(name), |(thing, told)| Cow::Owned([thing, *told].concat()))
    }

    const fn succeeded(self) -> Self {
        Self { outcome: Some(Outcome::Success), ..self }
    }

    const fn failed(self, reason: &'static str) -> Self {
        Self { outcome: Some(Outcome::Failure), reason: Some(reason), ..self }
    }
}

/// Last words of types, and what they are when it has happened.
const ENDINGS: &[(&str, &str)] = &[
    ("GDPR_DELETE", "GDPR_DELETION"),
    ("ADDITION", "ADDED"),
    ("APPROVAL", "APPROVED"),
    ("CHANGE", "CHANGED"),
    ("CREATE", "CREATED"),
    ("CREATION", "CREATED"),
    ("DEACTIVATE", "DEACTIVATED"),
    ("DELETE", "DELETED"),
    ("DELETION", "DELETED"),
    ("DOWNLOAD", "DOWNLOADED"),
    ("EXPORT", "EXPORTED"),
    ("POST", "POSTED"),
    ("REVEAL", "REVEALED"),
    ("REVERT", "REVERTED"),
    ("REVISION", "REVISED"),
    ("ROTATE", "ROTATED"),
    ("SEND", "SENT"),
    ("SYNC", "SYNCED"),
    ("UPDATE", "UPDATED"),
    ("VIEW", "VIEWED"),
    ("WRITE", "WRITTEN"),
];

const fn of(
    name: &'static str,
    activity: Activity,
    object: &'static str,
    severity: Severity,
) -> SecurityType {
    SecurityType { name, activity, object, severity, outcome: None, reason: None }
}

/// All of them, sorted by name byte by byte.
static TYPES: &[SecurityType] = &[
    of("ACCEPTANCE_TEST", Other, "", Informational),
    of("ACCOUNT_ADDED_TO_MULTI_ACCOUNT_ORGANIZATION", SettingChanged, "multi-account-organization", Medium),
    of("ACCOUNT_REMOVED_FROM_MULTI_ACCOUNT_ORGANIZATION", SettingChanged, "multi-account-organization", Low),
    of("ADD_ADMIN_PERMISSIONS", PrivilegesGranted, "user", Medium),
    of("ADD_ADMIN_USER", PrivilegesGranted, "user", Medium),
    of("ADD_SINGLE_SIGN_ON", AccessPolicyEnabled, "single-sign-on", Medium),
    of("ADD_TWO_FACTOR_AUTHENTICATION", MfaFactorAdded, "user", Low),
    of("ADD_USER", UserCreated, "user", Low),
    of("ADD_WEBHOOK_IN_WORKFLOW", SettingCreated, "workflow-webhook", Low),
    of("ALLOWED_GEOLOCATIONS_DISABLED", AccessPolicyDisabled, "allowed-geolocations", High),
    of("ALLOWED_GEOLOCATIONS_ENABLED", AccessPolicyEnabled, "allowed-geolocations", Low),
    of("ALLOWED_LOGIN_METHODS_DELETE", AccessPolicyDisabled, "allowed-login-methods", High),
    of("ALLOWED_LOGIN_METHODS_UPDATE", AccessPolicyChanged, "allowed-login-methods", High),
    of("ATTACHMENT_LOGGING_DISABLED", SettingDisabled, "attachment-logging", Informational),
    of("ATTACHMENT_LOGGING_ENABLED", SettingEnabled, "attachment-logging", Informational),
    of("AUTOMATED_INACTIVE_USER_DEACTIVATION_DISABLED", AccessPolicyDisabled, "user-deactivation", Medium),
    of("AUTOMATED_INACTIVE_USER_DEACTIVATION_ENABLED", AccessPolicyEnabled, "user-deactivation", Low),
    of("BOTS_WEBHOOK_POST", SettingChanged, "bot-webhook", Low),
    of("BOTS_WEBHOOK_UPDATE", SettingChanged, "bot-webhook", Low),
    of("BOTS_WEBHOOK_VIEWED", SettingViewed, "bot-webhook", Informational),
    of("BULK_EMAIL_DOMAIN_CHANGE", UserUpdated, "email-domain", Medium),
    of("CHANGE_AD_EVENT_CONSENT_SETTING", SettingChanged, "ad-event-consent", Informational),
    of("CHANGE_AD_EVENT_DATA_SHARING_SETTING", SettingChanged, "ad-event-data-sharing", Informational),
    of("CHANGE_PASSWORD", PasswordChanged, "user", Low),
    of("CONTACT_DATA_EXPORT", DataExported, "contact", Medium),
    of("CONTACT_OWNER_AUTO_ASSIGN_DISABLED", SettingDisabled, "contact-owner-assignment", Informational),
    of("CONTACT_OWNER_AUTO_ASSIGN_ENABLED", SettingEnabled, "contact-owner-assignment", Informational),
    of("DATASET_SYNC", DataChanged, "dataset", Informational),
    of("DATA_ACCESS_REQUEST_SUBMITTED", DataRequested, "data-access-request", Low),
    of("DATA_BACKUP_CREATED", DataExported, "data-backup", Low),
    of("DATA_BACKUP_DOWNLOADED", DataExported, "data-backup", Medium),
    of("DATA_BACKUP_SCHEDULE_CREATED", SettingCreated, "data-backup-schedule", Informational),
    of("DATA_BACKUP_SCHEDULE_DELETED", SettingDeleted, "data-backup-schedule", Low),
    of("DATA_BACKUP_SCHEDULE_UPDATED", SettingChanged, "data-backup-schedule", Informational),
    of("DATA_RESTORE_COMPLETED", DataRestored, "data-restore", Low),
    of("DATA_SHARING_CONNECTION_ADDED", SettingCreated, "data-sharing-connection", Medium),
    of("DATA_SHARING_CONNECTION_REMOVED", SettingDeleted, "data-sharing-connection", Low),
    of("DEACTIVATE_USER", UserDisabled, "user", Low),
    of("DOMAIN_BASED_INVITES_DISABLED", AccessPolicyDisabled, "domain-based-invite", Low),
    of("DOMAIN_BASED_INVITES_ENABLED", AccessPolicyEnabled, "domain-based-invite", High),
    of("DOMAIN_BASED_INVITE_CREATED", AccessPolicyEnabled, "domain-based-invite", High),
    of("DOMAIN_BASED_INVITE_REMOVED", AccessPolicyDisabled, "domain-based-invite", Low),
    of("EMAIL_LOGGING_SYNC_SET_ALL", SettingChanged, "email-logging", Informational),
    of("EMAIL_LOGGING_SYNC_SET_CONTACTS", SettingChanged, "email-logging", Informational),
    of("EMAIL_LOGGING_SYNC_SET_REPLIES", SettingChanged, "email-logging", Informational),
    of("EMAIL_TRACKING_DISABLED", SettingDisabled, "email-tracking", Informational),
    of("EMAIL_TRACKING_ENABLED", SettingEnabled, "email-tracking", Informational),
    of("EXPORT", DataExported, "export", Medium),
    of("EXPORT_APPROVAL", DataRequested, "export", Medium),
    of("EXPORT_DOWNLOAD", DataExported, "export", Medium),
    of("EXPORT_USERS", DataExported, "export", Medium),
    of("FORM_SUBMISSIONS_EXPORT", DataExported, "form", Medium),
    of("GDPR_DELETE", DataDeleted, "contact", Low),
    of("GDPR_TOGGLE_DISABLED", SettingDisabled, "data-privacy", Medium),
    of("GDPR_TOGGLE_ENABLED", SettingEnabled, "data-privacy", Informational),
    of("HAPIKEY_CREATE", CredentialCreated, "api-key", Medium),
    of("HAPIKEY_DEACTIVATE", CredentialDeleted, "api-key", Low),
    of("HAPIKEY_VIEW", CredentialViewed, "api-key", Medium),
    of("HUBSPOT_EMPLOYEE_ACCESS_DISABLED", AccessPolicyDisabled, "hubspot-employee-access", Low),
    of("HUBSPOT_EMPLOYEE_ACCESS_ENABLED", AccessPolicyEnabled, "hubspot-employee-access", High),
    of("IMPERSONATE_USER", Impersonation, "user", High),
    of("IMPORT", DataImported, "import", Informational),
    of("INSTALL_INTEGRATION", IntegrationInstalled, "integration", Medium),
    of("IP_RESTRICTIONS_DISABLED", AccessPolicyDisabled, "ip-restrictions", High),
    of("IP_RESTRICTIONS_ENABLED", AccessPolicyEnabled, "ip-restrictions", Low),
    of("JOINED_PORTAL_VIA_DOMAIN_BASED_INVITE", UserCreated, "domain-based-invite", Medium),
    of("LEGAL_BASIS_REQUIREMENT_DISABLED", SettingDisabled, "legal-basis-requirement", Low),
    of("LEGAL_BASIS_REQUIREMENT_ENABLED", SettingEnabled, "legal-basis-requirement", Informational),
    of("MANUAL_PASSWORD_RESET_EMAIL_SEND", PasswordReset, "user", Low),
    of("MANUAL_REGISTRATION_EMAIL_SEND", UserInvited, "user", Low),
    of("MARKETING_CONTACTS_APP_SETTINGS_DISABLED", SettingDisabled, "marketing-contacts-app", Informational),
    of("MARKETING_CONTACTS_APP_SETTINGS_ENABLED", SettingEnabled, "marketing-contacts-app", Informational),
    of("MERGE_REVERT", DataRestored, "merge", Informational),
    of("MODIFY_WEBHOOK_IN_WORKFLOW", SettingChanged, "workflow-webhook", Low),
    of("MULTI_ACCOUNT_REPORTING_CONNECTION_ADDED", SettingCreated, "multi-account-connection", Low),
    of("MULTI_ACCOUNT_REPORTING_CONNECTION_REMOVED", SettingDeleted, "multi-account-connection", Low),
    of("MULTI_ACCOUNT_WORKFLOWS_CONNECTION_ADDED", SettingCreated, "multi-account-connection", Low),
    of("MULTI_ACCOUNT_WORKFLOWS_CONNECTION_REMOVED", SettingDeleted, "multi-account-connection", Low),
    of("NEVER_LOG_FOR_PORTAL_ADDITION", SettingCreated, "never-log-entry", Informational),
    of("NEVER_LOG_FOR_PORTAL_DELETION", SettingDeleted, "never-log-entry", Informational),
    of("NEVER_LOG_FOR_USER_ADDITION", SettingCreated, "never-log-entry", Informational),
    of("NEVER_LOG_FOR_USER_DELETION", SettingDeleted, "never-log-entry", Informational),
    of("PASSKEY_ADDED", MfaFactorAdded, "user", Low),
    of("PASSKEY_DELETED", MfaFactorRemoved, "user", Low),
    of("PAYMENT_ACCOUNT_CREATION", SettingCreated, "payment-account", Low),
    of("PAYMENT_ACCOUNT_INFO_UPDATE", SettingChanged, "payment-account", Low),
    of("PAYMENT_BANK_ACCOUNT_CHANGE", SettingChanged, "bank-account", High),
    of("PAYMENT_ONBOARDING_LINK_SEND", Other, "payment-account", Informational),
    of("PERSONAL_ACCESS_KEY_CREATE", CredentialCreated, "personal-access-key", Medium),
    of("PERSONAL_ACCESS_KEY_DEACTIVATE", CredentialDeleted, "personal-access-key", Low),
    of("PERSONAL_ACCESS_KEY_ROTATE", CredentialChanged, "personal-access-key", Low),
    of("PERSONAL_ACCESS_KEY_VIEW", CredentialViewed, "personal-access-key", Medium),
    of("PRIVATE_APP_ACCESS_TOKEN_CREATE", CredentialCreated, "private-app-token", Medium),
    of("PRIVATE_APP_ACCESS_TOKEN_DEACTIVATE", CredentialDeleted, "private-app-token", Low),
    of("PRIVATE_APP_ACCESS_TOKEN_ROTATE", CredentialChanged, "private-app-token", Low),
    of("PRIVATE_APP_ACCESS_TOKEN_VIEW", CredentialViewed, "private-app-token", Medium),
    of("PRIVATE_APP_CLIENT_SECRET_VIEW", CredentialViewed, "private-app-secret", Medium),
    of("PRIVATE_APP_CLIENT_SECRET_WRITE", CredentialChanged, "private-app-secret", Medium),
    of("PRIVATE_APP_SCOPE_GROUPS_UPDATE", CredentialChanged, "private-app", Medium),
    of("PRODUCTION_DEPLOYMENT", SettingChanged, "deployment", Low),
    of("PROPERTY_HISTORY_REVISION", DataChanged, "property-history", Low),
    of("PUBLIC_APP_CLIENT_SECRET_VIEW", CredentialViewed, "public-app-secret", Medium),
    of("PUBLIC_APP_CLIENT_SECRET_WRITE", CredentialChanged, "public-app-secret", Medium),
    of("REACTIVATE_USER", UserEnabled, "user", Medium),
    of("REMOVE_ADMIN_PERMISSIONS", PrivilegesRevoked, "user", Low),
    of("REMOVE_ADMIN_USER", PrivilegesRevoked, "user", Low),
    of("REMOVE_SINGLE_SIGN_ON", AccessPolicyDisabled, "single-sign-on", High),
    of("REMOVE_TWO_FACTOR_AUTHENTICATION", MfaFactorRemoved, "user", Medium),
    of("REMOVE_USER", UserDeleted, "user", Low),
    of("REQUIRE_SINGLE_SIGN_ON", AccessPolicyEnabled, "single-sign-on", Low),
    of("RESTRICTED_LIST_ADDED_TO_CONTENT", ObjectUpdated, "content", Informational),
    of("SANDBOX_CREATION", SettingCreated, "sandbox", Low),
    of("SANDBOX_DELETION", SettingDeleted, "sandbox", Low),
    of("SANDBOX_SYNC", SettingChanged, "sandbox", Informational),
    of("SANDBOX_SYNC_TO_PRODUCTION", SettingChanged, "sandbox", Low),
    of("SECRET_ADDED_TO_SERVERLESS_FUNCTION", CredentialCreated, "serverless-function", Low),
    of("SENSITIVE_DATA_DISABLED", SettingDisabled, "sensitive-data", Medium),
    of("SENSITIVE_DATA_ENABLED", SettingEnabled, "sensitive-data", Low),
    of("SEQUENCE_CLONED", ObjectCreated, "sequence", Informational),
    of("SEQUENCE_CREATED", ObjectCreated, "sequence", Informational),
    of("SEQUENCE_ENROLLMENT_INITIATED", ObjectCreated, "sequence-enrollment", Informational),
    of("SEQUENCE_ENROLLMENT_STATE_CHANGED", ObjectUpdated, "sequence-enrollment", Informational),
    of("SEQUENCE_MODIFIED", ObjectUpdated, "sequence", Informational),
    of("SERVICE_KEY_AUTO_ROTATE", CredentialChanged, "service-key", Informational),
    of("SERVICE_KEY_CREATE", CredentialCreated, "service-key", Medium),
    of("SERVICE_KEY_DEACTIVATE", CredentialDeleted, "service-key", Low),
    of("SERVICE_KEY_PERMISSIONS_UPDATE", CredentialChanged, "service-key", Medium),
    of("SERVICE_KEY_REVEAL", CredentialViewed, "service-key", Medium),
    of("SERVICE_KEY_ROTATE", CredentialChanged, "service-key", Low),
    of("SERVICE_KEY_ROTATION_SCHEDULE_REMOVED", CredentialChanged, "service-key", Low),
    of("SERVICE_KEY_ROTATION_SCHEDULE_SET", CredentialChanged, "service-key", Informational),
    of("SERVICE_KEY_ROTATION_SCHEDULE_UPDATED", CredentialChanged, "service-key", Informational),
    of("SMTP_TOKEN_CREATED", CredentialCreated, "smtp-token", Medium),
    of("SMTP_TOKEN_DELETED", CredentialDeleted, "smtp-token", Low),
    of("SMTP_TOKEN_PASSWORD_RESET", CredentialChanged, "smtp-token", Low),
    of("SMTP_TOKEN_RETRIEVED", CredentialViewed, "smtp-token", Medium),
    of("TEAM_ADDED", GroupCreated, "team", Low),
    of("TEAM_DELETED", GroupDeleted, "team", Low),
    of("TEAM_USER_ADDED", GroupMemberAdded, "team-member", Low),
    of("TEAM_USER_DELETED", GroupMemberRemoved, "team-member", Low),
    of("TEMPLATE_DELETED", ObjectDeleted, "template", Informational),
    of("TEMPLATE_MODIFIED", ObjectUpdated, "template", Informational),
    of("TOUCHLESS_PURCHASE", Other, "purchase", Low),
    of("TWO_FACTOR_PROTECTED_ENDPOINT_BLOCKED", Authentication, "protected-endpoint", Low)
        .failed("blocked by two-factor protection"),
    of("TWO_FACTOR_PROTECTED_ENDPOINT_SUCCEEDED", Authentication, "protected-endpoint", Informational)
        .succeeded(),
    of("UNIFIED_RESTORE_UNDO_EXECUTION", DataChanged, "data-restore", Low),
    of("UNINSTALL_INTEGRATION", IntegrationRemoved, "integration", Low),
    of("UNREQUIRE_SINGLE_SIGN_ON", AccessPolicyDisabled, "single-sign-on", High),
    of("WEBHOOK_SETTINGS_UPDATE", SettingChanged, "webhook", Low),
    of("WEBHOOK_SUBSCRIPTION_CREATE", SettingCreated, "webhook", Low),
    of("WEBHOOK_SUBSCRIPTION_UPDATE", SettingChanged, "webhook", Low),
];
