//! The handle of an account, as a user holds it.
//!
//! In: a user's calls. Out: messages to the account's task, and what it answers.

use std::fmt;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;

#[cfg(feature = "store")]
use super::AccountState;
use super::connection::Events;
use super::driver::{AccountDriver, Parts};
use super::latest::{Latest, LatestReader};
use super::message::{Message, MessageSender, Want};
use super::pool::WishId;
use super::queue::queue;
use super::status::{Published, Wakes};
use super::tasks::Tasks;
use super::{Connector, DialRequest, MailboxLease, Policy, SessionLease, StatusReceiver, Traffic};
use crate::client::Select;
use crate::error::{Error, ErrorKind, Result};
use crate::net::Config;

/// A user's account at a server: connections are made when they are wanted, and leased. Cheap to
/// clone.
///
/// When the last handle is dropped, the account ends as by [`shutdown`](Self::shutdown) without a
/// limit: leases that are still held go on until they are dropped.
///
/// ```no_run
/// # async fn example() -> imap_duplex::Result<()> {
/// use imap_duplex::{Config, account::Account, command::Search};
///
/// let account = Account::new(Config::new("imap.example.org").login("alice", "secret"));
/// let inbox = account.mailbox("INBOX").await?; // dials, logs in, selects
/// println!("{} unseen", inbox.search(Search::unseen()).await?.len());
/// drop(inbox); // the connection stays for the next one
/// let folders = account.session().await?.list("*").await?;
/// # let _ = folders;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Account {
    handle: Arc<AccountHandle>,
}

/// When the last one is dropped, the account ends.
struct AccountHandle {
    messages: MessageSender,
    published: LatestReader<Published>,
    next_wish: AtomicU64,
    /// How many connections stay with mailboxes.
    stays: AtomicUsize,
    tasks: Tasks,
    identity: Arc<str>,
}

impl Drop for AccountHandle {
    fn drop(&mut self) {
        // It may have ended already.
        _ = self.messages.send(Message::Shutdown(None));
    }
}

impl Account {
    /// An account with the usual [`Policy`]. Nothing is dialled yet.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self::builder(config).open()
    }

    /// An account with a policy or a connector of your own.
    ///
    /// ```no_run
    /// # fn example(config: imap_duplex::Config) {
    /// use imap_duplex::account::{Account, Policy};
    /// let mut policy = Policy::default();
    /// policy.max_connections = 1;
    /// let account = Account::builder(config).policy(policy).open();
    /// # let _ = account;
    /// # }
    /// ```
    pub fn builder(config: Config) -> AccountBuilder {
        AccountBuilder { config, policy: Policy::default(), connector: None }
    }

    /// Leases a connection on which this mailbox is selected: one that has it selected already,
    /// else an idle one, else a new one; else it waits until one comes back, in the order of the
    /// calls. Where the mailbox is selected already, the server is asked what has come meanwhile
    /// (NOOP), so that it knows there each message that any of the account's connections knows.
    ///
    /// While the server can't be reached it waits, and [`status`](Self::status) says for what; a
    /// connection that is lost before the mailbox is open is replaced. Cancel-safe: when the future
    /// is dropped, the connection serves others.
    ///
    /// # Errors
    /// If the server refuses the mailbox; if it has refused the credentials more than
    /// [`Policy::max_refusals`] times ([`Remedy::Credentials`](crate::Remedy::Credentials)); if the
    /// [`Config`] can't work ([`Remedy::Setup`](crate::Remedy::Setup)); or if the account has been
    /// shut down.
    pub async fn mailbox(&self, what: impl Into<Select>) -> Result<MailboxLease> {
        let select = Box::new(what.into());
        self.wish(|reply| Want::Mailbox(select, reply)).await
    }

    /// Leases a connection for commands that need no mailbox. Otherwise as
    /// [`mailbox`](Self::mailbox).
    ///
    /// # Errors
    /// As [`mailbox`](Self::mailbox).
    pub async fn session(&self) -> Result<SessionLease> {
        self.wish(Want::Session).await
    }

    /// The same with the events of the connection, from before the SELECT on.
    pub(crate) async fn follow(&self, select: Select) -> Result<(MailboxLease, Events)> {
        let select = Box::new(select);
        self.wish(|reply| Want::Follow(select, reply)).await
    }

    /// Its user and host.
    pub(crate) fn identity(&self) -> &str {
        &self.handle.identity
    }

    /// Changes whenever all is to be looked at again: after
    /// [`network_changed`](Self::network_changed), and when the machine has been asleep.
    pub(super) fn wakes(&self) -> Wakes {
        Wakes::new(self.handle.published.clone())
    }

    /// Whether nothing more is leased for ever.
    #[cfg(feature = "store")]
    pub(crate) fn has_ended(&self) -> bool {
        self.handle.messages.is_closed()
            || self
                .handle
                .published
                .read(|now| matches!(now.status().state, AccountState::Closing | AccountState::Closed))
    }

    /// Whether somebody waits for a connection, and all are leased.
    #[cfg(feature = "store")]
    pub(crate) fn is_short(&self) -> bool {
        self.handle.published.read(|now| {
            let now = now.status();
            now.waiting > 0 && now.leased >= now.max_connections
        })
    }

    /// How many connections stay with mailboxes, over all watches.
    pub(super) fn stays(&self) -> &AtomicUsize {
        &self.handle.stays
    }

    /// What is done for it at the same time.
    pub(super) fn tasks(&self) -> &Tasks {
        &self.handle.tasks
    }

    pub(crate) fn max_connections(&self) -> usize {
        self.handle.published.read(|now| now.status().max_connections)
    }

    async fn wish<T>(&self, want: impl FnOnce(oneshot::Sender<Result<T>>) -> Want) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        let id = WishId(self.handle.next_wish.fetch_add(1, Ordering::Relaxed));
        let withdrawal = Withdrawal { id, messages: &self.handle.messages };
        if !self.handle.messages.send(Message::Wish(id, want(reply))) {
            return Err(ended());
        }
        let result = answer.await.unwrap_or_else(|_| Err(ended()));
        drop(withdrawal);
        result
    }

    /// What the account is doing, now and later.
    ///
    /// ```no_run
    /// # async fn example(account: imap_duplex::account::Account) {
    /// let mut status = account.status();
    /// while let Some(status) = status.changed().await {
    ///     println!("{}", status.state); // waiting 12 s: could not connect to …
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn status(&self) -> StatusReceiver {
        StatusReceiver::new(self.handle.published.clone())
    }

    /// How much it has sent and received so far; nothing once it has ended. Cancel-safe.
    ///
    /// ```no_run
    /// # async fn example(account: imap_duplex::account::Account) {
    /// println!("{} kB received", account.traffic().await.bytes_received / 1000);
    /// # }
    /// ```
    pub async fn traffic(&self) -> Traffic {
        let (reply, answer) = oneshot::channel();
        _ = self.handle.messages.send(Message::Traffic(reply));
        answer.await.unwrap_or_default()
    }

    /// The network is another one, or is back: connections are checked at once by
    /// [`Sender::check`](crate::Sender::check), a pause after a failure ends, and watches look at
    /// all mailboxes. What the server asked for, and the bound of repetition, hold.
    pub fn network_changed(&self) {
        _ = self.handle.messages.send(Message::NetworkChanged);
    }

    /// The provider of [`Config::credentials`] has others to give: a parked account tries again.
    pub fn credentials_changed(&self) {
        _ = self.handle.messages.send(Message::CredentialsChanged(None));
    }

    /// Connections that are made from now on use this configuration, as with another password; a
    /// parked account tries again. The host has to be the same.
    pub fn set_config(&self, config: Config) {
        _ = self.handle.messages.send(Message::CredentialsChanged(Some(Box::new(config))));
    }

    /// Ends the account: nothing more is leased, who waits gets an error; connections log out once
    /// their leases have ended, or are cut when `limit` has passed. Returns when all have ended.
    /// Cancel-safe: the account ends all the same.
    pub async fn shutdown(&self, limit: Duration) {
        _ = self.handle.messages.send(Message::Shutdown(Some(limit)));
        let mut status = self.status();
        while status.changed().await.is_some() {}
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("status", &self.status().now()).finish_non_exhaustive()
    }
}

