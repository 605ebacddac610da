//! What the halves and the engine share: commands that were submitted, and where their results go.
//!
//! ```text
//!   Sender, Mailbox ── submission ──> shared (queue, tag table) ──> Engine
//!   Token, Rows     <── slot <──────────────────────────────────────┘
//!   Mailbox         <── selection_handle (what is published of its selection)
//! ```
//!
//! In: commands of any task, internal commands of the engine. Out: submissions in the order of the
//! calls; results, errors, the causes of ends. Each lock is held for a few moves, never across I/O,
//! a wake or a user's code.

pub(in crate::engine) mod end_cause;
pub(in crate::engine) mod ended;
pub(in crate::engine) mod internal;
mod overrun;
pub(in crate::engine) mod query;
pub(in crate::engine) mod selection_handle;
pub(in crate::engine) mod shared;
pub(in crate::engine) mod slot;
pub(in crate::engine) mod subject;
