//! Sets of message numbers, stored as ranges, as IMAP writes them: `1:4,7,9:*`.
//!
//! Numbers and ranges are sorted and merged on insertion. `1:4294967295` takes eight bytes.

use std::fmt;
use std::marker::PhantomData;
use std::ops::RangeInclusive;
use std::str::FromStr;

use super::heap_size::{HeapSize, room};
use super::iter::SetIter;
use super::number::{MessageNumber, Seq, Uid};
use super::range_collector::RangeCollector;

/// A set of UIDs.
pub type UidSet = Set<Uid>;
/// A set of sequence numbers.
pub type SeqSet = Set<Seq>;

/// A set of message numbers as sorted, merged ranges (RFC 9051 section 9, `sequence-set`).
///
/// The largest number, 4294967295, stands for `*`, "the last message": a set that ends in it is
/// *open*, and a server reads `9:*` as naming the last message even where that is below 9.
///
/// ```
/// use imap_duplex::types::{Uid, UidSet};
/// let mut set: UidSet = "7,1:3".parse().unwrap();
/// set.insert(Uid::new(4).unwrap());
/// assert_eq!(set.to_string(), "1:4,7");
/// assert_eq!(set.len(), 5);
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Set<N> {
    /// Sorted, disjoint, not adjacent; first <= last, never 0.
    ranges: Vec<(u32, u32)>,
    kind: PhantomData<N>,
}

impl<N> Default for Set<N> {
    fn default() -> Self {
        Self { ranges: Vec::new(), kind: PhantomData }
    }
}

impl<N> HeapSize for Set<N> {
    fn heap_size(&self) -> usize {
        room::<(u32, u32)>(self.ranges.capacity())
    }
}

impl<N: MessageNumber> Set<N> {
    /// The empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// All numbers: `1:*`.
    #[must_use]
    pub fn all() -> Self {
        let mut set = Self::new();
        set.insert_raw(1, u32::MAX);
        set
    }

