//! What a user interface shows: mailboxes, pages, conversations, what a search finds, what changes.
//!
//! In: questions. Out: rows of one snapshot of the file, at once, with a connection or without; but
//! a search can be joined with the servers' own.

mod changes;
mod conversation;
mod joined;
mod mailboxes;
mod page;
mod search;
mod status;

pub use self::changes::{StoreChange, StoreChanges};
pub use self::conversation::{Conversation, ConversationMessage};
pub use self::joined::{JoinedHits, JoinedSearch, NotSearched};
pub use self::mailboxes::{LocalMailbox, MailboxInfo};
pub use self::page::{MessageSummary, Page, PageBy, PageCursor};
pub use self::search::LocalSearch;
pub use self::status::{AccountProgress, StoreStatus};
