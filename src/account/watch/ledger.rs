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
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use self::counted::{count_up, counted, forget};
use super::change::{Change, ChangeKind, Count};
use super::cursor::Place;
use super::few::FewMap;
use super::key::MailboxKey;
use crate::types::{Flags, MailboxName, MailboxState, ModSeq, Uid, UidSet, UidValidity};

/// Of so many mailboxes that are gone the records are kept.
const MAX_GONE: usize = 512;

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
    /// How often the flags of messages have changed, where the server keeps no mod-sequences: each
    /// number with the messages. It is part of [`Change::id`].
    #[cfg_attr(feature = "serde", serde(default))]
    pub flag_changes: Vec<(u32, UidSet)>,
    /// How often messages were expunged, of which some may have come back: each number with the
    /// messages. It is part of [`Change::id`].
    #[cfg_attr(feature = "serde", serde(default))]
    pub departures: Vec<(u32, UidSet)>,
    /// How often the mailbox was renamed.
    #[cfg_attr(feature = "serde", serde(default))]
    pub renames: u64,
    /// How often it had another UIDVALIDITY, or a lower mod-sequence.
    #[cfg_attr(feature = "serde", serde(default))]
    pub resets: u64,
    /// How often it was deleted, and came back.
    #[cfg_attr(feature = "serde", serde(default))]
    pub lives: u64,
    /// It is gone. The record stays, since it may come back: some hundred such are kept.
    #[cfg_attr(feature = "serde", serde(default))]
    pub is_gone: bool,
    /// Some of its messages, each with a text that tells it from others. By these a mailbox that
    /// has another name is recognised where the server has no MAILBOXID.
    #[cfg_attr(feature = "serde", serde(default))]
    pub sample: Vec<(Uid, String)>,
}

/// Some messages, each with a text that tells it from others.
pub(super) type Sample = Vec<(Uid, String)>;

impl StoredMailbox {
    pub(super) fn new(name: MailboxName) -> Self {
        Self {
            name,
            state: None,
            batch: 0,
            is_new: false,
            flag_changes: Vec::new(),
            departures: Vec::new(),
            renames: 0,
            resets: 0,
            lives: 0,
            is_gone: false,
            sample: Vec::new(),
        }
    }

    /// What is left of it when the mailbox is deleted.
    fn gone(name: MailboxName, lives: u64) -> Self {
        Self { is_gone: true, lives: lives.saturating_add(1), ..Self::new(name) }
    }

    /// What this record, or none, becomes once a change that was delivered after it is
    /// acknowledged; [`is_gone`](Self::is_gone) if the mailbox is gone by it. For programs that
    /// keep changes beside the records of their [`StateStore`](super::StateStore), to finish after
    /// a crash what they had begun.
    ///
    /// [`InStep`](ChangeKind::InStep) changes nothing here: the state that goes with it is the
    /// watch's own.
    #[must_use]
    pub fn after(mut record: Option<Self>, change: &Change) -> Option<Self> {
        let delta = match &change.kind {
            ChangeKind::InStep => return record,
            ChangeKind::Reset => Delta::Reset(change.uid_validity),
            kind => Delta::Change(kind.clone(), change.mod_seq),
        };
        if let (Some(_), Some(uid_validity)) = (change.uid(), change.uid_validity) {
            // The first messages of a mailbox of which nothing was known.
            let record = record.get_or_insert_with(|| Self::new(change.mailbox.clone()));
            record.state.get_or_insert_with(|| MailboxState::new(uid_validity));
        }
        let mut record = record.map(Arc::new);
        apply(&mut record, &change.mailbox, &delta);
        record.map(Arc::unwrap_or_clone)
    }
}

/// What a change does to the record of its mailbox.
#[derive(Clone, Debug)]
pub(super) enum Delta {
    /// With the mod-sequence, where the server said it.
    Change(ChangeKind, Option<ModSeq>),
    /// All that this state covers has been delivered; with some of its messages, if they were read.
    InStep(MailboxState, Option<Sample>),
    /// The mailbox has this UIDVALIDITY now.
    Reset(Option<UidValidity>),
    /// What follows are all messages of a mailbox of which nothing was known.
    Begin(UidValidity),
    /// The server counts mod-sequences from a lower one on: those of before mean nothing.
    Rewound,
    /// It was in step, and so it was again since: the changes before it say as much as its state,
    /// which is large.
    WasInStep,
}

impl Delta {
    /// What the program gets, and what is kept of it until it is acknowledged: not what was fetched
    /// of the message.
    fn split(self) -> (ChangeKind, Option<ModSeq>, Self) {
        match self {
            Self::Change(kind, mod_seq) => {
                let kept = kind.without_message();
                (kind, mod_seq, Self::Change(kept, mod_seq))
            }
            Self::InStep(..) => (ChangeKind::InStep, None, self),
            Self::Reset(_) | Self::Begin(_) | Self::Rewound | Self::WasInStep => {
                (ChangeKind::Reset, None, self)
            }
        }
    }

