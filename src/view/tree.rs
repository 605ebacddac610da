//! A persistent sequence: a counted B-tree with shared nodes, independent of IMAP.
//!
//! In: items by position. Out: items by position, the first position where a sum over the items
//! before it meets a condition, and the positions where two trees differ. Each node stores its
//! count and sum, so that all of these are O(log n).
//!
//! ```text
//!   Tree { height: 2 } ── Branch [ count, sum, ─> Branch [ count, sum, ─> Leaf [ 32 to 64 items ]
//!                                                          count, sum, ─> Leaf … ] 16 to 32 of them
//!                                  count, sum, ─> Branch … ]
//! ```
//!
//! Nodes are behind `Arc`: a clone shares the whole tree, and a change copies only the shared nodes
//! on its path. All nodes but the root are at least half full, so the tree is low, and recursion is
//! as deep as it is high: eight levels for the four thousand million items that IMAP can number.

mod bulk;
mod diff;
mod edit;
mod iter;
mod near;
mod node;

use std::fmt;
use std::ops::Range;

pub(crate) use diff::{Step, walk};
pub(crate) use iter::Iter;
use near::Path;
use node::{Child, Node};

/// An item of a tree.
pub(crate) trait Item: Clone + Default {
    type Summary: Summary;

    fn summary(&self) -> Self::Summary;
}

/// A sum over several items: a monoid whose neutral element is the default.
pub(crate) trait Summary: Copy + Default + PartialEq + fmt::Debug {
    /// Adds the sum of the items that follow.
    fn add(&mut self, later: &Self);

    /// One of the items is another now, whose sum was `before` and is `after`. Whether the sum has
    /// followed; if not, it has to be added up again.
    fn replace(&mut self, before: &Self, after: &Self) -> bool {
        before == after
    }
}

/// The sequence. See the module's documentation.
#[derive(Clone)]
pub(crate) struct Tree<T: Item> {
    root: Option<Child<T>>,
    /// Levels of branches above the leaves.
    height: usize,
    /// To the leaf that was looked for last; forgotten when the nodes become others.
    near: Path,
}

impl<T: Item> Default for Tree<T> {
    fn default() -> Self {
        Self { root: None, height: 0, near: Path::default() }
    }
}

impl<T: Item> fmt::Debug for Tree<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tree({} items)", self.len())
    }
}

impl<T: Item> Tree<T> {
    pub(crate) fn len(&self) -> usize {
        self.root.as_ref().map_or(0, |root| root.count)
    }

    /// The sum of all items.
    pub(crate) fn summary(&self) -> T::Summary {
        self.root.as_ref().map_or_else(T::Summary::default, |root| root.summary)
    }

    pub(crate) fn get(&self, index: usize) -> Option<&T> {
        let (leaf, start) = self.leaf_at(index)?;
        leaf.get(index - start)
    }

    /// The sum of all items before this position.
    pub(crate) fn before(&self, index: usize) -> T::Summary {
        let mut sum = T::Summary::default();
        let mut next = self.root.as_ref();
        let mut left = index;
        while let Some(child) = next.take() {
            if left >= child.count {
                sum.add(&child.summary);
                break;
            }
            match &child.node {
                Node::Leaf(leaf) => leaf.items()[..left].iter().for_each(|item| sum.add(&item.summary())),
                Node::Branch(children) => {
                    for child in children.iter() {
                        if left < child.count {
                            next = Some(child);
                            break;
                        }
                        left -= child.count;
                        sum.add(&child.summary);
                    }
                }
            }
        }
        sum
    }

    /// The first position such that the sum of the items up to and including it meets the
    /// condition. The condition must be monotone: once met, met by all longer sums.
    pub(crate) fn find(&self, met: impl Fn(&T::Summary) -> bool) -> Option<usize> {
        self.find_item(met).map(|(at, _)| at)
    }

    /// The same, with the item there.
    pub(crate) fn find_item(&self, met: impl Fn(&T::Summary) -> bool) -> Option<(usize, &T)> {
        let mut child = self.root.as_ref().filter(|root| met(&root.summary))?;
        let (mut sum, mut index) = (T::Summary::default(), 0);
        let mut reached = |more: &T::Summary| {
            let mut with = sum;
            with.add(more);
            let reached = met(&with);
            if !reached {
                sum = with;
            }
            reached
        };
        loop {
            match &child.node {
                Node::Leaf(leaf) => {
                    let at = leaf.items().iter().position(|item| reached(&item.summary()))?;
                    return Some((index + at, leaf.items().get(at)?));
                }
                Node::Branch(children) => {
                    child = children.iter().find(|child| {
                        let here = reached(&child.summary);
                        index += if here { 0 } else { child.count };
                        here
                    })?;
                }
            }
        }
    }

    pub(crate) fn iter(&self) -> Iter<'_, T> {
        self.range(0..self.len())
    }

    /// The items at these positions, without missing ones.
    pub(crate) fn range(&self, range: Range<usize>) -> Iter<'_, T> {
        Iter::new(self, range)
    }
}

#[cfg(any(test, feature = "__bench"))]
mod size;
#[cfg(test)]
mod tests;
