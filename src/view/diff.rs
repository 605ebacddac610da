//! What lies between two snapshots.
//!
//! In: two snapshots. Out: what came, went and changed. Within one lineage of slots both trees are
//! walked in step, and what they share is passed over; else the UIDs are merged, if they are of one
//! era; else nothing can be recognised.

use super::entry::PackedMessage;
use super::mirror::lies_in;
use super::snapshot::{Snapshot, SnapshotMessage};
use super::tree::{self, Step};

/// What came, went and changed from one [`Snapshot`] to another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diff {
    /// Messages of the newer snapshot that are not in the older one, in the order of their numbers
    /// in the newer.
    pub arrived: Vec<SnapshotMessage>,
    /// Messages of the older snapshot that are not in the newer one, in the order of their numbers
    /// in the older.
    pub expunged: Vec<SnapshotMessage>,
    /// Messages of both whose flags are known otherwise now, in the order of their numbers. That a
    /// UID or a mod-sequence alone became known is no change.
    pub changed: Vec<Changed>,
}

impl Diff {
    /// Whether nothing came, went or changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.arrived.is_empty() && self.expunged.is_empty() && self.changed.is_empty()
    }
}

/// A message whose flags are known otherwise: changed, or told for the first time.
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
    // What was lost between the two; the shorter log is a part of the longer.
    let (a, b) = (&old.mirror.invalidated_ranges, &new.mirror.invalidated_ranges);
    let lost = if a.len() < b.len() { b.get(a.len()..) } else { a.get(b.len()..) }.unwrap_or_default();
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
            Step::Both(i, a, j, b) if lost.iter().any(|lost| lies_in(a.slot, lost)) => {
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
        // Untold ones can't be recognised: they are out of the way first.
        while let Some(untold) = old.next_if(|known| known.uid().is_none()) {
            diff.expunged.push(untold);
        }
        while let Some(untold) = new.next_if(|known| known.uid().is_none()) {
            diff.arrived.push(untold);
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
