//! The way to the leaf that was looked for last: rows of messages come in order, so the next one is
//! mostly in the same leaf.

use std::ops::Range;

use super::node::{Child, Node};
use super::{Item, Tree};

/// More levels of branches than any tree has.
const LEVELS: usize = 8;

/// The way to a leaf, as long as no node is split, merged or moved. Empty if it holds no position.
#[derive(Clone, Debug, Default)]
pub(super) struct Path {
    /// The positions of the leaf's items.
    leaf: Range<usize>,
    /// Which child it is of each branch, from the root on; those beyond the tree's height are
    /// placeholders.
    steps: [u8; LEVELS],
}

impl Path {
    /// Which child to go to from each branch.
    pub(super) fn steps(&self) -> impl Iterator<Item = usize> {
        self.steps.into_iter().map(usize::from)
    }
}

impl<T: Item> Tree<T> {
    /// The leaf that holds this position, and the position of its first item. Its way is
    /// remembered.
    pub(super) fn seek_leaf(&mut self, index: usize) -> Option<(&[T], usize)> {
        if !self.near.leaf.contains(&index) {
            self.near = self.path_to(index)?;
        }
        self.leaf_along(&self.near)
    }

    /// The item at this position and the one before it. The way is remembered.
    pub(crate) fn seek(&mut self, index: usize) -> Option<(&T, Option<&T>)> {
        if !self.near.leaf.contains(&index) {
            self.near = self.path_to(index)?;
        }
        let (leaf, start) = self.leaf_along(&self.near)?;
        let previous = match index.checked_sub(1) {
            Some(previous) if previous >= start => leaf.get(previous - start),
            Some(previous) => self.get(previous),
            None => None,
        };
        Some((leaf.get(index - start)?, previous))
    }

    /// The leaf that holds this position, and the position of its first item.
    pub(super) fn leaf_at(&self, index: usize) -> Option<(&[T], usize)> {
        if self.near.leaf.contains(&index) {
            return self.leaf_along(&self.near);
        }
        self.leaf_along(&self.path_to(index)?)
    }

    fn leaf_along(&self, path: &Path) -> Option<(&[T], usize)> {
        let mut node = &self.root.as_ref()?.node;
        let mut steps = path.steps.iter();
        while let Node::Branch(children) = node {
            node = &children.get(usize::from(*steps.next()?))?.node;
        }
        match node {
            Node::Leaf(leaf) => Some((leaf.items(), path.leaf.start)),
            Node::Branch(_) => None,
        }
    }

    /// The way to the leaf that holds this position.
    fn path_to(&self, index: usize) -> Option<Path> {
        let mut child = self.root.as_ref().filter(|root| index < root.count)?;
        let (mut steps, mut at) = ([0; LEVELS], index);
        let mut level = steps.iter_mut();
        while let Node::Branch(children) = &child.node {
            let (step, below) = Child::below(children, at, |index, count| index < count);
            *level.next()? = u8::try_from(step).ok()?;
            (child, at) = (children.get(step)?, below);
        }
        let start = index - at;
        Some(Path { leaf: start..start + child.count, steps })
    }
}