    /// Whether states of before say nothing about the mailbox any more.
    fn is_reset(&self) -> bool {
        matches!(self, Self::Reset(_) | Self::Change(ChangeKind::Deleted, _))
    }

    /// Whether the program gets it.
    fn is_delivered(&self) -> bool {
        !matches!(self, Self::Begin(_) | Self::Rewound)
    }
}

#[derive(Debug, Default)]
struct Entry {
    /// The same record as `head` as long as nothing is pending.
    acknowledged: Option<Arc<StoredMailbox>>,
    head: Option<Arc<StoredMailbox>>,
    pending: VecDeque<(u64, Delta)>,
    /// Something has been delivered since the mailbox was in step.
    changed: bool,
    /// The change by which the mailbox has gone last in this run.
    gone: u64,
}

impl Entry {
    /// Whether all that this says is known already: a change is delivered once.
    fn knows(&self, delta: &Delta) -> bool {
        let Some(head) = &self.head else { return false };
        !(self.changed && matches!(delta, Delta::InStep(..))) && is_known(head, delta)
    }

    /// Of states that wait for an acknowledgement the first is kept, without which the changes
    /// behind it may mean nothing, and the last.
    fn push(&mut self, number: u64, delta: Delta) {
        if matches!(delta, Delta::InStep(..)) {
            let all = self.pending.iter().enumerate();
            let mut states =
                all.filter(|(_, (_, delta))| matches!(delta, Delta::InStep(..))).map(|(at, _)| at);
            let between = states.next().and(states.next_back());
            let is_one_life = !self.pending.iter().any(|(_, delta)| delta.is_reset());
            if let Some((_, before)) = between.filter(|_| is_one_life).and_then(|at| self.pending.get_mut(at))
            {
                *before = Delta::WasInStep;
            }
        }
        self.pending.push_back((number, delta));
    }

    /// What tells this change from others of its kind.
    fn count(&self, delta: &Delta) -> Count {
        let Some(head) = &self.head else { return Count::default() };
        let uid = if let Delta::Change(kind, _) = delta { kind.uid() } else { None };
        let same = match (delta, uid) {
            (_, Some(uid)) => counted(&head.flag_changes, uid).into(),
            (Delta::Change(ChangeKind::Renamed { .. }, _), None) => head.renames,
            (Delta::InStep(..), None) => head.batch,
            _ => 0,
        };
        let departures = uid.map_or(0, |uid| counted(&head.departures, uid));
        Count { lives: head.lives, resets: head.resets, departures, same }
    }
}

#[derive(Debug)]
pub(super) struct Ledger {
    mailboxes: FewMap<MailboxKey, Box<Entry>>,
    /// User and host.
    account: Arc<str>,
    /// Of all that was ever delivered, what came from here.
    run: u64,
    /// Changes that have been delivered and not acknowledged.
    pending: usize,
    /// The number of the next change, of whichever mailbox: one that is gone may come back, and
    /// none of its old changes acknowledges a new one.
    next: u64,
}

impl Ledger {
    pub(super) fn load(account: &str, stored: BTreeMap<MailboxKey, StoredMailbox>) -> Self {
        let entry = |stored: StoredMailbox| {
            // The program has not been in step with it, though its state may be as it was.
            let changed = stored.state.is_some() && stored.batch == 0;
            let stored = Some(Arc::new(stored));
            Entry { acknowledged: stored.clone(), head: stored, changed, ..Entry::default() }
        };
        let mailboxes = stored.into_iter().map(|(key, stored)| (key, Box::new(entry(stored)))).collect();
        // A number that no other run has.
        let run = RandomState::new().hash_one(0_u8);
        Self { mailboxes, account: account.into(), run, pending: 0, next: 0 }
    }

    /// Whether this change is one of this run.
    pub(super) fn has_delivered(&self, place: Place<'_>) -> bool {
        place.run == self.run
    }

    /// Whether no mailbox has been looked into: what is there is to be known.
    pub(super) fn has_not_begun(&self) -> bool {
        let is_unknown = |head: &Arc<StoredMailbox>| {
            head.state.is_none() && !head.is_new && !head.is_gone && head.batch == 0
        };
        self.mailboxes.iter().all(|(_, entry)| entry.head.as_ref().is_some_and(is_unknown))
    }

    pub(super) fn pending(&self) -> usize {
        self.pending
    }

    /// The mailboxes that there are, with all that has been delivered.
    pub(super) fn heads(&self) -> impl Iterator<Item = (&MailboxKey, &StoredMailbox)> {
        self.mailboxes.keys().filter_map(|key| Some((key, self.head(key)?)))
    }