    /// Whether the set is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The count of numbers; an open end counts up to 4294967295.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.ranges.iter().map(|&(first, last)| u64::from(last - first) + 1).sum()
    }

    /// Whether its end is `*`.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.ranges.last().is_some_and(|&(_, last)| last == u32::MAX)
    }

    /// Whether `*` is a range of its own.
    pub(crate) fn names_last(&self) -> bool {
        self.ranges.last() == Some(&(u32::MAX, u32::MAX))
    }

    /// Whether it goes on from a number to the last one; a lone `*` does not.
    pub(crate) fn goes_on_to_last(&self) -> bool {
        self.is_open() && !self.names_last()
    }

    /// Whether the set contains this number.
    #[must_use]
    pub fn contains(&self, number: N) -> bool {
        let value = number.get();
        let after = self.ranges.partition_point(|&(first, _)| first <= value);
        after > 0 && self.ranges[after - 1].1 >= value
    }

    /// Adds one number. O(1) at the end, O(ranges) in the middle.
    pub fn insert(&mut self, number: N) {
        self.insert_raw(number.get(), number.get());
    }

    /// Adds all numbers between the two ends, in either order.
    pub fn insert_range(&mut self, range: RangeInclusive<N>) {
        let (a, b) = (range.start().get(), range.end().get());
        self.insert_raw(a.min(b), a.max(b));
    }

    /// Removes one number, if it is present.
    pub fn remove(&mut self, number: N) {
        let value = number.get();
        let after = self.ranges.partition_point(|&(first, _)| first <= value);
        if after == 0 || self.ranges[after - 1].1 < value {
            return;
        }
        let (first, last) = self.ranges[after - 1];
        let left = (first < value).then(|| (first, value - 1));
        let right = (value < last).then(|| (value + 1, last));
        self.ranges.splice(after - 1..after, left.into_iter().chain(right));
    }

    /// Adds all of another set. O(ranges of both): collect single numbers in random order by
    /// [`Extend`] instead, which takes O(n log n) for all of them.
    pub fn union_with(&mut self, other: &Self) {
        let behind = other.ranges.first().is_none_or(|first| self.ranges.last() <= Some(first));
        // A single range is inserted in place; the ranges after it move at once.
        if behind || other.ranges.len() == 1 {
            other.ranges.iter().for_each(|&(first, last)| self.insert_raw(first, last));
            return;
        }
        let (mine, mut theirs) = (std::mem::take(&mut self.ranges), other.ranges.iter().copied().peekable());
        for (first, last) in mine {
            while let Some((a, b)) = theirs.next_if(|range| range.0 <= first) {
                self.insert_raw(a, b);
            }
            self.insert_raw(first, last);
        }
        theirs.for_each(|(first, last)| self.insert_raw(first, last));
    }

    /// The numbers in either set.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut both = self.clone();
        both.union_with(other);
        both
    }

    /// The numbers in this set that are missing from the other.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let mut left = Self::new();
        let mut theirs = other.ranges.iter().copied().peekable();
        for &(first, last) in &self.ranges {
            let mut from = Some(first);
            while let (Some(start), Some(&(a, b))) = (from, theirs.peek()) {
                if a > last {
                    break;
                }
                if b >= start {
                    if a > start {
                        left.insert_raw(start, a - 1);
                    }
                    from = b.checked_add(1).filter(|next| *next <= last);
                }
                if b > last {
                    break;
                }
                theirs.next();
            }
            if let Some(start) = from {
                left.insert_raw(start, last);
            }
        }
        left
    }

    /// The numbers in both sets. Each range of the shorter one is looked up in the longer one.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let mine_is_shorter = self.ranges.len() < other.ranges.len();
        let (short, long) = if mine_is_shorter { (self, other) } else { (other, self) };
        let mut both = Self::new();
        short.ranges.iter().for_each(|&(first, last)| long.add_within(first, last, &mut both));
        both
    }

    /// The part of the set between these numbers, both included.
    pub(crate) fn within(&self, first: N, last: N) -> Self {
        let mut part = Self::new();
        self.add_within(first.get(), last.get(), &mut part);
        part
    }

    /// The numbers from this place on, counted from 0, up to and without that one. O(ranges).
    pub(crate) fn between_places(&self, from: u64, to: u64) -> Self {
        let (mut part, mut before) = (Self::new(), 0u64);
        for &(first, last) in &self.ranges {
            let count = u64::from(last - first) + 1;
            let (start, end) = (from.max(before), to.min(before + count));
            let number = |place: u64| u32::try_from(u64::from(first) + (place - before)).unwrap_or(u32::MAX);
            if start < end {
                part.insert_raw(number(start), number(end - 1));
            }
            before += count;
        }
        part
    }

    fn add_within(&self, first: u32, last: u32, part: &mut Self) {
        let from = self.ranges.partition_point(|r| r.1 < first);
        for &(a, b) in self.ranges[from..].iter().take_while(|range| range.0 <= last) {
            part.insert_raw(a.max(first), b.min(last));
        }
    }

    /// The smallest number.
    #[must_use]
    pub fn first(&self) -> Option<N> {
        self.ranges.first().and_then(|&(first, _)| N::from_u32(first))
    }

    /// The largest number.
    #[must_use]
    pub fn last(&self) -> Option<N> {
        self.ranges.last().and_then(|&(_, last)| N::from_u32(last))
    }

    /// The ranges, in ascending order.
    #[must_use]
    pub fn ranges(&self) -> impl DoubleEndedIterator<Item = RangeInclusive<N>> + ExactSizeIterator {
        self.ranges.iter().map(|&(first, last)| {
            // None is zero, since `insert_raw` leaves that out.
            N::at_least_one(first)..=N::at_least_one(last)
        })
    }

    pub(super) fn ends(&self) -> &[(u32, u32)] {
        &self.ranges
    }

    pub(super) fn into_ends(self) -> Vec<(u32, u32)> {
        self.ranges
    }

    /// Each number, in ascending order; an open set goes on up to 4294967295.
    #[must_use]
    pub fn iter(&self) -> SetIter<'_, N> {
        self.into_iter()
    }

    /// Adds `first..=last`, which must be ascending; 0 is left out.
    pub(crate) fn insert_raw(&mut self, first: u32, last: u32) {
        let first = first.max(1);
        if last < first {
            return;
        }
        match self.ranges.last_mut() {
            // The common case: numbers arrive in ascending order.
            Some(end) if first >= end.0 => {
                if first <= end.1.saturating_add(1) {
                    end.1 = end.1.max(last);
                } else {
                    self.ranges.push((first, last));
                }
            }
            None => self.ranges.push((first, last)),
            Some(_) => {
                // All ranges that touch the new one are merged into it.
                let from = self.ranges.partition_point(|r| r.1 < first - 1);
                let to = self.ranges.partition_point(|r| r.0 <= last.saturating_add(1));
                let merged =
                    self.ranges[from..to].iter().fold((first, last), |m, r| (m.0.min(r.0), m.1.max(r.1)));
                self.ranges.splice(from..to, [merged]);
            }
        }
    }

    /// The ranges as plain numbers.
    pub(crate) fn raw(&self) -> &[(u32, u32)] {
        &self.ranges
    }

    /// Splits the set into pieces whose text is at most `bytes` long (but at least one range each).
    pub(crate) fn split(&self, bytes: usize) -> Vec<Self> {
        let mut pieces = vec![];
        let mut piece = Self::new();
        let mut length = 0;
        for &(first, last) in &self.ranges {
            let cost = range_text(first, last).len() + 1;
            if length + cost > bytes && !piece.is_empty() {
                pieces.push(std::mem::take(&mut piece));
                length = 0;
            }
            length += cost;
            piece.ranges.push((first, last));
        }
        if !piece.is_empty() {
            pieces.push(piece);
        }
        pieces
    }
}

fn range_text(first: u32, last: u32) -> String {
    match (first, last) {
        (u32::MAX, _) => "*".into(),
        (_, u32::MAX) => format!("{first}:*"),
        _ if first == last => first.to_string(),
        _ => format!("{first}:{last}"),
    }
}

