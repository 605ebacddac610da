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

mod arrivals;
mod change;
mod counts;
mod cursor;
mod few;
#[cfg(feature = "serde")]
mod file_store;
mod follow;
mod key;
mod ladder;
mod ledger;
mod lend;
mod output;
mod outside;
mod plan;
mod progress;
mod selection;
mod shared;
mod store;
mod sweep;
mod task;
mod watcher;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

pub use self::change::{Change, ChangeKind};
#[cfg(feature = "store")]
pub(crate) use self::counts::Counts;
pub use self::cursor::Cursor;
#[cfg(feature = "serde")]
#[cfg_attr(docsrs, doc(cfg(feature = "serde")))]
pub use self::file_store::FileStore;
pub use self::key::MailboxKey;
use self::ledger::Ledger;
pub use self::ledger::StoredMailbox;
use self::output::{Delivery, Output, output};
#[cfg(feature = "store")]
pub(crate) use self::plan::{Before, Difference, Found, Pace, Plan};
pub use self::progress::{WatchStatus, WatchStatusReceiver};
use self::selection::{Selection, Which};
use self::shared::Shared;
pub use self::store::{MemoryStore, StateStore, StoreFuture};
use self::task::WatchTask;
pub use self::watcher::{AccountChanges, Watcher};
use super::Account;
use super::queue::queue;
use super::tasks::TaskHandle;
use crate::command::Items;
use crate::error::{Error, Result};
use crate::types::{MailboxName, SpecialUse, composed};

/// How many changes wait for the program.
const MAX_CHANGES: usize = 1024;
/// How many notes wait for the watch's task.
const MAX_NOTES: usize = 256;
/// The same of both where messages come with them.
const MAX_MESSAGES: usize = 64;

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
    selection: Selection,
    followed: Vec<MailboxName>,
    interval: Duration,
    compare_flags: Duration,
    flags: bool,
    items: Option<Items>,
    from_start: bool,
    max_unacknowledged: usize,
}

impl Watch {
    fn of(which: Which) -> Self {
        Self {
            selection: Selection::new(which),
            followed: Vec::new(),
            interval: Duration::from_secs(60),
            compare_flags: Duration::from_secs(15 * 60),
            flags: true,
            items: None,
            from_start: false,
            max_unacknowledged: 65_536,
        }
    }

    /// All mailboxes of the account; INBOX is followed as it changes.
    pub fn all() -> Self {
        Self { followed: vec!["INBOX".into()], ..Self::of(Which::All) }
    }

    /// These mailboxes; the first one is followed as it changes.
    pub fn mailboxes<N: Into<MailboxName>>(names: impl IntoIterator<Item = N>) -> Self {
        let names: Vec<MailboxName> = names.into_iter().map(Into::into).collect();
        let followed = names.first().cloned().into_iter().collect();
        Self { followed, ..Self::of(Which::Names(names.into_iter().collect())) }
    }

    /// The mailboxes whose names fit one of these patterns, in which `*` stands for anything, `%`
    /// for anything within one level of names. INBOX is followed as it changes if it is one of
    /// them, else one that is found.
    ///
    /// ```
    /// # use imap_duplex::account::Watch;
    /// let watch = Watch::matching(["Lists/*", "Work/%"]).or(Watch::mailboxes(["INBOX"])).follow("INBOX");
    /// # let _ = watch;
    /// ```
    pub fn matching<P: Into<String>>(patterns: impl IntoIterator<Item = P>) -> Self {
        let patterns = patterns.into_iter().map(|pattern| composed(&pattern.into()).into_owned());
        Self::of(Which::Patterns(patterns.collect()))
    }

    /// The mailboxes that serve one of these uses, as the server says by SPECIAL-USE (RFC 6154) or
    /// XLIST: on one that has neither there are none. One of them is followed as it changes.
    ///
    /// ```
    /// # use imap_duplex::account::Watch;
    /// # use imap_duplex::types::SpecialUse;
    /// let watch = Watch::special_use([SpecialUse::Sent, SpecialUse::Archive]);
    /// # let _ = watch;
    /// ```
    pub fn special_use(uses: impl IntoIterator<Item = SpecialUse>) -> Self {
        Self::of(Which::Uses(uses.into_iter().collect()))
    }

