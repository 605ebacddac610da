//! The known state of a selection's messages: the part of the view that snapshots share, and its
//! look-ups.
//!
//! Each message has a *slot*, a number that it keeps as long as it exists. Slots ascend with the
//! sequence numbers and identify messages whose UID is not known. Where a VANISHED leaves open
//! which of several such messages were expunged, the slots of all of them are invalidated: their
//! range is logged, and earlier copies of these slots no longer name a message.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::entry::{PackedMessage, Totals};
use super::keywords::Table;
use super::tree::Tree;
use crate::types::{Flags, ModSeq, Seq, SeqSet, SnapshotRange, Uid};

/// Greatest length of the log; beyond it all slots are invalidated.
const MAX_INVALIDATED: usize = 256;

/// The known state of one message. `None` is "not known", never "empty".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) uid: Option<Uid>,
    pub(crate) flags: Option<Flags>,
    pub(crate) mod_seq: Option<ModSeq>,
}

/// The identity of a message within one selection, whether or not its UID is known: tests hold on
/// to it.
#[cfg(test)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct MessageKey {
    number: u32,
    epoch: u64,
    /// The length of the log of invalidated slots when the key was made.
    invalidated_ranges: usize,
}

/// A number unique among all views of this process: slots of different epochs can't be compared.
fn new_epoch() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// The messages by sequence number. A clone is O(1) and unaffected by later changes.
#[derive(Clone, Debug, Default)]
pub(super) struct Mirror {
    pub(super) messages: Tree<PackedMessage>,
    pub(super) keywords: Table,
    /// With the view off: the count of messages, the only thing known then.
    pub(super) counted: Option<u32>,
    pub(super) epoch: u64,
    /// Ranges of slots, first and last, that were invalidated.
    pub(super) invalidated_ranges: Arc<Vec<(u32, u32)>>,
}

impl Mirror {
    pub(super) fn new(counted: Option<u32>) -> Self {
        Self { counted, epoch: new_epoch(), ..Self::default() }
    }

    pub(super) fn len(&self) -> u32 {
        self.counted.unwrap_or_else(|| u32::try_from(self.messages.len()).unwrap_or(u32::MAX))
    }

    pub(super) fn totals(&self) -> Totals {
        self.messages.summary()
    }

    pub(super) fn flags_of(&self, entry: &PackedMessage) -> Option<Flags> {
        let (system, keywords) = entry.flags()?;
        Some(Flags::from_bits(system, self.keywords.get(keywords)))
    }

    pub(super) fn unpacked(&self, entry: &PackedMessage) -> Entry {
        Entry { uid: entry.uid(), flags: self.flags_of(entry), mod_seq: entry.mod_seq() }
    }

    pub(super) fn packed(&self, seq: Seq) -> Option<&PackedMessage> {
        self.messages.get(index(seq))
    }

    pub(super) fn get(&self, seq: Seq) -> Option<Entry> {
        match self.counted {
            Some(count) => (seq.get() <= count).then(Entry::default),
            None => Some(self.unpacked(self.packed(seq)?)),
        }
    }

    /// The position of this UID; else that of the first message with a higher known UID (or the
    /// end).
    pub(super) fn find(&self, uid: Uid) -> Result<usize, usize> {
        let Some(at) = self.messages.find(|totals| totals.last_uid >= uid.get()) else {
            return Err(self.messages.len());
        };
        let found = self.messages.get(at).and_then(PackedMessage::uid);
        if found == Some(uid) { Ok(at) } else { Err(at) }
    }

    pub(super) fn seq(&self, uid: Uid) -> Option<Seq> {
        seq_at(self.find(uid).ok()?)
    }

    /// The range of UIDs possible for the messages at these positions, given the known UIDs
    /// outside: UIDs ascend with the sequence numbers (RFC 9051 section 2.3.1.1), and each message
    /// without UID in between needs one.
    pub(super) fn room(&self, from: usize, to: usize) -> (u64, u64) {
        let before = self.messages.before(from).last_uid;
        let without_uid = from - self.behind(before);
        let known = self.messages.before(to).last_uid;
        let next = self.messages.find(|totals| totals.last_uid > known);
        let (end, after) = match next.and_then(|at| Some((at, self.messages.get(at)?.uid()?))) {
            Some((at, uid)) => (at, u64::from(uid.get())),
            None => (self.messages.len(), 1 << 32),
        };
        (u64::from(before) + without_uid as u64 + 1, (after - 1).saturating_sub((end - to) as u64))
    }

