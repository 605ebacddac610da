//! The sending half: `submit`, `raw`, and a method for each command about mailboxes that need not
//! be selected. Session commands are in `sender_session.rs`, APPEND one by one in
//! `sender_messages.rs`, quotas, rights and annotations in `administration.rs`.
//!
//! In: arguments. Out: a token at once; the command is submitted by `submit`.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;

use super::submit::submit;
use super::{Handle, Select, Stats, Submit, Token};
use crate::command::{
    Append, AppendAll, Create, Delete, List, Notify, Raw, Rename, StatusCommand, StatusItems, Subscribe,
};
use crate::engine::{Scope, Shared};
use crate::error::Result;
use crate::types::{Capabilities, MailboxName};

/// The half that submits commands. Cheap to clone; any number of tasks may hold one.
///
/// Each method registers its command and returns its [`Token`] at once, without waiting for the
/// network. Commands are sent in the order of the calls, many in flight at a time where IMAP allows
/// it. If a command can't be submitted (the connection has ended, too many are queued), its token
/// fails.
///
/// The token of any command can fail with [`No`](crate::ErrorKind::No) and
/// [`Bad`](crate::ErrorKind::Bad) as the server's answer, with [`Closed`](crate::ErrorKind::Closed)
/// as the connection ends, with [`Protocol`](crate::ErrorKind::Protocol) or
/// [`Incomplete`](crate::ErrorKind::Incomplete) for an answer that can't be used; and, unsent, with
/// [`QueueFull`](crate::ErrorKind::QueueFull), [`Invalid`](crate::ErrorKind::Invalid) or
/// [`Unsupported`](crate::ErrorKind::Unsupported). Methods list only failures beyond these.
///
/// ```no_run
/// # async fn example(imap: imap_duplex::Sender) -> imap_duplex::Result<()> {
/// let folders = imap.list("*");
/// let drafts = imap.status("Drafts", imap_duplex::command::StatusItems::counts());
/// // Both are under way; one round trip serves both.
/// println!("{} folders, {:?} drafts", folders.await?.len(), drafts.await?.messages);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Sender {
    handle: Arc<Handle>,
    /// The lease through which it submits.
    scope: Option<Arc<Scope>>,
}

impl Sender {
    pub(crate) fn new(handle: Arc<Handle>) -> Self {
        Self { handle, scope: None }
    }

    /// The same connection, through this lease.
    #[cfg(feature = "account")]
    pub(crate) fn in_scope(&self, scope: Arc<Scope>) -> Self {
        Self { handle: self.handle.clone(), scope: Some(scope) }
    }

    /// Submits a command that another connection of the account has left.
    #[cfg(feature = "account")]
    pub(crate) fn take_over(&self, moving: crate::engine::Moving) {
        super::submit::take_over(self, moving, None);
    }

    /// Whether the connection has ended.
    #[cfg(feature = "account")]
    pub(crate) fn is_closed(&self) -> bool {
        self.handle.shared.closed().is_some()
    }

    /// The lease through which it submits.
    pub(super) fn scope(&self) -> Option<&Arc<Scope>> {
        self.scope.as_ref()
    }

