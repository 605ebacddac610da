//! A watch over the mailboxes of an account: one stream of what changes in them, across
//! connections, failures and restarts of the program.
//!
//! ```text
//!   Account::watch ──> task: sweep, look, follow ──> ledger ──> Changes::next ──> the program
//!                                                      └──────> Changes::ack ──> StateStore
//! ```
//!
//! In: an [`Account`], which mailboxes, what was acknowledged before. Out: changes
//! in order for each mailbox, each at least once, and not again once it was acknowledged.

mod change;
#[cfg(feature = "serde")]
mod file_store;
mod follow;
mod key;
mod ledger;
mod plan;
mod store;
mod sweep;
mod task;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, mpsc};

pub use self::change::{Change, ChangeKind};
#[cfg(feature = "serde")]
#[cfg_attr(docsrs, doc(cfg(feature = "serde")))]
pub use self::file_store::FileStore;
pub use self::key::MailboxKey;
use self::ledger::Ledger;
pub use self::ledger::StoredMailbox;
pub use self::store::{MemoryStore, StateStore, StoreFuture};
use self::task::{Shared, WatchTask, not_stored};
use super::Account;
use crate::error::{Error, Result};
use crate::types::MailboxName;

/// How many changes wait for the program.
const MAX_CHANGES: usize = 1024;
/// How many notes wait for the watch's task.
const MAX_NOTES: usize = 256;

/// Which mailboxes to watch, and how.
///
/// ```
/// use std::time::Duration;
/// use imap_duplex::account::Watch;
/// let watch = Watch::all().follow("INBOX").interval(Duration::from_secs(120));
/// # let _ = watch;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Watch {
    names: Option<Vec<MailboxName>>,
    followed: Option<MailboxName>,
    interval: Duration,
    flags: bool,
    from_start: bool,
    max_unacknowledged: usize,
}

impl Watch {
    /// All mailboxes of the account; INBOX is followed as it changes.
    pub fn all() -> Self {
        Self {
            names: None,
            followed: Some("INBOX".into()),
            interval: Duration::from_secs(60),
            flags: true,
            from_start: false,
            max_unacknowledged: 65_536,
        }
    }

    /// These mailboxes; the first one is followed as it changes.
    pub fn mailboxes<N: Into<MailboxName>>(names: impl IntoIterator<Item = N>) -> Self {
        let names: Vec<MailboxName> = names.into_iter().map(Into::into).collect();
        Self { followed: names.first().cloned(), names: Some(names), ..Self::all() }
    }

    /// The mailbox that stays selected on a connection of its own, so that its changes are
    /// delivered at once. It takes one of [`Policy::max_connections`](super::Policy); with only one
    /// connection none is followed.
    pub fn follow(mut self, mailbox: impl Into<MailboxName>) -> Self {
        self.followed = Some(mailbox.into());
        self
    }

    /// How often the counts of all mailboxes are compared. A minute. Mailboxes that differ are
    /// looked into at once, and so is what NOTIFY reports.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Whether flags are watched, which costs the flags of all messages at the first look into a
    /// mailbox. They are by default.
    pub fn flags(mut self, flags: bool) -> Self {
        self.flags = flags;
        self
    }

    /// Whether messages that are there when the watch begins for the first time are delivered as
    /// [`Arrived`](ChangeKind::Arrived). They are not by default.
    pub fn from_start(mut self, from_start: bool) -> Self {
        self.from_start = from_start;
        self
    }

    /// How many changes are delivered without being acknowledged: beyond that
    /// [`Changes::next`] waits for an acknowledgement. 65,536.
    pub fn max_unacknowledged(mut self, changes: usize) -> Self {
        self.max_unacknowledged = changes.max(1);
        self
    }

    fn wants(&self, name: &MailboxName) -> bool {
        self.names.as_ref().is_none_or(|names| names.contains(name))
    }
}

impl Account {
    /// Watches mailboxes: one stream of all that changes in them, from where the last
    /// acknowledgement in this store was.
    ///
    /// Each change is delivered at least once, in order for each mailbox, whatever happens to
    /// connections; and after a restart of the program all that was not acknowledged is delivered
    /// again, with the same [`Change::id`]. Mailboxes are found by a sweep (LIST and STATUS) each
    /// [`Watch::interval`]; those whose counts differ are looked into on a connection of the pool,
    /// by QRESYNC or a comparison of UIDs, so that the stream names the messages. Flags of messages
    /// in a mailbox that is not followed are found to have changed by HIGHESTMODSEQ, where the
    /// server has that, else only if the count of unseen messages differs.
    ///
    /// # Errors
    /// If the store can't be read.
    ///
    /// ```no_run
    /// # async fn example(account: imap_duplex::account::Account) -> imap_duplex::Result<()> {
    /// use imap_duplex::account::{ChangeKind, MemoryStore, Watch};
    /// let mut changes = account.watch(Watch::all(), MemoryStore::new()).await?;
    /// while let Some(change) = changes.next().await {
    ///     let change = change?; // refused credentials, say: the watch goes on once that is mended
    ///     if let ChangeKind::Arrived { uid, .. } = change.kind {
    ///         println!("{}: {uid}", change.mailbox);
    ///     }
    ///     changes.ack(&change).await?; // what was done about it is not to be done again
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn watch(&self, watch: Watch, store: impl StateStore) -> Result<Changes> {
        let stored = store.load().await.map_err(not_loaded)?;
        let shared = Shared::new(Ledger::load(stored), Box::new(store));
        let (changes, next) = mpsc::channel(MAX_CHANGES);
        let notes = mpsc::channel(MAX_NOTES);
        let task = WatchTask::new(self.clone(), watch, shared.clone(), changes, notes);
        tokio::spawn(task.run());
        Ok(Changes { next, shared, saving: Arc::default() })
    }
}

fn not_loaded(error: std::io::Error) -> Error {
    Error::new(crate::error::ErrorKind::Invalid, "the state of the watch could not be read").because(error)
}

/// The changes of an account; from [`Account::watch`]. Dropping it ends the watch.
pub struct Changes {
    next: mpsc::Receiver<Result<Change>>,
    shared: Arc<Shared>,
    saving: Arc<Mutex<()>>,
}

impl Changes {
    /// The next change, or an error that keeps the watch from going on for now. `None` once the
    /// account has ended. Cancel-safe.
    pub async fn next(&mut self) -> Option<Result<Change>> {
        self.next.recv().await
    }

    /// Acknowledges this change, and all that were delivered before it in its mailbox: none of them
    /// is delivered again. Other mailboxes are not affected; acknowledging what was acknowledged
    /// does nothing. It returns once the store has it.
    ///
    /// # Errors
    /// If it could not be stored; then it may be delivered again after a restart.
    pub async fn ack(&self, change: &Change) -> Result<()> {
        // One after the other, so that an earlier record never replaces a later one.
        let _saving = self.saving.lock().await;
        let record = self.shared.ledger().acknowledge(change);
        self.shared.acknowledged.notify_one();
        match record {
            Some(record) => self.shared.store.save(change.key.clone(), record).await.map_err(not_stored),
            None => Ok(()),
        }
    }
}

impl Drop for Changes {
    fn drop(&mut self) {
        // The task may wait for an acknowledgement.
        self.next.close();
        self.shared.acknowledged.notify_one();
    }
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changes")
            .field("unacknowledged", &self.shared.ledger().pending())
            .finish_non_exhaustive()
    }
}
