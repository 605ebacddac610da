//! The latest of what a task says to any number of readers, of which each takes no room: an account
//! has two of them, and a watch channel of tokio has 0.4 kB from the start.
//!
//! In: values, one after the other. Out: the last of them, or the first that fits from now on.

use std::fmt;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

struct State<T> {
    value: T,
    is_closed: bool,
}

struct Shared<T> {
    state: Mutex<State<T>>,
    changed: Notify,
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who says it. When this is dropped, the last value stays.
pub(super) struct Latest<T>(Arc<Shared<T>>);

impl<T> Latest<T> {
    pub(super) fn new(value: T) -> Self {
        let state = Mutex::new(State { value, is_closed: false });
        Self(Arc::new(Shared { state, changed: Notify::new() }))
    }

    pub(super) fn reader(&self) -> LatestReader<T> {
        LatestReader(self.0.clone())
    }

    /// Changes it; `change` says whether readers are to know.
    pub(super) fn update(&self, change: impl FnOnce(&mut T) -> bool) {
        let is_changed = change(&mut self.0.lock().value);
        if is_changed {
            self.0.changed.notify_waiters();
        }
    }
}

impl<T> Drop for Latest<T> {
    fn drop(&mut self) {
        self.0.lock().is_closed = true;
        self.0.changed.notify_waiters();
    }
}

/// Who reads it.
pub(super) struct LatestReader<T>(Arc<Shared<T>>);

impl<T> LatestReader<T> {
    pub(super) fn read<R>(&self, read: impl FnOnce(&T) -> R) -> R {
        read(&self.0.lock().value)
    }

    /// Waits until something is found in it; `None` once nothing more comes. Cancel-safe.
    pub(super) async fn find<R>(&self, find: impl Fn(&T) -> Option<R>) -> Option<R> {
        loop {
            // Before it is read: what is said meanwhile wakes it.
            let mut changed = pin!(self.0.changed.notified());
            changed.as_mut().enable();
            {
                let state = self.0.lock();
                let found = find(&state.value);
                if found.is_some() || state.is_closed {
                    return found;
                }
            }
            changed.await;
        }
    }
}

impl<T> Clone for LatestReader<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: fmt::Debug> fmt::Debug for Latest<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.lock().value.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::{sleep, timeout};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_reader_finds_what_is_there_or_comes_until_the_end() {
        let latest = Latest::new(1);
        let (one, two) = (latest.reader(), latest.reader().clone());
        assert_eq!(one.find(|value| (*value == 1).then_some("there")).await, Some("there"));
        let waiting = tokio::spawn(async move { two.find(|value| (*value > 2).then_some(*value)).await });
        for value in [2, 3] {
            sleep(Duration::from_secs(1)).await;
            latest.update(|now| {
                *now = value;
                true
            });
        }
        assert_eq!((waiting.await.expect("no panic"), one.read(|value| *value)), (Some(3), 3));
        // What is not to be known wakes no one.
        let quiet = one.find(|value| (*value == 4).then_some(()));
        let mut quiet = pin!(quiet);
        assert!(timeout(Duration::from_secs(1), &mut quiet).await.is_err());
        latest.update(|now| {
            *now = 4;
            false
        });
        assert!(timeout(Duration::from_secs(1), &mut quiet).await.is_err());
        drop(latest);
        assert_eq!(timeout(Duration::from_secs(1), quiet).await, Ok(Some(())));
        assert_eq!(one.find(|value| (*value == 5).then_some(())).await, None);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn no_value_is_missed_by_who_waits_for_it() {
        for _ in 0..500 {
            let latest = Latest::new(0);
            let waiting: Vec<_> = (0..4)
                .map(|_| {
                    let reader = latest.reader();
                    tokio::spawn(async move { reader.find(|value| (*value == 10).then_some(())).await })
                })
                .collect();
            for value in 1..=10 {
                latest.update(|now| {
                    *now = value;
                    true
                });
            }
            for waiting in waiting {
                let found = timeout(Duration::from_secs(60), waiting).await.expect("in time");
                assert_eq!(found.expect("no panic"), Some(()));
            }
        }
    }
}
