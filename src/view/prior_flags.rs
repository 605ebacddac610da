//! The part of a view that is carried over to the next selection, and the flags still to be
//! queried.

use std::collections::HashMap;

use super::View;
use super::entry::PackedMessage;
use super::mirror::{Mirror, index, seq_at};
use super::snapshot::Snapshot;
use crate::types::{Flag, Flags, Place, Seq, SeqSet, Uid, UidSet};

impl Mirror {
    fn uids(&self) -> UidSet {
        self.messages.iter().filter_map(|entry| entry.uid()).collect()
    }

    /// Each known combination of flags, without these system flags, with the messages that have it.
    fn flag_groups(&self, less: u8) -> Vec<(Flags, UidSet)> {
        let mut groups: HashMap<(u8, u32), UidSet> = HashMap::new();
        for entry in self.messages.iter() {
            if let (Some(uid), Some((system, keywords))) = (entry.uid(), entry.flags()) {
                groups.entry((system & !less, keywords)).or_default().insert(uid);
            }
        }
        let mut groups: Vec<_> = groups.into_iter().collect();
        // For a deterministic order.
        groups.sort_unstable_by_key(|(flags, _)| *flags);
        let flags = |(system, keywords)| Flags::from_bits(system, self.keywords.get(keywords));
        groups.into_iter().map(|(combination, uids)| (flags(combination), uids)).collect()
    }
}

impl Snapshot {
    /// The snapshot of a mailbox with nothing known.
    pub(crate) fn empty(place: Place) -> Self {
        Self { mirror: Mirror::default(), place, uid_validity: None, highest_mod_seq: None }
    }

    /// Each known combination of flags, with the messages that had it. Without `\Recent`, which
    /// only says that a session was the first to be notified of a message. O(n).
    pub(crate) fn flag_groups(&self) -> Vec<(Flags, UidSet)> {
        self.mirror.flag_groups(Flags::from(Flag::Recent).bits())
    }
}

impl View {
    /// All known UIDs. O(n).
    pub(crate) fn uids(&self) -> UidSet {
        self.mirror.uids()
    }

    /// Each known combination of flags, with the messages that have it. O(n).
    pub(crate) fn flag_groups(&self) -> Vec<(Flags, UidSet)> {
        self.mirror.flag_groups(0)
    }

    /// The count of messages whose flags are unknown.
    pub(crate) fn flags_unknown(&self) -> u32 {
        self.mirror.totals().flagless
    }

    /// The UIDs of messages whose flags are unknown. O(n).
    pub(crate) fn uids_without_flags(&self) -> UidSet {
        let unknown = self.mirror.messages.iter().filter(|entry| entry.flags().is_none());
        unknown.filter_map(|entry| entry.uid()).collect()
    }

    /// Marks that the flags of this message changed before its UID was known.
    pub(crate) fn flags_changed(&mut self, seq: Seq) {
        if self.mirror.packed(seq).is_some() {
            self.mirror.messages.update(index(seq), PackedMessage::set_changed);
        }
    }

    /// The UIDs of messages whose flags changed before the UIDs were known. O(n).
    pub(crate) fn uids_of_changed(&self) -> UidSet {
        self.mirror
            .messages
            .iter()
            .filter(|entry| entry.is_changed())
            .filter_map(|entry| entry.uid())
            .collect()
    }

    /// Marks that the flags of these messages are in doubt and queried by sequence number.
    pub(crate) fn doubt_flags(&mut self, seqs: &SeqSet) {
        let len = self.len();
        for seq in seqs.iter().take_while(|seq| seq.get() <= len) {
            self.mirror.messages.update(index(seq), |entry| entry.set_doubted(true));
        }
    }

    /// The UIDs of messages whose flags are in doubt and were queried by sequence number; clears
    /// the marks, since they are now queried in another way. O(n).
    pub(crate) fn take_doubted(&mut self) -> UidSet {
        let doubted = self.mirror.messages.iter().filter(|entry| entry.is_doubted());
        let uids = doubted.filter_map(|entry| entry.uid()).collect();
        self.change_each(&uids, |entry| entry.set_doubted(false));
        uids
    }

    /// The messages whose flags changed before their UIDs were known, each once, with the current
    /// flags. O(n).
    pub(crate) fn take_changed(&mut self) -> Vec<(Seq, Option<Uid>, Flags)> {
        let changed = self.mirror.messages.iter().enumerate().filter(|(_, entry)| entry.is_changed());
        let places: Vec<usize> = changed.map(|(place, _)| place).collect();
        let taken = places.into_iter().filter_map(|place| {
            let entry = self.mirror.messages.update(place, |entry| {
                entry.unset_changed();
                *entry
            })?;
            Some((seq_at(place)?, entry.uid(), self.mirror.flags_of(&entry)?))
        });
        taken.collect()
    }

    /// The flags of the message with this sequence number, if known.
    pub(crate) fn flags(&self, seq: Seq) -> Option<Flags> {
        self.get(seq)?.flags
    }

    /// Makes the flags of these messages unknown.
    pub(crate) fn forget_flags(&mut self, uids: &UidSet) {
        self.change_each(uids, |entry| entry.set_flags(None));
    }

    /// Makes the flags of the message with this sequence number unknown.
    pub(crate) fn forget_flags_at(&mut self, seq: Seq) {
        self.mirror.messages.update(index(seq), |entry| entry.set_flags(None));
    }

    /// Restores flags of an earlier selection, for messages whose flags are unknown in this one.
    pub(crate) fn recall_flags(&mut self, uids: &UidSet, flags: &Flags) {
        let Some(keywords) = self.keywords_of(flags) else { return };
        self.change_each(uids, |entry| {
            if entry.flags().is_none() {
                entry.set_flags(Some((flags, keywords)));
            }
        });
    }

    /// Changes each of these messages that exists.
    fn change_each(&mut self, uids: &UidSet, mut change: impl FnMut(&mut PackedMessage)) {
        for range in uids.ranges() {
            let messages = &mut self.mirror.messages;
            let first = messages.find(|totals| totals.last_uid >= range.start().get());
            let behind =
                messages.find(|totals| totals.last_uid > range.end().get()).unwrap_or(messages.len());
            let Some(first) = first else { return };
            messages.update_range(first..behind, |_, entry| {
                if entry.uid().is_some_and(|uid| range.contains(&uid)) {
                    change(entry);
                }
            });
        }
    }

    /// The first and the last message without UID below this sequence number, or of all messages.
    pub(crate) fn unknown_before(&self, below: Option<Seq>) -> Option<(Seq, Seq)> {
        let Some(below) = below else { return self.unknown() };
        let messages = &self.mirror.messages;
        let unknown = messages.before(index(below).min(messages.len())).without_uid;
        if unknown == 0 {
            return None;
        }
        let first = messages.find(|totals| totals.without_uid > 0)?;
        let last = messages.find(|totals| totals.without_uid >= unknown)?;
        seq_at(first).zip(seq_at(last))
    }
}
