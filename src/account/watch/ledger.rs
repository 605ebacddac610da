//! What has been delivered and what has been acknowledged, for each mailbox.
//!
//! ```text
//!   acknowledged ── pending changes ──> head
//!        │              ^                 └── the next look at the mailbox resumes from here
//!        │              └── ack: up to and including this one
//!        └── stored: the next run resumes from here
//! ```
//!
//! In: changes in the order of their delivery, acknowledgements. Out: the state to resume from, and
//! the record to store. A cursor moves only with what it covers.

use std::collections::{BTreeMap, VecDeque};

use super::change::{Change, ChangeKind};
use super::key::MailboxKey;
use crate::types::{Flags, MailboxName, MailboxState, ModSeq, Uid, UidSet, UidValidity};

/// What is kept of a mailbox: where a watch resumes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct StoredMailbox {
    /// Its name.
    pub name: MailboxName,
    /// All that is known of its messages; `None` before the first look.
    pub state: Option<MailboxState>,
    /// How often it was in step.
    pub batch: u64,
    /// It was created while the watch went on: its messages are to be delivered.
    pub is_new: bool,
}

impl StoredMailbox {
    pub(super) fn new(name: MailboxName) -> Self {
        Self { name, state: None, batch: 0, is_new: false }
    }
}

/// What a change does to the record of its mailbox.
#[derive(Clone, Debug)]
pub(super) enum Delta {
    Change(ChangeKind),
    /// All that this state covers has been delivered.
    InStep(MailboxState),
    /// The mailbox has this UIDVALIDITY now.
    Reset(Option<UidValidity>),
    /// What follows are all messages of a mailbox of which nothing was known.
    Begin(UidValidity),
}

#[derive(Debug, Default)]
struct Entry {
    acknowledged: Option<StoredMailbox>,
    head: Option<StoredMailbox>,
    pending: VecDeque<(u64, Delta)>,
    next: u64,
}

#[derive(Debug, Default)]
pub(super) struct Ledger {
    mailboxes: BTreeMap<MailboxKey, Entry>,
    /// Changes that have been delivered and not acknowledged.
    pending: usize,
}

