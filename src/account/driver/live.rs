//! A connection as the account's task has it, and what it makes of errors.
//!
//! In: what a connection's task reports. Out: which mailbox is selected, whether a server refuses
//! one more, a random number for pauses.

use std::sync::Arc;

use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::account::connection::Tap;
use crate::account::redial::Failure;
use crate::account::tasks::TaskHandle;
use crate::client::{Mailbox, Select, Sender};
use crate::error::{Error, ErrorKind};

/// A connection that is logged in.
pub(super) struct Live {
    pub(super) sender: Sender,
    /// The mailbox that was selected last, by a handle that keeps its selection.
    pub(super) mailbox: Option<(Select, Mailbox)>,
    pub(super) since: Instant,
    pub(super) tap: Arc<Tap>,
    pub(super) task: ConnectionTask,
}

/// Where the bytes of a connection are moved: those of one within the account's task, for most
/// accounts have no other; those of others in tasks of their own, so that several processors can
/// work at them.
pub(super) enum ConnectionTask {
    Shared(TaskHandle),
    Own(AbortHandle),
}

impl ConnectionTask {
    pub(super) fn is_shared(&self) -> bool {
        matches!(self, Self::Shared(_))
    }

    pub(super) fn abort(&self) {
        match self {
            Self::Shared(task) => task.abort(),
            Self::Own(task) => task.abort(),
        }
    }
}

impl Live {
    /// The mailbox that is selected, and how it was.
    pub(super) fn selected(&self) -> Option<&(Select, Mailbox)> {
        self.mailbox.as_ref().filter(|(_, mailbox)| !mailbox.has_ended())
    }
}

/// Whether the server is there and refuses one more connection for now.
pub(super) fn is_refusal(error: &Error, failure: Failure) -> bool {
    use ErrorKind::{Connect, Resolve, Timeout};
    matches!(failure, Failure::Later(_)) && !matches!(error.kind(), Connect | Resolve | Timeout)
}

pub(super) fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the account has been shut down")
}

/// A random number from 0 to 1, for pauses.
pub(super) fn random() -> f64 {
    use std::hash::{BuildHasher as _, RandomState};
    let bits = u32::try_from(RandomState::new().hash_one(0_u8) >> 32).unwrap_or(u32::MAX);
    f64::from(bits) / f64::from(u32::MAX)
}
