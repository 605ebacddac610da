//! What is known of the messages of a selection: the part of the view that snapshots share, and its
//! look-ups.
//!
//! Each message has a *slot*, a number that it keeps from its coming to its end, ascending with the
//! sequence numbers, so that messages whose UID has not been told are kept apart. Where a VANISHED
//! leaves open which of several such messages are gone, the slots of all of them are void: the
//! range is logged as lost, and slots from before don't name them any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::entry::{PackedMessage, Totals};
use super::keywords::Table;
use super::tree::Tree;
use crate::types::{Flags, ModSeq, Seq, SeqSet, SnapshotRange, Uid};

/// How many losses are logged; past it all slots are void.
const MOST_LOSSES: usize = 256;

/// One message as the view knows it. `None` is "not told", never "empty".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) uid: Option<Uid>,
    pub(crate) flags: Option<Flags>,
    pub(crate) mod_seq: Option<ModSeq>,
}

/// The identity of a message within one selection, whether or not its UID has been told: what tests
/// hold on to.
#[cfg(test)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct MessageKey {
    number: u32,
    epoch: u64,
    /// How many losses had been logged when it was asked for.
    invalidated_ranges: usize,
}

/// A place of one's own among all views of this process: slots of different lineages can't be
/// compared.
fn new_lineage() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// The messages by number. A clone is O(1) and untouched by what comes later.
#[derive(Clone, Debug, Default)]
pub(super) struct Mirror {
    pub(super) messages: Tree<PackedMessage>,
    pub(super) keywords: Table,
    /// With the view off: how many messages there are, which is all that is known then.
    pub(super) counted: Option<u32>,
    pub(super) epoch: u64,
    /// Ranges of slots, first and last, that were voided.
    pub(super) invalidated_ranges: Arc<Vec<(u32, u32)>>,
}

impl Mirror {
    pub(super) fn new(counted: Option<u32>) -> Self {
        Self { counted, epoch: new_lineage(), ..Self::default() }
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

    /// Its place; else the place of the first message that is known to have a higher UID (or the
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

    /// The UIDs that the messages at these places can have, from and to, if those outside have what
    /// is known of them: UIDs ascend with the numbers (RFC 9051 section 2.3.1.1), and each untold
    /// message in between needs one.
    pub(super) fn room(&self, from: usize, to: usize) -> (u64, u64) {
        let before = self.messages.before(from).last_uid;
        let untold = from - self.behind(before);
        let known = self.messages.before(to).last_uid;
        let next = self.messages.find(|totals| totals.last_uid > known);
        let (end, after) = match next.and_then(|at| Some((at, self.messages.get(at)?.uid()?))) {
            Some((at, uid)) => (at, u64::from(uid.get())),
            None => (self.messages.len(), 1 << 32),
        };
        (u64::from(before) + untold as u64 + 1, (after - 1).saturating_sub((end - to) as u64))
    }

    /// The place behind the message with this UID, which must be known; the first place for 0.
    pub(super) fn behind(&self, uid: u32) -> usize {
        Uid::new(uid).map_or(0, |uid| self.find(uid).map_or_else(|at| at, |at| at + 1))
    }

    /// The slot of the message with this number.
    #[cfg(test)]
    pub(super) fn slot(&self, seq: Seq) -> Option<MessageKey> {
        let number = self.packed(seq)?.slot;
        Some(MessageKey { number, epoch: self.epoch, invalidated_ranges: self.invalidated_ranges.len() })
    }

    /// The slots of the messages with the numbers from the one to the other.
    pub(super) fn slots(&self, ends: Option<(Seq, Seq)>) -> SnapshotRange {
        let slot = |seq| self.packed(seq).map(|entry| entry.slot);
        let ends = ends.and_then(|(first, last)| slot(first).zip(slot(last)));
        SnapshotRange { epoch: self.epoch, invalidated_ranges: self.invalidated_ranges.len(), ends }
    }

    /// The numbers of the messages with these slots, of those that are there, if they can be told
    /// from others.
    pub(super) fn seqs_of_slots(&self, slots: &SnapshotRange) -> Option<SeqSet> {
        let Some((first, last)) = slots.ends else { return Some(SeqSet::new()) };
        let lost = self
            .invalidated_ranges
            .get(slots.invalidated_ranges..)?
            .iter()
            .any(|lost| first <= lost.1 && lost.0 <= last);
        if lost || slots.epoch != self.epoch {
            return None;
        }
        let at = self.messages.find(|totals| totals.last_slot >= first).unwrap_or(self.messages.len());
        let behind = self.messages.find(|totals| totals.last_slot > last).unwrap_or(self.messages.len());
        let numbers = behind.checked_sub(1).and_then(|end| seq_at(at).zip(seq_at(end)));
        Some(numbers.filter(|(a, b)| a <= b).map(|(a, b)| SeqSet::from(a..=b)).unwrap_or_default())
    }

    /// The number of the message with this slot, if it is there and can be told from others.
    #[cfg(test)]
    pub(super) fn seq_of_slot(&self, slot: MessageKey) -> Option<Seq> {
        let lost = self
            .invalidated_ranges
            .get(slot.invalidated_ranges..)?
            .iter()
            .any(|lost| lies_in(slot.number, lost));
        if lost || slot.epoch != self.epoch {
            return None;
        }
        let at = self.messages.find(|totals| totals.last_slot >= slot.number)?;
        (self.messages.get(at)?.slot == slot.number).then(|| seq_at(at))?
    }

    /// The slots from the one to the other are void from now on.
    pub(super) fn lose(&mut self, first: u32, last: u32) {
        if self.invalidated_ranges.len() < MOST_LOSSES {
            Arc::make_mut(&mut self.invalidated_ranges).push((first, last));
        } else {
            self.lose_all();
        }
    }

    /// All slots are void from now on.
    pub(super) fn lose_all(&mut self) {
        (self.epoch, self.invalidated_ranges) = (new_lineage(), Arc::default());
    }
}

/// Whether a slot lies in a range that was lost.
pub(super) fn lies_in(slot: u32, lost: &(u32, u32)) -> bool {
    (lost.0..=lost.1).contains(&slot)
}

pub(super) fn index(seq: Seq) -> usize {
    seq.get() as usize - 1
}

pub(super) fn seq_at(index: usize) -> Option<Seq> {
    Seq::new(u32::try_from(index + 1).ok()?)
}
