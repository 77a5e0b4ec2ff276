use super::*;

/// The enumeration of HubSpot's OpenAPI, sorted.
const NAMES: &str = include_str!("../../../../tests/events/security_types.txt");

#[test]
fn the_table_has_every_type_of_the_specification_and_no_other() {
    let names: Vec<_> = TYPES.iter().map(|known| known.name).collect();
    assert_eq!(names, NAMES.lines().collect::<Vec<_>>());
    assert_eq!(names.len(), 151);
}

#[test]
fn the_table_is_sorted_so_that_every_type_is_found() {
    assert!(TYPES.is_sorted_by(|one, next| one.name < next.name));
    for known in TYPES {
        assert_eq!(SecurityType::named(known.name), Some(known));
    }
    for other in ["", "A", "ADD_USERS", "add_user", "ZZZ", "NEXT_YEARS_TYPE"] {
        assert_eq!(SecurityType::named(other), None);
    }
}

#[test]
fn no_type_is_unknown_and_few_fit_nothing() {
    assert!(TYPES.iter().all(|known| known.activity != Unknown && known.activity != Mirrored));
    let others: Vec<_> =
        TYPES.iter().filter(|known| known.activity == Other).map(|known| known.name).collect();
    assert_eq!(others, ["ACCEPTANCE_TEST", "PAYMENT_ONBOARDING_LINK_SEND", "TOUCHLESS_PURCHASE"]);
}

#[test]
fn what_is_done_to_a_user_names_the_user() {
    for known in TYPES {
        let of_a_user = matches!(
            known.activity,
            Impersonation
                | UserInvited
                | UserDeleted
                | UserEnabled
                | UserDisabled
                | PasswordChanged
                | PasswordReset
                | MfaFactorAdded
                | MfaFactorRemoved
                | PrivilegesGranted
                | PrivilegesRevoked
        );
        // Who joined by an invitation is the actor; a change of domain concerns many.
        let may_be = matches!(known.activity, UserCreated | UserUpdated);
        assert!((known.object == USER) == of_a_user || may_be, "{known:?}");
    }
}

#[test]
fn an_outcome_is_said_where_the_name_says_it() {
    for known in TYPES {
        let expected = match known.name.rsplit('_').next() {
            Some("BLOCKED") => Some(Outcome::Failure),
            Some("SUCCEEDED") => Some(Outcome::Success),
            _ => None,
        };
        assert_eq!(known.outcome, expected, "{}", known.name);
        assert_eq!(known.reason.is_some(), known.outcome == Some(Outcome::Failure), "{}", known.name);
    }
}

#[test]
fn what_weakens_the_account_stands_out() {
    let severity = |name| SecurityType::named(name).unwrap().severity;
    for name in [
        "REMOVE_SINGLE_SIGN_ON",
        "UNREQUIRE_SINGLE_SIGN_ON",
        "IP_RESTRICTIONS_DISABLED",
        "HUBSPOT_EMPLOYEE_ACCESS_ENABLED",
        "IMPERSONATE_USER",
        "ALLOWED_LOGIN_METHODS_UPDATE",
        "DOMAIN_BASED_INVITES_ENABLED",
    ] {
        assert_eq!(severity(name), High, "{name}");
    }
    for known in TYPES {
        let expected = match known.activity {
            CredentialViewed | PrivilegesGranted | UserEnabled | IntegrationInstalled => Medium..=Medium,
            AccessPolicyDisabled if known.object.contains("invite") || known.object.contains("employee") => {
                Low..=Low
            }
            AccessPolicyDisabled => Medium..=High,
            UserCreated | UserDeleted | UserDisabled | GroupCreated | GroupDeleted => Low..=Medium,
            CredentialDeleted => Low..=Low,
            _ => Informational..=High,
        };
        assert!(expected.contains(&known.severity), "{known:?}");
    }
}

#[test]
fn a_name_becomes_the_beginning_of_a_sentence() {
    for (name, told) in [
        ("ADD_USER", "ADD_USER"),
        ("PASSKEY_ADDED", "PASSKEY_ADDED"),
        ("SERVICE_KEY_REVEAL", "SERVICE_KEY_REVEALED"),
        ("SANDBOX_CREATION", "SANDBOX_CREATED"),
        ("EXPORT", "EXPORTED"),
        ("GDPR_DELETE", "GDPR_DELETION"),
        ("NEXT_YEARS_PREVIEW", "NEXT_YEARS_PREVIEW"),
        ("", ""),
    ] {
        assert_eq!(SecurityType::told(name), told);
    }
}