impl Ledger {
    pub(super) fn load(stored: BTreeMap<MailboxKey, StoredMailbox>) -> Self {
        let entry = |stored: StoredMailbox| Entry {
            acknowledged: Some(stored.clone()),
            head: Some(stored),
            ..Entry::default()
        };
        let mailboxes = stored.into_iter().map(|(key, stored)| (key, entry(stored))).collect();
        Self { mailboxes, pending: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.mailboxes.is_empty()
    }

    pub(super) fn pending(&self) -> usize {
        self.pending
    }

    /// The mailboxes that there are, with all that has been delivered.
    pub(super) fn heads(&self) -> impl Iterator<Item = (&MailboxKey, &StoredMailbox)> {
        self.mailboxes.iter().filter_map(|(key, entry)| Some((key, entry.head.as_ref()?)))
    }

    pub(super) fn head(&self, key: &MailboxKey) -> Option<&StoredMailbox> {
        self.mailboxes.get(key)?.head.as_ref()
    }

    /// A mailbox that was there before the watch began. The record to store.
    pub(super) fn know(&mut self, key: MailboxKey, name: MailboxName) -> StoredMailbox {
        let record = StoredMailbox::new(name);
        let entry = self.mailboxes.entry(key).or_default();
        (entry.acknowledged, entry.head) = (Some(record.clone()), Some(record.clone()));
        record
    }

    /// A change is delivered. It as the program gets it; `None` if it repeats what was delivered.
    pub(super) fn push(
        &mut self,
        key: &MailboxKey,
        name: &MailboxName,
        mod_seq: Option<ModSeq>,
        delta: Delta,
    ) -> Option<Change> {
        let entry = self.mailboxes.entry(key.clone()).or_default();
        if entry.head.as_ref().is_some_and(|head| is_known(head, &delta)) {
            return None;
        }
        let batch = entry.head.as_ref().map_or(0, |head| head.batch);
        let before = entry.head.as_ref().and_then(|head| head.state.as_ref()).map(|state| state.uid_validity);
        apply(&mut entry.head, name, &delta);
        let after = entry.head.as_ref().and_then(|head| head.state.as_ref()).map(|state| state.uid_validity);
        let kind = match &delta {
            Delta::Change(kind) => kind.clone(),
            Delta::InStep(_) => ChangeKind::InStep,
            Delta::Reset(_) | Delta::Begin(_) => ChangeKind::Reset,
        };
        let is_delivered = !matches!(delta, Delta::Begin(_));
        let number = entry.next;
        entry.next += 1;
        entry.pending.push_back((number, delta));
        self.pending += 1;
        let (mailbox, key) = (name.clone(), key.clone());
        let change = Change { mailbox, uid_validity: after.or(before), mod_seq, kind, key, number, batch };
        is_delivered.then_some(change)
    }

    /// All changes of this mailbox up to this one are acknowledged. The record to store, `None`
    /// within if the mailbox is gone; nothing if they had been acknowledged before.
    pub(super) fn acknowledge(&mut self, change: &Change) -> Option<Option<StoredMailbox>> {
        let entry = self.mailboxes.get_mut(&change.key)?;
        let mut moved = false;
        while entry.pending.front().is_some_and(|(number, _)| *number <= change.number) {
            let Some((_, delta)) = entry.pending.pop_front() else { break };
            apply(&mut entry.acknowledged, &change.mailbox, &delta);
            self.pending -= 1;
            moved = true;
        }
        let stored = entry.acknowledged.clone();
        if entry.acknowledged.is_none() && entry.head.is_none() && entry.pending.is_empty() {
            self.mailboxes.remove(&change.key);
        }
        moved.then_some(stored)
    }
}

/// Whether all that this change says is known already: it is delivered once.
fn is_known(head: &StoredMailbox, delta: &Delta) -> bool {
    let Some(state) = &head.state else { return false };
    match delta {
        Delta::Change(ChangeKind::Arrived { uid, .. }) => state.uids.contains(*uid),
        Delta::Change(ChangeKind::Expunged { uid }) => !state.uids.contains(*uid),
        Delta::Change(ChangeKind::FlagsChanged { uid, flags }) => state.flags_of(*uid) == Some(flags),
        Delta::InStep(now) => state == now,
        Delta::Begin(uid_validity) => state.uid_validity == *uid_validity,
        _ => false,
    }
}

fn apply(record: &mut Option<StoredMailbox>, name: &MailboxName, delta: &Delta) {
    if let Delta::Change(ChangeKind::Deleted) = delta {
        *record = None;
        return;
    }
    let record = record.get_or_insert_with(|| StoredMailbox::new(name.clone()));
    record.name = name.clone();
    match delta {
        Delta::InStep(state) => {
            record.state = Some(state.clone());
            record.batch += 1;
            record.is_new = false;
        }
        Delta::Begin(uid_validity) => record.state = Some(MailboxState::new(*uid_validity)),
        Delta::Reset(uid_validity) => record.state = uid_validity.map(MailboxState::new),
        Delta::Change(ChangeKind::Created) => record.is_new = true,
        Delta::Change(kind) => {
            if let Some(state) = &mut record.state {
                apply_to_state(state, kind);
            }
        }
    }
}

fn apply_to_state(state: &mut MailboxState, kind: &ChangeKind) {
    match kind {
        ChangeKind::Arrived { uid, flags } => {
            state.uids.insert(*uid);
            set_flags(state, *uid, flags.as_ref());
        }
        ChangeKind::FlagsChanged { uid, flags } => set_flags(state, *uid, Some(flags)),
        ChangeKind::Expunged { uid } => {
            state.uids = state.uids.difference(&UidSet::from(*uid));
            set_flags(state, *uid, None);
        }
        _ => {}
    }
}

/// The flags of this message, or `None` if they are not known.
fn set_flags(state: &mut MailboxState, uid: Uid, flags: Option<&Flags>) {
    for (_, uids) in &mut state.flags {
        if uids.contains(uid) {
            *uids = uids.difference(&UidSet::from(uid));
        }
    }
    if let Some(flags) = flags {
        match state.flags.iter_mut().find(|(group, _)| group == flags) {
            Some((_, uids)) => uids.insert(uid),
            None => state.flags.push((flags.clone(), uid.into())),
        }
    }
    state.flags.retain(|(_, uids)| !uids.is_empty());
}
