//! Many accounts as one stream: a watch for each, added and removed while it runs.
//!
//! ```text
//!   Watcher::add ──> a watch of the account ──┐
//!   Watcher::add ──> a watch of the account ──┴──> one queue ──> AccountChanges::next ──> the program
//!   Watcher::remove ──> the watch ends                              Watcher::ack ──> the account's StateStore
//! ```
//!
//! In: accounts, each with a watch and a store of its own, under names of the program. Out: their
//! changes, in order for each mailbox; who is behind holds up all, so that memory has one bound.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::output::{Delivery, Output, output};
use super::shared::Shared;
use super::{Change, Cursor, MAX_CHANGES, StateStore, Watch, WatchStatusReceiver, begin};
use crate::account::Account;
use crate::account::tasks::TaskHandle;
use crate::error::{Error, Result};

/// Watches over many accounts, which are added and removed while it runs; each has a name of the
/// program's, such as its number in a database. Cheap to clone; when the last one is dropped, all
/// of its watches end.
///
/// ```no_run
/// # async fn example(configs: Vec<(u64, imap_duplex::Config)>) -> imap_duplex::Result<()> {
/// use imap_duplex::account::{Account, MemoryStore, Watch, Watcher};
///
/// let (watcher, mut changes) = Watcher::new();
/// for (user, config) in configs {
///     // Their dials are spread: see `Policy::host_spacing`.
///     watcher.add(user, Account::new(config), Watch::all(), MemoryStore::new()).await?;
/// }
/// while let Some((user, change)) = changes.next().await {
///     match change {
///         Ok(change) => {
///             println!("{user}: {change}");
///             watcher.ack(&user, &change).await?;
///         }
///         // Refused credentials, say: the others go on.
///         Err(error) => println!("{user}: {error}"),
///     }
/// }
/// # Ok(())
/// # }
/// ```
pub struct Watcher<K> {
    inner: Arc<Inner<K>>,
}

/// The changes of all accounts of a [`Watcher`]; from [`Watcher::new`]. When it is dropped, the
/// watches end.
pub struct AccountChanges<K> {
    next: mpsc::Receiver<Delivery>,
    watches: Arc<Mutex<Watches<K>>>,
}

struct Inner<K> {
    watches: Arc<Mutex<Watches<K>>>,
    changes: Output,
}

impl<K> Drop for Inner<K> {
    fn drop(&mut self) {
        let mut watches = lock(&self.watches);
        watches.numbers.clear();
        watches.running.clear();
    }
}

struct Watches<K> {
    numbers: HashMap<K, u64>,
    running: HashMap<u64, Running<K>>,
    next: u64,
}

struct Running<K> {
    name: K,
    account: Account,
    shared: Arc<Shared>,
    task: TaskHandle,
}

impl<K> Drop for Running<K> {
    fn drop(&mut self) {
        self.shared.progress.end();
        self.task.abort();
    }
}

