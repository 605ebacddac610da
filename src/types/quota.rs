//! Quotas: how much a mailbox may hold (RFC 9208, RFC 2087).

use super::mailbox::MailboxName;

/// `* QUOTA`: usage and limits of one quota root (RFC 9208 section 4.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Quota {
    /// The name of the quota root, which its mailboxes share. May be empty.
    pub root: String,
    /// The resources counted.
    pub resources: Vec<QuotaResource>,
}

/// One resource of a [`Quota`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct QuotaResource {
    /// Its name: `STORAGE` (in units of 1024 bytes), `MESSAGE`, `MAILBOX`, `ANNOTATION-STORAGE`, or
    /// another.
    pub name: String,
    /// The amount used; `None` where the server does not say, or sends a number beyond 64 bits.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub usage: Option<u64>,
    /// The amount allowed; `None` where there is no limit, or the server sends a number beyond 64
    /// bits.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub limit: Option<u64>,
}

/// `* QUOTAROOT`: the quotas that apply to a mailbox (RFC 9208 section 4.2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct QuotaRoot {
    /// The mailbox.
    pub mailbox: MailboxName,
    /// The names of its quota roots; empty if it has no limits.
    pub roots: Vec<String>,
}

impl Quota {
    pub(crate) fn new(root: String, resources: Vec<QuotaResource>) -> Self {
        Self { root, resources }
    }

    /// The resource with this name, such as `STORAGE`; case does not matter.
    #[must_use]
    pub fn resource(&self, name: &str) -> Option<&QuotaResource> {
        self.resources.iter().find(|resource| resource.name.eq_ignore_ascii_case(name))
    }
}

impl QuotaResource {
    pub(crate) fn new(name: String, usage: Option<u64>, limit: Option<u64>) -> Self {
        Self { name, usage, limit }
    }
}

impl QuotaRoot {
    pub(crate) fn new(mailbox: MailboxName, roots: Vec<String>) -> Self {
        Self { mailbox, roots }
    }
}