    /// The mailboxes to which the user has subscribed. INBOX is followed as it changes if it is one
    /// of them, else one that is found.
    pub fn subscribed() -> Self {
        Self::of(Which::Subscribed)
    }

    /// And the mailboxes of this watch, of which nothing else counts.
    pub fn or(mut self, other: Self) -> Self {
        self.selection.or(other.selection);
        self
    }

    /// And this mailbox stays selected on a connection of its own, so that its changes are
    /// delivered at once, if it is one of those that are watched. It takes one of
    /// [`Policy::max_connections`](super::Policy), of which all watches of the account together
    /// leave one; the watch that comes too late finds changes by comparing counts. The only one
    /// follows the first of these mailboxes as long as no one else wants it, and is taken back once
    /// in five seconds at most.
    pub fn follow(mut self, mailbox: impl Into<MailboxName>) -> Self {
        let mailbox = mailbox.into();
        if !self.followed.contains(&mailbox) {
            self.followed.push(mailbox);
        }
        self
    }

    /// How often the counts of all mailboxes are compared. A minute. Mailboxes that differ are
    /// looked into at once, and so is what NOTIFY reports; as long as it has reported all that was
    /// found by comparing, that is done five times more rarely.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval.max(Duration::from_secs(1));
        self
    }

    /// Whether flags are watched, which costs the flags of all messages at the first look into a
    /// mailbox. They are by default.
    pub fn flags(mut self, flags: bool) -> Self {
        self.flags = flags;
        self
    }

    /// How often the flags of all messages are compared in mailboxes that are not followed and for
    /// which the server keeps no mod-sequences (CONDSTORE), or whose mod-sequences have been seen
    /// to stand still while a count changed; if that happens again, of all mailboxes. A quarter of
    /// an hour. Their count of unseen messages shows more often that something has changed, but no
    /// other flag does. A mailbox that is followed and of which the server does not say the counts
    /// is compared as often.
    pub fn compare_flags(mut self, interval: Duration) -> Self {
        self.compare_flags = interval.max(Duration::from_secs(1));
        self
    }

    /// What is fetched of each message that arrives: it comes with
    /// [`Arrived`](ChangeKind::Arrived). A message that the server lists but does not send is not
    /// delivered, is not acknowledged with what follows it, and is asked for again after the next
    /// sweep. Some megabytes of such messages are in memory at
    /// most, or one that is larger.
    ///
    /// ```
    /// # use imap_duplex::account::Watch;
    /// # use imap_duplex::command::Items;
    /// let watch = Watch::all().items(Items::envelope().flags());
    /// # let _ = watch;
    /// ```
    pub fn items(mut self, items: Items) -> Self {
        self.items = Some(items);
        self
    }

    /// Whether messages that are there when the watch begins for the first time are delivered as
    /// [`Arrived`](ChangeKind::Arrived). They are not by default; nor are those of mailboxes that
    /// the watch of the last run did not name, and this one does, or that were there and come to be
    /// watched while it runs, as by a subscription.
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
    /// in a mailbox that is not followed are found to have changed by HIGHESTMODSEQ; where the
    /// server has none, by the count of unseen messages, else each [`Watch::compare_flags`].
    ///
    /// Where the server has NOTIFY, it is asked for on the connection of a mailbox that is
    /// followed, for those that are watched, and what it reports is looked into at once. It is not
    /// relied upon: sweeps go on.
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
        let shared = begin(self, store).await?;
        let bound = if watch.items.is_some() { MAX_MESSAGES } else { MAX_CHANGES };
        let (output, next) = output(bound);
        watch.spawn(self.clone(), shared.clone(), output);
        Ok(Changes { next, failed: None, shared })
    }
}

impl Watch {
    /// Begins, on this account.
    fn spawn(self, account: Account, shared: Arc<Shared>, output: Output) -> TaskHandle {
        let bound = if self.items.is_some() { MAX_MESSAGES } else { MAX_NOTES };
        let tasks = account.tasks().clone();
        tasks.spawn(Box::new(WatchTask::new(account, self, shared, output, queue(Some(bound)))).run())
    }
}

/// What is known from earlier runs.
async fn begin(account: &Account, store: impl StateStore) -> Result<Arc<Shared>> {
    let stored = store.load().await.map_err(not_loaded)?;
    let selection = store.load_selection().await.map_err(not_loaded)?;
    Ok(Shared::new(Ledger::load(account.identity(), stored), Box::new(store), selection))
}

