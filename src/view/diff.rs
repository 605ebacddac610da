//! The differences between two snapshots.
//!
//! In: two snapshots. Out: the messages that arrived, were expunged and changed. With the same
//! epoch of slots both trees are walked in step, skipping what they share; else the UIDs are
//! merged, if their UIDVALIDITY is the same; else no message can be recognised.

use super::entry::PackedMessage;
use super::mirror::is_in_range;
use super::snapshot::{Snapshot, SnapshotMessage};
use super::tree::{self, Step};

/// The messages that arrived, were expunged and changed from one [`Snapshot`] to another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diff {
    /// Messages of the newer snapshot that the older one lacks, by their sequence numbers in the
    /// newer.
    pub arrived: Vec<SnapshotMessage>,
    /// Messages of the older snapshot that the newer one lacks, by their sequence numbers in the
    /// older.
    pub expunged: Vec<SnapshotMessage>,
    /// Messages of both whose known flags differ, by their sequence numbers. A newly known UID or
    /// mod-sequence alone is no change.
    pub changed: Vec<Changed>,
}

impl Diff {
    /// Whether nothing arrived, was expunged or changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.arrived.is_empty() && self.expunged.is_empty() && self.changed.is_empty()
    }
}

/// A message whose known flags differ: they changed, or became known.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Changed {
    /// The message in the older snapshot.
    pub before: SnapshotMessage,
    /// The same message in the newer snapshot.
    pub after: SnapshotMessage,
}

pub(super) fn diff(old: &Snapshot, new: &Snapshot) -> Diff {
    let mut diff = Diff::default();
    if old.mirror.epoch == new.mirror.epoch && old.mirror.counted.is_none() {
        by_slot(old, new, &mut diff);
    } else if old.mailbox() == new.mailbox()
        && old.uid_validity().is_some()
        && old.uid_validity() == new.uid_validity()
    {
        by_uid(old, new, &mut diff);
    } else {
        diff.expunged.extend(old.iter());
        diff.arrived.extend(new.iter());
    }
    diff
}

fn by_slot(old: &Snapshot, new: &Snapshot, diff: &mut Diff) {
    // The slots invalidated between the two; the shorter log is a prefix of the longer.
    let (a, b) = (&old.mirror.invalidated_ranges, &new.mirror.invalidated_ranges);
    let invalidated = if a.len() < b.len() { b.get(a.len()..) } else { a.get(b.len()..) }.unwrap_or_default();
    let same_table = old.mirror.keywords.is_like(&new.mirror.keywords);
    let same_flags = |a: &PackedMessage, b: &PackedMessage| {
        same_table && a.has_flags_of(b) || old.mirror.flags_of(a) == new.mirror.flags_of(b)
    };
    tree::walk(
        &old.mirror.messages,
        &new.mirror.messages,
        |a, b| a.slot.cmp(&b.slot),
        |step| match step {
            Step::Old(at, entry) => diff.expunged.extend(old.known(at, entry)),
            Step::New(at, entry) => diff.arrived.extend(new.known(at, entry)),
            Step::Both(i, a, j, b)
                if invalidated.iter().any(|invalidated| is_in_range(a.slot, invalidated)) =>
            {
                diff.expunged.extend(old.known(i, a));
                diff.arrived.extend(new.known(j, b));
            }
            Step::Both(_, a, _, b) if same_flags(a, b) => {}
            Step::Both(i, a, j, b) => {
                let pair = old.known(i, a).zip(new.known(j, b));
                diff.changed.extend(pair.map(|(before, after)| Changed { before, after }));
            }
        },
    );
}

fn by_uid(old: &Snapshot, new: &Snapshot, diff: &mut Diff) {
    let (mut old, mut new) = (old.iter().peekable(), new.iter().peekable());
    loop {
        // Messages without UID can't be recognised, so they are skipped first.
        while let Some(unknown) = old.next_if(|known| known.uid().is_none()) {
            diff.expunged.push(unknown);
        }
        while let Some(unknown) = new.next_if(|known| known.uid().is_none()) {
            diff.arrived.push(unknown);
        }
        let theirs = new.peek().map(SnapshotMessage::uid);
        if let Some(expunged) = old.next_if(|known| theirs.is_none_or(|uid| known.uid() < uid)) {
            diff.expunged.push(expunged);
            continue;
        }
        let ours = old.peek().map(SnapshotMessage::uid);
        if let Some(arrived) = new.next_if(|known| ours.is_none_or(|uid| known.uid() < uid)) {
            diff.arrived.push(arrived);
            continue;
        }
        let Some((before, after)) = old.next().zip(new.next()) else { return };
        if before.flags() != after.flags() {
            diff.changed.push(Changed { before, after });
        }
    }
}
