//! The progress of a long command.

use std::fmt;

/// `INPROGRESS`: the progress of a command (RFC 9585).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
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
