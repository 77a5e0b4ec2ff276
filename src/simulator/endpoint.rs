//! What can be asked of the simulator: products, streams and endpoints by name.

use serde::{Deserialize, Serialize};

/// A SaaS product that the simulator stands in for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Product {
    /// HubSpot account activity.
    Hubspot,
    /// Brevo user activity logs.
    Brevo,
}

/// One log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Stream {
    /// HubSpot audit logs.
    #[serde(rename = "hubspot.audit_logs")]
    AuditLogs,
    /// HubSpot login activity.
    #[serde(rename = "hubspot.login")]
    Login,
    /// HubSpot security activity.
    #[serde(rename = "hubspot.security")]
    Security,
    /// Brevo user activity logs.
    #[serde(rename = "brevo.activities")]
    Activities,
}

impl Stream {
    /// All of them, in the order of [`Stream::index`].
    pub const ALL: [Self; 4] = [Self::AuditLogs, Self::Login, Self::Security, Self::Activities];

    /// Its place in [`Stream::ALL`].
    pub fn index(self) -> usize {
        match self {
            Self::AuditLogs => 0,
            Self::Login => 1,
            Self::Security => 2,
            Self::Activities => 3,
        }
    }

    /// Its name, which is also `event.dataset`.
    pub fn name(self) -> &'static str {
        match self {
            Self::AuditLogs => "hubspot.audit_logs",
            Self::Login => "hubspot.login",
            Self::Security => "hubspot.security",
            Self::Activities => "brevo.activities",
        }
    }

    /// The stream with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stream| stream.name() == name)
    }
}

/// One thing that can be asked of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// `/account-info/{version}/activity/audit-logs`.
    AuditLogs,
    /// `/account-info/{version}/activity/login`.
    Login,
    /// `/account-info/{version}/activity/security`.
    Security,
    /// `/account-info/{version}/details`.
    Details,
    /// `/oauth/{version}/token`.
    Token,
    /// `/v3/organization/activities`.
    Activities,
    /// `/v3/account`.
    Account,
}

impl Endpoint {
    /// The endpoint at this path.
    pub fn at(path: &str) -> Option<Self> {
        match path {
            "/v3/organization/activities" => return Some(Self::Activities),
            "/v3/account" => return Some(Self::Account),
            "/oauth/2026-03/token" | "/oauth/v1/token" => return Some(Self::Token),
            _ => {}
        }
        let (version, rest) = path.strip_prefix("/account-info/")?.split_once('/')?;
        if !matches!(version, "v3" | "2025-09" | "2026-03" | "2026-09") {
            return None;
        }
        match rest {
            "activity/audit-logs" => Some(Self::AuditLogs),
            "activity/login" => Some(Self::Login),
            "activity/security" => Some(Self::Security),
            "details" => Some(Self::Details),
            _ => None,
        }
    }

    /// Whose endpoint it is.
    pub fn product(self) -> Product {
        match self {
            Self::Activities | Self::Account => Product::Brevo,
            Self::AuditLogs | Self::Login | Self::Security | Self::Details | Self::Token => Product::Hubspot,
        }
    }

    /// The log that it shows, if it shows one.
    pub fn stream(self) -> Option<Stream> {
        match self {
            Self::AuditLogs => Some(Stream::AuditLogs),
            Self::Login => Some(Stream::Login),
            Self::Security => Some(Stream::Security),
            Self::Activities => Some(Stream::Activities),
            Self::Details | Self::Token | Self::Account => None,
        }
    }
}
