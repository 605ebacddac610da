//! The bounds and the state of the connection that the grammar reads by.

use super::{Fail, Input, expected};

/// What the grammar needs to know about the connection.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    /// How deep lists may nest.
    pub(super) depth: usize,
    /// The most flags or words in a list.
    pub(super) words: usize,
    /// The most entries in any other list.
    pub(super) entries: usize,
    /// The most bytes of text, in literals too.
    pub(super) line: usize,
    /// Whether mailbox names are in UTF-8.
    pub(super) utf8: bool,
}

impl Rules {
    /// Refuses another entry in a list that is full.
    pub(super) fn room(&self, i: Input<'_>, entries: usize) -> Result<(), nom::Err<Fail>> {
        if entries < self.entries { Ok(()) } else { Err(expected(i, "a list within Limits::entries")) }
    }
}
