//! Builds a set of message numbers from ranges in any order, in O(n log n) and with memory for the
//! resulting ranges only.
//!
//! In: ranges and sets. Out: the set, once all were added. For look-ups in between, see
//! `IncrementalSet`.

use std::fmt;

use super::number::MessageNumber;
use super::set::Set;

/// Least count of ranges out of order that are buffered before they are merged.
const FEW: usize = 1024;
/// Greatest count of ranges that are inserted one by one.
const SINGLE: usize = 4;

/// Collects ranges. Servers nearly always send them in ascending order, which costs no more than a
/// push.
#[derive(Clone)]
pub(crate) struct RangeCollector<N> {
    ascending: Set<N>,
    /// The largest first number of a range so far.
    highest: u32,
    /// Ranges that followed a larger number.
    late: Vec<(u32, u32)>,
}

impl<N> Default for RangeCollector<N> {
    fn default() -> Self {
        Self { ascending: Set::default(), highest: 0, late: Vec::new() }
    }
}

impl<N: MessageNumber> fmt::Debug for RangeCollector<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.clone().finish().fmt(f)
    }
}

impl<N: MessageNumber> From<Set<N>> for RangeCollector<N> {
    fn from(ascending: Set<N>) -> Self {
        let highest = ascending.raw().last().map_or(0, |range| range.0);
        Self { ascending, highest, late: Vec::new() }
    }
}

impl<N: MessageNumber> RangeCollector<N> {
    /// Adds all numbers between the two, in either order; 0 is left out.
    pub(crate) fn add(&mut self, first: u32, last: u32) {
        let (first, last) = (first.min(last), first.max(last));
        if first >= self.highest {
            self.ascending.insert_raw(first, last);
            self.highest = first;
            return;
        }
        if self.late.len() >= self.ascending.raw().len().max(FEW) {
            // As many as were merged already: their cost is shared by all of them.
            self.put_in_place();
        }
        self.late.push((first, last));
    }

    /// Adds a set; the first one as it is.
    pub(crate) fn add_set(&mut self, set: Set<N>) {
        if self.ranges() == 0 {
            *self = Self::from(set);
            return;
        }
        set.raw().iter().for_each(|&(first, last)| self.add(first, last));
    }

    /// Upper bound for the count of ranges: adjacent ones may be counted separately.
    pub(crate) fn ranges(&self) -> usize {
        self.ascending.raw().len() + self.late.len()
    }

    /// The set.
    pub(crate) fn finish(mut self) -> Set<N> {
        self.put_in_place();
        self.ascending
    }

    fn put_in_place(&mut self) {
        let mut late = std::mem::take(&mut self.late);
        if late.len() <= SINGLE {
            return late.into_iter().for_each(|(first, last)| self.ascending.insert_raw(first, last));
        }
        late.sort_unstable_by_key(|range| range.0);
        let before = std::mem::take(&mut self.ascending);
        let mut late = late.into_iter().peekable();
        for &(first, last) in before.raw() {
            while let Some((a, b)) = late.next_if(|range| range.0 <= first) {
                self.ascending.insert_raw(a, b);
            }
            self.ascending.insert_raw(first, last);
        }
        late.for_each(|(first, last)| self.ascending.insert_raw(first, last));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Uid, UidSet};

    #[test]
    fn gathering_equals_inserting() {
        let mut state = 7u32;
        let mut random = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 16
        };
        for count in [0, 1, 3, 30, 3 * FEW] {
            let most = u32::try_from(count).unwrap() * 4 + 100;
            let mut plain: UidSet = (0..count).filter_map(|_| Uid::new(random() % most)).collect();
            let mut gather = RangeCollector::from(plain.clone());
            for _ in 0..count {
                let first = random() % most;
                let last = first + random() % 8;
                gather.add(last, first);
                plain.insert_raw(first, last);
            }
            let mut set = UidSet::new();
            set.insert_raw(most / 3, most / 2);
            gather.add_set(set.clone());
            plain.union_with(&set);
            assert!(gather.ranges() >= plain.raw().len());
            assert_eq!(gather.finish(), plain);
        }
    }

    #[test]
    fn the_same_over_and_over_takes_no_memory() {
        let mut gather = RangeCollector::<Uid>::default();
        gather.add(4_000_000_000, 4_000_000_000);
        (0..100_000).for_each(|n| gather.add(2 * (n % 7) + 1, 2 * (n % 7) + 1));
        assert!(gather.ranges() <= FEW + 8);
        assert_eq!(gather.finish().to_string(), "1,3,5,7,9,11,13,4000000000");
    }
}
