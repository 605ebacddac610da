//! One client that is connected to the server, as a test sees it: who has logged in, what is
//! selected; and how to end the connection, or to send bytes unasked.

use bytes::Bytes;

use super::notification::Urgent;
use super::world::{Line, SessionId, Shared};
use crate::types::MailboxName;

/// A connected client, from [`Server::sessions`](super::Server::sessions). Its methods return the
/// current state; once the client has disconnected they return nothing and have no effect.
#[derive(Clone, Debug)]
pub struct SessionHandle {
    shared: Shared,
    id: SessionId,
}

impl SessionHandle {
    pub(super) fn new(shared: Shared, id: SessionId) -> Self {
        Self { shared, id }
    }

    fn with<T>(&self, look: impl FnOnce(&mut Line) -> T) -> Option<T> {
        self.shared.lock().line(self.id).map(look)
    }

    /// An identifier, unique among all sessions of this server.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Whether it is still connected.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.with(|_| ()).is_some()
    }

    /// The user who has logged in.
    #[must_use]
    pub fn user(&self) -> Option<String> {
        self.with(|line| line.user.clone()).flatten()
    }

    /// The selected mailbox.
    #[must_use]
    pub fn mailbox(&self) -> Option<MailboxName> {
        let world = self.shared.lock();
        let id = world.lines.get(&self.id)?.selected?;
        Some(world.place(id)?.1.clone())
    }

    /// Whether the connection uses TLS.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.with(|line| line.secure).unwrap_or(false)
    }

    /// Whether the connection is compressed.
    #[must_use]
    pub fn is_compressed(&self) -> bool {
        self.with(|line| line.compressed).unwrap_or(false)
    }

    /// Sends these bytes at once, whatever the session is doing; only a
    /// [`delay`](super::Hook::delay) comes first.
    pub fn say(&self, bytes: impl Into<Bytes>) {
        self.with(|line| line.push_urgent(Urgent::Raw(bytes.into())));
    }

    /// Ends the session with a BYE with this text; unlike [`cut`](Self::cut), a
    /// [`delay`](super::Hook::delay) comes first.
    pub fn bye(&self, text: &str) {
        self.with(|line| line.push_urgent(Urgent::Bye(text.to_owned())));
    }

    /// Closes the connection without a BYE.
    pub fn cut(&self) {
        self.with(|line| {
            line.cut = true;
            line.wake();
        });
    }
}
