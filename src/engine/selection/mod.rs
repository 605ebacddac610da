//! The selected mailbox: how a selection begins and ends, its view, and what may be claimed of it.
//!
//! In: responses about messages, the ends of SELECT, CLOSE, STORE and searches. Out: the published
//! view, events, and queries (sync) for what the view lacks.

pub(in crate::engine) mod access;
pub(in crate::engine) mod mod_sequences;
pub(in crate::engine) mod saved_search;
pub(in crate::engine) mod select;
pub(in crate::engine) mod sync;
