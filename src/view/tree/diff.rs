//! The differences of two trees: both are walked in step, and shared nodes are skipped.
//!
//! In both trees items are in ascending order of a key, which the caller compares. The cost is that
//! of the nodes that are not shared: for trees with a common origin, O(log n) for each change
//! between them.

use std::cmp::Ordering;

use super::node::{Child, Node};
use super::{Item, Tree};

/// The item at one key, with its position in one tree, in the other, or in both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step<'a, T> {
    Old(usize, &'a T),
    New(usize, &'a T),
    /// In both. The two may be equal: only shared nodes are skipped.
    Both(usize, &'a T, usize, &'a T),
}

/// Calls `found` for each item, in the order of the keys, outside of shared nodes.
pub(crate) fn walk<'a, T: Item>(
    old: &'a Tree<T>,
    new: &'a Tree<T>,
    compare: impl Fn(&T, &T) -> Ordering,
    mut found: impl FnMut(Step<'a, T>),
) {
    let (mut old, mut new) = (Cursor::new(old), Cursor::new(new));
    loop {
        match (old.node(), new.node()) {
            (Some(a), Some(b)) if a.is_same(b) => {
                old.pass();
                new.pass();
            }
            (Some(_), Some(_)) => match old.height().cmp(&new.height()) {
                Ordering::Greater => old.open(),
                Ordering::Less => new.open(),
                Ordering::Equal => {
                    old.open();
                    new.open();
                }
            },
            (Some(_), None) => old.open(),
            (None, Some(_)) => new.open(),
            (None, None) => match (old.item(), new.item()) {
                (None, None) => return,
                (Some(a), None) => found(Step::Old(old.advance(), a)),
                (None, Some(b)) => found(Step::New(new.advance(), b)),
                (Some(a), Some(b)) => match compare(a, b) {
                    Ordering::Less => found(Step::Old(old.advance(), a)),
                    Ordering::Greater => found(Step::New(new.advance(), b)),
                    Ordering::Equal => found(Step::Both(old.advance(), a, new.advance(), b)),
                },
            },
        }
    }
}

/// A position before a whole node, before an item of an open leaf, or at the end.
struct Cursor<'a, T: Item> {
    /// The remaining nodes, level by level.
    rest: Vec<&'a [Child<T>]>,
    /// The remaining items of the open leaf.
    leaf: &'a [T],
    index: usize,
    /// The height of the tree.
    height: usize,
}

impl<'a, T: Item> Cursor<'a, T> {
    fn new(tree: &'a Tree<T>) -> Self {
        let rest = tree.root.as_ref().map(std::slice::from_ref).into_iter().collect();
        Self { rest, leaf: &[], index: 0, height: tree.height }
    }

    /// The node at this position.
    fn node(&self) -> Option<&'a Child<T>> {
        if self.leaf.is_empty() { self.rest.last()?.first() } else { None }
    }

    fn item(&self) -> Option<&'a T> {
        self.leaf.first()
    }

    /// The height of that node: 0 for a leaf.
    fn height(&self) -> usize {
        (self.height + 1).saturating_sub(self.rest.len())
    }

    /// Skips the node.
    fn pass(&mut self) {
        if let Some(child) = self.step() {
            self.index += child.count;
        }
        self.settle();
    }

    /// Enters the node, before its first child or item.
    fn open(&mut self) {
        match self.step().map(|child| &child.node) {
            Some(Node::Leaf(leaf)) => self.leaf = leaf.items(),
            Some(Node::Branch(children)) => self.rest.push(children.as_slice()),
            None => {}
        }
        if self.leaf.is_empty() {
            self.settle();
        }
    }

    fn step(&mut self) -> Option<&'a Child<T>> {
        let level = self.rest.last_mut()?;
        let (first, rest) = level.split_first()?;
        *level = rest;
        Some(first)
    }

    /// Leaves the levels that are exhausted.
    fn settle(&mut self) {
        while self.rest.last().is_some_and(|level| level.is_empty()) {
            self.rest.pop();
        }
    }

    /// Skips the item; returns its position.
    fn advance(&mut self) -> usize {
        self.leaf = self.leaf.get(1..).unwrap_or_default();
        self.index += 1;
        if self.leaf.is_empty() {
            self.settle();
        }
        self.index - 1
    }
}
