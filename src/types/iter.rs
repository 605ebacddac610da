//! What `for` takes of sets, lists of numbers, threads, flags and capabilities: the iterators
//! behind their `IntoIterator`, by reference and some by value.

use std::cmp::Ordering;
use std::iter::{FilterMap, FlatMap, FusedIterator};
use std::ops::RangeInclusive;
use std::{slice, vec};

use super::capability::Capabilities;
use super::flag::{Flag, Flags};
use super::number::MessageNumber;
use super::number_list::NumberList;
use super::set::Set;
use super::thread::{ThreadNode, Threads};

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

/// Each number of a [`NumberList`], in the server's order.
#[derive(Clone, Debug)]
pub struct NumberListIter<'a> {
    ranges: slice::Iter<'a, Ends>,
    /// What is left of the range that is being iterated over: the next number and the last one,
    /// which may be the smaller.
    open: Option<Ends>,
}

impl Iterator for NumberListIter<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let (next, last) = self.open.take().or_else(|| self.ranges.next().copied())?;
        // Neither end overflows: the other is beyond the number that is counted from.
        self.open = match next.cmp(&last) {
            Ordering::Less => Some((next + 1, last)),
            Ordering::Equal => None,
            Ordering::Greater => Some((next - 1, last)),
        };
        Some(next)
    }
}

impl FusedIterator for NumberListIter<'_> {}

impl<'a> IntoIterator for &'a NumberList {
    type Item = u32;
    type IntoIter = NumberListIter<'a>;

    fn into_iter(self) -> NumberListIter<'a> {
        NumberListIter { ranges: self.ends().iter(), open: None }
    }
}

/// Each message of some [`Threads`], before those that reply to it.
#[derive(Clone, Debug)]
pub struct ThreadsIter<'a>(slice::Iter<'a, (u32, u32)>);

impl Iterator for ThreadsIter<'_> {
    type Item = ThreadNode;

    fn next(&mut self) -> Option<ThreadNode> {
        let &(depth, number) = self.0.next()?;
        Some(ThreadNode { depth, number: Some(number).filter(|&number| number != 0) })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl ExactSizeIterator for ThreadsIter<'_> {}
impl FusedIterator for ThreadsIter<'_> {}

impl<'a> IntoIterator for &'a Threads {
    type Item = ThreadNode;
    type IntoIter = ThreadsIter<'a>;

    fn into_iter(self) -> ThreadsIter<'a> {
        ThreadsIter(self.nodes().iter())
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

    #[test]
    fn lists_of_numbers_are_iterated_up_and_down() {
        let mut list = NumberList::new();
        list.push(5, 3);
        list.push(9, 9);
        list.push(u32::MAX - 1, u32::MAX);
        list.push(2, 1);
        assert_eq!(list.iter().collect::<Vec<_>>(), [5, 4, 3, 9, u32::MAX - 1, u32::MAX, 2, 1]);
        let mut iter = (&list).into_iter();
        assert!(iter.by_ref().count() == 8 && iter.next().is_none(), "it stays at its end");
    }

    #[test]
    fn threads_are_iterated_as_by_iter() {
        let mut threads = Threads::default();
        threads.push(0, 3);
        threads.push(1, 0);
        let nodes: Vec<_> = (&threads).into_iter().map(|node| (node.depth, node.number)).collect();
        assert_eq!(nodes, [(0, Some(3)), (1, None)]);
        assert_eq!(threads.iter().len(), 2);
    }
}
