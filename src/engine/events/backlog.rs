//! How much waits unread for one reader, and from when on the server waits too.
//!
//! In: what is added for a reader and what it takes, in bytes. Out: whether that is too much
//! ([`Limits::backlog`]).

use crate::types::Limits;

/// How much must wait unread before the server waits: less than may be kept, so that there is room
/// for more when a hold is over.
pub(crate) fn mark(limits: &Limits) -> usize {
    limits.backlog.min(limits.unread / 2)
}

/// How much waits for a reader.
#[derive(Debug, Default)]
pub(crate) struct Backlog {
    bytes: usize,
    /// How often something was taken.
    taken: u64,
    /// It is too much, until no more than this waits.
    low: Option<usize>,
}

impl Backlog {
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// So much more waits, and past the mark it is too much.
    pub(crate) fn add(&mut self, weight: usize, mark: usize) {
        self.bytes += weight;
        if self.bytes > mark {
            self.low.get_or_insert(mark / 2);
        }
    }

    /// So much has been taken. Whether by this there is room again.
    pub(crate) fn take(&mut self, weight: usize) -> bool {
        self.bytes = self.bytes.saturating_sub(weight);
        self.taken += 1;
        let relieved = self.low.is_some_and(|low| self.bytes <= low);
        if relieved {
            self.low = None;
        }
        relieved
    }

    /// So much was dropped unread.
    pub(crate) fn drop_unread(&mut self, weight: usize) {
        self.bytes = self.bytes.saturating_sub(weight);
    }

    /// Nothing waits any more.
    pub(crate) fn clear(&mut self) {
        *self = Self { taken: self.taken + 1, ..Self::default() };
    }

    /// If too much waits, how often something was taken: whether anyone reads.
    pub(crate) fn is_full(&self) -> Option<u64> {
        self.low.map(|_| self.taken)
    }
}
