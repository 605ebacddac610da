//! Sets of message numbers compared and put together: what sets in the standard library can do, by
//! the ranges.

use std::ops::{BitAnd, BitOr, BitXor, Sub};

use super::number::MessageNumber;
use super::set::Set;

impl<N: MessageNumber> Set<N> {
    /// The number at this place of the set, the smallest of which is at place 0. O(ranges).
    ///
    /// ```
    /// use imap_duplex::types::{Uid, UidSet};
    /// let set: UidSet = "3:5,100:*".parse()?;
    /// assert_eq!(set.nth(1), Uid::new(4));
    /// assert_eq!(set.nth(3), Uid::new(100));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn nth(&self, place: u64) -> Option<N> {
        let end = place.checked_add(1)?;
        self.between_places(place, end).first()
    }

    /// Whether all numbers of this set are in the other. O(ranges of both).
    ///
    /// ```
    /// use imap_duplex::types::UidSet;
    /// let (some, more): (UidSet, UidSet) = ("3,5".parse()?, "1:9".parse()?);
    /// assert!(some.is_subset(&more) && !more.is_subset(&some));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_subset(&self, other: &Self) -> bool {
        self.difference(other).is_empty()
    }

    /// Whether the sets have no number in common.
    ///
    /// ```
    /// use imap_duplex::types::UidSet;
    /// let (odd, even): (UidSet, UidSet) = ("1,3,5".parse()?, "2,4".parse()?);
    /// assert!(odd.is_disjoint(&even));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_disjoint(&self, other: &Self) -> bool {
        self.intersection(other).is_empty()
    }

    /// The numbers in one of the sets and not in both.
    ///
    /// ```
    /// use imap_duplex::types::UidSet;
    /// let (before, now): (UidSet, UidSet) = ("1:5".parse()?, "3:7".parse()?);
    /// assert_eq!(before.symmetric_difference(&now).to_string(), "1:2,6:7");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn symmetric_difference(&self, other: &Self) -> Self {
        self.difference(other).union(&other.difference(self))
    }
}

macro_rules! operators {
    ($($operator:ident $method:ident $of:ident;)*) => {$(
        impl<N: MessageNumber> $operator for &Set<N> {
            type Output = Set<N>;

            fn $method(self, other: Self) -> Set<N> {
                self.$of(other)
            }
        }
    )*};
}

operators! {
    BitAnd bitand intersection;
    BitOr bitor union;
    BitXor bitxor symmetric_difference;
    Sub sub difference;
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use crate::types::{Uid, UidSet};

    fn some() -> impl Strategy<Value = BTreeSet<u32>> {
        prop::collection::btree_set(1u32..40, 0..20)
    }

    fn set(numbers: &BTreeSet<u32>) -> UidSet {
        numbers.iter().filter_map(|number| Uid::new(*number)).collect()
    }

    proptest! {
        #[test]
        fn they_are_those_of_the_standard_library(a in some(), b in some(), place in 0usize..25) {
            let (mine, other) = (set(&a), set(&b));
            prop_assert_eq!(&mine | &other, set(&(&a | &b)));
            prop_assert_eq!(&mine & &other, set(&(&a & &b)));
            prop_assert_eq!(&mine - &other, set(&(&a - &b)));
            prop_assert_eq!(&mine ^ &other, set(&(&a ^ &b)));
            prop_assert_eq!(mine.is_subset(&other), a.is_subset(&b));
            prop_assert_eq!(mine.is_disjoint(&other), a.is_disjoint(&b));
            prop_assert_eq!(mine.nth(place as u64).map(Uid::get), a.iter().nth(place).copied());
        }
    }

    #[test]
    fn an_open_set_has_a_place_for_each_number_up_to_the_largest() {
        let all = UidSet::all();
        assert_eq!(all.nth(0), Uid::new(1));
        assert_eq!(all.nth(u64::from(u32::MAX) - 1), Uid::new(u32::MAX));
        assert_eq!((all.nth(u64::from(u32::MAX)), all.nth(u64::MAX)), (None, None));
        assert!(all.is_subset(&all) && UidSet::new().is_disjoint(&all));
    }
}
