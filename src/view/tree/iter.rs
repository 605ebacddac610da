//! The items of a range in order, from either end.

use std::fmt;
use std::ops::Range;

use super::{Item, Tree};

/// Moves from leaf to leaf; each is looked up from the root, a cost shared by all its items.
pub(crate) struct Iter<'a, T: Item> {
    tree: &'a Tree<T>,
    left: Range<usize>,
    /// The front leaf and the position of its first item; likewise for the back.
    front: (&'a [T], usize),
    back: (&'a [T], usize),
}

impl<'a, T: Item> Iter<'a, T> {
    pub(super) fn new(tree: &'a Tree<T>, range: Range<usize>) -> Self {
        let end = range.end.min(tree.len());
        Self { tree, left: range.start.min(end)..end, front: (&[], 0), back: (&[], 0) }
    }
}

impl<T: Item> Clone for Iter<'_, T> {
    fn clone(&self) -> Self {
        Self { left: self.left.clone(), ..*self }
    }
}

impl<T: Item> fmt::Debug for Iter<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Iter({:?})", self.left)
    }
}

/// The item at this position, from the given leaf or from one looked up for it.
fn item<'a, T: Item>(tree: &'a Tree<T>, at: usize, leaf: &mut (&'a [T], usize)) -> Option<&'a T> {
    if !(leaf.1..leaf.1 + leaf.0.len()).contains(&at) {
        *leaf = tree.leaf_at(at)?;
    }
    leaf.0.get(at - leaf.1)
}

impl<'a, T: Item> Iterator for Iter<'a, T> {
    type Item = &'a T;

    fn next(&mut self) -> Option<&'a T> {
        let at = self.left.next()?;
        item(self.tree, at, &mut self.front)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.left.size_hint()
    }
}

impl<T: Item> DoubleEndedIterator for Iter<'_, T> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let at = self.left.next_back()?;
        item(self.tree, at, &mut self.back)
    }
}

impl<T: Item> ExactSizeIterator for Iter<'_, T> {}
