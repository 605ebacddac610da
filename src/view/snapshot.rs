//! Snapshots: what a view was at one moment, for anyone to keep.
//!
//! Out: look-ups by number and by UID, ranges, what is unseen. Taking one and cloning it are O(1);
//! it shares its nodes with the view, and changes of the view leave it as it is.

use std::fmt;
use std::ops::{Bound, Range, RangeBounds, RangeInclusive};

use super::diff::{self, Diff};
use super::entry::PackedMessage;
#[cfg(test)]
use super::mirror::MessageKey;
use super::mirror::{Entry, Mirror, index, seq_at};
use super::tree;
use crate::command::Messages as Named;
use crate::types::{Flags, MailboxName, ModSeq, Place, SelectionId, Seq, SeqSet, Uid, UidSet, UidValidity};

/// The messages of a mailbox as they were known at one moment: numbers, UIDs, flags, mod-sequences.
///
/// Sequence numbers shift whenever a message goes (RFC 9051 section 2.3.1.2); those of a snapshot
/// stay what they are. What had not been told when it was taken is `None`: "no flags" is `Some` of
/// an empty set, "not told" is `None`. A snapshot of a mailbox that is still being filled in is
/// right, and not [complete](Self::is_complete).
///
/// It costs O(1) to take, to clone and to keep, whatever the size of the mailbox; what changes in
/// the mailbox after that costs the memory of the nodes that are copied, about 6 KiB for each
/// message that changes alone. Look-ups are O(log n).
#[derive(Clone)]
pub struct Snapshot {
    pub(super) mirror: Mirror,
    pub(super) place: Place,
    pub(super) uid_validity: Option<UidValidity>,
    pub(super) highest_mod_seq: Option<ModSeq>,
}

/// One message of a [`Snapshot`], and what was known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SnapshotMessage {
    pub(super) seq: Seq,
    pub(super) entry: Entry,
}

impl SnapshotMessage {
    /// The number that it had.
    #[must_use]
    pub fn seq(&self) -> Seq {
        self.seq
    }

    /// Its UID, if it had been told.
    #[must_use]
    pub fn uid(&self) -> Option<Uid> {
        self.entry.uid
    }

    /// Its flags, if they had been told: `Some` of an empty set if it had none.
    #[must_use]
    pub fn flags(&self) -> Option<&Flags> {
        self.entry.flags.as_ref()
    }

    /// Its mod-sequence, if one had been told (RFC 7162). Flags may be newer than it where the
    /// server tells them without.
    #[must_use]
    pub fn mod_seq(&self) -> Option<ModSeq> {
        self.entry.mod_seq
    }
}