fn lock<K>(watches: &Mutex<Watches<K>>) -> MutexGuard<'_, Watches<K>> {
    watches.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<K: Clone + Eq + Hash + Send + 'static> Watcher<K> {
    /// One without accounts, and what changes in those that are added.
    #[must_use]
    pub fn new() -> (Self, AccountChanges<K>) {
        let (changes, next) = output(MAX_CHANGES);
        let watches = Watches { numbers: HashMap::new(), running: HashMap::new(), next: 0 };
        let watches = Arc::new(Mutex::new(watches));
        let inner = Inner { watches: watches.clone(), changes };
        (Self { inner: Arc::new(inner) }, AccountChanges { next, watches })
    }

    /// Adds an account, as [`Account::watch`] does. One that had this name is removed. Cancel-safe:
    /// then nothing is added.
    ///
    /// # Errors
    /// If the store can't be read.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn add(&self, name: K, account: Account, watch: Watch, store: impl StateStore) -> Result<()> {
        let shared = begin(&account, store).await?;
        let mut watches = lock(&self.inner.watches);
        let number = watches.next;
        watches.next += 1;
        let output = self.inner.changes.of(number);
        let task = watch.spawn(account.clone(), shared.clone(), output);
        let running = Running { name: name.clone(), account, shared, task };
        watches.running.insert(number, running);
        if let Some(before) = watches.numbers.insert(name, number) {
            watches.running.remove(&before);
        }
        Ok(())
    }

    /// Ends the watch of an account. Its changes are delivered no more, and it can be added again
    /// from where its store was. The account, which ends with its last handle; `None` if there is
    /// no such name.
    #[must_use = "the account ends with its last handle"]
    pub fn remove(&self, name: &K) -> Option<Account> {
        let mut watches = lock(&self.inner.watches);
        let number = watches.numbers.remove(name)?;
        watches.running.remove(&number).map(|running| running.account.clone())
    }

    /// The account of this name.
    #[must_use]
    pub fn account(&self, name: &K) -> Option<Account> {
        let watches = lock(&self.inner.watches);
        watches.running.get(watches.numbers.get(name)?).map(|running| running.account.clone())
    }

    /// How far the watch of this account is, as [`Changes::status`](super::Changes::status) says
    /// it.
    #[must_use]
    pub fn status(&self, name: &K) -> Option<WatchStatusReceiver> {
        let watches = lock(&self.inner.watches);
        let running = watches.running.get(watches.numbers.get(name)?)?;
        Some(WatchStatusReceiver::new(&running.shared.progress))
    }

    /// How many accounts there are.
    #[must_use]
    pub fn len(&self) -> usize {
        lock(&self.inner.watches).running.len()
    }

    /// Whether there is no account.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Acknowledges a change of this account, as [`Changes::ack`](super::Changes::ack) does.
    /// Nothing if there is no such name any more.
    ///
    /// # Errors
    /// If it could not be stored; then it may be delivered again after a restart.
    pub async fn ack(&self, name: &K, change: &Change) -> Result<()> {
        self.ack_all(name, std::slice::from_ref(change)).await
    }

    /// Acknowledges each of these changes of one account, as
    /// [`Changes::ack_all`](super::Changes::ack_all) does.
    ///
    /// # Errors
    /// If they could not be stored; then some may be delivered again after a restart.
    pub async fn ack_all(&self, name: &K, changes: &[Change]) -> Result<()> {
        match self.shared(name) {
            Some(shared) => shared.acknowledge(changes.iter().map(Change::place)).await,
            None => Ok(()),
        }
    }

    /// Acknowledges the change of this account that stands there, as
    /// [`Changes::ack_to`](super::Changes::ack_to) does.
    ///
    /// # Errors
    /// As [`ack`](Self::ack).
    pub async fn ack_to(&self, name: &K, cursor: &Cursor) -> Result<()> {
        match self.shared(name) {
            Some(shared) => shared.acknowledge([cursor.place()]).await,
            None => Ok(()),
        }
    }

    fn shared(&self, name: &K) -> Option<Arc<Shared>> {
        let watches = lock(&self.inner.watches);
        let running = watches.running.get(watches.numbers.get(name)?)?;
        Some(running.shared.clone())
    }

    /// Ends all accounts, as [`Account::shutdown`] does, at the same time. Cancel-safe: they end
    /// all the same.
    pub async fn shutdown(&self, limit: Duration) {
        let accounts: Vec<Account> = {
            let watches = lock(&self.inner.watches);
            watches.running.values().map(|running| running.account.clone()).collect()
        };
        let mut ends = JoinSet::new();
        for account in accounts {
            ends.spawn(async move { account.shutdown(limit).await });
        }
        while ends.join_next().await.is_some() {}
    }
}

impl<K> Clone for Watcher<K> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone() }
    }
}

impl<K> fmt::Debug for Watcher<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let accounts = lock(&self.inner.watches).running.len();
        f.debug_struct("Watcher").field("accounts", &accounts).finish()
    }
}

impl<K: Clone + Eq + Hash + Send + 'static> AccountChanges<K> {
    /// The next change of any account, or an error that keeps one of them from going on for now.
    /// `None` once the [`Watcher`] has been dropped. Cancel-safe.
    pub async fn next(&mut self) -> Option<(K, Result<Change>)> {
        loop {
            let delivery = self.next.recv().await?;
            if let Some(named) = self.named(delivery) {
                return Some(named);
            }
        }
    }

    /// The next change, and those that are there already, up to `max` together. Cancel-safe.
    pub async fn next_many(&mut self, max: usize) -> Option<Vec<(K, Result<Change>)>> {
        let mut batch = vec![self.next().await?];
        while batch.len() < max
            && let Ok(delivery) = self.next.try_recv()
        {
            batch.extend(self.named(delivery));
        }
        Some(batch)
    }

    /// With the name of its account, unless that has been removed since.
    fn named(&self, delivery: Delivery) -> Option<(K, Result<Change, Error>)> {
        let (number, change) = delivery.open();
        let watches = lock(&self.watches);
        let running = watches.running.get(&number)?;
        running.shared.progress.read();
        Some((running.name.clone(), change))
    }
}

impl<K> fmt::Debug for AccountChanges<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountChanges").field("waiting", &self.next.len()).finish_non_exhaustive()
    }
}
