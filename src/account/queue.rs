//! A queue with one reader, of which no more is kept than what is in it: an account has two of
//! them, at rest both are empty, and a channel of tokio has 0.8 kB from the start.
//!
//! In: what the tasks of an account, and its users, report. Out: the same in order, to the task
//! that owns the reader. It has a sender of its own, so the queue never ends before the reader
//! does.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use tokio::sync::Semaphore;

/// Beyond so many places a queue that is empty again gives them back.
const KEPT: usize = 4;

struct State<T> {
    items: VecDeque<T>,
    reader: Option<Waker>,
    is_closed: bool,
}

struct Shared<T> {
    state: Mutex<State<T>>,
    /// The places that are left, if there is a bound.
    places: Option<Semaphore>,
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the reader is there.
    fn push(&self, item: T) -> bool {
        let mut state = self.lock();
        if state.is_closed {
            // The item may send something when it is dropped.
            drop(state);
            return false;
        }
        state.items.push_back(item);
        let reader = state.reader.take();
        drop(state);
        reader.into_iter().for_each(Waker::wake);
        true
    }
}

/// A queue that holds so many at most; without a bound, any number.
pub(super) fn queue<T>(bound: Option<usize>) -> (QueueSender<T>, QueueReceiver<T>) {
    let state = Mutex::new(State { items: VecDeque::new(), reader: None, is_closed: false });
    let shared = Arc::new(Shared { state, places: bound.map(Semaphore::new) });
    (QueueSender(shared.clone()), QueueReceiver(shared))
}

/// Puts things into a queue.
pub(super) struct QueueSender<T>(Arc<Shared<T>>);

impl<T> QueueSender<T> {
    /// At once, whatever the bound is. Whether the reader is there.
    pub(super) fn push(&self, item: T) -> bool {
        self.0.push(item)
    }

    /// Waits for a place, if there is a bound. Whether the reader is there. Cancel-safe: the item
    /// is not sent then.
    pub(super) async fn send(&self, item: T) -> bool {
        if let Some(places) = &self.0.places {
            let Ok(place) = places.acquire().await else { return false };
            place.forget();
        }
        self.0.push(item)
    }

    /// Whether the reader has gone.
    #[cfg(any(feature = "store", test))]
    pub(super) fn is_closed(&self) -> bool {
        self.0.lock().is_closed
    }
}

impl<T> Clone for QueueSender<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> fmt::Debug for QueueSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueueSender").field("items", &self.0.lock().items.len()).finish()
    }
}

/// Takes things out of a queue. When it is dropped, so is what is in it.
pub(super) struct QueueReceiver<T>(Arc<Shared<T>>);

impl<T> QueueReceiver<T> {
    /// The next one, once there is one. Cancel-safe.
    pub(super) async fn recv(&mut self) -> T {
        // A reader that always finds something lets others run now and then.
        tokio::task::consume_budget().await;
        poll_fn(|cx| {
            let mut state = self.0.lock();
            let Some(item) = state.items.pop_front() else {
                match &mut state.reader {
                    Some(reader) => reader.clone_from(cx.waker()),
                    reader => *reader = Some(cx.waker().clone()),
                }
                return Poll::Pending;
            };
            if state.items.is_empty() && state.items.capacity() > KEPT {
                state.items = VecDeque::new();
            }
            drop(state);
            if let Some(places) = &self.0.places {
                places.add_permits(1);
            }
            Poll::Ready(item)
        })
        .await
    }
}

impl<T> Drop for QueueReceiver<T> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.is_closed = true;
        let (items, reader) = (std::mem::take(&mut state.items), state.reader.take());
        drop(state);
        if let Some(places) = &self.0.places {
            places.close();
        }
        // They may send something themselves.
        drop((items, reader));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::{sleep, timeout};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn all_comes_in_order_and_no_more_waits_than_the_bound() {
        let (sender, mut reader) = queue(Some(3));
        let sending = tokio::spawn(async move {
            for number in 0..100 {
                assert!(sender.send(number).await);
            }
        });
        sleep(Duration::from_secs(1)).await;
        assert_eq!(reader.0.lock().items.len(), 3);
        for number in 0..100 {
            assert_eq!(timeout(Duration::from_secs(1), reader.recv()).await, Ok(number));
        }
        sending.await.expect("no panic");
        // A wait that is dropped takes nothing with it, and the next one is woken.
        assert!(timeout(Duration::from_secs(1), reader.recv()).await.is_err());
        assert_eq!(reader.0.places.as_ref().map(Semaphore::available_permits), Some(3));
    }

    #[tokio::test(start_paused = true)]
    async fn a_send_that_is_dropped_sends_nothing() {
        let (sender, mut reader) = queue(Some(1));
        assert!(sender.send(1).await);
        assert!(timeout(Duration::from_secs(1), sender.send(2)).await.is_err());
        assert_eq!(reader.recv().await, 1);
        assert!(sender.send(3).await);
        assert_eq!(reader.recv().await, 3);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_reader_nothing_is_sent_and_who_waits_is_woken() {
        let (sender, reader) = queue(Some(1));
        assert!(sender.send(1).await && !sender.is_closed());
        let waiting = tokio::spawn({
            let sender = sender.clone();
            async move { sender.send(2).await }
        });
        sleep(Duration::from_secs(1)).await;
        drop(reader);
        assert!(!waiting.await.expect("no panic"));
        assert!(!sender.push(3) && sender.is_closed());
    }

    /// What is left in a queue may send to it when it is dropped, as the guard of a lease does.
    #[tokio::test]
    async fn what_is_dropped_with_the_reader_may_send() {
        struct Guard(QueueSender<Guard>, bool);
        impl Drop for Guard {
            fn drop(&mut self) {
                if std::mem::take(&mut self.1) {
                    self.0.push(Guard(self.0.clone(), false));
                }
            }
        }
        let (sender, reader) = queue(None);
        assert!(sender.push(Guard(sender.clone(), true)));
        drop(reader);
        assert!(sender.is_closed() && sender.0.lock().items.is_empty());
        assert!(!sender.push(Guard(sender.clone(), true)));
    }

    #[tokio::test(start_paused = true)]
    async fn room_for_many_is_given_back_and_the_reader_lets_others_run() {
        let (sender, mut reader) = queue(None);
        (0..10_000).for_each(|number| _ = sender.push(number));
        let others = Arc::new(Mutex::new(0));
        let count = others.clone();
        let other = tokio::spawn(async move {
            loop {
                *count.lock().expect("no panic") += 1;
                tokio::task::yield_now().await;
            }
        });
        for number in 0..10_000 {
            assert_eq!(reader.recv().await, number);
        }
        assert!(*others.lock().expect("no panic") > 10);
        assert!(reader.0.lock().items.capacity() <= KEPT);
        other.abort();
    }
}