fn not_loaded(error: std::io::Error) -> Error {
    Error::new(crate::error::ErrorKind::Invalid, "the state of the watch could not be read").because(error)
}

/// The changes of an account; from [`Account::watch`]. Dropping it ends the watch.
pub struct Changes {
    next: mpsc::Receiver<Delivery>,
    /// What comes after a batch that has been returned.
    failed: Option<Error>,
    shared: Arc<Shared>,
}

impl Changes {
    /// The next change, or an error that keeps the watch from going on for now. `None` once the
    /// account has ended. Cancel-safe.
    pub async fn next(&mut self) -> Option<Result<Change>> {
        match self.failed.take() {
            Some(error) => Some(Err(error)),
            None => {
                let (_, change) = self.next.recv().await?.open();
                self.shared.progress.read();
                Some(change)
            }
        }
    }

    /// How far the watch is, now and later: whether all mailboxes are in step, as after the start
    /// or after a lost connection. For the same of one mailbox there is
    /// [`InStep`](ChangeKind::InStep) among the changes.
    ///
    /// ```no_run
    /// # async fn example(account: imap_duplex::account::Account) -> imap_duplex::Result<()> {
    /// use imap_duplex::account::{MemoryStore, Watch};
    /// let mut changes = account.watch(Watch::all(), MemoryStore::new()).await?;
    /// let status = changes.status();
    /// tokio::spawn(async move {
    ///     if status.in_step().await {
    ///         println!("all {} mailboxes are up to date", status.now().mailboxes);
    ///     }
    /// });
    /// while let Some(change) = changes.next().await {
    ///     changes.ack(&change?).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn status(&self) -> WatchStatusReceiver {
        WatchStatusReceiver::new(&self.shared.progress)
    }

    /// The next change, and those that are there already, up to `max` together; else as
    /// [`next`](Self::next). Cancel-safe.
    ///
    /// ```no_run
    /// # async fn example(mut changes: imap_duplex::account::Changes) -> imap_duplex::Result<()> {
    /// while let Some(batch) = changes.next_many(500).await {
    ///     let batch = batch?;
    ///     // one transaction for all of it
    ///     changes.ack_all(&batch).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn next_many(&mut self, max: usize) -> Option<Result<Vec<Change>>> {
        let mut batch = match self.next().await? {
            Ok(first) => vec![first],
            Err(error) => return Some(Err(error)),
        };
        while batch.len() < max {
            let Ok(delivery) = self.next.try_recv() else { break };
            self.shared.progress.read();
            match delivery.open().1 {
                Ok(change) => batch.push(change),
                Err(error) => {
                    self.failed = Some(error);
                    break;
                }
            }
        }
        Some(Ok(batch))
    }

    /// Acknowledges this change, and all that were delivered before it in its mailbox: none of them
    /// is delivered again. Other mailboxes are not affected; acknowledging what was acknowledged
    /// does nothing. A change of an earlier run, which a program may have stored, acknowledges
    /// nothing: it is delivered again. It returns once the store has it. Cancel-safe; dropped too
    /// early it is stored with the next one.
    ///
    /// # Errors
    /// If it could not be stored; then it may be delivered again after a restart, unless the next
    /// acknowledgement, or this one once more, is stored.
    pub async fn ack(&self, change: &Change) -> Result<()> {
        self.ack_all(std::slice::from_ref(change)).await
    }

    /// Acknowledges each of these changes, as [`ack`](Self::ack) does, and stores each mailbox
    /// once.
    ///
    /// # Errors
    /// If they could not be stored; then some may be delivered again after a restart.
    pub async fn ack_all(&self, changes: &[Change]) -> Result<()> {
        self.shared.acknowledge(changes.iter().map(Change::place)).await
    }

    /// Acknowledges the change that stands there, as [`ack`](Self::ack) does.
    ///
    /// # Errors
    /// As [`ack`](Self::ack).
    pub async fn ack_to(&self, cursor: &Cursor) -> Result<()> {
        self.shared.acknowledge([cursor.place()]).await
    }
}

impl Drop for Changes {
    fn drop(&mut self) {
        // The task may wait for an acknowledgement.
        self.next.close();
        self.shared.progress.end();
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
