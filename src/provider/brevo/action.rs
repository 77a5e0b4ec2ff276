//! What Brevo's actions mean. Two are documented (`login-success`, `update-profile`), with kinds in prose
//! (invitations, e-mail changes), so that the rest goes by the words that an action is made of.

use crate::event::Activity::{
    self, CredentialChanged, CredentialCreated, CredentialDeleted, CredentialViewed, DataExported,
    DataImported, Login, Logout, MfaFactorAdded, MfaFactorRemoved, PasswordChanged, PasswordReset, Unknown,
    UserCreated, UserDeleted, UserDisabled, UserEnabled, UserInvited, UserUpdated,
};
use crate::event::Outcome;

/// What an action means.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) activity: Activity,
    /// What it was done to; empty when it does not say.
    pub(super) object: &'static str,
    pub(super) outcome: Option<Outcome>,
    /// Why it failed, in Brevo's words.
    pub(super) reason: Option<String>,
}

/// Beginnings of words: an action has one of each list in it. The first row that fits counts; the last member
/// is what it was done to.
const RULES: &[(&[&[&str]], Activity, &str)] = &[
    (&[INVITATION, &["accept", "join"]], UserCreated, USER),
    (&[INVITATION, REMOVED], UserDeleted, USER),
    (&[INVITATION], UserInvited, USER),
    (&[&["password"], &["reset", "forgot", "request"]], PasswordReset, USER),
    (&[&["password"]], PasswordChanged, USER),
    (&[SECOND_FACTOR, REMOVED], MfaFactorRemoved, USER),
    (&[SECOND_FACTOR, OFF], MfaFactorRemoved, USER),
    (&[SECOND_FACTOR, ADDED], MfaFactorAdded, USER),
    (&[SECOND_FACTOR, ON], MfaFactorAdded, USER),
    (&[KEY, REMOVED], CredentialDeleted, API_KEY),
    (&[KEY, OFF], CredentialDeleted, API_KEY),
    (&[KEY, &["view", "reveal", "show"]], CredentialViewed, API_KEY),
    (&[KEY, ADDED], CredentialCreated, API_KEY),
    (&[KEY], CredentialChanged, API_KEY),
    (&[&["export", "download"]], DataExported, ""),
    (&[&["import"]], DataImported, ""),
    (&[&["profile"]], UserUpdated, USER),
    (&[PERSON, REMOVED], UserDeleted, USER),
    (&[PERSON, OFF], UserDisabled, USER),
    (&[PERSON, ON], UserEnabled, USER),
    (&[PERSON, ADDED], UserCreated, USER),
    (&[PERSON], UserUpdated, USER),
];

const USER: &str = "user";
const API_KEY: &str = "api-key";
const INVITATION: &[&str] = &["invit"];
const SECOND_FACTOR: &[&str] = &["2fa", "mfa", "totp", "otp", "factor", "passkey"];
const KEY: &[&str] = &["apikey", "key"];
const PERSON: &[&str] = &["user"];
const ADDED: &[&str] = &["add", "creat", "generat", "new"];
const REMOVED: &[&str] = &["remov", "delet", "revok", "cancel"];
const ON: &[&str] = &["enabl", "activat", "reactivat", "unblock", "unlock"];
const OFF: &[&str] = &["disabl", "deactivat", "suspend", "block", "lock"];

/// What an action means, lower case with hyphens.
pub(super) fn classify(action: &str) -> Known {
    let has = |beginnings: &[&str]| {
        action.split('-').any(|word| beginnings.iter().any(|beginning| word.starts_with(beginning)))
    };
    let of = |activity, object| Known { activity, object, ..Known::default() };
    if action == "login" || action.starts_with("login-") {
        return login(action);
    }
    if action == "logout" || action.starts_with("logout-") {
        return of(Logout, "");
    }
    // An e-mail is a campaign too: only one that nothing else is said of is a user's address.
    let of_an_address =
        ["email", "address", "user", "update", "updated", "change", "changed", "edit", "edited"];
    if has(&["email"]) && action.split('-').all(|word| of_an_address.contains(&word)) {
        return of(UserUpdated, USER);
    }
    let rule = RULES.iter().find(|(words, ..)| words.iter().all(|beginnings| has(beginnings)));
    rule.map_or_else(|| of(Unknown, ""), |&(_, activity, object)| of(activity, object))
}

/// `login-success`, `login-failed-wrong-password`: the words behind the outcome are why it failed.
fn login(action: &str) -> Known {
    const SUCCESS: &[&str] = &["success", "succeed"];
    const FAILURE: &[&str] = &["fail", "denied", "block", "refus", "reject"];
    let words: Vec<_> = action.split('-').collect();
    let at = |beginnings: &[&str]| {
        words.iter().position(|word| beginnings.iter().any(|beginning| word.starts_with(beginning)))
    };
    let (outcome, reason) = match (at(SUCCESS), at(FAILURE)) {
        (_, Some(at)) => {
            let behind = words.get(at + 1..).unwrap_or_default().join(" ");
            (Outcome::Failure, Some(behind).filter(|reason| !reason.is_empty()))
        }
        (Some(_), None) => (Outcome::Success, None),
        (None, None) => (Outcome::Unknown, None),
    };
    Known { activity: Login, outcome: Some(outcome), reason, ..Known::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_goes_by_its_words() {
        for (action, expected) in [
            ("update-profile", UserUpdated),
            ("invite-user", UserInvited),
            ("user-invited", UserInvited),
            ("accept-invitation", UserCreated),
            ("revoke-invitation", UserDeleted),
            ("update-email", UserUpdated),
            ("user-email-change", UserUpdated),
            ("update-email-campaign", Unknown),
            ("email-change-template", Unknown),
            ("change-password", PasswordChanged),
            ("reset-password-request", PasswordReset),
            ("enable-2fa", MfaFactorAdded),
            ("two-factor-disabled", MfaFactorRemoved),
            ("create-api-key", CredentialCreated),
            ("apikey-deleted", CredentialDeleted),
            ("view-api-key", CredentialViewed),
            ("rename-api-key", CredentialChanged),
            ("export-contacts", DataExported),
            ("import-contacts", DataImported),
            ("remove-user", UserDeleted),
            ("user-deactivated", UserDisabled),
            ("reactivate-user", UserEnabled),
            ("add-user", UserCreated),
            ("user-permissions-update", UserUpdated),
            ("logout", Logout),
            ("logins", Unknown),
            ("teleport", Unknown),
            ("", Unknown),
        ] {
            assert_eq!(classify(action).activity, expected, "{action}");
        }
    }

    #[test]
    fn the_outcome_of_a_login_is_in_its_words_and_the_reason_behind_them() {
        for (action, outcome, reason) in [
            ("login", Outcome::Unknown, None),
            ("login-attempt", Outcome::Unknown, None),
            ("login-success", Outcome::Success, None),
            ("login-succeeded-sso", Outcome::Success, None),
            ("login-failed", Outcome::Failure, None),
            ("login-failed-wrong-password", Outcome::Failure, Some("wrong password")),
            ("login-blocked-ip", Outcome::Failure, Some("ip")),
        ] {
            let known = classify(action);
            assert_eq!((known.activity, known.outcome), (Login, Some(outcome)), "{action}");
            assert_eq!(known.reason.as_deref(), reason, "{action}");
        }
    }
}
