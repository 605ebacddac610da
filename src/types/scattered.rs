//! A set of messages into which they come one by one, in whatever order a server likes: none costs more than the others. A
//! [`Set`] is smaller, and made for ascending order.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use super::number::MessageNumber;
use super::set::Set;

/// A set of UIDs or of numbers.
#[derive(Clone, Debug)]
pub(crate) struct Scattered<N> {
    /// The last of each range by its first; no two of them touch.
    ranges: BTreeMap<u32, u32>,
    of: PhantomData<N>,
}

impl<N> Default for Scattered<N> {
    fn default() -> Self {
        Self { ranges: BTreeMap::new(), of: PhantomData }
    }
}

impl<N: MessageNumber> Scattered<N> {
    pub(crate) fn insert(&mut self, number: N) {
        let (mut first, mut last) = (number.get(), number.get());
        if let Some((&from, &to)) = self.ranges.range(..=first).next_back() {
            if to >= last {
                return;
            }
            if to == first - 1 {
                first = from;
            }
        }
        if let Some(to) = last.checked_add(1).and_then(|next| self.ranges.remove(&next)) {
            last = to;
        }
        self.ranges.insert(first, last);
    }

    pub(crate) fn remove(&mut self, number: N) {
        let number = number.get();
        let Some((&first, &last)) = self.ranges.range(..=number).next_back() else { return };
        if last < number {
            return;
        }
        self.ranges.remove(&first);
        if first < number {
            self.ranges.insert(first, number - 1);
        }
        if number < last {
            self.ranges.insert(number + 1, last);
        }
    }

    pub(crate) fn contains(&self, number: N) -> bool {
        let before = self.ranges.range(..=number.get()).next_back();
        before.is_some_and(|(_, last)| number.get() <= *last)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The same as a set to reckon with.
    pub(crate) fn to_set(&self) -> Set<N> {
        let mut set = Set::new();
        self.ranges.iter().for_each(|(first, last)| set.insert_raw(*first, *last));
        set
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
            let (mut scattered, mut set) = (Scattered::default(), UidSet::new());
            for (inserts, number) in steps {
                // Both ends of what there is.
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
                prop_assert_eq!(scattered.ranges.len(), set.ranges().len());
            }
        }
    }

    /// A server chooses the order of its rows. With a vector of ranges this takes minutes.
    #[test]
    fn a_descending_order_costs_no_more_than_an_ascending_one() {
        let mut scattered = Scattered::default();
        (1..=1_000_000).rev().for_each(|n| scattered.insert(uid(2 * n)));
        assert_eq!(scattered.ranges.len(), 1_000_000);
    }
}
