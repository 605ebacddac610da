//! A queue that holds just what is in it: its places come in blocks, which are not moved when it
//! grows and go when they have been emptied, the last one too. A `VecDeque` may have room for twice
//! what it holds, and keeps the room that it once needed.

use std::collections::VecDeque;
use std::collections::vec_deque::IntoIter;
use std::iter::{Chain, Flatten};

/// How many places a block has.
const PLACES: usize = 64;

/// A queue in blocks. Those between the first and the last are full; only the first has been taken
/// from at its front. Values are large, and come by the hundred thousand: each is moved once.
#[derive(Debug)]
pub(crate) struct BlockQueue<T> {
    /// The blocks before the last one. None of them is empty.
    full: VecDeque<VecDeque<T>>,
    /// Empty only if there is nothing in the queue.
    last: VecDeque<T>,
    len: usize,
}

impl<T> Default for BlockQueue<T> {
    fn default() -> Self {
        Self { full: VecDeque::new(), last: VecDeque::new(), len: 0 }
    }
}

impl<T> BlockQueue<T> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    #[inline]
    pub(crate) fn push_back(&mut self, value: T) {
        if self.last.len() >= PLACES {
            self.begin_block();
        }
        self.len += 1;
        self.last.push_back(value);
    }

    #[cold]
    fn begin_block(&mut self) {
        // The first one grows as it is used: most queues never hold more than a few.
        self.full.push_back(std::mem::replace(&mut self.last, VecDeque::with_capacity(PLACES)));
    }

    #[inline]
    pub(crate) fn pop_front(&mut self) -> Option<T> {
        self.len = self.len.saturating_sub(1);
        match self.full.front_mut() {
            None if self.last.len() == 1 => std::mem::take(&mut self.last).pop_front(),
            None => self.last.pop_front(),
            Some(first) if first.len() > 1 => first.pop_front(),
            Some(_) => self.pop_block(),
        }
    }

    /// Takes the last value of the first block, and with it the block.
    #[cold]
    fn pop_block(&mut self) -> Option<T> {
        self.full.pop_front()?.pop_front()
    }

    pub(crate) fn pop_back(&mut self) -> Option<T> {
        let value = self.last.pop_back()?;
        self.len -= 1;
        if self.last.is_empty()
            && let Some(before) = self.full.pop_back()
        {
            self.last = before;
        }
        Some(value)
    }

    pub(crate) fn front_mut(&mut self) -> Option<&mut T> {
        self.full.front_mut().unwrap_or(&mut self.last).front_mut()
    }

    pub(crate) fn back_mut(&mut self) -> Option<&mut T> {
        self.last.back_mut()
    }

    /// The block of this place, the last one if it is beyond the others; and the place in it.
    fn place(&self, at: usize) -> (usize, usize) {
        let Some(first) = self.full.front() else { return (0, at) };
        let Some(behind) = at.checked_sub(first.len()) else { return (0, at) };
        let block = (1 + behind / PLACES).min(self.full.len());
        (block, behind - (block - 1) * PLACES)
    }

    pub(crate) fn get(&self, at: usize) -> Option<&T> {
        let (block, at) = self.place(at);
        self.full.get(block).unwrap_or(&self.last).get(at)
    }

    pub(crate) fn get_mut(&mut self, at: usize) -> Option<&mut T> {
        let (block, at) = self.place(at);
        self.full.get_mut(block).unwrap_or(&mut self.last).get_mut(at)
    }

    /// For how many values it has room.
    #[cfg(test)]
    pub(crate) fn capacity(&self) -> usize {
        self.full.iter().map(VecDeque::capacity).sum::<usize>() + self.last.capacity()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.full.iter().flatten().chain(&self.last)
    }
}

impl<T> IntoIterator for BlockQueue<T> {
    type Item = T;
    type IntoIter = Chain<Flatten<IntoIter<VecDeque<T>>>, IntoIter<T>>;

    /// Each block is freed once its values are taken.
    fn into_iter(self) -> Self::IntoIter {
        self.full.into_iter().flatten().chain(self.last)
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
            let (mut blocks, mut queue, mut next) = (BlockQueue::default(), VecDeque::new(), 0);
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
