//! The large literals of one response: the framer adds buffers, the grammar reads a slice of them.
//!
//! Nearly all responses have none or one; these need no `Vec`.

use std::ops::Deref;

use bytes::Bytes;

/// Buffers in the order of their literals.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Literals {
    /// No literal.
    #[default]
    None,
    /// One literal.
    One(Bytes),
    /// Two or more.
    More(Vec<Bytes>),
}

impl Literals {
    /// Appends a literal.
    pub(crate) fn push(&mut self, literal: Bytes) {
        *self = match std::mem::take(self) {
            Self::None => Self::One(literal),
            Self::One(first) => Self::More(vec![first, literal]),
            Self::More(mut all) => {
                all.push(literal);
                Self::More(all)
            }
        };
    }
}

impl Deref for Literals {
    type Target = [Bytes];

    fn deref(&self) -> &[Bytes] {
        match self {
            Self::None => &[],
            Self::One(literal) => std::slice::from_ref(literal),
            Self::More(all) => all,
        }
    }
}

#[cfg(test)]
impl From<Vec<Bytes>> for Literals {
    fn from(all: Vec<Bytes>) -> Self {
        let mut literals = Self::None;
        all.into_iter().for_each(|literal| literals.push(literal));
        literals
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_kept_in_their_order() {
        let (mut literals, mut expected) = (Literals::default(), Vec::new());
        for text in ["a", "b", "c", "d"] {
            assert_eq!(*literals, *expected);
            literals.push(Bytes::from(text));
            expected.push(Bytes::from(text));
        }
        assert_eq!(*literals, *expected);
    }
}
