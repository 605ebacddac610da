//! A store: the mailboxes of accounts in one file on this machine, in step with the server, and
//! usable without it (feature `store`).
//!
//! A mail client shows lists at once, searches without the network, and never loses what its user
//! did there. The store is a mirror of an [`Account`](crate::account::Account) in SQLite, with a
//! queue of what the user did meanwhile.
//!
//! ```text
//!   server <── Account ── leases ──> sync ──┐                        ┌──> pages, bodies, search
//!                                           ├──> one writer ──> file ┤
//!   the user's operations ──────────────────┘                        └──> changes
//! ```
//!
//! In: an account, a user's operations. Out: rows that are as the server's at a moment that has
//! been; what the user did on top of them.

mod bodies;
mod connection;
mod database;
mod error;
#[cfg(test)]
mod full;
mod handle;
mod ids;
mod migrate;
mod operations;
mod owner;
mod read;
mod rebuild;
mod rows;
mod schema;
mod structure;
mod sync;
mod writer;

pub use self::bodies::{BodyPolicy, StoredBody};
pub use self::error::{StoreError, StoreErrorKind, StoreResult};
pub use self::handle::Store;
pub use self::ids::{AccountId, MailboxId, MessageId, OperationId};
pub use self::operations::{Action, NewMessage, OperationState, PendingOperation};
pub use self::read::{
    AccountProgress, Conversation, ConversationMessage, JoinedHits, JoinedSearch, LocalMailbox, LocalSearch,
    MailboxInfo, MessageSummary, NotSearched, Page, PageBy, PageCursor, StoreChange, StoreChanges,
    StoreStatus,
};
pub use self::rebuild::Rebuilt;
pub use self::rows::content::{PartSummary, People, Person};
pub use self::sync::{Attachment, SyncPolicy};