    pub(super) fn head(&self, key: &MailboxKey) -> Option<&StoredMailbox> {
        self.mailboxes.get(key)?.head.as_deref().filter(|head| !head.is_gone)
    }

    /// The record to store.
    pub(super) fn acknowledged(&self, key: &MailboxKey) -> Option<&StoredMailbox> {
        self.mailboxes.get(key)?.acknowledged.as_deref()
    }

    /// A mailbox that was there before the watch began. It is to be stored.
    pub(super) fn know(&mut self, key: MailboxKey, name: MailboxName) -> MailboxKey {
        let entry = self.mailboxes.get_or_default(key.clone());
        // It may have been watched before.
        let lives = entry.head.as_ref().map_or(0, |head| head.lives);
        let shared = Some(Arc::new(StoredMailbox { lives, ..StoredMailbox::new(name) }));
        (entry.acknowledged, entry.head) = (shared.clone(), shared);
        key
    }

    /// What such a mailbox has at the first look. That is as good as acknowledged: changes count
    /// from there on, in this run and, if they are not acknowledged, in the next. Whether it is to
    /// be stored.
    pub(super) fn begin(&mut self, key: MailboxKey, state: MailboxState) -> Option<MailboxKey> {
        let entry = self.mailboxes.get_mut(&key)?;
        let is_first =
            |record: &&mut Arc<StoredMailbox>| record.state.is_none() && !record.is_new && !record.is_gone;
        let head = entry.head.as_mut().filter(is_first)?;
        let shares = entry.pending.is_empty();
        Arc::make_mut(head).state = Some(state.clone());
        // It is not in step yet.
        entry.changed = true;
        if shares {
            entry.acknowledged.clone_from(&entry.head);
        } else if let Some(acknowledged) = entry.acknowledged.as_mut().filter(is_first) {
            Arc::make_mut(acknowledged).state = Some(state);
        }
        Some(key)
    }

    /// A change is delivered. It as the program gets it; `None` if it repeats what was delivered.
    pub(super) fn push(&mut self, key: &MailboxKey, name: &MailboxName, delta: Delta) -> Option<Change> {
        let entry = self.mailboxes.get_or_default(key.clone());
        if entry.knows(&delta) {
            return None;
        }
        let count = entry.count(&delta);
        match delta {
            Delta::InStep(..) | Delta::Begin(_) => entry.changed = false,
            Delta::Rewound => {}
            _ => entry.changed = true,
        }
        let before = entry.head.as_ref().and_then(|head| head.state.as_ref()).map(|state| state.uid_validity);
        apply(&mut entry.head, name, &delta);
        let after = entry.head.as_ref().and_then(|head| head.state.as_ref()).map(|state| state.uid_validity);
        let is_delivered = delta.is_delivered();
        let number = self.next;
        self.next += 1;
        if entry.head.as_ref().is_some_and(|head| head.is_gone) {
            entry.gone = number;
        }
        let (kind, mod_seq, delta) = delta.split();
        entry.push(number, delta);
        self.pending += usize::from(is_delivered);
        let (mailbox, key) = (name.clone(), key.clone());
        let uid_validity = after.or(before);
        let (account, run) = (self.account.clone(), self.run);
        let change = Change { mailbox, uid_validity, mod_seq, kind, key, account, run, number, count };
        is_delivered.then_some(change)
    }

    /// All changes of this mailbox up to this one, which is of this run, are acknowledged. Whether
    /// they had not been before.
    pub(super) fn acknowledge(&mut self, place: Place<'_>) -> bool {
        let Some(entry) = self.mailboxes.get_mut(place.key) else { return false };
        let mut moved = false;
        while entry.pending.front().is_some_and(|(number, _)| *number <= place.number) {
            let Some((_, delta)) = entry.pending.pop_front() else { break };
            apply(&mut entry.acknowledged, place.mailbox, &delta);
            self.pending -= usize::from(delta.is_delivered());
            moved = true;
        }
        if entry.pending.is_empty() {
            // All that was delivered is acknowledged: one record is enough, and no room for others.
            entry.acknowledged.clone_from(&entry.head);
            entry.pending.shrink_to_fit();
        }
        moved
    }

