//! How much waits unread for one reader, and from when on the server waits too.
//!
//! In: what is added for a reader and what it takes, in bytes. Out: whether that is too much
//! ([`Limits::backlog`]). A reader takes many pieces at once and then counts them one by one, while
//! the driver adds to it: so there are no locks.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::types::Limits;

/// How much must wait unread before the server waits: less than may be kept, so that there is room
/// for more when a hold is over.
pub(crate) fn mark(limits: &Limits) -> usize {
    limits.backlog.min(limits.unread / 2)
}

/// How much waits for a reader.
#[derive(Debug)]
pub(crate) struct Backlog {
    bytes: AtomicUsize,
    /// How often something was taken.
    taken: AtomicU64,
    /// It is too much, until no more than this waits; or [`FINE`].
    low: AtomicUsize,
}

/// It is not too much.
const FINE: usize = usize::MAX;

impl Default for Backlog {
    fn default() -> Self {
        Self { bytes: AtomicUsize::new(0), taken: AtomicU64::new(0), low: AtomicUsize::new(FINE) }
    }
}

impl Backlog {
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::SeqCst)
    }

    /// So much more waits, and past the mark it is too much. One task adds.
    pub(crate) fn add(&self, weight: usize, mark: usize) {
        let bytes = self.bytes.fetch_add(weight, Ordering::SeqCst) + weight;
        let low = mark / 2;
        if bytes > mark && self.low.load(Ordering::Relaxed) == FINE {
            self.low.store(low, Ordering::SeqCst);
            // All of it may have been taken before the reader could see that.
            if self.bytes() <= low {
                self.low.store(FINE, Ordering::SeqCst);
            }
        }
    }

    /// So much has been taken. Whether by this there is room again.
    pub(crate) fn take(&self, weight: usize) -> bool {
        self.taken.fetch_add(1, Ordering::Relaxed);
        let bytes = self.subtract(weight);
        let low = self.low.load(Ordering::SeqCst);
        low != FINE && bytes <= low && self.low.swap(FINE, Ordering::SeqCst) != FINE
    }

    /// So much was dropped unread.
    pub(crate) fn drop_unread(&self, weight: usize) {
        self.subtract(weight);
    }

    /// Returns how much is left.
    fn subtract(&self, weight: usize) -> usize {
        let less = |bytes: usize| Some(bytes.saturating_sub(weight));
        let before = self.bytes.fetch_update(Ordering::SeqCst, Ordering::Relaxed, less);
        before.unwrap_or_else(|before| before).saturating_sub(weight)
    }

    /// Nothing waits any more.
    pub(crate) fn clear(&self) {
        self.taken.fetch_add(1, Ordering::Relaxed);
        self.bytes.store(0, Ordering::SeqCst);
        self.low.store(FINE, Ordering::SeqCst);
    }

    /// How often something was taken.
    pub(crate) fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// If too much waits, how often something was taken: whether anyone reads.
    pub(crate) fn is_full(&self) -> Option<u64> {
        (self.low.load(Ordering::SeqCst) != FINE).then(|| self.taken())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However the two meet: once nothing waits any more, it is not too much, or the server would
    /// wait for a reader that has read all.
    #[test]
    fn a_reader_on_another_thread_leaves_no_backlog_behind() {
        for round in 0..200 {
            let (backlog, (rows, count)) = (Backlog::default(), (3, 500));
            let relieved = std::thread::scope(|scope| {
                let reader = scope.spawn(|| {
                    let mut relieved = 0;
                    for _ in 0..count {
                        while backlog.bytes() < rows {
                            std::hint::spin_loop();
                        }
                        relieved += usize::from(backlog.take(rows));
                    }
                    relieved
                });
                (0..count).for_each(|_| backlog.add(rows, 7 + round % 5));
                reader.join().unwrap()
            });
            assert_eq!((backlog.bytes(), backlog.is_full()), (0, None), "{relieved} times relieved");
        }
    }

    #[test]
    fn half_of_the_mark_is_room_again() {
        let backlog = Backlog::default();
        (0..11).for_each(|_| backlog.add(1, 10));
        assert_eq!(backlog.is_full(), Some(0));
        assert_eq!((0..6).filter(|_| backlog.take(1)).count(), 1, "by the last of them");
        assert_eq!((backlog.bytes(), backlog.is_full()), (5, None));
        backlog.add(6, 10);
        backlog.clear();
        assert_eq!((backlog.bytes(), backlog.is_full()), (0, None));
    }
}