impl<N: MessageNumber> fmt::Display for Set<N> {
    /// As on the wire: `1:4,7,9:*`; nothing for an empty set.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, &(first, last)) in self.ranges.iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            f.write_str(&range_text(first, last))?;
        }
        Ok(())
    }
}

impl<N: MessageNumber> fmt::Debug for Set<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{self}}}")
    }
}

/// A text is not a valid set of numbers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{part:?} is no message number or range")]
pub struct ParseSetError {
    part: String,
}

impl<N: MessageNumber> FromStr for Set<N> {
    type Err = ParseSetError;

    /// Parses `1:4,7,9:*`; ranges may be in either direction (RFC 9051 section 9, `seq-range`).
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |part: &str| match part {
            "*" => Some(u32::MAX),
            _ if part.bytes().all(|b| b.is_ascii_digit()) => part.parse().ok().filter(|&n| n != 0),
            _ => None,
        };
        let mut set = RangeCollector::default();
        for part in text.split(',') {
            let ends = match part.split_once(':') {
                Some((a, b)) => number(a).zip(number(b)),
                None => number(part).map(|n| (n, n)),
            };
            let (a, b) = ends.ok_or_else(|| ParseSetError { part: part.into() })?;
            set.add(a, b);
        }
        Ok(set.finish())
    }
}

#[cfg(feature = "serde")]
impl<N: MessageNumber> serde::Serialize for Set<N> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(feature = "serde")]
impl<'de, N: MessageNumber> serde::Deserialize<'de> for Set<N> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "" => Ok(Self::new()),
            text => text.parse().map_err(serde::de::Error::custom),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn set(text: &str) -> UidSet {
        text.parse().unwrap()
    }

    #[test]
    fn merges_whatever_touches() {
        assert_eq!(set("3,1,2").to_string(), "1:3");
        assert_eq!(set("5:3,9,10:12,1").to_string(), "1,3:5,9:12");
        assert_eq!(set("1:3,7:9,2:8").to_string(), "1:9");
        assert_eq!(set("4:*,2").to_string(), "2,4:*");
        assert_eq!(set("*").to_string(), "*");
        assert_eq!(UidSet::all().to_string(), "1:*");
    }

    #[test]
    fn refuses_what_is_no_set() {
        for text in ["", "0", "1,", "a", "1:2:3", "+1", "1:0", "4294967296"] {
            assert!(text.parse::<UidSet>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn behaves_as_a_plain_set_does() {
        // A linear congruential generator is random enough here, and reproducible.
        let mut state = 12345u32;
        let mut random = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 16
        };
        let mut ours = UidSet::new();
        let mut plain = BTreeSet::new();
        for _ in 0..4000 {
            let first = random() % 200 + 1;
            if random() % 3 == 0 {
                ours.remove(Uid::new(first).unwrap());
                plain.remove(&first);
            } else {
                let last = first + random() % 4;
                ours.insert_raw(first, last);
                plain.extend(first..=last);
            }
            assert!(ours.iter().map(Uid::get).eq(plain.iter().copied()));
            assert!(ours.ranges.windows(2).all(|w| w[0].1 + 1 < w[1].0), "{ours}");
        }
    }

    #[test]
    fn splits_by_the_length_of_its_text() {
        let whole = set("1,3,5,7,9,11,13,100:200");
        let pieces = whole.split(8);
        assert!(pieces.len() > 2);
        assert!(pieces.iter().all(|p| p.to_string().len() <= 8));
        let mut again = UidSet::new();
        pieces.iter().for_each(|p| again.union_with(p));
        assert_eq!(again, whole);
    }

    #[test]
    fn sets_are_put_together_and_compared_as_plain_ones_are() {
        let mut state = 54321u32;
        let mut random = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 16
        };
        for _ in 0..500 {
            let [a, b] = [random() % 30, random() % 30].map(|ranges| {
                let mut set = UidSet::new();
                for _ in 0..ranges {
                    let first = random() % 100 + 1;
                    set.insert_raw(first, first + random() % 5);
                }
                set
            });
            let (mut together, plain) = (a.clone(), |set: &UidSet| set.iter().collect::<BTreeSet<_>>());
            together.union_with(&b);
            assert_eq!(together, plain(&a).union(&plain(&b)).copied().collect::<UidSet>(), "{a} and {b}");
            let both = plain(&a).intersection(&plain(&b)).copied().collect::<UidSet>();
            assert_eq!((a.intersection(&b), b.intersection(&a)), (both.clone(), both), "{a} and {b}");
        }
    }

    #[test]
    fn is_cut_by_places() {
        let all = set("2:4,9,11:20");
        for (from, to, part) in
            [(0, 2, "2:3"), (2, 5, "4,9,11"), (3, 4, "9"), (0, 99, "2:4,9,11:20"), (14, 99, "")]
        {
            assert_eq!(all.between_places(from, to).to_string(), part);
        }
    }

    #[test]
    fn intersects() {
        assert_eq!(set("1:5,8,10:20").intersection(&set("4:8,15:*")).to_string(), "4:5,8,15:20");
        assert!(set("1").intersection(&set("2")).is_empty());
    }
}
