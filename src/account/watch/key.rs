//! The identifier of a mailbox, which survives renames.
//!
//! In: MAILBOXID (RFC 8474), or a number of our own where the server has none. Out: one text.

use std::fmt;
use std::sync::Arc;

/// The identifier of a mailbox: its MAILBOXID where the server has one, else a number that the
/// watch has given it. It survives renames.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct MailboxKey(#[cfg_attr(feature = "serde", serde(with = "text"))] Arc<str>);

impl MailboxKey {
    pub(super) fn of_id(mailbox_id: &str) -> Self {
        Self(format!("id:{mailbox_id}").into())
    }

    pub(super) fn numbered(number: u64) -> Self {
        Self(format!("n:{number}").into())
    }

    /// The inverse of its text.
    #[cfg(feature = "store")]
    pub(crate) fn from_text(text: &str) -> Self {
        Self(text.into())
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

/// A text that is shared, as JSON has it.
#[cfg(feature = "serde")]
mod text {
    use std::sync::Arc;

    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(text)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<str>, D::Error> {
        String::deserialize(deserializer).map(Arc::from)
    }
}
