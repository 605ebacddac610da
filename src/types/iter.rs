//! What `for` takes of sets, flags and capabilities: the iterators behind their `IntoIterator`, by
//! reference and by value.

use std::iter::{FilterMap, FlatMap, FusedIterator};
use std::ops::RangeInclusive;
use std::{slice, vec};

use super::capability::Capabilities;
use super::flag::{Flag, Flags};
use super::number::MessageNumber;
use super::set::Set;

type Ends = (u32, u32);
/// Ranges, spread into their numbers.
type Spread<I, E, N> =
    FilterMap<FlatMap<I, RangeInclusive<u32>, fn(E) -> RangeInclusive<u32>>, fn(u32) -> Option<N>>;

/// Each number of a [`Set`], in ascending order; an open set goes on up to 4294967295.
#[derive(Clone, Debug)]
pub struct SetIter<'a, N>(Spread<slice::Iter<'a, Ends>, &'a Ends, N>);

/// As [`SetIter`], of a set that is used up.
#[derive(Clone, Debug)]
pub struct SetIntoIter<N>(Spread<vec::IntoIter<Ends>, Ends, N>);

macro_rules! numbers {
    ($name:ty) => {
        impl<N: MessageNumber> Iterator for $name {
            type Item = N;

            fn next(&mut self) -> Option<N> {
                self.0.next()
            }
        }

        impl<N: MessageNumber> DoubleEndedIterator for $name {
            fn next_back(&mut self) -> Option<N> {
                self.0.next_back()
            }
        }

        impl<N: MessageNumber> FusedIterator for $name {}
    };
}

numbers!(SetIter<'_, N>);
numbers!(SetIntoIter<N>);

impl<'a, N: MessageNumber> IntoIterator for &'a Set<N> {
    type Item = N;
    type IntoIter = SetIter<'a, N>;

    fn into_iter(self) -> SetIter<'a, N> {
        SetIter(
            self.ends().iter().flat_map((|ends| ends.0..=ends.1) as fn(&Ends) -> _).filter_map(N::from_u32),
        )
    }
}

impl<N: MessageNumber> IntoIterator for Set<N> {
    type Item = N;
    type IntoIter = SetIntoIter<N>;

    fn into_iter(self) -> SetIntoIter<N> {
        let ends = self.into_ends().into_iter();
        SetIntoIter(ends.flat_map((|ends| ends.0..=ends.1) as fn(Ends) -> _).filter_map(N::from_u32))
    }
}

/// Each flag of some [`Flags`]: the system flags first, then keywords in the server's order.
#[derive(Clone, Debug)]
pub struct FlagsIter {
    /// Keywords are shared, so that this copy is cheap.
    flags: Flags,
    /// Each system flag has a place, set or not, and each keyword one after them.
    place: usize,
}

impl Iterator for FlagsIter {
    type Item = Flag;

    fn next(&mut self) -> Option<Flag> {
        loop {
            let flag = self.flags.at_place(self.place)?;
            self.place += 1;
            if flag.is_some() {
                return flag;
            }
        }
    }
}

impl FusedIterator for FlagsIter {}

impl IntoIterator for Flags {
    type Item = Flag;
    type IntoIter = FlagsIter;

    fn into_iter(self) -> FlagsIter {
        FlagsIter { flags: self, place: 0 }
    }
}

impl IntoIterator for &Flags {
    type Item = Flag;
    type IntoIter = FlagsIter;

    fn into_iter(self) -> FlagsIter {
        self.clone().into_iter()
    }
}

/// Each capability, as the server wrote it.
#[derive(Clone, Debug)]
pub struct CapabilitiesIter<'a>(slice::Iter<'a, Box<str>>);

impl<'a> Iterator for CapabilitiesIter<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        self.0.next().map(|name| &**name)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl ExactSizeIterator for CapabilitiesIter<'_> {}
impl FusedIterator for CapabilitiesIter<'_> {}

impl<'a> IntoIterator for &'a Capabilities {
    type Item = &'a str;
    type IntoIter = CapabilitiesIter<'a>;

    fn into_iter(self) -> CapabilitiesIter<'a> {
        CapabilitiesIter(self.names().iter())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Flag, Uid, UidSet};
    use super::*;

    #[test]
    fn sets_are_iterated_by_reference_and_by_value() {
        let set: UidSet = "1:3,7".parse().unwrap();
        assert_eq!((&set).into_iter().map(Uid::get).collect::<Vec<_>>(), [1, 2, 3, 7]);
        assert_eq!((&set).into_iter().rev().map(Uid::get).collect::<Vec<_>>(), [7, 3, 2, 1]);
        let mut read = Vec::new();
        for uid in set {
            read.push(uid.get());
        }
        assert_eq!(read, [1, 2, 3, 7]);
        assert_eq!(UidSet::new().into_iter().next(), None);
    }

    #[test]
    fn flags_are_iterated_as_by_iter() {
        let flags = Flags::from_iter([Flag::new("b"), Flag::Seen, Flag::new("a"), Flag::Answered]);
        assert_eq!((&flags).into_iter().collect::<Vec<_>>(), flags.iter().collect::<Vec<_>>());
        assert_eq!(flags.into_iter().count(), 4);
        assert_eq!(Flags::new().into_iter().next(), None);
    }

    #[test]
    fn capabilities_are_iterated_as_by_iter() {
        let can = Capabilities::from_iter(["IMAP4rev1", "IDLE"]);
        let mut read = Vec::new();
        for name in &can {
            read.push(name);
        }
        assert_eq!(read, can.iter().collect::<Vec<_>>());
        assert_eq!((&can).into_iter().len(), 2);
    }
}
