//! What is known of a mailbox without a look into it.
//!
//! In: STATUS, or what an earlier run knew. Out: whether two of these can be of one mailbox, and of
//! the same messages.

use crate::types::{MailboxState, MailboxStatus, ModSeq, Uid, UidValidity};

/// What STATUS says of a mailbox; any difference is a reason to look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "store", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Counts {
    pub(super) uid_validity: Option<UidValidity>,
    pub(super) uid_next: Option<Uid>,
    pub(super) messages: Option<u32>,
    pub(super) unseen: Option<u32>,
    pub(super) highest_mod_seq: Option<ModSeq>,
}

impl Counts {
    /// UIDVALIDITY, as it was.
    #[cfg(feature = "store")]
    pub(crate) fn uid_validity(&self) -> Option<UidValidity> {
        self.uid_validity
    }

    /// UIDNEXT, as it was.
    #[cfg(feature = "store")]
    pub(crate) fn uid_next(&self) -> Option<Uid> {
        self.uid_next
    }

    pub(crate) fn of(status: &MailboxStatus) -> Self {
        Self {
            uid_validity: status.uid_validity,
            uid_next: status.uid_next,
            messages: status.messages,
            unseen: status.unseen,
            highest_mod_seq: status.highest_mod_seq,
        }
    }

    /// Whether equal counts mean that nothing has changed.
    #[cfg(feature = "store")]
    pub(crate) fn has_mod_seq(&self) -> bool {
        self.highest_mod_seq.is_some()
    }

    /// Whether rows that are as new as this mod-sequence, and as many, are newer than these counts.
    #[cfg(feature = "store")]
    pub(crate) fn is_behind(&self, mod_seq: Option<ModSeq>, messages: u32) -> bool {
        let is_lower = self.highest_mod_seq.zip(mod_seq).is_some_and(|(now, rows)| now < rows);
        is_lower || self.messages.is_some_and(|now| now != messages)
    }

    /// What an earlier run knew of it.
    pub(super) fn of_state(state: &MailboxState, flags: bool) -> Self {
        let with_flags: u64 = state.flags.iter().map(|(_, uids)| uids.len()).sum();
        // Flags that had not been read when the run ended are to be read.
        let is_whole = !flags || with_flags == state.uids.len();
        Self {
            uid_validity: Some(state.uid_validity),
            // At least: the last messages may be gone. Then it is looked into once in vain.
            uid_next: state.uids.last().map_or(Some(Uid::MIN), |last| Uid::new(last.get().checked_add(1)?)),
            messages: u32::try_from(state.uids.len()).ok(),
            highest_mod_seq: state.highest_mod_seq.filter(|_| is_whole),
            unseen: None,
        }
    }

    /// Whether these, of an earlier run, leave nothing to look for.
    pub(super) fn is_all_of(&self, now: &Self) -> bool {
        let of =
            |counts: &Self| (counts.uid_validity, counts.uid_next, counts.messages, counts.highest_mod_seq);
        self.highest_mod_seq.is_some() && of(self) == of(now)
    }

    /// Whether something has changed, as far as both say.
    pub(super) fn has_changed_since(&self, before: &Self) -> bool {
        fn differs<T: PartialEq>(now: Option<T>, before: Option<T>) -> bool {
            now.zip(before).is_some_and(|(now, before)| now != before)
        }
        differs(self.uid_next, before.uid_next)
            || differs(self.messages, before.messages)
            || differs(self.unseen, before.unseen)
    }

    /// By what a mailbox may be found under another name.
    pub(super) fn contents(&self) -> Option<Contents> {
        // A mailbox in which nothing has ever been is like any other.
        let messages = self.messages.filter(|messages| *messages > 0)?;
        Some(Contents { uid_validity: self.uid_validity?, messages, uid_next: self.uid_next })
    }

    /// Whether the server has something that it has not reported to a selection with this state,
    /// and mod-sequences up to this.
    pub(super) fn is_ahead_of(&self, state: &MailboxState, reported: Option<ModSeq>) -> bool {
        let messages = u64::from(self.messages.unwrap_or_default());
        self.uid_validity.is_some_and(|now| now != state.uid_validity)
            || self.messages.is_some() && messages != state.uids.len()
            || self.highest_mod_seq > state.highest_mod_seq.max(reported)
    }

    /// Since when changes are to be asked for, if the messages are the same and there is nothing
    /// else that this state lacks.
    pub(super) fn changes_alone(&self, state: &MailboxState) -> Option<ModSeq> {
        let is_same = self.uid_validity == Some(state.uid_validity)
            && self.messages.map(u64::from) == Some(state.uids.len());
        state.highest_mod_seq.filter(|_| is_same)
    }
}

/// What may tell that a mailbox has had another name before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Contents {
    uid_validity: UidValidity,
    messages: u32,
    uid_next: Option<Uid>,
}

impl Contents {
    pub(super) fn without_uid_next(self) -> Self {
        Self { uid_next: None, ..self }
    }
}
