//! Snapshots: the state of a view at one moment, for users to keep.
//!
//! Out: look-ups by sequence number and by UID, ranges, unseen messages. Taking and cloning a
//! snapshot are O(1): it shares its nodes with the view, whose later changes leave it unaffected.

use std::fmt;
use std::iter::FusedIterator;
use std::ops::{Bound, Range, RangeBounds, RangeInclusive};

use super::diff::{self, Diff};
use super::entry::PackedMessage;
#[cfg(test)]
use super::mirror::MessageKey;
use super::mirror::{Entry, Mirror, index, seq_at};
use super::tree;
use crate::command::Messages as Named;
use crate::types::{Flags, MailboxName, ModSeq, Place, SelectionId, Seq, SeqSet, Uid, UidSet, UidValidity};

/// The known messages of a mailbox at one moment: sequence numbers, UIDs, flags, mod-sequences.
///
/// Sequence numbers in the mailbox shift whenever a message is expunged (RFC 9051 section 2.3.1.2);
/// those of a snapshot never change. What was not known when it was taken is `None`: "no flags" is
/// `Some` of an empty set, "not known" is `None`. A snapshot taken while UIDs are still being
/// queried is correct, but not [complete](Self::is_complete).
///
/// Taking, cloning and keeping one is O(1), whatever the size of the mailbox; later changes in the
/// mailbox take the memory of copied nodes, about 6 KiB for each separate change. Look-ups are
/// O(log n).
#[derive(Clone)]
pub struct Snapshot {
    pub(super) mirror: Mirror,
    pub(super) place: Place,
    pub(super) uid_validity: Option<UidValidity>,
    pub(super) highest_mod_seq: Option<ModSeq>,
}

/// One message of a [`Snapshot`] with its known state.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SnapshotMessage {
    pub(super) seq: Seq,
    pub(super) entry: Entry,
}

impl SnapshotMessage {
    /// Its sequence number in the snapshot.
    #[must_use]
    pub fn seq(&self) -> Seq {
        self.seq
    }

    /// Its UID, if known.
    #[must_use]
    pub fn uid(&self) -> Option<Uid> {
        self.entry.uid
    }

    /// Its flags, if known: `Some` of an empty set if it has none.
    #[must_use]
    pub fn flags(&self) -> Option<&Flags> {
        self.entry.flags.as_ref()
    }

    /// Its mod-sequence, if known (RFC 7162). Flags may be newer where the server sent them without
    /// a mod-sequence.
    #[must_use]
    pub fn mod_seq(&self) -> Option<ModSeq> {
        self.entry.mod_seq
    }
}

