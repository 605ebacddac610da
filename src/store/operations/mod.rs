//! What the user did: applied to the rows at once, queued in the file, sent when there is a
//! connection.
//!
//! ```text
//!   queued ──> sending (marked before the first byte is written) ──> done: the row goes with what it changed
//!     ^           │ connection lost, crash: in doubt                └─> sent (flags): until a look shows it
//!     │           └──> found at the server: done
//!     └───────────────── not found: again
//!   queued ──> parked: refused for good; listed, retried, dropped
//! ```
//!
//! What a user sees of a message is what the server has, with all operations on it in their order
//! (`overlay`). So an operation that ends, is dropped, or meets other changes needs no undoing: the
//! message is put together again.
//!
//! In: calls of the user. Out: commands, each sent once.

mod create;
mod doubt;
mod executor;
mod list;
mod overlay;
mod queue;
mod relink;
mod schedule;
mod send;
mod trash;

use serde::{Deserialize, Serialize};

pub use self::create::NewMessage;
pub(super) use self::doubt::renames_in_doubt;
pub(super) use self::executor::Executor;
pub use self::list::{OperationState, PendingOperation};
pub(super) use self::overlay::{
    all_sent, drop_of_message, finish_sent, is_moving, is_target, mailboxes_of_sent, restore, sent, shown,
    unsent,
};
pub(super) use self::relink::{detach, give_up, relink, waiting};
use super::ids::MessageId;
use crate::types::{Flags, Uid, UidValidity};

/// What the user did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// Flags of a message were set and cleared.
    #[non_exhaustive]
    Flags {
        /// Those that it lacked.
        add: Flags,
        /// Those that it had.
        remove: Flags,
    },
    /// A message was moved to the target.
    Move,
    /// A message was copied to the target.
    #[non_exhaustive]
    Copy {
        /// The message that was copied.
        source: MessageId,
    },
    /// A message was deleted for good.
    Expunge,
    /// Another message was written in place of this one, which is deleted for good once that is at
    /// the server.
    #[non_exhaustive]
    Replaced {
        /// The message that was written.
        by: MessageId,
    },
    /// A message was written into the target.
    #[non_exhaustive]
    Append {
        /// Its flags.
        flags: Flags,
        /// When it was written, in seconds since 1970.
        date: i64,
    },
    /// A mailbox was made.
    #[non_exhaustive]
    Create {
        /// Its name then. It may have been renamed since, by an operation of its own.
        name: String,
    },
    /// A mailbox was renamed.
    #[non_exhaustive]
    Rename {
        /// Its new name.
        to: String,
    },
    /// A mailbox was deleted.
    Delete,
}

/// What was noted before an operation was sent, by which its effect is recognised afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// The target, before: what arrives there later has this UID or a higher one.
    uid_next: Uid,
    uid_validity: Option<UidValidity>,
}
