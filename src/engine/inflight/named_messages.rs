//! A set of messages as responses name them: by UID, or by number where the UID is not known.

use crate::types::{IncrementalSet, Seq, Uid};
use crate::view::View;

/// Messages by their UIDs; of those that are named by number alone, by number.
#[derive(Debug, Default)]
pub(crate) struct NamedMessages {
    uids: IncrementalSet<Uid>,
    seqs: IncrementalSet<Seq>,
}

impl NamedMessages {
    pub(super) fn insert(&mut self, seq: Option<Seq>, uid: Option<Uid>) {
        match (uid, seq) {
            (Some(uid), _) => self.uids.insert(uid),
            (None, Some(seq)) => self.seqs.insert(seq),
            (None, None) => {}
        }
    }

    pub(super) fn extend(&mut self, others: &Self) {
        others.uids.to_set().iter().for_each(|uid| self.uids.insert(uid));
        others.seqs.to_set().iter().for_each(|seq| self.seqs.insert(seq));
    }

    /// An earlier response may have named the message by its number alone.
    pub(super) fn remove(&mut self, seq: Option<Seq>, uid: Option<Uid>) {
        uid.into_iter().for_each(|uid| self.uids.remove(uid));
        seq.into_iter().for_each(|seq| self.seqs.remove(seq));
    }

    pub(crate) fn contains(&self, seq: Option<Seq>, uid: Option<Uid>) -> bool {
        uid.is_some_and(|uid| self.uids.contains(uid)) || seq.is_some_and(|seq| self.seqs.contains(seq))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.uids.is_empty() && self.seqs.is_empty()
    }

    /// Whether none of them is there any more, as far as that is known.
    pub(super) fn are_gone(&self, view: Option<&View>) -> bool {
        let gone =
            |view: &View| view.len() == 0 || view.has_uids() && !view.may_have_any_of(&self.uids.to_set());
        self.seqs.is_empty() && (self.uids.is_empty() || view.is_some_and(gone))
    }
}
