//! What a search found: UIDs, to be iterated over or handed to the next command.

use crate::types::{ModSeq, SetIntoIter, SetIter, Uid, UidSet};

/// What a search found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct SearchResult {
    pub(super) uids: UidSet,
    pub(super) mod_seq: Option<ModSeq>,
}

impl SearchResult {
    /// The UIDs of the messages that fit.
    #[must_use]
    pub fn uids(&self) -> &UidSet {
        &self.uids
    }

    /// The UIDs of the messages that fit, by value.
    #[must_use]
    pub fn into_uids(self) -> UidSet {
        self.uids
    }

    /// Each UID, in ascending order.
    #[must_use]
    pub fn iter(&self) -> SetIter<'_, Uid> {
        self.uids.iter()
    }

    /// How many messages fit.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.uids.len()
    }

    /// Whether none fits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.uids.is_empty()
    }

    /// The highest mod-sequence among them, where it was searched by. `None` where the server has
    /// also found a message below an open range, which is left out (RFC 9051 section 9, seq-range):
    /// the mod-sequence may be that one's.
    #[must_use]
    pub fn mod_seq(&self) -> Option<ModSeq> {
        self.mod_seq
    }
}

/// Searches are sent by UID, so what they find is always a set of UIDs.
impl From<&SearchResult> for UidSet {
    fn from(found: &SearchResult) -> Self {
        found.uids.clone()
    }
}

impl From<SearchResult> for UidSet {
    fn from(found: SearchResult) -> Self {
        found.uids
    }
}

impl<'a> IntoIterator for &'a SearchResult {
    type Item = Uid;
    type IntoIter = SetIter<'a, Uid>;

    fn into_iter(self) -> SetIter<'a, Uid> {
        self.iter()
    }
}

impl IntoIterator for SearchResult {
    type Item = Uid;
    type IntoIter = SetIntoIter<Uid>;

    fn into_iter(self) -> SetIntoIter<Uid> {
        self.uids.into_iter()
    }
}
