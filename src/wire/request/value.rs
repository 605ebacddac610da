//! Arguments that many commands have: sets of numbers, and values of any shape.

use bytes::Bytes;

use crate::types::{MessageNumber, Set};

/// One end of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// This number.
    Number(u32),
    /// `*`: the largest number in use.
    Last,
}

/// `sequence-set` (RFC 9051 section 9), as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Numbers {
    /// `$`: the saved result of the last SEARCH … SAVE.
    Saved,
    /// Ranges; a single number is one with equal ends.
    Ranges(Vec<(End, End)>),
}

impl Numbers {
    /// Whether `*` is among them.
    pub(crate) fn names_last(&self) -> bool {
        let is_last = |(one, other): &(End, End)| matches!(one, End::Last) || matches!(other, End::Last);
        matches!(self, Self::Ranges(ranges) if ranges.iter().any(is_last))
    }

    /// The set, with the largest possible number for `*`; `None` for `$`.
    pub(crate) fn to_set<N: MessageNumber>(&self) -> Option<Set<N>> {
        let Self::Ranges(ranges) = self else { return None };
        let value = |end: &End| match end {
            End::Number(number) => N::from_u32(*number),
            End::Last => N::from_u32(u32::MAX),
        };
        let mut set = Set::new();
        for (first, last) in ranges {
            set.insert_range(value(first)?..=value(last)?);
        }
        Some(set)
    }
}

/// An argument of any shape, for commands and options without a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// A bare word, as written.
    Word(String),
    /// A string, quoted or literal.
    String(Bytes),
    /// `(…)`.
    List(Vec<Value>),
}