    /// The position after the message with this UID, which must be known; the first position for 0.
    pub(super) fn behind(&self, uid: u32) -> usize {
        Uid::new(uid).map_or(0, |uid| self.find(uid).map_or_else(|at| at, |at| at + 1))
    }

    /// The slot of the message with this sequence number.
    #[cfg(test)]
    pub(super) fn slot(&self, seq: Seq) -> Option<MessageKey> {
        let number = self.packed(seq)?.slot;
        Some(MessageKey { number, epoch: self.epoch, invalidated_ranges: self.invalidated_ranges.len() })
    }

    /// The slots of the messages between these two sequence numbers.
    pub(super) fn slots(&self, ends: Option<(Seq, Seq)>) -> SnapshotRange {
        let slot = |seq| self.packed(seq).map(|entry| entry.slot);
        let ends = ends.and_then(|(first, last)| slot(first).zip(slot(last)));
        SnapshotRange { epoch: self.epoch, invalidated_ranges: self.invalidated_ranges.len(), ends }
    }

    /// The sequence numbers of the messages with these slots that still exist; `None` if slots
    /// among them were invalidated.
    pub(super) fn seqs_of_slots(&self, slots: &SnapshotRange) -> Option<SeqSet> {
        let Some((first, last)) = slots.ends else { return Some(SeqSet::new()) };
        let invalidated = self
            .invalidated_ranges
            .get(slots.invalidated_ranges..)?
            .iter()
            .any(|invalidated| first <= invalidated.1 && invalidated.0 <= last);
        if invalidated || slots.epoch != self.epoch {
            return None;
        }
        let at = self.messages.find(|totals| totals.last_slot >= first).unwrap_or(self.messages.len());
        let behind = self.messages.find(|totals| totals.last_slot > last).unwrap_or(self.messages.len());
        let numbers = behind.checked_sub(1).and_then(|end| seq_at(at).zip(seq_at(end)));
        Some(numbers.filter(|(a, b)| a <= b).map(|(a, b)| SeqSet::from(a..=b)).unwrap_or_default())
    }

    /// The sequence number of the message with this slot, if it exists and its slot is valid.
    #[cfg(test)]
    pub(super) fn seq_of_slot(&self, slot: MessageKey) -> Option<Seq> {
        let invalidated = self
            .invalidated_ranges
            .get(slot.invalidated_ranges..)?
            .iter()
            .any(|invalidated| is_in_range(slot.number, invalidated));
        if invalidated || slot.epoch != self.epoch {
            return None;
        }
        let at = self.messages.find(|totals| totals.last_slot >= slot.number)?;
        (self.messages.get(at)?.slot == slot.number).then(|| seq_at(at))?
    }

    /// Invalidates the slots in this range.
    pub(super) fn invalidate_slots(&mut self, first: u32, last: u32) {
        if self.invalidated_ranges.len() < MAX_INVALIDATED {
            Arc::make_mut(&mut self.invalidated_ranges).push((first, last));
        } else {
            self.invalidate_all_slots();
        }
    }

    /// Invalidates all slots.
    pub(super) fn invalidate_all_slots(&mut self) {
        (self.epoch, self.invalidated_ranges) = (new_epoch(), Arc::default());
    }
}

/// Whether a slot is in a range.
pub(super) fn is_in_range(slot: u32, invalidated: &(u32, u32)) -> bool {
    (invalidated.0..=invalidated.1).contains(&slot)
}

pub(super) fn index(seq: Seq) -> usize {
    seq.get() as usize - 1
}

pub(super) fn seq_at(index: usize) -> Option<Seq> {
    Seq::new(u32::try_from(index + 1).ok()?)
}
