//! How large a tree is, for measurements.

use std::mem::size_of;

use super::node::{Child, Leaf, Node};
use super::{Item, Tree};

/// The counters of an `Arc`, and what an allocator adds to a piece of memory.
const SHARED: usize = 3 * size_of::<usize>();

/// What there is of nodes.
#[derive(Clone, Copy, Debug, Default)]
struct Nodes {
    leaves: usize,
    branches: usize,
    /// For how many children the branches have room.
    room: usize,
}

impl<T: Item> Tree<T> {
    /// How many leaves it has.
    #[cfg(test)]
    pub(crate) fn leaves(&self) -> usize {
        self.nodes().leaves
    }

    /// How much memory its nodes take, in octets, those included that others hold too.
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
