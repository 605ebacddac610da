//! A set of messages built one by one, in any order that a server chooses, in O(log n) each.
//!
//! Servers nearly always send messages in ascending order, for which a [`Set`]'s ranges are ideal.
//! The first one out of order turns them into a tree, which stays.

use std::collections::BTreeMap;
use std::fmt;

use super::number::MessageNumber;
use super::set::Set;

/// A set of UIDs or of numbers.
#[derive(Clone)]
pub(crate) struct IncrementalSet<N> {
    /// As long as they ascend.
    ascending: Set<N>,
    /// After that: the last number of each range by its first; no two ranges touch.
    tree: Option<BTreeMap<u32, u32>>,
}

impl<N: MessageNumber> Default for IncrementalSet<N> {
    fn default() -> Self {
        Self { ascending: Set::new(), tree: None }
    }
}

impl<N: MessageNumber> fmt::Debug for IncrementalSet<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_set().fmt(f)
    }
}

impl<N: MessageNumber> IncrementalSet<N> {
    pub(crate) fn insert(&mut self, number: N) {
        if self.tree.is_none() && self.ascending.last().is_none_or(|last| last <= number) {
            self.ascending.insert(number);
        } else if !self.contains(number) {
            insert(self.tree(), number.get());
        }
    }

    pub(crate) fn remove(&mut self, number: N) {
        if self.contains(number) {
            remove(self.tree(), number.get());
        }
    }

    pub(crate) fn contains(&self, number: N) -> bool {
        let Some(ranges) = &self.tree else {
            // Nearly always the next number is the largest so far.
            return self.ascending.last().is_some_and(|last| number <= last)
                && self.ascending.contains(number);
        };
        let before = ranges.range(..=number.get()).next_back();
        before.is_some_and(|(_, last)| number.get() <= *last)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.tree.as_ref().map_or(self.ascending.is_empty(), BTreeMap::is_empty)
    }

    /// The count of ranges.
    pub(crate) fn ranges(&self) -> usize {
        self.tree.as_ref().map_or(self.ascending.raw().len(), BTreeMap::len)
    }

    /// The same as a [`Set`].
    pub(crate) fn to_set(&self) -> Set<N> {
        let Some(ranges) = &self.tree else { return self.ascending.clone() };
        let mut set = Set::new();
        ranges.iter().for_each(|(first, last)| set.insert_raw(*first, *last));
        set
    }

    fn tree(&mut self) -> &mut BTreeMap<u32, u32> {
        let ascending = &mut self.ascending;
        self.tree
            .get_or_insert_with(|| std::mem::replace(ascending, Set::new()).raw().iter().copied().collect())
    }
}

fn insert(ranges: &mut BTreeMap<u32, u32>, number: u32) {
    let (mut first, mut last) = (number, number);
    if let Some((&from, &to)) = ranges.range(..=first).next_back() {
        if to >= last {
            return;
        }
        if to == first - 1 {
            first = from;
        }
    }
    if let Some(to) = last.checked_add(1).and_then(|next| ranges.remove(&next)) {
        last = to;
    }
    ranges.insert(first, last);
}

fn remove(ranges: &mut BTreeMap<u32, u32>, number: u32) {
    let Some((&first, &last)) = ranges.range(..=number).next_back() else { return };
    if last < number {
        return;
    }
    ranges.remove(&first);
    if first < number {
        ranges.insert(first, number - 1);
    }
    if number < last {
        ranges.insert(number + 1, last);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::types::{Uid, UidSet};

    fn uid(value: u32) -> Uid {
        Uid::new(value).unwrap()
    }

    proptest! {
        #[test]
        fn it_holds_what_a_set_would_hold(steps in prop::collection::vec((any::<bool>(), 0..30_u32), 0..200)) {
            let (mut scattered, mut set) = (IncrementalSet::default(), UidSet::new());
            for (inserts, number) in steps {
                // Numbers from both ends of the range.
                let number = uid(if number < 15 { number + 1 } else { u32::MAX - 29 + number });
                if inserts {
                    scattered.insert(number);
                    set.insert(number);
                } else {
                    scattered.remove(number);
                    set.remove(number);
                }
                prop_assert_eq!(scattered.to_set(), set.clone());
                prop_assert_eq!(scattered.contains(number), inserts);
                prop_assert_eq!(scattered.is_empty(), set.is_empty());
            }
        }
    }

    /// The server decides the order of its rows. With a vector of ranges this takes minutes.
    #[test]
    fn a_descending_order_costs_no_more_than_an_ascending_one() {
        let mut scattered = IncrementalSet::default();
        (1..=1_000_000).rev().for_each(|n| scattered.insert(uid(2 * n)));
        assert_eq!(scattered.tree.as_ref().map(BTreeMap::len), Some(1_000_000));
        let mut scattered = IncrementalSet::default();
        (1..=1_000_000).for_each(|n| scattered.insert(uid(2 * n)));
        assert_eq!((scattered.ascending.ranges().len(), scattered.tree.is_none()), (1_000_000, true));
    }
}
