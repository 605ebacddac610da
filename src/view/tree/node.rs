//! The nodes of the tree: leaves of items, branches of nodes, and how two neighbours are merged or
//! balanced.

use std::sync::Arc;

use super::{Item, Summary};

/// The maximum of items in a leaf.
pub(super) const LEAF: usize = 64;
/// The maximum of children of a branch.
pub(super) const BRANCH: usize = 32;

/// A node, with the data that its parent reads without visiting it.
#[derive(Clone)]
pub(super) struct Child<T: Item> {
    pub(super) node: Node<T>,
    /// The count of items below.
    pub(super) count: usize,
    /// Their sum.
    pub(super) summary: T::Summary,
}

#[derive(Clone)]
pub(super) enum Node<T: Item> {
    Leaf(Arc<Leaf<T>>),
    Branch(Arc<Vec<Child<T>>>),
}

/// Items in one block of memory; those from `len` on are placeholders.
#[derive(Clone)]
pub(super) struct Leaf<T> {
    items: [T; LEAF],
    len: usize,
}

impl<T: Clone + Default> Default for Leaf<T> {
    fn default() -> Self {
        Self { items: std::array::from_fn(|_| T::default()), len: 0 }
    }
}

impl<T: Clone + Default> Leaf<T> {
    pub(super) fn items(&self) -> &[T] {
        &self.items[..self.len]
    }

    pub(super) fn items_mut(&mut self) -> &mut [T] {
        &mut self.items[..self.len]
    }

    pub(super) fn is_full(&self) -> bool {
        self.len == LEAF
    }

    /// Inserts an item; the leaf must not be full, and the position not beyond its end.
    pub(super) fn insert(&mut self, at: usize, item: T) {
        self.items[at..=self.len].rotate_right(1);
        self.items[at] = item;
        self.len += 1;
    }

    pub(super) fn remove(&mut self, at: usize) -> T {
        let item = std::mem::take(&mut self.items[at]);
        self.items[at..self.len].rotate_left(1);
        self.len -= 1;
        item
    }

    pub(super) fn split_off(&mut self, at: usize) -> Self {
        let mut tail = Self { len: self.len - at, ..Self::default() };
        self.items[at..self.len].swap_with_slice(&mut tail.items[..self.len - at]);
        self.len = at;
        tail
    }

    /// Appends the items of `later`, for which there must be room.
    fn append(&mut self, later: &mut Self) {
        let end = self.len + later.len;
        self.items[self.len..end].swap_with_slice(&mut later.items[..later.len]);
        (self.len, later.len) = (end, 0);
    }

    /// Takes items from an iterator until it is full or the iterator ends.
    pub(super) fn fill_from(&mut self, items: &mut impl Iterator<Item = T>) {
        while self.len < LEAF
            && let Some(item) = items.next()
        {
            self.items[self.len] = item;
            self.len += 1;
        }
    }
}

impl<T: Item> Child<T> {
    pub(super) fn leaf(leaf: Leaf<T>) -> Self {
        Self::of(Node::Leaf(Arc::new(leaf)))
    }

    pub(super) fn branch(children: Vec<Self>) -> Self {
        Self::of(Node::Branch(Arc::new(children)))
    }

    fn of(node: Node<T>) -> Self {
        let mut child = Self { node, count: 0, summary: T::Summary::default() };
        child.refresh();
        child
    }

    /// Updates count and sum, after a change of the node.
    pub(super) fn refresh(&mut self) {
        self.summary = T::Summary::default();
        match &self.node {
            Node::Leaf(leaf) => {
                self.count = leaf.len;
                leaf.items().iter().for_each(|item| self.summary.add(&item.summary()));
            }
            Node::Branch(children) => {
                self.count = 0;
                for child in children.iter() {
                    self.count += child.count;
                    self.summary.add(&child.summary);
                }
            }
        }
    }

    /// The count of items or children of the node itself.
    pub(super) fn fill(&self) -> usize {
        match &self.node {
            Node::Leaf(leaf) => leaf.len,
            Node::Branch(children) => children.len(),
        }
    }

    /// The greatest count that it may have.
    pub(super) fn capacity(&self) -> usize {
        match &self.node {
            Node::Leaf(_) => LEAF,
            Node::Branch(_) => BRANCH,
        }
    }

    /// Whether it has fewer than a node below a branch must have.
    pub(super) fn is_meagre(&self) -> bool {
        self.fill() < self.capacity() / 2
    }

    /// Whether both are the same node, and so everything below.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (&self.node, &other.node) {
            (Node::Leaf(a), Node::Leaf(b)) => Arc::ptr_eq(a, b),
            (Node::Branch(a), Node::Branch(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }

    /// Merges two neighbours of the same height into one if they fit, else balances them.
    pub(super) fn join(mut self, mut later: Self) -> (Self, Option<Self>) {
        let total = self.fill() + later.fill();
        if total > self.capacity() && !self.is_meagre() && !later.is_meagre() {
            return (self, Some(later));
        }
        // The count that the first one keeps.
        let keep = if total <= self.capacity() { total } else { total / 2 };
        match (&mut self.node, &mut later.node) {
            (Node::Leaf(a), Node::Leaf(b)) => {
                let (a, b) = (Arc::make_mut(a), Arc::make_mut(b));
                if a.len > keep {
                    let mut moved = a.split_off(keep);
                    moved.append(b);
                    *b = moved;
                } else {
                    let rest = b.split_off(keep - a.len);
                    a.append(b);
                    *b = rest;
                }
            }
            (Node::Branch(a), Node::Branch(b)) => {
                let (a, b) = (Arc::make_mut(a), Arc::make_mut(b));
                if a.len() > keep {
                    let mut moved = a.split_off(keep);
                    moved.append(b);
                    *b = moved;
                } else {
                    let rest = b.split_off(keep - a.len());
                    a.append(b);
                    *b = rest;
                }
            }
            // Of different heights, which the callers exclude.
            _ => return (self, Some(later)),
        }
        self.refresh();
        later.refresh();
        (self, Some(later).filter(|later| later.count > 0))
    }

    /// Splits an overfull branch in two.
    pub(super) fn cut(mut self) -> (Self, Option<Self>) {
        let right = self.cut_off();
        (self, right)
    }

    /// Splits off the second half of an overfull branch; updates count and sum.
    pub(super) fn cut_off(&mut self) -> Option<Self> {
        let right = match &mut self.node {
            Node::Branch(children) if children.len() > BRANCH => {
                let children = Arc::make_mut(children);
                Some(Self::branch(children.split_off(children.len() / 2)))
            }
            _ => None,
        };
        self.refresh();
        right
    }
}
