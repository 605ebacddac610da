//! Guards of leased connections.
//!
//! In: a connection of the pool, and a scope for what is submitted through it. Out: a `Mailbox` or
//! a `Sender` to work with; when the guard is dropped, the connection goes back once all that was
//! submitted is done.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use super::message::{Message, MessageSender};
use super::pool::ConnectionId;
use crate::client::{Mailbox, Sender};
use crate::engine::Scope;

/// A connection on which a mailbox is selected, leased from an [`Account`](super::Account).
///
/// All that a [`Mailbox`] can do can be done through it. When it is dropped, what was submitted is
/// done first; then the connection serves others. Clones of the mailbox, and of its
/// [`sender`](Mailbox::sender), that are kept beyond that fail, unsent, with
/// [`SelectionEnded`](crate::ErrorKind::SelectionEnded).
///
/// # When the connection ends
///
/// Commands of which nothing had been written go on, in their order and under their tokens, on
/// another connection of the account, as soon as there is one: those that name messages by UID, if
/// the mailbox has the same UIDVALIDITY then, and those that need no mailbox. All others fail, and
/// [`Error`](crate::Error) says why: what was written, in part or whole; sequence numbers, `$`,
/// open ranges of a command that changes messages, streamed uploads, commands of your own, what is
/// about the connection itself; and what changes something behind a lost command that may have
/// changed something. [`Token::timeout`](crate::Token::timeout) limits the wait. What is submitted
/// through the lease later fails: a new lease is needed.
pub struct MailboxLease {
    mailbox: Mailbox,
    _connection: Leased,
}

impl MailboxLease {
    pub(super) fn new(mailbox: Mailbox, connection: Leased) -> Self {
        Self { mailbox, _connection: connection }
    }
}

impl Deref for MailboxLease {
    type Target = Mailbox;

    fn deref(&self) -> &Mailbox {
        &self.mailbox
    }
}

impl fmt::Debug for MailboxLease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MailboxLease").field(&self.mailbox).finish()
    }
}

/// A connection leased from an [`Account`](super::Account), for commands that need no mailbox.
///
/// When it is dropped, what was submitted is done first; then the connection serves others. Clones
/// of the sender that are kept beyond that fail, unsent, with
/// [`SelectionEnded`](crate::ErrorKind::SelectionEnded). What becomes of commands when the
/// connection ends: see [`MailboxLease`].
pub struct SessionLease {
    sender: Sender,
    _connection: Leased,
}

impl SessionLease {
    pub(super) fn new(sender: Sender, connection: Leased) -> Self {
        Self { sender, _connection: connection }
    }
}

impl Deref for SessionLease {
    type Target = Sender;

    fn deref(&self) -> &Sender {
        &self.sender
    }
}

impl fmt::Debug for SessionLease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SessionLease").field(&self.sender).finish()
    }
}

/// A connection that is in use, until this is dropped.
pub(super) struct Leased {
    pub(super) connection: ConnectionId,
    pub(super) scope: Arc<Scope>,
    pub(super) account: MessageSender,
}

impl Drop for Leased {
    fn drop(&mut self) {
        self.scope.end();
        // Without the account's task there is no pool to go back to.
        _ = self.account.send(Message::Returned(self.connection, self.scope.clone()));
    }
}
