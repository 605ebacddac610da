//! A queue that holds just what is in it: its places come in blocks, which are not moved when it grows and go when they have
//! been emptied. A `VecDeque` may have room for twice what it holds, and keeps the room that it once needed.

use std::collections::VecDeque;

/// How many places a block has.
const PLACES: usize = 64;

/// A queue in blocks. All but the first and the last are full; only the first has been taken from at its front.
#[derive(Debug)]
pub(in crate::engine) struct Blocks<T> {
    blocks: VecDeque<VecDeque<T>>,
    len: usize,
}

impl<T> Default for Blocks<T> {
    fn default() -> Self {
        Self { blocks: VecDeque::new(), len: 0 }
    }
}

impl<T> Blocks<T> {
    pub(in crate::engine) fn len(&self) -> usize {
        self.len
    }

    pub(in crate::engine) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(in crate::engine) fn push_back(&mut self, value: T) {
        self.len += 1;
        let is_first = self.blocks.is_empty();
        if let Some(last) = self.blocks.back_mut().filter(|last| last.len() < PLACES) {
            return last.push_back(value);
        }
        // Most queues never hold more than a few.
        let mut block = if is_first { VecDeque::new() } else { VecDeque::with_capacity(PLACES) };
        block.push_back(value);
        self.blocks.push_back(block);
    }

    pub(in crate::engine) fn pop_front(&mut self) -> Option<T> {
        let first = self.blocks.front_mut()?;
        let value = first.pop_front()?;
        self.len -= 1;
        if first.is_empty() && self.blocks.len() > 1 {
            self.blocks.pop_front();
        }
        Some(value)
    }

    pub(in crate::engine) fn pop_back(&mut self) -> Option<T> {
        let last = self.blocks.back_mut()?;
        let value = last.pop_back()?;
        self.len -= 1;
        if last.is_empty() && self.blocks.len() > 1 {
            self.blocks.pop_back();
        }
        Some(value)
    }

    pub(in crate::engine) fn front_mut(&mut self) -> Option<&mut T> {
        self.blocks.front_mut()?.front_mut()
    }

    pub(in crate::engine) fn back_mut(&mut self) -> Option<&mut T> {
        self.blocks.back_mut()?.back_mut()
    }

    /// The block of this place, and the place in it.
    fn place(&self, at: usize) -> (usize, usize) {
        let first = self.blocks.front().map_or(0, VecDeque::len);
        match at.checked_sub(first) {
            None => (0, at),
            Some(behind) => (1 + behind / PLACES, behind % PLACES),
        }
    }

    pub(in crate::engine) fn get(&self, at: usize) -> Option<&T> {
        let (block, at) = self.place(at);
        self.blocks.get(block)?.get(at)
    }

    pub(in crate::engine) fn get_mut(&mut self, at: usize) -> Option<&mut T> {
        let (block, at) = self.place(at);
        self.blocks.get_mut(block)?.get_mut(at)
    }

    /// For how many values it has room.
    #[cfg(test)]
    pub(in crate::engine) fn capacity(&self) -> usize {
        self.blocks.iter().map(VecDeque::capacity).sum()
    }

    pub(in crate::engine) fn iter(&self) -> impl Iterator<Item = &T> {
        self.blocks.iter().flatten()
    }
}

impl<T> IntoIterator for Blocks<T> {
    type Item = T;
    type IntoIter = std::iter::Flatten<std::collections::vec_deque::IntoIter<VecDeque<T>>>;

    /// Each block goes when it has been taken.
    fn into_iter(self) -> Self::IntoIter {
        self.blocks.into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Push(usize),
        PopFront(usize),
        PopBack(usize),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            (1..200usize).prop_map(Step::Push),
            (1..150usize).prop_map(Step::PopFront),
            (1..70usize).prop_map(Step::PopBack),
        ];
        proptest::collection::vec(step, 0..30)
    }

    proptest! {
        #[test]
        fn is_a_queue_like_any_other_and_has_room_for_little_more_than_it_holds(steps in steps()) {
            let (mut blocks, mut queue, mut next) = (Blocks::default(), VecDeque::new(), 0);
            for step in steps {
                match step {
                    Step::Push(count) => for _ in 0..count {
                        blocks.push_back(next);
                        queue.push_back(next);
                        next += 1;
                    },
                    Step::PopFront(count) => for _ in 0..count {
                        prop_assert_eq!(blocks.pop_front(), queue.pop_front());
                    },
                    Step::PopBack(count) => for _ in 0..count {
                        prop_assert_eq!(blocks.pop_back(), queue.pop_back());
                    },
                }
                prop_assert_eq!(blocks.front_mut(), queue.front_mut());
                prop_assert_eq!(blocks.back_mut(), queue.back_mut());
                prop_assert_eq!((blocks.len(), blocks.is_empty()), (queue.len(), queue.is_empty()));
                prop_assert!(blocks.iter().eq(queue.iter()));
                for at in 0..queue.len() + 2 {
                    prop_assert_eq!(blocks.get(at), queue.get(at));
                    prop_assert_eq!(blocks.get_mut(at), queue.get_mut(at));
                }
                prop_assert!(blocks.capacity() <= queue.len() + 2 * PLACES, "{}", blocks.capacity());
            }
            prop_assert!(blocks.into_iter().eq(queue));
        }
    }
}
