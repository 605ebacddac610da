//! What a set of message numbers is made of: numbers, ranges, slices, what an iterator gives.

use std::ops::{RangeFrom, RangeFull, RangeInclusive, RangeToInclusive};

use super::number::MessageNumber;
use super::range_collector::RangeCollector;
use super::set::Set;

impl<N: MessageNumber> From<N> for Set<N> {
    fn from(number: N) -> Self {
        Self::from_iter([number])
    }
}

impl<N: MessageNumber> From<RangeInclusive<N>> for Set<N> {
    fn from(range: RangeInclusive<N>) -> Self {
        let mut set = Self::new();
        set.insert_range(range);
        set
    }
}

impl<N: MessageNumber> From<RangeFrom<N>> for Set<N> {
    fn from(range: RangeFrom<N>) -> Self {
        let mut set = Self::new();
        set.insert_raw(range.start.get(), u32::MAX);
        set
    }
}

impl<N: MessageNumber> From<&[N]> for Set<N> {
    fn from(numbers: &[N]) -> Self {
        numbers.iter().copied().collect()
    }
}

impl<N: MessageNumber> FromIterator<N> for Set<N> {
    fn from_iter<I: IntoIterator<Item = N>>(numbers: I) -> Self {
        let mut set = Self::new();
        set.extend(numbers);
        set
    }
}

impl<N: MessageNumber> Extend<N> for Set<N> {
    fn extend<I: IntoIterator<Item = N>>(&mut self, numbers: I) {
        let mut all = RangeCollector::from(std::mem::take(self));
        for number in numbers {
            all.add(number.get(), number.get());
        }
        *self = all.finish();
    }
}

impl<N: MessageNumber> From<RangeToInclusive<N>> for Set<N> {
    fn from(range: RangeToInclusive<N>) -> Self {
        let mut set = Self::new();
        set.insert_raw(1, range.end.get());
        set
    }
}

impl<N: MessageNumber> From<RangeFull> for Set<N> {
    fn from(_: RangeFull) -> Self {
        Self::all()
    }
}

impl<N: MessageNumber> From<&Vec<N>> for Set<N> {
    fn from(numbers: &Vec<N>) -> Self {
        numbers.iter().collect()
    }
}

impl<N: MessageNumber> From<Vec<N>> for Set<N> {
    fn from(numbers: Vec<N>) -> Self {
        numbers.into_iter().collect()
    }
}

impl<N: MessageNumber, const COUNT: usize> From<[N; COUNT]> for Set<N> {
    fn from(numbers: [N; COUNT]) -> Self {
        numbers.into_iter().collect()
    }
}

impl<N: MessageNumber> From<&Self> for Set<N> {
    fn from(set: &Self) -> Self {
        set.clone()
    }
}

impl<'a, N: MessageNumber> FromIterator<&'a N> for Set<N> {
    fn from_iter<I: IntoIterator<Item = &'a N>>(numbers: I) -> Self {
        numbers.into_iter().copied().collect()
    }
}

impl<'a, N: MessageNumber> Extend<&'a N> for Set<N> {
    fn extend<I: IntoIterator<Item = &'a N>>(&mut self, numbers: I) {
        self.extend(numbers.into_iter().copied());
    }
}

#[cfg(test)]
mod tests {
    use crate::types::{Uid, UidSet};

    fn uid(number: u32) -> Uid {
        Uid::new(number).unwrap()
    }

    #[test]
    fn is_made_of_what_a_person_would_try() {
        let numbers = vec![uid(9), uid(1), uid(2)];
        for set in [
            UidSet::from(&numbers),
            UidSet::from(numbers.as_slice()),
            UidSet::from([uid(2), uid(9), uid(1), uid(9)]),
            numbers.iter().collect(),
            numbers.iter().copied().collect(),
            UidSet::from(&UidSet::from(numbers.clone())),
        ] {
            assert_eq!(set.to_string(), "1:2,9", "sorted and merged");
        }
        assert_eq!(UidSet::from(..=uid(5)).to_string(), "1:5");
        assert_eq!(UidSet::from(..).to_string(), "1:*");
        assert_eq!(UidSet::from(uid(3)..).to_string(), "3:*");
        let mut set = UidSet::from(uid(4));
        set.extend(&[uid(6), uid(5)]);
        assert_eq!(set.to_string(), "4:6");
        assert_eq!(set.union(&UidSet::from(..=uid(2))).to_string(), "1:2,4:6");
    }
}
