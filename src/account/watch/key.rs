//! The identifier of a mailbox, which survives renames.
//!
//! In: MAILBOXID (RFC 8474), or a number of our own where the server has none. Out: one text.

use std::fmt;

/// The identifier of a mailbox: its MAILBOXID where the server has one, else a number that the
/// watch has given it. It survives renames.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct MailboxKey(String);

impl MailboxKey {
    pub(super) fn of_id(mailbox_id: &str) -> Self {
        Self(format!("id:{mailbox_id}"))
    }

    pub(super) fn numbered(number: u64) -> Self {
        Self(format!("n:{number}"))
    }

    /// The inverse of its text.
    #[cfg(feature = "store")]
    pub(crate) fn from_text(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The number, if it is one of ours.
    pub(super) fn number(&self) -> Option<u64> {
        self.0.strip_prefix("n:")?.parse().ok()
    }
}

impl fmt::Display for MailboxKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