impl Snapshot {
    /// The count of messages.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.mirror.len()
    }

    /// Whether there are no messages.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether all UIDs are known. Never with the view off, except for an empty mailbox.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.mirror.totals().without_uid == 0 && (self.mirror.counted.is_none() || self.is_empty())
    }

    /// The mailbox.
    #[must_use]
    pub fn mailbox(&self) -> &MailboxName {
        &self.place.mailbox
    }

    /// The selection in which it was taken.
    #[must_use]
    pub fn selection(&self) -> Option<SelectionId> {
        self.place.selection
    }

    /// The UIDVALIDITY of its UIDs; `None` if the server sent none.
    #[must_use]
    pub fn uid_validity(&self) -> Option<UidValidity> {
        self.uid_validity
    }

    /// The highest known mod-sequence of the mailbox (RFC 7162 section 3.1.2.1).
    #[must_use]
    pub fn highest_mod_seq(&self) -> Option<ModSeq> {
        self.highest_mod_seq
    }

    /// The UID of the message with this sequence number, if it exists and its UID is known.
    #[must_use]
    pub fn uid(&self, seq: Seq) -> Option<Uid> {
        self.mirror.packed(seq)?.uid()
    }

    /// The sequence number of the message with this UID. `None` if it does not exist, or its UID is
    /// not known.
    #[must_use]
    pub fn seq(&self, uid: Uid) -> Option<Seq> {
        self.mirror.seq(uid)
    }

    /// The message with this sequence number; `None` if it does not exist.
    #[must_use]
    pub fn get(&self, seq: Seq) -> Option<SnapshotMessage> {
        self.mirror.get(seq).map(|entry| SnapshotMessage { seq, entry })
    }

    /// The flags of the message with this sequence number: `None` if they are unknown, or it does
    /// not exist.
    #[must_use]
    pub fn flags(&self, seq: Seq) -> Option<Flags> {
        self.mirror.flags_of(self.mirror.packed(seq)?)
    }

    /// The mod-sequence of the message with this sequence number, if known.
    #[must_use]
    pub fn mod_seq(&self, seq: Seq) -> Option<ModSeq> {
        self.mirror.packed(seq)?.mod_seq()
    }

    /// All messages, by sequence number.
    #[must_use]
    pub fn iter(&self) -> SnapshotIter<'_> {
        self.into_iter()
    }

    /// The messages in this range of sequence numbers, without missing ones.
    #[must_use]
    pub fn range(
        &self,
        seqs: RangeInclusive<Seq>,
    ) -> impl DoubleEndedIterator<Item = SnapshotMessage> + ExactSizeIterator {
        self.places(index(*seqs.start())..index(*seqs.end()) + 1)
    }

    fn places(&self, places: Range<usize>) -> SnapshotIter<'_> {
        let end = places.end.min(self.len() as usize);
        let left = places.start.min(end)..end;
        SnapshotIter { mirror: &self.mirror, packed: self.mirror.messages.range(left.clone()), left }
    }

    /// The messages known to lack `\Seen`, by sequence number; O(log n) for each. Where
    /// [`flags_unknown`](Self::flags_unknown) is not 0 there may be more.
    #[must_use]
    pub fn unseen(&self) -> impl DoubleEndedIterator<Item = SnapshotMessage> {
        let messages = &self.mirror.messages;
        (0..self.unseen_count()).filter_map(move |nth| {
            let at = messages.find(|totals| totals.unseen > nth)?;
            self.known(at, messages.get(at)?)
        })
    }

    /// The count of messages known to lack `\Seen`. O(1).
    #[must_use]
    pub fn unseen_count(&self) -> u32 {
        self.mirror.totals().unseen
    }

    /// The count of messages whose flags are unknown. O(1).
    #[must_use]
    pub fn flags_unknown(&self) -> u32 {
        self.mirror.counted.unwrap_or_else(|| self.mirror.totals().flagless)
    }

    /// The messages in this range of sequence numbers, for a command: `snapshot.seqs(1..=10)`,
    /// `snapshot.seqs(..)`.
    ///
    /// It names the very messages of the snapshot, whatever their sequence numbers are when the
    /// command is sent; messages expunged meanwhile are skipped. Use it only with the snapshot's
    /// own [`Mailbox`](crate::Mailbox): with another one, or where a server has left open which
    /// messages were expunged, the command fails, unsent. (With the view off they are plain
    /// numbers, as of the moment of submission.)
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

    /// All known UIDs. O(n).
    #[must_use]
    pub fn uids(&self) -> UidSet {
        self.mirror.messages.iter().filter_map(PackedMessage::uid).collect()
    }

    /// The messages that arrived, were expunged and changed between this snapshot and `newer`.
    ///
    /// Two snapshots of one selection are compared message by message, also where no UID is known,
    /// in time proportional to the changes between them. Snapshots of different selections of one
    /// mailbox are compared by UID, if their UIDVALIDITY is known and equal, in O(n). A message
    /// that can't be recognised in the other snapshot (its UID is unknown in one of them, or a
    /// VANISHED left open which of several messages without UID were expunged) counts as expunged
    /// and, in the other, as arrived. With a different mailbox or UIDVALIDITY, or with the view
    /// off, that applies to all messages.
    #[must_use]
    pub fn diff(&self, newer: &Self) -> Diff {
        diff::diff(self, newer)
    }

    /// The sequence number of the message with this slot.
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

impl<'a> IntoIterator for &'a Snapshot {
    type Item = SnapshotMessage;
    type IntoIter = SnapshotIter<'a>;

    fn into_iter(self) -> SnapshotIter<'a> {
        self.places(0..self.len() as usize)
    }
}

/// The messages of a [`Snapshot`], in the order of their numbers; blank ones with the view off.
#[derive(Clone)]
pub struct SnapshotIter<'a> {
    mirror: &'a Mirror,
    packed: tree::Iter<'a, PackedMessage>,
    left: Range<usize>,
}

impl SnapshotIter<'_> {
    fn known(&self, place: usize, packed: Option<&PackedMessage>) -> Option<SnapshotMessage> {
        let entry = packed.map(|packed| self.mirror.unpacked(packed)).unwrap_or_default();
        Some(SnapshotMessage { seq: seq_at(place)?, entry })
    }
}

impl Iterator for SnapshotIter<'_> {
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

impl DoubleEndedIterator for SnapshotIter<'_> {
    fn next_back(&mut self) -> Option<SnapshotMessage> {
        let place = self.left.next_back()?;
        let packed = self.packed.next_back();
        self.known(place, packed)
    }
}

impl ExactSizeIterator for SnapshotIter<'_> {}
impl FusedIterator for SnapshotIter<'_> {}

impl fmt::Debug for SnapshotIter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SnapshotIter({:?})", self.left)
    }
}
