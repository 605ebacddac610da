//! The identifier of a mailbox, which survives renames.
//!
//! In: MAILBOXID (RFC 8474), or the first name that is known where the server has none. Out: one
//! text, the same in each run that finds the mailbox.

use std::fmt;
use std::sync::Arc;

use crate::types::MailboxName;

/// The identifier of a mailbox: its MAILBOXID where the server has one, else the name under which
/// the watch has found it first. It survives renames.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct MailboxKey(#[cfg_attr(feature = "serde", serde(with = "text"))] Arc<str>);

impl MailboxKey {
    pub(super) fn of_id(mailbox_id: &str) -> Self {
        Self(format!("id:{mailbox_id}").into())
    }

    /// By the first name of a mailbox, so that another run that finds it comes to the same, in
    /// whatever order; `others`: so many of that first name are there under another name now.
    pub(super) fn of_name(name: &MailboxName, others: usize) -> Self {
        match others {
            0 => Self(format!("n:{name}").into()),
            others => Self(format!("n:{name}#{others}").into()),
        }
    }

    /// The inverse of its text.
    #[cfg(feature = "store")]
    pub(crate) fn from_text(text: &str) -> Self {
        Self(text.into())
    }

    /// Whether the server has given it none.
    pub(crate) fn is_ours(&self) -> bool {
        self.0.starts_with("n:")
    }
}

impl fmt::Display for MailboxKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is shared, as JSON has it.
#[cfg(feature = "serde")]
pub(super) mod text {
    use std::sync::Arc;

    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(in super::super) fn serialize<S: Serializer>(
        text: &Arc<str>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(text)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Arc<str>, D::Error> {
        String::deserialize(deserializer).map(Arc::from)
    }
}
