//! Where a watch keeps what was acknowledged: in memory, in a file, or wherever a program likes.
//!
//! In: one record a mailbox, as changes are acknowledged. Out: all of them, when a watch begins.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::few::FewMap;
use super::key::MailboxKey;
use super::ledger::StoredMailbox;

/// A future of a [`StateStore`].
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send + 'a>>;

/// Where a watch keeps what was acknowledged.
///
/// A record holds cursor and state of its mailbox together, so that one write keeps them together,
/// too.
pub trait StateStore: Send + Sync + 'static {
    /// All records.
    ///
    /// # Errors
    /// If they can't be read: then the watch does not begin.
    fn load(&self) -> StoreFuture<'_, BTreeMap<MailboxKey, StoredMailbox>>;

    /// Replaces the record of this mailbox, or removes it. What it returns `Ok` for has to survive
    /// whatever the store is to survive.
    ///
    /// # Errors
    /// If it could not be stored: [`Changes::ack`](super::Changes::ack) returns that.
    fn save(&self, key: MailboxKey, record: Option<StoredMailbox>) -> StoreFuture<'_, ()>;

    /// Does the same for each of these mailboxes. It is called again once it has returned or was
    /// dropped, as with an acknowledgement that no one waits for: a write that goes on all the same
    /// may not come after the next one. One after the other, unless the store can do
    /// better.
    ///
    /// # Errors
    /// If one could not be stored; others may have been.
    fn save_all(&self, records: Vec<(MailboxKey, Option<StoredMailbox>)>) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            for (key, record) in records {
                self.save(key, record).await?;
            }
            Ok(())
        })
    }

    /// What [`save_selection`](Self::save_selection) was given last. A store that does not keep it
    /// has none: then a mailbox that was left out in earlier runs is delivered from its beginning,
    /// as one that is new.
    ///
    /// # Errors
    /// If it can't be read: then the watch does not begin.
    fn load_selection(&self) -> StoreFuture<'_, Option<String>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    /// Keeps which mailboxes are watched, as a text. It is saved behind the first records of these
    /// mailboxes, and seldom changes.
    ///
    /// # Errors
    /// If it could not be stored: it is saved again later.
    fn save_selection(&self, selection: String) -> StoreFuture<'_, ()> {
        drop(selection);
        Box::pin(std::future::ready(Ok(())))
    }
}

/// A store in memory, for tests and for programs that begin again each time. Clones share it.
#[derive(Clone, Default)]
pub struct MemoryStore {
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    records: FewMap<MailboxKey, StoredMailbox>,
    selection: Option<Box<str>>,
}

impl MemoryStore {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is stored.
    #[must_use]
    pub fn records(&self) -> BTreeMap<MailboxKey, StoredMailbox> {
        self.lock().records.iter().map(|(key, record)| (key.clone(), record.clone())).collect()
    }
}

impl StateStore for MemoryStore {
    fn load(&self) -> StoreFuture<'_, BTreeMap<MailboxKey, StoredMailbox>> {
        Box::pin(std::future::ready(Ok(self.records())))
    }

    fn save(&self, key: MailboxKey, record: Option<StoredMailbox>) -> StoreFuture<'_, ()> {
        match record {
            Some(record) => _ = self.lock().records.insert(key, record),
            None => _ = self.lock().records.remove(&key),
        }
        Box::pin(std::future::ready(Ok(())))
    }

    fn load_selection(&self) -> StoreFuture<'_, Option<String>> {
        Box::pin(std::future::ready(Ok(self.lock().selection.as_deref().map(str::to_owned))))
    }

    fn save_selection(&self, selection: String) -> StoreFuture<'_, ()> {
        self.lock().selection = Some(selection.into());
        Box::pin(std::future::ready(Ok(())))
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("mailboxes", &self.records().len()).finish()
    }
}
