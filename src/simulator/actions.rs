//! What people do, in the values that the products use for it.
//!
//! HubSpot: the values seen at the API and a subset of the 151 security types of its specification. Brevo
//! documents two literals (`login-success`, `update-profile`) and the kinds of the others; those are spelled
//! here in the same manner.

use super::endpoint::Stream;
use super::people::{Origin, PEOPLE, Person};

/// What an audit log event or a security action is done to, which decides its object id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    /// A record, file or setting with a number of its own.
    Number,
    /// Another user.
    User,
    /// Something that goes by this name.
    Name(&'static str),
}

#[derive(Debug)]
struct AuditKind {
    category: &'static str,
    sub_category: &'static str,
    action: &'static str,
    target: Target,
}

const fn audit(
    category: &'static str,
    sub_category: &'static str,
    action: &'static str,
    target: Target,
) -> AuditKind {
    AuditKind { category, sub_category, action, target }
}

/// The first is the copy of a login.
const AUDIT: [AuditKind; 24] = [
    audit("LOGIN", "LOGIN_SUCCEEDED", "PERFORM", Target::Name("1")),
    audit("CRM_OBJECT", "CONTACT", "CREATE", Target::Number),
    audit("CRM_OBJECT", "CONTACT", "UPDATE", Target::Number),
    audit("CRM_OBJECT", "DEAL", "CREATE", Target::Number),
    audit("CRM_OBJECT", "DEAL", "UPDATE", Target::Number),
    audit("CRM_OBJECT", "TICKET", "CREATE", Target::Number),
    audit("CRM_OBJECT", "TICKET", "UPDATE", Target::Number),
    audit("CRM_OBJECT", "TASK", "CREATE", Target::Number),
    audit("CRM_OBJECT", "TASK", "UPDATE", Target::Number),
    audit("CRM_OBJECT_ASSOCIATION", "CONTACT", "CREATE", Target::Number),
    audit("CRM_OBJECT_ASSOCIATION", "DEAL", "CREATE", Target::Number),
    audit("PROPERTY_VALUE", "CONTACT", "UPDATE", Target::Number),
    audit("PROPERTY_VALUE", "DEAL", "UPDATE", Target::Number),
    audit("PROPERTY_VALUE", "p48213907_calibration", "UPDATE", Target::Number),
    audit("WORKFLOWS", "CONTACT", "UPDATE", Target::Number),
    audit("WORKFLOWS", "DEAL", "UPDATE", Target::Number),
    audit("CONTENT", "LANDING_PAGE", "PUBLISH", Target::Number),
    audit("CONTENT", "LANDING_PAGE", "UPDATE", Target::Number),
    audit("CONTENT", "WEBSITE_PAGE", "PUBLISH", Target::Number),
    audit("CONTENT", "BLOG_POST", "CREATE", Target::Number),
    audit("CONTENT", "FILE", "CREATE", Target::Number),
    audit("CONTENT", "THEME", "UPDATE", Target::Name("@hubspot/growth")),
    audit("PIPELINE", "DEAL", "UPDATE", Target::Name("Sales Pipeline")),
    audit("PIPELINE", "TICKET", "UPDATE", Target::Name("Sales Pipeline")),
];

#[derive(Debug)]
struct SecurityKind {
    name: &'static str,
    /// The action of its copy in the audit log.
    action: &'static str,
    target: Target,
}

const fn security(name: &'static str, action: &'static str, target: Target) -> SecurityKind {
    SecurityKind { name, action, target }
}

const SECURITY: [SecurityKind; 32] = [
    security("ADD_USER", "CREATE", Target::User),
    security("ADD_ADMIN_USER", "CREATE", Target::User),
    security("ADD_ADMIN_PERMISSIONS", "UPDATE", Target::User),
    security("REMOVE_ADMIN_PERMISSIONS", "UPDATE", Target::User),
    security("DEACTIVATE_USER", "UPDATE", Target::User),
    security("REACTIVATE_USER", "UPDATE", Target::User),
    security("REMOVE_USER", "DELETE", Target::User),
    security("ADD_TWO_FACTOR_AUTHENTICATION", "CREATE", Target::User),
    security("REMOVE_TWO_FACTOR_AUTHENTICATION", "DELETE", Target::User),
    security("CHANGE_PASSWORD", "UPDATE", Target::User),
    security("PASSKEY_ADDED", "CREATE", Target::User),
    security("PASSKEY_DELETED", "DELETE", Target::User),
    security("TEAM_USER_ADDED", "UPDATE", Target::User),
    security("TEAM_USER_DELETED", "UPDATE", Target::User),
    security("INSTALL_INTEGRATION", "CREATE", Target::Number),
    security("UNINSTALL_INTEGRATION", "DELETE", Target::Number),
    security("PRIVATE_APP_ACCESS_TOKEN_CREATE", "CREATE", Target::Number),
    security("PRIVATE_APP_ACCESS_TOKEN_VIEW", "PERFORM", Target::Number),
    security("PRIVATE_APP_ACCESS_TOKEN_ROTATE", "UPDATE", Target::Number),
    security("SERVICE_KEY_CREATE", "CREATE", Target::Number),
    security("SERVICE_KEY_REVEAL", "PERFORM", Target::Number),
    security("EXPORT", "PERFORM", Target::Number),
    security("CONTACT_DATA_EXPORT", "PERFORM", Target::Number),
    security("EXPORT_DOWNLOAD", "PERFORM", Target::Number),
    security("FORM_SUBMISSIONS_EXPORT", "PERFORM", Target::Number),
    security("IMPORT", "PERFORM", Target::Number),
    security("GDPR_DELETE", "DELETE", Target::Number),
    security("SANDBOX_CREATION", "CREATE", Target::Number),
    security("WEBHOOK_SUBSCRIPTION_CREATE", "CREATE", Target::Number),
    security("IP_RESTRICTIONS_DISABLED", "UPDATE", Target::Number),
    security("REQUIRE_SINGLE_SIGN_ON", "UPDATE", Target::Number),
    security("SEQUENCE_CREATED", "CREATE", Target::Number),
];

