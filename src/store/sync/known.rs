//! What the rows know of a mailbox, and how a snapshot of it differs.
//!
//! In: the rows before a look, a complete snapshot of the view. Out: a state to resume from; the
//! differences, newest messages first.

use std::collections::HashMap;

use rusqlite::Transaction;

use crate::store::error::Fault;
use crate::store::ids::MailboxId;
use crate::store::rows::flags;
use crate::store::rows::message::Difference;
use crate::types::{Flags, MailboxState, ModSeq, Uid, UidSet, UidValidity};
use crate::view::{Diff, Snapshot};

/// UIDs and flags of the rows of one mailbox: 8 bytes a message, since few combinations of flags
/// are in use.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Ascending; with the number of the flags.
    messages: Vec<(Uid, usize)>,
    flags: Vec<Flags>,
}

impl Known {
    pub(super) fn read(file: &Transaction<'_>, mailbox: MailboxId) -> Result<Self, Fault> {
        let mut known = Self::default();
        let mut numbers: HashMap<String, usize> = HashMap::new();
        let mut find = file.prepare_cached(
            "SELECT uid, flags FROM message WHERE mailbox = ? AND uid IS NOT NULL ORDER BY uid",
        )?;
        let mut rows = find.query([mailbox.0])?;
        while let Some(row) = rows.next()? {
            let Some(uid) = Uid::new(row.get(0)?) else { continue };
            let text = row.get_ref(1)?.as_str().unwrap_or_default();
            let number = match numbers.get(text) {
                Some(number) => *number,
                None => {
                    known.flags.push(flags::from_text(text));
                    numbers.insert(text.to_owned(), known.flags.len() - 1);
                    known.flags.len() - 1
                }
            };
            known.messages.push((uid, number));
        }
        Ok(known)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    pub(super) fn newest(&self) -> Option<Uid> {
        self.messages.last().map(|(uid, _)| *uid)
    }

    /// The newest UID that is in this snapshot, too.
    pub(super) fn newest_in(&self, snapshot: &Snapshot) -> Option<Uid> {
        let mut uids = self.messages.iter().rev().map(|(uid, _)| *uid);
        uids.find(|uid| snapshot.seq(*uid).is_some())
    }

    /// The UIDs, so many at a time.
    pub(super) fn windows(&self, count: usize) -> impl Iterator<Item = UidSet> {
        self.messages.chunks(count).map(|window| window.iter().map(|(uid, _)| *uid).collect())
    }

    /// The same as a state to resume a selection from.
    pub(super) fn state(
        &self,
        uid_validity: Option<UidValidity>,
        mod_seq: Option<ModSeq>,
    ) -> Option<MailboxState> {
        let mut state = MailboxState::new(uid_validity?);
        state.highest_mod_seq = mod_seq;
        state.uids = self.messages.iter().map(|(uid, _)| *uid).collect();
        let mut groups: Vec<Vec<Uid>> = vec![Vec::new(); self.flags.len()];
        for (uid, number) in &self.messages {
            if let Some(group) = groups.get_mut(*number) {
                group.push(*uid);
            }
        }
        let groups = groups.into_iter().map(|uids| uids.into_iter().collect::<UidSet>());
        state.flags = self.flags.iter().cloned().zip(groups).collect();
        Some(state)
    }

    /// What leads from the rows to this snapshot, which is complete: what it lacks is gone.
    pub(super) fn differences(&self, snapshot: &Snapshot) -> Vec<Difference> {
        let mut differences = Vec::new();
        let mut rows = self.messages.iter().rev().peekable();
        for message in snapshot.iter().rev() {
            // It has just arrived: the next round knows.
            let (Some(uid), Some(now)) = (message.uid(), message.flags()) else { continue };
            while let Some((gone, _)) = rows.next_if(|(known, _)| *known > uid) {
                differences.push(Difference::Gone(*gone));
            }
            match rows.next_if(|(known, _)| *known == uid) {
                None => differences.push(Difference::New(uid, now.clone())),
                Some((_, number)) => {
                    let same = self.flags.get(*number).is_some_and(|before| before.is_same_but_recent(now));
                    if !same {
                        differences.push(Difference::Flags(uid, now.clone()));
                    }
                }
            }
        }
        differences.extend(rows.map(|(gone, _)| Difference::Gone(*gone)));
        differences
    }
}

/// The same from one snapshot to a later one.
pub(super) fn of_diff(diff: &Diff) -> Vec<Difference> {
    let gone = diff.expunged.iter().filter_map(|message| Some(Difference::Gone(message.uid()?)));
    let new = diff
        .arrived
        .iter()
        .rev()
        .filter_map(|message| Some(Difference::New(message.uid()?, message.flags()?.clone())));
    let flags = diff
        .changed
        .iter()
        .filter_map(|changed| Some(Difference::Flags(changed.after.uid()?, changed.after.flags()?.clone())));
    gone.chain(new).chain(flags).collect()
}
