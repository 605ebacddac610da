//! Operations on many items: building from an iterator with full leaves, changing ranges, splitting
//! and concatenating.
//!
//! Two trees are joined at the height of the lower one, and a tree is split along one path; both
//! are O(log n), and only items that are dropped or built are visited.

use std::cmp::Ordering;
use std::mem;
use std::ops::Range;
use std::sync::Arc;

use super::node::{BRANCH, Child, Leaf, Node};
use super::{Item, Tree};

/// Ranges up to this length are removed one by one: splitting and joining costs about as much.
const FEW: usize = 8;

impl<T: Item> FromIterator<T> for Tree<T> {
    /// Leaves and branches are full, except for the last two of a level.
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut items = items.into_iter();
        let mut level = Vec::new();
        loop {
            let mut leaf = Leaf::default();
            leaf.fill_from(&mut items);
            let full = leaf.is_full();
            if !leaf.items().is_empty() {
                level.push(Child::leaf(leaf));
            }
            if !full {
                break;
            }
        }
        let mut height = 0;
        loop {
            even_out(&mut level);
            if level.len() <= 1 {
                return Self::of(level.pop(), height);
            }
            let mut above = Vec::with_capacity(level.len().div_ceil(BRANCH));
            let mut below = level.into_iter().peekable();
            while below.peek().is_some() {
                above.push(Child::branch(below.by_ref().take(BRANCH).collect()));
            }
            level = above;
            height += 1;
        }
    }
}

/// Balances the last node of a level, which may be underfull, with the one before.
fn even_out<T: Item>(level: &mut Vec<Child<T>>) {
    if level.last().is_some_and(Child::is_meagre)
        && level.len() > 1
        && let (Some(last), Some(before)) = (level.pop(), level.pop())
    {
        let (one, two) = before.join(last);
        level.push(one);
        level.extend(two);
    }
}

impl<T: Item> Extend<T> for Tree<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        let mut items = items.into_iter();
        if self.root.is_none() {
            *self = items.collect();
            return;
        }
        for _ in 0..FEW {
            match items.next() {
                Some(item) => self.push(item),
                None => return,
            }
        }
        let whole = mem::take(self);
        *self = whole.concat(items.collect());
    }
}

impl<T: Item> Tree<T> {
    /// Drops all items from this position on.
    #[cfg(test)]
    pub(crate) fn truncate(&mut self, len: usize) {
        self.remove_range(len..self.len());
    }

    /// Drops the items at these positions, as far as they exist.
    pub(crate) fn remove_range(&mut self, range: Range<usize>) {
        let end = range.end.min(self.len());
        if end <= range.start {
            return;
        }
        if end - range.start <= FEW {
            for _ in range.start..end {
                self.remove(range.start);
            }
            return;
        }
        let (rest, right) = mem::take(self).split_at(end);
        let (left, _) = rest.split_at(range.start);
        *self = left.concat(right);
    }

    /// Drops the items at these positions: ascending ranges that don't touch each other.
    pub(crate) fn remove_ranges(&mut self, ranges: &[Range<usize>]) {
        for range in ranges.iter().rev() {
            self.remove_range(range.clone());
        }
    }

    /// Changes the items at these positions, in order; each with its position.
    pub(crate) fn update_range(&mut self, range: Range<usize>, mut change: impl FnMut(usize, &mut T)) {
        let end = range.end.min(self.len());
        if let Some(root) = self.root.as_mut().filter(|_| range.start < end) {
            root.update_range(0, &(range.start..end), &mut change);
        }
    }

    /// Splits the tree before this position.
    pub(crate) fn split_at(self, index: usize) -> (Self, Self) {
        match self.root {
            Some(root) if index < root.count => root.split_at(self.height, index),
            _ => (self, Self::default()),
        }
    }