    pub(super) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// What it shares with the driver.
    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.handle.shared
    }

    /// Submits a command: one of the library's, or one of your own. Message commands belong to
    /// [`Mailbox::submit`](super::Mailbox::submit).
    ///
    /// ```no_run
    /// # use imap_duplex::command::List;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let folders = imap.submit(List::new("*")).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn submit<S: Submit>(&self, command: S) -> Token<S> {
        submit(self, command, None)
    }

    /// Submits a line of your own, without its tag: `GETQUOTAROOT INBOX`. It waits until nothing
    /// else is in flight. Lines that would change the session behind the library's back are
    /// refused.
    ///
    /// ```no_run
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let answer = imap.raw("GETQUOTAROOT INBOX").await?;
    /// println!("{answer:?}");
    /// # Ok(())
    /// # }
    /// ```
    pub fn raw(&self, line: impl Into<String>) -> Token<Raw> {
        self.submit(Raw::new(line))
    }

    /// Waits until there is room for another command
    /// ([`Limits::commands`](crate::types::Limits::commands)).
    ///
    /// The room is not reserved: another task may take it first, and then the next submission fails
    /// after all.
    ///
    /// Cancel safe: nothing is lost if it is dropped.
    ///
    /// ```no_run
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// for uid in 1..100_000 {
    ///     imap.ready().await?; // waits while the queue is full
    ///     imap.noop().detach();
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If the connection has ended.
    pub async fn ready(&self) -> Result<()> {
        poll_fn(|cx| self.shared().poll_ready(cx)).await
    }

    /// How many commands wait or are in flight.
    ///
    /// ```no_run
    /// # fn example(imap: &imap_duplex::Sender) {
    /// println!("{} commands are queued or in flight", imap.in_flight());
    /// # }
    /// ```
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.shared().in_flight()
    }

    /// What the connection has done so far, and what waits in it.
    ///
    /// ```no_run
    /// # fn example(imap: &imap_duplex::Sender) {
    /// let stats = imap.stats();
    /// println!("{} bytes received in {} responses", stats.bytes_received, stats.responses);
    /// # }
    /// ```
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats::of(self.shared())
    }

    /// The server's capabilities, as it last reported them.
    ///
    /// ```no_run
    /// # fn example(imap: &imap_duplex::Sender) {
    /// println!("{:?}", imap.capabilities());
    /// # }
    /// ```
    #[must_use]
    pub fn capabilities(&self) -> Capabilities {
        self.shared().capabilities()
    }

    /// Selects a mailbox: `SELECT` (RFC 9051 section 6.3.2). Gives a [`Mailbox`](super::Mailbox);
    /// [`Token::mailbox`] gives it before the server has answered.
    ///
    /// A connection has one mailbox selected at a time: handles on the one before end.
    ///
    /// ```no_run
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let inbox = imap.select("INBOX").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn select(&self, what: impl Into<Select>) -> Token<Select> {
        self.submit(what.into())
    }

    /// Selects a mailbox for reading alone: `EXAMINE` (RFC 9051 section 6.3.3).
    ///
    /// ```no_run
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let archive = imap.examine("Archive").await?; // read-only
    /// # Ok(())
    /// # }
    /// ```
    pub fn examine(&self, mailbox: impl Into<MailboxName>) -> Token<Select> {
        self.submit(Select::new(mailbox).read_only())
    }

    /// Which mailboxes (folders) there are: `LIST` (RFC 9051 section 6.3.9). `"*"` asks for all,
    /// `"%"` for those at the top, `"Archive/*"` for those below one, where `/` is the server's
    /// [delimiter](crate::types::ListEntry::delimiter). [`List`] has what to select by, and what to
    /// report of each: counts, special uses, rights.
    ///
    /// ```no_run
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// for mailbox in imap.list("*").await? {
    ///     println!("{}", mailbox.name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list(&self, what: impl Into<List>) -> Token<List> {
        self.submit(what.into())
    }

    /// Counts of a mailbox that need not be selected: `STATUS` (RFC 9051 section 6.3.11).
    ///
    /// ```no_run
    /// # use imap_duplex::command::StatusItems;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let status = imap.status("Archive", StatusItems::new().messages().unseen()).await?;
    /// println!("{:?} unseen", status.unseen);
    /// # Ok(())
    /// # }
    /// ```
    pub fn status(&self, mailbox: impl Into<MailboxName>, items: StatusItems) -> Token<StatusCommand> {
        self.submit(StatusCommand::new(mailbox, items))
    }

    /// Adds a message to a mailbox: `APPEND` (RFC 9051 section 6.3.12), from memory, or from a
    /// reader or a stream ([streamed uploads](Append#streamed-uploads)). It is stored, not sent to
    /// anyone. The message is a whole one, as in a file `.eml`: header fields, an empty line, the
    /// text, each line with CR LF at its end. [`Append`] has its flags and its date.
    ///
    /// ```no_run
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let message = "From: alice@example.org\r\nSubject: Lunch\r\n\r\nAt one?\r\n";
    /// let appended = imap.append("Drafts", message).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn append(&self, to: impl Into<MailboxName>, message: impl Into<Append>) -> Token<Append> {
        self.submit(message.into().to(to))
    }

    /// Puts several messages into a mailbox, all or none. Needs MULTIAPPEND (RFC 3502); without it
    /// there is [`append_each`](Self::append_each). See [`AppendAll`].
    ///
    /// ```no_run
    /// # async fn example(imap: imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let two = ["Subject: one\r\n\r\n1\r\n", "Subject: two\r\n\r\n2\r\n"];
    /// for appended in imap.append_all("Archive", two).await? {
    ///     println!("stored as {:?}", appended.uid);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "MULTIAPPEND")]
    pub fn append_all<A: Into<Append>>(
        &self,
        to: impl Into<MailboxName>,
        messages: impl IntoIterator<Item = A>,
    ) -> Token<AppendAll> {
        self.submit(AppendAll::new(to, messages))
    }

    /// Makes a mailbox: `CREATE` (RFC 9051 section 6.3.4). One for a special use:
    /// [`Create::for_use`].
    ///
    /// ```no_run
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// imap.create("Archive/2026").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn create(&self, mailbox: impl Into<Create>) -> Token<Create> {
        self.submit(mailbox.into())
    }

    /// Removes a mailbox with all its messages: `DELETE` (RFC 9051 section 6.3.5).
    ///
    /// ```no_run
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// imap.delete("Archive/2019").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn delete(&self, mailbox: impl Into<MailboxName>) -> Token<Delete> {
        self.submit(Delete::new(mailbox))
    }

    /// Gives a mailbox another name: `RENAME` (RFC 9051 section 6.3.6).
    ///
    /// ```no_run
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// imap.rename("Archive", "Old").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn rename(&self, from: impl Into<MailboxName>, to: impl Into<MailboxName>) -> Token<Rename> {
        self.submit(Rename::new(from, to))
    }

    /// Adds a mailbox to the user's subscriptions: `SUBSCRIBE` (RFC 9051 section 6.3.7).
    ///
    /// ```no_run
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// imap.subscribe("Archive").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn subscribe(&self, mailbox: impl Into<MailboxName>) -> Token<Subscribe> {
        self.submit(Subscribe::new(mailbox))
    }

    /// Removes a mailbox from the user's subscriptions: `UNSUBSCRIBE` (RFC 9051 section 6.3.8).
    ///
    /// ```no_run
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// imap.unsubscribe("Archive").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn unsubscribe(&self, mailbox: impl Into<MailboxName>) -> Token<Subscribe> {
        self.submit(Subscribe::unsubscribe(mailbox))
    }

    /// Asks the server to report changes of other mailboxes too, at any time: `NOTIFY` (RFC 5465).
    /// The reports are events; the result is the counts that [`Notify::status`] asks for. Needs
    /// NOTIFY.
    ///
    /// The request holds for the connection, whichever mailbox is selected, until the next one. The
    /// selected mailbox is reported as before, unless [`Notify::selected`] says otherwise, and
    /// automatic IDLE continues. Servers don't report what changed in a mailbox before it was
    /// deselected: the client then asks for its STATUS, and reports a difference as an event. If
    /// the server gives up ([`NotificationsLost`](crate::types::EventKind::NotificationsLost)), the
    /// client sends the request again.
    ///
    /// The token fails with [`Unsupported`](crate::ErrorKind::Unsupported) if the server has no
    /// NOTIFY, with [`Invalid`](crate::ErrorKind::Invalid) if the request breaks the rules of RFC
    /// 5465 sections 5 and 6, both unsent; and with [`No`](crate::ErrorKind::No) if the server does
    /// not support that event ([`Code::BadEvent`](crate::types::Code::BadEvent) lists those that it
    /// does) or has too much to do
    /// ([`Code::NotificationOverflow`](crate::types::Code::NotificationOverflow)). The earlier
    /// request then still holds.
    ///
    /// ```no_run
    /// # async fn example(imap: imap_duplex::Sender, mut events: imap_duplex::Receiver) -> imap_duplex::Result<()> {
    /// use imap_duplex::command::{Notify, NotifyEvent};
    /// use imap_duplex::types::EventKind;
    ///
    /// let watch = Notify::set().personal(NotifyEvent::MESSAGES).personal(NotifyEvent::MAILBOXES);
    /// for status in imap.notify(watch.status()).await? {
    ///     println!("{} has {:?} messages", status.name, status.messages);
    /// }
    /// while let Some(event) = events.next().await {
    ///     match &event.kind {
    ///         EventKind::Status(now) => println!("{} has {:?} messages now", now.name, now.messages),
    ///         other => println!("{event} ({other:?})"),
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn notify(&self, what: Notify) -> Token<Notify> {
        self.submit(what)
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("in_flight", &self.in_flight()).finish()
    }
}
