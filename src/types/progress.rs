//! The progress of a long command, and what prevents setting an annotation.

use std::fmt;

/// `INPROGRESS`: the progress of a command (RFC 9585).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Progress {
    /// The tag of the command, as the server wrote it; `None` if the server does not say.
    pub tag: Option<String>,
    /// The amount done, in units of the server's choice; `None` if the server does not say.
    pub done: Option<u64>,
    /// The total amount, in the same units; `None` if the server does not say.
    pub total: Option<u64>,
}

impl Progress {
    pub(crate) fn new(tag: Option<String>, done: Option<u64>, total: Option<u64>) -> Self {
        Self { tag, done, total }
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |n: Option<u64>| n.map_or_else(|| "NIL".to_owned(), |n| n.to_string());
        match &self.tag {
            Some(tag) => write!(f, "(\"{tag}\"")?,
            None => f.write_str("(NIL")?,
        }
        write!(f, " {} {})", number(self.done), number(self.total))
    }
}

/// `METADATA` as a response code: the result of a command about annotations (RFC 5464 sections
/// 4.2.1, 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
