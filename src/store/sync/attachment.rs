//! An account that is attached to a store.
//!
//! In: an account, how it is to be kept in step. Out: a guard; syncing ends with it.

use std::fmt;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::task::{Note, SyncTask};
use crate::account::Account;
use crate::store::bodies::BodyPolicy;
use crate::store::database::Durability;
use crate::store::error::{StoreError, StoreErrorKind, StoreResult};
use crate::store::handle::Store;
use crate::store::ids::AccountId;
use crate::store::rows::{mailbox, message};
use crate::types::MailboxName;

/// How an account is kept in step.
///
/// ```
/// use std::time::Duration;
/// use imap_duplex::store::SyncPolicy;
/// let policy = SyncPolicy::new().follow("INBOX").interval(Duration::from_secs(120));
/// # let _ = policy;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct SyncPolicy {
    pub(super) interval: Duration,
    pub(super) follow: Option<MailboxName>,
    pub(super) bodies: BodyPolicy,
    pub(super) repeat_after: Duration,
}

impl Default for SyncPolicy {
    fn default() -> Self {
        Self::new()
    }
}

impl SyncPolicy {
    /// All mailboxes are compared each minute, INBOX is followed as it changes, bodies are fetched
    /// when they are asked for.
    pub fn new() -> Self {
        let follow = Some(MailboxName::from("INBOX"));
        Self {
            interval: Duration::from_secs(60),
            follow,
            bodies: BodyPolicy::default(),
            repeat_after: Duration::from_secs(10),
        }
    }

    /// How often the counts of all mailboxes are compared. A minute.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// The mailbox that stays selected on a connection of its own, so that its changes are stored
    /// at once; with only one connection none is. INBOX. Another one stays followed when it is
    /// renamed, as long as the account is attached.
    pub fn follow(mut self, mailbox: impl Into<MailboxName>) -> Self {
        self.follow = Some(mailbox.into());
        self
    }

    /// None stays selected.
    pub fn follow_none(mut self) -> Self {
        self.follow = None;
        self
    }

    /// How long a server may still be at a command after its connection is lost. A message that was
    /// to be written, copied or moved then, and is not found at the server, is looked for once more
    /// after this time before that is sent again. Ten seconds. A server that takes longer does it
    /// twice.
    pub fn repeat_after(mut self, time: Duration) -> Self {
        self.repeat_after = time;
        self
    }

    /// Which bodies are fetched without being asked for.
    pub fn bodies(mut self, bodies: BodyPolicy) -> Self {
        self.bodies = bodies;
        self
    }
}

impl Store {
    /// Keeps the store in step with an account, and sends what is queued, until the
    /// [`Attachment`] is dropped. An account is known by its user and host; the store may hold
    /// several.
    ///
    /// # Errors
    /// [`ReadOnly`](StoreErrorKind::ReadOnly) if the store was opened for reading alone; if it
    /// can't be written.
    ///
    /// ```no_run
    /// # async fn example(account: imap_duplex::account::Account) -> imap_duplex::store::StoreResult<()> {
    /// use imap_duplex::store::Store;
    /// let store = Store::open("mail.store").await?;
    /// let attachment = store.attach(&account).await?;
    /// attachment.in_step().await?;
    /// for mailbox in store.mailboxes().await? {
    ///     println!("{}: {} unseen", mailbox.name, mailbox.unseen);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn attach(&self, account: &Account) -> StoreResult<Attachment> {
        self.attach_with(account, SyncPolicy::new()).await
    }

    /// The same with a policy of your own.
    ///
    /// # Errors
    /// As [`attach`](Self::attach).
    pub async fn attach_with(&self, account: &Account, policy: SyncPolicy) -> StoreResult<Attachment> {
        let identity = account.identity().to_owned();
        let job = move |file: &rusqlite::Transaction<'_>| {
            let account = mailbox::account(file, &identity)?;
            message::ask_again(file, account)?;
            Ok(account)
        };
        let account_id = self.database.write(Durability::Power, job).await?;
        let (doubts, doubted) = unbounded_channel();
        let lease = self.database.engage(account_id, account, doubts).ok_or_else(|| {
            StoreError::new(
                StoreErrorKind::Owned,
                format!("{} is attached to this store already", account.identity()),
            )
        })?;
        let (own, notes) = unbounded_channel();
        let task = SyncTask::new(
            account.clone(),
            account_id,
            self.database.clone(),
            policy,
            (own.clone(), notes),
            doubted,
        );
        let task = tokio::spawn(async move {
            let _lease = lease;
            task.run().await;
        });
        Ok(Attachment { account: AccountId(account_id), notes: own, task })
    }
}

/// An account that is kept in step; from [`Store::attach`]. When it is dropped, syncing ends, at
/// whatever point: it goes on from there the next time.
pub struct Attachment {
    account: AccountId,
    notes: UnboundedSender<Note>,
    task: JoinHandle<()>,
}

impl Attachment {
    /// Waits until all mailboxes are as they were at the server at a moment after this call, and
    /// all that was queued before is sent or parked. It waits as long as the server can't be
    /// reached, and looks again where something has failed. A mailbox that the server does not let
    /// be read is left out: its [`failure`](crate::store::MailboxInfo::failure) says why.
    /// Cancel-safe.
    ///
    /// # Errors
    /// If the account ends; why it can't be brought in step, such as
    /// [`Full`](StoreErrorKind::Full), if that has failed five times while this waited, which takes
    /// most of a minute. Syncing goes on then all the same.
    pub async fn in_step(&self) -> StoreResult<()> {
        let (reply, answer) = oneshot::channel();
        // Without the task there is no answer.
        _ = self.notes.send(Note::InStep(reply));
        answer.await.unwrap_or_else(|_| {
            Err(StoreError::new(
                StoreErrorKind::Offline,
                "the account has ended, or is not attached any more",
            ))
        })
    }

    /// Compares all mailboxes now, as after a sign that something has changed.
    pub fn sync_now(&self) {
        _ = self.notes.send(Note::SyncNow);
    }

    /// Its number in the store.
    #[must_use]
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// Ends syncing, and returns once nothing of it runs any more.
    pub async fn stop(mut self) {
        _ = self.notes.send(Note::Stop);
        _ = (&mut self.task).await;
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attachment").field("is_running", &!self.task.is_finished()).finish_non_exhaustive()
    }
}