impl Snapshot {
    /// How many messages there were.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.mirror.len()
    }

    /// Whether there were none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether all UIDs were known. Never with the view off, but for an empty mailbox.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.mirror.totals().untold == 0 && (self.mirror.counted.is_none() || self.is_empty())
    }

    /// Which mailbox it is of.
    #[must_use]
    pub fn mailbox(&self) -> &MailboxName {
        &self.place.mailbox
    }

    /// In which selection of it on its connection it was taken.
    #[must_use]
    pub fn selection(&self) -> Option<SelectionId> {
        self.place.selection
    }

    /// The era of its UIDs; `None` if the server told none.
    #[must_use]
    pub fn uid_validity(&self) -> Option<UidValidity> {
        self.uid_validity
    }

    /// The highest mod-sequence of the mailbox that had been told (RFC 7162 section 3.1.2.1).
    #[must_use]
    pub fn highest_mod_seq(&self) -> Option<ModSeq> {
        self.highest_mod_seq
    }

    /// The UID of the message with this number, if there is one and it had been told.
    #[must_use]
    pub fn uid(&self, seq: Seq) -> Option<Uid> {
        self.mirror.packed(seq)?.uid()
    }

    /// The number of the message with this UID. `None` if it was not there, or had not been told.
    #[must_use]
    pub fn seq(&self, uid: Uid) -> Option<Seq> {
        self.mirror.seq(uid)
    }

    /// What was known of the message with this number; `None` if there is none.
    #[must_use]
    pub fn get(&self, seq: Seq) -> Option<SnapshotMessage> {
        self.mirror.get(seq).map(|entry| SnapshotMessage { seq, entry })
    }

    /// The flags of the message with this number: `None` if they had not been told, or there is no
    /// such message.
    #[must_use]
    pub fn flags(&self, seq: Seq) -> Option<Flags> {
        self.mirror.flags_of(self.mirror.packed(seq)?)
    }

    /// The mod-sequence of the message with this number, if it had been told.
    #[must_use]
    pub fn mod_seq(&self, seq: Seq) -> Option<ModSeq> {
        self.mirror.packed(seq)?.mod_seq()
    }

    /// All messages, in the order of their numbers.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = SnapshotMessage> + ExactSizeIterator {
        self.places(0..self.len() as usize)
    }

    /// The messages with these numbers, both ends included, of those that there are.
    pub fn range(
        &self,
        seqs: RangeInclusive<Seq>,
    ) -> impl DoubleEndedIterator<Item = SnapshotMessage> + ExactSizeIterator {
        self.places(index(*seqs.start())..index(*seqs.end()) + 1)
    }

    fn places(&self, places: Range<usize>) -> Messages<'_> {
        let end = places.end.min(self.len() as usize);
        let left = places.start.min(end)..end;
        Messages { mirror: &self.mirror, packed: self.mirror.messages.range(left.clone()), left }
    }

    /// The messages that are known not to be `\Seen`, in the order of their numbers; O(log n) for
    /// each. Where [`flags_unknown`](Self::flags_unknown) is not 0 there may be more.
    pub fn unseen(&self) -> impl DoubleEndedIterator<Item = SnapshotMessage> {
        let messages = &self.mirror.messages;
        (0..self.unseen_count()).filter_map(move |nth| {
            let at = messages.find(|totals| totals.unseen > nth)?;
            self.known(at, messages.get(at)?)
        })
    }

    /// How many messages are known not to be `\Seen`. O(1).
    #[must_use]
    pub fn unseen_count(&self) -> u32 {
        self.mirror.totals().unseen
    }

    /// Of how many messages the flags had not been told. O(1).
    #[must_use]
    pub fn flags_unknown(&self) -> u32 {
        self.mirror.counted.unwrap_or_else(|| self.mirror.totals().flagless)
    }

    /// The messages with these numbers, of those that there are, for a command:
    /// `snapshot.seqs(1..=10)`, `snapshot.seqs(..)`.
    ///
    /// It names these very messages, whatever their numbers are when the command goes out; those
    /// that have gone meanwhile are passed over. Only for the [`Mailbox`](crate::Mailbox) that the
    /// snapshot is of: elsewhere, and where a server has left open which messages went, the command
    /// fails, unsent. (With the view off they are mere numbers, as of the moment of submission.)
    #[must_use]
    pub fn seqs(&self, numbers: impl RangeBounds<u32>) -> Named {
        let first = match numbers.start_bound() {
            Bound::Included(&first) => first.max(1),
            Bound::Excluded(&before) => before.saturating_add(1),
            Bound::Unbounded => 1,
        };
        let last = match numbers.end_bound() {
            Bound::Included(&last) => last,
            Bound::Excluded(&after) => after.saturating_sub(1),
            Bound::Unbounded => u32::MAX,
        };
        let ends = Seq::new(first).zip(Seq::new(last.min(self.len()))).filter(|(first, last)| first <= last);
        if self.mirror.counted.is_some() {
            return ends.map(|(first, last)| SeqSet::from(first..=last)).unwrap_or_default().into();
        }
        Named::SnapshotRange(self.mirror.slots(ends))
    }

    /// All UIDs that were known. O(n).
    #[must_use]
    pub fn uids(&self) -> UidSet {
        self.mirror.messages.iter().filter_map(PackedMessage::uid).collect()
    }

    /// What came, went and changed from this snapshot to that one.
    ///
    /// Two snapshots of one selection are compared message by message, also where no UID has been
    /// told, in time in proportion to the changes between them. Two of different selections of one
    /// mailbox are compared by UID, if UIDVALIDITY is known and the same, in O(n). A message that
    /// can't be recognised in the other (its UID was not told in one of them, or a VANISHED left
    /// open which of several untold messages went) counts as gone and, in the other, as come. Where
    /// UIDVALIDITY or the mailbox differs all have gone and come, as they do with the view off.
    #[must_use]
    pub fn diff(&self, newer: &Self) -> Diff {
        diff::diff(self, newer)
    }

    /// The number of the message with this slot.
    #[cfg(test)]
    pub(crate) fn seq_of_slot(&self, slot: MessageKey) -> Option<Seq> {
        self.mirror.seq_of_slot(slot)
    }

    pub(super) fn known(&self, place: usize, entry: &PackedMessage) -> Option<SnapshotMessage> {
        Some(SnapshotMessage { seq: seq_at(place)?, entry: self.mirror.unpacked(entry) })
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Snapshot({}: {} messages)", self.place.mailbox, self.len())
    }
}

/// The messages at a range of places; blank ones with the view off.
struct Messages<'a> {
    mirror: &'a Mirror,
    packed: tree::Iter<'a, PackedMessage>,
    left: Range<usize>,
}

impl Messages<'_> {
    fn known(&self, place: usize, packed: Option<&PackedMessage>) -> Option<SnapshotMessage> {
        let entry = packed.map(|packed| self.mirror.unpacked(packed)).unwrap_or_default();
        Some(SnapshotMessage { seq: seq_at(place)?, entry })
    }
}

impl Iterator for Messages<'_> {
    type Item = SnapshotMessage;

    fn next(&mut self) -> Option<SnapshotMessage> {
        let place = self.left.next()?;
        let packed = self.packed.next();
        self.known(place, packed)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.left.size_hint()
    }
}

impl DoubleEndedIterator for Messages<'_> {
    fn next_back(&mut self) -> Option<SnapshotMessage> {
        let place = self.left.next_back()?;
        let packed = self.packed.next_back();
        self.known(place, packed)
    }
}

impl ExactSizeIterator for Messages<'_> {}
