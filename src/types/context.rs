//! Parts and changes of a search's result, as in ESEARCH (RFC 5267, RFC 9394).

use super::number_list::NumberList;

/// A part of a result: `PARTIAL` (RFC 9394 section 3.1, RFC 5267 section 4.4).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct PartialResult {
    /// The requested range of the result, both ends included: 1 is its first number, -1 its last.
    pub range: (i64, i64),
    /// The numbers in that range, in the result's order; empty if the result is shorter.
    pub numbers: NumberList,
}

/// A change of a result that is kept up to date (RFC 5267 section 4.3). Apply changes in order.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ResultChange {
    /// Whether the numbers are added (`ADDTO`) or removed (`REMOVEFROM`).
    pub added: bool,
    /// The position of the first of them in the result, from 1; 0 if the server does not say.
    pub position: u32,
    /// The numbers.
    pub numbers: NumberList,
}

impl PartialResult {
    pub(crate) fn new(range: (i64, i64), numbers: NumberList) -> Self {
        Self { range, numbers }
    }
}

impl ResultChange {
    pub(crate) fn new(added: bool, position: u32, numbers: NumberList) -> Self {
        Self { added, position, numbers }
    }
}
