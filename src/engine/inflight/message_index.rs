//! Commands in flight by the messages that they name, so that one row among ten thousand commands
//! finds its own at once.
//!
//! In: commands as they go out and as they end. Out: those that may be about a message, or about
//! the same messages as another command. More may come out than are (a block of numbers is looked
//! up as one); none is left out.

use std::collections::{BTreeMap, BTreeSet};

use crate::command::Messages;
use crate::types::{CommandId, Seq, Uid};

/// A command by its place among all that were sent; so a set of them is in the order of sending.
pub(super) type Entry = (u64, CommandId);

/// What kind of number it is, whether of a block of numbers, and which.
type MessagePlace = (Space, bool, u32);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Space {
    Uid,
    Seq,
}

impl Space {
    fn of(messages: Option<&Messages>) -> Self {
        if matches!(messages, Some(Messages::Seqs(_))) { Self::Seq } else { Self::Uid }
    }
}

/// So few commands are asked one by one.
const FEW: usize = 8;

/// A set of at most so many numbers is kept under each of them.
const SMALL: u64 = 4;

/// A set that lies in at most so many blocks is kept under each of those.
const BLOCKS: usize = 16;

const BLOCK: u32 = 256;

/// Commands by the messages that they name.
#[derive(Debug, Default)]
pub(super) struct MessageIndex {
    all: BTreeSet<Entry>,
    placed: BTreeMap<MessagePlace, BTreeSet<Entry>>,
    /// Those that name too many, or that don't say which.
    wide: BTreeSet<Entry>,
    /// How many name theirs by UID, and by number.
    by_uid: usize,
    by_seq: usize,
}

impl MessageIndex {
    pub(super) fn add(&mut self, entry: Entry, messages: Option<&Messages>) {
        self.all.insert(entry);
        match keys(messages) {
            None => {
                self.wide.insert(entry);
            }
            Some(keys) => {
                *self.count(messages) += 1;
                for key in keys {
                    self.placed.entry(key).or_default().insert(entry);
                }
            }
        }
    }