const BREVO: [&str; 9] = [
    "login-success",
    "update-profile",
    "login-failed",
    "invite-user",
    "accept-invitation",
    "update-email",
    "create-api-key",
    "export-contacts",
    "logout",
];

/// Audit kinds from here on are the copies of security kinds.
const CRITICAL: u16 = 1_000;
/// The kind of a record that was handed in as JSON.
const GIVEN: u16 = u16::MAX;

/// One thing that somebody did, in 24 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Action {
    /// The number that its target's id is made of; of a given record its index.
    object: u64,
    /// Chance of its own, for what differs from row to row.
    pub variant: u32,
    kind: u16,
    person: u16,
    /// Where it came from.
    pub origin: Origin,
}

/// Category, sub-category and action of an audit log event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AuditWords {
    /// `category`.
    pub category: &'static str,
    /// `subCategory`.
    pub sub_category: &'static str,
    /// `action`.
    pub action: &'static str,
}

/// The id of what an action was done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ObjectId {
    /// Decimal.
    Number(u64),
    /// As it stands.
    Name(&'static str),
}

impl Action {
    /// Something ordinary in this stream. Logins and security actions in the audit log are left to
    /// [`Action::mirror`].
    pub(crate) fn ordinary(stream: Stream, rng: &mut fastrand::Rng) -> Self {
        let person = rng.u16(..PEOPLE);
        let kind = match stream {
            Stream::AuditLogs => rng.u16(1..AUDIT_KINDS),
            // One login in twenty-five fails.
            Stream::Login => u16::from(rng.u32(..25) != 0),
            Stream::Security => rng.u16(..SECURITY_KINDS),
            // Half of what Brevo logs are logins.
            Stream::Activities => {
                if rng.bool() {
                    0
                } else {
                    rng.u16(1..BREVO_KINDS)
                }
            }
        };
        let origin = match rng.u32(..10) {
            0..4 => Origin::Home,
            4..7 => Origin::Office,
            7..9 => Origin::Vpn,
            _ => Origin::Phone,
        };
        Self { object: rng.u64(100_000_000..200_000_000_000), variant: rng.u32(..), kind, person, origin }
    }

    /// A login attempt.
    pub(crate) fn login(person: Person, origin: Origin, succeeded: bool, rng: &mut fastrand::Rng) -> Self {
        let kind = u16::from(succeeded);
        Self { kind, person: person.0, origin, ..Self::ordinary(Stream::Login, rng) }
    }

    /// A security action by its type; done to `target` where it concerns a user.
    pub(crate) fn security(
        name: &str,
        person: Person,
        target: Person,
        origin: Origin,
        rng: &mut fastrand::Rng,
    ) -> Self {
        let ordinary = Self::ordinary(Stream::Security, rng);
        let kind = index_u16(SECURITY.iter().position(|kind| kind.name == name));
        let concerns_user = SECURITY[usize::from(kind)].target == Target::User;
        let object = if concerns_user { u64::from(target.0) } else { ordinary.object };
        Self { kind, person: person.0, origin, object, ..ordinary }
    }

    /// A Brevo activity by its name.
    pub(crate) fn brevo(name: &str, person: Person, origin: Origin, rng: &mut fastrand::Rng) -> Self {
        let kind = index_u16(BREVO.iter().position(|known| *known == name));
        Self { kind, person: person.0, origin, ..Self::ordinary(Stream::Activities, rng) }
    }

    /// The record with this index among those that were handed in as JSON.
    pub(crate) fn given(index: usize) -> Self {
        Self { object: index as u64, variant: 0, kind: GIVEN, person: 0, origin: Origin::Home }
    }