    /// Of mailboxes that are gone not all are kept. Whose records are to be removed.
    pub(super) fn forget_gone(&mut self) -> Vec<MailboxKey> {
        let is_gone =
            |record: &Option<Arc<StoredMailbox>>| record.as_ref().is_some_and(|record| record.is_gone);
        let all = self.mailboxes.iter();
        let is_over =
            |entry: &Entry| is_gone(&entry.acknowledged) && is_gone(&entry.head) && entry.pending.is_empty();
        let gone = all.filter(|(_, entry)| is_over(entry)).map(|(key, entry)| (entry.gone, key.clone()));
        let mut gone: Vec<_> = gone.collect();
        let mut forgotten = Vec::new();
        if gone.len() > MAX_GONE {
            // A quarter of them, those that went first: a few at a time would be a search each
            // time.
            gone.sort_unstable();
            gone.truncate(gone.len() / 4);
            forgotten.extend(gone.into_iter().map(|(_, key)| key));
        }
        for key in &forgotten {
            self.mailboxes.remove(key);
        }
        forgotten
    }
}

/// Whether all that this change says is known already.
fn is_known(head: &StoredMailbox, delta: &Delta) -> bool {
    let Some(state) = &head.state else { return false };
    match delta {
        Delta::Change(ChangeKind::Arrived { uid, .. }, _) => state.uids.contains(*uid),
        Delta::Change(ChangeKind::Expunged { uid }, _) => !state.uids.contains(*uid),
        // Of a message that has not arrived: they come with it.
        Delta::Change(ChangeKind::FlagsChanged { uid, flags }, _) => {
            !state.uids.contains(*uid) || state.flags_of(*uid) == Some(flags)
        }
        Delta::InStep(now, sample) => state == now && sample.as_ref().is_none_or(|now| *now == head.sample),
        Delta::Begin(uid_validity) => state.uid_validity == *uid_validity,
        _ => false,
    }
}

fn apply(record: &mut Option<Arc<StoredMailbox>>, name: &MailboxName, delta: &Delta) {
    if let Delta::Change(ChangeKind::Deleted, _) = delta {
        let lives = record.as_ref().map_or(0, |record| record.lives);
        *record = Some(Arc::new(StoredMailbox::gone(name.clone(), lives)));
        return;
    }
    let record = record.get_or_insert_with(|| Arc::new(StoredMailbox::new(name.clone())));
    let record = Arc::make_mut(record);
    (record.name, record.is_gone) = (name.clone(), false);
    match delta {
        Delta::InStep(state, sample) => {
            record.state = Some(state.clone());
            record.batch += 1;
            record.is_new = false;
            sample.iter().for_each(|sample| record.sample.clone_from(sample));
        }
        Delta::WasInStep => {
            record.batch += 1;
            record.is_new = false;
        }
        Delta::Begin(uid_validity) => record.state = Some(MailboxState::new(*uid_validity)),
        Delta::Reset(uid_validity) => {
            record.state = uid_validity.map(MailboxState::new);
            (record.flag_changes, record.departures, record.sample) = Default::default();
            record.resets += 1;
        }
        Delta::Rewound => {
            // Nothing can be asked for since then.
            record.state.iter_mut().for_each(|state| state.highest_mod_seq = None);
            record.resets += 1;
        }
        Delta::Change(ChangeKind::Created, _) => record.is_new = true,
        Delta::Change(ChangeKind::Renamed { .. }, _) => record.renames += 1,
        Delta::Change(kind, mod_seq) => {
            match kind {
                ChangeKind::FlagsChanged { uid, .. } if !rises(record, *mod_seq) => {
                    count_up(&mut record.flag_changes, *uid);
                }
                ChangeKind::Expunged { uid } => {
                    count_up(&mut record.departures, *uid);
                    forget(&mut record.flag_changes, *uid);
                }
                _ => {}
            }
            if let Some(state) = &mut record.state {
                apply_to_state(state, kind);
            }
        }
    }
}

/// Whether a mod-sequence tells this change from earlier ones: of some servers it stands still.
fn rises(record: &StoredMailbox, mod_seq: Option<ModSeq>) -> bool {
    let known = record.state.as_ref().and_then(|state| state.highest_mod_seq);
    mod_seq.is_some_and(|mod_seq| known.is_none_or(|known| mod_seq > known))
}

/// What a change does to what is known of a mailbox's messages.
pub(super) fn apply_to_state(state: &mut MailboxState, kind: &ChangeKind) {
    match kind {
        ChangeKind::Arrived { uid, flags, .. } => {
            state.uids.insert(*uid);
            if flags.is_some() {
                set_flags(state, *uid, flags.as_ref());
            }
        }
        ChangeKind::FlagsChanged { uid, flags } if state.uids.contains(*uid) => {
            set_flags(state, *uid, Some(flags));
        }
        ChangeKind::Expunged { uid } => {
            state.uids.remove(*uid);
            set_flags(state, *uid, None);
        }
        _ => {}
    }
}

/// The flags of this message, or `None` if they are not known.
fn set_flags(state: &mut MailboxState, uid: Uid, flags: Option<&Flags>) {
    for (_, uids) in &mut state.flags {
        if uids.contains(uid) {
            uids.remove(uid);
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

mod counted;
#[cfg(test)]
mod tests;
