//! Read-only questions about the selection: the message numbers of a set, the last UID, counts as
//! STATUS would give them.
//!
//! In: the view. Out: what is known for sure, or nothing.

use super::Selection;
use crate::command::Messages;
use crate::types::{MailboxStatus, Seq, SeqSet, Uid};

impl Selection {
    /// The last UID that a message can have, if none has arrived since UIDNEXT was reported.
    pub(crate) fn last_below_uid_next(&self) -> Option<Uid> {
        let known = self.handle.get();
        let has_all = known.ever_below.is_some_and(|below| self.view.ever() <= below);
        known.uid_next.filter(|_| has_all).and_then(|next| Uid::new(next.get() - 1))
    }

    /// Whether this message was there when the state was taken from which the selection resumes, if
    /// it does.
    pub(crate) fn was_there(&self, uid: Option<Uid>) -> bool {
        let state = self.handle.resume();
        state.zip(uid).is_none_or(|(state, uid)| state.uids.contains(uid))
    }

    /// The numbers of these messages, of those that are there.
    pub(super) fn seqs_of(&self, messages: &Messages) -> Vec<Seq> {
        let len = self.view.len();
        let all: SeqSet = match (Seq::new(1), Seq::new(len)) {
            (Some(first), Some(last)) => (first..=last).into(),
            _ => return Vec::new(),
        };
        match messages {
            // Never of one that has been sent.
            Messages::SnapshotRange(_) | Messages::Saved(_) => Vec::new(),
            Messages::Seqs(set) if set.is_open() => {
                let mut set = set.clone();
                set.extend(Seq::new(len));
                set.intersection(&all).iter().collect()
            }
            Messages::Seqs(set) => set.intersection(&all).iter().collect(),
            Messages::Uids(set) if set.len() <= u64::from(len) => {
                set.iter().filter_map(|uid| self.view.seq(uid)).collect()
            }
            Messages::Uids(set) => {
                let is_last = |seq: Seq| set.names_last() && seq.get() == len;
                let uid_of = |seq| self.view.uid(seq);
                let named = |seq: &Seq| uid_of(*seq).is_some_and(|uid| set.contains(uid) || is_last(*seq));
                all.iter().filter(named).collect()
            }
        }
    }

    /// What STATUS would say of the mailbox, as far as it is known.
    pub(crate) fn status(&self) -> MailboxStatus {
        let last = Seq::new(self.view.len().saturating_add(1)).and_then(|end| self.view.uid_before(end));
        // UIDNEXT of the SELECT is out of date as soon as a message has arrived.
        let behind_last = last.and_then(|last| Uid::new(last.get().saturating_add(1)));
        let uid_next = self.handle.get().uid_next;
        MailboxStatus {
            messages: Some(self.view.len()),
            // With another UIDVALIDITY the server need not say UIDNEXT: then it is at least this.
            uid_next: uid_next.max(behind_last),
            uid_validity: self.uid_validity,
            unseen: self.unseen(),
            highest_mod_seq: self.mod_seqs.so_far(),
            ..MailboxStatus::new(self.handle.place().mailbox.clone())
        }
    }

    /// How many messages lack `\Seen`, if the flags of all are known.
    fn unseen(&self) -> Option<u32> {
        let known =
            self.view.unknown().is_none() && self.view.flags_unknown() == 0 && !self.sync.is_in_doubt();
        let groups = known.then(|| self.view.flag_groups())?;
        let unseen: u64 =
            groups.iter().filter(|(flags, _)| !flags.is_seen()).map(|(_, uids)| uids.len()).sum();
        u32::try_from(unseen).ok()
    }
}
