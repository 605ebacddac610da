//! Whether a worker may still publish: by its own monotonic clock, which no one sets.
//!
//! The database decides when leases run out, but a worker that is cut off from it can't ask. So it
//! stops by itself when two thirds of the TTL have passed since it *sent* its last renewal that was
//! granted: the database counted from a later moment, so the lease still holds then.
//!
//! In: renewals. Out: whether to publish, for each publish again.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// Whether a worker may publish.
#[derive(Clone, Debug)]
pub struct Watchdog {
    limit: Duration,
    renewed: Arc<Mutex<Instant>>,
    /// Wakes who waits to be allowed; `true` once it never will be.
    changed: watch::Sender<bool>,
}

impl Watchdog {
    /// A worker has registered just now, by a request that was sent at this moment.
    #[must_use]
    pub fn new(ttl: Duration, sent: Instant) -> Self {
        Self { limit: ttl * 2 / 3, renewed: Arc::new(Mutex::new(sent)), changed: watch::Sender::new(false) }
    }

    /// A renewal was granted that was sent at this moment.
    pub fn renewed(&self, sent: Instant) {
        let mut renewed = self.renewed.lock().unwrap_or_else(PoisonError::into_inner);
        *renewed = sent.max(*renewed);
        drop(renewed);
        self.changed.send_modify(|_| ());
    }

    /// The worker is retired: nothing is published any more.
    pub fn retire(&self) {
        self.changed.send_replace(true);
    }

    /// Whether it may publish now.
    #[must_use]
    pub fn allows(&self) -> bool {
        let renewed = *self.renewed.lock().unwrap_or_else(PoisonError::into_inner);
        !*self.changed.borrow() && renewed.elapsed() < self.limit
    }

    /// Whether it never may publish again.
    #[must_use]
    pub fn is_retired(&self) -> bool {
        *self.changed.borrow()
    }

    /// Waits until it may publish; `false` if it never may again. Cancel-safe.
    pub async fn allowed(&self) -> bool {
        let mut changed = self.changed.subscribe();
        loop {
            if *changed.borrow_and_update() {
                return false;
            }
            if self.allows() {
                return true;
            }
            if changed.changed().await.is_err() {
                return false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_stops_at_two_thirds_and_goes_on_with_a_renewal() {
        let dog = Watchdog::new(Duration::from_secs(30), Instant::now());
        tokio::time::advance(Duration::from_millis(19_999)).await;
        assert!(dog.allows());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(!dog.allows());
        let waiting = tokio::spawn({
            let dog = dog.clone();
            async move { dog.allowed().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        dog.renewed(Instant::now());
        assert!(waiting.await.expect("no panic"));
        dog.retire();
        assert!(!dog.allows() && !dog.allowed().await);
    }

    /// A renewal that took long counts from when it was sent.
    #[tokio::test(start_paused = true)]
    async fn an_older_renewal_takes_nothing_away() {
        let start = Instant::now();
        let dog = Watchdog::new(Duration::from_secs(30), start);
        tokio::time::advance(Duration::from_secs(15)).await;
        dog.renewed(Instant::now());
        dog.renewed(start);
        tokio::time::advance(Duration::from_secs(19)).await;
        assert!(dog.allows());
    }
}