/// Takes a wish back, if it is still open.
struct Withdrawal<'a> {
    id: WishId,
    messages: &'a MessageSender,
}

impl Drop for Withdrawal<'_> {
    fn drop(&mut self) {
        _ = self.messages.send(Message::Withdrawn(self.id));
    }
}

/// The user and host of an account.
pub(super) fn identity(config: &Config) -> String {
    format!("{}@{}", config.get_user().unwrap_or_default(), config.get_host())
}

fn ended() -> Error {
    Error::new(ErrorKind::Closed, "the account has ended")
}

/// How an [`Account`] is made; from [`Account::builder`].
#[derive(Debug)]
#[must_use]
pub struct AccountBuilder {
    config: Config,
    policy: Policy,
    connector: Option<Connector>,
}

impl AccountBuilder {
    /// The figures by which it dials, waits and gives up.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// A way to the server of your own, dialled for each connection: through SSH, or to a
    /// [`testing::Server`](crate::testing) in virtual time. The [`Config`] decides on TLS, as with
    /// [`Config::connect_through`].
    ///
    /// ```
    /// # fn example(config: imap_duplex::Config) {
    /// use imap_duplex::account::Account;
    /// // Over a network of one's own; here it is the usual one.
    /// let account = Account::builder(config)
    ///     .connector(|to| async move { tokio::net::TcpStream::connect((to.host, to.port)).await });
    /// # let _ = account;
    /// # }
    /// ```
    pub fn connector<F, Fut, I>(mut self, dial: F) -> Self
    where
        F: Fn(DialRequest) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = io::Result<I>> + Send + 'static,
        I: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        self.connector = Some(Connector::new(dial));
        self
    }

    /// The account. Nothing is dialled until something is wanted.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn open(self) -> Account {
        let Self { config, policy, connector } = self;
        let (own, messages) = queue(None);
        let own = MessageSender(own);
        let max_connections = policy.max_connections.max(1);
        let published = Latest::new(Published::new(max_connections));
        let latest = published.reader();
        let identity = identity(&config);
        let tasks = Tasks::new();
        let (for_it, running) = (own.clone(), tasks.clone());
        let parts = Parts { config, policy, connector, messages, own: for_it, published, tasks: running };
        // It ends by itself.
        tasks.spawn(Box::new(AccountDriver::new(parts)).run());
        Account {
            handle: Arc::new(AccountHandle {
                messages: own,
                published: latest,
                next_wish: AtomicU64::new(0),
                stays: AtomicUsize::new(0),
                tasks,
                identity: identity.into(),
            }),
        }
    }
}
