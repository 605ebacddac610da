//! A part of a result, as PARTIAL names it (RFC 9394): the oldest or the newest so many.

use std::fmt;
use std::ops::RangeInclusive;

/// A part of a result by place: the first so many of it, the last so many, or those between two
/// places counted from either end (RFC 9394 section 3.1).
///
/// ```
/// use imap_duplex::command::PartialRange;
/// assert_eq!(PartialRange::first(50).to_string(), "1:50");
/// assert_eq!(PartialRange::last(50).to_string(), "-1:-50");
/// assert_eq!(PartialRange::from_last(51..=100).to_string(), "-51:-100");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PartialRange {
    near: u32,
    far: u32,
    from_last: bool,
}

impl PartialRange {
    /// The first `count`: those with the lowest UIDs, or the first in the order of a SORT. Of 0 the
    /// first one.
    ///
    /// ```
    /// # use imap_duplex::command::PartialRange;
    /// let page = PartialRange::first(50);
    /// # let _ = page;
    /// ```
    #[must_use]
    pub fn first(count: u32) -> Self {
        Self::from_first(1..=count)
    }

    /// The last `count`: those with the highest UIDs, or the last in the order of a SORT.
    ///
    /// ```
    /// # use imap_duplex::command::PartialRange;
    /// let page = PartialRange::last(50);
    /// # let _ = page;
    /// ```
    #[must_use]
    pub fn last(count: u32) -> Self {
        Self::from_last(1..=count)
    }

    /// Those at these places, counted from 1 at the first. A place of 0 counts as 1.
    ///
    /// ```
    /// # use imap_duplex::command::PartialRange;
    /// let second_page = PartialRange::from_first(51..=100);
    /// # let _ = second_page;
    /// ```
    #[must_use]
    pub fn from_first(places: RangeInclusive<u32>) -> Self {
        let (a, b) = ((*places.start()).max(1), (*places.end()).max(1));
        Self { near: a.min(b), far: a.max(b), from_last: false }
    }

    /// Those at these places, counted from 1 at the last.
    ///
    /// ```
    /// # use imap_duplex::command::PartialRange;
    /// let second_page = PartialRange::from_last(51..=100);
    /// # let _ = second_page;
    /// ```
    #[must_use]
    pub fn from_last(places: RangeInclusive<u32>) -> Self {
        Self { from_last: true, ..Self::from_first(places) }
    }

    /// Whether it counts from the last.
    pub(super) fn is_from_last(self) -> bool {
        self.from_last
    }

    /// The part of a result of this many that it names, as places from 0: the first, and one more
    /// than the last.
    pub(super) fn within(self, len: u64) -> (u64, u64) {
        let (near, far) = (u64::from(self.near - 1).min(len), u64::from(self.far).min(len));
        if self.from_last { (len - far, len - near) } else { (near, far) }
    }
}

impl From<RangeInclusive<u32>> for PartialRange {
    /// Counted from the first.
    fn from(places: RangeInclusive<u32>) -> Self {
        Self::from_first(places)
    }
}

impl fmt::Display for PartialRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.from_last { "-" } else { "" };
        write!(f, "{sign}{}:{sign}{}", self.near, self.far)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_a_part_of_what_there_is() {
        for (range, part) in [
            (PartialRange::first(3), (0, 3)),
            (PartialRange::first(9), (0, 5)),
            (PartialRange::last(2), (3, 5)),
            (PartialRange::from_last(2..=9), (0, 4)),
            (PartialRange::from_first(RangeInclusive::new(4, 2)), (1, 4)),
            (PartialRange::from_first(6..=9), (5, 5)),
            (PartialRange::from_last(6..=9), (0, 0)),
            (PartialRange::first(0), (0, 1)),
            (PartialRange::last(u32::MAX), (0, 5)),
        ] {
            assert_eq!(range.within(5), part, "{range}");
        }
        assert_eq!(PartialRange::from(RangeInclusive::new(2, 1)).to_string(), "1:2");
    }
}
