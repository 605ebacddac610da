//! Annotations of mailboxes and of the server (RFC 5464).

use bytes::Bytes;

use super::mailbox::MailboxName;

/// `* METADATA`: annotations, or word that some have changed (RFC 5464 section 4.4).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metadata {
    /// Of which mailbox; `None` for those of the server itself.
    pub mailbox: Option<MailboxName>,
    /// Each with its name, such as `/private/comment`.
    pub entries: Vec<MetadataEntry>,
}

/// One annotation of [`Metadata`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetadataEntry {
    /// Its name: `/private/…` is the user's own, `/shared/…` everyone's. Case of letters does not
    /// matter.
    pub name: String,
    /// What was told of it.
    pub value: MetadataValue,
}

/// What was told of an annotation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetadataValue {
    /// This is its value: text in UTF-8 as a rule, but any octets may come.
    Set(Bytes),
    /// There is none (`NIL`).
    Unset,
    /// It has changed, and its value was not told (RFC 5464 section 4.4.2).
    Changed,
}

impl Metadata {
    pub(crate) fn new(mailbox: Option<MailboxName>, entries: Vec<MetadataEntry>) -> Self {
        Self { mailbox, entries }
    }

    /// The value of the annotation with this name; `None` if there is none, or it was not told.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Bytes> {
        let entry = self.entries.iter().find(|entry| entry.name.eq_ignore_ascii_case(name))?;
        match &entry.value {
            MetadataValue::Set(value) => Some(value),
            MetadataValue::Unset | MetadataValue::Changed => None,
        }
    }
}

impl MetadataEntry {
    pub(crate) fn new(name: String, value: MetadataValue) -> Self {
        Self { name, value }
    }
}
