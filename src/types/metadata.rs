//! Annotations of mailboxes and of the server (RFC 5464), and what prevents setting one.

use std::fmt;

use bytes::Bytes;

use super::mailbox::MailboxName;

/// `* METADATA`: annotations, or a notice that some have changed (RFC 5464 section 4.4).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metadata {
    /// The mailbox; `None` for annotations of the server itself.
    pub mailbox: Option<MailboxName>,
    /// Each with its name, such as `/private/comment`.
    pub entries: Vec<MetadataEntry>,
}

/// One annotation of [`Metadata`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetadataEntry {
    /// Its name: `/private/…` is the user's own, `/shared/…` everyone's. Case does not matter.
    pub name: String,
    /// Its value, as far as the server sent it.
    pub value: MetadataValue,
}

/// The value of an annotation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MetadataValue {
    /// The value: usually UTF-8, but any bytes are allowed.
    Set(Bytes),
    /// There is no such annotation (`NIL`).
    Unset,
    /// It has changed; the server did not send its value (RFC 5464 section 4.4.2).
    Changed,
}

impl Metadata {
    pub(crate) fn new(mailbox: Option<MailboxName>, entries: Vec<MetadataEntry>) -> Self {
        Self { mailbox, entries }
    }

    /// The value of the annotation with this name; `None` if there is none, or the server did not
    /// send it.
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

/// `METADATA` as a response code: the result of a command about annotations (RFC 5464 sections
/// 4.2.1, 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum MetadataCode {
    /// `LONGENTRIES`: values longer than requested were left out; the size of the largest in bytes.
    LongEntries(u64),
    /// `MAXSIZE`: the largest permitted value, in bytes.
    MaxSize(u64),
    /// `TOOMANY`: the mailbox can have no more annotations.
    TooMany,
    /// `NOPRIVATE`: the server stores no private annotations here.
    NoPrivate,
}

impl fmt::Display for MetadataCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LongEntries(n) => write!(f, "LONGENTRIES {n}"),
            Self::MaxSize(n) => write!(f, "MAXSIZE {n}"),
            Self::TooMany => f.write_str("TOOMANY"),
            Self::NoPrivate => f.write_str("NOPRIVATE"),
        }
    }
}
