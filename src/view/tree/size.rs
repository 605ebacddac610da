//! The size of a tree, for measurements.

use std::mem::size_of;

use super::node::{Child, Leaf, Node};
use super::{Item, Tree};

/// The counters of an `Arc`, and the allocator's overhead.
const SHARED: usize = 3 * size_of::<usize>();

/// Counts of nodes.
#[derive(Clone, Copy, Debug, Default)]
struct Nodes {
    leaves: usize,
    branches: usize,
    /// The capacity of the branches in children.
    room: usize,
}

impl<T: Item> Tree<T> {
    /// The count of leaves.
    #[cfg(test)]
    pub(crate) fn leaves(&self) -> usize {
        self.nodes().leaves
    }

    /// The memory of its nodes in bytes, including shared ones.
    pub(crate) fn bytes(&self) -> usize {
        let Nodes { leaves, branches, room } = self.nodes();
        let branch = 2 * SHARED + size_of::<Vec<Child<T>>>();
        leaves * (size_of::<Leaf<T>>() + SHARED) + branches * branch + room * size_of::<Child<T>>()
    }

    fn nodes(&self) -> Nodes {
        let mut nodes = Nodes::default();
        self.root.iter().for_each(|root| root.add_to(&mut nodes));
        nodes
    }
}

impl<T: Item> Child<T> {
    fn add_to(&self, nodes: &mut Nodes) {
        match &self.node {
            Node::Leaf(_) => nodes.leaves += 1,
            Node::Branch(children) => {
                nodes.branches += 1;
                nodes.room += children.capacity();
                children.iter().for_each(|child| child.add_to(nodes));
            }
        }
    }
}
