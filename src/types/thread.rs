//! Messages and their replies: the result of THREAD (RFC 5256 section 4).

use std::fmt;

use super::heap_size::{HeapSize, room};
use super::iter::ThreadsIter;
use super::number::{Seq, Uid};

/// `* THREAD`: trees of messages, each message below the one that it replies to.
///
/// Stored flat: each message with its depth, before those below it. Deep nesting takes no more
/// memory than its text.
///
/// ```
/// # use imap_duplex::types::Threads;
/// fn print(threads: &Threads) {
///     for node in threads.iter() {
///         println!("{:width$}{:?}", "", node.uid(), width = node.depth as usize * 2);
///     }
/// }
/// # print(&Threads::default());
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Threads {
    /// Depth and number; 0 for a missing message.
    nodes: Vec<(u32, u32)>,
}

/// One message in [`Threads`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ThreadNode {
    /// The count of messages above it; 0 for the first message of a thread.
    pub depth: u32,
    /// Its number; `None` for a message that others reply to, but that is not in the mailbox or did
    /// not match.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub number: Option<u32>,
}

impl ThreadNode {
    /// Its number as a UID (for UID THREAD).
    #[must_use]
    pub fn uid(&self) -> Option<Uid> {
        self.number.and_then(Uid::new)
    }

    /// Its number as a sequence number (for THREAD).
    #[must_use]
    pub fn seq(&self) -> Option<Seq> {
        self.number.and_then(Seq::new)
    }
}

impl Threads {
    /// Appends a message; a number of 0 is a missing message.
    pub(crate) fn push(&mut self, depth: u32, number: u32) {
        self.nodes.push((depth, number));
    }

    /// Adds these threads behind its own.
    pub(crate) fn append(&mut self, mut more: Self) {
        self.nodes.append(&mut more.nodes);
    }

    /// Each message, before those that reply to it.
    #[must_use]
    pub fn iter(&self) -> ThreadsIter<'_> {
        self.into_iter()
    }

    pub(super) fn nodes(&self) -> &[(u32, u32)] {
        &self.nodes
    }

    /// The count of threads.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.iter().filter(|(depth, _)| *depth == 0).count()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }
}

impl HeapSize for Threads {
    fn heap_size(&self) -> usize {
        room::<(u32, u32)>(self.nodes.capacity())
    }
}

impl fmt::Debug for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.nodes.iter()).finish()
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Threads {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}
