//! A connected client, as the test sees it.

use bytes::Bytes;

use super::responder::Urgent;
use super::world::{Line, SessionId, Shared};
use crate::types::MailboxName;

/// A client that is connected, from [`Server::sessions`](super::Server::sessions); what it tells is
/// of the moment. Once the client is gone it tells nothing and does nothing.
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

    /// A number that no other session of this server has had.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Whether it is still connected.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.with(|_| ()).is_some()
    }

    /// Who has logged in.
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

    /// Whether it is under TLS.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.with(|line| line.secure).unwrap_or(false)
    }

    /// Says these octets to it at once, whatever it is doing; only a [`delay`](super::Hook::delay)
    /// is waited for.
    pub fn say(&self, bytes: impl Into<Bytes>) {
        self.with(|line| line.push_urgent(Urgent::Raw(bytes.into())));
    }

    /// Ends it with a BYE of these words; a [`delay`](super::Hook::delay) is waited for, other than
    /// by [`cut`](Self::cut).
    pub fn bye(&self, text: &str) {
        self.with(|line| line.push_urgent(Urgent::Bye(text.to_owned())));
    }

    /// Ends it without a word.
    pub fn cut(&self) {
        self.with(|line| {
            line.cut = true;
            line.wake();
        });
    }
}