    /// This tree followed by `later`.
    pub(crate) fn concat(self, later: Self) -> Self {
        let (left, right) = match (self.root, later.root) {
            (Some(left), Some(right)) => (left, right),
            (Some(left), None) => return Self::of(Some(left), self.height),
            (None, right) => return Self::of(right, later.height),
        };
        let mut both = Self::of(None, self.height.max(later.height));
        let (one, two) = match self.height.cmp(&later.height) {
            Ordering::Equal => left.join(right),
            Ordering::Greater => left.hang_last(self.height - later.height, right),
            Ordering::Less => right.hang_first(later.height - self.height, left),
        };
        both.crown(one, two);
        both
    }

    fn of(root: Option<Child<T>>, height: usize) -> Self {
        Self { root, height, ..Self::default() }
    }

    /// A tree over nodes of this height.
    fn over(mut children: Vec<Child<T>>, height: usize) -> Self {
        match children.len() {
            0 => Self::default(),
            1 => Self::of(children.pop(), height),
            _ => Self::of(Some(Child::branch(children)), height + 1),
        }
    }
}

impl<T: Item> Child<T> {
    /// Appends a tree that is `levels` levels lower.
    fn hang_last(mut self, levels: usize, later: Self) -> (Self, Option<Self>) {
        if levels == 0 {
            return self.join(later);
        }
        if let Node::Branch(children) = &mut self.node {
            let children = Arc::make_mut(children);
            if let Some(last) = children.pop() {
                let (one, two) = last.hang_last(levels - 1, later);
                children.push(one);
                children.extend(two);
            }
        }
        self.cut()
    }

    /// Prepends a tree that is `levels` levels lower.
    fn hang_first(mut self, levels: usize, earlier: Self) -> (Self, Option<Self>) {
        if levels == 0 {
            return earlier.join(self);
        }
        if let Node::Branch(children) = &mut self.node {
            let children = Arc::make_mut(children);
            if !children.is_empty() {
                let (one, two) = children.remove(0).hang_first(levels - 1, earlier);
                children.splice(0..0, std::iter::once(one).chain(two));
            }
        }
        self.cut()
    }

    fn split_at(self, height: usize, mut index: usize) -> (Tree<T>, Tree<T>) {
        if index == 0 {
            return (Tree::default(), Tree::of(Some(self), height));
        }
        if index >= self.count {
            return (Tree::of(Some(self), height), Tree::default());
        }
        match self.node {
            Node::Leaf(leaf) => {
                let mut left = Arc::unwrap_or_clone(leaf);
                let right = left.split_off(index);
                let tree = |leaf| Tree::of(Some(Self::leaf(leaf)), 0);
                (tree(left), tree(right))
            }
            Node::Branch(children) => {
                let mut left = Arc::unwrap_or_clone(children);
                let at = left
                    .iter()
                    .position(|child| {
                        let here = index < child.count;
                        index -= if here { 0 } else { child.count };
                        here
                    })
                    .unwrap_or(left.len());
                let mut right = left.split_off(at);
                if right.is_empty() {
                    return (Tree::over(left, height - 1), Tree::default());
                }
                let (a, b) = right.remove(0).split_at(height - 1, index);
                (Tree::over(left, height - 1).concat(a), b.concat(Tree::over(right, height - 1)))
            }
        }
    }

    fn update_range(&mut self, start: usize, range: &Range<usize>, change: &mut impl FnMut(usize, &mut T)) {
        match &mut self.node {
            Node::Leaf(leaf) => {
                let items = Arc::make_mut(leaf).items_mut().iter_mut().zip(start..);
                items.filter(|(_, at)| range.contains(at)).for_each(|(item, at)| change(at, item));
            }
            Node::Branch(children) => {
                let mut start = start;
                for child in Arc::make_mut(children) {
                    let end = start + child.count;
                    if start < range.end && range.start < end {
                        child.update_range(start, range, change);
                    }
                    start = end;
                }
            }
        }
        self.refresh();
    }
}
