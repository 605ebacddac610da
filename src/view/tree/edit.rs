//! Changes at one position: one path from the root to a leaf is changed, and copied where shared.

use std::sync::Arc;

use super::near::Path;
use super::node::{Child, Leaf, Node};
use super::{Item, Summary, Tree};

impl<T: Item> Tree<T> {
    /// Inserts an item before this position; a position beyond the end is the end.
    #[cfg(test)]
    pub(crate) fn insert(&mut self, index: usize, item: T) {
        let index = index.min(self.len());
        self.put(index, item);
    }

    pub(crate) fn push(&mut self, item: T) {
        self.put(self.len(), item);
    }

    fn put(&mut self, index: usize, item: T) {
        self.near = Path::default();
        let Some(mut root) = self.root.take() else {
            let mut leaf = Leaf::default();
            leaf.insert(0, item);
            self.root = Some(Child::leaf(leaf));
            return;
        };
        let right = root.put(index, item);
        self.crown(root, right);
    }

    /// Makes one node the root, or two of the same height its children.
    pub(super) fn crown(&mut self, left: Child<T>, right: Option<Child<T>>) {
        self.root = Some(match right {
            None => left,
            Some(right) => {
                self.height += 1;
                Child::branch(vec![left, right])
            }
        });
    }

    /// Removes the item at this position.
    pub(crate) fn remove(&mut self, index: usize) -> Option<T> {
        let root = self.root.as_mut().filter(|root| index < root.count)?;
        self.near = Path::default();
        let item = root.take(index);
        self.lower();
        item
    }

    /// Lowers the tree where the root is empty, or a branch with a single node.
    pub(super) fn lower(&mut self) {
        while let Some(root) = &mut self.root {
            match &mut root.node {
                Node::Branch(children) if children.len() == 1 => {
                    self.root = Arc::make_mut(children).pop();
                    self.height -= 1;
                }
                _ if root.count == 0 => *self = Self::default(),
                _ => return,
            }
        }
    }

    /// Changes the item at this position.
    pub(crate) fn update<R>(&mut self, index: usize, change: impl FnOnce(&mut T) -> R) -> Option<R> {
        let (leaf, start) = self.seek_leaf(index)?;
        let mut item = leaf.get(index - start)?.clone();
        let before = item.summary();
        let result = change(&mut item);
        let after = item.summary();
        let root = self.root.as_mut()?;
        if !root.set(index - start, item, (&before, &after), self.near.steps()) {
            root.refresh_along(self.near.steps());
        }
        Some(result)
    }
}

impl<T: Item> Child<T> {
    /// The child that holds this position, and the position within it.
    pub(super) fn below(
        children: &[Self],
        mut index: usize,
        mut fits: impl FnMut(usize, usize) -> bool,
    ) -> (usize, usize) {
        for (at, child) in children.iter().enumerate() {
            if fits(index, child.count) {
                return (at, index);
            }
            index -= child.count;
        }
        // The callers guarantee that the position exists.
        (children.len() - 1, children.last().map_or(0, |last| last.count.saturating_sub(1)))
    }

    /// Inserts an item; returns a new right neighbour if there was no room.
    fn put(&mut self, index: usize, item: T) -> Option<Self> {
        let at_end = index == self.count;
        let summary = item.summary();
        match &mut self.node {
            Node::Leaf(leaf) => {
                let leaf = Arc::make_mut(leaf);
                if leaf.is_full() {
                    let half = self.count / 2;
                    let mut right = leaf.split_off(half);
                    if index <= half {
                        leaf.insert(index, item)
                    } else {
                        right.insert(index - half, item)
                    }
                    self.refresh();
                    return Some(Self::leaf(right));
                }
                leaf.insert(index, item);
            }
            Node::Branch(children) => {
                let children = Arc::make_mut(children);
                let (at, index) = Self::below(children, index, |index, count| index <= count);
                if let Some(new) = children[at].put(index, item) {
                    children.insert(at + 1, new);
                    if at_end {
                        Self::pack(children, at);
                    }
                    return self.cut_off();
                }
            }
        }
        if at_end {
            self.count += 1;
            self.summary.add(&summary);
        } else {
            self.refresh();
        }
        None
    }

    /// Merges a node with its left neighbour if both fit into one. Else a sequence that only grows
    /// at its end would stay half empty.
    fn pack(children: &mut Vec<Self>, at: usize) {
        if at == 0 || children[at - 1].fill() + children[at].fill() > children[at].capacity() {
            return;
        }
        let (left, later) = (children.remove(at - 1), children.remove(at - 1));
        let (one, two) = left.join(later);
        children.splice(at - 1..at - 1, std::iter::once(one).chain(two));
    }

    /// Removes an item.
    fn take(&mut self, index: usize) -> Option<T> {
        let item = match &mut self.node {
            Node::Leaf(leaf) => Some(Arc::make_mut(leaf).remove(index)),
            Node::Branch(children) => {
                let children = Arc::make_mut(children);
                let (at, index) = Self::below(children, index, |index, count| index < count);
                let item = children[at].take(index);
                if children[at].is_meagre() {
                    Self::mend(children, at);
                }
                item
            }
        };
        self.refresh();
        item
    }

    /// Repairs an underfull node by taking from a neighbour.
    fn mend(children: &mut Vec<Self>, at: usize) {
        let left = at.saturating_sub(1);
        if left + 1 < children.len() {
            let (a, b) = (children.remove(left), children.remove(left));
            let (one, two) = a.join(b);
            children.splice(left..left, std::iter::once(one).chain(two));
        }
    }

    /// Puts another item in place of the one at this position of the leaf at the end of `steps`;
    /// their sums are given. Whether all sums above have followed.
    fn set(
        &mut self,
        at: usize,
        item: T,
        (before, after): (&T::Summary, &T::Summary),
        steps: impl Iterator<Item = usize>,
    ) -> bool {
        let (mut child, mut steps) = (self, steps);
        let mut followed = true;
        loop {
            followed &= child.summary.replace(before, after);
            match &mut child.node {
                Node::Leaf(leaf) => {
                    if let Some(place) = Arc::make_mut(leaf).items_mut().get_mut(at) {
                        *place = item;
                    }
                    return followed;
                }
                Node::Branch(children) => {
                    let step = steps.next().unwrap_or(0);
                    let Some(next) = Arc::make_mut(children).get_mut(step) else { return followed };
                    child = next;
                }
            }
        }
    }

    /// Adds the sums up again of the nodes to the leaf at the end of `steps`.
    fn refresh_along(&mut self, mut steps: impl Iterator<Item = usize>) {
        if let (Node::Branch(children), Some(step)) = (&mut self.node, steps.next())
            && let Some(child) = Arc::make_mut(children).get_mut(step)
        {
            child.refresh_along(steps);
        }
        self.refresh();
    }
}
