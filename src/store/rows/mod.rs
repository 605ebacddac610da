//! The rows of the tables: one file a subject, with its statements.
//!
//! In: a transaction. Out: rows read and written within it. No clock, no network, no async.

pub(super) mod content;
pub(super) mod flags;
pub(super) mod mailbox;
pub(super) mod message;
pub(super) mod thread;
