//! Keeping the file in step with the server, as long as an account is attached.
//!
//! ```text
//!   sweep (LIST, STATUS) ──> plan ──> look ──> rows and cursor, in one transaction
//!        ^    ^                └────> the followed mailbox: the same, as long as it stays selected
//!        │    └── hints, operations that were sent
//!        └── interval
//! ```
//!
//! Which mailbox differs is decided by the plan, that of
//! [`Account::watch`](crate::account::Account); what differs in it, by the view of a selection
//! (`look`). Not by the watch's stream of changes: rows, cursor, and the end of operations that a
//! snapshot shows to be done, have to be one transaction.
//!
//! In: an account. Out: rows.

mod attachment;
mod complete;
mod contents;
mod known;
mod listing;
mod look;
mod race;
mod renamed;
mod task;
mod traits;

pub use self::attachment::{Attachment, SyncPolicy};
pub(super) use self::race::{Either, is_away, race};
pub(super) use self::task::Note;
pub(super) use self::traits::traits;