    pub(super) fn all(&self) -> &BTreeSet<Entry> {
        &self.all
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// `messages` are those that it was added with.
    pub(super) fn remove(&mut self, entry: Entry, messages: Option<&Messages>) {
        if !take_out(&mut self.all, &entry) || take_out(&mut self.wide, &entry) {
            return;
        }
        *self.count(messages) -= 1;
        for key in keys(messages).unwrap_or_default() {
            if let Some(set) = self.placed.get_mut(&key) {
                set.remove(&entry);
                if set.is_empty() {
                    self.placed.remove(&key);
                }
            }
        }
    }

    fn count(&mut self, messages: Option<&Messages>) -> &mut usize {
        match Space::of(messages) {
            Space::Seq => &mut self.by_seq,
            Space::Uid => &mut self.by_uid,
        }
    }

    /// Gives those that may name this message, in sets, each in the order of sending. What is not
    /// known of a message leaves all in question that name theirs by it.
    pub(super) fn about(&self, seq: Option<Seq>, uid: Option<Uid>, mut route: impl FnMut(&BTreeSet<Entry>)) {
        let unknown = seq.is_none() && self.by_seq > 0 || uid.is_none() && self.by_uid > 0;
        if unknown || self.all.len() <= FEW {
            return route(&self.all);
        }
        let numbers = [(Space::Uid, uid.map_or(0, Uid::get)), (Space::Seq, seq.map_or(0, Seq::get))];
        for key in numbers.into_iter().flat_map(|(space, n)| [(space, false, n), (space, true, n / BLOCK)]) {
            self.placed.get(&key).into_iter().for_each(&mut route);
        }
        route(&self.wide);
    }

    /// Gives those that may name some of the same messages, in sets.
    pub(super) fn overlapping(&self, messages: Option<&Messages>, mut route: impl FnMut(&BTreeSet<Entry>)) {
        let others = match Space::of(messages) {
            Space::Seq => self.by_uid,
            Space::Uid => self.by_seq,
        };
        if let Some(numbers) = messages.and_then(small).filter(|_| others == 0 && self.all.len() > FEW) {
            let space = Space::of(messages);
            for key in numbers.into_iter().flat_map(|n| [(space, false, n), (space, true, n / BLOCK)]) {
                self.placed.get(&key).into_iter().for_each(&mut route);
            }
            route(&self.wide);
        } else {
            route(&self.all);
        }
    }
}

/// Takes an entry out of a set, and lets go of the set's memory with the last one: on most
/// connections nothing is in flight at most times.
pub(super) fn take_out(set: &mut BTreeSet<Entry>, entry: &Entry) -> bool {
    let was_there = set.remove(entry);
    if set.is_empty() {
        *set = BTreeSet::new();
    }
    was_there
}

/// Under which keys a command is kept; `None`: under none, it is always in question.
fn keys(messages: Option<&Messages>) -> Option<Vec<MessagePlace>> {
    let space = Space::of(messages);
    if let Some(numbers) = messages.and_then(small) {
        return Some(numbers.into_iter().map(|n| (space, false, n)).collect());
    }
    let mut blocks = BTreeSet::new();
    for &(first, last) in messages.and_then(raw)? {
        if blocks.len() + (last / BLOCK - first / BLOCK) as usize >= BLOCKS {
            return None;
        }
        blocks.extend(first / BLOCK..=last / BLOCK);
    }
    Some(blocks.into_iter().map(|block| (space, true, block)).collect())
}

/// The numbers of a set of a few.
fn small(messages: &Messages) -> Option<Vec<u32>> {
    let ranges = raw(messages)?;
    let count: u64 = ranges.iter().take(FEW).map(|(first, last)| u64::from(last - first) + 1).sum();
    (ranges.len() < FEW && count <= SMALL)
        .then(|| ranges.iter().flat_map(|(first, last)| *first..=*last).collect())
}

/// The ranges of a set, if they say which messages are named; `*` does not.
fn raw(messages: &Messages) -> Option<&[(u32, u32)]> {
    match messages {
        Messages::Uids(set) if !set.is_open() => Some(set.raw()),
        Messages::Seqs(set) if !set.is_open() => Some(set.raw()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{SeqSet, UidSet};

    fn uids(range: std::ops::RangeInclusive<u32>) -> Option<Messages> {
        let mut set = UidSet::new();
        set.insert_raw(*range.start(), *range.end());
        Some(Messages::Uids(set))
    }

    fn seqs(range: std::ops::RangeInclusive<u32>) -> Option<Messages> {
        let mut set = SeqSet::new();
        set.insert_raw(*range.start(), *range.end());
        Some(Messages::Seqs(set))
    }

    /// The orders of those that are given.
    fn given(ask: impl FnOnce(&mut dyn FnMut(&BTreeSet<Entry>))) -> BTreeSet<u64> {
        let mut all = BTreeSet::new();
        ask(&mut |set| all.extend(set.iter().map(|(order, _)| *order)));
        all
    }

    #[test]
    fn finds_all_that_may_be_about_a_message_and_few_others() {
        let mut index = MessageIndex::default();
        let kept = |n: u64| match n {
            0 => None,
            1 => uids(1..=u32::MAX),
            2 => uids(700..=1000),
            3 => uids(999..=1001),
            n => u32::try_from(n).ok().and_then(|n| uids(n..=n)),
        };
        for n in 0..2000 {
            index.add((n, CommandId(n)), kept(n).as_ref());
        }
        let about = |index: &MessageIndex, seq, uid| {
            given(|route| index.about(Seq::new(seq), Uid::new(uid), |set| route(set)))
        };
        assert_eq!(about(&index, 5, 1000), BTreeSet::from([0, 1, 2, 3, 1000]));
        assert_eq!(about(&index, 5, 1001), BTreeSet::from([0, 1, 2, 3, 1001]), "by its block");
        assert_eq!(about(&index, 5, 1500), BTreeSet::from([0, 1, 1500]));
        assert_eq!(about(&index, 5, 0).len(), 2000, "a message without a UID may be any of theirs");
        let overlapping = |index: &MessageIndex, which: Option<Messages>| {
            given(|route| index.overlapping(which.as_ref(), |s| route(s)))
        };
        assert_eq!(overlapping(&index, uids(1000..=1000)), BTreeSet::from([0, 1, 2, 3, 1000]));
        assert_eq!(overlapping(&index, uids(50..=51)), BTreeSet::from([0, 1, 50, 51]));
        assert_eq!(overlapping(&index, uids(50..=90)).len(), 2000);
        assert_eq!(overlapping(&index, seqs(50..=50)).len(), 2000, "numbers and UIDs can't be compared");
        assert_eq!(overlapping(&index, None).len(), 2000);
        // One that names by number is in question where no number is given.
        index.add((2000, CommandId(2000)), seqs(7..=7).as_ref());
        assert_eq!(about(&index, 7, 1500), BTreeSet::from([0, 1, 1500, 2000]));
        assert_eq!(about(&index, 0, 1500).len(), 2001);
        index.remove((2000, CommandId(2000)), seqs(7..=7).as_ref());
        for n in (0..2000).rev() {
            index.remove((n, CommandId(n)), kept(n).as_ref());
        }
        assert!(index.all.is_empty() && index.placed.is_empty() && index.wide.is_empty());
        assert_eq!((index.by_uid, index.by_seq), (0, 0));
    }
}
