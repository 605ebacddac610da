//! The rows of the tables: one file a subject, with its statements.
//!
//! In: a transaction. Out: rows read and written within it. No clock, no network, no async.

mod batch;
pub(super) mod content;
pub(super) mod flags;
pub(super) mod mailbox;
mod many;
pub(super) mod message;
mod thread;
