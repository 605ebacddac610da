//! Where a watch keeps what was acknowledged: in memory, in a file, or wherever a program likes.
//!
//! In: one record a mailbox, as changes are acknowledged. Out: all of them, when a watch begins.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

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

    /// Does the same for each of these mailboxes. One after the other, unless the store can do
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
}

/// A store in memory, for tests and for programs that begin anew each time. Clones share it.
#[derive(Clone, Default)]
pub struct MemoryStore {
    records: Arc<Mutex<FewMap<MailboxKey, StoredMailbox>>>,
}

impl MemoryStore {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What is stored.
    #[must_use]
    pub fn records(&self) -> BTreeMap<MailboxKey, StoredMailbox> {
        let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        records.iter().map(|(key, record)| (key.clone(), record.clone())).collect()
    }
}

impl StateStore for MemoryStore {
    fn load(&self) -> StoreFuture<'_, BTreeMap<MailboxKey, StoredMailbox>> {
        Box::pin(std::future::ready(Ok(self.records())))
    }

    fn save(&self, key: MailboxKey, record: Option<StoredMailbox>) -> StoreFuture<'_, ()> {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        match record {
            Some(record) => _ = records.insert(key, record),
            None => _ = records.remove(&key),
        }
        drop(records);
        Box::pin(std::future::ready(Ok(())))
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("mailboxes", &self.records().len()).finish()
    }
}
