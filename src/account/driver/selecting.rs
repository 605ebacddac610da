//! What makes a connection ready for a wish for a mailbox: SELECT, or a look at what is selected.
//!
//! In: a wish, the connection that serves it. Out: the mailbox or an error, as a message to the
//! account's task.

use std::sync::Arc;

use super::AccountDriver;
use crate::account::connection::Events;
use crate::account::message::Message;
use crate::account::pool::{ConnectionId, WishId};
use crate::client::{Mailbox, Select, Sender};
use crate::engine::Scope;
use crate::error::ErrorKind;

impl AccountDriver {
    /// Selects a mailbox for this wish.
    pub(super) fn select(
        &self,
        id: ConnectionId,
        wish: WishId,
        sender: Sender,
        scope: Arc<Scope>,
        select: Select,
        events: Option<Events>,
    ) {
        let (token, own) = (sender.select(select), self.own.clone());
        self.tasks.spawn(async move {
            let result = token.await;
            // Without the account's task no one waits any more.
            _ = own.send(Message::Selected(id, wish, scope, events, result));
        });
    }

    /// Asks what has come into a mailbox that is selected already. Until a server has reported a
    /// message in this session, commands by its UID pass over it and are answered OK; and another
    /// connection of the account may know it. Awaited, since servers may look for what is new only
    /// behind all that was sent together; and not by the lease, whose unsent commands go on through
    /// another connection when this one ends.
    pub(super) fn look(
        &self,
        id: ConnectionId,
        wish: WishId,
        connection: &Sender,
        mailbox: Mailbox,
        scope: Arc<Scope>,
    ) {
        let (token, own) = (connection.noop(), self.own.clone());
        self.tasks.spawn(async move {
            let result = match token.await {
                Err(error) if error.kind() == ErrorKind::Closed => Err(error),
                _ => Ok(mailbox),
            };
            _ = own.send(Message::Selected(id, wish, scope, None, result));
        });
    }
}
