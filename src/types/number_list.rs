//! Message numbers whose order counts: results of SORT and the like.

use std::fmt;

use super::answer::NumberSet;
use super::heap_size::{HeapSize, room};
use super::iter::NumberListIter;
use super::number::{ModSeq, Seq, Uid};
use super::set::Set;

/// Message numbers in the server's order, whose response does not say whether they are UIDs or
/// sequence numbers.
///
/// They are stored as ranges: `1:4294967295` takes eight bytes, but iterating over it takes its
/// time.
///
/// ```
/// use imap_duplex::types::NumberList;
/// let list = NumberList::from_iter([5, 1, 2, 3]);
/// assert_eq!(list.iter().collect::<Vec<_>>(), [5, 1, 2, 3]);
/// assert_eq!(list.to_string(), "5,1:3");
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct NumberList {
    /// First and last of each range, both included; the first may be the larger. No 0.
    ranges: Vec<(u32, u32)>,
}

impl NumberList {
    /// An empty list.
    #[must_use]
    pub const fn new() -> Self {
        Self { ranges: Vec::new() }
    }

    /// Adds the numbers from `first` to `last`, up or down; 0 is left out.
    pub(crate) fn push(&mut self, first: u32, last: u32) {
        let (first, last) = match (first, last) {
            (0, 0) => return,
            (first, last) => (first.max(1), last.max(1)),
        };
        // Consecutive single numbers become one range.
        match self.ranges.last_mut() {
            Some(before)
                if first == last && before.0 <= before.1 && before.1.checked_add(1) == Some(first) =>
            {
                before.1 = last;
            }
            _ => self.ranges.push((first, last)),
        }
    }

    /// The count of numbers.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.ranges.iter().map(|&(a, b)| u64::from(a.abs_diff(b)) + 1).sum()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Each number, in the server's order.
    #[must_use]
    pub fn iter(&self) -> NumberListIter<'_> {
        self.into_iter()
    }

    pub(super) fn ends(&self) -> &[(u32, u32)] {
        &self.ranges
    }

    /// The ranges in the server's order, both ends included; the first number of one may be the
    /// larger.
    pub fn ranges(&self) -> impl Iterator<Item = (u32, u32)> {
        self.ranges.iter().copied()
    }

    /// Each number as a UID.
    pub fn uids(&self) -> impl Iterator<Item = Uid> {
        self.iter().filter_map(Uid::new)
    }

    /// Each number as a sequence number.
    pub fn seqs(&self) -> impl Iterator<Item = Seq> {
        self.iter().filter_map(Seq::new)
    }

    /// The numbers without their order.
    #[must_use]
    pub fn to_set(&self) -> NumberSet {
        let mut ranges: Vec<_> = self.ranges.iter().map(|&(a, b)| (a.min(b), a.max(b))).collect();
        // Sorted first: inserting in random order takes quadratic time.
        ranges.sort_unstable();
        let mut set = Set::new();
        for (first, last) in ranges {
            set.insert_raw(first, last);
        }
        NumberSet(set)
    }
}

impl HeapSize for NumberList {
    fn heap_size(&self) -> usize {
        room::<(u32, u32)>(self.ranges.capacity())
    }
}

impl FromIterator<u32> for NumberList {
    fn from_iter<I: IntoIterator<Item = u32>>(numbers: I) -> Self {
        let mut list = Self::new();
        for number in numbers {
            list.push(number, number);
        }
        list
    }
}

impl fmt::Display for NumberList {
    /// As on the wire: `5,1:3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (a, b)) in self.ranges().enumerate() {
            f.write_str(if i == 0 { "" } else { "," })?;
            if a == b { write!(f, "{a}") } else { write!(f, "{a}:{b}") }?;
        }
        Ok(())
    }
}

impl fmt::Debug for NumberList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NumberList({self})")
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for NumberList {
    /// As text, `5,1:3`: a range may stand for too many numbers to write each.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// `* SORT` (RFC 5256 section 4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct SortResult {
    /// The messages found, in the requested order: UIDs for UID SORT, else sequence numbers.
    pub numbers: NumberList,
    /// The highest mod-sequence among them, if the search used MODSEQ (RFC 7162 section 3.1.6).
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub mod_seq: Option<ModSeq>,
}

/// `* UIDBATCHES`: ranges of UIDs with about equal counts of messages (RFC 10022).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct UidBatches {
    /// The tag of the command that it answers, as the server wrote it.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub tag: Option<String>,
    /// One range for each batch, the newest messages first: the first number is the highest UID of
    /// its batch. [`NumberList::ranges`] returns them one by one.
    pub batches: NumberList,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_kept_and_ranges_are_made() {
        let mut list = NumberList::from_iter([7, 8, 9, 3, 3, 2]);
        list.push(5, 4);
        list.push(0, 0);
        list.push(0, 2);
        assert_eq!(list.iter().collect::<Vec<_>>(), [7, 8, 9, 3, 3, 2, 5, 4, 1, 2]);
        assert_eq!(list.to_string(), "7:9,3,3,2,5:4,1:2");
        assert_eq!((list.len(), list.to_set().to_string()), (10, "1:5,7:9".to_owned()));
    }

    #[test]
    fn the_whole_range_is_one() {
        let mut list = NumberList::new();
        list.push(u32::MAX, 1);
        list.push(1, u32::MAX);
        assert_eq!((list.len(), list.ranges.len()), (u64::from(u32::MAX) * 2, 2));
        assert_eq!(list.iter().next(), Some(u32::MAX));
    }
}
