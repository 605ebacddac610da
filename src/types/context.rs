//! Pieces and changes of a search's result, as ESEARCH tells them (RFC 5267, RFC 9394).

use super::number_list::NumberList;

/// A piece of a result: `PARTIAL` (RFC 9394 section 3.1, RFC 5267 section 4.4).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct PartialResult {
    /// Which piece of the result, from and to, both included: 1 is its first number, -1 its last.
    pub range: (i64, i64),
    /// The numbers in it, in the result's order; none if the result is not so long.
    pub numbers: NumberList,
}

/// A change of a result that is kept up to date (RFC 5267 section 4.3). To be applied in their
/// order.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ResultChange {
    /// Whether the numbers come in (`ADDTO`) or go out (`REMOVEFROM`).
    pub added: bool,
    /// Where the first of them stands in the result, from 1 on; 0 if the server does not say.
    pub position: u32,
    /// Which.
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
