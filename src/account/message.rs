//! What happens to an account, as messages to its task.
//!
//! In: calls of users, ends of leases, what the tasks of connections do. Out: the same in one
//! queue.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::Traffic;
use super::connection::{Dialled, Events};
use super::lease::{MailboxLease, SessionLease};
use super::pool::{ConnectionId, WishId};
use super::queue::QueueSender;
use crate::client::{Mailbox, Select};
use crate::engine::{Moving, Scope};
use crate::error::{Error, Result};
use crate::net::Config;
use crate::types::MailboxName;

/// To the account's task. In boxes, so that the places of the queue are small.
#[derive(Clone, Debug)]
pub(super) struct MessageSender(pub(super) QueueSender<Box<Message>>);

impl MessageSender {
    /// Whether the account's task is there.
    pub(super) fn send(&self, message: Message) -> bool {
        self.0.push(Box::new(message))
    }

    /// Whether the account's task has ended.
    #[cfg(feature = "store")]
    pub(super) fn is_closed(&self) -> bool {
        self.0.is_closed()
    }
}

/// What happens to an account, for its task.
pub(super) enum Message {
    Wish(WishId, Want),
    /// Whoever wished has gone.
    Withdrawn(WishId),
    Dialled(ConnectionId, Result<Dialled>),
    /// The answer to SELECT, or to a look at what is selected, for this wish.
    Selected(ConnectionId, WishId, Arc<Scope>, Option<Events>, Result<Mailbox>),
    /// A guard was dropped.
    Returned(ConnectionId, Arc<Scope>),
    /// All that was submitted through a lease is done.
    Drained(ConnectionId),
    /// A connection ends, and these commands of its lease go on elsewhere.
    Moving(ConnectionId, Vec<Moving>),
    /// A connection has ended.
    Ended(ConnectionId, Error),
    NetworkChanged,
    /// A connection's task has found that the machine was asleep.
    Slept,
    Traffic(oneshot::Sender<Traffic>),
    CredentialsChanged(Option<Box<Config>>),
    /// Nothing more is wanted; within this time, if it is limited.
    Shutdown(Option<Duration>),
}

/// What somebody waits for.
pub(super) enum Want {
    Mailbox(Box<Select>, oneshot::Sender<Result<MailboxLease>>),
    /// With the events of the connection; always by a SELECT of its own.
    Follow(Box<Select>, oneshot::Sender<Result<(MailboxLease, Events)>>),
    Session(oneshot::Sender<Result<SessionLease>>),
}

impl Want {
    /// The mailbox in which whoever waits is to work.
    pub(super) fn mailbox(&self) -> Option<MailboxName> {
        match self {
            Self::Mailbox(select, _) | Self::Follow(select, _) => Some(select.mailbox().clone()),
            Self::Session(_) => None,
        }
    }

    pub(super) fn refuse(self, error: Error) {
        // Whoever waited may have gone.
        match self {
            Self::Mailbox(_, reply) => _ = reply.send(Err(error)),
            Self::Follow(_, reply) => _ = reply.send(Err(error)),
            Self::Session(reply) => _ = reply.send(Err(error)),
        }
    }
}
