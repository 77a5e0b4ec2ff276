//! What of an event may be kept from a sink, and how: the words of the configuration and of [`crate::encode`].

/// A field, or a group of fields, that tells something about a person or an organization. Those of `user` are
/// meant for the actor and for the affected user alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SensitiveField {
    /// `user.id`.
    UserId,
    /// `user.email`.
    UserEmail,
    /// `user.name`.
    UserName,
    /// `user.domain`.
    UserDomain,
    /// `source.ip`, and `source.address` with it.
    SourceIp,
    /// Everything in `source.geo`.
    SourceGeo,
    /// Everything in `user_agent`.
    UserAgent,
    /// `organization.id`.
    OrganizationId,
    /// `organization.name`.
    OrganizationName,
    /// `auditferry.object.id`.
    ObjectId,
    /// `message`.
    Message,
}

impl SensitiveField {
    /// Every one of them.
    pub const ALL: &[Self] = &[
        Self::UserId,
        Self::UserEmail,
        Self::UserName,
        Self::UserDomain,
        Self::SourceIp,
        Self::SourceGeo,
        Self::UserAgent,
        Self::OrganizationId,
        Self::OrganizationName,
        Self::ObjectId,
        Self::Message,
    ];

    /// Its name in ECS.
    pub fn name(self) -> &'static str {
        match self {
            Self::UserId => "user.id",
            Self::UserEmail => "user.email",
            Self::UserName => "user.name",
            Self::UserDomain => "user.domain",
            Self::SourceIp => "source.ip",
            Self::SourceGeo => "source.geo",
            Self::UserAgent => "user_agent",
            Self::OrganizationId => "organization.id",
            Self::OrganizationName => "organization.name",
            Self::ObjectId => "auditferry.object.id",
            Self::Message => "message",
        }
    }
}

/// What is done to a sensitive field. Of two for one value the lesser counts, which tells less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Treatment {
    /// It goes.
    Drop,
    /// A keyed hash takes its place: the same for the same value, so that events can still be put together.
    Hash,
    /// A part of it stays.
    Mask,
}

impl Treatment {
    /// Every one of them.
    pub const ALL: &[Self] = &[Self::Hash, Self::Drop, Self::Mask];

    /// Its word in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Hash => "hash",
            Self::Mask => "mask",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_has_every_field_once() {
        let mut names: Vec<_> = SensitiveField::ALL.iter().map(|field| field.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), SensitiveField::ALL.len());
        // The last variant of the declaration: one that the list lacks would have a number beyond its length.
        assert_eq!(SensitiveField::Message as usize + 1, SensitiveField::ALL.len());
    }
}