    /// Its index, if it was handed in as JSON.
    pub(crate) fn given_index(&self) -> Option<usize> {
        (self.kind == GIVEN).then(|| usize::try_from(self.object).unwrap_or(usize::MAX))
    }

    /// The same fact as the audit log tells it: of successful logins and of every security action.
    pub(crate) fn mirror(&self, stream: Stream) -> Option<Self> {
        match stream {
            Stream::Login if self.kind == 1 => Some(Self { kind: 0, ..*self }),
            Stream::Security if self.kind != GIVEN => Some(Self { kind: CRITICAL + self.kind, ..*self }),
            _ => None,
        }
    }

    /// Another audit log event with the same category, action and object, so that in the same millisecond
    /// it has the same id.
    pub(crate) fn sibling(&self) -> Option<Self> {
        if self.kind == GIVEN {
            return None;
        }
        let kinds = if self.kind >= CRITICAL { CRITICAL..CRITICAL + SECURITY_KINDS } else { 0..AUDIT_KINDS };
        let count = kinds.end - kinds.start;
        let own = (self.audit_words(), self.object_id(Stream::AuditLogs));
        (1..count)
            .map(|step| Self { kind: kinds.start + (self.kind - kinds.start + step) % count, ..*self })
            .find(|other| {
                let words = other.audit_words();
                words.category == own.0.category
                    && words.action == own.0.action
                    && words.sub_category != own.0.sub_category
                    && other.object_id(Stream::AuditLogs) == own.1
            })
    }

    /// Who did it.
    pub(crate) fn person(&self) -> Person {
        Person(self.person)
    }

    /// As an audit log event.
    pub(crate) fn audit_words(&self) -> AuditWords {
        if self.kind >= CRITICAL {
            let kind = &SECURITY[usize::from(self.kind - CRITICAL) % SECURITY.len()];
            return AuditWords { category: "CRITICAL_ACTION", sub_category: kind.name, action: kind.action };
        }
        let kind = &AUDIT[usize::from(self.kind) % AUDIT.len()];
        AuditWords { category: kind.category, sub_category: kind.sub_category, action: kind.action }
    }

    /// As a security action: its `type`.
    pub(crate) fn security_type(&self) -> &'static str {
        SECURITY[usize::from(self.kind) % SECURITY.len()].name
    }

    /// As a login: whether it succeeded.
    pub(crate) fn succeeded(&self) -> bool {
        self.kind != 0
    }

    /// As a Brevo activity.
    pub(crate) fn brevo_action(&self) -> &'static str {
        BREVO[usize::from(self.kind) % BREVO.len()]
    }

    /// What it was done to.
    pub(crate) fn object_id(&self, stream: Stream) -> ObjectId {
        let target = match (stream, self.kind) {
            (Stream::AuditLogs, kind) if kind < CRITICAL => AUDIT[usize::from(kind) % AUDIT.len()].target,
            (Stream::AuditLogs, kind) => SECURITY[usize::from(kind - CRITICAL) % SECURITY.len()].target,
            (_, kind) => SECURITY[usize::from(kind) % SECURITY.len()].target,
        };
        match target {
            Target::Name(name) => ObjectId::Name(name),
            Target::Number => ObjectId::Number(self.object),
            Target::User => {
                let user = Person(u16::try_from(self.object % u64::from(PEOPLE)).unwrap_or_default());
                ObjectId::Number(user.user_id().unsigned_abs())
            }
        }
    }
}

const AUDIT_KINDS: u16 = 24;
const SECURITY_KINDS: u16 = 32;
const BREVO_KINDS: u16 = 9;

fn index_u16(index: Option<usize>) -> u16 {
    debug_assert!(index.is_some(), "a story names a kind that does not exist");
    index.and_then(|index| u16::try_from(index).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counts_are_those_of_the_tables() {
        assert_eq!(AUDIT.len(), usize::from(AUDIT_KINDS));
        assert_eq!(SECURITY.len(), usize::from(SECURITY_KINDS));
        assert_eq!(BREVO.len(), usize::from(BREVO_KINDS));
        assert_eq!(size_of::<Action>(), 24);
    }

    #[test]
    fn a_sibling_differs_in_its_sub_category_alone() {
        let mut rng = fastrand::Rng::with_seed(3);
        let mut found = 0;
        for _ in 0..200 {
            let action = Action::ordinary(Stream::AuditLogs, &mut rng);
            if let Some(other) = action.sibling() {
                found += 1;
                let (own, other_words) = (action.audit_words(), other.audit_words());
                assert_eq!((own.category, own.action), (other_words.category, other_words.action));
                assert_ne!(own.sub_category, other_words.sub_category);
                assert_eq!(action.object_id(Stream::AuditLogs), other.object_id(Stream::AuditLogs));
            }
        }
        assert!(found > 100);
    }
}
